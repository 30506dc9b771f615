"""Stop a run whose numbers are no numbers any more."""

import math

import keras


class StopOnDivergence(keras.callbacks.Callback):
    """Stop training as soon as any logged value is NaN or infinite, and say which and when.

    `keras.callbacks.TerminateOnNaN` reads `logs["loss"]` alone and never fires on a GAN. Put this
    callback before `Checkpoint`, which then keeps the last good state.

    Attributes:
        reason: None, or a sentence that names the value, the epoch and the step.

    Example:
        >>> gan.fit(dataset, callbacks=[StopOnDivergence()])  # doctest: +SKIP
    """

    def __init__(self):
        super().__init__()
        self.reason = None
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Look at every value that the step logged."""
        bad = {k: float(v) for k, v in (logs or {}).items() if not math.isfinite(float(v))}
        if not bad or self.reason:
            return
        found = ", ".join(f"{name} = {value}" for name, value in bad.items())
        self.reason = (
            f"training diverged in epoch {self._epoch + 1} at step {self.model.step:,}: {found}"
        )
        self.model.diverged = True
        self.model.stop_training = True
        print(f"\n{self.reason}; stopped.")
