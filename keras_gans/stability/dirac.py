"""The Dirac-GAN: the smallest GAN, on which convergence can be told by two eigenvalues."""

import keras
import numpy as np
import tensorflow as tf
from scipy import stats

from keras_gans import losses, penalties
from keras_gans.models import GAN
from keras_gans.optimizers import Alternating, Simultaneous, dynamics
from keras_gans.stability import jacobian

LEVELS = 16  # of the instance noise on either side
CRITICAL = 1e-4  # real parts within it of zero are zero: what float32 leaves of one


@keras.saving.register_keras_serializable("keras_gans")
class _Point(keras.layers.Layer):
    """A generator of one sample, theta, whatever the latent."""

    def build(self, input_shape):
        self.theta = self.add_weight(shape=(1,), initializer="zeros", name="theta")

    def call(self, latent):
        return tf.zeros_like(latent) + self.theta


@keras.saving.register_keras_serializable("keras_gans")
class _Game(GAN):
    """The Dirac-GAN as a model; the instance noise is a fixed grid in place of random draws."""

    shifts = 0.0  # of the generated samples: the instance noise

    def synthesize(self, real, condition=None):
        return self.generator(tf.zeros_like(real)) + self.shifts


class Verdict(str):
    """`"converges"` or `"does not converge"`, with the rate in continuous time.

    Attributes:
        rate: the largest real part of an eigenvalue: distances shrink as exp(rate t) if it is
            negative, and do not if it is zero or positive.
    """

    def __new__(cls, rate):
        """Make the verdict that a rate stands for."""
        self = super().__new__(cls, "converges" if rate < -CRITICAL else "does not converge")
        self.rate = rate
        return self


class DiracGAN:
    """Data that are always 0, a generator that makes theta, a discriminator psi · x.

        v(theta, psi) = (-dL_G/dtheta, -dL_D/dpsi),   L from the logits 0 and psi theta

    The equilibrium is (0, 0). The field comes from the library's own losses and penalties by
    automatic differentiation, and `simulate` runs the model's own training step. Instance noise is
    an even grid of 16 normal quantiles, scaled to the variance asked for, on either side.

    Args:
        loss: a `keras_gans.losses` object or its name.
        penalty: a `keras_gans.penalties` object or its name, or None.
        instance_noise: its standard deviation sigma, >= 0.
        clip: None, or the limit that psi is clipped to after each update, > 0.
        consensus: weight of consensus optimization's term, >= 0; the field becomes v - weight Jᵀv.

    Raises:
        ValueError: if a value cannot be.

    Example:
        >>> DiracGAN("minimax").eigenvalues().round(3)
        array([0.+0.5j, 0.-0.5j])
        >>> print(DiracGAN("minimax").verdict())
        does not converge
        >>> print(DiracGAN("minimax", penalties.R1(1.0)).verdict())
        converges

    Reference: Mescheder et al., arXiv:1801.04406, section 2 (definition 2.1, lemma 2.3).
    """

    def __init__(self, loss, penalty=None, instance_noise=0.0, clip=None, consensus=0.0):
        if instance_noise < 0.0 or consensus < 0.0:
            raise ValueError(
                f"instance_noise and consensus must be >= 0, found {instance_noise!r} and "
                f"{consensus!r}"
            )
        self.loss, self.penalty = losses.get(loss), penalties.get(penalty)
        self.instance_noise, self.clip, self.consensus = instance_noise, clip, consensus
        self._field, self._real = None, None

    def vector_field(self, theta, psi):
        """Return v at a point, float64 [2]: where theta and psi are drawn to."""
        field = self._at(theta, psi)
        v = field.vector().numpy().astype(np.float64)
        if self.consensus:
            v = v - self.consensus * field.transposed_product(v)
        return v

    def jacobian(self, theta=0.0, psi=0.0):
        """Return the derivative of v by (theta, psi) at a point, float64 [2, 2].

        With `consensus` it is J - weight JᵀJ, which is the derivative where v = 0.
        """
        matrix = self._at(theta, psi).jacobian()
        return matrix - self.consensus * matrix.T @ matrix

    def eigenvalues(self, theta=0.0, psi=0.0):
        """Return the Jacobian's two eigenvalues, complex128, by falling real part."""
        values = np.linalg.eigvals(self.jacobian(theta, psi)).astype(complex)
        return values[np.lexsort((-values.imag, -values.real))]

    def verdict(self):
        """Return whether gradient descent with small steps converges to (0, 0): a `Verdict`.

        It does if both eigenvalues there have a negative real part. An eigenvalue on the imaginary
        axis means circles, which small steps turn into outward spirals. Clipping acts far from the
        equilibrium only and changes nothing of it.
        """
        return Verdict(float(self.eigenvalues().real.max()))

    def simulate(
        self,
        theta,
        psi,
        steps,
        learning_rate,
        update="simultaneous",
        discriminator_steps=1,
        optimizer=None,
    ):
        """Train from (theta, psi) by the model's own step; return the path.

        Args:
            theta: the generator's start.
            psi: the discriminator's start.
            steps: generator updates, >= 1.
            learning_rate: of both players, > 0.
            update: `"simultaneous"`, `"alternating"`, or any of `keras_gans.optimizers`' dynamics.
            discriminator_steps: updates of psi to one of theta.
            optimizer: a Keras optimizer, its class or its name, of which each player gets one of
                its own with `learning_rate`; gradient descent if None.

        Returns:
            float64 [steps + 1, 2], the start first.

        Raises:
            ValueError: if a value cannot be.

        Example:
            >>> path = DiracGAN("wasserstein").simulate(1.0, 0.0, 1, learning_rate=0.1)
            >>> path.round(3).tolist()
            [[1.0, 0.0], [1.0, -0.1]]
        """
        if steps < 1 or learning_rate <= 0.0:
            raise ValueError(
                f"steps must be >= 1 and learning_rate > 0, found {steps!r} and {learning_rate!r}"
            )
        rule = dynamics.get(update)
        if self.consensus:
            if not isinstance(rule, (Simultaneous, Alternating)):
                raise ValueError(f"consensus is a dynamics itself, found update={update!r} too")
            rule = dynamics.Consensus(self.consensus)
        game, real = self._game(
            generator_optimizer=_optimizer(optimizer, learning_rate),
            discriminator_optimizer=_optimizer(optimizer, learning_rate),
            dynamics=rule,
            discriminator_steps=discriminator_steps,
        )
        weights = [*game.generator_variables, *game.discriminator_variables]
        _set(weights, (theta, psi))
        batch = tf.tile(real, [discriminator_steps, 1])  # each part is a whole grid

        @tf.function(autograph=False)
        def step():
            game.train_step(batch)
            return tf.concat([tf.reshape(w, [-1]) for w in weights], axis=0)

        path = [np.array([theta, psi], np.float64)]
        path += [step().numpy().astype(np.float64) for _ in range(steps)]
        return np.stack(path)

    def _game(self, **compile_arguments):
        """Return the game as a compiled model, and its batch of real samples."""
        latent, x = keras.Input((1,)), keras.Input((1,))
        clip = None if self.clip is None else penalties.WeightClip(self.clip)
        dense = keras.layers.Dense(1, use_bias=False, kernel_constraint=clip)
        game = _Game(keras.Model(latent, _Point()(latent)), keras.Model(x, dense(x)), 1, seed=0)
        game.compile(self.loss, self.penalty, **compile_arguments)
        levels = np.zeros(1)
        if self.instance_noise:
            levels = stats.norm.ppf((np.arange(LEVELS) + 0.5) / LEVELS)
            levels *= self.instance_noise / levels.std()
        real, fake = np.meshgrid(levels, levels, indexing="ij")  # each beside each, for pairing
        game.shifts = tf.constant(fake.reshape(-1, 1), tf.float32)
        return game, tf.constant(real.reshape(-1, 1), tf.float32)

    def _at(self, theta, psi):
        if self._field is None:
            game, real = self._game()
            self._field = jacobian.Field(jacobian.Probe(game, real))
        _set(self._field.variables, (theta, psi))
        return self._field


def _optimizer(identifier, learning_rate):
    """Return a new optimizer of the kind that an optimizer, a class or a name stands for."""
    if isinstance(identifier, type):
        return identifier(learning_rate=learning_rate)
    template = keras.optimizers.get(identifier or "sgd")
    return type(template).from_config(template.get_config() | {"learning_rate": learning_rate})


def _set(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(tf.fill(variable.shape, float(value)))


def critical_gamma(loss):
    """Return the strength of R1 or R2 above which the Dirac-GAN stops turning.

        gamma = 2 |f'(0)|

    Below it the eigenvalues -gamma/2 ± sqrt(gamma²/4 - f'(0)²) are complex, and the game turns as
    it converges; above it the slower one of two real rates falls. At it convergence is fastest.
    For the two players of a game that is no zero-sum one, f'(0)² stands for the product of theirs.

    Args:
        loss: a `keras_gans.losses` object or its name.

    Example:
        >>> round(critical_gamma("minimax"), 4)
        1.0

    Reference: Mescheder et al., arXiv:1801.04406, section 3 and theorem 4.1.
    """
    return float(2.0 * np.abs(DiracGAN(loss).eigenvalues()).max())
