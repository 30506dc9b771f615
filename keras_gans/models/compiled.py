"""Several steps in one program of XLA: between two steps nothing waits for Python or the host."""

import tensorflow as tf


def join(model, plain):
    """Return a train function that makes the `steps_per_execution` steps of a call in one program.

    Keras compiles one step, and TensorFlow runs it again and again: on a GPU each start costs about
    a millisecond, more than a step of a small network takes. Here the batches of a call are read
    first, go to the device together, and the loop over them is compiled with the step. At the end
    of the data the steps that there are batches for are made.

    Args:
        model: a compiled `GAN` on one device.
        plain: Keras's train function; it takes data whose batches have no fixed shape.
    """
    count = model.steps_per_execution
    means, shown = model._logs.means, {}

    @tf.function(autograph=False)
    def read(iterator):
        with tf.device("CPU:0"):
            specs = tf.nest.flatten(iterator.element_spec)
            arrays = [tf.TensorArray(s.dtype, count, element_shape=s.shape) for s in specs]

            def body(i, _, arrays):
                batch = iterator.get_next_as_optional()
                there = batch.has_value()

                def keep():
                    values = tf.nest.flatten(batch.get_value())
                    return [a.write(i, value) for a, value in zip(arrays, values, strict=True)]

                arrays = tf.cond(there, keep, lambda: arrays)
                return i + tf.cast(there, tf.int32), there, arrays

            found, _, arrays = tf.while_loop(
                lambda i, there, _: (i < count) & there,
                body,
                (tf.constant(0), tf.constant(True), arrays),
                parallel_iterations=1,
            )
            batches = [array.stack() for array in arrays]
            return tf.nest.pack_sequence_as(iterator.element_spec, batches), found

    @tf.function(autograph=False, jit_compile=True)
    def steps(batches, found):
        def body(i):
            logs = model.train_step(tf.nest.map_structure(lambda x: x[i], batches))
            shown.update(dict.fromkeys(logs))
            return i + 1

        tf.while_loop(lambda i: i < found, body, [tf.constant(0)], parallel_iterations=1)
        return {name: means[name].result() for name in shown}

    def function(iterator):
        if not _has_fixed_shapes(iterator):
            return plain(iterator)
        batches, found = read(iterator)
        if not found:
            raise StopIteration
        return steps(batches, found)

    return function


def _has_fixed_shapes(iterator):
    return isinstance(iterator, tf.data.Iterator) and all(
        isinstance(spec, tf.TensorSpec) and spec.shape.is_fully_defined()
        for spec in tf.nest.flatten(iterator.element_spec)
    )
