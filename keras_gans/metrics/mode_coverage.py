"""How many modes of a known mixture are found, how well, and in which shares."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

_CHUNK = 4096


@dataclasses.dataclass(frozen=True, eq=False)
class Coverage:
    """What `mode_coverage` found.

    Args:
        modes: how many modes have at least one high-quality sample.
        high_quality: share of samples within the threshold of their nearest mode, 0 to 1.
        reverse_kl: KL divergence of the samples' shares of the modes from the true ones, nats.
        counts: int64 [m], the samples that each mode is the nearest of, far ones included.
    """

    modes: int
    high_quality: float
    reverse_kl: float
    counts: np.ndarray


def reverse_kl(counts, weights=None):
    """Return the KL divergence of counted shares from the true ones, in nats.

        sum_k q_k log(q_k / p_k),   q = counts / sum counts,   p = weights / sum weights

    A mode that was never found adds nothing of its own, but leaves more to the others: m of M equal
    modes found in equal shares make log(M / m). Of n samples of the truth itself it is not 0 but
    about (M - 1) / 2n.

    Args:
        counts: [m], >= 0, at least one above.
        weights: [m], > 0 and of any scale; None for equal ones.

    Raises:
        ValueError: if either cannot be.

    Example:
        >>> round(reverse_kl([5, 5, 0, 0]), 4)  # log 2
        0.6931

    Reference: Srivastava et al. (VEEGAN), arXiv:1705.07761, section 4; Lin et al. (PacGAN),
    arXiv:1712.04086, section 4.1.
    """
    counts = np.asarray(counts, np.float64)
    weights = _weights(weights, len(counts))
    if not (np.isfinite(counts).all() and counts.min() >= 0 and counts.sum() > 0):
        raise ValueError(f"counts must be >= 0 and not all 0, found {counts}")
    q = counts / counts.sum()
    found = q > 0
    return max(0.0, float(np.sum(q[found] * np.log(q[found] / weights[found]))))


def mode_coverage(samples, modes, sigma, weights=None, threshold=3.0):
    """Count the modes of a mixture that samples have found, and how well.

    A sample is of high quality if its Euclidean distance to the nearest mode is at most
    threshold * sigma; a mode is found if it is the nearest one of such a sample. The divergence
    counts every sample for its nearest mode, those of low quality too.

    Of the truth itself the share of high quality at 3 sigma is 0.9973 on a line and
    1 - exp(-9/2) = 0.9889 in the plane, where the modes lie apart.

    Args:
        samples: [n, d], finite.
        modes: [m, d], the centres of the mixture's Gaussians.
        sigma: their standard deviation along each axis, > 0.
        weights: [m], the true shares, > 0 and of any scale; None for equal ones.
        threshold: in units of sigma, > 0.

    Returns:
        A `Coverage`: `modes`, `high_quality`, `reverse_kl` and `counts`.

    Raises:
        ValueError: if an argument cannot be; it is named.

    Example:
        >>> found = mode_coverage([[0.1], [-0.1], [0.7]], modes=[[0.0], [1.0]], sigma=0.05)
        >>> found.modes, round(found.high_quality, 4), found.counts.tolist()
        (1, 0.6667, [2, 1])

    Reference: Srivastava et al. (VEEGAN), arXiv:1705.07761, section 4; Lin et al. (PacGAN),
    arXiv:1712.04086, section 4.1.
    """
    modes, weights = _truth(modes, sigma, weights, threshold)
    samples = np.asarray(samples, np.float64)
    if samples.ndim != 2 or samples.shape[1] != modes.shape[1] or not len(samples):
        raise ValueError(
            f"samples must be of shape [n, {modes.shape[1]}] as modes is, n >= 1, found "
            f"{samples.shape}"
        )
    if bad := int((~np.isfinite(samples)).any(axis=1).sum()):
        raise ValueError(f"samples must be finite, found {bad} of {len(samples)} with NaN or inf")
    counts, hits = np.zeros([2, len(modes)], np.int64)
    for start in range(0, len(samples), _CHUNK):
        offsets = samples[start : start + _CHUNK, None] - modes
        distances = np.sqrt(np.sum(offsets**2, axis=-1))
        nearest = distances.argmin(axis=1)
        good = distances.min(axis=1) <= threshold * sigma
        counts += np.bincount(nearest, minlength=len(modes))
        hits += np.bincount(nearest[good], minlength=len(modes))
    return Coverage(
        modes=int((hits > 0).sum()),
        high_quality=float(hits.sum() / len(samples)),
        reverse_kl=reverse_kl(counts, weights),
        counts=counts,
    )


def _truth(modes, sigma, weights, threshold):
    """Return the modes and the weights' shares as float64, or raise."""
    modes = np.asarray(modes, np.float64)
    if modes.ndim != 2 or not modes.size or not np.isfinite(modes).all():
        raise ValueError(f"modes must be finite and of shape [m, d], found shape {modes.shape}")
    for name, value in (("sigma", sigma), ("threshold", threshold)):
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be > 0 and finite, found {value}")
    return modes, _weights(weights, len(modes))


def _weights(weights, count):
    if weights is None:
        return np.full(count, 1 / count)
    weights = np.asarray(weights, np.float64)
    if weights.shape != (count,) or not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError(
            f"weights must be {count} finite numbers > 0, one for each mode, found {weights}"
        )
    return weights / weights.sum()


@keras.saving.register_keras_serializable("keras_gans")
class ModeCoverage(keras.metrics.Metric):
    """`mode_coverage` as a Keras metric: samples come in batches, in eager mode or in a graph.

    `result()` is a dict of float32 scalars: `modes`, `high_quality` and `reverse_kl`, the same
    numbers that `mode_coverage` gives for all samples together; without samples the last two
    are NaN.

    Args:
        modes, sigma, weights, threshold: see `mode_coverage`; a toy density's `Data` has the first
            three.
        name: the metric's name.
        dtype: of the results.

    Raises:
        ValueError: if an argument, or the shape of samples, cannot be.
        tf.errors.InvalidArgumentError: if samples hold NaN or infinity, except under XLA.

    Example:
        >>> data = kg.datasets.load("ring")
        >>> metric = ModeCoverage(data.modes, data.sigma, data.weights)
        >>> metric.update_state(data.samples[:2500])
        >>> int(metric.result()["modes"])
        8
    """

    generated_only = True  # `GAN.evaluate` shows it no real samples

    def __init__(self, modes, sigma, weights=None, threshold=3.0, name="mode_coverage", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.modes, self.weights = _truth(modes, sigma, weights, threshold)
        self.sigma, self.threshold = float(sigma), float(threshold)
        shape = (len(self.modes),)
        self._counts = self.add_weight(shape, "zeros", "int64", name="counts")
        self._hits = self.add_weight(shape, "zeros", "int64", name="hits")

    def update_state(self, samples, sample_weight=None):
        """Count a batch of samples, [n, d]; `sample_weight` must be None."""
        if sample_weight is not None:
            raise ValueError("ModeCoverage counts samples: sample_weight must be None")
        samples = tf.cast(tf.convert_to_tensor(samples), tf.float64)
        if not samples.shape.is_compatible_with([None, self.modes.shape[1]]):
            raise ValueError(
                f"samples must be of shape [n, {self.modes.shape[1]}] as modes is, found "
                f"{samples.shape}"
            )
        samples = tf.debugging.check_numerics(samples, "ModeCoverage: samples must be finite")
        squares = tf.square(samples[:, None] - self.modes)
        distances = tf.sqrt(tf.reduce_sum(squares, axis=-1))
        nearest = tf.one_hot(tf.argmin(distances, axis=1), len(self.modes), dtype=tf.int64)
        good = tf.reduce_min(distances, axis=1) <= self.threshold * self.sigma
        self._counts.assign_add(tf.reduce_sum(nearest, axis=0))
        self._hits.assign_add(tf.reduce_sum(nearest * tf.cast(good, tf.int64)[:, None], axis=0))

    def result(self):
        """Return the dict of scalars."""
        counts = tf.cast(self._counts, tf.float64)
        hits = tf.cast(self._hits, tf.float64)
        q = counts / tf.reduce_sum(counts)
        found = tf.math.count_nonzero(hits)
        values = {
            "modes": found,
            "high_quality": tf.reduce_sum(hits) / tf.reduce_sum(counts),
            "reverse_kl": tf.reduce_sum(tf.math.xlogy(q, q / self.weights)),
        }
        return {name: tf.cast(value, self.dtype) for name, value in values.items()}

    def get_config(self):
        """Return the constructor's arguments, with the weights as shares."""
        return {
            **super().get_config(),
            "modes": self.modes.tolist(),
            "sigma": self.sigma,
            "weights": self.weights.tolist(),
            "threshold": self.threshold,
        }
