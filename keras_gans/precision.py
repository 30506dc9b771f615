"""The precision of what is not a layer: losses, penalties, logits."""

import tensorflow as tf


def full(x):
    """Return x as a float32 tensor: 16 bits are too few for sums of gradients.

    A tensor in float64, as networks under that policy make it, stays what it is; a NumPy array,
    which is in float64 more often than it is meant to be, does not.

    Example:
        >>> full(tf.constant(1.0, tf.bfloat16)).dtype, full(tf.constant(1.0, tf.float64)).dtype
        (tf.float32, tf.float64)
    """
    if tf.is_tensor(x) and x.dtype == tf.float64:
        return x
    return tf.cast(x, tf.float32)
