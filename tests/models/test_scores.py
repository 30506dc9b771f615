"""Metrics of real and generated samples in `compile`, `evaluate` and `fit`."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import (
    assert_same,
    batches,
    make_gan,
    players,
    round_trip,
    samples,
    state,
)

import keras_gans as kg
from keras_gans.images import to_float, to_uint8
from keras_gans.metrics import (
    Extractor,
    FrechetDistance,
    KernelDistance,
    ModeCoverage,
    PrecisionRecall,
    frechet_distance,
    gaussian,
    make_classifier,
)


def extractor(width=3, seed=0):
    """Return a small network of fixed weights, of images 8x8."""
    inputs = keras.Input([8, 8, 1])
    kernel = keras.initializers.RandomNormal(seed=seed)
    x = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, keras.layers.Dense(width, "tanh", kernel_initializer=kernel)(x))


def plain(images):
    return np.tanh(images.reshape(len(images), -1)[:, :3])


def plain_tensors(images):
    return tf.tanh(tf.reshape(images, [-1, 64])[:, :3])


def evaluate(gan, n=40, seed=5, batch_size=8):
    data = samples(n, seed=seed)
    return gan.evaluate(batches(data, batch_size), verbose=0, return_dict=True)


@pytest.mark.parametrize("mode", [{}, {"jit_compile": True}, {"run_eagerly": True}])
def test_evaluate_scores_the_averaged_generator_s_pixels(mode):
    metrics = [FrechetDistance(extractor()), KernelDistance(extractor()), PrecisionRecall()]
    gan = make_gan(ema_decay=0.9, metrics=metrics, **mode)
    gan.ema_generator.set_weights([3.0 * w for w in gan.generator.get_weights()])
    found = evaluate(gan)
    # The test noise starts at the seed 0 and advances by a batch at a time.
    noise, fakes = kg.models.gan.Noise(0), []
    for _ in range(5):
        draw = tf.function(lambda: noise.normal([8, 4]), jit_compile=mode.get("jit_compile", False))
        fakes.append(gan.ema_generator(draw(), training=False))
    fake = to_float(to_uint8(np.concatenate(fakes)))
    x, y = (np.asarray(extractor()(each)) for each in (samples(40, seed=5), fake))
    expected = frechet_distance(*gaussian(x), *gaussian(y))
    assert found["frechet_distance"] == pytest.approx(expected, rel=1e-4)
    assert found["kernel_distance"] == pytest.approx(kg.metrics.kernel_distance(x, y), rel=1e-3)
    assert {"precision", "recall", "d_loss", "g_loss"} < set(found)
    assert gan.generator is not gan.ema_generator


def test_fit_scores_its_validation_data_and_nothing_else_changes():
    with_scores, without = make_gan(metrics=[FrechetDistance(extractor())]), make_gan()
    logs = []
    for gan in (with_scores, without):
        data, validation = batches(samples(32), 8), batches(samples(24), 8)
        history = gan.fit(data, epochs=2, validation_data=validation, verbose=0)
        logs.append(history.history)
    assert_same(state(with_scores), state(without))
    first, second = logs[0].pop("val_frechet_distance")
    assert np.isfinite([first, second]).all() and first != second
    assert logs[0] == logs[1]


def test_the_same_weights_get_the_same_scores():
    gan = make_gan(metrics=[FrechetDistance(), KernelDistance(samples=10)])
    first, second = evaluate(gan), evaluate(gan)
    names = ("frechet_distance", "kernel_distance")
    assert [first[name] for name in names] == [second[name] for name in names]


@pytest.mark.parametrize("arguments", [{}, {"jit_compile": True}, {"steps_per_execution": 2}])
def test_an_extractor_in_python_works_too(arguments):
    function, threads = tf.function(plain_tensors), set()

    def nested(images):
        threads.add(threading.current_thread())
        return function(images)

    gan = make_gan(metrics=[FrechetDistance(nested)], **arguments)
    assert np.isfinite(evaluate(gan)["frechet_distance"])
    # Called from one of TensorFlow's own threads it would wait for them, and be the last one.
    assert threads == {threading.main_thread()}
    assert not gan.run_eagerly  # the training does not


def test_metrics_share_what_an_extractor_gives():
    calls = []

    def counted(images):
        calls.append(len(images))
        return plain(images)

    metrics = [FrechetDistance(counted), KernelDistance(counted), PrecisionRecall(counted)]
    found = evaluate(make_gan(metrics=metrics))
    assert sum(calls) == 2 * 40
    alone = evaluate(make_gan(metrics=[PrecisionRecall(plain)]))
    assert {name: found[name] for name in alone} == alone


def test_a_list_of_results_has_the_metrics_in_order():
    gan = make_gan(metrics=[FrechetDistance(), PrecisionRecall()])
    data = batches(samples(24), 8)
    by_name = gan.evaluate(data, verbose=0, return_dict=True)
    as_list = gan.evaluate(data, verbose=0)
    assert [m.name for m in gan.metrics][-2:] == ["frechet_distance", "precision_recall"]
    assert as_list[-3:] == [by_name[n] for n in ("frechet_distance", "precision", "recall")]


def test_points_are_scored_by_their_known_modes():
    data = kg.datasets.load("ring")
    coverage = ModeCoverage(data.modes, data.sigma)
    gan = make_gan(networks=players(shape=(2,)), metrics=[coverage, FrechetDistance()])
    found = gan.evaluate(data.samples[:64], batch_size=32, verbose=0, return_dict=True)
    assert found["frechet_distance"] > 0 and found["high_quality"] < 0.5
    assert int(np.sum(coverage._counts)) == 64  # generated ones alone


def test_a_saved_game_has_its_metrics(tmp_path):
    gan = make_gan(ema_decay=0.9, metrics=[FrechetDistance(extractor()), PrecisionRecall(k=2)])
    expected = evaluate(gan)
    again = round_trip(gan, tmp_path)
    assert [type(m) for m in again.metrics[-2:]] == [FrechetDistance, PrecisionRecall]
    names = ("frechet_distance", "precision", "recall")
    assert [evaluate(again)[n] for n in names] == [expected[n] for n in names]


def test_an_extractor_of_the_evaluation_is_one_here_and_is_saved_with_the_game(tmp_path):
    made = Extractor(make_classifier((8, 8, 1), 10), "features", name="mine")
    gan = make_gan(metrics=[FrechetDistance(made), KernelDistance(made)])
    found = evaluate(gan)
    x = made.extract(samples(40, seed=5), cache=False).values
    assert gan.metrics[-2].width == 128
    kept = np.asarray(gan.metrics[-1].variables[0])[:40]
    np.testing.assert_allclose(kept, x, rtol=0, atol=4e-6 * x.max())  # float32 sums of hundreds
    gan.save(tmp_path / "game.keras")
    again = keras.models.load_model(tmp_path / "game.keras")
    assert again.metrics[-1].extractor.weights_hash == made.weights_hash
    assert again.metrics[-1].extractor.name == "mine"
    names = ("frechet_distance", "kernel_distance")
    assert [evaluate(again)[n] for n in names] == [found[n] for n in names]


def test_weights_do_not_hold_the_metrics(tmp_path):
    gan = make_gan(metrics=[FrechetDistance(extractor())])
    evaluate(gan)
    gan.save_weights(tmp_path / "scored.weights.h5")
    fresh = make_gan(seed=1)
    fresh.load_weights(tmp_path / "scored.weights.h5")
    assert_same(state(gan), state(fresh))
    fresh.save_weights(tmp_path / "plain.weights.h5")
    sizes = [(tmp_path / f"{n}.weights.h5").stat().st_size for n in ("scored", "plain")]
    assert sizes[0] == sizes[1]


class OfCondition(kg.GAN):
    """A family whose samples are a function of the condition."""

    def synthesize(self, real, condition=None):
        fake = super().synthesize(real, condition)
        return tf.ones_like(fake) * tf.reshape(tf.cast(condition, tf.float32), [-1, 1, 1, 1])


def test_a_family_s_hooks_make_the_samples():
    class Level(FrechetDistance):
        def features(self, images, which="real"):
            if which == "fake":
                seen.append(np.asarray(images)[:, 0, 0, 0])
            return super().features(images, which)

    seen = []
    gan = make_gan(cls=OfCondition, metrics=[Level()], run_eagerly=True)
    gan.evaluate(samples(4), np.array([1.0, -1.0, 1.0, 0.0]), batch_size=4, verbose=0)
    assert np.concatenate(seen).tolist() == [255, 0, 255, 128]


@pytest.mark.parametrize(
    ("metrics", "error", "words"),
    [
        (["frechet_distance"], TypeError, "metrics must be keras.metrics.Metric.*frechet"),
        ([FrechetDistance(), FrechetDistance()], ValueError, "'frechet_distance' twice"),
        ([FrechetDistance(name="d_loss")], ValueError, "'d_loss' twice"),
    ],
)
def test_metrics_that_cannot_be_are_named(metrics, error, words):
    with pytest.raises(error, match=words):
        make_gan(metrics=metrics)
