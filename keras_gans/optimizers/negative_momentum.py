"""Gradient descent with a momentum that may be negative, which Keras's own SGD refuses."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class NegativeMomentum(keras.optimizers.Optimizer):
    """Gradient descent with heavy-ball momentum of either sign.

        w_{t+1} = w_t - lr g_t + momentum (w_t - w_{t-1})

    A negative momentum damps the rotation of a game; it takes alternating updates.

    Args:
        learning_rate: a float or a Keras schedule.
        momentum: in (-1, 1), usually negative.
        **kwargs: as in `keras.optimizers.Optimizer`.

    Raises:
        ValueError: if the momentum is out of its range.

    Example:
        >>> x = keras.Variable(1.0)
        >>> optimizer = NegativeMomentum(0.1, momentum=-0.5)
        >>> optimizer.apply([1.0], [x])
        >>> optimizer.apply([1.0], [x])
        >>> round(float(x), 4)  # 0.9, then 0.9 - 0.1 + 0.5 * 0.1
        0.85

    Reference: Gidel et al., arXiv:1807.04740, equation 3.
    """

    def __init__(self, learning_rate=0.01, momentum=-0.5, name="negative_momentum", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not -1.0 < momentum < 1.0:
            raise ValueError(f"momentum must lie in (-1, 1), found {momentum!r}")
        self.momentum = momentum

    def build(self, variables):
        """Make a slot for the last step of each variable."""
        if self.built:
            return
        super().build(variables)
        self._last = self.add_optimizer_variables(variables, "last_step")

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        lr, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        last = self._last[self._get_variable_index(variable)]
        self.assign(last, self.momentum * last - lr * gradient)
        self.assign_add(variable, last)

    def get_config(self):
        """Return the constructor's arguments."""
        return super().get_config() | {"momentum": self.momentum}
