"""Layers that generative adversarial networks need and Keras lacks."""

from keras_gans.layers.spectral_normalization import SpectralNormalization, spectral_layers

__all__ = ["SpectralNormalization", "spectral_layers"]
