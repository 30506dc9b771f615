"""Adam by TensorFlow's fused kernel: one pass over each variable in place of ten."""

import keras
import tensorflow as tf


def apply(optimizer, gradients, variables):
    """Let an optimizer apply gradients; plain Adam on one device by the fused kernel.

    The update is that of `keras.optimizers.Adam`, and so are the variables it keeps:

        m <- m + (1 - beta_1) (g - m),   v <- v + (1 - beta_2) (g^2 - v)
        w <- w - rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    Every other optimizer, and Adam with clipping, weight decay, averages or constraints on the
    weights, goes its own way.

    Args:
        optimizer: a built `keras.optimizers.Optimizer`.
        gradients: a list of tensors, or None where there is none.
        variables: as many `keras.Variable`s.

    Reference: Kingma and Ba, arXiv:1412.6980, the last formula of section 2.
    """
    if not _plain(optimizer, gradients, variables):
        optimizer.apply(gradients, variables)
        return
    kinds = {variable.dtype for variable in variables}
    rate = optimizer.learning_rate
    constants = {kind: _constants(optimizer, rate, tf.as_dtype(kind)) for kind in kinds}
    for gradient, variable in zip(gradients, variables, strict=True):
        index = optimizer._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.value.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            grad=tf.cast(gradient, variable.dtype),
            **constants[variable.dtype],
        )
    optimizer.iterations.assign_add(1)


def _constants(optimizer, rate, kind):
    beta_1, beta_2 = tf.constant(optimizer.beta_1, kind), tf.constant(optimizer.beta_2, kind)
    t = tf.cast(optimizer.iterations.value + 1, kind)
    return {
        "beta1_power": tf.pow(beta_1, t),
        "beta2_power": tf.pow(beta_2, t),
        "lr": tf.cast(rate, kind),
        "beta1": beta_1,
        "beta2": beta_2,
        "epsilon": tf.constant(optimizer.epsilon, kind),
    }


def _plain(optimizer, gradients, variables):
    options = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor")
    return (
        type(optimizer) is keras.optimizers.Adam
        and not (optimizer.amsgrad or optimizer.use_ema or optimizer.gradient_accumulation_steps)
        and all(getattr(optimizer, option) is None for option in options)
        and all(isinstance(gradient, tf.Tensor) for gradient in gradients)
        and all(v.constraint is None and not v.overwrite_with_gradient for v in variables)
        and not tf.distribute.has_strategy()
    )
