"""What tests of whole runs share: small ones, what a kill leaves of one, a comparison of two."""

import contextlib
import csv
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import h5py
import keras
import numpy as np

from keras_gans import experiment
from keras_gans.callbacks import checkpoint
from keras_gans.config import Config

SCRIPTS = pathlib.Path(__file__).parents[1] / "scripts"
FLAGFILES = sorted(
    path for path in (SCRIPTS / "flags").glob("*.flags") if path.stem != "stability"
)  # which is of another script


def shrunk(path, output_dir, **changes):
    """Return a flagfile's config, its networks and data as small as they can be; 2 epochs."""
    drop = ("--steps=", "--sample_every")
    lines = [line for line in path.read_text().splitlines() if not line.startswith(drop)]
    config = Config.from_flags("\n".join(lines))
    execution = min(config.steps_per_execution, 2)
    in_epoch = 5 if execution == 1 else 6
    small = {
        "name": "run",
        "width": 4,
        "latent_dim": 4,
        "steps_per_execution": execution,
        "batch_size": len(experiment.load_data(config)) // (in_epoch * config.discriminator_steps),
        "epochs": 2,
        "checkpoint_steps": 3,
        "output_dir": str(output_dir),
    }
    return config.__class__(**{**config.__dict__, **small, **changes})


class Snapshot(keras.callbacks.Callback):
    """Copy the run's folder as a step is about to begin: what a SIGKILL then would leave."""

    def __init__(self, run, to, step):
        super().__init__()
        self.run, self.to, self.step = run, to, step

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.step == self.step and not self.to.exists():
            shutil.copytree(self.run, self.to)


def train_and_snapshot(config, to, step, monkeypatch):
    """Train; leave in `to/run` what the run's folder was at a step. Return the exit status."""
    make = experiment.make_callbacks

    def with_snapshot(config, data, run):
        return make(config, data, run) | {"snapshot": Snapshot(run, to / "run", step)}

    with monkeypatch.context() as patch:
        patch.setattr(experiment, "make_callbacks", with_snapshot)
        return experiment.train(config)


def arrays(path):
    """Return every array of a checkpoint's folder, by its path in the file."""
    found = {}
    with h5py.File(path / checkpoint.STATE) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def assert_same_checkpoint(a, b):
    """Hold that two runs' newest checkpoints are the same, bit for bit, but for the clock."""
    (a, about_a), (b, about_b) = (checkpoint.newest(run / "checkpoints") for run in (a, b))
    ours, theirs = arrays(a), arrays(b)
    assert ours.keys() == theirs.keys() and len(ours) > 10
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert about_a["step"] == about_b["step"]
    states = [json.loads((path / "callbacks.json").read_text()) for path in (a, b)]
    for state in states:
        del state["History"]["seconds"]
        for row in state["History"]["rows"]:
            del row["seconds"]
    assert json.dumps(states[0]) == json.dumps(states[1])  # as text: NaN is NaN
    return about_a


def history(run):
    """Return the rows of a run's history, without the seconds that they took."""
    with open(run / "logs" / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert 0 < float(row.pop("seconds")) < 3600
    return rows


def files_of(run):
    """Return the relative paths of a run's files, without the names that TensorBoard invents."""
    return sorted(
        str(path.relative_to(run))
        for path in run.rglob("*")
        if path.is_file() and "tfevents" not in path.name
    )


def _stays(name):
    """Tell whether a file is no checkpoint: a signal saves one more, in place of an older one."""
    return not name.startswith("checkpoints/")


def assert_same_run(a, b):
    """Hold that two runs left the same: every number and picture, and no file more."""
    about = assert_same_checkpoint(a, b)
    assert history(a) == history(b)
    steps = [int(row["step"]) for row in history(a)]
    assert steps == sorted(set(steps)) and steps[-1] == about["step"]
    ours, theirs = ([name for name in files_of(run) if _stays(name)] for run in (a, b))
    assert ours == theirs
    kept = [checkpoint.steps(run / "checkpoints") for run in (a, b)]
    assert len(kept[0]) == len(kept[1]) and kept[0][-1] == kept[1][-1]
    tables = [a / "logs" / f"{name}.csv" for name in ("stability", "evaluation")]
    for path in [*(a / "samples").glob("*.png"), *tables, a / "best" / "best.json"]:
        if path.exists():
            assert path.read_bytes() == (b / path.relative_to(a)).read_bytes(), path
    if (a / "best").exists():
        (best, of), (again, other) = (checkpoint.newest(run / "best") for run in (a, b))
        assert of["step"] == other["step"] and of["sha256"] and other["flags"]
        ours, theirs = arrays(best), arrays(again)
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    for kind in ("stability", "samples"):
        assert len(list((b / "logs").glob(f"events.out.tfevents.*.{kind}"))) <= 1


def start(*arguments, cwd, output=subprocess.PIPE):
    """Start scripts/train.py; return the process."""
    command = [sys.executable, str(SCRIPTS / "train.py"), *map(str, arguments)]
    pipes = {"stdout": output, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=cwd, **pipes, env=os.environ | {"PYTHONUNBUFFERED": "1"})


def listening(pid):
    """Return the addresses that a process listens on, as /proc has them; none without /proc."""
    held, lines = set(), []
    for handle in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            held.add(os.readlink(handle))
    for table in pathlib.Path(f"/proc/{pid}/net").glob("tcp*"):
        lines += [line.split() for line in table.read_text().splitlines()[1:]]
    return [line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in held]


def kill_after(process, run, seconds):
    """SIGKILL a training some seconds after it saved once; return False if it ended before.

    Nothing may listen on a port meanwhile.
    """
    before = checkpoint.steps(run / "checkpoints")[-1:]
    while process.poll() is None and checkpoint.steps(run / "checkpoints")[-1:] == before:
        time.sleep(0.05)
    if process.poll() is None:
        assert listening(process.pid) == []
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode in (-signal.SIGKILL, 0), output
    return process.returncode != 0
