"""What training on several devices or machines needs beyond what Keras does under `tf.distribute`.

Keras's own train function fails under `MirroredStrategy` with more than one step per execution, and
under `MultiWorkerMirroredStrategy` on logs that are scalars: here is another. And Keras lets
TensorFlow cut the data, by which each worker's share of a step depends on where the training began:
here each replica gets its part of the very batch that one device would get.
"""

import json
import os
import types

import keras
import tensorflow as tf


class Distributed(keras.Model):
    """A model whose `fit` and `evaluate` work under any synchronous strategy.

    Gradients are summed over the replicas, so each loss that is differentiated has to be divided
    by `num_replicas_in_sync`; `GAN` does so.
    """

    def make_train_function(self, force=False):
        """Make the function that `fit` calls."""
        if not is_distributed(self.distribute_strategy):
            return super().make_train_function(force)
        if self.train_function is None or force:
            self.train_function = _function(self, self.train_step)

    def make_test_function(self, force=False):
        """Make the function that `evaluate` calls."""
        if not is_distributed(self.distribute_strategy):
            return super().make_test_function(force)
        if self.test_function is None or force:
            self.test_function = _function(self, self.test_step)

    def evaluate(self, *args, **kwargs):
        """Return the losses on data; on several devices a step a call, so that no batch is lost."""
        if not is_distributed(self.distribute_strategy):
            return super().evaluate(*args, **kwargs)
        execution, self.steps_per_execution = self.steps_per_execution, 1
        if kwargs.get("_use_cached_eval_dataset"):  # of `fit`, whose executions it was made for
            self._eval_epoch_iterator.steps_per_execution = 1
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self.steps_per_execution = execution


def is_distributed(strategy):
    """Tell whether a strategy is more than the one device that is there without any."""
    return strategy.num_replicas_in_sync > 1 or is_multi_worker(strategy)


def is_multi_worker(strategy):
    """Tell whether a strategy spans several processes."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def _function(model, step):
    """Return a function of an iterator that makes `steps_per_execution` steps."""
    strategy, count = model.distribute_strategy, model.steps_per_execution
    shown = {}

    def one_replica(batch):
        with tf.control_dependencies(tf.nest.flatten(batch)):  # at the end of the data, no noise
            return step(batch)

    def one(iterator):
        logs = strategy.run(one_replica, args=(next(iterator),))
        shown.update(dict.fromkeys(logs))
        return logs

    def several(iterator):
        if count == 1:
            logs = one(iterator)
        else:

            def body(i):
                one(iterator)
                return i + 1

            tf.while_loop(lambda i: i < count, body, [tf.constant(0)], parallel_iterations=1)
            means = model._logs.means
            logs = strategy.run(lambda: {name: means[name].result() for name in shown})
        return {name: strategy.reduce("MEAN", value, axis=None) for name, value in logs.items()}

    whole = several
    if not model.run_eagerly:
        whole = tf.function(several, autograph=False, reduce_retracing=True)

    def function(iterator):
        if isinstance(iterator, types.GeneratorType):
            raise ValueError("train_on_batch and test_on_batch need one device; use fit, evaluate")
        return whole(iterator)

    return function


def distribute(dataset, strategy, steps):
    """Return a dataset of global batches as one from which each replica gets its part.

    A global batch is `steps` updates' worth of samples, one after the other. Each replica gets an
    n-th of each update's samples, so that n replicas together see in each update what one device
    would see.

    Args:
        dataset: a `tf.data.Dataset` of batches [steps * B, ...], B known and a multiple of n; on
            each worker the same.
        strategy: a `tf.distribute.Strategy` of n replicas.
        steps: discriminator updates in a step.

    Raises:
        ValueError: if B is no multiple of n.
    """
    if not is_distributed(strategy):
        return dataset
    n = strategy.num_replicas_in_sync
    total = tf.nest.flatten(dataset.element_spec)[0].shape[0]
    if total % (n * steps):
        raise ValueError(
            f"a batch of {total // steps} samples cannot be divided among {n} replicas; take a "
            f"batch size that is a multiple of {n}"
        )

    def cut(x, first, count):  # [steps * B, ...] -> [count * steps * B / n, ...]
        shape = x.shape[1:]
        parts = tf.reshape(x, [steps, n, total // (n * steps), *shape])[:, first : first + count]
        return tf.reshape(tf.experimental.numpy.swapaxes(parts, 0, 1), [-1, *shape])

    def part(dataset, first, count):
        def cut_all(*batch):
            batch = tf.nest.map_structure(lambda x: _fixed(cut(x, first, count)), batch)
            return batch if len(batch) > 1 else batch[0]

        def _fixed(x):
            x.set_shape([count * total // n, *x.shape[1:]])
            return x

        return dataset.map(cut_all, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    if not is_multi_worker(strategy):  # which cuts a batch into n pieces, one after the other
        return part(dataset, 0, n) if steps > 1 else dataset

    def here(context):
        count = n // context.num_input_pipelines
        mine = part(dataset, context.input_pipeline_id * count, count)
        if count > 1:
            mine = mine.rebatch(total // n, drop_remainder=True)
        return mine.prefetch(tf.data.AUTOTUNE)

    return strategy.distribute_datasets_from_function(here)


def check_source(x, strategy):
    """Refuse data that only one process can draw from, such as a generator's.

    Raises:
        ValueError: if there are more replicas than one.
    """
    if is_distributed(strategy) and not isinstance(x, tf.distribute.DistributedDataset):
        raise ValueError(
            f"fit(x): found a {type(x).__name__}, expected under a strategy a tf.data.Dataset of "
            "whole batches or an array"
        )


def check_scope(model):
    """Refuse parts of a model that were made in or out of another strategy's scope.

    Raises:
        ValueError: if there are any; it names them.
    """
    strategy = tf.distribute.get_strategy()
    distributed = tf.distribute.has_strategy()
    advice = "make networks, GAN, optimizers and metrics, and compile, within `strategy.scope()`"
    if model.distribute_strategy is not strategy or (
        distributed and not model._distribute_strategy
    ):
        raise ValueError(f"the GAN was not made under the strategy that compile is under; {advice}")
    for name in ("generator_optimizer", "discriminator_optimizer"):
        optimizer = getattr(model, name)
        if getattr(optimizer, "_distribution_strategy", strategy) is not strategy:
            raise ValueError(f"the {name} was not made under the GAN's strategy; {advice}")
    if distributed and strategy.num_replicas_in_sync > 1:
        for part in (model.generator, model.discriminator, *model._scores.metrics):
            for weight in part.variables:
                if not isinstance(weight.value, tf.distribute.DistributedValues):
                    raise ValueError(
                        f"{part.name!r} has {weight.path!r}, which was not made under the "
                        f"strategy; {advice}"
                    )


def make(kind, replicas=0):
    """Return a strategy by its name; call it before TensorFlow does anything else.

    Args:
        kind: "none", "mirrored" (the devices of this machine) or "multi_worker" (the machines in
            the environment variable TF_CONFIG).
        replicas: of "mirrored", how many GPUs; 0 takes all. Without a GPU the CPU serves as so
            many devices, for a rehearsal.

    Raises:
        ValueError: if TF_CONFIG is missing or wrong, or there are less GPUs than replicas.
    """
    if kind == "none":
        return tf.distribute.get_strategy()
    if kind == "multi_worker":
        _check_cluster(os.environ.get("TF_CONFIG"))
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and replicas > len(gpus):
        raise ValueError(f"--replicas={replicas}: found {len(gpus)} GPUs")
    count = replicas or max(1, len(gpus))
    if not gpus:
        split = [tf.config.LogicalDeviceConfiguration()] * count
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, split)
    return tf.distribute.MirroredStrategy([f"{'GPU' if gpus else 'CPU'}:{i}" for i in range(count)])


def worker(strategy):
    """Return this process's number among the workers; 0 is the chief, which writes the files."""
    if not is_multi_worker(strategy):
        return 0
    resolver = strategy.cluster_resolver
    after_chief = resolver.task_type == "worker" and "chief" in resolver.cluster_spec().jobs
    return (resolver.task_id or 0) + after_chief


def check_agreement(strategy, name, number):
    """Refuse to train where the workers do not have the same number; all of them must call it.

    Raises:
        ValueError: if they differ; it names all of them.
    """
    if not is_multi_worker(strategy):
        return
    numbers = tf.function(
        lambda: strategy.gather(strategy.run(lambda: tf.constant([number], tf.int64)), axis=0),
        autograph=False,
    )()
    found = numbers.numpy().tolist()
    if len(set(found)) > 1:
        raise ValueError(
            f"the workers differ in {name}: {', '.join(map(str, found))}; each must see the same "
            "folder --output_dir and get the same flags"
        )


def lost_worker(error):
    """Return what happened to the other workers by an error of this one, or None if nothing.

    Args:
        error: a `tf.errors.OpError`.
    """
    signs = (
        *(tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError),
        *(tf.errors.DeadlineExceededError, tf.errors.FailedPreconditionError),
    )
    if not isinstance(error, signs):
        return None
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if "ollective ops is aborted" in line or "task:" in line]
    return (told or lines or [type(error).__name__])[0]


def _check_cluster(text):
    example = (
        '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    try:
        config = json.loads(text or "")
        addresses = config["cluster"][config["task"]["type"]]
        fine = 0 <= int(config["task"]["index"]) < len(addresses)
    except (ValueError, KeyError, TypeError):
        fine = False
    if not fine:
        raise ValueError(
            f"--strategy=multi_worker: the environment variable TF_CONFIG is {text!r}, expected "
            f"on each host something like {example}"
        )
