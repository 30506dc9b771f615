"""Each way in which training goes wrong is made to happen, and must be told."""

import math

import helpers
import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.callbacks import checkpoint
from keras_gans.callbacks.good_state import GoodState, cut_learning_rates, make_cuttable
from keras_gans.callbacks.stability_monitor import NAMES

REAL = helpers.samples(64, (2,))
HEALTHY = dict.fromkeys(NAMES, 0.5)


def fit(gan, *callbacks, epochs=2, x=REAL, **arguments):
    return gan.fit(
        x, batch_size=16, epochs=epochs, callbacks=list(callbacks), verbose=0, **arguments
    )


def watched(gan, epochs, **arguments):
    stop = kg.callbacks.StopOnDivergence(**arguments)
    fit(gan, kg.callbacks.StabilityMonitor(), stop, epochs=epochs)
    return stop


class Injure(keras.callbacks.Callback):
    """Put NaN into the discriminator before a step, once or always."""

    def __init__(self, step, times=1):
        super().__init__()
        self.step, self.times, self.rates = step, times, []

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.generator_optimizer.learning_rate))
        if self.model.step == self.step and self.times:
            kernel = self.model.discriminator.trainable_variables[-2]  # no ReLU hides it
            kernel.assign(np.full(kernel.shape, np.nan))
            self.times -= 1


def everything(gan):
    optimizers = gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return [np.array(v) for v in gan.weights + optimizers + gan._own_state()]


# --- each signal, made to happen ------------------------------------------------------------------


def test_a_learning_rate_of_10():
    gan = helpers.make_gan(
        shape=(2,),
        loss="wasserstein",
        penalty="gradient_penalty",
        **helpers.sgd(10.0),
    )
    stop = watched(gan, epochs=10)
    assert stop.events[0].signal in ("exploding gradient", "non-finite value")
    assert gan.diverged and "training diverged in epoch" in stop.reason


def test_an_exploding_gradient_is_told_with_its_limit():
    gan = helpers.make_gan(shape=(2,))
    kernel = gan.discriminator.trainable_variables[-2]
    kernel.assign(np.full(kernel.shape, 1e8))
    stop = watched(gan, epochs=1)
    event = stop.events[0]
    assert (event.signal, event.epoch, event.step) == ("exploding gradient", 1, 4)
    assert event.value > 1e5 and "_gradient = " in stop.reason and "> 100000" in stop.reason


def test_a_constant_generator_is_collapsed():
    gan = helpers.make_gan(shape=(2,), **helpers.sgd(0.0))
    gan.generator.set_weights([np.zeros(w.shape) for w in gan.generator.get_weights()])
    stop = watched(gan, epochs=9, patience=3)
    assert gan.step == 12  # three epochs of four steps
    assert {event.name for event in stop.events} == {"diversity"}
    assert "collapsed diversity, diversity = 0 < 0.02, 3 times in a row" in stop.reason
    assert "epoch 3 at step 12" in stop.reason


def test_a_discriminator_trained_to_saturation():
    gan = helpers.make_gan(
        networks=(helpers.players(shape=(2,))[0], helpers.players(shape=(2,), width=64)[1]),
        generator_optimizer=keras.optimizers.SGD(0.0),
        discriminator_optimizer=keras.optimizers.Adam(0.1),
    )
    stop = kg.callbacks.StopOnDivergence(patience=2)
    fit(gan, kg.callbacks.StabilityMonitor(), stop, epochs=60, x=REAL + 5.0)
    assert {event.signal for event in stop.events} == {"saturated discriminator"}
    assert "d_saturation = 1 >= 1, 2 times in a row" in stop.reason


def test_an_injected_nan_is_told_at_its_step():
    gan, stop = helpers.make_gan(shape=(2,)), kg.callbacks.StopOnDivergence()
    fit(gan, stop, Injure(step=5), epochs=5)
    assert gan.step == 6 and "epoch 2 at step 6: non-finite value, d_loss = nan" in stop.reason


@pytest.mark.parametrize("name", ["d_loss", "diversity"])
@pytest.mark.parametrize("hook", ["on_epoch_end", "on_train_batch_end"])
def test_any_value_that_is_no_number_stops(name, hook):
    gan, stop = helpers.make_gan(shape=(2,)), kg.callbacks.StopOnDivergence()
    stop.set_model(gan)
    getattr(stop, hook)(0, {**HEALTHY, "d_loss": 0.0, name: math.inf})
    assert f"{name} = inf" in stop.reason and gan.stop_training


# --- what is none ---------------------------------------------------------------------------------


def test_a_healthy_ring_trips_nothing():
    data = kg.datasets.load("ring")
    gan = kg.GAN(*kg.networks.mlp((2,), latent_dim=4, width=32, depth=2), latent_dim=4, seed=0)
    gan.compile(penalty="r1", steps_per_execution=10)
    stop = kg.callbacks.StopOnDivergence("warn")
    callbacks = [kg.callbacks.StabilityMonitor(), stop]
    gan.fit(data.batches(64), steps_per_epoch=20, epochs=20, callbacks=callbacks, verbose=0)
    assert stop.events == [] and stop.reason is None


def test_healthy_digits_trip_nothing():
    data = kg.datasets.load("digits")
    gan = kg.GAN(*kg.networks.dcgan(data.shape, latent_dim=16, width=8), latent_dim=16, seed=0)
    gan.compile()
    stop = kg.callbacks.StopOnDivergence("warn")
    callbacks = [kg.callbacks.StabilityMonitor(), stop]
    gan.fit(data.batches(32), steps_per_epoch=10, epochs=10, callbacks=callbacks, verbose=0)
    assert stop.events == [] and stop.reason is None


def signalled(measurements, **arguments):
    """Return the events that a series of epochs gives."""
    gan, stop = helpers.make_gan(shape=(2,)), kg.callbacks.StopOnDivergence(**arguments)
    stop.set_model(gan)
    for epoch, found in enumerate(measurements):
        stop.on_epoch_begin(epoch)
        stop.on_epoch_end(epoch, {**HEALTHY, **found})
    return [(event.signal, event.epoch) for event in stop.events]


def test_a_sign_counts_only_in_a_row():
    low, fine = {"diversity": 0.01}, {}
    assert signalled([low, low, fine, low, low], patience=3) == []
    expected = [("collapsed diversity", 3)]
    assert signalled([low, low, low], patience=3) == expected
    assert signalled([low, low, low, low], patience=3, action="warn") == expected  # once
    again = signalled([low, fine, low], patience=1, action="warn")
    assert again == [("collapsed diversity", 1), ("collapsed diversity", 3)]


def test_what_an_epoch_repeats_of_its_steps_counts_once():
    gan = helpers.make_gan(shape=(2,))
    stop = kg.callbacks.StopOnDivergence(patience=2)
    stop.set_model(gan)
    stop.on_epoch_begin(0)
    stop.on_train_batch_end(0, {**HEALTHY, "d_saturation": 1.0})
    stop.on_train_batch_end(1, {"d_loss": 0.0})
    stop.on_epoch_end(0, {**HEALTHY, "d_saturation": 1.0, "d_loss": 0.0})
    assert stop.reason is None
    stop.on_epoch_begin(1)
    stop.on_train_batch_end(0, {**HEALTHY, "d_saturation": 1.0})
    assert "d_saturation = 1 >= 1, 2 times in a row" in stop.reason


@pytest.mark.parametrize(
    ("found", "off"),
    [
        ({"d_saturation": 1.0}, {"max_saturation": None}),
        ({"duplicates": 1.0}, {"max_duplicates": None}),
        ({"diversity": 0.0}, {"min_diversity": 0.0}),
        ({"g_gradient": 1e30}, {"max_gradient": math.inf}),
    ],
)
def test_each_signal_can_be_left_out(found, off):
    assert len(signalled([{}, found], patience=1)) == 1
    assert signalled([{}, found], patience=1, **off) == []


def test_duplicates_count_only_after_the_samples_were_different():
    alike, different = {"duplicates": 1.0}, {"duplicates": 0.3}
    assert signalled([alike] * 4, patience=2) == []
    events = signalled([alike] * 3 + [different, alike, alike], patience=2)
    assert events == [("collapsed diversity", 6)]


def test_warn_says_it_and_goes_on(capsys):
    gan, stop = helpers.make_gan(shape=(2,)), kg.callbacks.StopOnDivergence("warn")
    fit(gan, stop, Injure(step=2), epochs=3)
    assert gan.step == 12 and stop.reason is None and not getattr(gan, "diverged", False)
    assert "step 3: non-finite value, d_loss = nan" in capsys.readouterr().out
    assert stop.events[0].step == 3 and {event.action for event in stop.events} == {"warn"}


# --- going back -----------------------------------------------------------------------------------


def schedules(kind):
    if kind == "number":
        return 0.01, 0.02
    return (
        keras.optimizers.schedules.CosineDecay(0.01, 10**9),
        keras.optimizers.schedules.PolynomialDecay(0.02, 10**9, 0.0),
    )


def rolling_gan(kind="number", **arguments):
    generator, discriminator = schedules(kind)
    return helpers.make_gan(
        shape=(2,),
        generator_optimizer=keras.optimizers.Adam(generator),
        discriminator_optimizer=keras.optimizers.Adam(discriminator),
        ema_decay=0.9,
        penalty=kg.penalties.Lazy("r1", every=3),
        dynamics="lookahead",
        **arguments,
    )


@pytest.mark.parametrize("kind", ["number", "schedule"])
@pytest.mark.parametrize("execution", [1, 2])
def test_rollback_goes_back_bitwise_and_halves_the_learning_rate(kind, execution, capsys):
    gan = rolling_gan(kind, steps_per_execution=execution)
    stop = kg.callbacks.StopOnDivergence("rollback")
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(everything(self.model))

        def on_train_batch_end(self, batch, logs=None):
            if stop.events and len(seen) == 1:  # after the rollback, before the next step
                seen.append(everything(self.model))

    fit(gan, stop, Look(), Injure(step=6), epochs=1)
    before = everything(gan)
    assert len(before) == len(seen[0])
    result = fit(gan, stop, Look(), Injure(step=6), epochs=3)
    helpers.assert_same(before, seen[0])
    changed = [
        i for i, (a, b) in enumerate(zip(seen[0], seen[1], strict=True)) if not (a == b).all()
    ]
    assert len(changed) == 2  # the two learning rates, or their factors
    for i in changed:
        assert seen[1][i] == 0.5 * seen[0][i]
    rates = [float(o.learning_rate) for o in (gan.generator_optimizer, gan.discriminator_optimizer)]
    assert rates == pytest.approx([0.005, 0.01], rel=1e-5)
    assert stop.reason is None and stop.events[0].action == "rollback"
    assert np.isfinite(result.history["d_loss"][1:]).all()
    assert all(np.isfinite(array).all() for array in everything(gan))
    assert (
        "back to step 4, learning rates now 0.005 (generator) and 0.01" in capsys.readouterr().out
    )


def test_it_goes_back_before_the_first_sign_of_a_row():
    gan = helpers.make_gan(shape=(2,))
    stop = kg.callbacks.StopOnDivergence("rollback", patience=2, end_fit=True)
    stop.set_model(gan)
    stop.on_train_begin()
    states = []
    for epoch, saturation in enumerate([0.1, 1.0, 1.0]):
        fit(gan, epochs=1)
        states.append(gan.generator.get_weights())
        stop.on_epoch_begin(epoch)
        stop.on_epoch_end(epoch, {**HEALTHY, "d_saturation": saturation})
    assert gan.step == 4 and stop.rolled_back and gan.stop_training
    helpers.assert_same(states[0], gan.generator.get_weights())


def test_a_rollback_at_an_epoch_s_last_step_leaves_no_false_means():
    gan, stop = rolling_gan(), kg.callbacks.StopOnDivergence("rollback")
    result = fit(gan, stop, Injure(step=3), epochs=3)
    assert np.isnan(result.history["d_loss"][0])
    assert np.isfinite(result.history["d_loss"][1:]).all() and gan.step == 8


def test_it_stops_after_as_many_rollbacks_as_are_allowed():
    gan = rolling_gan()
    injure = Injure(step=2, times=99)
    stop = kg.callbacks.StopOnDivergence("rollback", max_rollbacks=2)
    fit(gan, stop, injure, epochs=9)
    assert [event.action for event in stop.events if event.name == "d_loss"] == [
        *("rollback", "rollback", "stop")
    ]
    assert "(after 2 rollbacks)" in stop.reason and gan.diverged
    # Back to the start in the first epoch, of which one step is left; that one is kept.
    expected = [0.01] * 3 + [0.005] * 3 + [0.0025] * 2
    assert injure.rates == pytest.approx(expected, rel=1e-6)


def test_without_a_good_state_it_stops():
    gan, stop = rolling_gan(), kg.callbacks.StopOnDivergence("rollback")
    fit(gan, stop, Injure(step=0), epochs=1)
    assert stop.reason is None
    kernel = gan.generator.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.inf))
    other = kg.callbacks.StopOnDivergence("rollback")
    fit(gan, other, epochs=2)
    assert "(no good state)" in other.reason


def test_checkpoints_of_abandoned_steps_are_replaced(tmp_path):
    gan = rolling_gan()
    stop = kg.callbacks.StopOnDivergence("rollback", patience=2)
    keep = kg.callbacks.Checkpoint(tmp_path)

    class Pretend(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.update({**HEALTHY, "d_saturation": float(epoch in (1, 2)), "d_gradient": epoch})

    fit(gan, Pretend(), stop, keep, epochs=3)
    assert gan.step == 4 and checkpoint.steps(tmp_path) == [4]
    other = rolling_gan()
    checkpoint.restore(other, tmp_path)
    assert float(other.generator_optimizer.learning_rate) == pytest.approx(0.005)


def test_what_it_knows_comes_back_from_a_checkpoint(tmp_path):
    gan, stop = rolling_gan(), kg.callbacks.StopOnDivergence("rollback", patience=2)
    fit(gan, stop, Injure(step=3), epochs=3)
    fit(gan, epochs=1)
    stop.set_model(gan)
    stop._counts = {"d_saturation": 1}
    checkpoint.save(gan, tmp_path, [stop])
    other, fresh = rolling_gan(), kg.callbacks.StopOnDivergence("rollback", patience=2)
    checkpoint.restore(other, tmp_path, [fresh])
    fresh.on_train_begin()
    fresh.on_epoch_begin(1)
    assert repr(fresh.events) == repr(stop.events) and len(stop.events) >= 1  # with NaN in them
    names = ("_rollbacks", "_been_diverse", "_counts", "_shown")
    assert [getattr(fresh, name) for name in names] == [getattr(stop, name) for name in names]
    assert fresh._rollbacks == 1 and fresh._good.step == stop._good.step < gan.step
    helpers.assert_same(stop._good.values, fresh._good.values)
    fresh._good.restore()
    assert other.step == stop._good.step


# --- a learning rate that is a schedule -----------------------------------------------------------


def test_a_cut_schedule_survives_saving(tmp_path):
    gan = rolling_gan("schedule")
    make_cuttable(gan)
    fit(gan, epochs=1)
    assert cut_learning_rates(gan, 0.25) == pytest.approx((0.0025, 0.005))
    loaded = helpers.round_trip(gan, tmp_path)
    gan.save_weights(tmp_path / "state.weights.h5")
    other = rolling_gan("schedule")
    make_cuttable(other)
    other.load_weights(tmp_path / "state.weights.h5")
    for game in (loaded, other):
        rates = [game.generator_optimizer.learning_rate, game.discriminator_optimizer.learning_rate]
        assert [float(rate) for rate in rates] == pytest.approx([0.0025, 0.005])
        fit(game, epochs=1, shuffle=False)
    helpers.assert_same(everything(loaded), everything(other))


def test_a_schedule_that_is_compiled_already_is_refused():
    gan = rolling_gan("schedule")
    fit(gan, epochs=1)
    with pytest.raises(ValueError, match=r"is a CosineDecay .*CutSchedule around it"):
        fit(gan, kg.callbacks.StopOnDivergence("rollback"))


def test_a_good_state_has_all_that_training_changes():
    gan = rolling_gan()
    good, before = GoodState(gan), everything(gan)
    fit(gan, epochs=1)
    assert sum((a != b).any() for a, b in zip(before, everything(gan), strict=True)) > 20
    good.restore()
    helpers.assert_same(before, everything(gan))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"action": "pause"}, "action must be one of stop, warn, rollback, found 'pause'"),
        ({"max_gradient": 0}, "max_gradient must be > 0"),
        ({"max_saturation": 1.5}, "max_saturation must be None or lie in"),
        ({"max_duplicates": 0}, "max_duplicates must be None or lie in"),
        ({"min_diversity": -1}, "min_diversity must be >= 0"),
        ({"patience": 0}, "patience must be a whole number >= 1"),
        ({"cut": 0.0}, "cut must lie in"),
        ({"max_rollbacks": 0}, "max_rollbacks must be a whole number >= 1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        kg.callbacks.StopOnDivergence(**arguments)
