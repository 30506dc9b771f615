"""A trace of some steps, for TensorBoard's profiler."""

import keras
import tensorflow as tf


class Trace(keras.callbacks.Callback):
    """Record what the machine does during some calls of the train function.

    It starts after the first two calls of a process, which compile, and ends after `calls` more, or
    with the training. TensorBoard with `tensorboard-plugin-profile` shows what it leaves in
    `plugins/profile/`; the `.trace.json.gz` there also opens in Perfetto (ui.perfetto.dev).

    Args:
        log_dir: where TensorBoard looks.
        calls: how many calls, >= 1; each is `steps_per_execution` steps.

    Raises:
        ValueError: if `calls` is less than 1.

    Example:
        >>> gan.fit(dataset, callbacks=[Trace("logs", calls=5)])  # doctest: +SKIP
    """

    BEFORE = 2  # calls of a process, which compile

    def __init__(self, log_dir, calls=5):
        super().__init__()
        if calls < 1:
            raise ValueError(f"calls must be >= 1, found {calls!r}")
        self.log_dir, self.calls = str(log_dir), calls
        self._made, self._running = 0, False

    def on_train_batch_begin(self, batch, logs=None):
        """Start, when it is time."""
        if self._made == self.BEFORE:
            tf.profiler.experimental.start(self.log_dir)
            self._running = True

    def on_train_batch_end(self, batch, logs=None):
        """Count the calls, and end."""
        self._made += 1
        if self._made == self.BEFORE + self.calls:
            self._stop()

    def on_train_end(self, logs=None):
        """End, where the training was shorter."""
        self._stop()

    def _stop(self):
        if self._running:
            tf.profiler.experimental.stop()
            self._running = False
