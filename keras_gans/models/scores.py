"""The metrics that `compile` is given, and what they are updated with in an evaluation."""

import keras
import numpy as np
import tensorflow as tf

from keras_gans.noise import WholeNoise


class Scores:
    """Metrics of real and generated samples, which `evaluate` fills and `fit` leaves alone.

    A metric takes `update_state(real, fake)`, or `update_state(fake)` if it has `generated_only`.
    Those that have `extract` and `update_features` share the features of the same extractor. The
    noise starts anew with each evaluation, so that scores differ by the weights alone.

    Under a strategy these see on each replica the features of all replicas, in order; any other
    metric sees the replica's own samples and is merged as Keras does.

    Args:
        metrics: a list of `keras.metrics.Metric`, or None.
        taken: the names that the logs have already.

    Raises:
        TypeError: if one is no metric.
        ValueError: if two have the same name.
    """

    def __init__(self, metrics=None, taken=()):
        self.metrics = list(metrics or ())
        names = list(taken)
        for metric in self.metrics:
            if not isinstance(metric, keras.metrics.Metric):
                raise TypeError(f"metrics must be keras.metrics.Metric objects, found {metric!r}")
            if metric.name in names:
                raise ValueError(
                    f"metrics need names of their own, found {metric.name!r} twice: give a name="
                )
            names.append(metric.name)
        self.noise = WholeNoise(0)
        self._start = np.array(self.noise.generator.state)
        self._batches = tf.Variable(
            *(0, False),
            dtype=tf.int64,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    @property
    def compilable(self):
        """Whether all updates can be part of a graph, and be compiled by XLA."""
        return all(getattr(metric, "compilable", True) for metric in self.metrics)

    def update(self, real, fake):
        """Update each metric with a batch."""
        features = {}
        for metric in self.metrics:
            if getattr(metric, "generated_only", False):
                metric.update_state(fake)
            elif hasattr(metric, "update_features"):
                key = type(metric).extract, id(metric.extractor), metric.quantize
                if key not in features:
                    features[key] = _of_all(*metric.extract(real, fake))
                metric.update_features(*features[key])
            else:
                metric.update_state(real, fake)
        self._batches.assign_add(1)

    def results(self):
        """Return the results by name; none where no batch was seen."""
        found = {}
        for metric in self.metrics if self._batches.numpy() else ():
            result = metric.result()
            found |= result if isinstance(result, dict) else {metric.name: result}
        return found

    def reset(self):
        """Forget all batches; the metrics themselves are reset by Keras."""
        self._batches.assign(0)
        self.noise.generator.state.assign(self._start)


def _of_all(*tensors):
    """Return what all replicas have, one after the other; None stays None."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return tensors
    gather = tf.distribute.get_replica_context().all_gather
    return [
        None if t is None else tf.ensure_shape(gather(t, axis=0), [None, *t.shape[1:]])
        for t in tensors
    ]
