"""A training that is killed again and again ends as one that was left alone; nothing piles up.

Both train side by side, each on a core of its own. KERAS_GANS_SOAK_MINUTES (120) is how long they
take by a first measurement, KERAS_GANS_SOAK_EPOCHS the number of epochs in its place, and
KERAS_GANS_SOAK_KILLS ("60,180") the least and the most seconds from a start to a kill.
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
EPOCHS = int(os.environ.get("KERAS_GANS_SOAK_EPOCHS", 0))
LEAST, MOST = map(float, os.environ.get("KERAS_GANS_SOAK_KILLS", "60,180").split(","))
FLAGS = (
    *("--flagfile=wgan.flags", "--name=run", "--width=8", "--latent_dim=16", "--batch_size=16"),
    *("--checkpoint_steps=50", "--checkpoint_every=5", "--sample_every=50", "--monitor_every=5"),
)
IN_EPOCH = 1797 // 80  # steps: the digits, 5 batches of 16 a step


def resident(pid):
    """Return a process's resident memory in MiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def newest_step(run):
    """Return the step of a run's newest checkpoint, 0 without one."""
    return max([0, *checkpoint.steps(run / "checkpoints")])


class Training:
    """scripts/train.py in a folder of its own, on one core; what it wrote is in `log`."""

    def __init__(self, folder, core, epochs):
        self.run, self.core = folder / "run", core
        self.log = folder.with_suffix(".log")
        self.arguments = (f"--output_dir={folder}", f"--epochs={epochs}")

    def start(self):
        resume = ["--resume"] if (self.run / "flags.txt").exists() else []
        with open(self.log, "w") as output:
            self.process = start(
                *FLAGS, *self.arguments, *resume, cwd=self.log.parent, output=output
            )
        os.sched_setaffinity(self.process.pid, {self.core})

    def kill(self):
        """End it at once; return whether it had ended by itself."""
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait() != -signal.SIGKILL


def epochs_in(seconds, folder, core):
    """Return how many epochs a training gets through, from its first `seconds` after 200 steps."""
    trial = Training(folder, core, epochs=10**6)
    trial.start()
    while newest_step(trial.run) < 200:
        assert trial.process.poll() is None, trial.log.read_text()[-3000:]
        time.sleep(0.5)
    first = newest_step(trial.run)
    time.sleep(seconds)
    trial.kill()
    return (newest_step(trial.run) - first) / IN_EPOCH


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_soak(tmp_path):
    cores = sorted(os.sched_getaffinity(0))
    epochs = EPOCHS or int(MINUTES * epochs_in(60, tmp_path / "trial", cores[0]))
    straight = Training(tmp_path / "straight", cores[0], epochs)
    killed = Training(tmp_path / "killed", cores[-1], epochs)
    draw, begin = random.Random(0), time.monotonic()
    kills, ended, memory, counts = 0, False, [], []
    straight.start()
    try:
        while not ended:
            killed.start()
            kill = time.monotonic() + draw.uniform(LEAST, MOST)
            while killed.process.poll() is None and time.monotonic() < kill:
                if straight.process.poll() is None:
                    memory.append(resident(straight.process.pid))
                time.sleep(0.5)
            ended = killed.kill()
            kills += not ended
            counts.append(len(files_of(killed.run / "checkpoints")))
            assert not ended or killed.process.returncode == 0, killed.log.read_text()[-3000:]
        minutes = (time.monotonic() - begin) / 60
        assert straight.process.wait() == 0, straight.log.read_text()[-3000:]
    finally:
        straight.process.kill()
        killed.process.kill()

    for training in (straight, killed):  # the last start's number of the SavedModel is no matter
        shutil.rmtree(training.run / "export")
    assert_same_run(straight.run, killed.run)
    assert max(counts) <= 7 * 4  # 3 checkpoints, and one that was being written
    part = len(memory) // 4
    early, late = (statistics.median(m) for m in (memory[part : 2 * part], memory[-part:]))
    print(
        f"{kills} kills in {minutes:.0f} minutes, {epochs} epochs of {IN_EPOCH} steps, at most "
        f"{max(counts)} files of checkpoints, memory {early:.0f} MiB early and {late:.0f} MiB late"
    )
    assert kills > 0 and late <= 1.05 * early
