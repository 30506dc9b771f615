"""What the architectures share: sizes, normalization by name, constrained layers, the head."""

import keras
from keras import layers

from keras_gans.layers import SpectralNormalization

NORMALIZATIONS = ("none", "batch", "layer", "spectral")


def upsamplings(image_shape):
    """Return (base, n): the image's size is base * 2**n.

    The base lies from 4 to 7, or from 2 to 3 where that makes the second of two halvings possible:
    8 pixels are 2 * 2**2.

    Raises:
        ValueError: if the shape is not (size, size, 1 or 3) with such a size from 8 to 128.
    """
    if len(image_shape) != 3 or image_shape[0] != image_shape[1] or image_shape[2] not in (1, 3):
        raise ValueError(
            f"image_shape must be (size, size, channels) with 1 or 3 channels, found {image_shape}"
        )
    base, n = _halve(int(image_shape[0]))
    if not 8 <= image_shape[0] <= 128 or base > 7:
        sizes = [size for size in range(8, 129) if _halve(size)[0] <= 7]
        raise ValueError(
            "the image size must be 4 to 7 times a power of two, from 8 to 128, found "
            f"{image_shape[0]}; the sizes are {', '.join(map(str, sizes))}"
        )
    return base, n


def _halve(size):
    n = 0
    while size % 2 == 0 and (size // 2 >= 4 or (n < 2 and size // 2 >= 2)):
        size, n = size // 2, n + 1
    return size, n


def normalize(x, normalization, constraint=None):
    """Return x after batch or layer normalization; `none` and `spectral` leave it alone."""
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"unknown normalization {normalization!r}; known are: {', '.join(NORMALIZATIONS)}"
        )
    if normalization == "batch":
        return layers.BatchNormalization(gamma_constraint=constraint, beta_constraint=constraint)(x)
    if normalization == "layer":
        return layers.LayerNormalization(
            axis=list(range(1, len(x.shape))),
            gamma_constraint=constraint,
            beta_constraint=constraint,
        )(x)
    return x


def constrained(layer_class, normalization, constraint):
    """Return a function that makes such layers, spectrally normalized or constrained as asked."""

    def make(*arguments, **keywords):
        layer = layer_class(
            *arguments, kernel_constraint=constraint, bias_constraint=constraint, **keywords
        )
        return SpectralNormalization(layer) if normalization == "spectral" else layer

    return make


def head(x, dense):
    """Return the logit, [B, 1]; float32 under mixed precision too."""
    return layers.Activation("linear", dtype=full_dtype())(dense(1)(x))


def image(x):
    """Return the image, in [-1, 1]; float32 under mixed precision too."""
    return layers.Activation("tanh", dtype=full_dtype())(x)


def full_dtype():
    """Return the type of samples and logits: float32, or float64 under that policy."""
    return "float64" if keras.config.dtype_policy().name == "float64" else "float32"


def leaky(x):
    """Return LeakyReLU with the slope 0.2 that the field uses."""
    return layers.LeakyReLU(negative_slope=0.2)(x)


def model(inputs, outputs, name):
    """Return the Keras model of one player."""
    return keras.Model(inputs, outputs, name=name)
