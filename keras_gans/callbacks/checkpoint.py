"""The whole state of a training, kept so that it can go on."""

import hashlib
import json
import math
import os
import pathlib
import shutil
import warnings

import keras

from keras_gans._version import __version__

STATE, MANIFEST = "state.weights.h5", "manifest.json"


class Checkpoint(keras.callbacks.Callback):
    """Save the model's whole state at the end of every n-th epoch and of the training.

    A checkpoint is a folder named by the number of generator updates. It holds both networks, the
    averaged generator, both optimizers, the random streams and a manifest with the state's
    SHA-256. It is written beside and renamed into place, so a half-written one is never taken for
    a whole one. A state whose logs are not finite is not saved. When `StopOnDivergence` has rolled
    back, checkpoints of later steps than it went back to are replaced.

    Args:
        directory: where the checkpoints go.
        every: epochs between checkpoints; 0 saves at the end of the training only.
        keep: how many to keep, >= 1.

    Example:
        >>> gan.fit(dataset, callbacks=[Checkpoint("checkpoints")])  # doctest: +SKIP
    """

    def __init__(self, directory, every=1, keep=3):
        super().__init__()
        if every < 0 or keep < 1:
            raise ValueError(f"every must be >= 0 and keep >= 1, found {every!r} and {keep!r}")
        self.directory, self.every, self.keep = pathlib.Path(directory), every, keep

    def on_epoch_end(self, epoch, logs=None):
        """Save every n-th epoch."""
        if self.every and (epoch + 1) % self.every == 0:
            self._save(logs)

    def on_train_end(self, logs=None):
        """Save what the training ended with."""
        self._save(logs)

    def _save(self, logs):
        finite = all(math.isfinite(float(value)) for value in (logs or {}).values())
        if not finite or getattr(self.model, "diverged", False):
            return
        abandoned = getattr(self.model, "abandoned_after", None)  # where a rollback went back to
        if abandoned is not None and self.model.step in steps(self.directory):
            shutil.rmtree(self.directory / f"{self.model.step:08d}")
        save(self.model, self.directory)
        if abandoned is not None:
            for old in steps(self.directory):
                if old > abandoned and old != self.model.step:
                    shutil.rmtree(self.directory / f"{old:08d}")
            self.model.abandoned_after = None
        for old in steps(self.directory)[: -self.keep]:
            shutil.rmtree(self.directory / f"{old:08d}")


def save(gan, directory):
    """Write the model's state; return the checkpoint's folder."""
    directory = pathlib.Path(directory)
    path = directory / f"{gan.step:08d}"
    if path.exists():
        return path
    beside = directory / f".{path.name}-{os.getpid()}"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        gan.save_weights(beside / STATE)
        manifest = {
            "step": gan.step,
            "sample_shape": gan.generator.output_shape[1:],
            "sha256": _digest(beside / STATE),
            "keras_gans": __version__,
            "keras": keras.__version__,
        }
        (beside / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        os.replace(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return path


def steps(directory):
    """Return the steps that a folder has checkpoints of, in ascending order."""
    found = pathlib.Path(directory).glob("[0-9]" * 8 + f"/{MANIFEST}")
    return sorted(int(path.parent.name) for path in found)


def restore(gan, directory):
    """Load the newest checkpoint of a folder into a compiled model; return its step.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged or belongs to another architecture.
    """
    path, manifest = newest(directory)
    if _digest(path / STATE) != manifest["sha256"]:
        raise ValueError(
            f"{path / STATE} is damaged: its SHA-256 differs from the manifest's. Remove {path} "
            "to go on from the checkpoint before it."
        )
    try:
        with warnings.catch_warnings():
            # Keras only warns where it leaves an optimizer or a layer as it was.
            warnings.filterwarnings("error", message="Skipping")
            gan.load_weights(path / STATE)
    except (ValueError, KeyError, UserWarning) as error:
        raise ValueError(f"{path} does not fit the model that the flags make: {error}") from error
    return manifest["step"]


def newest(directory):
    """Return (folder, manifest) of the newest checkpoint.

    Raises:
        FileNotFoundError: if there is none.
    """
    known = steps(directory)
    if not known:
        raise FileNotFoundError(f"{directory} has no checkpoint")
    path = pathlib.Path(directory) / f"{known[-1]:08d}"
    return path, json.loads((path / MANIFEST).read_text())


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
