"""A state to come back to, and a learning rate that can be cut whatever it is made of."""

import keras
import numpy as np


class GoodState:
    """All that training changes in a game, copied to memory.

    That is both networks, the averaged generator, both optimizers, the random streams, and the
    state of penalty, dynamics and schedules. The means that `fit` shows are left out.

    Args:
        game: a compiled `GAN`.

    Example:
        >>> gan = kg.GAN(*kg.networks.mlp((2,), latent_dim=4), latent_dim=4)
        >>> gan.compile()
        >>> good = GoodState(gan)
        >>> gan.generator.trainable_variables[0].assign_add(tf.ones([4, 64]))  # doctest: +SKIP
        >>> good.restore()
        >>> good.step
        0
    """

    def __init__(self, game):
        self._variables = game.training_variables()
        self.values = [np.array(variable) for variable in self._variables]
        self.step = game.step

    @classmethod
    def of(cls, game, values, step):
        """Return a state of a game that was kept at an earlier time, as its `values`."""
        state = cls(game)
        shapes = [[value.shape for value in one] for one in (state.values, values)]
        if shapes[0] != shapes[1]:
            raise ValueError("the state to roll back to is of another model")
        state.values, state.step = list(values), step
        return state

    @property
    def finite(self):
        """Whether no number in it is NaN or infinite."""
        floats = (v for v in self.values if np.issubdtype(v.dtype, np.floating))
        return all(np.isfinite(value).all() for value in floats)

    def restore(self):
        """Bring the game back to it, bit for bit."""
        for variable, value in zip(self._variables, self.values, strict=True):
            variable.assign(value)


@keras.saving.register_keras_serializable("keras_gans")
class CutSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule times a factor that can be changed while training runs.

        scale * schedule(step)

    Keras lets nobody assign to a learning rate that is a schedule. Where training is to be rolled
    back and its learning rate cut, `StopOnDivergence` puts this around a schedule; do so yourself
    if the model was trained before.

    Args:
        schedule: a `keras.optimizers.schedules.LearningRateSchedule`.
        scale: the factor at the start, >= 0.

    Example:
        >>> decay = CutSchedule(keras.optimizers.schedules.PolynomialDecay(0.5, 10, 0.0))
        >>> decay.scale.assign(0.5)  # doctest: +SKIP
        >>> float(decay(0))
        0.5
    """

    def __init__(self, schedule, scale=1.0):
        self.schedule = schedule
        self.scale = keras.Variable(scale, dtype="float32", trainable=False, name="learning_scale")

    @property
    def variables(self):
        """The factor; it is saved with the model."""
        return [self.scale]

    def __call__(self, step):
        """Return the learning rate at a step."""
        return keras.ops.multiply(self.scale, self.schedule(step))

    def get_config(self):
        """Return the constructor's arguments, with the factor as it is now."""
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "scale": float(self.scale.numpy())}

    @classmethod
    def from_config(cls, config):
        """Make the schedule again from `get_config()`."""
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["scale"])


def make_cuttable(game):
    """Put a `CutSchedule` around both optimizers' learning rates where these are schedules.

    Raises:
        ValueError: if a learning rate is neither a number nor a schedule, or if the compiled step
            has a schedule in it already and would not see the factor.
    """
    for optimizer in _optimizers(game):
        rate = optimizer._learning_rate
        if isinstance(rate, (keras.Variable, CutSchedule)):
            continue
        if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            raise ValueError(
                f"the learning rate of {optimizer.name!r} must be a number or a Keras schedule to "
                f"be cut, found {rate!r}"
            )
        if getattr(game._step, "experimental_get_tracing_count", int)():
            raise ValueError(
                f"the learning rate of {optimizer.name!r} is a {type(rate).__name__} that the "
                "compiled step already has in it, so that it cannot be cut any more; put "
                "keras_gans.callbacks.CutSchedule around it before compile"
            )
        optimizer.learning_rate = CutSchedule(rate)


def cut_learning_rates(game, factor):
    """Multiply both learning rates; return the present ones, (generator's, discriminator's)."""
    for optimizer in _optimizers(game):
        rate = optimizer._learning_rate
        variable = rate.scale if isinstance(rate, CutSchedule) else rate
        variable.assign(variable * factor)
    return tuple(float(np.array(optimizer.learning_rate)) for optimizer in _optimizers(game))


def _optimizers(game):
    """Return both players' optimizers, without the wrapping that float16 needs."""
    both = (game.generator_optimizer, game.discriminator_optimizer)
    return [getattr(optimizer, "inner_optimizer", optimizer) for optimizer in both]
