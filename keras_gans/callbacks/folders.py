"""Folders of checkpoints: each named by its step, whole or not there, whatever ends the process."""

import contextlib
import json
import os
import pathlib
import shutil

from keras_gans import files
from keras_gans.callbacks.manifest import MANIFEST, DamagedError, read

# What is being written, what it takes the place of, and what is being removed.
PART, OLD, GONE = ".part", ".old", ".gone"


def folder(directory, step):
    """Return where the checkpoint of a step is."""
    return pathlib.Path(directory) / f"{step:08d}"


def steps(directory):
    """Return the steps that a folder has checkpoints of, whole or not, in ascending order."""
    directory = pathlib.Path(directory)
    names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    return sorted(int(name) for name in names if name.isdecimal() and len(name) >= 8)


def newest(directory):
    """Return (folder, manifest) of the newest checkpoint that is whole.

    Each damaged one on the way is named, with what is wrong with it.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if all are damaged.
    """
    known = steps(directory)
    if not known:
        raise FileNotFoundError(f"{directory} has no checkpoint")
    found = {}
    for step in reversed(known):
        path = folder(directory, step)
        try:
            return path, read(path)
        except DamagedError as error:
            found[path.name] = error
            print(f"{path} is passed over: {error}", flush=True)
    each = "; ".join(f"{name}: {error}" for name, error in found.items())
    raise ValueError(f"{directory} has no checkpoint that is whole: {each}")


@contextlib.contextmanager
def writing(directory, step):
    """Give an empty folder; at the end of the block it is the checkpoint of a step.

    If the block fails, it is removed. One of the same step that is there already stays until the
    new one is whole.
    """
    directory = pathlib.Path(directory)
    mend(directory)
    try:
        files.make_folder(directory / PART)
        yield directory / PART
        path = folder(directory, step)
        if path.exists():
            os.replace(path, directory / OLD)
        os.replace(directory / PART, path)
        files.sync(directory)
    finally:
        mend(directory)


def mend(directory):
    """Clear up after a process that was killed, or a save that failed.

    A checkpoint whose place was not taken in the end goes back there; what was half written or
    half removed goes.
    """
    directory = pathlib.Path(directory)
    old = directory / OLD
    with contextlib.suppress(OSError, ValueError, KeyError):
        path = folder(directory, json.loads((old / MANIFEST).read_text())["step"])
        if not path.exists():
            os.replace(old, path)
    for rest in (directory / PART, old, directory / GONE):
        shutil.rmtree(rest, ignore_errors=True)


def discard(directory, step):
    """Remove a checkpoint, in a way that none is ever half there."""
    gone = pathlib.Path(directory) / GONE
    shutil.rmtree(gone, ignore_errors=True)
    os.replace(folder(directory, step), gone)
    shutil.rmtree(gone)


def set_aside(directory, after):
    """Rename the checkpoints of later steps, which are damaged, so that none is taken for whole."""
    for step in steps(directory):
        if step > after:
            path = folder(directory, step)
            shutil.rmtree(path.with_suffix(".damaged"), ignore_errors=True)
            os.replace(path, path.with_suffix(".damaged"))
