"""Checkpoints under a process that dies, a disk that lies, and a disk that is full."""

import contextlib
import errno
import hashlib
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import types

import h5py
import numpy as np
import pytest

from keras_gans import files
from keras_gans.callbacks import callback_states, checkpoint, folders, manifest
from keras_gans.callbacks.manifest import MANIFEST, SEAL

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"
PARTS = (folders.PART, folders.OLD, folders.GONE)


class Stub:
    """What `checkpoint.save` needs of a game, without TensorFlow, so that it can be forked."""

    def __init__(self, size, step=0):
        self.size, self.step = size, step
        self.generator = types.SimpleNamespace(output_shape=(None, 2))

    def structure(self):
        return {}

    def training_variables(self):
        return []

    def save_weights(self, path):
        with h5py.File(path, "w") as file:
            for i in range(4):
                file[f"layer_{i}/weights"] = np.full(self.size, self.step + i, np.float32)


class Rows:
    """A callback with a state."""

    def __init__(self):
        self.rows = [{"step": i, "loss": 0.1 * i} for i in range(200)]
        self.arrays = [np.arange(500.0), np.ones(3, np.int32)]

    def state(self):
        return {"rows": self.rows, "arrays": self.arrays}

    def load_state(self, state):
        self.rows, self.arrays = state["rows"], state["arrays"]


# --- a process that dies --------------------------------------------------------------------------


def save_for_ever(directory, start):
    gan, rows = Stub(200_000, start), Rows()
    while True:
        gan.step += 1
        checkpoint.save(gan, directory, [rows])
        for old in checkpoint.steps(directory)[:-3]:
            folders.discard(directory, old)


def sigkills(directory, n):
    draw, newest, within = random.Random(0), 0, 0
    for _ in range(n):
        process = multiprocessing.get_context("fork").Process(
            target=save_for_ever, args=(directory, newest)
        )
        process.start()
        while not checkpoint.steps(directory) or checkpoint.steps(directory)[-1] == newest:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        within += any((directory / part).exists() for part in PARTS)
        for step in checkpoint.steps(directory):  # whatever is there is whole
            assert manifest.read(directory / f"{step:08d}")["step"] == step
        assert checkpoint.steps(directory)[-1] > newest
        newest = checkpoint.steps(directory)[-1]
        assert len(list(directory.iterdir())) <= 6  # 3 or 4, and what was being written
    assert within > n / 4  # most moments were moments of saving
    return within


def test_sigkill_while_saving_leaves_whole_checkpoints_only(tmp_path):
    sigkills(tmp_path, 8)


@pytest.mark.slow
def test_sigkill_at_100_moments_of_saving(tmp_path):
    sigkills(tmp_path, 100)


# --- a disk that lies -----------------------------------------------------------------------------


def truncate(content, draw):
    return content[: draw.randrange(len(content))]


def zero_tail(content, draw):
    at = draw.randrange(len(content))
    return content[:at] + bytes(len(content) - at)


def flip_a_bit(content, draw):
    content = bytearray(content)
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def lose(content, draw):
    return None


def damages(directory, n, capsys):
    for step in (4, 8):
        checkpoint.save(Stub(500, step), directory, [Rows()], flags={"loss": "hinge"})
    path, draw, kinds = directory / "00000008", random.Random(0), set()
    names = sorted(file.name for file in path.iterdir())
    assert names == ["callbacks.json", "callbacks.npz", MANIFEST, SEAL, checkpoint.STATE]
    for i in range(n):
        name = names[i % len(names)]
        content = (path / name).read_bytes()
        damage = draw.choice([truncate, zero_tail, *[flip_a_bit] * 5, lose])
        changed = damage(content, draw)
        if changed == content:  # a tail that was zero
            continue
        kinds.add((name, damage))
        if changed is None:
            (path / name).unlink()
        else:
            (path / name).write_bytes(changed)
        taken, about = checkpoint.newest(directory)
        assert (taken.name, about["step"]) == ("00000004", 4), (name, damage)
        said = capsys.readouterr().out
        assert said.count("\n") == 1 and f"{path} is passed over: " in said
        blamed = {MANIFEST, name} if name == SEAL else {name}
        assert any(f"{one} is damaged" in said or f"{one} is missing" in said for one in blamed)
        (path / name).write_bytes(content)
    assert checkpoint.newest(directory)[0] == path
    return kinds


def test_each_damage_is_named_and_the_one_before_is_taken(tmp_path, capsys):
    assert len(damages(tmp_path, 40, capsys)) > 8


@pytest.mark.slow
def test_300_damages_at_random_places(tmp_path, capsys):
    assert len(damages(tmp_path, 300, capsys)) > 14


def test_all_damaged_is_an_error_that_names_each(tmp_path):
    for step in (1, 2):
        path = checkpoint.save(Stub(5, step), tmp_path)
        (path / checkpoint.STATE).write_bytes(b"")
    (tmp_path / "00000001" / SEAL).unlink()
    words = rf"00000002: {checkpoint.STATE} is damaged: it has 0 bytes.*00000001: {SEAL} is missing"
    with pytest.raises(ValueError, match=words):
        checkpoint.newest(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"files": {"a": 1}}', b"\xff\xfe"])
def test_a_manifest_that_is_none_is_passed_over_whatever_its_seal_says(tmp_path, capsys, content):
    for step in (1, 2):
        path = checkpoint.save(Stub(5, step), tmp_path)
    (path / "a").touch()
    (path / MANIFEST).write_bytes(content)
    (path / SEAL).write_text(f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n")
    assert checkpoint.newest(tmp_path)[1]["step"] == 1
    assert f"{path} is passed over: {MANIFEST} is damaged" in capsys.readouterr().out


def test_the_seal_is_what_sha256sum_understands(tmp_path):
    path = checkpoint.save(Stub(5, 1), tmp_path)
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--strict", SEAL]
        assert subprocess.run(command, cwd=path, capture_output=True, check=False).returncode == 0
    about = json.loads((path / MANIFEST).read_text())
    assert about["files"][checkpoint.STATE]["sha256"] == about["sha256"]
    assert about["sha256"] == files.digest(path / checkpoint.STATE)
    assert {"keras_gans", "keras", "tensorflow", "numpy", "python"} == set(about["versions"])


def test_states_of_callbacks_come_back(tmp_path):
    first, second = Rows(), Rows()
    second.rows = [{"step": 1, "loss": float("nan")}]
    path = checkpoint.save(Stub(5, 1), tmp_path, [first, object(), second])
    others = Rows(), Rows()
    for other in others:
        other.rows, other.arrays = [], []
        other.set_model = lambda game: None
    callback_states.load(path, None, others)
    for other, one in zip(others, (first, second), strict=True):
        assert repr(other.rows) == repr(one.rows)
        for a, b in zip(other.arrays, one.arrays, strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


def test_what_is_set_aside_is_taken_no_more(tmp_path):
    for step in (1, 2, 3):
        checkpoint.save(Stub(5, step), tmp_path)
    folders.set_aside(tmp_path, after=1)
    assert checkpoint.steps(tmp_path) == [1]
    assert sorted(p.name for p in tmp_path.iterdir())[1:] == [
        *("00000002.damaged", "00000003.damaged")
    ]


# --- a disk that is full --------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 2], ids=["new", "replaced"])
@pytest.mark.parametrize("call", ["write_bytes", "fsync", "replace"])
def test_no_space_at_any_call_leaves_the_old_ones_intact(tmp_path, monkeypatch, call, step):
    checkpoint.save(Stub(5, 1), tmp_path)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(pathlib.Path if call == "write_bytes" else os, call, full)
        with pytest.raises(OSError, match="No space left on device"):
            checkpoint.save(Stub(5, step), tmp_path, [Rows()])
    assert [path.name for path in tmp_path.iterdir()] == ["00000001"]
    assert checkpoint.newest(tmp_path)[1]["step"] == 1


def full_disk(tmp_path, megabytes, *arguments):
    """Train on a file system of some megabytes; return (process, a copy of what is left there)."""
    disk, left = tmp_path / "disk", tmp_path / "left"
    disk.mkdir()
    train = f"{sys.executable} {SCRIPTS / 'train.py'} {' '.join(arguments)} --output_dir={disk}"
    script = (
        f"mount -t tmpfs -o size={megabytes}m none {disk} || exit 77; {train}; status=$?;"
        f"cp -r {disk} {left}; exit $status"
    )
    with contextlib.suppress(FileNotFoundError):
        process = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if process.returncode != 77 and left.exists():
            return process, left
    pytest.skip("this system lets no user mount a file system")


def test_a_full_disk_ends_with_one_line_and_what_was_saved_is_whole(tmp_path):
    small = ("--name=run", "--dataset=ring", "--width=32", "--batch_size=64", "--sample_every=0")
    process, left = full_disk(tmp_path, 2, *small, "--steps=400", "--keep=100", "--depth=3")
    assert process.returncode == 1, process.stdout[-2000:] + process.stderr[-2000:]
    known = checkpoint.steps(left / "run" / "checkpoints")
    own = process.stderr[process.stderr.index("train.py: ") :]  # after TensorFlow's greetings
    assert own.startswith("train.py: the disk is full: [Errno 28] No space left on device: '")
    assert f"; the checkpoint of step {known[-1]:,} is kept" in own and own.count("\n") == 1
    assert "Traceback" not in process.stderr
    for step in known:
        manifest.read(left / "run" / "checkpoints" / f"{step:08d}")
    assert len(known) >= 3
