"""Saving passes changes nothing but the order of rounding."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same, make_gan, players, samples

import keras_gans as kg
from keras_gans.models.passes import Judged, apart


class Table:
    """Noise from fixed tables, one for each shape of a sample, however many are drawn at a time."""

    def __init__(self):
        self.read = {}

    def take(self, kind, shape):
        key, count = (kind, *shape[1:]), int(shape[0])
        start = self.read.get(key, 0)
        self.read[key] = start + count
        rng = np.random.default_rng(len(shape))
        draw = {"normal": rng.normal, "uniform": rng.uniform}[kind]
        return tf.constant(draw(size=[100, *shape[1:]])[start : start + count])

    def normal(self, shape):
        return self.take("normal", np.array(shape))

    def uniform(self, shape):
        return self.take("uniform", np.array(shape))


@pytest.fixture
def float64():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def three_steps(network, plain, **arguments):
    """Return all weights after three steps in float64, with or without saving passes."""
    norm = {} if network == "mlp" else {"generator_norm": "layer"}
    if network == "resnet":
        norm["discriminator_norm"] = "spectral"
    keras.utils.set_random_seed(0)
    adam = {"learning_rate": 1e-2, "beta_1": 0.5, "beta_2": 0.9}
    gan = make_gan(
        networks=players(network, **norm),
        generator_optimizer=keras.optimizers.Adam(**adam),
        discriminator_optimizer=keras.optimizers.Adam(**adam),
        discriminator_steps=2,
        run_eagerly=True,
        **arguments,
    )
    gan.noise = Table()
    assert gan.judges_apart and gan.synthesizes_apart
    if plain:
        gan.judges_apart = gan.synthesizes_apart = False
    for part in np.split(samples(24).astype("float64"), 3):
        gan.train_step(tf.constant(part))
    return gan.get_weights()


OBJECTIVES = [
    ("wasserstein", "gradient_penalty"),
    ("relativistic_pairing", "r1+r2"),
    ("relativistic_average", "r1"),
    ("hinge", None),
    ("least_squares", "r2"),
    ("minimax", "lazy"),
    ("non_saturating", "dragan"),
]


@pytest.mark.parametrize(
    ("network", "loss", "penalty"),
    [("mlp", *o) for o in OBJECTIVES]
    + [("dcgan", *o) for o in OBJECTIVES[:3]]
    + [("resnet", *o) for o in (OBJECTIVES[1], OBJECTIVES[3])],
)
def test_the_step_is_the_plain_one_in_float64(network, loss, penalty, float64):
    ends = []
    for plain in (False, True):
        lazy = kg.penalties.Lazy("r1", every=2)
        chosen = lazy if penalty == "lazy" else penalty
        ends.append(three_steps(network, plain, loss=loss, penalty=chosen))
    assert all(weight.dtype == "float64" for weight in ends[0])
    assert_same(*ends, atol=1e-10)


def test_networks_that_mix_samples_are_told():
    layers = keras.layers

    def model(*between):
        return keras.Sequential([layers.Input((4,)), *between, layers.Dense(1)])

    class Own(layers.Layer):
        def call(self, x):
            return x - keras.ops.mean(x, axis=0)

    class Apart(layers.Layer):
        mixes_samples = False

        def call(self, x):
            return 2.0 * x

    class Whole(keras.Model):
        def call(self, x):
            return x

    x = layers.Input((4,))
    wrapped = kg.layers.SpectralNormalization(layers.Dense(4))
    assert apart(model(layers.Dense(4, activation="relu"), wrapped, Apart()))
    assert apart(model(model(layers.LayerNormalization())))
    assert not apart(model(layers.BatchNormalization()))
    assert not apart(model(model(layers.BatchNormalization())))
    assert not apart(model(layers.Dropout(0.5)))
    assert not apart(model(Own()))
    assert not apart(model(layers.Softmax(axis=0)))
    assert not apart(model(layers.Dense(4, activation=lambda x: x - keras.ops.mean(x, axis=0))))
    assert not apart(keras.Model(x, x - keras.ops.mean(x, axis=0, keepdims=True)))
    assert not apart(Whole())


@pytest.mark.parametrize(("norm", "passes"), [("none", 1), ("batch", 2)])
def test_real_and_generated_samples_share_a_pass(norm, passes):
    gan = make_gan(networks=players(discriminator_norm=norm))
    inner, sizes = gan.discriminator.call, []
    gan.discriminator.call = lambda x, **arguments: (sizes.append(len(x)), inner(x, **arguments))[1]
    x = tf.constant(samples(4))
    judged = Judged(gan, x, x + 0.5)
    assert len(sizes) == passes and sum(sizes) == 8
    np.testing.assert_allclose(judged.real_logits, judged(x), atol=1e-6)


def test_a_family_that_overrides_a_hook_keeps_its_passes():
    class Family(kg.GAN):
        def discriminate(self, x, condition=None):
            return super().discriminate(x) - tf.reduce_mean(x)

    assert not make_gan(cls=Family).judges_apart
    assert make_gan(cls=Family).synthesizes_apart


@pytest.mark.parametrize("names", [("real",), ("fake",), ("fake", "real")])
def test_a_known_gradient_is_the_one_that_would_be_taken(names):
    gan = make_gan()
    real, fake = tf.constant(samples(4)), tf.constant(samples(4, seed=1))
    penalty = kg.penalties.get({1: {"real": "r1", "fake": "r2"}[names[0]], 2: "r1+r2"}[len(names)])
    assert penalty.shares == names
    judged = Judged(gan, real, fake, penalty=penalty)
    for name, x in (("real", real), ("fake", fake)):
        known = judged.input_gradient(x)
        assert (known is not None) == (name in names)
        if known is not None:
            wanted = kg.penalties.input_gradient(gan.discriminate, x)
            np.testing.assert_allclose(known, wanted, atol=1e-6)
    assert judged.input_gradient(tf.identity(real)) is None
    np.testing.assert_allclose(
        penalty(judged, real, fake), penalty(gan.discriminate, real, fake), rtol=1e-5
    )
