"""How many steps one call of the compiled function makes: `steps_per_execution="auto"`."""

import math

import tensorflow as tf

from keras_gans import flops

MOST = 50  # so that progress is seen, and signals are heard
CALL = {"CPU": 2e10, "GPU": 2e12}  # operations beside which a call's millisecond of Python is small


def choose(game, batch, in_epoch):
    """Return as many steps as make a call long enough, and as divide the epoch.

    A step of a small network is over before Python has called the next one. So many steps go into
    one call that they make some 2e10 floating-point operations, a tenth of a second on two cores
    (2e12 on a GPU), but no more than 50. The choice depends on networks, batch and epoch alone, not
    on the clock: the same run makes it again. The numbers that are trained do not depend on it.

    Args:
        game: a compiled `GAN`.
        batch: samples in each update.
        in_epoch: steps in an epoch; None or less than 1 if it is not known.

    Returns:
        1 where the epoch's length or a layer's cost is not known.

    Example:
        >>> generator, discriminator = kg.networks.mlp((2,), latent_dim=2, width=128, depth=3)
        >>> gan = kg.GAN(generator, discriminator, latent_dim=2)
        >>> gan.compile()
        >>> choose(gan, batch=256, in_epoch=1000), choose(gan, batch=256, in_epoch=22)
        (50, 22)
    """
    most = limit(game, batch)
    if in_epoch is None or in_epoch < 1:
        return 1
    return max(steps for steps in range(1, most + 1) if in_epoch % steps == 0)


def limit(game, batch):
    """Return the most steps of a call, whatever the epoch's length."""
    try:
        g, d = (
            sum(layer.flops for layer in flops.layers(network))
            for network in (game.generator, game.discriminator)
        )
    except (ValueError, AttributeError):  # unknown layers; a model that is no graph of layers
        return 1
    # At most: six passes of the discriminator and four of a penalty; then three of each player.
    step = batch * (game.discriminator_steps * (g + 10 * d) + 3 * (g + d))
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return min(max(math.floor(CALL[kind] / max(step, 1)), 1), MOST)
