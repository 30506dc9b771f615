import csv
import json
import signal
import threading

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.callbacks import checkpoint
from keras_gans.callbacks.manifest import MANIFEST

REAL = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def make_gan(seed=0, activation="leaky", depth=1, **arguments):
    keras.utils.set_random_seed(seed)
    networks = kg.networks.mlp((2,), latent_dim=3, width=8, depth=depth, activation=activation)
    gan = kg.GAN(*networks, latent_dim=3, seed=seed)
    gan.compile(**{"ema_decay": 0.9, **arguments})
    return gan


def fit(gan, *callbacks, epochs=2):
    return gan.fit(REAL, batch_size=16, epochs=epochs, callbacks=list(callbacks), verbose=0)


# --- pictures and history -------------------------------------------------------------------------


def test_sample_grid_draws_every_nth_epoch_and_the_end(tmp_path):
    fit(make_gan(), kg.callbacks.SampleGrid(tmp_path, every=2, n=4), epochs=5)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "00000008.png",
        "00000016.png",
        "00000020.png",
    ]


def test_sample_grid_uses_the_same_latents_each_time(tmp_path):
    gan = make_gan()
    grid = kg.callbacks.SampleGrid(tmp_path, n=4)
    fit(gan, grid, epochs=1)
    first = np.asarray(Image.open(grid.draw()))
    again = kg.callbacks.SampleGrid(tmp_path / "again", n=4)
    again.set_model(gan)
    assert (np.asarray(Image.open(again.draw())) == first).all()


def test_sample_grid_writes_to_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    networks = kg.networks.dcgan((8, 8, 1), latent_dim=3, width=4)
    gan = kg.GAN(*networks, latent_dim=3, seed=0)
    gan.compile()
    grid = kg.callbacks.SampleGrid(tmp_path / "samples", n=4, log_dir=tmp_path / "logs")
    gan.fit(np.zeros((8, 8, 8, 1), "float32"), batch_size=4, callbacks=[grid], verbose=0)
    events = EventAccumulator(str(tmp_path / "logs"), size_guidance={"tensors": 0})
    events.Reload()
    assert [event.step for event in events.Tensors("samples")] == [2]


def test_history_has_a_row_an_epoch_and_goes_on(tmp_path):
    gan = make_gan()
    result = fit(gan, kg.callbacks.History(tmp_path))
    gan.fit(
        REAL,
        batch_size=16,
        initial_epoch=2,
        epochs=3,
        callbacks=[kg.callbacks.History(tmp_path)],
        verbose=0,
    )
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", "4"), ("2", "8"), ("3", "12")]
    assert [float(row["d_loss"]) for row in rows[:2]] == result.history["d_loss"]
    with Image.open(tmp_path / "history.png") as image:
        assert image.width == 700


def test_history_drops_rows_after_the_step_it_resumes_from(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,step,seconds,d_loss\n1,4,1,1\n2,8,1,1\n3,99,1,1\n")
    gan = make_gan()
    gan.generator_optimizer.iterations.assign(8)
    history = kg.callbacks.History(tmp_path)
    fit(gan, history, epochs=1)
    assert [int(row["step"]) for row in history.rows] == [4, 8, 12]


# --- stopping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_divergence_stops_names_the_value_and_keeps_the_good_checkpoint(tmp_path, bad, capsys):
    gan = make_gan()
    stop = kg.callbacks.StopOnDivergence()
    keep = kg.callbacks.Checkpoint(tmp_path)
    fit(gan, stop, keep, epochs=1)
    assert stop.reason is None
    kernel = gan.discriminator.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, bad))
    result = fit(gan, stop, keep, epochs=5)
    assert len(result.epoch) == 1
    assert "d_loss = nan" in stop.reason and "step 5" in stop.reason
    assert "d_loss = nan" in capsys.readouterr().out
    assert checkpoint.steps(tmp_path) == [4]


def test_weights_that_are_no_numbers_are_found_where_the_losses_hide_them(tmp_path):
    # A fused ReLU makes 0 of NaN.
    gan, stop, keep = (
        make_gan(activation="relu"),
        kg.callbacks.StopOnDivergence(),
        kg.callbacks.Checkpoint(tmp_path),
    )
    kernel = gan.discriminator.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan))
    assert len(fit(gan, stop, keep, epochs=5).epoch) == 1
    assert f"{kernel.path} = nan" in stop.reason or "d_loss = nan" in stop.reason
    assert checkpoint.steps(tmp_path) == []


def test_a_healthy_run_is_not_stopped():
    stop = kg.callbacks.StopOnDivergence()
    assert len(fit(make_gan(), stop, epochs=3).epoch) == 3
    assert stop.reason is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_fit_after_the_step(number):
    class Raise(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                signal.raise_signal(number)

    before = signal.getsignal(number)
    stop = kg.callbacks.StopOnSignal()
    gan = make_gan()
    fit(gan, stop, Raise(), epochs=5)
    assert (stop.signal, gan.step) == (number, 3)
    assert signal.getsignal(number) is before


def test_signals_are_left_alone_in_another_thread():
    thread = threading.Thread(target=fit, args=(make_gan(), kg.callbacks.StopOnSignal()))
    thread.start()
    thread.join()


# --- checkpoints ----------------------------------------------------------------------------------


def state(gan):
    optimizers = gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return [v.numpy() for v in gan.weights + optimizers + gan._own_state()]


def test_restore_brings_back_everything(tmp_path):
    gan = make_gan(penalty=kg.penalties.Lazy("r1", every=3))
    fit(gan, kg.callbacks.Checkpoint(tmp_path))
    other = make_gan(seed=1, penalty=kg.penalties.Lazy("r1", every=3))
    assert checkpoint.restore(other, tmp_path) == gan.step == 8
    for a, b in zip(state(gan), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_keeps_the_last_ones(tmp_path):
    fit(make_gan(), kg.callbacks.Checkpoint(tmp_path, keep=2), epochs=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00000012", "00000016"]


def test_every_0_saves_at_the_end_only(tmp_path):
    fit(make_gan(), kg.callbacks.Checkpoint(tmp_path, every=0), epochs=4)
    assert checkpoint.steps(tmp_path) == [16]


def test_a_failed_save_leaves_nothing_half_written(tmp_path, monkeypatch):
    gan = make_gan()
    checkpoint.save(gan, tmp_path)
    fit(gan, epochs=1)

    def full(path):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(gan, "save_weights", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(gan, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["00000000"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    gan = make_gan()
    file = checkpoint.save(gan, tmp_path) / checkpoint.STATE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.weights\.h5 is damaged"):
        checkpoint.restore(gan, tmp_path)


def test_another_architecture_is_refused(tmp_path):
    checkpoint.save(make_gan(), tmp_path)
    other = kg.GAN(*kg.networks.mlp((2,), latent_dim=3, width=9), latent_dim=3)
    other.compile(ema_decay=0.9)
    with pytest.raises(ValueError, match="does not fit the model"):
        checkpoint.restore(other, tmp_path)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"penalty": kg.penalties.Lazy("r1", every=3)}, {"penalty": "r1"}),
        ({"dynamics": "lookahead"}, {}),
        ({}, {"generator_optimizer": keras.optimizers.SGD()}),
        ({"depth": 2}, {"depth": 1}),
    ],
    ids=["counter", "slow weights", "slots", "layers"],
)
def test_a_checkpoint_with_more_state_than_the_model_is_refused(tmp_path, more, less):
    saved, other = (make_gan(**arguments) for arguments in (more, less))
    assert len(saved.training_variables()) > len(other.training_variables())
    checkpoint.save(saved, tmp_path)
    before = state(other)
    with pytest.raises(ValueError, match="00000000 does not fit the model that the flags make"):
        checkpoint.restore(other, tmp_path)
    for a, b in zip(before, state(other), strict=True):  # it was refused before it was loaded
        np.testing.assert_array_equal(a, b)


def test_no_checkpoint_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no checkpoint"):
        checkpoint.restore(make_gan(), tmp_path)


def test_the_manifest_says_what_is_inside(tmp_path):
    gan = make_gan()
    manifest = json.loads((checkpoint.save(gan, tmp_path) / MANIFEST).read_text())
    assert manifest["step"] == 0 and manifest["sample_shape"] == [2]
    assert len(manifest["sha256"]) == 64
