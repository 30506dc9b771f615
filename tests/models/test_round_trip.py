"""A saved game is the same game, and goes on as if it had never stopped."""

import keras
import numpy as np
import pytest
from helpers import (
    assert_same,
    batches,
    differences,
    make_gan,
    players,
    round_trip,
    samples,
    state,
)

import keras_gans as kg
from keras_gans import losses, penalties


def schedule():
    return keras.optimizers.schedules.PolynomialDecay(1e-2, 100, 0.0)


def compile_arguments():
    """One of everything that has a state; new objects at each call."""
    return {
        "loss": losses.LeastSquares(b=0.9),
        "penalty": penalties.Sum(penalties.Lazy("r1", every=3), penalties.Dragan(2.0)),
        "generator_optimizer": keras.optimizers.Adam(schedule(), 0.5),
        "discriminator_optimizer": keras.optimizers.RMSprop(1e-3, momentum=0.9),
        "discriminator_steps": 2,
        "ema_decay": 0.9,
    }


def everything(seed=0, **changes):
    """A game whose discriminator has dropout, batch and spectral normalization."""
    keras.utils.set_random_seed(seed)
    generator, features = players("dcgan", discriminator_norm="spectral")
    x = inputs = keras.Input((8, 8, 1))
    x = keras.layers.Dropout(0.3)(keras.layers.GaussianNoise(0.1)(x))
    x = keras.layers.BatchNormalization()(x)
    networks = generator, keras.Model(inputs, features(x))
    return make_gan(networks=networks, seed=seed, **(compile_arguments() | changes))


def train(gan, seed, steps=2):
    gan.fit(batches(samples(8 * steps, seed=seed), 4), verbose=0)


def by_keras_file(gan, path):
    return round_trip(gan, path)


def by_weights_file(gan, path):
    gan.save_weights(path / "game.weights.h5")
    fresh = everything(seed=1)
    assert "generator" in differences(state(gan), state(fresh))
    fresh.load_weights(path / "game.weights.h5")
    assert_same(state(gan), state(fresh))
    return fresh


@pytest.mark.parametrize("way", [by_keras_file, by_weights_file])
def test_all_state_comes_back_and_training_goes_on_bitwise(way, tmp_path):
    straight, stopped = everything(), everything()
    for gan in (straight, stopped):
        train(gan, seed=1)
    assert_same(state(straight), state(stopped))
    resumed = way(stopped, tmp_path)
    np.testing.assert_array_equal(resumed.generate(3, seed=0), straight.generate(3, seed=0))
    before = state(resumed)
    for gan in (straight, resumed):
        train(gan, seed=2)
    assert_same(state(straight), state(resumed))
    assert len(differences(before, state(resumed))) == len({k.split("/")[0] for k in before})


def test_the_game_s_state_is_what_the_round_trip_compares():
    groups = {}
    for name in state(everything()):
        groups[name.split("/")[0]] = groups.get(name.split("/")[0], 0) + 1
    assert groups.pop("penalty") == 1
    assert groups.pop("seeds") == 3  # of the game, the dropout, the Gaussian noise
    assert set(groups) == {
        *("generator", "discriminator", "ema", "generator_optimizer", "discriminator_optimizer")
    }


@pytest.mark.parametrize(("loss", "penalty"), zip(losses.NAMES, [
    None, *penalties.NAMES, "r1+r2", penalties.Lazy(penalties.R2(0.5), every=7)
], strict=True), ids=str)  # fmt: skip
def test_every_loss_and_penalty_survives(loss, penalty, tmp_path):
    gan = make_gan(loss=loss, penalty=penalty, jit_compile=False, steps_per_execution=3)
    loaded = round_trip(gan, tmp_path)
    assert type(loaded.loss) is losses.NAMES[loss]
    assert repr(loaded.penalty) == repr(gan.penalty)


@pytest.mark.parametrize("network", kg.networks.NAMES)
def test_every_network_survives(network, tmp_path):
    clip = penalties.WeightClip(0.02)
    networks = players(network, discriminator_constraint=clip, discriminator_norm="layer")
    loaded = round_trip(make_gan(networks=networks), tmp_path)
    constraints = [getattr(x, "kernel_constraint", None) for x in loaded.discriminator.layers]
    assert {c.limit for c in constraints if c is not None} == {0.02}


def test_mixed_precision_survives(tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = make_gan("dcgan")
    finally:
        keras.config.set_dtype_policy(before)
    gan.fit(samples(8), batch_size=4, verbose=0)
    loaded = round_trip(gan, tmp_path)
    assert loaded.dtype_policy.name == "mixed_float16"
    assert isinstance(loaded.generator_optimizer, keras.optimizers.LossScaleOptimizer)
    assert loaded.generate(2).dtype == "float32"


def test_a_game_that_was_not_compiled_survives(tmp_path):
    gan = kg.GAN(*players(), latent_dim=4, seed=3, name="game")
    gan.save(tmp_path / "game.keras")
    loaded = keras.models.load_model(tmp_path / "game.keras")
    assert not loaded.compiled and loaded.name == "game" and loaded.seed == 3
    np.testing.assert_array_equal(loaded.generate(2, seed=1), gan.generate(2, seed=1))


def test_weights_of_a_game_with_other_streams_are_refused(tmp_path):
    gan = make_gan()
    gan.save_weights(tmp_path / "game.weights.h5")
    lazy = make_gan(penalty=penalties.Lazy("r1", every=2))
    with pytest.raises(ValueError, match=r"lacks state_1.*built or compiled differently"):
        lazy.load_weights(tmp_path / "game.weights.h5")


def test_weights_of_a_game_with_more_state_are_refused(tmp_path):
    make_gan(penalty=penalties.Lazy("r1", every=2)).save_weights(tmp_path / "game.weights.h5")
    gan = make_gan(penalty=penalties.R1())
    with pytest.raises(ValueError, match=r"more state than gan.*built or compiled differently"):
        gan.load_weights(tmp_path / "game.weights.h5")
