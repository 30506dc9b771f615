"""How far a game is from its equilibrium: what either player could still win."""

import dataclasses

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class DualityGap:
    """What the duality gap is made of, in units of the objective M = -L_D without its penalty.

    Args:
        value: M at the present weights.
        worst_discriminator: M after the discriminator alone was trained on.
        worst_generator: M after the generator alone was trained on.
    """

    value: float
    worst_discriminator: float
    worst_generator: float

    @property
    def gap(self):
        """`worst_discriminator - worst_generator`: zero at an equilibrium."""
        return self.worst_discriminator - self.worst_generator


def duality_gap(gan, data, steps=500, batch_size=64, seed=0):
    """Return the duality gap, estimated by training a copy of each player against the other.

        gap = max_D' M(D', G) - min_G' M(D, G'),   M = -L_D

    The copies train by the game's own losses, penalty and optimizers (with fresh state) on one half
    of the data; M is taken on the other half. The game itself is left as it is. Few steps estimate
    the gap too low.

    Args:
        gan: a compiled `GAN`.
        data: real samples [n, ...], float32, n >= 2 * batch_size.
        steps: updates of each copy, >= 1.
        batch_size: samples in each update.
        seed: of the copies' noise and the order of the samples.

    Returns:
        `DualityGap`.

    Raises:
        ValueError: if there are too few samples or steps.

    Example:
        >>> generator, discriminator = kg.networks.mlp((2,), latent_dim=4, width=8)
        >>> gan = kg.GAN(generator, discriminator, latent_dim=4)
        >>> gan.compile()
        >>> result = duality_gap(gan, np.ones([128, 2], "float32"), steps=20)
        >>> result.gap > 0
        True

    Reference: Grnarova et al., arXiv:1811.05512, equation 2 and section 4.
    """
    data = np.asarray(data, np.float32)
    if steps < 1 or batch_size < 1 or len(data) < 2 * batch_size:
        raise ValueError(
            f"duality_gap needs steps >= 1 and two batches of samples, found steps={steps!r} and "
            f"{len(data)} samples for batch_size={batch_size!r}"
        )
    order = np.random.default_rng(seed).permutation(len(data))
    half = len(data) // 2
    train, test = data[order[:half]], data[order[half:]]
    size = len(test) // gan.packing * gan.packing
    values = []
    for player in (None, "discriminator", "generator"):
        twin = _twin(gan, seed)
        if player:
            _train(twin, player, train, steps, batch_size, seed)
        values.append(_objective(twin, tf.constant(test[:size])))
    now, discriminator, generator = values
    # The present player is one of those that the maximum and the minimum are over.
    return DualityGap(now, max(now, discriminator), min(now, generator))


def _twin(gan, seed):
    """Return a game of the same networks and weights, with optimizers that start anew."""
    twin = type(gan).from_config(gan.get_config() | {"seed": seed})
    twin.compile_from_config(gan.get_compile_config() | {"dynamics": "alternating"})
    for network in ("generator", "discriminator"):
        getattr(twin, network).set_weights(getattr(gan, network).get_weights())
    return twin


def _train(twin, player, samples, steps, batch_size, seed):
    """Train one player of a game; the other stays as it is."""
    update = getattr(twin, f"update_{player}")
    samples = tf.constant(samples)

    @tf.function(autograph=False)
    def step(picks):
        update(tf.gather(samples, picks), None)

    random = np.random.default_rng([seed, 1])
    for _ in range(steps):
        step(tf.constant(random.integers(len(samples), size=batch_size), tf.int64))


def _objective(twin, real):
    """Return M on samples, the networks in inference mode and without instance noise."""
    with twin._evaluating():
        fake = twin._show(twin.synthesize(real))
        terms = twin.discriminator_losses(twin._show(real), fake)
    twin._logs.take()
    return -float(terms["d_loss"])
