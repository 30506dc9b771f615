"""A training that is killed again and again ends as one that was left alone; nothing piles up.

KERAS_GANS_SOAK_MINUTES (120) is how long it is killed, KERAS_GANS_SOAK_KILLS ("60,180") the least
and the most seconds from a start to a kill.
"""

import os
import pathlib
import random
import shutil
import signal
import statistics
import time

import pytest
from helpers_runs import assert_same_run, files_of, start

from keras_gans.callbacks import checkpoint

MINUTES = float(os.environ.get("KERAS_GANS_SOAK_MINUTES", 120))
LEAST, MOST = map(float, os.environ.get("KERAS_GANS_SOAK_KILLS", "60,180").split(","))
FLAGS = (
    *("--flagfile=wgan.flags", "--name=run", "--width=8", "--latent_dim=16", "--batch_size=16"),
    *("--checkpoint_steps=50", "--checkpoint_every=5", "--sample_every=50", "--monitor_every=5"),
)


def resident(pid):
    """Return a process's resident memory in MiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def wait(process, seconds=float("inf")):
    """Wait until a training ends or time is up; return its memory over time."""
    memory, ends = [], time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < ends:
        memory.append(resident(process.pid))
        time.sleep(0.5)
    return memory


def newest_step(run):
    """Return the step of a run's newest checkpoint, 0 without one."""
    return max([0, *checkpoint.steps(run / "checkpoints")])


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_soak(tmp_path):
    log = tmp_path / "log"

    def train(name, *arguments):
        with open(log, "w") as output:
            return start(f"--output_dir={name}", *FLAGS, *arguments, cwd=tmp_path, output=output)

    draw, run = random.Random(0), tmp_path / "killed" / "run"
    ends, kills, counts = time.monotonic() + 60 * MINUTES, 0, []
    while time.monotonic() < ends:
        resume = ["--resume"] if (run / "flags.txt").exists() else []
        process = train("killed", "--epochs=1000000", *resume)
        wait(process, draw.uniform(LEAST, MOST))
        assert process.poll() is None, log.read_text()[-3000:]
        last = time.monotonic() >= ends
        process.send_signal(signal.SIGTERM if last else signal.SIGKILL)
        ended = (128 + signal.SIGTERM, -signal.SIGTERM) if last else (-signal.SIGKILL,)
        assert process.wait(120) in ended
        kills += not last
        counts.append(len(files_of(run / "checkpoints")))
    in_epoch = 1797 // 80
    epochs = newest_step(run) // in_epoch + 1

    straight = tmp_path / "straight" / "run"
    process = train("straight", f"--epochs={epochs}")
    memory = wait(process)
    assert process.wait() == 0
    process = train("killed", f"--epochs={epochs}", "--resume")
    assert process.wait() == 0, log.read_text()[-3000:]

    for extra in (run, straight):  # the last start's number of the SavedModel is no matter
        shutil.rmtree(extra / "export")
    assert_same_run(straight, run)
    assert max(counts) <= 7 * 4  # 3 checkpoints, and one that was being written
    part = len(memory) // 4
    early, late = (statistics.median(m) for m in (memory[part : 2 * part], memory[-part:]))
    print(
        f"{kills} kills, {epochs} epochs of {in_epoch} steps, at most {max(counts)} files of "
        f"checkpoints, memory {early:.0f} MiB early and {late:.0f} MiB late"
    )
    assert kills > 0 and late <= 1.05 * early
