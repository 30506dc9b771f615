"""One process at a time in a run's folder; a dead one holds nothing."""

import os
import signal
import subprocess
import sys

import pytest

from keras_gans import lock

HOLD = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("lock", sys.argv[1])
lock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lock)
with lock.hold(sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder."""
    command = [sys.executable, "-c", HOLD, lock.__file__, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_and_told_by_whom(tmp_path, other):
    with (
        pytest.raises(lock.InUseError, match=rf"{tmp_path} is in use by process {other.pid} on"),
        lock.hold(tmp_path),
    ):
        pytest.fail("held twice")
    assert (tmp_path / lock.NAME).exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_died_holds_nothing(tmp_path, other, number):
    os.kill(other.pid, number)
    other.wait()
    assert (tmp_path / lock.NAME).exists()
    with lock.hold(tmp_path):
        assert f"process {os.getpid()} " in (tmp_path / lock.NAME).read_text()
    assert not (tmp_path / lock.NAME).exists()


def test_a_folder_that_was_moved_meanwhile_is_another_one(tmp_path):
    (tmp_path / "run").mkdir()
    with lock.hold(tmp_path / "run"):
        (tmp_path / "run").rename(tmp_path / "kept")
        (tmp_path / "run").mkdir()
        with lock.hold(tmp_path / "run"):
            with pytest.raises(lock.InUseError), lock.hold(tmp_path / "run"):
                pytest.fail("held twice")
            with pytest.raises(lock.InUseError), lock.hold(tmp_path / "kept"):
                pytest.fail("held twice")
    assert not (tmp_path / "run" / lock.NAME).exists()
