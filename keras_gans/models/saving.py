"""How a model with two optimizers is saved whole and comes back whole."""

import keras


class SavedWhole(keras.Model):
    """What `keras.Model` lacks for saving a game of two networks.

    With it `.keras` and `.weights.h5` hold both optimizers, the averaged generator, every random
    stream, the penalty's state and the dynamics'; training after loading is bitwise what it would
    have been.

    What a model must do to be resumable. Whatever training changes has to come back, so it lies in

    1. a network, layer or optimizer that is an attribute of the model (an encoder, a third
       optimizer): Keras saves it, and nothing is left to do. A `keras.random.SeedGenerator`, or a
       layer with one, is found too;
    2. a `keras.Variable` in an object that is none of Keras's (an augmentation's probability, in
       its controller): return it from `extra_variables`;
    3. what decides how many variables there are (how far a network has grown): tell it by
       `structure`, and `restructure` makes it again in a fresh model before variables are loaded.

    Nothing that changes may be a plain Python number: the compiled step would not see it change.
    The constructor's arguments enter `get_config`. tests/models/test_resumable.py holds each model
    in its table to that: it finds every variable within reach of the model, saves, loads into a
    fresh one, trains both on, and compares bits. A new model joins by a line.
    """

    def extra_variables(self):
        """Return the `keras.Variable`s of the model that Keras does not know of.

        A family that overrides it adds to what `super()` returns, always in the same order.
        """
        return []

    def structure(self):
        """Return a JSON-ready dict of what `restructure` needs; a checkpoint's manifest has it."""
        return {}

    def restructure(self, structure):
        """Bring a fresh, compiled model to the shape that `structure()` of a trained one tells."""

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
        inner = [
            getattr(optimizer, "inner_optimizer", optimizer) for optimizer in _optimizers(self)
        ]
        schedules = [getattr(optimizer, "_learning_rate", None) for optimizer in inner]
        parts = (getattr(self, "penalty", None), getattr(self, "dynamics", None), *schedules)
        stateful = [getattr(part, "variables", ()) for part in parts]
        return [
            *streams,
            *(variable for variables in stateful for variable in variables),
            *self.extra_variables(),
        ]

    def training_variables(self):
        """Return each variable that training changes, once; not the means that `fit` shows."""
        shown = {id(v) for metric in self.metrics for v in metric.variables}
        changing = [
            *self.variables,
            *(variable for optimizer in _optimizers(self) for variable in optimizer.variables),
            *self._own_state(),
        ]
        return list({id(v): v for v in changing if id(v) not in shown}.values())

    def save_own_variables(self, store):
        """Save the random streams and counters along with the model."""
        _keep_skipsets()
        super().save_own_variables(store)
        for i, variable in enumerate(self._own_state()):
            store[f"state_{i}"] = variable

    def load_own_variables(self, store):
        """Load what `save_own_variables` saved."""
        _keep_skipsets()
        for i, variable in enumerate(self._own_state()):
            if f"state_{i}" not in store.keys():  # noqa: SIM118
                raise ValueError(
                    f"the file lacks state_{i} of {self.name} ({variable.path}): it was saved by "
                    "a model that was built or compiled differently"
                )
            variable.assign(store[f"state_{i}"])
        if f"state_{len(self._own_state())}" in store.keys():  # noqa: SIM118
            raise ValueError(
                f"the file has more state than {self.name}: it was saved by a model that was built "
                "or compiled differently"
            )
        super().load_own_variables(
            {k: store[k] for k in store.keys() if not k.startswith("state_")}  # noqa: SIM118
        )


def _keep_skipsets():
    """Let Keras find the lists that it made before: what to pass over in an object of some kind.

    Keras 3.15 keeps them by one name and looks for them by another. For each optimizer that it
    saves it thus makes one more, of which 70 KB are never freed: a run that is saved often grows.
    """
    try:
        from keras.src.backend.common import global_state
        from keras.src.saving.saving_lib import get_attr_skipset
    except ImportError:  # another Keras
        return
    for kind in ("Operation", "Layer", "Functional", "Sequential", "Metric", "Optimizer"):
        name = f"saving_attr_skiplist_{kind}"
        if global_state.get_global_attribute(name) is None:
            global_state.set_global_attribute(name, get_attr_skipset(kind))


def copy(network):
    """Return a network of the same architecture and weights; works for any kind of model."""
    config = keras.saving.serialize_keras_object(network)
    copy = keras.saving.deserialize_keras_object(config, safe_mode=False)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def _optimizers(model):
    """Return the optimizers among a model's attributes, by name; none before `compile`."""
    held = sorted(vars(model).items())
    return [value for _, value in held if isinstance(value, keras.optimizers.Optimizer)]


def _deserialize(config, custom_objects=None):
    """Turn the values of a saved config that stand for objects into these objects."""
    return {
        name: keras.saving.deserialize_keras_object(value, custom_objects)
        if isinstance(value, (dict, list))
        else value
        for name, value in config.items()
    }
