import numpy as np
import pytest
from helpers import peak_memory

from keras_gans.metrics import RunningMoments, frechet_distance, gaussian


def of(features, sizes):
    """Return the moments of features that came in batches of these sizes."""
    moments = RunningMoments(features.shape[1])
    for batch in np.split(features, np.cumsum(sizes)):
        if len(batch):
            moments.update(batch)
    return moments


def assert_moments(moments, features, rel=1e-12):
    assert moments.count == len(features)
    centred = features - features.mean(axis=0)
    np.testing.assert_allclose(moments.mean, features.mean(axis=0), rtol=rel)
    expected = centred.T @ centred / (len(features) - 1)
    np.testing.assert_allclose(moments.covariance, expected, rtol=0, atol=rel * expected.max())


@pytest.mark.parametrize("sizes", [[], [1] * 99, [37, 1, 50], [2, 3, 5]])
def test_batches_give_what_all_at_once_give(sizes):
    features = np.random.default_rng(0).normal(size=[100, 5]) + np.arange(5.0)
    assert_moments(of(features, sizes), features)


def test_features_far_from_0_lose_nothing():
    # Sums of squares would be 1e16 and leave no digit of a variance of 1.
    features = np.random.default_rng(0).normal(size=[1000, 3]) + 1e8
    moments = of(features.astype(np.float64), [10] * 99)
    assert_moments(moments, features, rel=1e-8)


def test_float32_is_summed_in_float64():
    features = np.random.default_rng(0).normal(size=[5000, 2]).astype(np.float32) + 100
    assert_moments(of(features, [64] * 78), features.astype(np.float64))


def test_workers_moments_are_merged():
    features = np.random.default_rng(0).normal(size=[300, 4])
    whole = RunningMoments(4)
    for part in np.split(features, [10, 11, 200]):
        whole.merge(of(part, []))
    whole.merge(RunningMoments(4))  # one who has seen nothing
    assert_moments(whole, features)
    empty = RunningMoments(4)
    empty.merge(whole)
    whole.update(features)  # what was merged stays as it was
    assert_moments(empty, features)


def test_a_state_goes_through_a_file(tmp_path):
    features = np.random.default_rng(0).normal(size=[50, 3])
    moments = of(features[:20], [])
    np.savez(tmp_path / "moments.npz", **moments.get_state())
    with np.load(tmp_path / "moments.npz", allow_pickle=False) as file:
        again = RunningMoments.from_state(file)
    for each in (moments, again):
        each.update(features[20:])
    assert again.count == moments.count
    np.testing.assert_array_equal(again.mean, moments.mean)
    np.testing.assert_array_equal(again.covariance, moments.covariance)


def test_a_state_is_taken_over_and_not_shared():
    moments, other = of(np.eye(3), []), RunningMoments(3)
    other.set_state(moments.get_state())
    other.update(np.ones([2, 3]))
    assert_moments(moments, np.eye(3))


def test_they_are_what_the_frechet_distance_takes():
    a, b = np.random.default_rng(0).normal(size=[2, 60, 4])
    first, second = of(a, [7, 20]), of(b, [31])
    found = frechet_distance(first.mean, first.covariance, second.mean, second.covariance)
    assert found == pytest.approx(frechet_distance(*gaussian(a), *gaussian(b)), rel=1e-10)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.update([[np.nan, 0.0]]), "features must be finite"),
        (lambda m: m.update([[0.0] * 3]), "2 dimensions.*found 3"),
        (lambda m: m.update([0.0, 1.0]), r"\(2,\)"),
        (lambda m: m.merge(RunningMoments(3)), "2 dimensions.*found 3"),
        (lambda m: m.covariance, "two samples, found 1"),
        (lambda m: m.set_state({"mean": np.zeros(2), "count": 1}), "lacks scatter"),
        (lambda m: m.set_state(RunningMoments(3).get_state()), r"2 dimensions.*\(3,\)"),
        (lambda m: RunningMoments(0), "dimensions.*found 0"),
    ],
)
def test_what_cannot_be_is_named(call, words):
    moments = RunningMoments(2)
    moments.update([[1.0, 2.0]])
    with pytest.raises(ValueError, match=words):
        call(moments)
    assert moments.count == 1


@pytest.mark.parametrize(
    ("n", "d", "matrices"),
    # In float64 the features are as large as 49 and as 24 matrices [d, d].
    [(25_000, 512, 8), pytest.param(50_000, 2048, 8, marks=pytest.mark.slow)],
)
def test_memory_does_not_grow_with_the_number_of_samples(n, d, matrices):
    random = np.random.default_rng(0)
    batch = random.normal(size=[500, d]).astype(np.float32)

    def whole():
        moments = RunningMoments(d)
        for _ in range(n // 500):
            moments.update(batch + np.float32(random.normal()))
        assert moments.count == n

    assert peak_memory(whole) < matrices * d * d * 8
