import keras
import numpy as np
import pytest
from helpers import make_gan, players, round_trip, samples, sgd, state

import keras_gans as kg
from keras_gans import losses, penalties
from keras_gans.models import autotune
from keras_gans.stability import critical_gamma


def linear(scale=1.0, d=3, **arguments):
    """A game whose discriminator is scale * (w · x): 1/2 |∇D|² = scale² |w|² / 2, c = scale²."""
    latent, x = keras.Input((4,)), keras.Input((d,))
    logit = keras.layers.Dense(1, use_bias=False)(keras.layers.Rescaling(scale)(x))
    gan = kg.GAN(
        keras.Model(latent, keras.layers.Dense(d)(latent)), keras.Model(x, logit), 4, seed=0
    )
    gan.compile(**arguments)
    return gan


def strengths(gan, shape=(3,)):
    gan.check_batch(samples(16, shape))
    return [float(part.strength) for part in gan.penalty.parts()]


@pytest.mark.parametrize("loss", sorted(set(losses.NAMES) - {"least_squares"}))
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_linear_discriminator_gets_the_dirac_gan_s_critical_value(loss, scale):
    gan = linear(scale, loss=loss, penalty=penalties.R1("auto"))
    assert strengths(gan) == pytest.approx([critical_gamma(loss) / scale**2], rel=1e-4)


def test_least_squares_pulls_where_it_is_at_rest():
    # at the logit 1/2: dL_D/df = f - a = 1/2, dL_G/df = f - c = -1/2
    assert losses.slope("least_squares") == pytest.approx(0.5)
    assert losses.slope(losses.LeastSquares(-1.0, 1.0, 1.0)) == pytest.approx(1.0)
    gan = linear(loss="least_squares", penalty=penalties.R1("auto"))
    assert strengths(gan) == pytest.approx([1.0], rel=1e-4)


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (penalties.R2("auto"), [2.0]),
        (penalties.GradientPenalty("auto", target=0.0), [1.0]),
        (penalties.Lazy(penalties.R1("auto"), every=4), [2.0]),
        (penalties.Sum(penalties.R1("auto"), penalties.R2("auto")), [1.0, 1.0]),
        (penalties.Sum(penalties.R1("auto"), penalties.R2(7.0)), [2.0, 7.0]),
    ],
    ids=str,
)
def test_every_penalty_on_the_gradient_can_be_automatic(penalty, expected):
    gan = linear(loss="wasserstein", penalty=penalty)
    assert strengths(gan) == pytest.approx(expected, rel=1e-4)


def constant_generator(gan, value):
    kernel, bias = gan.generator.get_weights()
    gan.generator.set_weights([0.0 * kernel, np.full_like(bias, value)])


@pytest.mark.parametrize(("loss", "slope"), [("wasserstein", 1.0), ("non_saturating", 0.5)])
@pytest.mark.parametrize("scale", [1.0, 3.0, 0.1])
def test_a_linear_discriminator_gets_a_weight_of_the_distance_of_the_means(loss, slope, scale):
    """D(x) = s w x: p = s |E x - E G(z)|; N = s |w|, so that c = s², and L = 1."""
    gan = linear(scale, loss=loss, penalty=penalties.GradientPenalty("auto"))
    constant_generator(gan, 5.0)
    distance = np.linalg.norm(samples(16, (3,)).mean(axis=0) - 5.0)
    assert strengths(gan) == pytest.approx([slope * distance / scale], rel=1e-4)


def test_on_the_dirac_gan_it_is_the_critical_weight():
    """Data at 0, the generator at 1: -weight ± sqrt(weight² - 1) at psi = 1 is a double root."""
    gan = linear(d=1, loss="wasserstein", penalty=penalties.GradientPenalty("auto"))
    constant_generator(gan, 1.0)
    gan.check_batch(np.zeros([16, 1], "float32"))
    weight = float(gan.penalty.strength)
    assert weight == pytest.approx(critical_gamma("wasserstein") / 2, rel=1e-4)
    # psi' = -theta - 2 weight (psi - 1), theta' = -psi
    assert np.linalg.eigvals([[0.0, -1.0], [1.0, -2 * weight]]) == pytest.approx([-1, -1], abs=0.02)


@pytest.mark.parametrize("target", [0.5, 1.0])
def test_the_weight_is_that_of_a_discriminator_whose_slope_is_at_the_target(target):
    """D(x) = v relu(w x), v = w: N = v w = target there, p = E x |(v, w)|, c = |(v, w)|²."""
    latent, x = keras.Input((4,)), keras.Input((1,))
    hidden = keras.layers.Dense(1, use_bias=False, activation="relu")(x)
    logit = keras.layers.Dense(1, use_bias=False)(hidden)
    gan = kg.GAN(keras.Model(latent, keras.layers.Dense(1)(latent)), keras.Model(x, logit), 4)
    constant_generator(gan, 0.0)
    for weight in (target**0.5, 0.02, 3.0):
        gan.discriminator.set_weights(np.full([2, 1, 1], weight))
        gan.compile("wasserstein", penalties.GradientPenalty("auto", target=target))
        autotune.tune(gan, np.float32([[2.0], [4.0]] * 8))
        found = float(gan.penalty.strength)
        assert found == pytest.approx(3.0 / (2.0 * target) ** 0.5, rel=1e-3), weight


def test_it_is_set_once_and_kept_with_the_model(tmp_path):
    gan = make_gan("mlp", shape=(3,), penalty=penalties.R1("auto"), **sgd())
    gan.fit(samples(8, (3,)), batch_size=4, verbose=0)
    (first,) = strengths(gan)
    assert first > 0
    loaded = round_trip(gan, tmp_path)
    assert repr(loaded.penalty) == "R1(gamma='auto')"
    loaded.fit(samples(8, (3,), seed=1), batch_size=4, verbose=0)
    assert strengths(loaded) == [first]


def test_tuning_moves_nothing_else():
    tuned, plain = (
        make_gan("dcgan", penalty=penalty, ema_decay=0.9)
        for penalty in (penalties.R1("auto"), penalties.R1(1.0))
    )
    before = state(plain)
    tuned.check_batch(samples(8))
    after = state(tuned)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)


def test_with_the_strength_it_found_it_trains_as_with_the_number():
    auto = make_gan(shape=(3,), networks=players(shape=(3,)), penalty=penalties.R1("auto"), **sgd())
    (gamma,) = strengths(auto)
    number = make_gan(networks=players(shape=(3,)), penalty=penalties.R1(gamma), **sgd())
    number.set_weights(auto.get_weights())
    losses_ = [
        gan.fit(samples(8, (3,)), batch_size=4, verbose=0, shuffle=False).history["penalty"]
        for gan in (auto, number)
    ]
    np.testing.assert_allclose(*losses_, rtol=1e-6)


@pytest.mark.parametrize(
    "penalty", [penalties.R1("auto"), penalties.GradientPenalty("auto")], ids=str
)
def test_a_flat_discriminator_is_refused(penalty):
    gan = linear(0.0, penalty=penalty)
    with pytest.raises(ValueError, match=r"='auto'.*curvature.*as a number"):
        gan.check_batch(samples(8, (3,)))


@pytest.mark.parametrize("strength", ["much", -1.0, float("nan")])
@pytest.mark.parametrize(
    "penalty", [penalties.R1, penalties.R2, penalties.GradientPenalty], ids=lambda p: p.__name__
)
def test_other_strengths_are_refused(penalty, strength):
    with pytest.raises(ValueError, match=rf"{penalty.__name__}.*'auto'.*{strength}"):
        penalty(strength)
