"""Let a run be stopped from outside without losing a step."""

import contextlib
import signal
import threading

import keras


class StopOnSignal(keras.callbacks.Callback):
    """End `fit` after the step in progress on Ctrl-C (SIGINT) or SIGTERM.

    `fit` then returns as usual, so that callbacks and the caller can save. A second signal ends
    the process at once. If the epoch is not over, `model.interrupted` is set, and the callbacks of
    this package leave its row and its pictures to the run that goes on with it.

    Attributes:
        signal: None, or the number of the signal; by custom the exit status is 128 + it.

    Example:
        >>> stop = StopOnSignal()
        >>> gan.fit(dataset, callbacks=[stop])  # doctest: +SKIP
    """

    def __init__(self):
        super().__init__()
        self.signal = None
        self._previous, self._held = {}, False

    @contextlib.contextmanager
    def hold(self):
        """Mind the signals in a `with` block: between several calls of `fit` too."""
        self._held = True
        self._take()
        try:
            yield
        finally:
            self._held = False
            self._restore()

    def on_train_begin(self, logs=None):
        """Take the two signals over; only the main thread may."""
        self._take()

    def _take(self):
        taken = self._previous or self.signal is not None
        if not taken and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)

    def _note(self, number, frame):
        self.signal = number  # no more than that: it may come in the middle of a print
        self._restore()

    def on_train_batch_end(self, batch, logs=None):
        """Stop if a signal came."""
        if self.signal is None or self.model.stop_training:
            return
        print(f"\n{signal.Signals(self.signal).name}: stopping after this step.", flush=True)
        steps = self.params.get("steps")
        self.model.interrupted = steps is None or batch + 1 < steps
        self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Give the signals back."""
        if not self._held:
            self._restore()

    def _restore(self):
        while self._previous:
            signal.signal(*self._previous.popitem())
