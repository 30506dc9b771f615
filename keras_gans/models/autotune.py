"""The strength of a gradient penalty from the game itself: `R1("auto")`."""

import numpy as np
import tensorflow as tf
from scipy.sparse import linalg

from keras_gans import losses, penalties
from keras_gans.gradients import gradients
from keras_gans.noise import Noise

BATCH = 256


def tune(game, real, condition=None):
    """Set the automatic strengths of a game's penalty that are not set yet.

        gamma = 2 |f'(0)| / c,   c = largest eigenvalue of ∇²_D 1/2 E |∇_x D(x)|²

    On the Dirac-GAN, where c = 1, gamma is the critical value: the strongest pull to the
    equilibrium. A discriminator whose input gradient reacts c times as strongly to its weights
    needs a c-th of it. c is measured once, on the first batch. A gradient penalty gets half of it;
    several automatic penalties share it in equal parts.

    Args:
        game: a compiled `GAN`.
        real: samples [B, ...], the first 256 of which serve.
        condition: what the dataset gives beside them.

    Raises:
        ValueError: if the curvature is not positive, as with a last layer that starts at zero.

    Reference: Mescheder et al., arXiv:1801.04406, section 3 and theorem 4.1, for the critical
    value; the scaling is this library's own.
    """
    parts = [part for part in game.penalty.parts() if part.variables and not float(part.strength)]
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
    """Return the largest eigenvalue of the Hessian of 1/2 E |∇D|² by the variables."""
    shapes = [tuple(variable.shape) for variable in variables]
    cut = np.cumsum([int(np.prod(shape)) for shape in shapes])
    points = part.points(real, fake, Noise(0))

    @tf.function(autograph=False)
    def product(directions):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                squares = penalties.squared_norm(penalties.input_gradient(discriminate, points))
                value = 0.5 * tf.reduce_mean(squares)
            slopes = gradients(inner, value, variables)
            along = tf.add_n(
                [tf.reduce_sum(s * d) for s, d in zip(slopes, directions, strict=True)]
            )
        return gradients(outer, along, variables)

    def flat_product(u):
        pieces = np.split(np.ravel(u).astype(np.float32), cut[:-1])
        directions = [tf.constant(p.reshape(s)) for p, s in zip(pieces, shapes, strict=True)]
        return np.concatenate([np.ravel(t) for t in product(directions)]).astype(np.float64)

    operator = linalg.LinearOperator((cut[-1], cut[-1]), matvec=flat_product, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=cut[-1])
    if not flat_product(start).any():  # which ARPACK refuses
        return 0.0
    found = linalg.eigsh(operator, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)
    return float(found[0])
