"""Random numbers that can be saved, resumed, compiled by XLA, and differ on every replica."""

import keras
import tensorflow as tf


class Noise:
    """A stream of random numbers whose position is a variable.

    It offers `normal(shape)` and `uniform(shape)`, as `tf.random` does. XLA draws another stream
    from the same seed. Under `tf.distribute` each replica draws its own numbers: Keras's generator
    alone would give every replica the same.

    Args:
        seed: an integer; None takes one from the operating system.

    Example:
        >>> noise = Noise(seed=1)
        >>> noise.normal([64, 128]).shape
        TensorShape([64, 128])
    """

    def __init__(self, seed=None):
        self.generator = keras.random.SeedGenerator(seed)

    def restart(self):
        """Go back to the first number."""
        self.generator.state.assign([self.generator.get_config()["seed"], 0])

    def seed(self):
        """Return the next seed, an int32 tensor of shape [2], and move on."""
        seed = tf.cast(self.generator.next(), tf.int32)
        replica = tf.distribute.get_replica_context()
        if replica is None or tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return seed
        replica_id = tf.cast(replica.replica_id_in_sync_group, tf.int32)
        return tf.random.experimental.stateless_fold_in(seed, replica_id, alg="philox")

    def normal(self, shape):
        """Return float32 draws from N(0, 1)."""
        return tf.random.stateless_normal(shape, self.seed())

    def uniform(self, shape):
        """Return float32 draws from U[0, 1)."""
        return tf.random.stateless_uniform(shape, self.seed())


class WholeNoise(Noise):
    """A stream of random numbers of which n replicas together draw what one device would draw.

    The first dimension of a shape is a replica's part of the batch; parts may differ in size.

    Args:
        seed: an integer; None takes one from the operating system.
    """

    def normal(self, shape):
        """Return float32 draws from N(0, 1)."""
        return self._rows(tf.random.stateless_normal, shape)

    def uniform(self, shape):
        """Return float32 draws from U[0, 1)."""
        return self._rows(tf.random.stateless_uniform, shape)

    def _rows(self, draw, shape):
        """Draw for the whole batch; return the rows that are this replica's."""
        seed = tf.cast(self.generator.next(), tf.int32)
        replica = tf.distribute.get_replica_context()
        if replica is None or tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return draw(shape, seed)
        shape = tf.convert_to_tensor(shape, tf.int32)
        sizes = replica.all_gather(shape[:1], axis=0)
        first = tf.reduce_sum(sizes[: replica.replica_id_in_sync_group])
        whole = draw(tf.concat([[tf.reduce_sum(sizes)], shape[1:]], 0), seed)
        return whole[first : first + shape[0]]


def latents(n, dimension, seed):
    """Return `n` latent vectors, float32 [n, dimension], that depend on nothing but the seed.

    A larger `n` keeps the first ones. `GAN.generate` and the exported `sample` signature share it.
    """
    shape = tf.stack([n, dimension])
    return tf.random.stateless_normal(shape, tf.stack([seed, 0]), alg="philox")


def walk(stops, frames):
    """Return latents on the way through `stops` [m, d] and back to the first, float32.

    Between two stops lie `frames` equal steps of a spherical interpolation, which keeps the
    latents' length typical of N(0, I):

        sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b,   w the angle between a and b

    Example:
        >>> walk(tf.constant([[1.0, 0.0], [0.0, 1.0]]), frames=2)[1].numpy().round(2)
        array([0.71, 0.71], dtype=float32)

    Reference: White, arXiv:1609.04468, section 2.
    """
    a, b = stops, tf.roll(stops, -1, axis=0)
    cosine = tf.reduce_sum(tf.math.l2_normalize(a, 1) * tf.math.l2_normalize(b, 1), 1)
    angle = tf.acos(tf.clip_by_value(cosine, -0.9999, 0.9999))[:, None, None]
    t = (tf.range(frames, dtype=tf.float32) / frames)[None, :, None]
    way = tf.sin((1 - t) * angle) * a[:, None] + tf.sin(t * angle) * b[:, None]
    return tf.reshape(way / tf.sin(angle), [-1, stops.shape[1]])
