"""How good samples are: distances of features, coverage, diversity; as functions and as metrics."""

from keras_gans.metrics.classifier import classify, make_classifier, train_classifier
from keras_gans.metrics.diversity import BirthdayParadox, birthday_paradox
from keras_gans.metrics.feature_metric import FeatureMetric, SampleMetric
from keras_gans.metrics.frechet import frechet_distance, gaussian
from keras_gans.metrics.inception_score import SplitScore, inception_score
from keras_gans.metrics.keras_metrics import (
    DensityCoverage,
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    PrecisionRecall,
    SlicedWasserstein,
)
from keras_gans.metrics.kernel import KernelEstimate, kernel_distance
from keras_gans.metrics.mode_coverage import Coverage, ModeCoverage, mode_coverage, reverse_kl
from keras_gans.metrics.moments import RunningMoments
from keras_gans.metrics.ms_ssim import ms_ssim
from keras_gans.metrics.precision_recall import (
    Density,
    Prediction,
    density_coverage,
    precision_recall,
)
from keras_gans.metrics.sliced_wasserstein import sliced_wasserstein
from keras_gans.metrics.stacked_coverage import StackedCoverage, stacked_coverage

__all__ = [
    "BirthdayParadox",
    "Coverage",
    "Density",
    "DensityCoverage",
    "FeatureMetric",
    "FrechetDistance",
    "InceptionScore",
    "KernelDistance",
    "KernelEstimate",
    "ModeCoverage",
    "PrecisionRecall",
    "Prediction",
    "RunningMoments",
    "SampleMetric",
    "SlicedWasserstein",
    "SplitScore",
    "StackedCoverage",
    "birthday_paradox",
    "classify",
    "density_coverage",
    "frechet_distance",
    "gaussian",
    "inception_score",
    "kernel_distance",
    "make_classifier",
    "mode_coverage",
    "ms_ssim",
    "precision_recall",
    "reverse_kl",
    "sliced_wasserstein",
    "stacked_coverage",
    "train_classifier",
]
