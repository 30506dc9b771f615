import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from goldens.cases import features
from scipy.special import softmax

from keras_gans.images import to_float, to_uint8
from keras_gans.metrics import (
    DensityCoverage,
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    PrecisionRecall,
    SlicedWasserstein,
    density_coverage,
    frechet_distance,
    gaussian,
    inception_score,
    kernel_distance,
    precision_recall,
    sliced_wasserstein,
)

# The metric, and what its function makes of the same arrays.
METRICS = {
    "frechet": (FrechetDistance, lambda x, y: frechet_distance(*gaussian(x), *gaussian(y))),
    "kernel": (KernelDistance, kernel_distance),
    "subsets": (
        lambda *a, **k: KernelDistance(*a, subsets=3, subset_size=20, seed=5, **k),
        lambda x, y: kernel_distance(x, y, 3, 20, 5).value,
    ),
    "sliced": (
        lambda *a, **k: SlicedWasserstein(*a, projections=16, order=1, **k),
        lambda x, y: sliced_wasserstein(x, y, 16, order=1),
    ),
    "prdc_1": (
        lambda *a, **k: PrecisionRecall(*a, k=4, **k),
        lambda x, y: precision_recall(x, y, 4)._asdict(),
    ),
    "prdc_2": (DensityCoverage, lambda x, y: density_coverage(x, y)._asdict()),
    "inception": (InceptionScore, lambda x, y: inception_score(softmax(y, axis=1))),
}
ALL = pytest.mark.parametrize("name", METRICS)


def value(metric):
    result = metric.result()
    if isinstance(result, dict):
        return {name: float(each) for name, each in result.items()}
    return float(result)


def arrays():
    """Return float32 sets of unequal size, of width 24."""
    return [x.astype(np.float32) for x in features("unequal")]


def identity():
    inputs = keras.Input([24])
    return keras.Model(inputs, keras.layers.Dense(24, use_bias=False, name="mix")(inputs))


def mixing(seed=0):
    """Return a model of known weights, and these."""
    model, weights = identity(), np.random.default_rng(seed).normal(size=[24, 24]) / 5
    model.set_weights([weights.astype(np.float32)])
    return model, weights.astype(np.float32)


@ALL
@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
def test_batches_give_the_function_s_number(name, mode):
    make, function = METRICS[name]
    model, weights = mixing()
    metric = make(model)
    update = metric.update_state
    if mode != "eager":
        update = tf.function(update, jit_compile=mode == "jit", reduce_retracing=True)
    real, fake = arrays()
    for _ in range(2):  # the second time after a reset
        for parts in zip(np.array_split(real, 4), np.array_split(fake, 4), strict=True):
            update(*parts)
        expected = function(real @ weights, fake @ weights)
        assert value(metric) == pytest.approx(expected, rel=1e-4)
        metric.reset_state()
        assert np.isnan(list(np.atleast_1d(tf.nest.flatten(value(metric))))).all()


@ALL
def test_without_an_extractor_it_is_exact(name):
    make, function = METRICS[name]
    metric, (real, fake) = make(None), arrays()
    for parts in zip(np.array_split(real, 7), np.array_split(fake, 7), strict=True):
        metric.update_state(*parts)
    expected = function(real.astype(np.float64), fake.astype(np.float64))
    assert value(metric) == pytest.approx(expected, rel=1e-10)
    assert all(each.dtype == tf.float64 for each in tf.nest.flatten(metric.result()))


@ALL
def test_a_function_is_called_with_arrays_in_a_graph_too(name):
    make, function = METRICS[name]
    seen = []

    def extract(samples):
        seen.append(samples)
        return samples[:, :6] * 2.0

    metric, (real, fake) = make(extract), arrays()
    update = tf.function(metric.update_state, reduce_retracing=True)
    for parts in zip(np.array_split(real, 3), np.array_split(fake, 3), strict=True):
        update(*parts)
    assert all(isinstance(x, np.ndarray) and x.dtype == np.float32 for x in seen)
    expected = function(real[:, :6] * 2.0, fake[:, :6] * 2.0)
    assert value(metric) == pytest.approx(expected, rel=1e-5)
    in_graph = tf.function(metric.result)()
    assert tf.nest.map_structure(float, in_graph) == pytest.approx(value(metric), rel=1e-12)


@ALL
def test_it_comes_back_from_its_config_with_the_extractor_s_weights(name):
    make, _ = METRICS[name]
    metric, (real, fake) = make(mixing()[0], name="mine", quantize=False), arrays()
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.name == "mine" and again.quantize is False and type(again) is type(metric)
    for each in (metric, again):
        each.update_state(real, fake)
    assert value(again) == value(metric)
    assert json.dumps(again.get_config()) == json.dumps(metric.get_config())


def test_the_frechet_metric_loses_nothing_far_from_0():
    random = np.random.default_rng(0)
    real, fake = random.normal(size=[2, 400, 3]).astype(np.float32) + np.float32(1000)
    fake *= np.float32(1.001)
    metric = FrechetDistance()
    for parts in zip(np.array_split(real, 40), np.array_split(fake, 40), strict=True):
        metric.update_state(*parts)
    expected = frechet_distance(*gaussian(real), *gaussian(fake))
    assert value(metric) == pytest.approx(expected, rel=1e-9)


def test_more_samples_than_are_kept_are_chosen_fairly():
    # Each of 1,000 is among 100 with the probability 0.1, whatever its place.
    seeds = 60
    kept = np.zeros(1000)
    numbers = np.arange(1000, dtype=np.float32)[:, None]
    for seed in range(seeds):
        metric = KernelDistance(samples=100, seed=seed)
        for part in np.array_split(numbers, 3):
            metric.update_state(part, part)
        buffer = np.asarray(metric.variables[0])[:100, 0].astype(int)
        assert len(set(buffer)) == 100
        kept[buffer] += 1
    # The share in each tenth of the data: of 100 samples for each seed.
    shares = kept.reshape(10, 100).mean(axis=1) / seeds
    assert abs(shares - 0.1).max() < 5 * np.sqrt(0.1 * 0.9 / (100 * seeds))


def test_generated_images_are_rounded_to_pixels_unless_asked():
    fake = np.random.default_rng(0).uniform(-1.2, 1.2, [40, 4, 4, 1]).astype(np.float32)
    real = np.random.default_rng(1).uniform(-1, 1, [40, 4, 4, 1]).astype(np.float32)
    for quantize, shown in ((True, to_float(to_uint8(fake))), (False, fake)):
        metric = FrechetDistance(quantize=quantize)
        metric.update_state(real, fake)
        x, y = real.reshape(40, -1), shown.reshape(40, -1)
        assert value(metric) == pytest.approx(frechet_distance(*gaussian(x), *gaussian(y)), 1e-9)
    pixels = FrechetDistance()
    pixels.update_state(to_uint8(real), to_uint8(fake))
    floats = FrechetDistance()
    floats.update_state(to_float(to_uint8(real)), fake)
    assert value(pixels) == value(floats)


def test_probabilities_may_be_given_as_they_are():
    p = softmax(arrays()[1], axis=1)
    metric = InceptionScore(lambda x: x, from_logits=False)
    metric.update_state(None, p)
    assert value(metric) == pytest.approx(inception_score(p), rel=1e-6)


def test_what_cannot_be_is_named():
    real, fake = arrays()
    metric = FrechetDistance()
    metric.update_state(real[:1], fake)
    with pytest.raises(ValueError, match=r"frechet_distance needs two real samples.*found 1"):
        metric.result()
    with pytest.raises(ValueError, match=r"24 dimensions.*found 5 of fake"):
        metric.update_state(real, fake[:, :5])
    with pytest.raises(ValueError, match="sample_weight"):
        metric.update_state(real, fake, sample_weight=1.0)
    with pytest.raises(ValueError, match=r"\[B, d\].*\(300, 24, 1\) of real"):
        FrechetDistance(lambda x: x[..., None]).update_state(real, fake)
    for update in (metric.update_state, tf.function(metric.update_state)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"features of fake.*finite"):
            update(real, np.full_like(fake, np.nan))
    metric = PrecisionRecall(k=5)
    metric.update_state(real[:5], fake)
    with pytest.raises(ValueError, match=r"k must be .*5 real.*found 5"):
        metric.result()
    with pytest.raises(TypeError, match=r"extractor.*'inception'"):
        FrechetDistance("inception")
    with pytest.raises(ValueError, match=r"samples.*found 1"):
        KernelDistance(samples=1)
