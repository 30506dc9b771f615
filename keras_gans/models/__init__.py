"""The model that trains: `GAN`, and the families that change its game."""

from keras_gans.models.gan import GAN
from keras_gans.models.probe import Probe

__all__ = ["GAN", "Probe"]
