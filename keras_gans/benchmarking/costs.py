"""What a step of `fit` costs as batch, width and resolution grow."""

import dataclasses
import statistics

from keras_gans.benchmarking import interleaved
from keras_gans.benchmarking.workloads import WORKLOADS

BASE = WORKLOADS["dcgan32"]
AXES = {"batch": (16, 32, 64, 128), "width": (16, 32, 64), "resolution": (16, 32, 64)}


def variant(axis, size, base=BASE):
    """Return a workload that differs from another in one size.

    Example:
        >>> variant("resolution", 64).shape
        (64, 64, 1)
    """
    changes = {"shape": (size, size, base.shape[-1])} if axis == "resolution" else {axis: size}
    return dataclasses.replace(base, name=f"{axis}={size}", **changes)


def measure(start, seconds, rounds, report, axes=AXES):
    """Return {axis: sizes, median seconds of a step, and the exponent p of seconds = c size^p}.

    Args:
        start: function of (kind, workload) to a contestant.
        seconds: how long a turn lasts, about.
        rounds: turns of each size.
        report: called with a line of text as it goes on.
        axes: {"batch", "width" or "resolution": sizes}.
    """
    found = {}
    for axis, sizes in axes.items():
        peers = {}
        try:
            for size in sizes:
                report(f"cost: {axis} {size} starts")
                peers[size] = start("fit", variant(axis, size))
            turns = interleaved.interleave(
                peers, seconds, rounds, lambda text, axis=axis: report(f"cost: {axis}, {text}")
            )
        finally:
            for peer in peers.values():
                peer.close()
        medians = []
        for made in turns.values():
            if isinstance(made, Exception):
                raise made
            medians.append(statistics.median(turn["seconds"] / turn["steps"] for turn in made))
        found[axis] = {
            "sizes": list(sizes),
            "step_seconds": medians,
            "exponent": interleaved.exponent(sizes, medians),
        }
    return found
