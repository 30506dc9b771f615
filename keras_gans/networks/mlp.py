"""Fully connected networks: for points in the plane, and the article's example on flat images."""

import math

import keras
from keras import layers

from keras_gans.networks import common
from keras_gans.packing import packed_shape


def mlp(
    data_shape=(28, 28, 1),
    latent_dim=100,
    width=256,
    depth=1,
    discriminator_norm="none",
    discriminator_constraint=None,
    packing=1,
    activation=None,
):
    """Return (generator, discriminator) with `depth` hidden layers of `width` units.

        generator:      latent_dim - width - ... - prod(data_shape);  tanh where it makes images
        discriminator:  prod(data_shape) - width - ... - 1

    The defaults are 100-256-784 and 784-256-1.

    Args:
        data_shape: shape of one sample: (size, size, channels) or (d,).
        latent_dim: length of a latent vector.
        width: units in each hidden layer, >= 1.
        depth: hidden layers, >= 1.
        discriminator_norm: `"none"`, `"batch"`, `"layer"` or `"spectral"`.
        discriminator_constraint: a Keras constraint on all of the discriminator's weights.
        packing: samples that the discriminator judges at a time, as in `GAN(packing=...)`.
        activation: `"leaky"` (slope 0.2) or any Keras activation's name; None is leaky for images
            and ReLU for points.

    Raises:
        ValueError: if a value cannot be.

    Example:
        >>> generator, discriminator = mlp((2,), latent_dim=4, width=128, depth=3)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 2), (None, 1))
    """
    if width < 1 or depth < 1:
        raise ValueError(f"width and depth must be >= 1, found width={width}, depth={depth}")
    data_shape = tuple(data_shape)
    if activation is None:  # the sharper kink is what finds modes that are narrow and far apart
        activation = "leaky" if len(data_shape) == 3 else "relu"
    activate = common.leaky if activation == "leaky" else layers.Activation(activation)

    latent = x = keras.Input((latent_dim,), name="latent")
    for _ in range(depth):
        x = activate(layers.Dense(width)(x))
    x = layers.Dense(math.prod(data_shape))(x)
    x = layers.Reshape(data_shape)(x) if len(data_shape) > 1 else x
    sample = (
        common.image(x)
        if len(data_shape) == 3
        else layers.Activation("linear", dtype=common.full_dtype())(x)
    )

    dense = common.constrained(layers.Dense, discriminator_norm, discriminator_constraint)
    data = x = keras.Input(packed_shape(data_shape, packing), name="data")
    x = layers.Flatten()(x) if len(data_shape) > 1 else x
    for _ in range(depth):
        x = common.normalize(dense(width)(x), discriminator_norm, discriminator_constraint)
        x = activate(x)
    logit = common.head(x, dense)
    return common.model(latent, sample, "generator"), common.model(data, logit, "discriminator")
