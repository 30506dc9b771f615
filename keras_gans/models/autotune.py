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

        gamma = 2 |f'(0)| / c,   c = trace of ∇²_D 1/2 E |∇_x D(x)|²,  divided by the length of x

    On the Dirac-GAN, where c = 1, gamma is the critical value: the strongest pull to the
    equilibrium. A discriminator whose slope along an axis reacts c times as strongly to its weights
    needs a c-th of it. c is measured once, on the first batch, by Hutchinson's estimate of a trace
    from random signs. A gradient penalty gets half of it; several automatic penalties share it in
    equal parts.

    Args:
        game: a compiled `GAN`.
        real: samples [B, ...], the first 256 of which serve.
        condition: what the dataset gives beside them.

    Raises:
        ValueError: if the curvature is not positive, as with a last layer that starts at zero.

    Reference: Mescheder et al., arXiv:1801.04406, section 3 and theorem 4.1, for the critical
    value; the scaling is this library's own.
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
            c = _curvature(part, discriminate, real, fake, game.discriminator_variables)
            if not c > 0.0:
                raise ValueError(
                    f"the strength of {part!r} cannot be found: the curvature of the "
                    f"discriminator's squared gradient in its weights is {c:.3g}, expected a "
                    "positive number. Give the strength as a number."
                )
            gamma = 2.0 * losses.slope(game.loss) / c
            part.variables[0].assign(gamma / part.bend / len(parts))


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


def _dot(tensors, others):
    return tf.add_n([tf.reduce_sum(x * y) for x, y in zip(tensors, others, strict=True)])
