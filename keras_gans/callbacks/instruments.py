"""What can be measured of a game at a moment: the numbers that `StabilityMonitor` writes down."""

import numpy as np
import tensorflow as tf

from keras_gans.models import Probe

SATURATED = float(np.log((1 + np.sqrt(0.96)) / (1 - np.sqrt(0.96))))
"""The logit at which the sigmoid's slope s (1 - s) has fallen to 0.01: 4.585."""

DUPLICATE = 0.1
"""Near duplicates lie within this part of the real samples' median nearest-neighbour distance."""


class Instruments:
    """The measurements of a game on a fixed batch and fixed noise, compiled into one function.

    Nothing in the game changes by them. `measure()` returns a dict of floats:

    | name | what |
    |---|---|
    | `d_gradient`, `g_gradient` | norm of the gradient of each player's whole loss |
    | `gradient_ratio` | the first over the second |
    | `d_accuracy` | share of logits on their side of the threshold, see `threshold` |
    | `d_saturation` | share of logits further than 4.585 from it, see `saturation` |
    | `logit_gap` | mean logit of real less that of generated samples |
    | `lipschitz_max`, `lipschitz_mean` | norms of ∇_x D between real and generated samples |
    | `diversity` | mean distance of two generated samples over that of two real ones |
    | `duplicates` | share of generated samples that have a near duplicate, see `DUPLICATE` |

    Args:
        game: a compiled `GAN`.
        real: samples [B, ...], B >= 2.
        condition: what the dataset gives beside them, or None.
        features: function of samples [B, ...] to features [B, ...] in TensorFlow operations, in
            which distances are taken; None takes the samples as they are.
        seed: of the noise.

    Raises:
        ValueError: if there are less than two samples, or they do not fit the discriminator.

    Example:
        >>> gan = kg.GAN(*kg.networks.mlp((2,), latent_dim=4), latent_dim=4)
        >>> gan.compile()
        >>> Instruments(gan, np.eye(2, dtype="float32")).measure()["d_saturation"]
        0.0
    """

    def __init__(self, game, real, condition=None, features=None, seed=0):
        count = len(real) // game.packing * game.packing
        if count < 2:
            raise ValueError(
                f"samples: found {len(real)}, expected at least {max(2, game.packing)} to measure "
                "distances"
            )
        condition = tf.nest.map_structure(lambda x: None if x is None else x[:count], condition)
        self._probe = Probe(game, real[:count], condition, seed)
        self._neutral, self._flattens = neutral_logit(game.loss), flattens(game.loss)
        self._features = features or tf.identity
        distances = pairwise_distances(self._features(self._probe.real))
        self._real_distance = mean_distance(distances)
        self._near = DUPLICATE * float(np.median(nearest(distances)))
        self._compiled = tf.function(self._measure, autograph=False)

    def measure(self):
        """Return the measurements at the game's present weights, a dict of floats."""
        return {name: float(value) for name, value in self._compiled().items()}

    def _measure(self):
        discriminator, generator = (tf.linalg.global_norm(g) for g in self._probe.gradients())
        real_logits, fake_logits = self._probe.logits()
        middle = threshold(self._neutral, real_logits, fake_logits)
        slopes = self._probe.slopes()
        distances = pairwise_distances(self._features(self._probe.samples()))
        repeated = tf.cast(nearest(distances) <= self._near, tf.float32)
        return {
            "d_gradient": discriminator,
            "g_gradient": generator,
            "gradient_ratio": discriminator / tf.maximum(generator, 1e-12),
            "d_accuracy": accuracy(real_logits - middle, fake_logits - middle),
            "d_saturation": saturation(real_logits - middle, fake_logits - middle)
            * float(self._flattens),
            "logit_gap": tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits),
            "lipschitz_max": tf.reduce_max(slopes),
            "lipschitz_mean": tf.reduce_mean(slopes),
            "diversity": mean_distance(distances) / tf.maximum(self._real_distance, 1e-12),
            "duplicates": tf.reduce_mean(repeated),
        }


# --- logits ---------------------------------------------------------------------------------------


def neutral_logit(loss):
    """Return the logit that speaks for neither side, or None if the loss knows no such one.

    It is the loss's `equilibrium`: 0 for log-odds and margins, (a + b) / 2 for least squares. A
    loss to which a constant added to all logits makes no difference, such as Wasserstein's and the
    relativistic ones, has none.

    Example:
        >>> neutral_logit(kg.losses.Hinge()), neutral_logit(kg.losses.LeastSquares())
        (0.0, 0.5)
        >>> neutral_logit(kg.losses.Wasserstein()) is None
        True
    """

    def value(shift):
        real, fake = tf.constant([[0.7], [-0.4]]), tf.constant([[0.1], [-0.9]])
        return float(loss.discriminator(real + shift, fake + shift))

    indifferent = all(abs(value(shift) - value(0.0)) < 1e-4 for shift in (3.0, -3.0))
    return None if indifferent else loss.equilibrium


def flattens(loss):
    """Tell whether the discriminator's loss stops caring once it is sure, as a sigmoid's does.

    Example:
        >>> flattens(kg.losses.NonSaturating()), flattens(kg.losses.Wasserstein())
        (True, False)
    """
    real = tf.constant([[20.0]])
    with tf.GradientTape() as tape:
        tape.watch(real)
        value = loss.discriminator(real, -real)
    return abs(float(tape.gradient(value, real, unconnected_gradients="zero")[0, 0])) < 1e-2


def threshold(neutral, real_logits, fake_logits):
    """Return the logit between the sides: `neutral`, or where it is None the middle of the means.

    Example:
        >>> float(threshold(None, tf.constant([3.0, 5.0]), tf.constant([0.0])))
        2.0
    """
    if neutral is not None:
        return tf.constant(neutral, tf.float32)
    return 0.5 * (tf.reduce_mean(real_logits) + tf.reduce_mean(fake_logits))


def accuracy(real_logits, fake_logits):
    """Return the share of real logits > 0 and generated ones < 0, both kinds counting alike.

    Example:
        >>> float(accuracy(tf.constant([1.0, -1.0]), tf.constant([-1.0, -1.0])))
        0.75
    """
    right = tf.cast(real_logits > 0, tf.float32), tf.cast(fake_logits < 0, tf.float32)
    return 0.5 * (tf.reduce_mean(right[0]) + tf.reduce_mean(right[1]))


def saturation(real_logits, fake_logits):
    """Return the share of logits with |logit| > 4.585, both kinds counting alike.

    There the sigmoid's slope s (1 - s) is below 0.01. Where the loss itself never flattens
    (Wasserstein, least squares), `Instruments` reports 0.

    Example:
        >>> float(saturation(tf.constant([9.0, 1.0]), tf.constant([-9.0, -5.0])))
        0.75
    """
    far = [tf.cast(tf.abs(x) > SATURATED, tf.float32) for x in (real_logits, fake_logits)]
    return 0.5 * (tf.reduce_mean(far[0]) + tf.reduce_mean(far[1]))


def oscillation(gaps):
    """Return how much a series swings about its trend: in its own units, here of logits.

        sqrt(mean (gap_t - line_t)²),   line the least-squares line through the gaps

    Args:
        gaps: the last values of `logit_gap`, in the order of time; fewer than 3 give 0.

    Example:
        >>> oscillation([1.0, 2.0, 3.0]), round(oscillation([1.0, -1.0, 1.0, -1.0]), 3)
        (0.0, 0.894)
    """
    gaps = np.asarray(gaps, np.float64)
    if len(gaps) < 3 or not np.isfinite(gaps).all():
        return 0.0
    times = np.arange(len(gaps)) - (len(gaps) - 1) / 2
    centred = gaps - gaps.mean()
    residual = centred - times * (times @ centred) / (times @ times)
    return float(round(np.sqrt(np.mean(residual**2)), 12))


# --- distances ------------------------------------------------------------------------------------


def pairwise_distances(x):
    """Return the Euclidean distances of all pairs: [n, ...] -> float64 [n, n]."""
    flat = tf.cast(tf.reshape(x, [tf.shape(x)[0], -1]), tf.float64)
    flat -= tf.reduce_mean(flat, axis=0)
    squares = tf.reduce_sum(tf.square(flat), axis=1)
    products = tf.matmul(flat, flat, transpose_b=True)
    return tf.sqrt(tf.maximum(squares[:, None] + squares[None] - 2.0 * products, 0.0))


def mean_distance(distances):
    """Return the mean over the pairs of different samples, a float32 scalar."""
    n = tf.cast(tf.shape(distances)[0], tf.float64)
    off = tf.linalg.set_diag(distances, tf.zeros_like(distances[0]))
    return tf.cast(tf.reduce_sum(off) / (n * (n - 1)), tf.float32)


def nearest(distances):
    """Return each sample's distance to its nearest other one, float64 [n]."""
    infinite = tf.fill([tf.shape(distances)[0]], tf.constant(np.inf, tf.float64))
    return tf.reduce_min(tf.linalg.set_diag(distances, infinite), axis=1)
