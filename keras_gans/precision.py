"""The precision of what is not a layer: losses, penalties, logits."""

import tensorflow as tf


def full(x):
    """Return x in float32, or as it is in float64: 16 bits are too few for sums of gradients.

    Example:
        >>> full(tf.constant(1.0, tf.bfloat16)).dtype, full(tf.constant(1.0, tf.float64)).dtype
        (tf.float32, tf.float64)
    """
    x = tf.convert_to_tensor(x)
    return x if x.dtype == tf.float64 else tf.cast(x, tf.float32)
