"""The fused Adam is Keras's Adam."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same

from keras_gans.optimizers import fused

RATE = keras.optimizers.schedules.CosineDecay(0.1, 10)


def variables(dtype="float32", constraint=None):
    rng = np.random.default_rng(0)
    made = [keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in [(3, 2), (2,)]]
    for variable in made:
        variable.constraint = constraint
    return made


def moved(apply, optimizer, dtype="float32", constraint=None, steps=5):
    """Return variables and optimizer state after some steps."""
    held, rng = variables(dtype, constraint), np.random.default_rng(1)
    optimizer.build(held)

    @tf.function(autograph=False)
    def step(gradients):
        apply(optimizer, gradients, held)

    for _ in range(steps):
        step([tf.constant(rng.normal(size=v.shape), v.dtype) for v in held])
    return [v.numpy() for v in (*held, *optimizer.variables)]


def plainly(optimizer, gradients, held):
    optimizer.apply(gradients, held)


def written_out(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, steps=5):
    """Kingma and Ba, arXiv:1412.6980, the last formula of section 2, in float64."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(3, 2)), rng.normal(size=(2,))]
    m, v = [0.0, 0.0], [0.0, 0.0]
    rng = np.random.default_rng(1)
    for t in range(1, steps + 1):
        rate = learning_rate(t - 1).numpy() if callable(learning_rate) else learning_rate
        scaled = float(np.float32(rate)) * (1 - beta_2**t) ** 0.5 / (1 - beta_1**t)
        for i, weight in enumerate(weights):
            g = rng.normal(size=weight.shape)
            m[i] = beta_1 * m[i] + (1 - beta_1) * g
            v[i] = beta_2 * v[i] + (1 - beta_2) * g**2
            weight -= scaled * m[i] / (np.sqrt(v[i]) + epsilon)
    return weights


@pytest.mark.parametrize(
    "arguments",
    [
        {"learning_rate": 1e-4, "beta_1": 0.0, "beta_2": 0.9},
        {"learning_rate": 0.1, "beta_1": 0.5, "epsilon": 1e-3},
        {"learning_rate": RATE},
    ],
    ids=["wgan_gp", "epsilon", "schedule"],
)
def test_the_fused_kernel_is_adam(arguments):
    adam = keras.optimizers.Adam
    assert fused._plain(adam(**arguments), [tf.zeros([2])], variables()[1:])
    in_float64 = moved(fused.apply, adam(**arguments), "float64")
    assert_same(in_float64[:2], written_out(**arguments), atol=1e-12)
    # In float32 Keras rounds 1 - beta_2 before it is used, the kernel after.
    ours, keras_own = (moved(apply, adam(**arguments)) for apply in (fused.apply, plainly))
    assert_same(ours, keras_own, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("optimizer", "constraint"),
    [
        (lambda: keras.optimizers.Adam(0.1, amsgrad=True), None),
        (lambda: keras.optimizers.Adam(0.1, clipnorm=0.1), None),
        (lambda: keras.optimizers.Adam(0.1, weight_decay=0.1), None),
        (lambda: keras.optimizers.Adam(0.1, use_ema=True), None),
        (lambda: keras.optimizers.Adam(0.1, gradient_accumulation_steps=2), None),
        (lambda: keras.optimizers.Adam(0.1), keras.constraints.NonNeg()),
        (lambda: keras.optimizers.AdamW(0.1), None),
        (lambda: keras.optimizers.RMSprop(0.1), None),
    ],
    ids=["amsgrad", "clipnorm", "decay", "ema", "accumulation", "constraint", "adamw", "rmsprop"],
)
def test_what_is_no_plain_adam_goes_its_own_way(optimizer, constraint):
    held = variables(constraint=constraint)
    assert not fused._plain(optimizer(), held, held)
    ends = [moved(apply, optimizer(), constraint=constraint) for apply in (fused.apply, plainly)]
    assert_same(*ends)


def test_a_missing_gradient_leaves_its_variable_alone():
    held = variables()
    adam = keras.optimizers.Adam(0.1)
    adam.build(held)
    before = [v.numpy() for v in held]
    fused.apply(adam, [None, tf.ones([2])], held)
    assert (held[0].numpy() == before[0]).all() and (held[1].numpy() != before[1]).all()
