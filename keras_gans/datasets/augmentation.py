"""Augmentation of real images in the input pipeline, by name, with keras_cv's layers.

What the discriminator sees of fakes stays as it is, so strong settings leak into the generator;
`keras_gans.augment` is the one to use against few data.

keras_cv 0.9.0 is frozen upstream. What is worked around here:

- Its layers draw from a stateful `tf.random.Generator` or from `tf.random.uniform`, so a resumed
  run would see other images. `_Stream` takes the place of both.
- Under a mixed-precision policy they would round the images: they get dtype float32.
- `RandomSaturation` takes [0, 1] only, whatever range the others are told.
- `RandomCrop` resamples (its step is H(h - 1) / (h(H - 1)), not 1, so it can skip a row or a
  column); `crop` is a whole-pixel `RandomTranslation` over reflected borders: pad-and-crop.
"""

import keras
import tensorflow as tf

from keras_gans.datasets import randomness

_RANGE = (-1.0, 1.0)


def _flip(cv):
    return [cv.RandomFlip("horizontal", seed=1, dtype="float32")]


def _crop(cv):
    return [cv.RandomTranslation(0.125, 0.125, "reflect", "nearest", seed=1, dtype="float32")]


def _translate(cv):
    return [cv.RandomTranslation(0.125, 0.125, "nearest", "bilinear", seed=1, dtype="float32")]


def _rotate(cv):
    return [cv.RandomRotation(10 / 360, "reflect", seed=1, dtype="float32")]


def _zoom(cv):
    return [cv.RandomZoom(0.1, fill_mode="reflect", seed=1, dtype="float32")]


def _brightness(cv):
    return [cv.RandomBrightness(0.1, value_range=_RANGE, seed=1, dtype="float32")]


def _contrast(cv):
    return [cv.RandomContrast(_RANGE, 0.2, seed=1, dtype="float32")]


def _color(cv):
    return [
        keras.layers.Rescaling(0.5, 0.5, dtype="float32"),
        cv.RandomSaturation((0.4, 0.6), seed=1, dtype="float32"),
        cv.RandomHue(0.05, value_range=(0.0, 1.0), seed=1, dtype="float32"),
        keras.layers.Rescaling(2.0, -1.0, dtype="float32"),
    ]


_LAYERS = {
    "flip": _flip,  # left-right, half of the images
    "crop": _crop,  # up to 1/8 of the side, whole pixels, reflected borders
    "translate": _translate,  # up to 1/8 of the side, between pixels too, border repeated
    "rotate": _rotate,  # up to 10 degrees, reflected borders
    "zoom": _zoom,  # up to 10 %, in or out, reflected borders
    "brightness": _brightness,  # up to 10 % of the range
    "contrast": _contrast,  # up to 20 %
    "color": _color,  # saturation times 2/3 to 3/2, hue by up to 9 degrees; needs 3 channels
}
NAMES = tuple(_LAYERS)


class _Stream:
    """Stands in for a layer's random generator: draw j of batch i depends on (seed, i, j) only."""

    def begin(self, key):
        self._key, self._draws = key, 0

    def uniform(self, shape, minval=0.0, maxval=1.0, dtype=tf.float32):
        self._draws += 1
        key = tf.random.fold_in(self._key, self._draws)
        return tf.random.stateless_uniform(shape, key, minval, maxval, dtype)

    def sampler(self, lower, upper):
        return lambda shape=(), dtype=tf.float32: self.uniform(shape, lower, upper, dtype)

    def feed(self, layer):
        layer._random_generator = self
        factor = getattr(layer, "factor", None)
        if hasattr(factor, "lower"):
            layer.factor = self.sampler(factor.lower, factor.upper)


def build(names, shape, seed=0):
    """Return f(number, images) that augments batch `number`: bitwise the same for the same seed.

    Args:
        names: names from `NAMES`, applied in this order; a comma-separated string will do.
        shape: (h, w, c) of one image.
        seed: int.

    Returns:
        A function of the batch number and float32 [B, h, w, c] in [-1, 1], to the same.

    Raises:
        ValueError: an unknown name, samples that are no images, `color` on one channel.

    Example:
    >>> images = tf.zeros([2, 8, 8, 1])
    >>> build(["flip"], (8, 8, 1))(0, images).shape
    TensorShape([2, 8, 8, 1])
    """
    names = [n for n in names.split(",") if n] if isinstance(names, str) else list(names)
    if unknown := [n for n in names if n not in _LAYERS]:
        raise ValueError(
            f"--augment: found {', '.join(map(repr, unknown))}, expected {', '.join(NAMES)}"
        )
    if len(shape) != 3:
        raise ValueError(f"--augment: found samples of shape {tuple(shape)}, expected images")
    if "color" in names and shape[-1] != 3:
        raise ValueError(f"--augment=color: found {shape[-1]} channel(s), expected 3")
    from keras_cv import layers as cv  # seconds to import, and few runs need it

    layers = [layer for name in names for layer in _LAYERS[name](cv)]
    stream = _Stream()
    for layer in layers:
        stream.feed(layer)

    def augment(number, images):
        stream.begin(randomness.key("augment", seed, number))
        for layer in layers:
            images = layer(images)
        return tf.ensure_shape(tf.clip_by_value(images, *_RANGE), [None, *shape])

    return augment
