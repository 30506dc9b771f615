"""Several samples side by side, for a discriminator that judges them together."""

import tensorflow as tf


def packed_shape(shape, m):
    """Return the shape of m samples of a shape, side by side.

    Example:
        >>> packed_shape((28, 28, 1), 3)
        (28, 28, 3)
    """
    return (*shape[:-1], None if shape[-1] is None else m * shape[-1])


def pack(x, m):
    """Join each m samples along their last axis: [B, ..., c] -> [B / m, ..., m c].

    Args:
        x: samples, B of them.
        m: how many to join, >= 1; 1 leaves them alone.

    Raises:
        ValueError: if B is known and no multiple of m.

    Example:
        >>> pack(tf.constant([[1.0], [2.0], [3.0], [4.0]]), 2).numpy().tolist()
        [[1.0, 2.0], [3.0, 4.0]]

    Reference: Lin et al. (PacGAN), arXiv:1712.04086, section 3.
    """
    if m == 1:
        return x
    if x.shape[0] is not None and x.shape[0] % m:
        raise ValueError(
            f"a batch of {x.shape[0]} samples cannot be packed by packing={m}; take a multiple"
        )
    inner = list(x.shape[1:])
    x = tf.reshape(x, [-1, m, *inner])
    last = len(inner)  # the sample's last axis; the packed one goes before it
    x = tf.transpose(x, [0, *range(2, last + 1), 1, last + 1])
    return tf.reshape(x, [-1, *inner[:-1], m * inner[-1]])
