import math

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from keras_gans.metrics import sliced_wasserstein


@pytest.mark.parametrize(("n", "m"), [(50, 50), (50, 75), (7, 40), (60, 20)])
def test_on_a_line_it_is_the_wasserstein_distance(n, m):
    random = np.random.default_rng(n + m)
    a, b = random.normal(size=[n, 1]), 2.0 * random.normal(size=[m, 1]) + 1.0
    found = sliced_wasserstein(a, b, order=1)
    assert found == pytest.approx(wasserstein_distance(a[:, 0], b[:, 0]), rel=1e-12)
    # Repeating samples changes neither set.
    repeated = np.repeat(a, m, axis=0), np.repeat(b, n, axis=0)
    for order in (1, 2, 3.5):
        found = sliced_wasserstein(a, b, order=order)
        assert found == pytest.approx(sliced_wasserstein(*repeated, order=order), rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 5, 30])
def test_a_shift_has_a_closed_form(d):
    real = np.random.default_rng(0).normal(size=[40, d])
    shift = np.random.default_rng(1).normal(size=d)
    length, projections = np.linalg.norm(shift), 4000
    # u·v on each line: E |u·v| and E (u·v)² = |v|² / d for u on the sphere
    of_one = length * math.gamma(d / 2) / (math.sqrt(math.pi) * math.gamma((d + 1) / 2))
    for order, expected in ((1, of_one), (2, length / math.sqrt(d))):
        found = sliced_wasserstein(real, real[::-1] + shift, projections, order=order)
        assert found == pytest.approx(expected, rel=1e-12 if d == 1 else 0.05)


def test_gaussians_of_different_spread():
    # On every line W2 of N(0, 1) and N(0, 3²) is 2; that of n samples comes near to it.
    random = np.random.default_rng(0)
    real, fake = random.normal(size=[20_000, 3]), 3.0 * random.normal(size=[10_000, 3])
    assert sliced_wasserstein(real, fake, projections=64) == pytest.approx(2.0, rel=0.02)


def test_it_is_a_distance_of_sets():
    x = np.random.default_rng(0).normal(size=[30, 4])
    assert sliced_wasserstein(x, x[::-1]) == 0.0
    y = np.random.default_rng(1).normal(size=[20, 4])
    assert sliced_wasserstein(x, y) == pytest.approx(sliced_wasserstein(y, x), rel=1e-12)
    assert sliced_wasserstein(3 * x, 3 * y) == pytest.approx(3 * sliced_wasserstein(x, y))
    assert sliced_wasserstein(x, y, seed=1) != sliced_wasserstein(x, y)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"real": [[np.nan, 0.0], [1.0, 1.0]]}, "real must be finite.*1 of 2"),
        ({"fake": np.zeros([3, 5])}, "same width.*2 and 5"),
        ({"fake": np.zeros([1, 2])}, r"fake must be .*\(1, 2\)"),
        ({"projections": 0}, "projections.*found 0"),
        ({"order": 0.5}, "order.*found 0.5"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        sliced_wasserstein(**{"real": np.zeros([4, 2]), "fake": np.ones([4, 2])} | change)
