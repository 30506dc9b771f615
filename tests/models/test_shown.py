"""What the discriminator gets to see: packed and noisy samples."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import make_gan, players, round_trip, samples, sgd

import keras_gans as kg
from keras_gans.packing import pack, packed_shape


def packed(m=2, network="mlp", shape=(2,), **arguments):
    keras.utils.set_random_seed(0)
    gan = kg.GAN(*players(network, shape, packing=m), latent_dim=4, packing=m, seed=0)
    gan.compile(**arguments)
    return gan


@pytest.mark.parametrize("shape", [(3,), (4, 5, 2)])
def test_packing_joins_neighbours_along_the_last_axis(shape):
    x = samples(6, shape)
    joined = pack(tf.constant(x), 3).numpy()
    assert joined.shape == (2, *packed_shape(shape, 3))
    for i in range(2):
        np.testing.assert_array_equal(
            joined[i], np.concatenate([x[3 * i], x[3 * i + 1], x[3 * i + 2]], axis=-1)
        )


@pytest.mark.parametrize("network", kg.networks.NAMES)
@pytest.mark.parametrize("arguments", [{}, {"jit_compile": True}], ids=str)
def test_a_packed_game_trains_and_survives(network, arguments, tmp_path):
    gan = packed(2, network, (8, 8, 3), penalty="gradient_penalty", **arguments)
    assert gan.discriminator.input_shape[1:] == (8, 8, 6)
    history = gan.fit(samples(8, (8, 8, 3)), batch_size=4, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    assert round_trip(gan, tmp_path).packing == 2
    assert gan.generate(3, seed=0).shape == (3, 8, 8, 3)


def test_the_discriminator_s_gradient_is_that_of_the_packs():
    gan = packed(2, loss="wasserstein", **sgd(0.1))
    x = samples(4, (2,))
    logits = gan.discriminator(pack(tf.constant(x), 2))
    gan.noise.generator.state.assign([5, 0])
    fake = gan.synthesize(x)
    expected = tf.reduce_mean(gan.discriminator(pack(fake, 2))) - tf.reduce_mean(logits)
    gan.noise.generator.state.assign([5, 0])
    _, logs = gan.discriminator_gradients(tf.constant(x), None)
    assert float(logs["d_loss"]) == pytest.approx(float(expected), rel=1e-5)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"packing=2 makes \(4,\).*takes \(2,\)"):
        kg.GAN(*players(shape=(2,)), latent_dim=4, packing=2)
    with pytest.raises(ValueError, match=r"packing must be a whole number >= 1, found 0"):
        kg.GAN(*players(shape=(2,)), latent_dim=4, packing=0)
    with pytest.raises(ValueError, match=r"3 samples.*packing=2"):
        packed(2).fit(samples(6, (2,)), batch_size=3, verbose=0)


def noise_seen(gan, n=20_000):
    """Return what the game adds to real samples that are all 0."""
    return gan._show(tf.zeros([n, 2])).numpy()


def test_instance_noise_has_its_standard_deviation_and_is_fresh():
    gan = make_gan(networks=players(shape=(2,)), instance_noise=0.3)
    a, b = noise_seen(gan), noise_seen(gan)
    assert abs(a.std() - 0.3) < 5 * 0.3 / np.sqrt(2 * a.size)
    assert abs(a.mean()) < 5 * 0.3 / np.sqrt(a.size)
    assert (a != b).all()


def test_instance_noise_follows_its_schedule_over_generator_steps(tmp_path):
    schedule = keras.optimizers.schedules.PolynomialDecay(0.4, 4, 0.0)
    gan = make_gan(networks=players(shape=(2,)), instance_noise=schedule, dynamics="extra_gradient")
    levels = []
    for _ in range(5):
        levels.append(float(gan.noise_level()))
        gan.train_on_batch(samples(4, (2,)))
    assert levels == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0], abs=1e-6)
    assert float(round_trip(gan, tmp_path).noise_level()) == 0.0


def test_no_noise_where_the_model_only_looks():
    gan = make_gan(networks=players(shape=(2,)), instance_noise=5.0, loss="wasserstein")
    x = samples(8, (2,))
    expected = float(tf.reduce_mean(gan.discriminator(x)))
    found = gan.evaluate(x, batch_size=8, verbose=0, return_dict=True)
    assert found["real_logits"] == pytest.approx(expected, rel=1e-5)


def test_a_noise_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"instance_noise.*-0.1"):
        make_gan(instance_noise=-0.1)
