"""Optimizers of both players as papers set them: arguments for `GAN.compile`."""

import keras

from keras_gans.optimizers.dynamics import ExtraGradient


def _adams(generator_lr, discriminator_lr, beta_1, beta_2):
    return {
        "generator_optimizer": keras.optimizers.Adam(generator_lr, beta_1, beta_2),
        "discriminator_optimizer": keras.optimizers.Adam(discriminator_lr, beta_1, beta_2),
    }


def ttur(generator_lr=1e-4, discriminator_lr=4e-4, beta_1=0.0, beta_2=0.9):
    """Return the two time-scale update rule: Adam for both, the discriminator's rate higher.

    The defaults are SAGAN's.

    Args:
        generator_lr: the generator's learning rate, > 0.
        discriminator_lr: the discriminator's, > 0.
        beta_1: of both.
        beta_2: of both.

    Example:
        >>> presets = ttur()
        >>> sorted(presets)
        ['discriminator_optimizer', 'generator_optimizer']

    Reference: Heusel et al., arXiv:1706.08500, theorem 1; the values: Zhang et al. (SAGAN),
    arXiv:1805.08318, section 4.
    """
    return _adams(generator_lr, discriminator_lr, beta_1, beta_2)


def extra_adam(learning_rate=1e-4, beta_1=0.5, beta_2=0.9):
    """Return ExtraAdam: Adam for both players under the extra-gradient dynamics.

    Args:
        learning_rate: of both players, > 0.
        beta_1: of both.
        beta_2: of both.

    Example:
        >>> extra_adam()["dynamics"]
        ExtraGradient()

    Reference: Gidel et al., arXiv:1802.10551, algorithm 4.
    """
    both = _adams(learning_rate, learning_rate, beta_1, beta_2)
    return {**both, "dynamics": ExtraGradient()}
