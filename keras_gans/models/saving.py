"""How a model with two optimizers is saved whole and comes back whole."""

import keras


class SavedWhole(keras.Model):
    """What `keras.Model` lacks for saving a game of two networks.

    With it `.keras` and `.weights.h5` hold both optimizers, the averaged generator, every random
    stream, the penalty's state and the dynamics'; training after loading is bitwise what it would
    have been.
    """

    def build(self, input_shape=None):
        """Do nothing: the networks come built."""

    def get_config(self):
        """Return what `from_config` needs, the networks' own configs included."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "latent_dim": self.latent_dim,
            "packing": self.packing,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the model again from `get_config()`."""
        return cls(**_deserialize(config, custom_objects))

    def get_compile_config(self):
        """Return the arguments of `compile`, both optimizers' included."""
        if not self.compiled:
            return None
        arguments = {**self._compile_arguments, "metrics": self._scores.metrics}
        return {
            name: keras.saving.serialize_keras_object(value) for name, value in arguments.items()
        }

    def compile_from_config(self, config):
        """Compile again from `get_compile_config()`; the optimizers' state is loaded after it."""
        self.compile(**_deserialize(config))

    def _own_state(self):
        """State that Keras does not save: random streams, counters, the dynamics' slow weights."""
        streams = [v for v in self.non_trainable_variables if "seed_generator_state" in v.path]
        penalty = getattr(self, "penalty", None)
        dynamics = getattr(self, "dynamics", None)
        players = [
            getattr(self, f"{player}_optimizer", None) for player in ("generator", "discriminator")
        ]
        inner = [getattr(optimizer, "inner_optimizer", optimizer) for optimizer in players]
        schedules = [getattr(optimizer, "_learning_rate", None) for optimizer in inner]
        stateful = [getattr(part, "variables", ()) for part in (penalty, dynamics, *schedules)]
        return [*streams, *(variable for variables in stateful for variable in variables)]

    def save_own_variables(self, store):
        """Save the random streams and counters along with the model."""
        super().save_own_variables(store)
        for i, variable in enumerate(self._own_state()):
            store[f"state_{i}"] = variable

    def load_own_variables(self, store):
        """Load what `save_own_variables` saved."""
        for i, variable in enumerate(self._own_state()):
            if f"state_{i}" not in store.keys():  # noqa: SIM118
                raise ValueError(
                    f"the file lacks state_{i} of {self.name} ({variable.path}): it was saved by "
                    "a model that was built or compiled differently"
                )
            variable.assign(store[f"state_{i}"])
        super().load_own_variables(
            {k: store[k] for k in store.keys() if not k.startswith("state_")}  # noqa: SIM118
        )


def copy(network):
    """Return a network of the same architecture and weights; works for any kind of model."""
    config = keras.saving.serialize_keras_object(network)
    copy = keras.saving.deserialize_keras_object(config, safe_mode=False)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def _deserialize(config, custom_objects=None):
    """Turn the values of a saved config that stand for objects into these objects."""
    return {
        name: keras.saving.deserialize_keras_object(value, custom_objects)
        if isinstance(value, (dict, list))
        else value
        for name, value in config.items()
    }
