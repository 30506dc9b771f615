"""Whether a GAN converges, and why: on the smallest one, on toy densities, and on any."""

from keras_gans.stability.dirac import DiracGAN, critical_gamma
from keras_gans.stability.duality_gap import DualityGap, duality_gap
from keras_gans.stability.jacobian import Spectrum, game_jacobian, game_spectrum

__all__ = [
    "DiracGAN",
    "DualityGap",
    "Spectrum",
    "critical_gamma",
    "duality_gap",
    "game_jacobian",
    "game_spectrum",
]
