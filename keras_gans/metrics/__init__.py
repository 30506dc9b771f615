"""How good samples are: coverage of known modes, diversity; as functions and as Keras metrics."""

from keras_gans.metrics.classifier import classify, make_classifier, train_classifier
from keras_gans.metrics.diversity import BirthdayParadox, birthday_paradox
from keras_gans.metrics.frechet import frechet_distance, gaussian
from keras_gans.metrics.mode_coverage import Coverage, ModeCoverage, mode_coverage, reverse_kl
from keras_gans.metrics.stacked_coverage import StackedCoverage, stacked_coverage

__all__ = [
    "BirthdayParadox",
    "Coverage",
    "ModeCoverage",
    "StackedCoverage",
    "birthday_paradox",
    "classify",
    "frechet_distance",
    "gaussian",
    "make_classifier",
    "mode_coverage",
    "reverse_kl",
    "stacked_coverage",
    "train_classifier",
]
