"""The other end of a contestant's process: start it, ask, get answers."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

from keras_gans.benchmarking import serve


class Peer:
    """A process that computes a workload when asked, and else is idle.

    Args:
        kind: `"fit"`, `"bare"`, ...; those that start with `"torch"` run in another Python.
        workload: a `Workload`.
        device: "cpu" or "gpu".
        python: the Python to run it with; this one if empty.
        command: what to run in its place, a list.

    Raises:
        PeerError: if it cannot be started; and by `run` and `close`, if it fails or dies.

    Example:
        >>> peer = Peer("fit", WORKLOADS["mlp"])  # doctest: +SKIP
        >>> peer.run(100)["seconds"]  # doctest: +SKIP
        1.03
    """

    def __init__(self, kind, workload, device="cpu", python="", command=None):
        self.kind = kind
        python, file = python or sys.executable, str(pathlib.Path(serve.__file__).resolve())
        module = ["-m", "keras_gans.benchmarking.serve"]
        if command is None:
            command = [python, *([file] if kind.startswith("torch") else module), kind]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
        environment |= {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}  # they share the card
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
        except OSError as error:
            raise PeerError(f"{kind}: {error}") from error
        start = {"do": "start", "workload": dataclasses.asdict(workload), "device": device}
        try:
            self.started = self._ask(start)
        except PeerError:
            self._end()
            raise

    def run(self, steps):
        """Make so many steps; return the answer, a dict with `seconds` and `steps`."""
        return self._ask({"do": "run", "steps": steps})

    def close(self):
        """End the process; return the most memory that it held, in bytes."""
        try:
            return self._ask({"do": "memory"})["memory"]
        finally:
            self._end()

    def _ask(self, request):
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            self._process.kill()
            raise PeerError(f"{self.kind}: its process ended with {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{self.kind}: {answer['error']}")
        return answer

    def _end(self):
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class PeerError(RuntimeError):
    """A contestant cannot do what it was asked."""
