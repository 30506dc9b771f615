"""Functions that return a pair of networks, (generator, discriminator), ready for `GAN`."""

from keras_gans.networks.dcgan import dcgan
from keras_gans.networks.mlp import mlp
from keras_gans.networks.resnet import resnet

NAMES = {"mlp": mlp, "dcgan": dcgan, "resnet": resnet}

__all__ = ["NAMES", "dcgan", "mlp", "resnet"]
