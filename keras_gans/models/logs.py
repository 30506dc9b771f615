"""What a training step reports: named scalars, averaged over the step and then over the epoch."""

import threading

import keras
import tensorflow as tf


class Logs:
    """A mean for each name; raw tensors returned from a step would show the last batch only."""

    def __init__(self, names):
        self.means = {name: keras.metrics.Mean(name=name) for name in names}
        self._thread = threading.local()  # tf.distribute runs each replica in a thread

    def note(self, **scalars):
        """Note scalars by name, until `take`."""
        unknown = set(scalars) - set(self.means)
        if unknown:
            raise ValueError(
                f"the model logs {', '.join(sorted(unknown))}, which its log_names lack: "
                f"{', '.join(self.means)}"
            )
        self._thread.__dict__.setdefault("noted", {}).update(scalars)

    def take(self):
        """Return what was noted since the last time."""
        return self._thread.__dict__.pop("noted", {})

    def update(self, *updates):
        """Average the scalars of a step's updates into the epoch's means; return these."""
        result = {}
        for name, mean in self.means.items():
            values = [update[name] for update in updates if name in update]
            if values:
                mean.total.assign_add(tf.cast(tf.add_n(values) / len(values), mean.total.dtype))
                mean.count.assign_add(1)
                result[name] = mean.result()
        return result
