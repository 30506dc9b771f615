"""Measure one worker and two on this machine, and the link between them."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile

from keras_gans.benchmarking.scale_worker import MARK

WORKLOADS = {
    "MLP WGAN-GP": {
        **{"network": "mlp", "shape": [784], "latent_dim": 100, "width": 256, "batch": 64},
        **{"discriminator_steps": 5, "steps_per_execution": 10},
    },
    "DCGAN WGAN-GP": {
        **{"network": "dcgan", "shape": [28, 28, 1], "latent_dim": 128, "width": 32, "batch": 64},
        **{"discriminator_steps": 5, "steps_per_execution": 1},
    },
}
SIZES = (4, 65_536, 262_144, 1_048_576, 4_194_304)  # bytes of the tensors that are summed


def measure(workers=2, workloads=None, seconds=6.0, say=print):
    """Return what was measured here, JSON-ready: {"link": ..., "workloads": {name: ...}}.

    Each worker is a process on a core of its own. Timed are, for each workload, one process without
    a strategy and with one; as many processes as there are workers, that do not know of each other;
    and these as one job, at the batch of one worker each (weak scaling) and at its part of it
    (strong scaling).

    Args:
        workers: how many processes, at most as many as there are cores; 1 leaves the jobs out.
        workloads: {name: settings} as in `WORKLOADS`; None takes these.
        seconds: how long each step is timed.
        say: what is called with a line of text before each part.

    Raises:
        ValueError: if there are fewer cores than workers.
        RuntimeError: if a process fails; it has the end of what that said.
    """
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= workers <= len(cores):
        raise ValueError(f"workers must lie in [1, {len(cores)}], the cores here, found {workers}")
    found = {"workers": workers, "link": {}, "workloads": {}}
    for name, settings in (workloads or WORKLOADS).items():
        task = {**settings, "seconds": seconds}
        batch = settings["batch"]
        part = batch // workers
        made = {}

        def run(title, clusters, batches, task=task, name=name, **more):
            say(f"{name}: {title}")
            tasks = [{**task, "core": cores[i], "batches": batches, **more} for i in range(workers)]
            return _run(tasks[: sum(map(len, clusters))], clusters)

        made["plain"] = run("one process, no strategy", [[None]], [batch])[0]["steps"]
        batches = sorted({max(4, batch // 4), max(4, batch // 2), batch, part})
        made["alone"] = run("one worker alone", [[0]], batches)[0]["steps"]
        if workers > 1:
            apart = run("workers that are strangers", [[i] for i in range(workers)], [batch, part])
            made["strangers"] = _slowest([one["steps"] for one in apart])
            sizes = [] if found["link"] else SIZES
            job = run("workers of one job", [list(range(workers))], [batch, part], sizes=sizes)
            made["job"] = _slowest([one["steps"] for one in job])
            found["link"] = found["link"] or job[0]["link"]
        found["workloads"][name] = {**settings, **made}
    return found


def _slowest(of_workers):
    """Return the steps of the slower worker at each batch: a step ends when all have ended it."""
    return {
        batch: max((steps[batch] for steps in of_workers), key=lambda found: found["seconds"])
        for batch in of_workers[0]
    }


def _run(tasks, clusters):
    """Run a process for each task; `clusters` says who belongs together, None alone and without."""
    processes = []
    with contextlib.ExitStack() as held:
        for cluster in clusters:
            addresses = [f"127.0.0.1:{port}" for port in _free_ports(len(cluster))]
            for index, member in enumerate(cluster):
                environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}
                environment.pop("TF_CONFIG", None)
                if member is not None:
                    place = {"type": "worker", "index": index}
                    config = {"cluster": {"worker": addresses}, "task": place}
                    environment["TF_CONFIG"] = json.dumps(config)
                command = [sys.executable, "-m", "keras_gans.benchmarking.scale_worker"]
                command.append(json.dumps(tasks[len(processes)]))
                said = held.enter_context(tempfile.TemporaryFile("w+"))
                outputs = {"stdout": said, "stderr": subprocess.STDOUT}
                process = subprocess.Popen(command, env=environment, **outputs)
                held.callback(_end, process)
                processes.append((process, said))
        return [_result(process, said) for process, said in processes]


def _end(process):
    if process.poll() is None:
        process.kill()
        process.wait()


def _result(process, said):
    """Wait for a worker; return what it measured."""
    status = process.wait(timeout=900)
    said.seek(0)
    text = said.read()
    lines = [line for line in text.splitlines() if line.startswith(MARK)]
    if status or not lines:
        raise RuntimeError(f"a worker ended with {status}: {text[-2000:]}")
    return json.loads(lines[-1].removeprefix(MARK))


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
