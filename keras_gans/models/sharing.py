"""Work on many samples of which each replica does its share, and each worker gets the whole.

All workers must call these functions, in the same order and with the same arguments.
"""

import numpy as np
import tensorflow as tf

from keras_gans.models.strategy import is_distributed, is_multi_worker
from keras_gans.noise import latents


def shared(strategy, function):
    """Return a function of n samples that lets each replica call another one on its share.

    Replica i of r takes the i-th of r parts, one after the other, and what it makes of them is
    gathered: the result is that of one device up to the rounding of batches of another size.

    Args:
        strategy: a `tf.distribute.Strategy`.
        function: from a batch [b, ...] to a tensor, or a list of tensors, [b, ...].

    Returns:
        A function of `inputs`, which gives the batch of an array of indices, the number of samples
        and how many a replica takes at a time; it returns a list of NumPy arrays [n, ...].

    Example:
        >>> double = shared(tf.distribute.get_strategy(), lambda x: 2 * x)
        >>> double(lambda rows: rows, count=5, batch_size=2)[0].tolist()
        [0, 2, 4, 6, 8]
    """
    replicas = strategy.num_replicas_in_sync

    def on_replica(batch):  # a tf.function with a signature would take no values of replicas
        return function(batch)

    def together(batches):
        made = tf.nest.flatten(strategy.run(on_replica, args=(batches,)))
        return [strategy.gather(part, axis=0) for part in made] if many else made

    many = is_distributed(strategy)
    together = tf.function(together, autograph=False, reduce_retracing=True)

    def whole(inputs, count, batch_size):
        share = -(-count // replicas)
        parts = []
        for start in range(0, share, batch_size):
            size = min(batch_size, share - start)

            def mine(context, start=start, size=size):
                first = context.replica_id_in_sync_group * share + start
                rows = np.minimum(np.arange(first, first + size), count - 1)  # the last fills up
                return tf.convert_to_tensor(inputs(rows))

            batches = strategy.experimental_distribute_values_from_function(mine)
            made = [part.numpy() for part in together(batches)]
            parts.append([part.reshape([replicas, size, *part.shape[1:]]) for part in made])
        joined = [np.concatenate(part, axis=1) for part in zip(*parts, strict=True)]
        return [part.reshape([-1, *part.shape[2:]])[:count] for part in joined]

    return whole


def shared_generator(gan):
    """Return what `gan.generate(n, seed)` returns, as a function whose work is shared.

    Args:
        gan: a `GAN`; the averaged generator is taken where there is one.
    """
    sample = shared(
        gan.distribute_strategy,
        lambda z: tf.cast(gan.sampler(z, training=False), tf.float32),
    )

    def generate(n, seed, batch_size=512):
        z = latents(n, gan.latent_dim, seed).numpy()
        return sample(lambda rows: z[rows], n, batch_size)[0]

    return generate


def from_chief(strategy, values):
    """Return the values that the chief has, float64 [k].

    Args:
        strategy: a `tf.distribute.Strategy`.
        values: on each worker as many numbers; those of the others than the chief do not matter.
    """
    values = np.asarray(values, np.float64)
    if not is_multi_worker(strategy):
        return values

    @tf.function(autograph=False)
    def gathered():
        return strategy.gather(strategy.run(lambda: tf.constant(values[None])), axis=0)

    return gathered().numpy()[0]


def same_weights(strategy, network, digest):
    """Give a network of each worker the weights that it has on the chief, if they differ.

    A network that each worker trained for itself differs in its last bits where machines do.

    Args:
        strategy: a `tf.distribute.Strategy`.
        network: a `keras.Model`, outside of the strategy or not.
        digest: a hash of its weights, hexadecimal.
    """
    mine = [int(digest[i : i + 8], 16) for i in (0, 8)]
    if not is_multi_worker(strategy):
        return

    @tf.function(autograph=False)
    def gathered():
        return strategy.gather(strategy.run(lambda: tf.constant([mine], tf.int64)), axis=0)

    if len(np.unique(gathered().numpy(), axis=0)) == 1:
        return

    def chiefs(weight):
        def part():
            chief = tf.distribute.get_replica_context().replica_id_in_sync_group == 0
            return tf.where(chief, weight, tf.zeros_like(weight))

        return strategy.reduce("SUM", strategy.run(part), axis=None)  # of one and of zeros

    together = tf.function(chiefs, autograph=False)
    network.set_weights([together(tf.constant(w)).numpy() for w in network.get_weights()])
