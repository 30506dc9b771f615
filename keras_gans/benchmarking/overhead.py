"""What each of the callbacks of a default run adds to an epoch of `fit`."""

import pathlib
import statistics
import tempfile
import time

import keras

from keras_gans import callbacks
from keras_gans.benchmarking import interleaved, workloads
from keras_gans.benchmarking.workloads import WORKLOADS
from keras_gans.datasets.data import to_float

BASE = WORKLOADS["r1"]
STEPS = 100  # of an epoch; a default run of 2,500 steps has 125


class Epoch:
    """An epoch of `fit` with some callbacks: what they do in it counts, and at its end."""

    def __init__(self, gan, dataset, made):
        self.gan, self.dataset = gan, dataset
        self.started, self.ended = [], []
        now = time.perf_counter
        first = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: self.started.append(now()))
        last = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: self.ended.append(now()))
        self.made = [first, *made, last]

    def run(self, steps):
        """Train; return the seconds of the epoch, and of the end of `fit` after it."""
        self.gan.fit(self.dataset, steps_per_epoch=steps, callbacks=self.made, verbose=0)
        ended = self.ended[-1]
        return ended - self.started[-1], time.perf_counter() - ended


def make(data, directory):
    """Return the callbacks of a default run by name; each of them writes to a folder of its own."""
    directory = pathlib.Path(directory)
    samples = to_float(data.samples[:32])
    return {
        "StabilityMonitor": [callbacks.StabilityMonitor(directory / "monitor", samples=samples)],
        "StopOnDivergence": [callbacks.StopOnDivergence("stop", end_fit=True)],
        "History": [callbacks.History(directory / "history")],
        "SampleGrid": [callbacks.SampleGrid(directory / "samples", reference=None)],
        "Checkpoint": [callbacks.Checkpoint(directory / "checkpoints", 1)],
    }


def measure(rounds, report, workload=BASE, steps=STEPS):
    """Return what each callback adds to an epoch, and how long the end of `fit` takes.

    Epochs with each callback, with all of them and with none take turns. `"all"` is a default run.
    At the end of `fit`, once a run, figures are drawn.

    Args:
        rounds: epochs of each.
        report: called with a line of text after each round.
        workload: a `Workload`.
        steps: of an epoch.

    Returns:
        A dict: `steps`; `seconds`, the spread of an epoch without callbacks; `overhead`, {callback:
        spread of an epoch's seconds with it, over those without any, less 1}; `end`, {callback:
        median of the seconds that the end of `fit` takes}.
    """
    gan = workloads.make_gan(workload)
    data = workloads.make_data(workload)
    dataset = data.batches(workload.batch)
    with tempfile.TemporaryDirectory() as directory:
        alone = make(data, pathlib.Path(directory) / "alone")
        together = make(data, pathlib.Path(directory) / "all")
        chosen = {"none": [], **alone, "all": [one for some in together.values() for one in some]}
        epochs = {name: Epoch(gan, dataset, made) for name, made in chosen.items()}
        for epoch in epochs.values():  # what is traced at the first time is no part of an epoch
            epoch.run(steps)
        turns, ends = {name: [] for name in epochs}, {name: [] for name in epochs}
        for i in range(rounds):
            for name, epoch in epochs.items():
                seconds, end = epoch.run(steps)
                turns[name].append(seconds)
                ends[name].append(end)
            report(f"callbacks: round {i + 1} of {rounds}")
    return {
        "steps": steps,
        "seconds": interleaved.spread(turns["none"]),
        "overhead": {
            name: interleaved.spread(
                [seconds / none - 1 for seconds, none in zip(made, turns["none"], strict=True)]
            )
            for name, made in turns.items()
            if name != "none"
        },
        "end": {name: statistics.median(made) for name, made in ends.items()},
    }
