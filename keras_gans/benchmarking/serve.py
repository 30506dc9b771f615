"""A contestant's process: it computes when it is told to, and says how long that took.

It reads a request a line from its standard input and writes an answer a line, both in JSON. This
file imports nothing but the standard library: the environment of PyTorch need not have this
package, nor TensorFlow.

    {"do": "start", "workload": {...}, "device": "cpu"}  ->  {"parameters": [g, d], "build": s,
                                                              "first_step": s, "note": text}
    {"do": "run", "steps": n}                            ->  {"seconds": s, "steps": n, ...}
    {"do": "memory"}                                     ->  {"memory": bytes at the peak}
    anything that fails                                  ->  {"error": text}
"""

import contextlib
import importlib
import importlib.util
import json
import os
import pathlib
import resource
import sys
import time


def serve(make, source, sink):
    """Answer requests until the source ends.

    Args:
        make: function of (workload, device), a dict and a name, to a contestant; that has
            `parameters`, `note`, `first()`, which makes the first step, `run(steps)`, and
            perhaps `memory()` and `first_step`, its seconds where they are known better.
        source: lines of JSON.
        sink: what the answers are written to.
    """
    contestant = None
    for line in source:
        ask = json.loads(line)
        try:
            if ask["do"] == "start":
                contestant, answer = _start(make, ask)
            elif ask["do"] == "run":
                answer = contestant.run(ask["steps"])
            else:
                answer = {"memory": _memory(contestant)}
        except Exception as error:  # whatever it is, who asked must hear of it
            answer = {"error": (f"{type(error).__name__}: {error}").strip()[:2000]}
        sink.write(json.dumps(answer) + "\n")
        sink.flush()


def _start(make, ask):
    started = time.perf_counter()
    contestant = make(ask["workload"], ask["device"])
    built = time.perf_counter()
    contestant.first()
    first_step = time.perf_counter() - built
    return contestant, {
        "parameters": contestant.parameters,
        "build": built - started,
        "first_step": getattr(contestant, "first_step", first_step),
        "note": getattr(contestant, "note", ""),
    }


def _memory(contestant):
    return contestant.memory() if hasattr(contestant, "memory") else resident()


def resident():
    """Return the most memory that this process held, in bytes.

    Where there is /proc, from there: `ru_maxrss` starts with what the parent held.
    """
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _maker(kind):
    """Return what makes contestants of a kind: `torch...` from the file beside, else our own."""
    if kind.startswith("torch"):
        path = pathlib.Path(__file__).with_name("torch_peer.py")
        spec = importlib.util.spec_from_file_location("torch_peer", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.KINDS[kind]
    return importlib.import_module("keras_gans.benchmarking.contestants").make(kind)


if __name__ == "__main__":
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]  # run as a file: what stands beside it is no module of its own
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    serve(_maker(sys.argv[1]), sys.stdin, answers)
