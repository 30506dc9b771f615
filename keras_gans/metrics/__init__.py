"""How good samples are: coverage of known modes, diversity; as functions and as Keras metrics."""

from keras_gans.metrics.diversity import BirthdayParadox, birthday_paradox
from keras_gans.metrics.mode_coverage import Coverage, ModeCoverage, mode_coverage, reverse_kl

__all__ = [
    "BirthdayParadox",
    "Coverage",
    "ModeCoverage",
    "birthday_paradox",
    "mode_coverage",
    "reverse_kl",
]
