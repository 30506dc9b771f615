"""The bilinear game min max x y, whose every step has a closed form."""

import keras
import numpy as np
import tensorflow as tf

import keras_gans as kg
from keras_gans.stability import dirac


def bilinear(theta=1.0, psi=1.0, optimizer=keras.optimizers.SGD, learning_rate=0.1, **arguments):
    """Return a game with L_D = psi theta = -L_G at a point, compiled."""
    latent, x = keras.Input((1,)), keras.Input((1,))
    discriminator = keras.Model(x, keras.layers.Dense(1, use_bias=False)(x))
    gan = kg.GAN(keras.Model(latent, dirac._Point()(latent)), discriminator, 1, seed=0)
    for player in ("generator_optimizer", "discriminator_optimizer"):
        arguments.setdefault(player, optimizer(learning_rate))
    gan.compile("wasserstein", **arguments)
    gan.generator_variables[0].assign([theta])
    gan.discriminator_variables[0].assign([[psi]])
    return gan


def play(gan, steps):
    """Make steps on data that are all 0; return (theta, psi) as float64."""
    data = tf.zeros([2 * gan.discriminator_steps, 1])

    @tf.function(autograph=False)
    def step():
        gan.train_step(data)

    for _ in range(steps):
        step()
    return point(gan)


def point(gan):
    """Return (theta, psi), float64 [2]."""
    weights = [*gan.generator_variables, *gan.discriminator_variables]
    return np.array([w.numpy().item() for w in weights])
