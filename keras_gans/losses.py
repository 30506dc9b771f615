"""The objectives of the two players, on logits.

Every loss is an object with two functions, `discriminator(real_logits, fake_logits)` and
`generator(real_logits, fake_logits)`. Logits have any shape that starts with the batch (usually
`[B, 1]`) and any range; the result is a float32 scalar that its player minimises. `r` stands for
the logits of real samples and `f` for those of generated ones; `softplus(x) = log(1 + exp(x))`.
"""

import keras
import tensorflow as tf

from keras_gans.precision import full
from keras_gans.registry import Configurable, resolve


class Loss(Configurable):
    """What a loss is: two scalar functions of the logits.

    Subclass it for a loss of your own, write both functions with TensorFlow operations, and set
    `relativistic = True` if the generator's loss reads the real logits.
    `equilibrium` is the logit that the discriminator gives to all samples when it can tell nothing.
    """

    relativistic = False
    equilibrium = 0.0  # the logit of both kinds of samples where neither player can win

    def discriminator(self, real_logits, fake_logits):
        """Return the discriminator's loss, a float32 scalar."""
        raise NotImplementedError

    def generator(self, real_logits, fake_logits):
        """Return the generator's loss, a float32 scalar; `real_logits` may be None."""
        raise NotImplementedError


def _mean_softplus(logits):
    return tf.reduce_mean(tf.nn.softplus(logits))


class _Logistic(Loss):
    """Binary cross-entropy for the discriminator, shared by the two generators below."""

    def discriminator(self, real_logits, fake_logits):
        """Return `E softplus(-r) + E softplus(f)`."""
        return _mean_softplus(-full(real_logits)) + _mean_softplus(full(fake_logits))


@keras.saving.register_keras_serializable("keras_gans")
class Minimax(_Logistic):
    """The zero-sum game of the first GAN, saturating where the discriminator wins.

    With `D = sigmoid(logits)`:

        discriminator:  -E log D(x) - E log(1 - D(G(z)))  =  E softplus(-r) + E softplus(f)
        generator:       E log(1 - D(G(z)))               = -E softplus(f)

    At the Nash equilibrium `r = f = 0`, so the losses are `2 log 2` and `-log 2`.

    Example:
        >>> loss = Minimax()
        >>> round(float(loss.generator(None, [[0.0]])), 4)
        -0.6931

    Reference: Goodfellow et al., arXiv:1406.2661, equation 1.
    """

    def generator(self, real_logits, fake_logits):
        """Return `-E softplus(f)`."""
        return -_mean_softplus(full(fake_logits))


@keras.saving.register_keras_serializable("keras_gans")
class NonSaturating(_Logistic):
    """The first GAN's loss as it is used: the generator maximises `log D(G(z))`.

        discriminator:  E softplus(-r) + E softplus(f)
        generator:     -E log D(G(z))  =  E softplus(-f)

    Example:
        >>> loss = NonSaturating()
        >>> round(float(loss.generator(None, [[0.0]])), 4)
        0.6931

    Reference: Goodfellow et al., arXiv:1406.2661, section 3.
    """

    def generator(self, real_logits, fake_logits):
        """Return `E softplus(-f)`."""
        return _mean_softplus(-full(fake_logits))


@keras.saving.register_keras_serializable("keras_gans")
class LeastSquares(Loss):
    """Squared distance to the labels `a` (fake), `b` (real) and `c` (what the generator wants).

        discriminator:  1/2 E (r - b)² + 1/2 E (f - a)²
        generator:      1/2 E (f - c)²

    Args:
        a: label of generated samples.
        b: label of real samples.
        c: label that the generator wants its samples to have.

    Example:
        >>> float(LeastSquares().discriminator([[0.0]], [[1.0]]))
        1.0

    Reference: Mao et al., arXiv:1611.04076, equations 2 and 9 (`a=0, b=c=1`).
    """

    def __init__(self, a=0.0, b=1.0, c=1.0):
        self.a, self.b, self.c = a, b, c

    @property
    def equilibrium(self):
        """The logit between both labels."""
        return 0.5 * (self.a + self.b)

    def discriminator(self, real_logits, fake_logits):
        """Return `1/2 E (r - b)² + 1/2 E (f - a)²`."""
        real = tf.reduce_mean(tf.square(full(real_logits) - self.b))
        fake = tf.reduce_mean(tf.square(full(fake_logits) - self.a))
        return 0.5 * (real + fake)

    def generator(self, real_logits, fake_logits):
        """Return `1/2 E (f - c)²`."""
        return 0.5 * tf.reduce_mean(tf.square(full(fake_logits) - self.c))


@keras.saving.register_keras_serializable("keras_gans")
class Wasserstein(Loss):
    """The difference of the critic's means; needs a critic that is kept Lipschitz.

        discriminator:  E f - E r      (minus the estimate of the Wasserstein-1 distance)
        generator:     -E f

    Example:
        >>> float(Wasserstein().discriminator([[3.0]], [[1.0]]))
        -2.0

    Reference: Arjovsky et al., arXiv:1701.07875, equations 2 and 3.
    """

    def discriminator(self, real_logits, fake_logits):
        """Return `E f - E r`."""
        return tf.reduce_mean(full(fake_logits)) - tf.reduce_mean(full(real_logits))

    def generator(self, real_logits, fake_logits):
        """Return `-E f`."""
        return -tf.reduce_mean(full(fake_logits))


@keras.saving.register_keras_serializable("keras_gans")
class Hinge(Loss):
    """The margin loss of SN-GAN, SAGAN and BigGAN.

        discriminator:  E max(0, 1 - r) + E max(0, 1 + f)
        generator:     -E f

    Example:
        >>> float(Hinge().discriminator([[2.0]], [[0.0]]))
        1.0

    Reference: Miyato et al., arXiv:1802.05957, equations 16 and 17.
    """

    def discriminator(self, real_logits, fake_logits):
        """Return `E max(0, 1 - r) + E max(0, 1 + f)`."""
        real = tf.reduce_mean(tf.nn.relu(1.0 - full(real_logits)))
        fake = tf.reduce_mean(tf.nn.relu(1.0 + full(fake_logits)))
        return real + fake

    def generator(self, real_logits, fake_logits):
        """Return `-E f`."""
        return -tf.reduce_mean(full(fake_logits))


def _both(loss, real_logits, fake_logits):
    """Both logits as float32, or an error if the real ones are missing."""
    if real_logits is None:
        raise ValueError(
            f"{type(loss).__name__} compares real with generated samples: its generator loss "
            "needs real_logits, found None"
        )
    return full(real_logits), full(fake_logits)


@keras.saving.register_keras_serializable("keras_gans")
class RelativisticPairing(Loss):
    """Each generated sample against one real sample.

        discriminator:  E softplus(-(r - f))
        generator:      E softplus(-(f - r))

    With `R1` and `R2` it converges locally.

    Raises:
        ValueError: if the two logits differ in shape, since they would be paired wrongly.

    Example:
        >>> round(float(RelativisticPairing().discriminator([[1.0]], [[1.0]])), 4)
        0.6931

    Reference: Jolicoeur-Martineau, arXiv:1807.00734, section 4.1; Huang et al. (R3GAN),
    arXiv:2501.05441, equation 2.
    """

    relativistic = True

    def discriminator(self, real_logits, fake_logits):
        """Return `E softplus(f - r)`."""
        real, fake = _both(self, real_logits, fake_logits)
        if not real.shape.is_compatible_with(fake.shape):
            raise ValueError(
                f"RelativisticPairing needs one real logit for each generated one, found shapes "
                f"{real.shape} and {fake.shape}"
            )
        return _mean_softplus(fake - real)

    def generator(self, real_logits, fake_logits):
        """Return `E softplus(r - f)`."""
        real, fake = _both(self, real_logits, fake_logits)
        return self.discriminator(fake, real)


@keras.saving.register_keras_serializable("keras_gans")
class RelativisticAverage(Loss):
    """Each sample against the average of the other kind.

        discriminator:  E softplus(-(r - E f)) + E softplus(f - E r)
        generator:      E softplus(-(f - E r)) + E softplus(r - E f)

    Example:
        >>> round(float(RelativisticAverage().generator([[1.0]], [[1.0]])), 4)
        1.3863

    Reference: Jolicoeur-Martineau, arXiv:1807.00734, section 4.2 (RaSGAN).
    """

    relativistic = True

    def discriminator(self, real_logits, fake_logits):
        """Return `E softplus(-(r - E f)) + E softplus(f - E r)`."""
        real, fake = _both(self, real_logits, fake_logits)
        return _mean_softplus(tf.reduce_mean(fake) - real) + _mean_softplus(
            fake - tf.reduce_mean(real)
        )

    def generator(self, real_logits, fake_logits):
        """Return `E softplus(-(f - E r)) + E softplus(r - E f)`."""
        real, fake = _both(self, real_logits, fake_logits)
        return self.discriminator(fake, real)


def slope(loss):
    """Return how hard both players pull at their equilibrium: f'(0) of the Dirac-GAN.

        sqrt(|dL_D/df * dL_G/df|)   at r = f = loss.equilibrium

    Args:
        loss: a loss or its name.

    Example:
        >>> slope("minimax"), slope("wasserstein")
        (0.5, 1.0)

    Reference: Mescheder et al., arXiv:1801.04406, definition 2.1 and lemma 2.2.
    """
    loss = get(loss)
    real = tf.constant([[float(loss.equilibrium)]])
    fake = tf.identity(real)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(fake)
        discriminator, generator = loss.discriminator(real, fake), loss.generator(real, fake)
    pulls = [float(tape.gradient(value, fake)[0, 0]) for value in (discriminator, generator)]
    return abs(pulls[0] * pulls[1]) ** 0.5


NAMES = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "least_squares": LeastSquares,
    "wasserstein": Wasserstein,
    "hinge": Hinge,
    "relativistic_pairing": RelativisticPairing,
    "relativistic_average": RelativisticAverage,
}


def get(identifier):
    """Return a loss from its name, its class, its saved config, or itself.

    Args:
        identifier: for example `"wasserstein"`, `Wasserstein`, `Wasserstein()`.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones.
        TypeError: if it is not a loss.

    Example:
        >>> get("least_squares")
        LeastSquares(a=0.0, b=1.0, c=1.0)
    """
    return resolve(identifier, NAMES, Loss, "loss")
