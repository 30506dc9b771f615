"""What each of the callbacks of a default run adds to an epoch of `fit`."""

import pathlib
import tempfile
import time

from keras_gans import callbacks
from keras_gans.benchmarking import interleaved, workloads
from keras_gans.benchmarking.workloads import WORKLOADS
from keras_gans.datasets.data import to_float

BASE = WORKLOADS["r1"]
STEPS = 100  # of an epoch; a default run of 2,500 steps has 125


class Epoch:
    """A contestant whose step is one step of an epoch of `fit` with some callbacks, its end too."""

    def __init__(self, gan, dataset, made):
        self.gan, self.dataset, self.made = gan, dataset, made

    def run(self, steps):
        """Train an epoch of so many steps; return how long the whole call of `fit` took."""
        started = time.perf_counter()
        self.gan.fit(self.dataset, steps_per_epoch=steps, callbacks=self.made, verbose=0)
        return {"seconds": time.perf_counter() - started, "steps": steps}


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
    """Return {callback: spread of an epoch's seconds with it, over those without any, less 1}.

    Epochs with each callback, with all of them and with none take turns. `"all"` is a default run.

    Args:
        rounds: epochs of each.
        report: called with a line of text after each round.
        workload: a `Workload`.
        steps: of an epoch.
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
        turns = {name: [] for name in epochs}
        for i in range(rounds):
            for name, epoch in epochs.items():
                turns[name].append(epoch.run(steps)["seconds"])
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
    }
