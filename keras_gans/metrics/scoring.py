"""How each metric of images is computed from both sides' features, with its interval."""

import functools

import numpy as np

from keras_gans.metrics import intervals
from keras_gans.metrics.frechet import frechet_distance, gaussian
from keras_gans.metrics.inception_score import inception_score
from keras_gans.metrics.kernel import kernel_distance
from keras_gans.metrics.memorisation import memorisation
from keras_gans.metrics.ms_ssim import ms_ssim
from keras_gans.metrics.precision_recall import density_coverage, precision_recall
from keras_gans.metrics.sliced_wasserstein import sliced_wasserstein

_BOOTSTRAPPED = 512  # features; with more, a bootstrap of the Fréchet distance takes too long
_NEIGHBOURS, _COVERED, _SUBSETS, _SUBSET, _LINES, _PAIRS = 3, 5, 20, 1000, 512, 1000


class Side:
    """Images of one kind and what was computed from them."""

    def __init__(self, images, features, cache, reference=None):
        self.images, self.features, self.cache = images, features, cache
        self.reference = reference  # function that returns the features of training images
        self.values = features.values

    @functools.cached_property
    def moments(self):
        """Mean and covariance of the features, float64."""
        return self.features.statistics(self.cache)


def _frechet(real, fake, seed, told):
    value = frechet_distance(*real.moments, *fake.moments)
    n, d = fake.values.shape
    ends = (None, None)
    if told and d <= _BOOTSTRAPPED:
        values = fake.values.astype(np.float64)
        ends = intervals.by_bootstrap(
            lambda picks: frechet_distance(*real.moments, *gaussian(values[picks])),
            *(n, value),
            seed=seed,
            least=0.0,
        )
    return {"fd": (value, *ends)}


def _kernel(real, fake, seed, told):
    """The value is of all samples; its error is told from subsets m: sqrt(m / (n - m)) of theirs.

    Subsets share samples, which makes them more alike by (1 - m / n), and n samples tell more than
    m by n / m.
    """
    value = kernel_distance(real.values, fake.values)
    if not told:
        return {"kd": (value, None, None)}
    n = min(len(real.values), len(fake.values))
    size = min(_SUBSET, n // 2)
    found = kernel_distance(real.values, fake.values, _SUBSETS, size, seed)
    deviation = found.standard_error * np.sqrt(_SUBSETS)
    half = intervals.Z * deviation * np.sqrt(size / (n - size))
    return {"kd": (value, value - half, value + half)}


def _inception(real, fake, seed, told):
    probabilities = fake.features.probabilities
    value = inception_score(probabilities)
    if not told:
        return {"is": (value, None, None)}
    ends = intervals.by_bootstrap(
        lambda picks: inception_score(probabilities[picks]),
        *(len(probabilities), value),
        seed=seed,
        least=1.0,
    )
    return {"is": (value, *ends)}


def _precision_recall(real, fake, seed, told):
    precision, recall = precision_recall(real.values, fake.values, k=_NEIGHBOURS)
    return {
        "precision": (precision, *intervals.of_share(precision, len(fake.values))),
        "recall": (recall, *intervals.of_share(recall, len(real.values))),
    }


def _density_coverage(real, fake, seed, told):
    density, coverage = density_coverage(real.values, fake.values, k=_COVERED)
    return {
        "density": (density, None, None),
        "coverage": (coverage, *intervals.of_share(coverage, len(real.values))),
    }


def _memorisation(real, fake, seed, told):
    share = memorisation(real.reference().values, fake.values).share
    return {"memorisation": (share, None, None)}


def _sliced(real, fake, seed, told):
    return {"swd": (sliced_wasserstein(real.values, fake.values, _LINES, seed), None, None)}


def _ms_ssim(real, fake, seed, told):
    return {"ms_ssim": (ms_ssim(fake.images, _PAIRS, seed), None, None)}


# Metrics that are computed together, the settings that go with each score, and how: a function of
# both sides, the seed, and whether to spend time on intervals, to {name: (value, low, high)}.
GROUPS = (
    (("fd",), {}, _frechet),
    (("kd",), {"degree": 3}, _kernel),
    (("is",), {"splits": 1}, _inception),
    (("precision", "recall"), {"k": _NEIGHBOURS}, _precision_recall),
    (("density", "coverage"), {"k": _COVERED}, _density_coverage),
    (("memorisation",), {}, _memorisation),
    (("swd",), {"projections": _LINES, "order": 2}, _sliced),
    (("ms_ssim",), {"pairs": _PAIRS}, _ms_ssim),
)
