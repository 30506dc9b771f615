"""How good samples are: distances of features, coverage, diversity; as functions and as metrics."""

from keras_gans.metrics import features
from keras_gans.metrics.class_coverage import class_coverage
from keras_gans.metrics.classifier import classify, make_classifier, train_classifier
from keras_gans.metrics.diversity import BirthdayParadox, birthday_paradox
from keras_gans.metrics.evaluator import Evaluator
from keras_gans.metrics.feature_metric import FeatureMetric, SampleMetric
from keras_gans.metrics.features import Classifier, Extractor, Features, get_extractor
from keras_gans.metrics.frechet import frechet_distance, gaussian
from keras_gans.metrics.inception import InceptionV3
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
from keras_gans.metrics.memorisation import Memorisation, memorisation, nearest
from keras_gans.metrics.mode_coverage import Coverage, ModeCoverage, mode_coverage, reverse_kl
from keras_gans.metrics.moments import RunningMoments
from keras_gans.metrics.ms_ssim import ms_ssim
from keras_gans.metrics.precision_recall import (
    Density,
    Prediction,
    density_coverage,
    precision_recall,
)
from keras_gans.metrics.protocol import (
    Manifest,
    Score,
    compare,
    compare_all,
    load_scores,
    save_scores,
)
from keras_gans.metrics.sliced_wasserstein import sliced_wasserstein
from keras_gans.metrics.stacked_coverage import StackedCoverage, stacked_coverage

__all__ = [
    "BirthdayParadox",
    "Classifier",
    "Coverage",
    "Density",
    "DensityCoverage",
    "Evaluator",
    "Extractor",
    "FeatureMetric",
    "Features",
    "FrechetDistance",
    "InceptionScore",
    "InceptionV3",
    "KernelDistance",
    "KernelEstimate",
    "Manifest",
    "Memorisation",
    "ModeCoverage",
    "PrecisionRecall",
    "Prediction",
    "RunningMoments",
    "SampleMetric",
    "Score",
    "SlicedWasserstein",
    "SplitScore",
    "StackedCoverage",
    "birthday_paradox",
    "class_coverage",
    "classify",
    "compare",
    "compare_all",
    "density_coverage",
    "features",
    "frechet_distance",
    "gaussian",
    "get_extractor",
    "inception_score",
    "kernel_distance",
    "load_scores",
    "make_classifier",
    "memorisation",
    "mode_coverage",
    "ms_ssim",
    "nearest",
    "precision_recall",
    "reverse_kl",
    "save_scores",
    "sliced_wasserstein",
    "stacked_coverage",
    "train_classifier",
]
