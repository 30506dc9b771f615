"""Methods x problems x seeds: run on all cores, resumable, one file a run."""

import collections
import contextlib
import dataclasses
import json
import multiprocessing
import os
import pathlib
import signal
import time
from multiprocessing import connection

import tensorflow as tf

from keras_gans.config import Benchmark
from keras_gans.stability import cell as cells
from keras_gans.stability import strengths
from keras_gans.stability.methods import METHODS

ATTEMPTS = 2  # at a run whose process was killed
# What another call may change; all else would make its runs others.
FREE = ("name", "output_dir", "methods", "problems", "seeds", "workers", "smoke", "strengths")


def folder(config):
    """Return where a benchmark is kept."""
    return pathlib.Path(config.output_dir) / config.name


def wanted(config):
    """Return the (method, problem, seed) of all runs, seed by seed; `"dirac"` is a problem too.

    Example:
        >>> from keras_gans.config import Benchmark
        >>> wanted(Benchmark(methods="r1", problems="ring", seeds=2))
        [('r1', 'ring', 0), ('r1', 'ring', 1), ('r1', 'dirac', 0)]
    """
    methods, keys = config.method_names, []
    for seed in range(config.seeds):
        keys += [(method, problem, seed) for problem in config.problem_names for method in methods]
    return [*keys, *((method, "dirac", 0) for method in methods), *strengths.keys(config)]


def settings(key, config):
    """Return all that a run depends on, JSON-ready: what a resumed benchmark may not change."""
    if "@" in key[0]:
        return strengths.settings(key)
    options = {} if key[1] == "dirac" else dataclasses.asdict(config)
    return {name: value for name, value in options.items() if name not in FREE} | {
        "method": METHODS[key[0]].settings()
    }


def load(config):
    """Return the runs that are done, {(method, problem, seed): dict}.

    Raises:
        ValueError: if one was made with other settings, or is damaged.
    """
    found = {}
    for key in wanted(config):
        path = _path(key, config)
        if path.exists():
            try:
                found[key] = json.loads(path.read_text())
                _check(path, found[key]["settings"], settings(key, config))
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise ValueError(f"{path} is damaged ({error!r}); delete it") from error
    return found


def run(config):
    """Run what is missing, with a line for each run that ends; return the names of what failed.

    A run is one file in `cells/`, written when it is whole, so that a benchmark that was stopped
    goes on with the others. A run that becomes NaN is a result. One whose process is killed is
    tried once more and then left out.

    Args:
        config: a `config.Benchmark`.

    Raises:
        ValueError: if the folder holds runs with other settings.
    """
    keys, done = wanted(config), load(config)
    missing = [key for key in keys if key not in done]
    (folder(config) / "cells").mkdir(parents=True, exist_ok=True)
    workers = min(config.workers or os.cpu_count() or 1, max(1, len(missing)))
    print(
        f"{folder(config)}: {len(keys)} runs, {len(done)} done before; {workers} at a time",
        flush=True,
    )
    progress = _Progress(len(keys), len(done))
    if workers == 1:
        for key in missing:
            progress.report(key, _run_cell(key, config))
        return []
    return _Pool(config, workers, progress).run(missing)


def _run_cell(key, config):
    """Make a run and its file; return the run."""
    method, problem, seed = key
    if "@" in method:
        made = strengths.strength_cell(method, problem, seed)
    elif problem == "dirac":
        made = cells.dirac_cell(method)
    else:
        made = cells.train_cell(method, problem, seed, config)
    made |= {"method": method, "problem": problem, "seed": seed}
    made["settings"] = settings(key, config)
    path = _path(key, config)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(made))
    os.replace(part, path)
    return made


def _path(key, config):
    return folder(config) / "cells" / f"{_name(key)}.json"


def _name(key):
    return "-".join(map(str, key))


def _check(path, found, expected):
    """Refuse a run that was made with other settings."""
    expected = json.loads(json.dumps(expected))  # as a file would have them
    changed = [
        f"{name}={expected.get(name)} (the run has {found.get(name)})"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    if changed:
        raise ValueError(
            f"{path} was made with other settings: --{', --'.join(changed)}; take another --name, "
            "or delete the folder"
        )


class _Progress:
    """A line for each run: how many are done, what it showed, and how long the rest will take."""

    def __init__(self, total, done):
        self.total, self.done, self.first = total, done, done
        self.started = time.perf_counter()

    def report(self, key, made):
        self.done += 1
        passed = time.perf_counter() - self.started
        left = passed / (self.done - self.first) * (self.total - self.done)
        print(
            f"[{self.done}/{self.total}] {_name(key)}: {_told(made)}; "
            f"{passed / 60:.1f} min passed, about {left / 60:.1f} left",
            flush=True,
        )


def _told(made):
    if made["problem"] == "dirac":
        return made["verdict"]
    if "score" in made:
        return f"score {made['score']:.3f}, {made['seconds']:.0f} s"
    if made["diverged"] is not None:
        return f"diverged by step {made['diverged']:,}"
    last = {name: values[-1] for name, values in made["curves"].items()}
    return (
        f"{last['modes']} of {made['total_modes']} modes, {last['high_quality']:.0%} high quality, "
        f"{made['seconds']:.0f} s"
    )


class _Pool:
    """Processes that make runs, each with TensorFlow imported once; a killed one is replaced."""

    def __init__(self, config, workers, progress):
        self.workers, self.progress = workers, progress
        # Scripts load the table of options by itself: its class may not be the package's.
        self.options = dataclasses.asdict(config)
        self.context = multiprocessing.get_context("spawn")
        self.busy = {}  # connection: (process, key)

    def run(self, keys):
        """Make the runs; return the names of those that could not be made."""
        waiting, attempts, failed = collections.deque(keys), collections.Counter(), []
        try:
            while waiting or self.busy:
                while waiting and len(self.busy) < self.workers:
                    self._start(waiting.popleft())
                for pipe in connection.wait(list(self.busy)):
                    process, key = self.busy.pop(pipe)
                    try:
                        made, error = pipe.recv()
                    except (EOFError, OSError):  # the process is gone
                        process.join()
                        attempts[key] += 1
                        again = attempts[key] < ATTEMPTS
                        print(
                            f"{_name(key)}: its process ended with {process.exitcode}; "
                            f"{'it is tried again' if again else 'it is left out'}",
                            flush=True,
                        )
                        (waiting if again else failed).append(key)
                        continue
                    if error:
                        print(f"{_name(key)}: {error}; it is left out", flush=True)
                        failed.append(key)
                    else:
                        self.progress.report(key, made)
                    self._give(pipe, process, waiting.popleft() if waiting else None)
        finally:
            for process, _ in self.busy.values():
                process.terminate()
        return [_name(key) for key in failed]

    def _start(self, key):
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(theirs, self.options), daemon=True)
        process.start()
        theirs.close()  # so that its end is seen when the process ends
        self._give(ours, process, key)

    def _give(self, pipe, process, key):
        """Let a process make a run; None ends it."""
        with contextlib.suppress(OSError):  # it ended in between; `run` will find it so
            pipe.send(key)
        if key is not None:
            self.busy[pipe] = process, key


def _serve(pipe, options):
    """Make the runs that come through a pipe, until None comes or the pipe is closed."""
    config = Benchmark(**options)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    tf.get_logger().setLevel("ERROR")  # each run traces functions of its own, which it warns of
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    while True:
        try:
            key = pipe.recv()
            if key is None:
                return
            try:
                made = _run_cell(key, config)
                pipe.send(({k: made[k] for k in made if k not in ("samples", "real")}, None))
            except (ValueError, OSError, ArithmeticError, tf.errors.OpError) as error:
                pipe.send((None, f"{type(error).__name__}: {error}"))
        except (EOFError, BrokenPipeError):  # the parent is gone
            return
