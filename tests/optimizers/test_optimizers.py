import keras
import numpy as np
import pytest

from keras_gans import optimizers

GRADIENTS = [3.0, -1.0, 2.0, 0.5]


def run(optimizer):
    """Return the values of one variable that starts at 1 under GRADIENTS."""
    x = keras.Variable(1.0)
    values = []
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [x])
        values.append(float(x.numpy()))
    return values


def by_hand(rule):
    x, values, memory = 1.0, [], {}
    for t, gradient in enumerate(GRADIENTS, start=1):
        x = rule(x, gradient, t, memory)
        values.append(x)
    return values


def optimistic(x, g, t, memory):
    last, memory["g"] = memory.get("g", 0.0), g
    return x - 0.1 * (2 * g - last)


def optimistic_adam(x, g, t, memory):
    m = memory["m"] = 0.5 * memory.get("m", 0.0) + 0.5 * g
    v = memory["v"] = 0.9 * memory.get("v", 0.0) + 0.1 * g * g
    step = m / (1 - 0.5**t) / ((v / (1 - 0.9**t)) ** 0.5 + 1e-7)
    last, memory["s"] = memory.get("s", 0.0), step
    return x - 0.1 * (2 * step - last)


def heavy_ball(x, g, t, memory):
    before, memory["x"] = memory.get("x", x), x
    return x - 0.1 * g - 0.4 * (x - before)


CASES = {
    "optimistic": (lambda: optimizers.OptimisticSGD(0.1), optimistic),
    "optimistic Adam": (lambda: optimizers.OptimisticAdam(0.1, 0.5, 0.9), optimistic_adam),
    "negative momentum": (lambda: optimizers.NegativeMomentum(0.1, -0.4), heavy_ball),
}


@pytest.mark.parametrize("name", CASES)
def test_it_follows_its_formula(name):
    make, rule = CASES[name]
    np.testing.assert_allclose(run(make()), by_hand(rule), rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_it_comes_back_from_its_config(name):
    made = CASES[name][0]()
    config = keras.optimizers.serialize(made)
    again = keras.optimizers.deserialize(config)
    assert type(again) is type(made) and again.get_config() == made.get_config()
    assert run(again) == run(made)


def test_keras_s_features_hold():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.1, 0.0])
    assert run(optimizers.NegativeMomentum(schedule, 0.0))[1:] == pytest.approx([0.7] * 3)
    assert run(optimizers.OptimisticSGD(0.1, clipvalue=1.0))[0] == pytest.approx(0.8)


def test_presets():
    two = optimizers.ttur()
    rates = [float(two[f"{who}_optimizer"].learning_rate) for who in ("generator", "discriminator")]
    assert rates == pytest.approx([1e-4, 4e-4])
    extra = optimizers.extra_adam(2e-4)
    assert isinstance(extra["dynamics"], optimizers.ExtraGradient)
    assert extra["generator_optimizer"] is not extra["discriminator_optimizer"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: optimizers.OptimisticAdam(beta_1=1.0), r"\[0, 1\).*1.0"),
        (lambda: optimizers.NegativeMomentum(momentum=-1.0), r"\(-1, 1\).*-1.0"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
