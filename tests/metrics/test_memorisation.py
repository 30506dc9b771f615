import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu

from keras_gans.metrics import memorisation, nearest
from keras_gans.metrics.intervals import by_bootstrap, of_share

RNG = np.random.default_rng(0)
TRAIN = RNG.normal(size=(3000, 8)).astype("float32")


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_nearest_is_scipy_s(shift):
    points, among = TRAIN[:1500] + np.float32(shift), TRAIN[1500:] + np.float32(shift)
    distances = cdist(points.astype(float), among.astype(float))
    found, indices = nearest(points, among)
    np.testing.assert_array_equal(indices, distances.argmin(1))
    np.testing.assert_allclose(found, distances.min(1), rtol=1e-9)
    own = cdist(points.astype(float), points.astype(float)) + np.diag(np.full(1500, np.inf))
    np.testing.assert_allclose(nearest(points)[0], own.min(1), rtol=1e-9)


def test_fresh_samples_copies_and_bad_samples():
    fresh = memorisation(TRAIN, RNG.normal(size=(1000, 8)))
    # 0.5, give or take 4 standard deviations of the statistic, sqrt((m + n + 1) / 12mn) = 0.01
    assert abs(fresh.share - 0.5) < 0.04 and fresh.copies < 0.03
    copies = memorisation(TRAIN, TRAIN[::2])
    assert copies.share == 1.0 == copies.copies
    np.testing.assert_array_equal(copies.indices, np.arange(0, 3000, 2))
    far = memorisation(TRAIN, RNG.normal(size=(100, 8)) + 30)
    assert far.share == 0.0 == far.copies
    half = memorisation(TRAIN, np.concatenate([TRAIN[:500], RNG.normal(size=(500, 8))]))
    assert abs(half.share - 0.75) < 0.03 and abs(half.copies - 0.505) < 0.02


def test_the_share_is_the_mann_whitney_statistic():
    fake, real = RNG.normal(size=(40, 8)), nearest(TRAIN)[0][:70]
    found = memorisation(TRAIN, fake, real)
    u = mannwhitneyu(real, found.distances).statistic
    assert found.share == pytest.approx(u / (40 * 70))
    # by hand, ties count a half: 0, 1 and 2 against 1
    points = memorisation(np.array([[0.0], [9.0]]), np.array([[0.0], [1.0], [2.0]]), [1.0])
    assert points.share == pytest.approx(1.5 / 3)


@pytest.mark.parametrize(
    ("train", "fake", "words"),
    [
        (np.zeros((5, 2)), np.zeros((5, 3)), ["(5, 3)", "(5, 2)"]),
        (np.zeros((1, 2)), np.zeros((5, 2)), ["2 samples or more", "found 1"]),
        (np.full((5, 2), np.nan), np.zeros((5, 2)), ["NaN"]),
        (np.zeros((5, 2)), np.full((5, 2), np.inf), ["infinite"]),
        (np.zeros(5), np.zeros((5, 2)), ["(5,)"]),
    ],
)
def test_bad_features_are_named(train, fake, words):
    with pytest.raises(ValueError) as error:
        memorisation(train, fake)
    assert all(word in str(error.value) for word in words), error.value


def test_wilson_s_interval():
    # 10 of 100: 0.0552 to 0.1744 (Newcombe 1998's method 3, by hand)
    assert of_share(0.1, 100) == pytest.approx((0.05523, 0.17437), abs=1e-4)
    assert of_share(0.0, 50)[0] == 0.0 and of_share(1.0, 50)[1] == 1.0
    assert of_share(0.0, 50)[1] == pytest.approx(1 - of_share(1.0, 50)[0])


def test_the_bootstrap_finds_the_mean_s_standard_error():
    x = np.random.default_rng(1).exponential(size=2000)
    low, high = by_bootstrap(lambda picks: x[picks].mean(), 2000, x.mean(), 400, seed=2)
    assert (low + high) / 2 == pytest.approx(x.mean())
    assert (high - low) / 2 == pytest.approx(1.96 * x.std() / np.sqrt(2000), rel=0.15)
    assert by_bootstrap(lambda picks: x[picks].mean(), 2000, 0.001, least=0.0)[0] == 0.0
