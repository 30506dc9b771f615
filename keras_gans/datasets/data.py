"""`Data`: samples in memory, and batches of them that are a pure function of (seed, number)."""

import dataclasses
import functools
import hashlib

import numpy as np
import tensorflow as tf

from keras_gans.datasets import augmentation, checks, randomness
from keras_gans.images import to_float


@dataclasses.dataclass(frozen=True, eq=False)
class Data:
    """A data set: n samples, their labels, and for toy densities the truth they are drawn from.

    Args:
        name: what `load` was asked for.
        samples: uint8 [n, h, w, c] in 0..255, float32 [n, h, w, c] in [-1, 1], or float32 points
            [n, d]. For a toy density, a large fixed draw to measure against.
        labels: int [n], or None.
        classes: the name of each label, or empty.
        modes, sigma, weights: the mixture sum_k weights[k] Normal(modes[k], sigma^2), or None;
            `weights` None means equal ones. With modes, `batches` draws fresh points.
        skipped: number of corrupt files left out.
        broken: these files, each with what is wrong with it.

    Raises:
        ValueError: no samples, a dtype other than uint8 or float32, NaN, or labels of another
            length.

    Example:
    >>> data = Data("blank", np.zeros((8, 4, 4, 1), "uint8"))
    >>> next(iter(data.batches(2))).shape
    TensorShape([2, 4, 4, 1])
    """

    name: str
    samples: np.ndarray
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    modes: np.ndarray | None = None
    sigma: float | None = None
    weights: np.ndarray | None = None
    skipped: int = 0
    broken: tuple[str, ...] = ()

    def __post_init__(self):
        """Check what every later step takes for granted."""
        if not len(self.samples):
            raise ValueError(f"{self.name}: found no samples, expected at least one")
        if self.samples.dtype not in (np.uint8, np.float32):
            raise ValueError(f"{self.name}: found {self.samples.dtype}, expected uint8 or float32")
        if self.samples.dtype == np.float32:
            checks.finite(self.samples, self.name)
        if self.labels is not None:
            if len(self.labels) != len(self.samples):
                raise ValueError(
                    f"{self.name}: found {len(self.labels)} labels for {len(self.samples)} samples"
                )
            object.__setattr__(self, "labels", np.asarray(self.labels, np.int32))
        object.__setattr__(self, "classes", tuple(self.classes))

    def __len__(self):
        """Return the number of samples."""
        return len(self.samples)

    @property
    def shape(self):
        """Shape of one sample: (height, width, channels) or (dimensions,)."""
        return self.samples.shape[1:]

    @property
    def is_image(self):
        """Whether samples are images and not points."""
        return len(self.shape) == 3

    @property
    def channels(self):
        """Size of a sample's last axis."""
        return self.shape[-1]

    @functools.cached_property
    def digest(self):
        """SHA-256 of samples and labels, their shapes and dtypes included, in hexadecimal."""
        content = hashlib.sha256()
        for array in (self.samples, self.labels):
            if array is not None:
                content.update(f"{array.dtype.str}{array.shape}".encode())
                content.update(np.ascontiguousarray(array).data)
        return content.hexdigest()

    @property
    def num_classes(self):
        """Number of classes, 0 without labels."""
        if self.classes or self.labels is None:
            return len(self.classes)
        return int(self.labels.max()) + 1

    def steps_per_pass(self, batch_size):
        """Return how many batches one pass over the samples gives, the remainder dropped."""
        return len(self) // batch_size

    def batches(self, batch_size, seed=0, start=0, augment=(), labels=False):
        """Return an infinite `tf.data.Dataset` whose batch number i depends on (seed, i) only.

        Pass e is the permutation drawn from (seed, e), cut into batches, its remainder dropped;
        a toy density gives fresh draws from (seed, i). So a resumed run goes on with `start`.

        Args:
            batch_size: B, static in the shape of what comes out.
            seed: int.
            start: the number of the first batch; the ones before it are not computed.
            augment: names from `augmentation.NAMES`, applied in that order to images.
            labels: whether to give (samples, labels) in place of samples.

        Returns:
            Dataset of float32 [B, ...] in [-1, 1] (points: as they are), or of that and int32 [B].

        Raises:
            ValueError: B above len(self) or below 1, negative `start`, labels wanted but there
                are none, unknown augmentation.

        Example:
        >>> data = Data("line", np.arange(4, dtype="float32")[:, None])
        >>> sorted(next(iter(data.batches(4, seed=1))).numpy().ravel().tolist())
        [0.0, 1.0, 2.0, 3.0]
        """
        if not 1 <= batch_size <= len(self):
            raise ValueError(
                f"{self.name}: found a batch size of {batch_size} for {len(self)} samples, "
                f"expected 1 to {len(self)} (--batch_size)"
            )
        if start < 0:
            raise ValueError(f"{self.name}: found start={start}, expected a batch number >= 0")
        if labels and self.labels is None:
            raise ValueError(f"{self.name}: labels were asked for, and this data set has none")
        augmented = augmentation.build(augment, self.shape, seed) if augment else None
        fresh = self.modes is not None
        samples, targets = self._tensors

        def batch(number, picks):
            if fresh:
                key = randomness.key("draw", seed, number)
                x, y = randomness.mixture(key, batch_size, self.modes, self.sigma, self.weights)
            else:
                x, y = to_float(tf.gather(samples, picks)), tf.gather(targets, picks)
            if augmented is not None:
                x = augmented(number, x)
            return (x, y) if labels else x

        if fresh:
            picks = tf.data.Dataset.counter(start)
        else:
            picks = _picks(len(self), batch_size, seed, start)
        ds = picks.enumerate(start).map(batch, num_parallel_calls=tf.data.AUTOTUNE)
        return ds.prefetch(tf.data.AUTOTUNE)

    @functools.cached_property
    def _tensors(self):
        # On the host whatever the default device is: the pipeline runs there. As eager tensors:
        # a NumPy array would be copied into the graph of every pipeline.
        with tf.init_scope(), tf.device("CPU:0"):
            labels = np.zeros(len(self), np.int32) if self.labels is None else self.labels
            return tf.constant(self.samples), tf.constant(labels)


def _picks(count, batch_size, seed, start):
    """Indices [B] of each batch from number `start` on.

    `stateless_shuffle` once a pass, not `index_shuffle` a batch: 20,000 epochs of that one
    were 256 different permutations only, of 100 samples as of 60,000.
    """
    steps = count // batch_size

    def one_pass(epoch):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count), randomness.key("order", seed, epoch)
        )
        picks = tf.reshape(order[: steps * batch_size], [steps, batch_size])
        return tf.data.Dataset.from_tensor_slices(picks)

    # What `skip` passes over are rows of indices of one pass, not samples.
    epochs = tf.data.Dataset.counter(start // steps).flat_map(one_pass)
    picks = epochs.skip(start % steps)
    return picks.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
