"""A look at a game from outside: losses and gradients on a fixed batch, leaving no trace."""

import contextlib

import keras
import tensorflow as tf

from keras_gans import penalties
from keras_gans.gradients import gradients
from keras_gans.models import checks
from keras_gans.noise import Noise


class Probe:
    """The gradients of both players on a fixed batch and fixed noise, as training would see them.

    The networks run in training mode, with the penalty (a lazy one at its average strength), but
    nothing that they change on the way is kept: batch normalization's statistics, random streams,
    counters and spectral normalization's vectors stay as they are. The same probe at the same
    weights gives the same numbers.

    Args:
        game: a compiled `GAN`.
        real: samples [B, ...], float32; B a multiple of the game's packing.
        condition: what the dataset gives beside them, or None.
        seed: of the noise.

    Raises:
        ValueError: if the samples do not fit the discriminator.

    Example:
        >>> generator, discriminator = kg.networks.mlp((2,), latent_dim=4)
        >>> gan = kg.GAN(generator, discriminator, latent_dim=4)
        >>> gan.compile()
        >>> discriminator, generator = Probe(gan, tf.zeros([8, 2])).gradients()
        >>> [g.shape.rank for g in generator]
        [2, 1, 2, 1]
    """

    def __init__(self, game, real, condition=None, seed=0):
        checks.check_samples(real, game.discriminator, game.packing)
        self.game, self.condition = game, condition
        self.real = tf.convert_to_tensor(real)
        self._noise = Noise(seed)
        penalty = game.penalty
        self._penalty = None if penalty is None else penalty.steady()

    @property
    def discriminator_variables(self):
        """What the discriminator's gradient is taken by."""
        return self.game.discriminator_variables

    @property
    def generator_variables(self):
        """What the generator's gradient is taken by."""
        return self.game.generator_variables

    def losses(self):
        """Return both players' losses with all their terms, two float32 scalars."""
        with self._watching() as game:
            fake = game.synthesize(self.real, self.condition)
            real, fake = game._show(self.real), game._show(fake)
            discriminator = game.discriminator_losses(real, fake, self.condition)
            generator = game.generator_losses(real, fake, self.condition)
            game._logs.take()
        return tf.add_n(list(discriminator.values())), tf.add_n(list(generator.values()))

    def gradients(self):
        """Return the gradients of (discriminator, generator), two lists; differentiable again."""
        with tf.GradientTape(persistent=True) as tape:
            discriminator, generator = self.losses()
        return (
            gradients(tape, discriminator, self.discriminator_variables),
            gradients(tape, generator, self.generator_variables),
        )

    def logits(self):
        """Return the discriminator's logits of the real samples and of generated ones, float32."""
        with self._watching() as game:
            fake = game.synthesize(self.real, self.condition)
            return (
                game.discriminate(game._show(self.real), self.condition),
                game.discriminate(game._show(fake), self.condition),
            )

    def samples(self):
        """Return the generated samples that the losses are of, float32 [B, ...]."""
        with self._watching() as game:
            return game.synthesize(self.real, self.condition)

    def slopes(self):
        """Return |∇_x D| at x = a real + (1 - a) generated, a ~ U[0, 1] each, float32 [B]."""
        with self._watching() as game:
            fake = game._show(game.synthesize(self.real, self.condition))
            real = game._show(self.real)
            a = game.noise.uniform([tf.shape(real)[0], *[1] * (len(real.shape) - 1)])
            gradient = penalties.input_gradient(
                lambda x: game.discriminate(x, self.condition), fake + a * (real - fake)
            )
        return tf.norm(tf.reshape(gradient, [tf.shape(gradient)[0], -1]), axis=1)

    @contextlib.contextmanager
    def _watching(self):
        game = self.game
        kept = game.noise, game.penalty
        game.noise, game.penalty = self._noise, self._penalty
        try:
            with keras.StatelessScope():
                yield game
        finally:
            game.noise, game.penalty = kept
