"""`steps_per_execution="auto"`: what it chooses, and that no number depends on it."""

import keras
import numpy as np
import pytest
from helpers import assert_same, batches, make_gan, players, samples, sgd, state

import keras_gans as kg
from keras_gans.models import execution


def test_the_work_of_a_step_by_hand(monkeypatch):
    # 4-4-64 and 64-4-1: (16 + 256) and (256 + 4) weights, twice as many operations a sample
    gan = make_gan(discriminator_steps=2, **sgd())
    g, d = 2 * 272, 2 * 260
    step = 8 * (2 * (g + 10 * d) + 3 * (g + d))
    monkeypatch.setattr(execution, "CALL", {"CPU": 7 * step, "GPU": 7 * step})
    assert execution.limit(gan, batch=8) == 7
    assert execution.limit(gan, batch=16) == 3
    assert execution.limit(gan, batch=800) == 1
    assert [execution.choose(gan, 8, n) for n in (70, 12, 22, 5, 1, 11)] == [7, 6, 2, 5, 1, 1]


@pytest.mark.parametrize("in_epoch", [None, -1, -2, 0])
def test_an_epoch_of_unknown_length_gets_one_step_a_call(in_epoch):
    assert execution.choose(make_gan(**sgd()), 8, in_epoch) == 1


def test_networks_of_unknown_cost_get_one_step_a_call():
    class Own(keras.layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 1))

        def call(self, x):
            return x @ self.kernel

    own = keras.Sequential([keras.Input([3]), Own()])
    generator, _ = players(shape=(3,))
    gan = make_gan(networks=(generator, own), steps_per_execution="auto", **sgd())
    gan.fit(samples(32, (3,)), batch_size=4, verbose=0)
    assert gan.steps_per_execution == 1 and gan.step == 8


@pytest.mark.parametrize("k", [1, 2])
def test_training_is_the_same_bit_for_bit(k):
    def train(execution):
        gan = make_gan(
            steps_per_execution=execution,
            penalty="r1",
            discriminator_steps=k,
            ema_decay=0.9,
            **sgd(),
        )
        made = gan.fit(batches(samples(44 * k), 2), epochs=2, verbose=0).history
        chosen = [gan.steps_per_execution]
        validation = batches(samples(14, seed=1), 2)  # 7 batches: no multiple of 6
        made |= gan.fit(batches(samples(12 * k), 2), validation_data=validation, verbose=0).history
        chosen.append(gan.steps_per_execution)
        made["evaluated"] = gan.evaluate(validation, verbose=0)
        made["one"] = gan.train_on_batch(samples(2 * k))
        return state(gan), made, chosen

    (ours, history, chosen), (theirs, plain, _) = train("auto"), train(1)
    assert chosen == [22, 6]
    assert history == plain
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_a_loaded_model_chooses_again(tmp_path):
    gan = make_gan(steps_per_execution="auto", **sgd())
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    loaded.fit(batches(samples(20), 2), verbose=0)
    assert loaded.steps_per_execution == 10
    gan.fit(batches(samples(20), 2), verbose=0)
    assert_same(state(loaded), state(gan))


def test_a_word_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match=r"steps_per_execution.*'most'"):
        make_gan(steps_per_execution="most")
    with pytest.raises(ValueError, match=r"steps_per_execution=most: must be a number or auto"):
        kg.config.Config(steps_per_execution="most")
