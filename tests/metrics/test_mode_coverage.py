import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import chi2

import keras_gans as kg
from keras_gans.metrics import ModeCoverage, mode_coverage, reverse_kl

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
POINTS = np.array([[0.1, 0.2], [0.0, -0.29], [9.9, 0.1], [0.0, 7.0], [8.0, 8.0]])


def test_a_set_counted_by_hand():
    # Within 3 * 0.1 of a mode: the first three. Nearest: two at 0, then one at each other mode.
    found = mode_coverage(POINTS, SQUARE, sigma=0.1)
    assert (found.modes, found.high_quality, found.counts.tolist()) == (2, 0.6, [2, 1, 1, 1])
    # q = (2, 1, 1, 1)/5, p = 1/4: 0.4 log 1.6 + 0.6 log 0.8
    assert found.reverse_kl == pytest.approx(0.4 * np.log(1.6) + 0.6 * np.log(0.8), abs=1e-12)


def test_weights_are_the_truth_of_the_divergence_alone():
    equal, weighted = (mode_coverage(POINTS, SQUARE, 0.1, w) for w in (None, [4, 2, 2, 2]))
    assert weighted.reverse_kl == pytest.approx(0, abs=1e-12)
    assert (weighted.modes, weighted.high_quality) == (equal.modes, equal.high_quality)


def test_the_threshold_is_in_units_of_sigma_and_belongs_to_the_mode():
    line = np.array([[0.0], [1.0]])
    for threshold, expected in ((3.0, 0.5), (2.9, 0.25)):  # 0.375 = 3 * 0.125, exact in binary
        samples = [[0.0], [0.375], [0.376], [0.6]]
        assert mode_coverage(samples, line, 0.125, threshold=threshold).high_quality == expected


@pytest.mark.parametrize("m, of", [(1, 8), (5, 25), (25, 25)])
def test_a_collapse_onto_few_modes_diverges_by_the_log_of_their_share(m, of):
    assert reverse_kl([7] * m + [0] * (of - m)) == pytest.approx(np.log(of / m), abs=1e-12)


def test_the_divergence_of_unequal_shares():
    # 1/2 log(1/2 / 9/10) + 1/2 log(1/2 / 1/10) = log(5/3)
    assert reverse_kl([3, 3], [9, 1]) == pytest.approx(np.log(5 / 3), abs=1e-12)


@pytest.mark.parametrize("d, threshold", [(1, 3.0), (2, 3.0), (2, 1.0), (3, 3.0)])
def test_the_truth_has_the_quality_of_a_gaussian(d, threshold):
    modes, n = 100.0 * np.eye(max(d, 2))[:, :d], 100_000
    rng = np.random.default_rng(d)
    samples = modes[rng.integers(len(modes), size=n)] + 0.3 * rng.normal(size=(n, d))
    found = mode_coverage(samples, modes, 0.3, threshold=threshold)
    expected = chi2.cdf(threshold**2, d)
    assert abs(found.high_quality - expected) < 5 * np.sqrt(expected * (1 - expected) / n)
    if threshold == 3.0 and d < 3:
        assert expected == pytest.approx([0.9973002, 1 - np.exp(-4.5)][d - 1], abs=1e-7)


@pytest.mark.parametrize("name", kg.datasets.toy.DENSITIES)
def test_toy_densities_cover_themselves(name):
    data = kg.datasets.load(name, seed=3)
    found = mode_coverage(data.samples, data.modes, data.sigma, data.weights)
    m, n = len(data.modes), len(data)
    assert found.modes == m and found.counts.sum() == n
    # 2 n KL is nearly chi-squared with m - 1 degrees of freedom, and at curves up to 1e-5 n more
    assert found.reverse_kl < (chi2.ppf(1 - 1e-6, m - 1) / 2 + 2) / n
    quality = {"spiral": 0.9966, "two_moons": 0.9964, "mixture_1d": 0.9973}.get(name, 0.98889)
    assert abs(found.high_quality - quality) < 5 * np.sqrt(0.012 / n)


GOOD = {"samples": POINTS, "modes": SQUARE, "sigma": 0.1}


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"samples": [[0.0, np.nan], [1.0, 1.0]]}, ["samples", "1 of 2", "NaN"]),
        ({"samples": [[0.0, np.inf]]}, ["samples", "inf"]),
        ({"samples": np.zeros((3, 1))}, ["samples", "[n, 2]", "(3, 1)"]),
        ({"samples": np.zeros((0, 2))}, ["samples", "(0, 2)"]),
        ({"samples": np.zeros(2)}, ["samples", "(2,)"]),
        ({"modes": np.zeros((0, 2))}, ["modes", "(0, 2)"]),
        ({"modes": [[0.0, np.nan]]}, ["modes"]),
        ({"sigma": 0.0}, ["sigma", "0.0"]),
        ({"sigma": np.nan}, ["sigma", "nan"]),
        ({"threshold": -1.0}, ["threshold", "-1.0"]),
        ({"weights": [1, 1]}, ["weights", "4"]),
        ({"weights": [1, 1, 1, 0]}, ["weights", "> 0"]),
    ],
)
def test_what_cannot_be_counted_is_named(bad, words):
    with pytest.raises(ValueError) as error:
        mode_coverage(**GOOD | bad)
    assert all(word in str(error.value) for word in words), error.value
    if "samples" not in bad:
        with pytest.raises(ValueError, match=words[0]):
            ModeCoverage(**{k: v for k, v in (GOOD | bad).items() if k != "samples"})


@pytest.mark.parametrize("counts", [[0, 0], [1, -1], [np.nan, 1]])
def test_counts_must_be_counts(counts):
    with pytest.raises(ValueError, match="counts"):
        reverse_kl(counts)


def values(metric):
    return {name: float(value) for name, value in metric.result().items()}


@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
@pytest.mark.parametrize("name", ["imbalanced_ring", "mixture_1d"])
def test_the_metric_gives_the_function_s_numbers_over_batches(mode, name):
    data = kg.datasets.load(name)
    samples = data.samples[:3000] * np.float32(1.002)
    samples = samples[samples[:, 0] < 1.0]  # some modes are missing
    metric = ModeCoverage(data.modes, data.sigma, data.weights)
    update = metric.update_state
    if mode != "eager":
        update = tf.function(update, jit_compile=mode == "jit", reduce_retracing=True)
    for part in np.array_split(samples, 7):
        update(part)
    found = mode_coverage(samples, data.modes, data.sigma, data.weights)
    assert found.modes < len(data.modes) and 0.5 < found.high_quality < 1
    expected = {k: getattr(found, k) for k in ("modes", "high_quality", "reverse_kl")}
    assert values(metric) == pytest.approx(expected, rel=1e-6)
    metric.reset_state()
    empty = values(metric)
    assert empty["modes"] == 0 and np.isnan([empty["high_quality"], empty["reverse_kl"]]).all()
    update(samples)
    assert values(metric) == pytest.approx(expected, rel=1e-6)


def test_the_metric_comes_back_from_its_config():
    metric = ModeCoverage(SQUARE, 0.1, [4, 2, 2, 2], threshold=2.0, name="coverage")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == metric.get_config() and again.name == "coverage"
    for each in (metric, again):
        each.update_state(POINTS)
    assert values(again) == values(metric)
    assert values(again)["high_quality"] == pytest.approx(0.2)  # within 0.2: (9.9, 0.1)


def test_the_metric_refuses_what_it_cannot_count():
    metric = ModeCoverage(SQUARE, 0.1)
    with pytest.raises(ValueError, match=r"\[n, 2\].*\(5, 1\)"):
        metric.update_state(POINTS[:, :1])
    with pytest.raises(ValueError, match="sample_weight"):
        metric.update_state(POINTS, sample_weight=np.ones(5))
    for update in (metric.update_state, tf.function(metric.update_state)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="ModeCoverage"):
            update(np.full((1, 2), np.nan))
    assert values(metric)["modes"] == 0
