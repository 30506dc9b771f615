"""Several workers on this machine: each a process, together a cluster."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

TRAIN = pathlib.Path(__file__).parents[1] / "scripts" / "train.py"


def free_ports(count):
    """Return ports of 127.0.0.1 that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(command, folder, count=2):
    """Start a Python command line as each of the workers; return the processes.

    What worker i says goes to the file `folder/worker<i>.txt`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    workers = []
    for index in range(count):
        task = {"type": "worker", "index": index}
        environment = os.environ | {
            "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task}),
            "CUDA_VISIBLE_DEVICES": "-1",
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        with open(folder / f"worker{index}.txt", "w") as output:
            workers.append(
                subprocess.Popen(
                    [sys.executable, *map(str, command)],
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                )
            )
    return workers


def said(folder, index):
    """Return what a worker said so far."""
    return (folder / f"worker{index}.txt").read_text()


def wait(workers, seconds=120):
    """Return the exit statuses; end those that take longer, whose status is then -9."""
    end = time.monotonic() + seconds
    for process in workers:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return [process.returncode for process in workers]


def wait_until(condition, seconds=120):
    """Wait until a condition holds; return how long that took, or fail."""
    began = time.monotonic()
    while not condition():
        took = time.monotonic() - began
        assert took < seconds, f"not within {seconds} s"
        time.sleep(0.2)
    return time.monotonic() - began
