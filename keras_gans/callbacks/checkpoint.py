"""The whole state of a training, kept so that it can go on."""

import math
import pathlib
import time
import warnings

import keras
import tensorflow as tf

from keras_gans import files
from keras_gans.callbacks import callback_states, folders
from keras_gans.callbacks.folders import newest
from keras_gans.callbacks.folders import steps as steps
from keras_gans.callbacks.manifest import seal

STATE = "state.weights.h5"


class Checkpoint(keras.callbacks.Callback):
    """Save the whole state of a training: at the end of epochs, of the training, and in between.

    A checkpoint is a folder named by the number of generator updates. It holds both networks, the
    averaged generator, both optimizers, the random streams, what the other callbacks know, the
    means of the epoch so far, and a manifest: the SHA-256 of each file, flags and versions. It
    holds numbers only, no code. It is written beside, waited for until the disk has it, and
    renamed into place, so that a half-written one is never taken for a whole one. `restore` brings
    all of it back; `fit` then goes on bit for bit. A state with values that are not finite is not
    saved. When `StopOnDivergence` has rolled back, checkpoints of later steps than it went back to
    are replaced.

    Put it after the callbacks whose state it keeps.

    Args:
        directory: where the checkpoints go.
        every: epochs between checkpoints, >= 0; 0 saves at no epoch's end but the last.
        keep: how many of the last ones to keep, >= 1.
        every_steps: generator updates between checkpoints, >= 0; 0 does not count them.
        every_minutes: time between checkpoints, >= 0; 0 does not look at the clock.
        callbacks: those whose state is kept: all that have `state()`, which returns a dict of
            JSON-ready values and lists of NumPy arrays, and `load_state(state)`.
        flags: what the run was started with, a JSON-ready dict for the manifest.

    Raises:
        ValueError: if a number is out of its range.

    Example:
        >>> gan.fit(dataset, callbacks=[Checkpoint("checkpoints")])  # doctest: +SKIP
    """

    def __init__(
        self,
        directory,
        every=1,
        keep=3,
        every_steps=0,
        every_minutes=0.0,
        callbacks=(),
        flags=None,
    ):
        super().__init__()
        if every < 0 or keep < 1:
            raise ValueError(f"every must be >= 0 and keep >= 1, found {every!r} and {keep!r}")
        if every_steps < 0 or every_minutes < 0:
            raise ValueError(
                f"every_steps and every_minutes must be >= 0, found {every_steps!r} and "
                f"{every_minutes!r}"
            )
        self.directory, self.every, self.keep = pathlib.Path(directory), every, keep
        self.every_steps, self.seconds = every_steps, 60.0 * every_minutes
        self.callbacks, self.flags = [*callbacks, self], flags
        self._epoch, self._step, self._saved_at = 0, 0, 0.0
        self._due, self._logs, self._within, self._means = False, None, False, None
        self._saved = None

    def state(self):
        """Return what is kept of its own: the sums behind an unfinished epoch's means."""
        sums = [variable.numpy().tolist() for variable in self._sums()]
        return {"epoch": self._epoch, "sums": sums if self._within else None}

    def _sums(self):
        """Return the variables behind the means, on each replica its own."""
        kept = [variable for mean in self.model._means for variable in mean.variables]
        local = self.model.distribute_strategy.experimental_local_results
        return [part for variable in kept for part in local(variable.value)]

    def load_state(self, state):
        """Take up what a checkpoint kept."""
        self._means = state

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self._due, self._step, self._saved_at = False, self.model.step, time.monotonic()
        self._saved = None

    def on_epoch_begin(self, epoch, logs=None):
        """Go on with the means of an epoch that was left unfinished."""
        kept, self._means, self._epoch = self._means, None, epoch
        if kept is not None and kept["sums"] and kept["epoch"] == epoch:
            for variable, value in zip(self._sums(), kept["sums"], strict=True):
                variable.assign(value)

    def on_train_batch_begin(self, batch, logs=None):
        """Save if it is time to: another step follows, so the epoch is not over."""
        if self._due:
            self._save(self._logs, within=True)

    def on_train_batch_end(self, batch, logs=None):
        """Look whether it is time to save."""
        step, self._logs = self.model.step, logs
        if self.every_steps and step // self.every_steps != self._step // self.every_steps:
            self._due = True
        if self.seconds and time.monotonic() - self._saved_at >= self.seconds:
            self._due = True
        self._step = step

    def on_epoch_end(self, epoch, logs=None):
        """Save every n-th epoch, and one that is interrupted."""
        ends = self.model.stop_training or (self.every and (epoch + 1) % self.every == 0)
        if self.model.interrupted:
            self._save(logs, within=True)
        elif self._due or ends:
            self._save(logs)

    def on_train_end(self, logs=None):
        """Save what the training ended with, what other callbacks did at its end included."""
        if not self.model.interrupted:
            self._saved = None
            self._save(logs)

    def _save(self, logs, within=False):
        abandoned = getattr(self.model, "abandoned_after", None)  # where a rollback went back to
        now, self._due, self._saved_at = self.model.step, False, time.monotonic()
        if now == self._saved and abandoned is None:
            return
        if getattr(self.model, "diverged", False) or not _finite(self.model, logs):
            return
        self._within = within
        save(self.model, self.directory, self.callbacks, self.flags)
        self._saved, self.model.abandoned_after = now, None
        known = steps(self.directory)
        old = {*[step for step in known if step <= now][: -self.keep]}
        if abandoned is not None:
            old |= {step for step in known if step > abandoned and step != now}
        for step in old:
            folders.discard(self.directory, step)


def save(gan, directory, callbacks=(), flags=None):
    """Write the model's state; return the checkpoint's folder. One of the same step is replaced.

    Args:
        gan: a compiled model.
        directory: where the checkpoints are.
        callbacks: those whose `state()` goes along.
        flags: what the run was started with, a JSON-ready dict for the manifest.

    Raises:
        OSError: if it cannot be written; those that are there stay as they are.
    """
    with folders.writing(directory, gan.step) as beside:
        # HDF5 may end the process by a segmentation fault when the disk fills up under it.
        known = gan.training_variables()
        sizes = [math.prod(v.shape) * tf.as_dtype(v.dtype).size + 4096 for v in known]
        files.check_space(beside, sum(sizes) + 65536)
        gan.save_weights(beside / STATE)
        callback_states.save(beside, callbacks)
        about = {
            "step": gan.step,
            "sample_shape": gan.generator.output_shape[1:],
            "sha256": files.digest(beside / STATE),
            "structure": gan.structure(),
            "variables": _kinds(known),
            "flags": flags or {},
        }
        for written in beside.iterdir():
            files.sync(written)
        seal(beside, about)
    return folders.folder(directory, gan.step)


def restore(gan, directory, callbacks=()):
    """Load the newest whole checkpoint of a folder into a compiled model; return its step.

    Args:
        gan: the model, made and compiled as the one that was saved.
        directory: where the checkpoints are.
        callbacks: those that take up what was kept of them, a `Checkpoint` among them.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if all are damaged, or they belong to another architecture.
    """
    return load(gan, *newest(directory), callbacks)


def load(gan, path, manifest, callbacks=()):
    """Load a checkpoint, as `newest` returns one, into a compiled model; return its step.

    Args:
        gan: the model, made and compiled as the one that was saved.
        path: the checkpoint's folder.
        manifest: its manifest.
        callbacks: those that take up what was kept of them.

    Raises:
        ValueError: if it belongs to another architecture.
    """
    try:
        with warnings.catch_warnings():
            # Keras only warns where it leaves an optimizer or a layer as it was.
            warnings.filterwarnings("error", message="Skipping")
            gan.restructure(manifest["structure"])
            _check_kinds(manifest.get("variables"), _kinds(gan.training_variables()))
            gan.load_weights(path / STATE)
    except (ValueError, KeyError, UserWarning) as error:
        raise ValueError(f"{path} does not fit the model that the flags make: {error}") from error
    callback_states.load(path, gan, callbacks)
    return manifest["step"]


def _kinds(variables):
    """Return dtype and shape of each variable, as texts."""
    return [f"{tf.as_dtype(v.dtype).name}{list(v.shape)}" for v in variables]


def _check_kinds(kept, known):
    """Refuse a state that has more or other variables: Keras passes over some in silence."""
    if kept is None or kept == known:
        return
    if len(kept) != len(known):
        raise ValueError(f"it has {len(kept)} variables, expected {len(known)}")
    found, expected = next(pair for pair in zip(kept, known, strict=True) if len({*pair}) > 1)
    raise ValueError(f"it has a variable {found}, expected {expected}")


def _finite(gan, logs):
    """Tell whether neither logs nor weights have a value that is no number."""
    weights = [*gan.generator_variables, *gan.discriminator_variables]
    return all(math.isfinite(float(value)) for value in (logs or {}).values()) and all(
        tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(weight))) for weight in weights
    )
