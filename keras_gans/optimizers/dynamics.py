"""How the two players move against each other within one step of training.

A dynamics is given to `GAN.compile(dynamics=...)`, by name or as an object. Each player keeps the
optimizer that it was given; the dynamics decides at which point the gradients are taken, in which
order they are applied, and what is added to them. In the formulas `v = (∇_D L_D, ∇_G L_G)` is the
gradient of both players, `w` their weights, and `step(v)` what the optimizers make of it.

With `discriminator_steps=k` the first k - 1 updates of the discriminator are plain ones; the rule
below holds for the last one and the generator's.
"""

import contextlib

import keras
import tensorflow as tf

from keras_gans.gradients import after, gradients
from keras_gans.registry import Configurable, resolve


class Dynamics(Configurable):
    """What a dynamics is: one step of the game.

    `game` is a `GAN`: its `update_discriminator`, `update_generator`, `discriminator_gradients`,
    `generator_gradients` and `apply` are what a step is made of. `variables` holds the dynamics'
    own state, which is saved with the model. `applications` is how often a step applies each
    player's optimizer (beyond the k - 1 plain updates).
    """

    variables = ()
    applications = 1
    needs_unscaled = False

    def build(self, game):
        """Make what state there is for a game; called by `compile`."""
        scaled = keras.optimizers.LossScaleOptimizer
        if self.needs_unscaled and isinstance(game.generator_optimizer, scaled):
            raise ValueError(
                f"{type(self).__name__} needs unscaled gradients, found mixed_float16 with a "
                "LossScaleOptimizer; use float32 or mixed_bfloat16"
            )

    def step(self, game, parts):
        """Make a step on k parts [(real, condition), ...]; return a list of dicts of scalars."""
        raise NotImplementedError


def _discriminator_updates(game, parts):
    """Let the discriminator move once for each part; return what was logged on the way."""
    fakes = game.synthesize_parts(parts)
    return [game.update_discriminator(*part, fake) for part, fake in zip(parts, fakes, strict=True)]


def _both_gradients(game, part):
    """Return both players' gradients at the present weights, and what was logged on the way."""
    discriminator, d_logs = game.discriminator_gradients(*part)
    generator, g_logs = game.generator_gradients(*part)
    return discriminator, generator, [d_logs, g_logs]


@keras.saving.register_keras_serializable("keras_gans")
class Alternating(Dynamics):
    """The discriminator moves k times, then the generator sees what became of it.

        D <- step(∇_D L_D(D, G)),  k times;    G <- step(∇_G L_G(D, G))

    Example:
        >>> get("alternating")
        Alternating()

    Reference: Goodfellow et al., arXiv:1406.2661, algorithm 1.
    """

    def step(self, game, parts):
        """Make a step."""
        logs = _discriminator_updates(game, parts)
        return [*logs, game.update_generator(*parts[-1])]


@keras.saving.register_keras_serializable("keras_gans")
class Simultaneous(Dynamics):
    """Both players move from the same point.

        w <- step(v(w))

    Reference: Mescheder et al., arXiv:1705.10461, algorithm 1.
    """

    def step(self, game, parts):
        """Make a step."""
        logs = _discriminator_updates(game, parts[:-1])
        discriminator, generator, last = _both_gradients(game, parts[-1])
        game.apply(discriminator, generator)
        return logs + last


@keras.saving.register_keras_serializable("keras_gans")
class ExtraGradient(Dynamics):
    """Both players look one step ahead, and take from where they were the gradients found there.

        w' = step(v(w)),   w <- w + [step(v(w')) from w]

    With Adam this is ExtraAdam: both gradients enter the moments, so the optimizers count two
    updates a step, and a learning-rate schedule needs twice the steps.

    Reference: Gidel et al., arXiv:1802.10551, equation 10 and algorithm 4.
    """

    applications = 2

    def step(self, game, parts):
        """Make a step."""
        logs = _discriminator_updates(game, parts[:-1])
        players = [*game.discriminator_variables, *game.generator_variables]
        before = [tf.identity(variable) for variable in players]
        game.apply(*_both_gradients(game, parts[-1])[:2])
        discriminator, generator, last = _both_gradients(game, parts[-1])
        with after(discriminator, generator):
            for variable, value in zip(players, before, strict=True):
                variable.assign(value)
        game.apply(discriminator, generator)
        return logs + last


@keras.saving.register_keras_serializable("keras_gans")
class Consensus(Dynamics):
    """Both players also make the other's gradient, and their own, smaller.

        w <- step(v(w) + weight * ∇_w 1/2 |v(w)|²)

    Args:
        weight: gamma >= 0.

    Raises:
        ValueError: if the weight is negative; from `compile`, under mixed_float16 or on several
            devices, where no device has the whole of v.

    Reference: Mescheder et al., arXiv:1705.10461, algorithm 2 (equation 6).
    """

    needs_unscaled = True

    def __init__(self, weight=10.0):
        if weight < 0.0:
            raise ValueError(f"Consensus(weight=...) must be >= 0, found {weight!r}")
        self.weight = weight

    def build(self, game):
        """Refuse a game on several devices."""
        super().build(game)
        replicas = game.distribute_strategy.num_replicas_in_sync
        if replicas > 1:
            raise ValueError(f"Consensus needs one device, found {replicas} replicas")

    def step(self, game, parts):
        """Make a step."""
        logs = _discriminator_updates(game, parts[:-1])
        players = [*game.discriminator_variables, *game.generator_variables]
        with tf.GradientTape() as tape:
            discriminator, generator, last = _both_gradients(game, parts[-1])
            both = [*discriminator, *generator]
            energy = 0.5 * tf.add_n([tf.reduce_sum(tf.square(g)) for g in both if g is not None])
        pull = gradients(tape, energy, players)
        total = [
            None if g is None else g + self.weight * p for g, p in zip(both, pull, strict=True)
        ]
        game.apply(total[: len(discriminator)], total[len(discriminator) :])
        return logs + last


@keras.saving.register_keras_serializable("keras_gans")
class Lookahead(Dynamics):
    """Every n steps both players go back part of the way to where they were n steps before.

        every n steps:   w <- slow + alpha (w - slow),   slow <- w

    Args:
        steps: n >= 1.
        alpha: the part of the way that is kept, in (0, 1].
        dynamics: how the players move in between.

    Raises:
        ValueError: if a value is out of its range.

    Reference: Chavdarova et al. (lookahead-minimax), arXiv:2006.14567, algorithm 1.
    """

    def __init__(self, steps=5, alpha=0.5, dynamics="alternating"):
        if int(steps) != steps or steps < 1:
            raise ValueError(f"Lookahead(steps=...) must be a whole number >= 1, found {steps!r}")
        if not 0.0 < alpha <= 1.0:
            raise ValueError(f"Lookahead(alpha=...) must lie in (0, 1], found {alpha!r}")
        self.steps, self.alpha, self.dynamics = int(steps), alpha, get(dynamics)
        self._slow = []
        self._count = keras.Variable(0, dtype="int64", trainable=False, name="lookahead_steps")

    @property
    def applications(self):
        """How often a step applies each optimizer."""
        return self.dynamics.applications

    @property
    def variables(self):
        """The count of steps, the slow weights, and the state of the dynamics inside."""
        return [self._count, *self._slow, *self.dynamics.variables]

    def build(self, game):
        """Make the slow weights."""
        self.dynamics.build(game)
        self._slow = [
            keras.Variable(v, dtype=v.dtype, trainable=False, name="lookahead_slow")
            for v in (*game.discriminator_variables, *game.generator_variables)
        ]

    def step(self, game, parts):
        """Make a step."""
        players = [*game.discriminator_variables, *game.generator_variables]
        starts = tf.equal(self._count.value % self.steps, 0)
        for slow, fast in zip(self._slow, players, strict=True):
            slow.assign(tf.where(starts, fast, slow))
        logs = self.dynamics.step(game, parts)
        self._count.assign_add(1)
        ends = tf.equal(self._count.value % self.steps, 0)
        for slow, fast in zip(self._slow, players, strict=True):
            fast.assign(tf.where(ends, slow + self.alpha * (fast - slow), fast))
        return logs


@keras.saving.register_keras_serializable("keras_gans")
class Unrolled(Dynamics):
    """The generator moves against the discriminator as it will be in n gradient steps.

        D_0 = D,   D_{i+1} = D_i - learning_rate ∇_D L_D(D_i, G)
        G <- step(d/dG L_G(D_n(G), G)),   through all n steps

    Args:
        steps: n >= 1.
        learning_rate: of the discriminator's imagined steps, > 0.

    Raises:
        ValueError: if a value is out of its range; from `compile`, under mixed_float16.

    Reference: Metz et al., arXiv:1611.02163, equations 7 to 9.
    """

    needs_unscaled = True

    def __init__(self, steps=5, learning_rate=0.1):
        if int(steps) != steps or steps < 1:
            raise ValueError(f"Unrolled(steps=...) must be a whole number >= 1, found {steps!r}")
        if learning_rate <= 0.0:
            raise ValueError(
                f"Unrolled(learning_rate=...) must be positive, found {learning_rate!r}"
            )
        self.steps, self.learning_rate = int(steps), learning_rate

    def step(self, game, parts):
        """Make a step."""
        logs = _discriminator_updates(game, parts)
        ahead, last = game.generator_gradients(
            *parts[-1], against=lambda *batch: self._ahead(game, *batch)
        )
        game.apply(None, ahead)
        return [*logs, last]

    @contextlib.contextmanager
    def _ahead(self, game, real, fake, condition):
        """Within it, the discriminator is the one of n steps ahead."""
        variables = game.discriminator_variables
        values = [tf.convert_to_tensor(variable) for variable in variables]
        for _ in range(self.steps):
            with tf.GradientTape() as tape:
                tape.watch(values)
                with _instead(variables, values, game.noise.generator.state):
                    terms = game.discriminator_losses(real, fake, condition)
                total = tf.add_n(list(terms.values()))
            slopes = tape.gradient(
                total, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            values = [w - self.learning_rate * s for w, s in zip(values, slopes, strict=True)]
        with _instead(variables, values, game.noise.generator.state):
            yield


@contextlib.contextmanager
def _instead(variables, values, kept):
    """Within it, variables have other values, and nothing but `kept` changes for good."""
    with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
        yield
        moved = scope.get_current_value(kept)
    if moved is not None:
        kept.assign(moved)


NAMES = {
    "alternating": Alternating,
    "simultaneous": Simultaneous,
    "extra_gradient": ExtraGradient,
    "consensus": Consensus,
    "lookahead": Lookahead,
    "unrolled": Unrolled,
}


def get(identifier):
    """Return a dynamics from its name, its class, its saved config, or itself.

    Args:
        identifier: for example `"extra_gradient"`, `Consensus(1.0)`.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones.
        TypeError: if it is not a dynamics.

    Example:
        >>> get("consensus")
        Consensus(weight=10.0)
    """
    return resolve(identifier, NAMES, Dynamics, "dynamics")
