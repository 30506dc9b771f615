"""One run of the benchmark: which contestants meet on which workloads, and the results."""

import contextlib
import dataclasses
import os
import pathlib
import platform
import time

import tensorflow as tf

from keras_gans._version import __version__
from keras_gans.benchmarking import costs, interleaved, overhead, profiles
from keras_gans.benchmarking.peer import Peer, PeerError
from keras_gans.benchmarking.workloads import WORKLOADS


def folder(config):
    """Return where the results are kept."""
    return pathlib.Path(config.output_dir) / config.name


def run(config, start=None, keep=lambda results: None):
    """Measure all that the options ask for; return the results, JSON-ready.

    Args:
        config: a `config.SpeedBenchmark`.
        start: function of (kind, workload) to a contestant; None starts a process for each.
        keep: called with the results so far after each workload, so that none is lost.

    Raises:
        PeerError: if the library's own `fit` cannot be measured.
        ValueError: if there is no such device.
    """
    _check_device(config.device)
    started = time.perf_counter()
    made_on = machine(config.device) | {"precision": config.mixed_precision}
    if config.device == "gpu":
        made_on["tf32"] = config.tf32
    results = {"machine": made_on, "options": config.to_flags(), "workloads": {}}
    given = start or (
        lambda kind, workload: Peer(kind, workload, config.device, _python(kind, config))
    )

    def start(kind, workload):
        options = {"precision": config.mixed_precision, "tf32": config.tf32}
        return given(kind, dataclasses.replace(workload, **options))

    if "contestants" in config.part_names:
        for name in config.workload_names:
            results["workloads"][name] = measure(WORKLOADS[name], config, start)
            keep(results)
    if "profiles" in config.part_names:
        results["profiles"] = profiles.measure(start, config.workload_names, say)
        keep(results)
    if "costs" in config.part_names:
        results["costs"] = costs.measure(start, config.seconds, min(config.rounds, 5), say)
        keep(results)
    if "callbacks" in config.part_names:
        results["callbacks"] = overhead.measure(config.rounds, say)
    results["minutes"] = (time.perf_counter() - started) / 60
    return results


def _check_device(device):
    if device == "gpu" and not tf.config.list_physical_devices("GPU"):
        raise ValueError(
            "--device=gpu: TensorFlow finds no GPU here; on Linux, "
            'pip install -e ".[gpu]" installs what it needs, and nvidia-smi shows the card'
        )
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")


def _python(kind, config):
    return config.torch_python if kind.startswith("torch") else ""


def machine(device):
    """Return what the figures were measured on, a dict of text and numbers."""
    found = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras_gans": __version__,
        "device": device,
    }
    if device == "gpu":
        details = map(
            tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU")
        )
        found["gpus"] = [detail.get("device_name", "?") for detail in details]
    return found


def _processor():
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def measure(workload, config, start):
    """Let the contestants take turns at a workload; return a dict of what each did.

    Raises:
        PeerError: if the library's own `fit` fails.
    """
    peers, contestants = {}, {}
    try:
        for kind in config.contestant_names:
            if kind == "input" and workload.generation:
                continue
            say(f"{workload.name}: {kind} starts")
            try:
                peers[kind] = start(kind, workload)
                contestants[kind] = dict(peers[kind].started)
            except PeerError as error:
                contestants[kind] = _failed(kind, error)
        _check_parameters(contestants, workload)
        turns = interleaved.interleave(
            peers, config.seconds, config.rounds, lambda text: say(f"{workload.name}: {text}")
        )
        for kind, made in turns.items():
            if isinstance(made, Exception):
                contestants[kind] = _failed(kind, made)
                continue
            contestants[kind]["memory"] = peers[kind].close()
            contestants[kind]["step_seconds"] = [turn["seconds"] / turn["steps"] for turn in made]
            contestants[kind]["steps_a_turn"] = made[0]["steps"]
            if kind == "products":
                contestants[kind]["flops"] = made[0]["flops"]
                contestants[kind]["peak"] = {
                    name: [turn["peak"][name] for turn in made] for name in made[0]["peak"]
                }
    finally:
        for peer in peers.values():
            with contextlib.suppress(PeerError, ValueError):
                peer.close()
    return {"images_a_step": workload.images_a_step, "contestants": contestants}


def _failed(kind, error):
    if kind == "fit":
        raise error
    say(f"{error}; it is left out")
    return {"error": str(error)}


def _check_parameters(contestants, workload):
    """Refuse to compare networks of different sizes."""
    counts = {
        kind: tuple(found["parameters"])
        for kind, found in contestants.items()
        if "error" not in found and any(found["parameters"])
    }
    if len(set(counts.values())) > 1:
        raise PeerError(f"{workload.name}: the networks differ in their parameters: {counts}")


def say(text):
    """Print a line of progress."""
    print(text, flush=True)
