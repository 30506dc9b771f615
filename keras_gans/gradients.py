"""Gradients by Keras variables, and updates that wait for them."""

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


def after(*gradients):
    """Return a context within which operations wait until gradients are there.

    An update of a variable must not overtake a pass that still reads it. TensorFlow 2.21 can lose
    that order: where the penalty does not move a bias, it folds this part of the bias's gradient
    into a constant, and with it the tie between the pass that read the bias and its update. The
    gradients of the other weights need that pass, so whoever waits for all of them comes after it.

    Args:
        *gradients: lists of tensors and None.

    Example:
        >>> x = tf.Variable(1.0)
        >>> with tf.GradientTape() as tape:
        ...     y = x * x
        >>> slopes = tape.gradient(y, [x])
        >>> with after(slopes):
        ...     float(x.assign_sub(slopes[0]))
        -1.0
    """
    there = [g for some in gradients for g in some if g is not None]
    return tf.control_dependencies([tf.group(there)])
