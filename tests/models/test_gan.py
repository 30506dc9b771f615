"""What `fit`, `evaluate`, `generate` and `compile` make of a step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same, batches, differences, make_gan, players, samples, sgd, state

import keras_gans as kg
from keras_gans import networks, penalties

# --- logs, averages, evaluation


def test_logs_are_means_over_the_epoch():
    x = samples(24)
    arguments = {"penalty": "r1", "discriminator_steps": 2, "ema_decay": 0.9}
    gan, twin = (make_gan(**arguments, **sgd(0.02)) for _ in range(2))
    history = gan.fit(batches(x, 4), verbose=0).history
    steps = []
    for part in np.split(x, 3):
        twin.reset_metrics()
        steps.append(twin.train_on_batch(part, return_dict=True))
    assert set(history) == set(steps[0])
    for name, values in history.items():
        each = [step[name] for step in steps]
        assert values == pytest.approx([np.mean(each)], rel=1e-4), name
        assert values != pytest.approx([each[-1]], rel=1e-3), name


def test_a_step_s_logs_are_means_over_its_discriminator_updates():
    gan = make_gan(loss="wasserstein", discriminator_steps=2, **sgd(0.0))
    x = samples(8)
    logs = gan.train_on_batch(x, return_dict=True)
    logits = gan.discriminator(x).numpy()
    assert logs["real_logits"] == pytest.approx(logits.mean(), rel=1e-4)
    assert logs["d_loss"] == pytest.approx(logs["fake_logits"] - logs["real_logits"], rel=1e-4)


@pytest.mark.parametrize("decay", [0.0, 0.7])
def test_the_average_is_that_of_the_recursion_statistics_included(decay):
    gan = make_gan("dcgan", ema_decay=decay, **sgd(0.5))
    expected = gan.generator.get_weights()
    assert_same(gan.ema_generator.get_weights(), expected)
    for i in range(4):
        gan.train_on_batch(samples(4, seed=i))
        live = gan.generator.get_weights()
        pairs = zip(expected, live, strict=True)
        expected = [decay * average + (1 - decay) * weight for average, weight in pairs]
    assert_same(gan.ema_generator.get_weights(), expected, atol=1e-6)
    names = [v.name for v in gan.generator.weights]
    variance = names.index("moving_variance")
    assert np.abs(live[variance] - 1).max() > 0.01
    z = samples(3, (4,))
    np.testing.assert_array_equal(gan(z), gan.ema_generator(z))
    difference = np.abs(gan.generate(3, seed=0) - gan.generate(3, seed=0, ema=False)).max()
    assert (difference > 1e-4) == (decay > 0)


def test_without_an_average_the_live_generator_is_sampled():
    gan = make_gan("dcgan", **sgd(0.5))
    start = gan.ema_generator.get_weights()
    gan.fit(samples(8), batch_size=4, verbose=0)
    assert_same(gan.ema_generator.get_weights(), start)
    z = samples(3, (4,))
    np.testing.assert_array_equal(gan(z), gan.generator(z))
    np.testing.assert_array_equal(gan.generate(3, seed=0), gan.generate(3, seed=0, ema=False))


@pytest.mark.parametrize("penalty", ["gradient_penalty", "lazy"])
@pytest.mark.parametrize("norm", ["none", "batch", "spectral"])
def test_evaluation_changes_nothing(norm, penalty):
    penalty = penalties.Lazy("r1", 3) if penalty == "lazy" else penalty
    networks = players("dcgan", discriminator_norm=norm)
    gan = make_gan(networks=networks, penalty=penalty, ema_decay=0.9)
    data = batches(samples(8), 4)
    gan.fit(data, verbose=0)
    before = state(gan)
    logs = gan.evaluate(data, verbose=0, return_dict=True)
    assert set(logs) == {"d_loss", "g_loss", "real_logits", "fake_logits"}
    assert np.isfinite(list(logs.values())).all()
    assert differences(before, state(gan)) == []
    logits = gan.discriminator(samples(8), training=False)
    assert logs["real_logits"] == pytest.approx(float(tf.reduce_mean(logits)), rel=1e-4)


def test_validation_does_not_disturb_training():
    ends = []
    for validation in (None, batches(samples(8, seed=1), 4)):
        gan = make_gan("dcgan", penalty=penalties.Lazy("gradient_penalty", 2), **sgd())
        fit = gan.fit(batches(samples(8), 4), epochs=2, validation_data=validation, verbose=0)
        ends.append(state(gan))
    assert_same(*ends)
    validated = {name for name in fit.history if name.startswith("val_")}
    assert validated == {"val_d_loss", "val_g_loss", "val_real_logits", "val_fake_logits"}


# --- samples


def test_samples_depend_on_nothing_but_the_seed():
    gan = make_gan("dcgan", ema_decay=0.5)
    many = gan.generate(70, seed=3)
    assert isinstance(many, np.ndarray) and many.dtype == np.float32
    assert many.shape == (70, 8, 8, 1) and -1 <= many.min() < many.max() <= 1
    for n, batch_size in ((5, 64), (70, 7), (66, 1000)):
        again = gan.generate(n, seed=3, batch_size=batch_size)
        np.testing.assert_allclose(again, many[:n], atol=1e-6)
    assert np.abs(gan.generate(5, seed=4) - many[:5]).max() > 1e-4
    assert np.abs(gan.generate(5) - gan.generate(5)).max() > 1e-4
    before = state(gan)
    gan.generate(2)
    assert differences(before, state(gan)) == []
    for arguments in ({"n": 0}, {"n": 1, "seed": -1}, {"n": 1, "seed": 2**31}):
        with pytest.raises(ValueError, match="generate"):
            gan.generate(**arguments)


def test_samples_follow_the_training_and_a_new_compile():
    gan = make_gan(ema_decay=0.9, **sgd())
    first = gan.generate(2, seed=0)
    gan.fit(samples(8), batch_size=4, verbose=0)
    second = gan.generate(2, seed=0)
    gan.compile()
    np.testing.assert_array_equal(gan.generate(2, seed=0), gan.generate(2, seed=0, ema=False))
    assert len({x.tobytes() for x in (first, second, gan.generate(2, seed=0))}) == 3


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *[({"discriminator_steps": k}, "whole number >= 1") for k in (0, -1, 1.5)],
        *[({"ema_decay": d}, r"None or lie in \[0, 1\)") for d in (-0.1, 1.0, 2)],
        ({"loss": "wgan"}, "unknown loss 'wgan'"),
        ({"penalty": "gp"}, "unknown penalty 'gp'"),
    ],
    ids=str,
)
def test_compile_refuses_what_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_gan(**arguments)


def test_the_players_need_an_optimizer_each():
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="same object twice"):
        make_gan(generator_optimizer=adam, discriminator_optimizer=adam)


def test_networks_that_do_not_fit_are_refused():
    generator, discriminator = players()
    with pytest.raises(ValueError, match=r"latents of shape \(4,\), expected \(5,\)"):
        kg.GAN(generator, discriminator, latent_dim=5)
    _, other = players(shape=(8, 8, 3))
    with pytest.raises(ValueError, match=r"shape \(8, 8, 1\), the discriminator takes \(8, 8, 3\)"):
        kg.GAN(generator, other, latent_dim=4)
    with pytest.raises(ValueError, match=r"discriminator must be a built keras\.Model"):
        kg.GAN(generator, networks.mlp, latent_dim=4)
    with pytest.raises(ValueError, match="compile"):
        kg.GAN(generator, discriminator, latent_dim=4).fit(samples(4))


def test_a_sigmoid_at_the_end_warns():
    generator, discriminator = players()
    for probability in (
        keras.layers.Dense(1, activation="sigmoid", name="last"),
        keras.layers.Activation("sigmoid", name="last"),
    ):
        model = keras.Sequential([keras.Input((8, 8, 1)), discriminator, probability])
        with pytest.warns(UserWarning, match="'last' is a sigmoid; losses expect logits"):
            kg.GAN(generator, model, latent_dim=4)
