"""Residual networks: the blocks of WGAN-GP and SN-GAN."""

import keras
from keras import layers

from keras_gans.networks import common
from keras_gans.packing import packed_shape


def resnet(
    image_shape=(32, 32, 3),
    latent_dim=128,
    width=64,
    generator_norm="batch",
    discriminator_norm="none",
    discriminator_constraint=None,
    packing=1,
):
    """Return (generator, discriminator) of residual blocks for square images.

        generator:      dense to base x base, n blocks that double the size (nearest), tanh
        discriminator:  n blocks that halve the size (average pooling), one that keeps it, ReLU,
                        sum over the pixels, dense to one logit

    A block is norm - ReLU - 3x3 convolution, twice, beside a 1x1 shortcut. The channels are
    `width` times 1, 2, 4, 8, 8, ... from the image inwards where the image has 64 pixels or more,
    else `width` throughout, as in the papers.

    Args:
        image_shape: (size, size, channels), size 4 to 7 times a power of two, 8 to 128.
        latent_dim: length of a latent vector.
        width: channels next to the image.
        generator_norm: `"none"`, `"batch"` or `"layer"`.
        discriminator_norm: `"none"`, `"batch"`, `"layer"` or `"spectral"`.
        discriminator_constraint: a Keras constraint on all of the discriminator's weights.
        packing: samples that the discriminator judges at a time, as in `GAN(packing=...)`.

    Raises:
        ValueError: if the size or a name cannot be.

    Example:
        >>> generator, discriminator = resnet((32, 32, 3), latent_dim=64, width=16)
        >>> discriminator.output_shape
        (None, 1)

    Reference: Gulrajani et al., arXiv:1704.00028, appendix C; Miyato et al., arXiv:1802.05957,
    appendix B.4.
    """
    base, n = common.upsamplings(image_shape)
    channels = [width * min(2**i, 8) if image_shape[0] >= 64 else width for i in range(n)]

    latent = x = keras.Input((latent_dim,), name="latent")
    x = layers.Dense(base * base * channels[-1])(x)
    x = layers.Reshape((base, base, channels[-1]))(x)
    for filters in reversed(channels):
        x = _up(x, filters, generator_norm)
    x = layers.ReLU()(common.normalize(x, generator_norm))
    sample = common.image(layers.Conv2D(image_shape[-1], 3, padding="same")(x))

    convolve = common.constrained(layers.Conv2D, discriminator_norm, discriminator_constraint)
    dense = common.constrained(layers.Dense, discriminator_norm, discriminator_constraint)

    def block(x, filters, down, first=False):
        # The image is not passed through a ReLU, and pooling it before the 1x1 shortcut is cheaper.
        h = x if first else layers.ReLU()(norm(x))
        h = layers.ReLU()(norm(convolve(filters, 3, padding="same")(h)))
        h = convolve(filters, 3, padding="same")(h)
        shortcut = x
        if down:
            h, shortcut = layers.AveragePooling2D(2)(h), layers.AveragePooling2D(2)(x)
        if shortcut.shape[-1] != filters:
            shortcut = convolve(filters, 1)(shortcut)
        return layers.Add()([h, shortcut])

    def norm(x):
        return common.normalize(x, discriminator_norm, discriminator_constraint)

    data = x = keras.Input(packed_shape(image_shape, packing), name="image")
    for i, filters in enumerate(channels):
        x = block(x, filters, down=True, first=i == 0)
    x = layers.ReLU()(norm(block(x, channels[-1], down=False)))
    x = layers.GlobalAveragePooling2D()(x)
    logit = common.head(layers.Rescaling(float(base * base))(x), dense)
    return common.model(latent, sample, "generator"), common.model(data, logit, "discriminator")


def _up(x, filters, normalization):
    """A block that doubles the size by nearest neighbours."""
    h = layers.ReLU()(common.normalize(x, normalization))
    h = layers.Conv2D(filters, 3, padding="same")(layers.UpSampling2D()(h))
    h = layers.ReLU()(common.normalize(h, normalization))
    h = layers.Conv2D(filters, 3, padding="same")(h)
    shortcut = layers.UpSampling2D()(x)
    if shortcut.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1)(shortcut)
    return layers.Add()([h, shortcut])
