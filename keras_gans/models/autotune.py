"""The strength of a gradient penalty from the game itself: `R1("auto")`."""

import numpy as np
import tensorflow as tf

from keras_gans import losses, penalties
from keras_gans.gradients import gradients
from keras_gans.noise import Noise

BATCH = 256
DRAWS = 32  # of random signs: the trace is known to some percent


def tune(game, real, condition=None):
    """Set the automatic strengths of a game's penalty that are not set yet.

    Both rules divide the Dirac-GAN's critical value, where the pull to the equilibrium is
    strongest, by how strongly the discriminator's slopes react to its weights D: by a curvature c,
    which is 1 in the Dirac-GAN, measured once, on the first batch. R1 and R2 hold each of the n
    values of a sample's gradient at 0:

        gamma = 2 |f'(0)| / c,   c = trace of ∇²_D 1/2 E |∇_x D(x)|², divided by n

    A gradient penalty holds the norm at a target, where the loss still pulls at it. With N for the
    mean norm and p for the pull, and both taken where N is at the target:

        weight = |f'(0)| p / c,   p = |∇_D (E D(x) - E D(G(z)))|,
        N = E |∇_x D(x̂)|,   c = trace of ∇²_D 1/2 (N - target)² = |∇_D N|²

    For the Dirac-GAN with its generator at a distance of 1 that is |f'(0)|, the critical value:
    near psi = 1 its eigenvalues are -weight ± sqrt(weight² - f'(0)²). The discriminator is not
    moved to the target; its first slopes may be far too small. Scaling its weights by a takes N to
    a^L N, and p / c to a^(1 - L) p / c, so that p / c is multiplied by (N / target)^(1 - 1/L), with
    L = D·∇_D N / N by Euler's theorem: the number of layers, if they have no biases to speak of.
    With a target of 0 the weight is half of what R1 would have at these points.

    Several automatic penalties share what each would have in equal parts.

    Args:
        game: a compiled `GAN`.
        real: samples [B, ...], the first 256 of which serve.
        condition: what the dataset gives beside them.

    Raises:
        ValueError: if the curvature or the pull is not positive, as with a last layer that starts
            at zero.

    Reference: Mescheder et al., arXiv:1801.04406, section 3 and theorem 4.1, for the critical
    value; the scalings are this library's own.
    """
    parts = [
        part
        for part in game.penalty.parts()
        if part.variables and not float(tf.convert_to_tensor(part.strength))
    ]
    if not parts:
        return
    count = min(BATCH, len(real)) // game.packing * game.packing
    real = tf.convert_to_tensor(real)[:count]
    condition = None if condition is None else tf.convert_to_tensor(condition)[:count]
    variables = game.discriminator_variables
    with game._evaluating(Noise(0)):
        fake = game._show(game.synthesize(real, condition))
        real = game._show(real)

        def discriminate(x):
            return game.discriminate(x, condition)

        for part in parts:
            target = getattr(part, "target", 0.0)
            if target:
                critical, c = _at_target(
                    part.points(real, fake, Noise(0)), target, discriminate, real, fake, variables
                )
            else:
                critical = 2.0 / part.bend
                c = _curvature(part.points(real, fake, Noise(0)), discriminate, variables)
            if not (c > 0.0 and critical > 0.0):
                raise ValueError(
                    f"the strength of {part!r} cannot be found: the curvature of the "
                    f"discriminator's gradient in its weights is {c:.3g} and the loss's pull "
                    f"{critical:.3g}, expected positive numbers. Give the strength as a number."
                )
            strength = losses.slope(game.loss) * critical / c
            part.variables[0].assign(strength / len(parts))


def _curvature(points, discriminate, variables):
    """Return the trace of the Hessian of 1/2 E |∇D|² by the variables, per value of a sample.

    It is Hutchinson's estimate, from random signs.
    """

    @tf.function(autograph=False)
    def curvature(signs):  # signs · Hessian · signs, whose mean is the trace
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                squares = penalties.squared_norm(penalties.input_gradient(discriminate, points))
                value = 0.5 * tf.reduce_mean(squares)
            along = _dot(gradients(inner, value, variables), signs)
        return _dot(gradients(outer, along, variables), signs)

    rng = np.random.default_rng(0)
    found = []
    for _ in range(DRAWS):
        signs = [rng.choice(np.float32([-1.0, 1.0]), variable.shape) for variable in variables]
        found.append(float(curvature([tf.constant(sign) for sign in signs])))
    return np.mean(found) / np.prod(points.shape[1:])


def _at_target(points, target, discriminate, real, fake, variables):
    """Return p and c of `tune`, p with the factor that takes p / c to the target."""

    @tf.function(autograph=False)
    def measure():
        with tf.GradientTape(persistent=True) as tape:
            squares = penalties.squared_norm(penalties.input_gradient(discriminate, points))
            norm = tf.reduce_mean(tf.sqrt(squares + penalties.EPSILON))
            gap = tf.reduce_mean(discriminate(real)) - tf.reduce_mean(discriminate(fake))
        pull, slope = gradients(tape, gap, variables), gradients(tape, norm, variables)
        weights = [tf.convert_to_tensor(variable) for variable in variables]
        return norm, _dot(pull, pull), _dot(slope, slope), _dot(weights, slope)

    norm, pull, c, degree = map(float, measure())
    exponent = 1.0 - norm / max(degree, norm)  # L at least 1: spectral layers do not scale
    return pull**0.5 * (norm / target) ** exponent, c


def _dot(tensors, others):
    return tf.add_n([tf.reduce_sum(x * y) for x, y in zip(tensors, others, strict=True)])
