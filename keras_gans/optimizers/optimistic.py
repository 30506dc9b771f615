"""Optimizers that correct each step by the one before: they damp the rotation of a game."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class OptimisticSGD(keras.optimizers.Optimizer):
    """Gradient descent that goes twice this gradient forward and once the last one back.

        w <- w - lr (2 g_t - g_{t-1}),   g_0 = 0

    Args:
        learning_rate: a float or a Keras schedule.
        **kwargs: as in `keras.optimizers.Optimizer`.

    Example:
        >>> x = keras.Variable(1.0)
        >>> optimizer = OptimisticSGD(0.1)
        >>> optimizer.apply([1.0], [x])
        >>> optimizer.apply([1.0], [x])
        >>> round(float(x), 4)  # 1 - 0.2 - 0.1
        0.7

    Reference: Daskalakis et al., arXiv:1711.00141, equation 7.
    """

    def __init__(self, learning_rate=0.01, name="optimistic_sgd", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)

    def build(self, variables):
        """Make a slot for the last gradient of each variable."""
        if self.built:
            return
        super().build(variables)
        self._last = self.add_optimizer_variables(variables, "last_gradient")

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        lr, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        last = self._last[self._get_variable_index(variable)]
        self.assign_sub(variable, lr * (2.0 * gradient - last))
        self.assign(last, gradient)


@keras.saving.register_keras_serializable("keras_gans")
class OptimisticAdam(keras.optimizers.Optimizer):
    """Adam that goes twice this step forward and once the last one back.

        m <- beta_1 m + (1 - beta_1) g,   v <- beta_2 v + (1 - beta_2) g²
        s_t = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
        w <- w - lr (2 s_t - s_{t-1}),   s_0 = 0

    Args:
        learning_rate: a float or a Keras schedule.
        beta_1: decay of the mean gradient, in [0, 1).
        beta_2: decay of the mean squared gradient, in [0, 1).
        epsilon: keeps the division finite, > 0.
        **kwargs: as in `keras.optimizers.Optimizer`.

    Raises:
        ValueError: if a decay is out of its range.

    Example:
        >>> x = keras.Variable(1.0)
        >>> OptimisticAdam(0.1).apply([3.0], [x])
        >>> round(float(x), 4)  # Adam's first step is lr, whatever the gradient; here twice that
        0.8

    Reference: Daskalakis et al., arXiv:1711.00141, algorithm 1.
    """

    def __init__(
        self,
        learning_rate=1e-4,
        beta_1=0.5,
        beta_2=0.9,
        epsilon=1e-7,
        name="optimistic_adam",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not (0.0 <= beta_1 < 1.0 and 0.0 <= beta_2 < 1.0):
            raise ValueError(f"betas must lie in [0, 1), found {beta_1!r} and {beta_2!r}")
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables):
        """Make three slots for each variable."""
        if self.built:
            return
        super().build(variables)
        self._means = self.add_optimizer_variables(variables, "mean")
        self._squares = self.add_optimizer_variables(variables, "square")
        self._last = self.add_optimizer_variables(variables, "last_step")

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        lr, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square, last = self._means[index], self._squares[index], self._last[index]
        t = ops.cast(self.iterations + 1, variable.dtype)
        self.assign_add(mean, (1.0 - self.beta_1) * (gradient - mean))
        self.assign_add(square, (1.0 - self.beta_2) * (ops.square(gradient) - square))
        mean_hat = mean / (1.0 - ops.power(self.beta_1, t))
        square_hat = square / (1.0 - ops.power(self.beta_2, t))
        step = mean_hat / (ops.sqrt(square_hat) + self.epsilon)
        self.assign_sub(variable, lr * (2.0 * step - last))
        self.assign(last, step)

    def get_config(self):
        """Return the constructor's arguments."""
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return super().get_config() | own
