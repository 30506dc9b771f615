"""What a run meets when it begins: another of its name, other data, an end that was cut short."""

import dataclasses
import shutil
import signal

import keras
import numpy as np
import pytest
from helpers_runs import assert_same_run, files_of

from keras_gans import experiment, lock
from keras_gans.callbacks import checkpoint, manifest
from keras_gans.config import Config

QUIET = {"monitor_every": 0, "sample_every": 0}


def small(tmp_path, **values):
    defaults = {"name": "run", "width": 4, "latent_dim": 3, "batch_size": 16, "steps": 4}
    ring = {"dataset": "ring", "output_dir": str(tmp_path)}
    return Config(**{**defaults, **ring, **values})


def with_callback(monkeypatch, callback):
    """Let runs have one more callback, the last."""
    make = experiment.make_callbacks
    monkeypatch.setattr(
        experiment, "make_callbacks", lambda *arguments: make(*arguments) | {"last": callback}
    )


@pytest.fixture(autouse=True)
def _no_export(request, monkeypatch):
    if "export" not in request.node.name:  # it is slow
        monkeypatch.setattr(experiment.export, "export_generator", lambda gan, path: path)


# --- another process of the same name


@pytest.mark.parametrize("alive", [True, False])
def test_a_run_that_another_began_while_the_data_were_loaded(tmp_path, monkeypatch, alive, capsys):
    run, load, others = tmp_path / "run", experiment.load_data, []

    def load_late(config):
        run.mkdir()
        (run / "flags.txt").write_text("another's")
        if alive:
            others.append(lock.hold(run))
            others[0].__enter__()
        return load(config)

    monkeypatch.setattr(experiment, "load_data", load_late)
    config = small(tmp_path, steps=1, **QUIET)
    if alive:
        with pytest.raises(lock.InUseError, match="run is in use by process"):
            experiment.train(config)
        assert list(tmp_path.iterdir()) == [run]
        assert (run / "flags.txt").read_text() == "another's"
        others[0].__exit__(None, None, None)
    else:
        assert experiment.train(config) == 0
        assert (tmp_path / "run-1" / "flags.txt").read_text() == "another's"
        assert checkpoint.steps(run / "checkpoints") == [1]
    assert not (run / lock.NAME).exists()


# --- other data, other versions


def test_other_samples_under_the_same_name_are_refused(tmp_path):
    samples = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    np.savez(tmp_path / "a.npz", x=samples)
    config = small(tmp_path, dataset=f"npz:{tmp_path / 'a.npz'}", steps=2, **QUIET)
    assert experiment.train(config) == 0
    samples[7, 1] += 1e-3
    np.savez(tmp_path / "a.npz", x=samples)
    before = files_of(tmp_path / "run")
    with pytest.raises(ValueError, match=r"--resume: .*run was trained on other samples: --data"):
        experiment.train(dataclasses.replace(config, steps=4, resume=True))
    assert files_of(tmp_path / "run") == before


def test_other_versions_are_told(tmp_path, monkeypatch, capsys):
    config = small(tmp_path, steps=1, **QUIET)
    assert experiment.train(config) == 0
    now = manifest.versions()
    monkeypatch.setattr(manifest, "versions", lambda: now | {"keras": "9.9"})
    assert experiment.train(dataclasses.replace(config, steps=2, resume=True)) == 0
    said = f"was made by keras {keras.__version__} (now 9.9): its numbers may go on differently"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"\xff", b"--nonsense=1\n", b"--keep=x\n"])
def test_flags_that_cannot_be_read_are_named(tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "flags.txt").write_bytes(content)
    with pytest.raises(ValueError, match=r"run/flags\.txt cannot be read: "):
        experiment.train(small(tmp_path, resume=True))
    with pytest.raises(ValueError, match=r"run/flags\.txt cannot be read: "):
        experiment.load_run(tmp_path / "run")


# --- an end that was cut short


class Copy(keras.callbacks.Callback):
    """Copy the run's folder as the last epoch has ended: what a SIGKILL then would leave."""

    def __init__(self, run, to, total):
        super().__init__()
        self.run, self.to, self.total = run, to, total

    def on_epoch_end(self, epoch, logs=None):
        if self.model.step == self.total and not self.to.exists():
            shutil.copytree(self.run, self.to)


def test_what_follows_the_last_step_is_done_by_the_run_that_resumes(tmp_path, monkeypatch):
    values = {"steps": 60, "sample_every": 7, "monitor_every": 7, "evaluate_every": 7}
    config = small(tmp_path / "straight", **values, evaluate_samples=500)  # 20 epochs
    run, killed = tmp_path / "straight" / "run", tmp_path / "killed" / "run"
    with monkeypatch.context() as patch:
        with_callback(patch, Copy(run, killed, 60))
        assert experiment.train(config) == 0
    assert checkpoint.steps(killed / "checkpoints")[-1] == 60
    missing = {"logs/history.png", "samples/00000060.png"}
    assert missing <= {*files_of(run)} and not missing & {*files_of(killed)}
    again = dataclasses.replace(config, output_dir=str(killed.parent), resume=True)
    assert experiment.train(again) == 0
    assert_same_run(run, killed)
    rows = (killed / "logs" / "evaluation.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["7", "21"], ["14", "42"], ["20", "60"]]

    assert experiment.train(again) == 0  # a run that has ended ends again, with the same files
    assert_same_run(run, killed)


def test_the_last_evaluation_is_kept_by_a_run_that_goes_on(tmp_path):
    values = {"epochs": 3, "batch_size": 2500, "evaluate_every": 2, "evaluate_samples": 500}
    config = small(tmp_path, steps=None, **values, sample_every=0, monitor_every=0)
    assert experiment.train(config) == 0
    before = (tmp_path / "run" / "logs" / "evaluation.csv").read_text()
    assert before.count("\n") == 3  # epochs 2 and 3
    assert experiment.train(dataclasses.replace(config, epochs=4, resume=True)) == 0
    assert (tmp_path / "run" / "logs" / "evaluation.csv").read_text().startswith(before)


def test_a_run_that_ended_is_exported_once(tmp_path):
    config = small(tmp_path, steps=1, **QUIET)
    assert experiment.train(config) == 0
    exported = tmp_path / "run" / "export"
    (exported / ".tmp-killed").mkdir()
    assert experiment.train(dataclasses.replace(config, resume=True)) == 0
    assert [path.name for path in exported.iterdir()] == ["1"]
    assert experiment.train(dataclasses.replace(config, steps=2, resume=True)) == 0
    assert sorted(path.name for path in exported.iterdir()) == ["1", "2"]


def test_a_run_that_starts_again_shows_each_value_once(tmp_path):
    config = small(tmp_path, steps=20, checkpoint_every=0)
    assert experiment.train(config) == 0
    shutil.rmtree(tmp_path / "run" / "checkpoints")  # killed before its first
    assert experiment.train(dataclasses.replace(config, resume=True)) == 0
    events = [path.suffix for path in (tmp_path / "run" / "logs").glob("events.*")]
    assert sorted(events) == [".samples", ".stability"]


# --- signals at the seams


class Raise(keras.callbacks.Callback):
    """Raise a signal in the batch before a step, or as a part of the training ends."""

    def __init__(self, number, step, end=False):
        super().__init__()
        self.number, self.step, self.end = number, step, end

    def on_train_batch_begin(self, batch, logs=None):
        if not self.end and self.model.step == self.step - 1:
            signal.raise_signal(self.number)

    def on_train_end(self, logs=None):
        if self.end and self.model.step == self.step:
            signal.raise_signal(self.number)


@pytest.mark.parametrize(
    ("end", "saved"), [(False, 3), (True, 4)], ids=["last step of a part", "between two parts"]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_where_a_part_ends_is_saved_too(tmp_path, monkeypatch, number, end, saved):
    values = {"steps": 60, "checkpoint_every": 0, "output_dir": str(tmp_path), **QUIET}
    assert experiment.train(small(tmp_path, **values | {"steps": 1})) == 0
    with_callback(monkeypatch, Raise(number, 3, end))  # 2 steps of an epoch of 3, then whole ones
    assert experiment.train(small(tmp_path, **values, resume=True)) == 128 + number
    assert checkpoint.steps(tmp_path / "run" / "checkpoints")[-1] == saved
