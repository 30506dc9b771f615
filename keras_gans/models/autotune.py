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

    Both rules start from the Dirac-GAN, whose discriminator psi x has its slope as its only weight
    and whose strongest pull to the equilibrium is at the critical value: gamma = 2 |f'(0)| for R1,
    weight = |f'(0)| for a gradient penalty. They scale it by curvatures c in the discriminator's
    weights D, measured once, on the first batch, by Hutchinson's estimate of a trace from random
    signs; in the Dirac-GAN c = 1. R1 and R2 hold each of the n values of ∇_x D(x) at 0:

        gamma = 2 |f'(0)| / c,   c = trace of ∇²_D 1/2 E |∇_x D(x)|², divided by n

    A gradient penalty holds one number, the norm, and at a target where the loss still pulls:

        weight = |f'(0)| p / sqrt(c),   p = |∇_D (E D(x) - E D(G(z)))|,   c = E |∇_D |∇_x D(x̂)||²

    c is the trace of ∇²_D 1/2 E (|∇_x D(x̂)| - target)² where the norm is at its target, and
    |f'(0)| p is the loss's pull on the weights, so that a norm off by 1 is drawn back twice as hard
    as the loss draws it away, as in the critical Dirac-GAN at theta = 1: at rest it is about 1/2
    above its target. For D(x) = w x it is |f'(0)| |E x - E G(z)|: since the norm has a target, the
    loss, and with it the weight, has the unit of the samples. A factor before D changes p / sqrt(c)
    little: a discriminator whose slope starts far from the target gets the same weight.

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
    with game._evaluating(Noise(0)):
        fake = game._show(game.synthesize(real, condition))
        real = game._show(real)

        def discriminate(x):
            return game.discriminate(x, condition)

        for part in parts:
            aimed = isinstance(part, penalties.GradientPenalty)
            measure = _relative_pull if aimed else _curvature
            found = measure(part, discriminate, real, fake, game.discriminator_variables)
            if not 0.0 < found < np.inf:
                raise ValueError(
                    f"the strength of {part!r} cannot be found: the curvature of the "
                    "discriminator's gradient in its weights, or the loss's pull over its root, is "
                    f"{found:.3g}, expected a positive number. Give the strength as a number."
                )
            scale = found if aimed else 2.0 / found
            part.variables[0].assign(losses.slope(game.loss) * scale / len(parts))


def _curvature(part, discriminate, real, fake, variables):
    """Return the trace of the Hessian of 1/2 E |∇D|² by the variables, per value of a sample."""
    points = part.points(real, fake, Noise(0))

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


def _relative_pull(part, discriminate, real, fake, variables):
    """Return p / sqrt(c), see `tune`."""
    points = part.points(real, fake, Noise(0))
    count = len(points)

    @tf.function(autograph=False)
    def square(weights):  # |∇ sum of weights * norms|²
        with tf.GradientTape() as tape:
            squares = penalties.squared_norm(penalties.input_gradient(discriminate, points))
            value = tf.reduce_sum(weights * tf.sqrt(squares + penalties.EPSILON))
        along = gradients(tape, value, variables)
        return _dot(along, along)

    # The mean gradient's square exactly, and the spread around it by random signs.
    rng = np.random.default_rng(0)
    spread = []
    for _ in range(DRAWS):
        signs = rng.choice(np.float32([-1.0, 1.0]), count)
        spread.append(float(square(tf.constant((signs - signs.mean()) / count**0.5))))
    c = float(square(tf.fill([count], 1.0 / count))) + np.mean(spread)
    with tf.GradientTape() as tape:
        gap = tf.reduce_mean(discriminate(real)) - tf.reduce_mean(discriminate(fake))
    pull = gradients(tape, gap, variables)
    return float(_dot(pull, pull)) ** 0.5 / c**0.5 if c > 0.0 else 0.0


def _dot(tensors, others):
    return tf.add_n([tf.reduce_sum(x * y) for x, y in zip(tensors, others, strict=True)])
