"""What TensorBoard shows, in one file for each callback however often a run is resumed."""

import importlib.util
import pathlib

import tensorflow as tf


class Board:
    """Writes scalars and images where TensorBoard looks; nothing if it is not installed.

    Args:
        log_dir: the folder, or None for nothing.
        kind: which callback writes; it is the end of the file's name.
    """

    def __init__(self, log_dir, kind):
        shown = log_dir is not None and importlib.util.find_spec("tensorboard")
        self._folder = pathlib.Path(log_dir) if shown else None
        self._kind, self._writer = f".{kind}", None

    def begin(self, again=False):
        """Start a file, if none is; tell whether it was started.

        Args:
            again: whether the caller will write again what there was before. The files of earlier
                processes then go: no value is there twice, and a run that is killed often does not
                leave a file each time.
        """
        if self._folder is None or self._writer is not None:
            return False
        if again:
            for earlier in self._folder.glob(f"events.out.tfevents.*{self._kind}"):
                earlier.unlink()
        self._writer = tf.summary.create_file_writer(str(self._folder), filename_suffix=self._kind)
        return True

    def scalar(self, name, value, step):
        """Write a number."""
        if self._writer is not None:
            with self._writer.as_default():
                tf.summary.scalar(name, value, step=step)

    def image(self, name, pixels, step):
        """Write a uint8 image [H, W, C]."""
        if self._writer is not None:
            with self._writer.as_default():
                tf.summary.image(name, pixels[None], step=step)
