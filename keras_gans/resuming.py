"""A run's folder when a training of its name begins: gone on with, or moved aside."""

import dataclasses
import os
import pathlib

from keras_gans import lock
from keras_gans.callbacks import checkpoint, folders, manifest
from keras_gans.config import Config

# What a resumed run may change; all else would make it another run.
_FREE = {
    *("name", "output_dir", "data_dir", "epochs", "steps", "resume", "sample_every"),
    *("checkpoint_every", "checkpoint_steps", "checkpoint_minutes", "keep"),
    *("jit_compile", "tf32", "steps_per_execution", "monitor_every", "strategy", "replicas"),
    *("evaluate_every", "evaluate_metrics", "evaluate_samples", "evaluate_extractor"),
    *("best_metric", "profile"),
}


def load_config(run):
    """Return the `Config` that a run was made with.

    Raises:
        FileNotFoundError: if the folder holds no run.
        ValueError: if its flags cannot be read.
    """
    flags = pathlib.Path(run) / "flags.txt"
    if not flags.exists():
        raise FileNotFoundError(f"{run} holds no run: it has no flags.txt")
    try:
        return Config.from_flags(flags.read_text())
    except ValueError as error:
        raise ValueError(f"{flags} cannot be read: {error}") from error


def check_flags(config, run):
    """Refuse flags that contradict the run's own."""
    if not (run / "flags.txt").exists():
        raise FileNotFoundError(f"--resume: {run} holds no run; start it without --resume")
    before = load_config(run)
    changed = [
        f"--{field.name}={getattr(config, field.name)} (the run has {getattr(before, field.name)})"
        for field in dataclasses.fields(Config)
        if field.name not in _FREE and getattr(config, field.name) != getattr(before, field.name)
    ]
    if changed:
        raise ValueError(f"--resume: {run} was started with other flags: {', '.join(changed)}")


def take_up(gan, data, run, made, worker=0):
    """Bring model and callbacks to the newest whole checkpoint; return its step."""
    folder = run / "checkpoints"
    if not worker:
        folders.mend(folder)
    if not folders.steps(folder):
        print(f"{run} ended before its first checkpoint: it starts again", flush=True)
        for shown in () if worker else (run / "logs").glob("events.out.tfevents.*"):
            shown.unlink()
        return 0
    path, about = folders.newest(folder)
    digest = about["flags"].get("data_digest", data.digest)
    if digest != data.digest:
        raise ValueError(
            f"--resume: {run} was trained on other samples: --dataset={data.name} has the SHA-256 "
            f"{data.digest}, the run's had {digest}"
        )
    now = manifest.versions()
    if others := {name: of for name, of in about["versions"].items() if of != now.get(name)}:
        told = ", ".join(f"{name} {of} (now {now.get(name)})" for name, of in others.items())
        print(f"{run} was made by {told}: its numbers may go on differently", flush=True)
    step = checkpoint.load(gan, path, about, made.values())
    if not worker:
        folders.set_aside(folder, after=step)
    return step


def keep_earlier(run, ours, held):
    """Move a run that is there out of the way; tell whether its folder, empty, stays ours.

    It may have come while the data were loaded, and be of another process, which then holds it.
    """
    if not run.exists():
        return False
    if not ours:
        held.enter_context(lock.hold(run))
    if {path.name for path in run.iterdir()} <= {lock.NAME}:
        return True
    number = 1
    while (kept := run.with_name(f"{run.name}-{number}")).exists():
        number += 1
    os.replace(run, kept)
    (kept / lock.NAME).unlink(missing_ok=True)
    print(f"{run} was there already; it is kept as {kept}")
    return False
