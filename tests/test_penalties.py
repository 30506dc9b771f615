import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_gans import config, penalties
from keras_gans.penalties import R1, R2, Dragan, GradientPenalty, Lazy, Sum, WeightClip

W = np.array([1.0, -2.0, 2.0], "float32")  # |W| = 3
ONE_OF_EACH = [
    *(GradientPenalty(), GradientPenalty(5.0, 0.5, one_sided=True)),
    *(R1(2.0), R2(3.0), Dragan(2.0, 0.1)),
]


def linear(x):
    return tf.reduce_sum(tf.reshape(x, [-1, 3]) * W, axis=1, keepdims=True)


def quadratic(a):
    """D(x) = a/2 |x|², whose gradient is a x."""
    return lambda x: a / 2 * tf.reduce_sum(tf.square(x), axis=list(range(1, x.ndim)))[:, None]


class Fixed:
    """Noise that is known, and remembers the shape that was asked for."""

    def __init__(self, *values):
        self.values, self.shape = values, None

    def uniform(self, shape):
        self.shape = [int(n) for n in shape]
        return tf.reshape(tf.constant(self.values), shape)

    normal = uniform


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 1, 1), (4, 1, 1, 3)])
@pytest.mark.parametrize(
    ("penalty", "value"),
    [
        (GradientPenalty(10.0), 10 * (3 - 1) ** 2),
        (GradientPenalty(10.0, target=0.0), 10 * 3**2),
        (GradientPenalty(10.0, one_sided=True), 10 * (3 - 1) ** 2),
        (GradientPenalty(10.0, target=5.0), 10 * (3 - 5) ** 2),
        (GradientPenalty(10.0, target=5.0, one_sided=True), 0.0),
        (R1(4.0), 4 / 2 * 9),
        (R2(4.0), 4 / 2 * 9),
        (Dragan(10.0), 10 * (3 - 1) ** 2),
        (Sum(R1(4.0), R2(2.0)), 18 + 9),
        (Sum([R1(4.0), "r2"]), 18 + 45),
    ],
    ids=repr,
)
def test_values_for_a_linear_discriminator(penalty, value, shape):
    found = penalty(linear, tf.random.normal(shape), tf.random.normal(shape))
    assert found.dtype == tf.float32 and found.shape == ()
    assert float(found) == pytest.approx(value, rel=1e-5)


REAL = np.array([[1.0, 0.0], [0.0, 3.0]], "float32")  # squared norms 1 and 9
FAKE = np.array([[2.0, 2.0], [0.0, 0.0]], "float32")  # squared norms 8 and 0


@pytest.mark.parametrize(("penalty", "mean"), [(R1(6.0), 5), (R2(6.0), 4)], ids=repr)
def test_r1_is_taken_on_real_samples_and_r2_on_generated_ones(penalty, mean):
    assert float(penalty(quadratic(2.0), REAL, FAKE)) == pytest.approx(6 / 2 * 2**2 * mean)


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3, width=32), st.floats(0, 10, width=32), st.integers(1, 5))
def test_r1_of_a_quadratic_discriminator(a, gamma, batch):
    x = np.random.default_rng(batch).normal(size=[batch, 2, 3, 1])
    expected = gamma / 2 * a**2 * (x**2).sum() / batch
    assert float(R1(gamma)(quadratic(a), x, None)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_interpolates_have_one_alpha_a_sample():
    noise = Fixed(0.25, 0.75)
    points = 0.25 * REAL[0] + 0.75 * FAKE[0], 0.75 * REAL[1] + 0.25 * FAKE[1]
    expected = 10 * np.mean([(2 * np.linalg.norm(x) - 1) ** 2 for x in points])
    assert float(GradientPenalty()(quadratic(2.0), REAL, FAKE, noise)) == pytest.approx(expected)
    assert noise.shape == [2, 1]
    images = tf.zeros([2, 4, 4, 3])
    GradientPenalty()(quadratic(1.0), images, images, noise)
    assert noise.shape == [2, 1, 1, 1]


def test_dragan_perturbs_each_number_of_the_real_samples():
    noise = Fixed(1.0, -1.0, 2.0, 0.0)
    points = REAL + 0.1 * np.array([[1.0, -1.0], [2.0, 0.0]])
    expected = 5 * np.mean((2 * np.linalg.norm(points, axis=1) - 1) ** 2)
    found = Dragan(5.0, noise=0.1)(quadratic(2.0), REAL, None, noise)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    assert noise.shape == [2, 2]


@pytest.mark.parametrize("penalty", ONE_OF_EACH, ids=repr)
def test_a_flat_discriminator_has_a_finite_penalty_and_derivative(penalty):
    w = tf.Variable(tf.zeros([3, 1]))
    with tf.GradientTape() as tape:
        value = penalty(lambda x: x @ w, tf.ones([4, 3]), tf.zeros([4, 3]))
    drawn_to_one = isinstance(penalty, (GradientPenalty, Dragan)) and penalty is not ONE_OF_EACH[1]
    expected = penalty.weight if drawn_to_one else 0.0  # weight * (0 - 1)²
    assert float(value) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert np.isfinite(tape.gradient(value, w)).all()


# A float16 norm of 784 gradients of 1e-4 would be 0, of 100 infinite.
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("slope", [1e-4, 100.0])
def test_norms_are_float32_under_mixed_precision(policy, slope):
    constant = keras.initializers.Constant(slope)
    head = keras.layers.Dense(1, kernel_initializer=constant, dtype=policy)
    x = tf.zeros([2, 784])
    norm = slope * 784**0.5
    for penalty, expected in ((R1(2.0), norm**2), (GradientPenalty(1.0), (norm - 1) ** 2)):
        value = penalty(head, x, x)
        assert value.dtype == tf.float32
        assert float(value) == pytest.approx(expected, rel=1e-2)


def tanh_penalty(penalty, x, u, v):
    """The penalty of D(x) = v · tanh(x U), in float64 by the chain rule."""
    gradient = ((1 - np.tanh(x @ u) ** 2) * v) @ u.T
    norm = np.linalg.norm(gradient, axis=1)
    if isinstance(penalty, (R1, R2)):
        return penalty.gamma / 2 * np.mean(norm**2)
    excess = norm - getattr(penalty, "target", 1.0)
    excess = np.maximum(excess, 0) if getattr(penalty, "one_sided", False) else excess
    return penalty.weight * np.mean(excess**2)


@pytest.mark.parametrize("penalty", ONE_OF_EACH, ids=repr)
def test_the_derivative_by_the_weights_is_that_of_finite_differences(penalty):
    rng = np.random.default_rng(0)
    x, u, v = rng.normal(size=[5, 3]), rng.normal(size=[3, 4]), rng.normal(size=[4])
    weights = [tf.Variable(u, dtype="float32"), tf.Variable(v, dtype="float32")]
    alpha = Fixed(*[0.0] * 5) if isinstance(penalty, GradientPenalty) else Fixed(*[0.0] * 15)
    with tf.GradientTape() as tape:
        value = penalty(lambda x: tf.tanh(x @ weights[0]) @ weights[1][:, None], x, x, alpha)
    assert float(value) == pytest.approx(tanh_penalty(penalty, x, u, v), rel=1e-5)
    for which, found in enumerate(tape.gradient(value, weights)):
        expected = np.zeros(found.shape)
        for i in np.ndindex(*found.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [u.copy(), v.copy()]
                moved[which][i] += step
                ends.append(tanh_penalty(penalty, x, *moved))
            expected[i] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
def test_lazy_keeps_the_mean_and_counts_its_calls(mode):
    lazy = Lazy(R1(2.0), every=3)
    call = lambda x: lazy(quadratic(2.0), x, None)  # noqa: E731
    if mode != "eager":
        call = tf.function(call, jit_compile=mode == "jit")
    values = [float(call(tf.constant(REAL))) for _ in range(7)]
    plain = 2 / 2 * 2**2 * 5
    assert values == pytest.approx([3 * plain, 0, 0, 3 * plain, 0, 0, 3 * plain])
    assert np.mean(values[:6]) == pytest.approx(plain)
    assert [int(v) for v in lazy.variables] == [7]
    assert Sum(lazy, R2(1.0)).variables == lazy.variables


def test_lazy_has_no_derivative_in_a_pause():
    lazy, w = Lazy(R1(2.0), every=2), tf.Variable([[1.0], [2.0]])
    gradients = []
    for _ in range(2):
        with tf.GradientTape() as tape:
            value = lazy(lambda x: x @ w, tf.constant(REAL), None)
        gradients.append(tape.gradient(value, w, unconnected_gradients="zero").numpy())
    np.testing.assert_allclose(gradients[0], 2 * 2 * w.numpy())  # every * gamma * w
    np.testing.assert_array_equal(gradients[1], 0)


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_lazy_refuses_other_than_whole_numbers(every):
    with pytest.raises(ValueError, match=r"whole number >= 1"):
        Lazy("r1", every)


def test_weight_clip():
    clip = WeightClip(0.5)
    clipped = clip(tf.constant([-3.0, -0.5, 0.2, 7.0]))
    np.testing.assert_array_equal(clipped, np.float32([-0.5, -0.5, 0.2, 0.5]))
    assert WeightClip.from_config(clip.get_config()).limit == 0.5
    with pytest.raises(ValueError, match="must be positive, found 0"):
        WeightClip(0)


def test_get():
    assert penalties.get(None) is None and penalties.get("none") is None
    both = penalties.get("r1+r2", 3.0)
    assert [(type(p), p.gamma) for p in both.penalties] == [(R1, 3.0), (R2, 3.0)]
    for name, cls in penalties.NAMES.items():
        assert type(penalties.get(name)) is type(penalties.get(cls)) is cls
        assert next(iter(penalties.get(name, 7.5).get_config().values())) == 7.5
        assert name in config.PENALTIES
    for name in config.PENALTIES:
        penalties.get(name)


@pytest.mark.parametrize(
    "penalty", [*ONE_OF_EACH, Sum(R1(2.0), Dragan(3.0)), Lazy(Sum("r1", "r2"), 4)], ids=repr
)
def test_every_argument_survives_a_config(penalty):
    again = penalties.get(keras.saving.serialize_keras_object(penalty))
    assert type(again) is type(penalty) and repr(again) == repr(penalty)


@pytest.mark.parametrize("name", ["wgan", "r1+wgan"])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match="unknown penalty 'wgan'") as error:
        penalties.get(name)
    assert all(name in str(error.value) for name in penalties.NAMES)


def test_a_discriminator_without_gradient_is_refused():
    with pytest.raises(ValueError, match="no gradient with respect to its input"):
        R1()(tf.round, tf.ones([2, 1]), None)
