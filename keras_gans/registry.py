"""Named, configurable objects: what `losses.get("wasserstein")` and saving a model rest on."""

import inspect
import re

import keras


class Configurable:
    """An object whose constructor arguments are kept as attributes of the same names."""

    def get_config(self):
        """Return the constructor's arguments."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config):
        """Make the object again from `get_config()`."""
        return cls(**config)

    def __repr__(self):
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def snake_case(name):
    """Return `"least_squares"` for `"LeastSquares"`; snake case stays as it is."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def resolve(identifier, known, base, kind, *arguments):
    """Return the object that a name, a class, a saved config or the object itself stands for.

    Args:
        identifier: what the caller gave.
        known: dict of snake-case names to classes.
        base: the class that the result must be an instance of.
        kind: `"loss"` or `"penalty"`, for the message.
        *arguments: passed to the class when `identifier` is a name or a class.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones.
        TypeError: if `identifier` is none of these things.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str):
        name = snake_case(identifier)
        if name not in known:
            raise ValueError(
                f"unknown {kind} {identifier!r}; known are: {', '.join(sorted(known))}"
            )
        identifier = known[name]
    if isinstance(identifier, type) and issubclass(identifier, base):
        identifier = identifier(*arguments)
    if not isinstance(identifier, base):
        raise TypeError(
            f"a {kind} must be a name ({', '.join(sorted(known))}) or an instance of "
            f"keras_gans.{base.__module__.rpartition('.')[2]}.{base.__name__}, "
            f"found {identifier!r} of type {type(identifier).__name__}"
        )
    return identifier
