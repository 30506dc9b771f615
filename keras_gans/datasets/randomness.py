"""Stateless random draws: every one is a function of (purpose, seed, number)."""

import tensorflow as tf

_PURPOSES = ("order", "draw", "augment", "reference")


def key(purpose, seed, number):
    """Return the [2] seed of TensorFlow's stateless draws for `number`, apart for each purpose.

    Args:
        purpose: "order", "draw", "augment" or "reference".
        seed: int, the run's.
        number: int or scalar tensor: of the epoch or the batch.
    """
    pair = tf.stack([tf.constant(seed, tf.int64), tf.cast(number, tf.int64)])
    return tf.random.fold_in(pair, _PURPOSES.index(purpose))


def mixture(key, count, modes, sigma, weights=None):
    """Draw points of sum_k weights[k] Normal(modes[k], sigma^2 I).

    Args:
        key: [2], from `key`.
        count: number of points.
        modes: float32 [m, d].
        sigma: standard deviation along each axis.
        weights: [m], any positive scale; None for equal ones.

    Returns:
        float32 [count, d], and the mode each point is of, int32 [count].

    Example:
    >>> mixture(key("draw", 0, 0), 3, [[5.0, 5.0]], 0.0)[0].numpy().tolist()
    [[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]]
    """
    modes = tf.convert_to_tensor(modes, tf.float32)
    which, noise = tf.unstack(tf.random.split(key, 2))
    if weights is None:
        chosen = tf.random.stateless_uniform([count], which, 0, len(modes), tf.int32)
    else:
        logits = tf.math.log(tf.convert_to_tensor(weights, tf.float32))[None]
        chosen = tf.random.stateless_categorical(logits, count, which, tf.int32)[0]
    spread = tf.random.stateless_normal([count, modes.shape[1]], noise)
    return tf.gather(modes, chosen) + sigma * spread, chosen
