"""What metrics of features share as Keras metrics: an extractor, and samples in batches."""

import keras
import numpy as np
import tensorflow as tf

from keras_gans.images import is_image, to_float, to_uint8
from keras_gans.metrics.checks import check_whole
from keras_gans.metrics.packed import pack, unpack
from keras_gans.registry import snake_case


class FeatureMetric(keras.metrics.Metric):
    """A metric of two sets of features, which an extractor makes of real and generated samples.

    A subclass says with `create_state` which variables it keeps of features of width d, with `add`
    how a batch changes them, and with `compute` what it makes of their arrays in the end: a float,
    or a dict of floats by the names in `names`.

    An extractor that is a Keras model or layer runs where the metric runs, in a graph and under XLA
    too, and its weights are part of the metric's config. Any other function is called with NumPy
    arrays, not under XLA; in a graph it must call no `tf.function` (`GAN.evaluate` runs eagerly
    then, where it may).

    Args:
        extractor: from float32 samples [B, ...], images in [-1, 1], to features [B, d]: a Keras
            model, what `get_extractor` gives, or any function; None takes the samples' own values.
        quantize: whether generated images are rounded to pixels first, as they would be saved.
        name: the metric's name; None for that of the class.
        dtype: of the results.

    Raises:
        ValueError: if the extractor's features are no matrix, or change their width.
        tf.errors.InvalidArgumentError: if features hold NaN or infinity, except under XLA.
    """

    names = ()

    def __init__(self, extractor=None, quantize=True, name=None, dtype="float64"):
        super().__init__(name=name or snake_case(type(self).__name__), dtype=dtype)
        if extractor is not None and not callable(extractor):
            raise TypeError(f"extractor must be a model, a function or None, found {extractor!r}")
        self.extractor, self.quantize = extractor, bool(quantize)
        self.width = None

    @property
    def compilable(self):
        """Whether `update_state` is TensorFlow alone, which XLA can compile."""
        return self.extractor is None or self._is_layer

    @property
    def _is_layer(self):
        return isinstance(self.extractor, keras.Layer)

    def update_state(self, real, fake, sample_weight=None):
        """Add a batch of real samples and one of generated samples, of any two sizes."""
        if sample_weight is not None:
            raise ValueError(f"{type(self).__name__} takes no sample_weight")
        self.update_features(*self.extract(real, fake))

    def extract(self, real, fake):
        """Return the features of real and of generated samples, float64 [B, d] each."""
        return self.features(real, "real"), self.features(self.saved(fake), "fake")

    def saved(self, fake):
        """Return generated samples as they would be saved: images as pixels, uint8."""
        fake = tf.convert_to_tensor(fake)
        return to_uint8(fake) if self.quantize and is_image(fake) else fake

    def update_features(self, real, fake):
        """Add the features of a batch, float64 [B, d] each."""
        if self.width is None:
            with tf.init_scope():
                self.create_state(fake.shape[1])
            self.width = fake.shape[1]
        for which, features in (("real", real), ("fake", fake)):
            if features is not None and features.shape[1] != self.width:
                raise ValueError(
                    f"{self.name}: features must be of {self.width} dimensions, as before, found "
                    f"{features.shape[1]} of {which} samples"
                )
        self.add(real, fake)

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """Make a variable that is the same on each replica, as each gets all features."""
        return self.add_variable(shape, initializer, dtype, "only_first_replica", name)

    def add(self, real, fake):
        """Change the variables by a batch."""
        raise NotImplementedError

    def create_state(self, width):
        """Make the variables."""
        raise NotImplementedError

    def compute(self, *arrays):
        """Return the result of the variables' arrays, or NaN where there are no samples yet."""
        raise NotImplementedError

    def result(self):
        """Return the result as a scalar or a dict of scalars, NaN without samples."""
        if self.width is None:
            values = np.full(max(1, len(self.names)), np.nan)
        elif tf.executing_eagerly():
            values = self._compute(*(np.asarray(variable) for variable in self.variables))
        else:
            values = tf.numpy_function(self._compute, self.variables, tf.float64)
            values.set_shape([max(1, len(self.names))])
        values = tf.cast(values, self.dtype)
        if not self.names:
            return values[0]
        return {name: values[i] for i, name in enumerate(self.names)}

    def get_config(self):
        """Return the constructor's arguments, the extractor's weights with it."""
        return {
            **super().get_config(),
            "extractor": keras.saving.serialize_keras_object(self.extractor),
            "extractor_weights": pack(self.extractor) if self._is_layer else None,
            "quantize": self.quantize,
        }

    @classmethod
    def from_config(cls, config):
        """Make the metric again, with the same extractor."""
        config = dict(config)
        weights = config.pop("extractor_weights")
        extractor = keras.saving.deserialize_keras_object(config.pop("extractor"))
        if weights is not None:
            unpack(weights, extractor)
        return cls(extractor, **config)

    def _compute(self, *arrays):
        values = self.compute(*arrays)
        values = [values[name] for name in self.names] if self.names else [values]
        return np.array(values, np.float64)

    def features(self, samples, which="real"):
        """Return the features of samples, float64 [B, d]; `which` they are is for the message."""
        samples = tf.cast(to_float(tf.convert_to_tensor(samples)), tf.float32)
        if self.extractor is None:
            features = tf.reshape(samples, [tf.shape(samples)[0], int(np.prod(samples.shape[1:]))])
        elif self._is_layer:
            features = self.extractor(samples, training=False)
        elif tf.executing_eagerly():
            features = self._call(samples.numpy())
        else:
            features = tf.numpy_function(self._call, [samples], tf.float64)
            features.set_shape([None, self.width or self._probe(samples)])
        features = tf.cast(features, tf.float64)
        if features.shape.rank != 2:
            raise ValueError(
                f"{self.name}: the extractor must give features [B, d], found shape "
                f"{features.shape} of {which} samples"
            )
        return tf.debugging.check_numerics(
            features, f"{self.name}: features of {which} samples must be finite"
        )

    def _call(self, samples):
        return np.asarray(self.extractor(samples), np.float64)

    def _probe(self, samples):
        """Return the width of a function's features, by asking it once."""
        with tf.init_scope():  # out of the graph that is being traced
            return self._call(np.zeros([1, *samples.shape[1:]], np.float32)).shape[-1]


class SampleMetric(FeatureMetric):
    """A metric of features that must be kept: all of them up to a number, then a fair choice.

    Beyond the number each sample seen so far has the same chance to be among those kept (reservoir
    sampling, "algorithm R"), by a seed. They are kept as float32.

    Args:
        extractor: see `FeatureMetric`.
        samples: how many samples of either kind to keep, >= 2.
        seed: of the choice.
        **kwargs: `quantize`, `name`, `dtype`.
    """

    def __init__(self, extractor=None, samples=10_000, seed=0, **kwargs):
        super().__init__(extractor, **kwargs)
        self.samples, self.seed = check_whole(samples, "samples", 2), check_whole(seed, "seed", 0)

    def create_state(self, width):
        """Make a buffer and a count for either kind; the last row takes what is not kept."""
        self._state = [
            (
                self.add_weight([self.samples + 1, width], "zeros", "float32", f"{which}_features"),
                self.add_weight((), "zeros", "int64", f"{which}_count"),
            )
            for which in ("real", "fake")
        ]

    def add(self, real, fake):
        """Keep the features of a batch, or some of them."""
        for (buffer, count), features in zip(self._state, (real, fake), strict=True):
            size = tf.shape(features, tf.int64)[0]
            seen = tf.cast(count.value, tf.int64)
            numbers = seen + tf.range(size)
            uniform = tf.random.stateless_uniform(
                [size], tf.stack([tf.constant(self.seed, tf.int64), seen]), dtype=tf.float64
            )
            drawn = tf.cast(uniform * tf.cast(numbers + 1, tf.float64), tf.int64)
            places = tf.where(numbers < self.samples, numbers, tf.minimum(drawn, self.samples))
            tf.raw_ops.ResourceScatterNdUpdate(  # on the replica's own, under a strategy
                ref=buffer.value.handle,
                indices=places[:, None],
                updates=tf.cast(features, tf.float32),
            )
            count.assign_add(size)

    def compute(self, real, real_count, fake, fake_count):
        """Return what the samples kept give."""
        if not (real_count and fake_count):
            return dict.fromkeys(self.names, np.nan) if self.names else np.nan
        return self.of_samples(
            real[: min(self.samples, real_count)], fake[: min(self.samples, fake_count)]
        )

    def of_samples(self, real, fake):
        """Return the result of features, float32 [N, d] and [M, d]."""
        raise NotImplementedError

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "samples": self.samples, "seed": self.seed}
