"""Penalties on the discriminator's input gradient, and the weight clip of the first WGAN.

A penalty is called as `penalty(discriminate, real, fake)`, where `discriminate` maps samples
`[B, ...]` to logits, and returns a float32 scalar that is added to the discriminator's loss. The
gradients are taken by a tape of its own inside the training step's tape, in float32 (float64 where
the samples are). `noise` is where random numbers come from: the model gives its own tracked stream,
else `tf.random` serves. A `discriminate` with a method `input_gradient(x)` may know it already.
"""

import keras
import tensorflow as tf

from keras_gans.precision import full
from keras_gans.registry import Configurable, resolve

EPSILON = 1e-12  # in a square root: keeps the derivative of a norm finite at zero


def input_gradient(discriminate, x):
    """Return d(sum of logits)/dx, float32 of x's shape.

    Raises:
        ValueError: if the logits do not depend on x in a differentiable way.
    """
    x = full(x)
    gradient = discriminate.input_gradient(x) if hasattr(discriminate, "input_gradient") else None
    if gradient is None:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits = full(discriminate(x))
        gradient = tape.gradient(logits, x)
    if gradient is None:
        raise ValueError(
            "the discriminator's logits have no gradient with respect to its input: found None, "
            "expected a tensor; is there a rounding, an argmax or a NumPy call in it?"
        )
    return gradient


def squared_norm(gradient):
    """Return the sum of squares over all axes but the batch: [B, ...] -> [B]."""
    return tf.reduce_sum(tf.square(gradient), axis=list(range(1, len(gradient.shape))))


def _per_sample(x):
    """Shape [B, 1, ..., 1]: one number for each sample of x."""
    return tf.concat([tf.shape(x)[:1], tf.ones([len(x.shape) - 1], tf.int32)], axis=0)


class Penalty(Configurable):
    """What a penalty is: a float32 scalar of the discriminator and two batches.

    `variables` holds the penalty's own state, which is saved with the model. `shares` tells of
    which batches, "real" and "fake", it takes the gradient at every call: the logits of these are
    computed for the loss anyway.
    """

    variables = ()
    shares = ()

    def __call__(self, discriminate, real, fake, noise=tf.random):
        """Return the penalty, a float32 scalar."""
        raise NotImplementedError

    def parts(self):
        """Return the penalties that this one is made of; itself, if it is a plain one."""
        return [self]

    def steady(self):
        """Return the penalty that is at every call what this one is on average."""
        return self


class GradientNorm(Penalty):
    """A penalty on the norm of the gradient somewhere, whose strength may be `"auto"`.

    An automatic strength is a variable that `GAN.fit` sets once, before the first step (see
    `keras_gans.models.autotune`); it is saved with the model. `bend` is the second derivative of
    the penalty by the norm, at a strength of 1.
    """

    bend = 1.0

    def __init__(self, strength):
        if strength == "auto":
            self._strength = keras.Variable(0.0, trainable=False, name="penalty_strength")
        elif isinstance(strength, str) or not strength >= 0.0:
            raise ValueError(
                f"the strength of {type(self).__name__} must be a number >= 0 or 'auto', found "
                f"{strength!r}"
            )
        else:
            self._strength = strength

    @property
    def variables(self):
        """The strength, where it is automatic."""
        return [self._strength] if isinstance(self._strength, keras.Variable) else []

    @property
    def strength(self):
        """The number in use: a scalar; 0 where an automatic one is not set yet."""
        return self._strength.value if self.variables else self._strength

    def points(self, real, fake, noise=tf.random):
        """Return the samples at which the gradient is taken."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("keras_gans")
class GradientPenalty(GradientNorm):
    """WGAN-GP: the gradient's norm is drawn to `target` between real and generated samples.

        weight * E (|∇D(x̂)| - target)²,   x̂ = a x + (1 - a) G(z),   a ~ U[0, 1] per sample

    With `one_sided`, `max(0, |∇D(x̂)| - target)²`: smaller gradients are free.

    Args:
        weight: lambda, >= 0; or "auto", the Dirac-GAN's critical value times the loss's pull and
            divided by how strongly the norm reacts to the weights, before the first step.
        target: the norm aimed at, >= 0; 0 gives a zero-centred penalty on interpolates.
        one_sided: penalise only norms above the target.

    Example:
        >>> penalty = GradientPenalty(10.0)
        >>> double = lambda x: 2.0 * x  # |gradient| = 2 everywhere
        >>> round(float(penalty(double, tf.zeros([4, 1]), tf.ones([4, 1]))), 4)
        10.0

    Reference: Gulrajani et al., arXiv:1704.00028, equation 3; one-sided: Petzka et al.,
    arXiv:1709.08894, equation 8.
    """

    bend = 2.0

    def __init__(self, weight=10.0, target=1.0, one_sided=False):
        super().__init__(weight)
        self.weight, self.target, self.one_sided = weight, target, one_sided

    def points(self, real, fake, noise=tf.random):
        """Return samples between real and generated ones."""
        real, fake = full(real), full(fake)
        alpha = tf.cast(noise.uniform(_per_sample(real)), real.dtype)
        return fake + alpha * (real - fake)

    def __call__(self, discriminate, real, fake, noise=tf.random):
        """Return the penalty, a float32 scalar."""
        gradient = input_gradient(discriminate, self.points(real, fake, noise))
        excess = tf.sqrt(squared_norm(gradient) + EPSILON) - self.target
        if self.one_sided:
            excess = tf.nn.relu(excess)
        return tf.cast(self.strength, gradient.dtype) * tf.reduce_mean(tf.square(excess))


@keras.saving.register_keras_serializable("keras_gans")
class R1(GradientNorm):
    """The squared gradient on real samples.

        gamma / 2 * E |∇D(x)|²

    Args:
        gamma: strength, >= 0; or "auto", the Dirac-GAN's critical value divided by how
            strongly the discriminator's slopes react to its weights before the first step.

    Example:
        >>> double = lambda x: 2.0 * x
        >>> float(R1(1.0)(double, tf.zeros([4, 1]), None))
        2.0

    Reference: Mescheder et al., arXiv:1801.04406, equation 9.
    """

    shares = ("real",)

    def __init__(self, gamma=10.0):
        super().__init__(gamma)
        self.gamma = gamma

    def points(self, real, fake, noise=tf.random):
        """Return the real samples."""
        return real

    def __call__(self, discriminate, real, fake, noise=tf.random):
        """Return the penalty, a float32 scalar."""
        gradient = input_gradient(discriminate, self.points(real, fake, noise))
        return 0.5 * tf.cast(self.strength, gradient.dtype) * tf.reduce_mean(squared_norm(gradient))


@keras.saving.register_keras_serializable("keras_gans")
class R2(R1):
    """The squared gradient on generated samples.

        gamma / 2 * E |∇D(G(z))|²

    Args:
        gamma: strength, >= 0; or "auto", as for `R1`.

    Example:
        >>> double = lambda x: 2.0 * x
        >>> float(R2(1.0)(double, None, tf.zeros([4, 1])))
        2.0

    Reference: Mescheder et al., arXiv:1801.04406, equation 10.
    """

    shares = ("fake",)

    def points(self, real, fake, noise=tf.random):
        """Return the generated samples."""
        return fake


@keras.saving.register_keras_serializable("keras_gans")
class Dragan(Penalty):
    """The gradient's norm is drawn to 1 around the real samples.

        weight * E (|∇D(x + d)| - 1)²,   d ~ N(0, noise² I)

    Args:
        weight: lambda, >= 0.
        noise: standard deviation of the perturbation, in units of the samples, >= 0.

    Example:
        >>> double = lambda x: 2.0 * x
        >>> round(float(Dragan(10.0)(double, tf.zeros([4, 1]), None)), 4)
        10.0

    Reference: Kodali et al., arXiv:1705.07215, equation 4 (`noise` is the root of its c).
    """

    def __init__(self, weight=10.0, noise=0.1):
        self.weight, self.noise = weight, noise

    def __call__(self, discriminate, real, fake, noise=tf.random):
        """Return the penalty, a float32 scalar."""
        real = full(real)
        perturbed = real + self.noise * tf.cast(noise.normal(tf.shape(real)), real.dtype)
        norm = tf.sqrt(squared_norm(input_gradient(discriminate, perturbed)) + EPSILON)
        return self.weight * tf.reduce_mean(tf.square(norm - 1.0))


@keras.saving.register_keras_serializable("keras_gans")
class Sum(Penalty):
    """Several penalties added up.

    Example:
        >>> both = Sum(R1(1.0), R2(1.0))
        >>> double = lambda x: 2.0 * x
        >>> float(both(double, tf.zeros([4, 1]), tf.zeros([4, 1])))
        4.0
    """

    def __init__(self, *penalties):
        if len(penalties) == 1 and isinstance(penalties[0], (list, tuple)):
            penalties = penalties[0]
        self.penalties = [get(penalty) for penalty in penalties]

    @property
    def variables(self):
        """The state of all parts."""
        return [variable for penalty in self.penalties for variable in penalty.variables]

    @property
    def shares(self):
        """The batches that any part takes its gradient at."""
        return tuple(sorted({name for penalty in self.penalties for name in penalty.shares}))

    def __call__(self, discriminate, real, fake, noise=tf.random):
        """Return the sum, a float32 scalar."""
        return tf.add_n([penalty(discriminate, real, fake, noise) for penalty in self.penalties])

    def parts(self):
        """Return the parts of all of them."""
        return [part for penalty in self.penalties for part in penalty.parts()]

    def steady(self):
        """Return the sum of what its parts are on average."""
        return Sum(*(penalty.steady() for penalty in self.penalties))

    @classmethod
    def from_config(cls, config):
        """Make the sum again from `get_config()`."""
        return cls(*config["penalties"])


@keras.saving.register_keras_serializable("keras_gans")
class Lazy(Penalty):
    """A penalty taken at every n-th call only, and n times as strong there.

        every * penalty   at calls 0, every, 2 every, ...;   0 at the others

    The average strength is unchanged and most of the cost saved. The count of calls is part of the
    model's state.

    Args:
        penalty: any penalty, or its name.
        every: a whole number >= 1.

    Example:
        >>> lazy = Lazy(R1(1.0), every=2)
        >>> double = lambda x: 2.0 * x
        >>> [float(lazy(double, tf.zeros([4, 1]), None)) for _ in range(3)]
        [4.0, 0.0, 4.0]

    Reference: Karras et al., arXiv:1912.04958, section 3.1.
    """

    def __init__(self, penalty, every=16):
        if int(every) != every or every < 1:
            raise ValueError(f"Lazy(every=...) must be a whole number >= 1, found {every!r}")
        self.penalty, self.every = get(penalty), int(every)
        self.calls = keras.Variable(0, dtype="int64", trainable=False, name="lazy_calls")

    def parts(self):
        """Return the parts of the penalty inside."""
        return self.penalty.parts()

    def steady(self):
        """Return the penalty inside."""
        return self.penalty.steady()

    @property
    def variables(self):
        """The count of calls, and the state of the penalty inside."""
        return [self.calls, *self.penalty.variables]

    def __call__(self, discriminate, real, fake, noise=tf.random):
        """Return the penalty or zero, a float32 scalar."""
        due = tf.equal(self.calls.value % self.every, 0)
        self.calls.assign_add(1)
        kind = full(fake if real is None else real).dtype
        return tf.cond(
            due,
            lambda: self.every * self.penalty(discriminate, real, fake, noise),
            lambda: tf.zeros([], kind),
        )


@keras.saving.register_keras_serializable("keras_gans")
class WeightClip(keras.constraints.Constraint):
    """The first WGAN's way to a Lipschitz critic: every weight is clipped after every update.

        w <- min(max(w, -limit), limit)

    A Keras constraint: give it as `kernel_constraint` and `bias_constraint` to the critic's layers,
    or as `discriminator_constraint` to the functions in `keras_gans.networks`.

    Args:
        limit: c > 0.

    Example:
        >>> WeightClip(0.01)(tf.constant([-1.0, 0.005])).numpy().tolist()
        [-0.009999999776482582, 0.004999999888241291]

    Reference: Arjovsky et al., arXiv:1701.07875, algorithm 1.
    """

    def __init__(self, limit=0.01):
        if limit <= 0:
            raise ValueError(f"WeightClip(limit=...) must be positive, found {limit!r}")
        self.limit = limit

    def __call__(self, w):
        """Return the clipped weights."""
        return keras.ops.clip(w, -self.limit, self.limit)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"limit": self.limit}


NAMES = {"gradient_penalty": GradientPenalty, "r1": R1, "r2": R2, "dragan": Dragan}


def get(identifier, weight=None):
    """Return a penalty from its name, its class, its saved config, or itself; None stays None.

    Names can be added up: `"r1+r2"`.

    Args:
        identifier: for example `"gradient_penalty"`, `R1(10.0)`, `"none"`.
        weight: the penalty's strength (lambda or gamma) where a name is given; None keeps the
            default.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones.
        TypeError: if it is not a penalty.

    Example:
        >>> get("r1+r2", weight=1.0)
        Sum(penalties=[R1(gamma=1.0), R2(gamma=1.0)])
    """
    if identifier is None or identifier == "none":
        return None
    if isinstance(identifier, str) and "+" in identifier:
        return Sum(*(get(name.strip(), weight) for name in identifier.split("+")))
    return resolve(identifier, NAMES, Penalty, "penalty", *([] if weight is None else [weight]))
