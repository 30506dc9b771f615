"""From what `fit` is given to batches that one step can be cut from."""

import itertools
import types

import keras
import numpy as np
import tensorflow as tf


def is_array(x):
    """Tell whether x is an array in memory rather than a dataset or an iterator."""
    return isinstance(x, (np.ndarray, tf.Tensor))


def from_arrays(x, y, batch_size, steps, shuffle):
    """Return a dataset of batches of `steps * batch_size` samples, shuffled at each pass."""
    arrays = (x,) if y is None else (x, y)
    if y is not None and len(x) != len(y):
        raise ValueError(f"x has {len(x)} samples and y has {len(y)}; they must be equal")
    count = len(x)
    arrays = tuple(tf.convert_to_tensor(array) for array in arrays)
    indices = tf.data.Dataset.range(count)
    if shuffle:
        indices = indices.shuffle(max(count, 1))
    indices = indices.batch(steps * batch_size, drop_remainder=True)
    gather = indices.map(lambda i: tuple(tf.gather(array, i) for array in arrays))
    return gather.prefetch(tf.data.AUTOTUNE)


def rebatch(dataset, steps):
    """Return the dataset with batches `steps` times as large, the remainder dropped."""
    sizes = {spec.shape[0] for spec in tf.nest.flatten(dataset.element_spec) if spec.shape.rank}
    size = sizes.pop() if len(sizes) == 1 else None
    if steps == 1 and size is not None:
        return dataset
    fixed = size is not None
    if not fixed:  # the last batch may be smaller; the first one tells
        size = len(tf.nest.flatten(first(dataset, 1))[0])
    cardinality = int(dataset.cardinality())
    rebatched = dataset.rebatch(steps * size, drop_remainder=True)
    if cardinality == tf.data.INFINITE_CARDINALITY or (fixed and cardinality >= 0):
        # Dataset.rebatch forgets how long the dataset is.
        length = cardinality if cardinality < 0 else cardinality // steps
        rebatched = rebatched.apply(tf.data.experimental.assert_cardinality(length))
    return rebatched.prefetch(tf.data.AUTOTUNE)  # joins the batches off the critical path


def first(dataset, steps):
    """Return the dataset's first batch, or say that there is none."""
    batch = next(iter(dataset), None)
    if batch is None:
        raise ValueError(
            "the dataset has no full batch: found fewer samples than one step takes, which is "
            f"discriminator_steps * batch size = {steps} * batch size. Use a smaller batch size, "
            "fewer discriminator steps or more samples."
        )
    return batch


def peek(batches, check):
    """Show the first batch of a generator or a `PyDataset` to `check`; return what gives it all."""
    if isinstance(batches, keras.utils.PyDataset):
        if batches.num_batches == 0:
            raise ValueError("fit(x): found a PyDataset without batches, expected at least one")
        check(batches[0])
    elif isinstance(batches, types.GeneratorType):
        batch = next(batches, None)
        if batch is None:
            raise ValueError("fit(x): found a generator without batches, expected at least one")
        check(batch)
        return (batch for batch in itertools.chain([batch], batches))
    return batches


def parts(tensors, k):
    """Cut each tensor of (real, condition) into k along the batch; None stays None."""
    if k == 1:
        return [tensors]
    for tensor in tf.nest.flatten(tensors):
        size = None if tensor is None else tensor.shape[0]
        if size is not None and size % k:
            raise ValueError(
                f"a batch of {size} samples cannot be cut into discriminator_steps={k} equal parts"
            )
    cut = [
        [None] * k if tensor is None else tf.split(tensor, k) for tensor in tf.nest.flatten(tensors)
    ]
    return [tf.nest.pack_sequence_as(tensors, part) for part in zip(*cut, strict=True)]
