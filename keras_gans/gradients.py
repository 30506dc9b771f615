"""Gradients by Keras variables, some of which may have no say in what is differentiated."""

import tensorflow as tf


def gradients(tape, target, variables):
    """Return d target / d variables, a list of tensors; zeros where there is no connection.

    The tape's own `unconnected_gradients` fails on Keras variables.

    Example:
        >>> import keras
        >>> x, y = keras.Variable(2.0), keras.Variable(1.0)
        >>> with tf.GradientTape() as tape:
        ...     target = x * x
        >>> [float(g) for g in gradients(tape, target, [x, y])]
        [4.0, 0.0]
    """
    found = tape.gradient(target, variables)
    return [
        tf.zeros_like(tf.convert_to_tensor(v)) if g is None else tf.convert_to_tensor(g)
        for g, v in zip(found, variables, strict=True)
    ]
