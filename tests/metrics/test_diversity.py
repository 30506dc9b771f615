import numpy as np
import pytest
from scipy.stats import binom

from keras_gans.metrics import birthday_paradox


def test_pairs_counted_by_hand():
    # Three of a kind are three pairs, two are one: c = 4 of 15 pairs.
    found = birthday_paradox([[0.0], [0.0], [0.0], [5.0], [5.0], [9.0]], threshold=0.0)
    assert (found.pairs, found.support, found.probability) == (4, 15 / 4, 1.0)
    # The exact Poisson interval of 4 is 1.0899 to 10.2416 (chi-squared tables).
    assert (found.low, found.high) == pytest.approx((15 / 10.2416, 15 / 1.0899), rel=1e-4)


def test_batches_are_apart_and_the_rest_is_not_used():
    samples = np.array([[0.0], [0.0], [1.0], [0.0], [1.0], [2.0], [2.0]])
    found = birthday_paradox(samples, threshold=0.0, batch_size=3)
    # (0 0 1) has one pair, (0 1 2) none, the last 2 is left over: N = 2 * 3 / 1
    assert (found.pairs, found.probability, found.support) == (1, 0.5, 6.0)
    assert (found.batches, found.batch_size) == (2, 3)


def test_without_duplicates_there_is_only_a_lower_bound():
    found = birthday_paradox(np.arange(100.0)[:, None], threshold=0.5)
    assert (found.pairs, found.support, found.high) == (0, np.inf, np.inf)
    assert found.low == pytest.approx(4950 / 3.6889, rel=1e-4)  # -log(0.025) = 3.6889


def test_threshold_and_duplicate_decide_together():
    samples = np.array([[[0.0, 0.0]], [[0.3, 0.4]], [[3.0, 4.0]]])
    assert birthday_paradox(samples, threshold=0.5).pairs == 1  # the distance is 0.5 and belongs
    assert birthday_paradox(samples, threshold=0.499).pairs == 0
    asked = []

    def same(a, b):
        asked.append((a.shape, b.shape))
        return b.max() > 1

    assert birthday_paradox(samples, duplicate=same).pairs == 2
    assert asked == [((1, 2), (1, 2))] * 3
    assert birthday_paradox(samples, threshold=0.5, duplicate=same).pairs == 0
    assert len(asked) == 4


@pytest.mark.parametrize("support, size, batches", [(1000, 600, 1), (1000, 50, 40), (200, 20, 100)])
def test_a_known_support_is_found_as_often_as_stated(support, size, batches):
    rng = np.random.default_rng(support + size)
    inside, inverse, repeats = 0, [], 100
    for _ in range(repeats):
        draws = rng.integers(support, size=(size * batches, 1))
        found = birthday_paradox(draws, threshold=0.0, batch_size=size)
        inside += found.low <= support <= found.high
        inverse.append(1 / found.support)
    assert inside >= binom.ppf(1e-4, repeats, 0.95)
    # 1/N_hat is unbiased; pairs are independent two by two, so its variance is 1/N (1 - 1/N) / n.
    pairs = batches * size * (size - 1) / 2
    error = np.sqrt((1 / support) * (1 - 1 / support) / (pairs * repeats))
    assert abs(np.mean(inverse) - 1 / support) < 4 * error


def test_half_of_the_batches_have_a_duplicate_at_23_people():
    birthdays = np.random.default_rng(0).integers(365, size=(23 * 4000, 1))
    found = birthday_paradox(birthdays, threshold=0.0, batch_size=23)
    assert abs(found.probability - 0.507297) < 4 * 0.5 / np.sqrt(4000)
    assert found.support == pytest.approx(365, rel=0.1)


def test_near_duplicates_of_points_in_many_blocks_and_dimensions():
    rng = np.random.default_rng(1)
    centres = 10 * rng.normal(size=(800, 6, 6, 1))
    draws = centres[rng.integers(800, size=1300)]
    found = birthday_paradox(draws + 0.01 * rng.normal(size=draws.shape), threshold=1.0)
    assert found.low < 800 < found.high
    assert found.pairs == birthday_paradox(draws, threshold=0.0).pairs


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"samples": [[1.0]]}, ["samples", "(1, 1)"]),
        ({"samples": 3.0}, ["samples"]),
        ({"samples": [[1.0], [np.nan]]}, ["samples", "1 of 2"]),
        ({"threshold": None}, ["threshold", "duplicate"]),
        ({"threshold": -1.0}, ["threshold", "-1.0"]),
        ({"batch_size": 1}, ["batch_size", "2 to 3", "1"]),
        ({"batch_size": 4}, ["batch_size", "2 to 3", "4"]),
        ({"confidence": 95}, ["confidence", "95"]),
    ],
)
def test_what_cannot_be_estimated_is_named(bad, words):
    with pytest.raises(ValueError) as error:
        birthday_paradox(**{"samples": np.zeros((3, 1)), "threshold": 0.0} | bad)
    assert all(word in str(error.value) for word in words), error.value
