"""DCGAN: strided convolutions down, transposed ones up."""

import keras
from keras import layers

from keras_gans.networks import common
from keras_gans.packing import packed_shape


def dcgan(
    image_shape=(28, 28, 1),
    latent_dim=128,
    width=64,
    generator_norm="batch",
    discriminator_norm="none",
    discriminator_constraint=None,
    packing=1,
):
    """Return (generator, discriminator) of the DCGAN kind for square images.

        generator:      dense to base x base, then 4x4 transposed convolutions of stride 2, ReLU,
                        the channels halved each time down to `width`; tanh
        discriminator:  4x4 convolutions of stride 2 from `width` channels, doubled each time,
                        LeakyReLU 0.2; dense to one logit

    The paper normalizes both by batch (`discriminator_norm="batch"`); a gradient penalty wants
    none or layer normalization in the discriminator, since it is a function of one sample.

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
        >>> generator, discriminator = dcgan((32, 32, 3), latent_dim=64, width=16)
        >>> generator.output_shape
        (None, 32, 32, 3)

    Reference: Radford et al., arXiv:1511.06434, section 3.
    """
    base, n = common.upsamplings(image_shape)

    def up(filters, use_bias):
        return layers.Conv2DTranspose(
            filters, 4, strides=2, padding="same", use_bias=use_bias, kernel_initializer=_normal()
        )

    latent = x = keras.Input((latent_dim,), name="latent")
    plain = generator_norm == "none"
    x = layers.Dense(base * base * width * 2 ** (n - 1), use_bias=plain)(x)
    x = layers.Reshape((base, base, width * 2 ** (n - 1)))(x)
    x = layers.ReLU()(common.normalize(x, generator_norm))
    for i in reversed(range(n - 1)):
        x = layers.ReLU()(common.normalize(up(width * 2**i, plain)(x), generator_norm))
    sample = common.image(up(image_shape[-1], True)(x))

    convolve = common.constrained(layers.Conv2D, discriminator_norm, discriminator_constraint)
    dense = common.constrained(layers.Dense, discriminator_norm, discriminator_constraint)
    data = x = keras.Input(packed_shape(image_shape, packing), name="image")
    for i in range(n):
        x = convolve(width * 2**i, 4, strides=2, padding="same", kernel_initializer=_normal())(x)
        if i:  # not on the layer next to the image, as in the paper
            x = common.normalize(x, discriminator_norm, discriminator_constraint)
        x = common.leaky(x)
    logit = common.head(layers.Flatten()(x), dense)
    return common.model(latent, sample, "generator"), common.model(data, logit, "discriminator")


def _normal():
    return keras.initializers.RandomNormal(stddev=0.02)
