"""Each way to go wrong is made to happen, and told from a run that is well."""

import math

import keras
import numpy as np
import pytest
from helpers import assert_same, batches, make_gan, players, samples, sgd, state

import keras_gans as kg
from keras_gans.callbacks import CutSchedule, StabilityMonitor, StopOnDivergence
from keras_gans.callbacks.good_state import GoodState, cut_learning_rates
from keras_gans.callbacks.stability_monitor import NAMES


def points(n=64):
    return kg.datasets.load("ring").samples[:n]


def game(**arguments):
    return make_gan(networks=players(shape=(2,), width=16), **arguments)


def fit(gan, *callbacks, epochs=12, x=None):
    x = points() if x is None else x
    return gan.fit(x, batch_size=16, epochs=epochs, callbacks=list(callbacks), verbose=0)


def watched(gan, epochs=12, **arguments):
    stop = StopOnDivergence(**arguments)
    fit(gan, StabilityMonitor(), stop, epochs=epochs)
    return stop


# --- the signs ------------------------------------------------------------------------------------


def test_a_learning_rate_of_ten():
    gan = game(loss="wasserstein", **sgd(10.0))
    stop = watched(gan)
    event = stop.events[0]
    assert event.signal in ("exploding gradient", "non-finite value") and gan.stop_training
    assert f"{event.name} = " in stop.reason and f"step {event.step}" in stop.reason
    assert event.epoch <= 12 and gan.step < 48


def test_a_constant_generator():
    gan = game(**sgd(0.0))
    for weight in gan.generator_variables:
        weight.assign(np.zeros(weight.shape))
    stop = watched(gan, patience=3)
    diversity = next(event for event in stop.events if event.name == "diversity")
    assert diversity.signal == "collapsed diversity" and diversity.value == 0.0
    assert (diversity.epoch, diversity.step) == (3, 12)
    assert "< 0.02, 3 times in a row" in stop.reason


def test_duplicates_count_only_after_the_samples_were_different():
    stop = StopOnDivergence(patience=2)
    stop.set_model(game())
    for step, duplicates in enumerate([1.0, 1.0, 1.0, 0.3, 1.0, 1.0]):
        assert not stop.events
        logs = dict.fromkeys(NAMES, 0.5) | {"duplicates": duplicates, "logit_gap": float(step)}
        stop.on_epoch_end(step, logs)
    assert [event.name for event in stop.events] == ["duplicates"]


def test_an_injected_nan():
    class Inject(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.generator_variables[0].assign(
                    np.full(self.model.generator_variables[0].shape, math.nan)
                )

    stop = StopOnDivergence()
    fit(game(), Inject(), StabilityMonitor(), stop)
    assert {event.signal for event in stop.events} == {"non-finite value"}
    assert stop.events[0].epoch == 3 and "epoch 3" in stop.reason


def test_a_discriminator_that_is_trained_to_saturation():
    gan = game(
        generator_optimizer=keras.optimizers.SGD(0.0),
        discriminator_optimizer=keras.optimizers.Adam(0.1),
    )
    stop = watched(gan, epochs=40, max_saturation=0.9, patience=2)
    assert [(event.signal, event.name) for event in stop.events] == [
        ("saturated discriminator", "d_saturation")
    ]
    assert stop.events[0].value >= 0.9 and ">= 0.9, 2 times in a row" in stop.reason


@pytest.mark.parametrize("kind", ["ring", "digits"])
def test_a_healthy_run_trips_nothing(kind):
    data = kg.datasets.load(kind)
    keras.utils.set_random_seed(0)
    if kind == "ring":
        networks = kg.networks.mlp((2,), latent_dim=4, width=32, depth=2)
        arguments = {"penalty": kg.penalties.R1(0.1)}
    else:
        networks = kg.networks.dcgan((8, 8, 1), latent_dim=4, width=8)
        arguments = {"penalty": kg.penalties.R1(10.0)}
    gan = kg.GAN(*networks, latent_dim=4, seed=0)
    gan.compile(**arguments)
    monitor, stop = StabilityMonitor(), StopOnDivergence()
    gan.fit(data.batches(64), steps_per_epoch=15, epochs=10, callbacks=[monitor, stop], verbose=0)
    assert (stop.events, stop.reason, gan.step) == ([], None, 150)
    assert len(monitor.rows) == 10


# --- what is done ---------------------------------------------------------------------------------


class Break(keras.callbacks.Callback):
    """Makes a weight NaN within an epoch, once; keeps the state that the epoch began with."""

    def __init__(self, epoch):
        super().__init__()
        self.when, self.before = epoch, None

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.when and self.before is None:
            self.before = state(self.model)

    def on_train_batch_begin(self, batch, logs=None):
        if self.before is not None and self.when is not None and batch == 2:
            self.when = None
            weight = self.model.discriminator_variables[-2]
            weight.assign(np.full(weight.shape, math.nan))


class After(keras.callbacks.Callback):
    """Keeps the state right after a rollback."""

    def __init__(self, stop):
        super().__init__()
        self.stop, self.state = stop, None

    def on_train_batch_end(self, batch, logs=None):
        if self.stop.rolled_back and self.state is None:
            self.state = state(self.model)
            self.rates = [
                float(getattr(self.model, f"{who}_optimizer").learning_rate)
                for who in ("generator", "discriminator")
            ]


@pytest.mark.parametrize(
    "rate",
    [0.01, keras.optimizers.schedules.PolynomialDecay(0.01, 10**6, 0.01)],
    ids=["number", "schedule"],
)
def test_rollback_restores_bit_for_bit_cuts_the_rates_and_goes_on(rate, capsys):
    gan = game(
        penalty=kg.penalties.Lazy("r1", every=3),
        dynamics="lookahead",
        ema_decay=0.9,
        generator_optimizer=keras.optimizers.Adam(rate),
        discriminator_optimizer=keras.optimizers.Adam(rate),
    )
    stop = StopOnDivergence(action="rollback")
    damage, after = Break(2), After(stop)
    fit(gan, damage, stop, after, epochs=5)

    def weights(kept):
        return {k: v for k, v in kept.items() if np.size(v) > 1 or "optimizer" not in k}

    assert_same(weights(damage.before), weights(after.state))  # scalars: the rates are cut
    assert after.rates == pytest.approx([0.005, 0.005])
    assert [event.action for event in stop.events] == ["rollback"] * len(stop.events)
    assert stop.reason is None and not gan.stop_training
    assert gan.step == 5 * 4 - 3  # the three steps of the broken epoch were taken back
    assert all(np.isfinite(values).all() for values in state(gan).values())
    assert "back to step 8, learning rates now 0.005" in capsys.readouterr().out


def test_it_stops_after_so_many_rollbacks():
    class Always(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            weight = self.model.discriminator_variables[-2]
            weight.assign(np.full(weight.shape, math.nan))

    gan, stop = game(), StopOnDivergence(action="rollback", max_rollbacks=2)
    fit(gan, Always(), stop)
    assert [event.action for event in stop.events].count("stop") >= 1
    assert "after 2 rollbacks" in stop.reason and gan.stop_training and gan.diverged


def test_warn_says_it_once_and_goes_on(capsys):
    gan = game(**sgd(0.0))
    for weight in gan.generator_variables:
        weight.assign(np.zeros(weight.shape))
    stop = watched(gan, epochs=6, action="warn", patience=2, max_duplicates=None)
    assert [event.action for event in stop.events] == ["warn"] and stop.reason is None
    assert gan.step == 24 and capsys.readouterr().out.count("going on") == 1


def test_a_schedule_that_is_compiled_already_is_refused():
    schedule = keras.optimizers.schedules.PolynomialDecay(0.01, 10, 0.0)
    gan = game(generator_optimizer=keras.optimizers.Adam(schedule))
    fit(gan, epochs=1)
    with pytest.raises(ValueError, match=r"PolynomialDecay.*CutSchedule around it before compile"):
        fit(gan, StopOnDivergence(action="rollback"))


def test_a_cut_schedule_is_saved_with_its_factor(tmp_path):
    def make():
        schedule = CutSchedule(keras.optimizers.schedules.PolynomialDecay(0.5, 10, 0.0))
        return game(generator_optimizer=keras.optimizers.SGD(schedule))

    gan = make()
    cut_learning_rates(gan, 0.5)
    gan.save_weights(tmp_path / "game.weights.h5")
    again = make()
    again.load_weights(tmp_path / "game.weights.h5")
    assert float(again.generator_optimizer.learning_rate) == 0.25
    gan.save(tmp_path / "game.keras")
    loaded = keras.models.load_model(tmp_path / "game.keras")
    assert float(loaded.generator_optimizer.learning_rate) == 0.25


def test_a_good_state_is_the_whole_state():
    gan = game(dynamics="lookahead", penalty=kg.penalties.Lazy("r1", 3), ema_decay=0.5)
    fit(gan, epochs=1)
    good, before = GoodState(gan), state(gan)
    fit(gan, epochs=1, x=samples(64, (2,)))
    good.restore()
    assert_same(before, state(gan))
    straight = [fit(gan, epochs=1, x=batches(points(), 16)), state(gan)][1]
    good.restore()
    fit(gan, epochs=1, x=batches(points(), 16))
    assert_same(straight, state(gan))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"action": "pray"}, "stop, warn, rollback.*'pray'"),
        ({"max_gradient": 0.0}, "max_gradient.*0"),
        ({"max_saturation": 1.5}, r"max_saturation.*\(0, 1\].*1.5"),
        ({"min_diversity": -1.0}, "min_diversity.*-1"),
        ({"patience": 0}, "patience.*0"),
        ({"cut": 0.0}, "cut.*0"),
        ({"max_rollbacks": 0}, "max_rollbacks.*0"),
    ],
)
def test_what_cannot_be_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        StopOnDivergence(**arguments)
