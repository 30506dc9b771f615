import inspect
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_gans import config, losses

REAL, FAKE = [[1.0], [-2.0]], [[0.5], [3.0]]  # means -0.5 and 1.75
EVERY = [pytest.param(cls(), id=name) for name, cls in losses.NAMES.items()]
ALL = pytest.mark.parametrize("loss", EVERY)


def log_d(x):
    """Log of the probability that the discriminator calls a sample real."""
    return math.log(1 / (1 + math.exp(-x)))


def log_not_d(x):
    return math.log(1 - 1 / (1 + math.exp(-x)))


CROSS_ENTROPY = -(log_d(1.0) + log_d(-2.0)) / 2 - (log_not_d(0.5) + log_not_d(3.0)) / 2


@pytest.mark.parametrize(
    ("loss", "discriminator", "generator"),
    [
        (losses.Minimax(), CROSS_ENTROPY, (log_not_d(0.5) + log_not_d(3.0)) / 2),
        (losses.NonSaturating(), CROSS_ENTROPY, -(log_d(0.5) + log_d(3.0)) / 2),
        # 1/2 (0² + 3²)/2 + 1/2 (0.5² + 3²)/2;  1/2 (0.5² + 2²)/2
        (losses.LeastSquares(), 2.25 + 2.3125, 1.0625),
        # 1/2 (0² + 3²)/2 + 1/2 (1.5² + 4²)/2;  1/2 (0.5² + 3²)/2
        (losses.LeastSquares(a=-1.0, b=1.0, c=0.0), 2.25 + 4.5625, 2.3125),
        (losses.Wasserstein(), 1.75 + 0.5, -1.75),
        (losses.Hinge(), (0 + 3) / 2 + (1.5 + 4) / 2, -1.75),
        (
            losses.RelativisticPairing(),  # r - f is 0.5 and -5
            -(log_d(0.5) + log_d(-5.0)) / 2,
            -(log_d(-0.5) + log_d(5.0)) / 2,
        ),
        (
            losses.RelativisticAverage(),  # r - E f is -0.75 and -3.75, f - E r is 1 and 3.5
            -(log_d(-0.75) + log_d(-3.75)) / 2 - (log_not_d(1.0) + log_not_d(3.5)) / 2,
            -(log_d(1.0) + log_d(3.5)) / 2 - (log_not_d(-0.75) + log_not_d(-3.75)) / 2,
        ),
    ],
    ids=repr,
)
def test_values_are_those_of_hand_arithmetic(loss, discriminator, generator):
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(discriminator, rel=1e-6)
    assert float(loss.generator(REAL, FAKE)) == pytest.approx(generator, rel=1e-6)


@ALL
@pytest.mark.parametrize("real", [-1e4, 1e4])
@pytest.mark.parametrize("fake", [-1e4, 1e4])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_values_and_gradients_are_finite_float32_at_extreme_logits(loss, real, fake, dtype):
    real, fake = tf.constant([[real]] * 2, dtype), tf.constant([[fake]] * 2, dtype)
    for player in (loss.discriminator, loss.generator):
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            value = player(real, fake)
        assert value.dtype == tf.float32 and value.shape == () and np.isfinite(value)
        gradients = tape.gradient(value, [real, fake], unconnected_gradients="zero")
        assert all(np.isfinite(g).all() for g in np.asarray(gradients, "float32"))


@ALL
def test_each_player_pulls_the_logits_its_own_way(loss):
    real, fake = tf.constant([[0.3], [-0.2]]), tf.constant([[0.1], [0.4]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        discriminator, generator = loss.discriminator(real, fake), loss.generator(real, fake)
    assert (tape.gradient(discriminator, real).numpy() < 0).all()
    assert (tape.gradient(discriminator, fake).numpy() > 0).all()
    assert (tape.gradient(generator, fake).numpy() < 0).all()
    on_real = tape.gradient(generator, real)
    assert (on_real is not None) == loss.relativistic
    assert on_real is None or (on_real.numpy() > 0).all()


@ALL
def test_only_relativistic_losses_need_the_real_logits(loss):
    assert loss.relativistic == type(loss).__name__.startswith("Relativistic")
    if loss.relativistic:
        with pytest.raises(ValueError, match=f"{type(loss).__name__}.*real_logits, found None"):
            loss.generator(None, FAKE)
    else:
        assert float(loss.generator(None, FAKE)) == float(loss.generator(REAL, FAKE))


@pytest.mark.parametrize("shape", [[3, 1], [2], [1, 2]])
def test_pairing_refuses_logits_that_would_be_broadcast(shape):
    for player in (
        losses.RelativisticPairing().discriminator,
        losses.RelativisticPairing().generator,
    ):
        with pytest.raises(ValueError, match="one real logit for each generated one"):
            player(tf.zeros([2, 1]), tf.zeros(shape))


@pytest.mark.parametrize(("name", "cls"), losses.NAMES.items())
def test_get_finds_names_classes_instances_and_configs(name, cls):
    loss = cls()
    assert losses.get(loss) is loss
    config = keras.saving.serialize_keras_object(loss)
    for identifier in (name, cls.__name__, cls, config):
        assert type(losses.get(identifier)) is cls


def test_names_are_all_losses_there_are_and_the_command_line_s():
    classes = inspect.getmembers(losses, inspect.isclass)
    public = {c for n, c in classes if issubclass(c, losses.Loss) and n[0] != "_"}
    assert set(losses.NAMES.values()) == public - {losses.Loss}
    assert tuple(losses.NAMES) == config.LOSSES


def test_arguments_survive_a_config():
    loss = losses.LeastSquares(a=-1.0, b=2.0, c=0.5)
    again = losses.get(keras.saving.serialize_keras_object(loss))
    assert (again.a, again.b, again.c) == (-1.0, 2.0, 0.5)
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="unknown loss 'wgan'") as error:
        losses.get("wgan")
    assert all(name in str(error.value) for name in losses.NAMES)
    for other in (3, None, keras.losses.MeanSquaredError()):
        with pytest.raises(TypeError, match="a loss must be a name"):
            losses.get(other)


# --- what holds for all logits

FLOATS = st.floats(-50, 50, width=32)
PAIRS = st.integers(1, 5).flatmap(
    lambda n: st.tuples(*[st.lists(FLOATS, min_size=n, max_size=n)] * 2)
)
ANY = settings(max_examples=40, deadline=None)


def same(a, b):
    return float(a) == pytest.approx(float(b), rel=1e-4, abs=1e-4)


@ANY
@given(PAIRS)
def test_minimax_is_zero_sum_in_the_generated_part(pair):
    loss = losses.Minimax()
    real_part = sum(-log_d(r) for r in pair[0]) / len(pair[0])
    assert same(loss.discriminator(*pair) - real_part, -loss.generator(*pair))


@ANY
@given(PAIRS)
def test_wasserstein_is_zero_sum_but_for_the_real_part(pair):
    loss = losses.Wasserstein()
    assert same(loss.discriminator(*pair) + loss.generator(*pair), -np.mean(pair[0]))


@ANY
@given(PAIRS)
def test_relativistic_players_swap_roles(pair):
    for loss in (losses.RelativisticPairing(), losses.RelativisticAverage()):
        assert same(loss.discriminator(*pair), loss.generator(*pair[::-1]))


@ANY
@given(PAIRS, st.floats(-10, 10, width=32))
def test_only_differences_of_logits_count(pair, shift):
    shifted = [[x + shift for x in logits] for logits in pair]
    for loss in (losses.RelativisticPairing(), losses.RelativisticAverage()):
        assert same(loss.discriminator(*shifted), loss.discriminator(*pair))
        assert same(loss.generator(*shifted), loss.generator(*pair))
    wasserstein = losses.Wasserstein()
    assert same(wasserstein.discriminator(*shifted), wasserstein.discriminator(*pair))
    assert same(wasserstein.generator(*shifted) + shift, wasserstein.generator(*pair))
