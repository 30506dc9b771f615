"""The model that trains: `GAN`, and the families that change its game."""

from keras_gans.models.gan import GAN

__all__ = ["GAN"]
