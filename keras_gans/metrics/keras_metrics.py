"""The metrics of features as Keras metrics, for `GAN.compile(metrics=[...])` and `evaluate`."""

import keras
import numpy as np
import tensorflow as tf

from keras_gans.metrics.checks import check_whole
from keras_gans.metrics.feature_metric import FeatureMetric, SampleMetric
from keras_gans.metrics.frechet import frechet_distance
from keras_gans.metrics.kernel import kernel_distance
from keras_gans.metrics.precision_recall import density_coverage, precision_recall
from keras_gans.metrics.sliced_wasserstein import sliced_wasserstein


@keras.saving.register_keras_serializable("keras_gans")
class FrechetDistance(FeatureMetric):
    """`frechet_distance` of all samples seen, in the memory of two covariances.

    Means and scatters are kept in float64 by Chan's update, as `RunningMoments` keeps them.

    Args:
        extractor, quantize, name, dtype: see `FeatureMetric`.

    Raises:
        ValueError: by `result`, if there is one sample only.

    Example:
        >>> metric = FrechetDistance()  # of the points themselves
        >>> metric.update_state([[0.0], [2.0]], [[3.0], [5.0]])
        >>> float(metric.result())
        9.0

    Reference: Heusel et al., arXiv:1706.08500, equation 6.
    """

    def create_state(self, width):
        """Make a count, a mean and a scatter for either kind."""
        shapes = {"count": (), "mean": [width], "scatter": [width, width]}
        self._state = [
            [
                self.add_weight(shape, "zeros", "float64", f"{which}_{name}")
                for name, shape in shapes.items()
            ]
            for which in ("real", "fake")
        ]

    def add(self, real, fake):
        """Add a batch to both moments."""
        for (count, mean, scatter), features in zip(self._state, (real, fake), strict=True):
            size = tf.cast(tf.shape(features)[0], tf.float64)
            total = count + size
            batch_mean = tf.math.divide_no_nan(tf.reduce_sum(features, axis=0), size)
            centred, step = features - batch_mean, batch_mean - mean
            weight = tf.math.divide_no_nan(size, total)
            between = count * weight * step[:, None] * step
            scatter.assign_add(tf.matmul(centred, centred, transpose_a=True) + between)
            mean.assign_add(weight * step)
            count.assign(total)

    def compute(self, real_count, real_mean, real_scatter, fake_count, fake_mean, fake_scatter):
        """Return the distance of both Gaussians."""
        if real_count == fake_count == 0:
            return np.nan
        for which, count in (("real", real_count), ("fake", fake_count)):
            if count < 2:
                raise ValueError(
                    f"{self.name} needs two {which} samples or more, found {int(count)}"
                )
        covariances = real_scatter / (real_count - 1), fake_scatter / (fake_count - 1)
        return frechet_distance(real_mean, covariances[0], fake_mean, covariances[1])


@keras.saving.register_keras_serializable("keras_gans")
class KernelDistance(SampleMetric):
    """`kernel_distance` of the samples kept, or its mean over subsets.

    Args:
        extractor: see `FeatureMetric`.
        subsets, subset_size: see `kernel_distance`.
        **kwargs: of `SampleMetric`.

    Example:
        >>> metric = KernelDistance()
        >>> metric.update_state([[0.0], [1.0]], [[2.0], [2.0]])
        >>> float(metric.result())
        98.0

    Reference: Bińkowski et al., arXiv:1801.01401, section 4.
    """

    def __init__(self, extractor=None, subsets=None, subset_size=1000, **kwargs):
        super().__init__(extractor, **kwargs)
        self.subsets, self.subset_size = subsets, subset_size

    def of_samples(self, real, fake):
        """Return the distance."""
        found = kernel_distance(real, fake, self.subsets, self.subset_size, self.seed)
        return found if self.subsets is None else found.value

    def get_config(self):
        """Return the constructor's arguments."""
        config = {"subsets": self.subsets, "subset_size": self.subset_size}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("keras_gans")
class SlicedWasserstein(SampleMetric):
    """`sliced_wasserstein` of the samples kept.

    Args:
        extractor: see `FeatureMetric`.
        projections, order: see `sliced_wasserstein`.
        **kwargs: of `SampleMetric`.

    Example:
        >>> metric = SlicedWasserstein()
        >>> metric.update_state([[0.0], [2.0]], [[3.0], [5.0]])
        >>> float(metric.result())
        3.0
    """

    def __init__(self, extractor=None, projections=512, order=2, **kwargs):
        super().__init__(extractor, **kwargs)
        self.projections, self.order = projections, order

    def of_samples(self, real, fake):
        """Return the distance."""
        return sliced_wasserstein(real, fake, self.projections, self.seed, self.order)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "projections": self.projections, "order": self.order}


class _Neighbours(SampleMetric):
    def __init__(self, extractor=None, k=None, **kwargs):
        super().__init__(extractor, **kwargs)
        self.k = self.default_k if k is None else check_whole(k, "k", 1)

    def get_config(self):
        return {**super().get_config(), "k": self.k}


@keras.saving.register_keras_serializable("keras_gans")
class PrecisionRecall(_Neighbours):
    """`precision_recall` of the samples kept: a dict of `precision` and `recall`.

    Args:
        extractor: see `FeatureMetric`.
        k: which neighbour a ball reaches to, 3 if None.
        **kwargs: of `SampleMetric`.

    Example:
        >>> metric = PrecisionRecall(k=1)
        >>> metric.update_state([[0.0], [1.0], [9.0]], [[0.5], [0.6]])
        >>> round(float(metric.result()["precision"]), 4), float(metric.result()["recall"])
        (1.0, 0.0)
    """

    names, default_k = ("precision", "recall"), 3

    def of_samples(self, real, fake):
        """Return both shares."""
        return precision_recall(real, fake, self.k)._asdict()


@keras.saving.register_keras_serializable("keras_gans")
class DensityCoverage(_Neighbours):
    """`density_coverage` of the samples kept: a dict of `density` and `coverage`.

    Args:
        extractor: see `FeatureMetric`.
        k: which neighbour a ball reaches to, 5 if None.
        **kwargs: of `SampleMetric`.

    Example:
        >>> metric = DensityCoverage(k=1)
        >>> metric.update_state([[0.0], [1.0]], [[0.5], [0.6]])
        >>> float(metric.result()["density"]), float(metric.result()["coverage"])
        (2.0, 1.0)
    """

    names, default_k = ("density", "coverage"), 5

    def of_samples(self, real, fake):
        """Return both numbers."""
        return density_coverage(real, fake, self.k)._asdict()


@keras.saving.register_keras_serializable("keras_gans")
class InceptionScore(FeatureMetric):
    """`inception_score` of all generated samples seen, in one split; real ones are not looked at.

    Args:
        classifier: from float32 samples [B, ...], images in [-1, 1], to logits [B, classes].
        from_logits: False if it gives probabilities.
        **kwargs: `quantize`, `name`, `dtype`.

    Example:
        >>> metric = InceptionScore(lambda x: 100.0 * x)
        >>> metric.update_state(None, np.eye(4))
        >>> round(float(metric.result()), 6)
        4.0

    Reference: Salimans et al., arXiv:1606.03498, section 4.
    """

    def __init__(self, classifier, from_logits=True, **kwargs):
        super().__init__(classifier, **kwargs)
        self.from_logits = bool(from_logits)

    def extract(self, real, fake):
        """Return None, and the probabilities of generated samples."""
        logits = self.features(self.saved(fake), "fake")
        return None, tf.nn.softmax(logits) if self.from_logits else logits

    def create_state(self, width):
        """Make a count, the sum of p, and the sum of p log p."""
        self._count = self.add_weight((), "zeros", "float64", "count")
        self._sum = self.add_weight([width], "zeros", "float64", "sum")
        self._negative_entropy = self.add_weight((), "zeros", "float64", "negative_entropy")

    def add(self, real, fake):
        """Add the probabilities of a batch."""
        self._count.assign_add(tf.cast(tf.shape(fake)[0], tf.float64))
        self._sum.assign_add(tf.reduce_sum(fake, axis=0))
        self._negative_entropy.assign_add(tf.reduce_sum(tf.math.xlogy(fake, fake)))

    def compute(self, count, total, negative_entropy):
        """Return exp(E p log p - q log q), q the mean of p."""
        if not count:
            return np.nan
        q = total / count
        return np.exp(negative_entropy / count - np.sum(q[q > 0] * np.log(q[q > 0])))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "from_logits": self.from_logits}
