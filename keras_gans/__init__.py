"""Generative adversarial networks for Keras 3 that converge, and show why they do or don't.

import keras_gans as kg

generator, discriminator = kg.networks.dcgan((28, 28, 1), latent_dim=128)
gan = kg.GAN(generator, discriminator, latent_dim=128)
gan.compile(loss="wasserstein", penalty="gradient_penalty", discriminator_steps=5)
gan.fit(dataset, epochs=20)
images = gan.generate(64, seed=0)
"""

import os

# Before TensorFlow is loaded: by oneDNN a step of convolutions takes half to three quarters of the
# time, and TensorFlow leaves it off on many processors.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from keras_gans import (
    callbacks,
    datasets,
    evaluation,
    export,
    layers,
    losses,
    metrics,
    networks,
    optimizers,
    penalties,
    provenance,
    stability,
    watermark,
)
from keras_gans._version import __version__
from keras_gans.models import GAN

__all__ = [
    "GAN",
    "__version__",
    "callbacks",
    "datasets",
    "evaluation",
    "export",
    "layers",
    "losses",
    "metrics",
    "networks",
    "optimizers",
    "penalties",
    "provenance",
    "stability",
    "watermark",
]
