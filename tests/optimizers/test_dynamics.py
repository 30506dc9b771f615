"""Each dynamics against the bilinear game, where one step is a known matrix."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same, batches, make_gan, round_trip, samples, sgd, state
from helpers_games import bilinear, play, point

import keras_gans as kg
from keras_gans import optimizers
from keras_gans.optimizers import dynamics

LR = 0.1
# A step of (theta, psi) on L_D = psi theta = -L_G adds lr psi to theta and -lr theta to psi.
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])
SIMULTANEOUS = np.eye(2) + LR * TURN
ALTERNATING = np.array([[1.0, LR], [0.0, 1.0]]) @ np.array([[1.0, 0.0], [-LR, 1.0]])
EXTRA = np.eye(2) + LR * TURN @ SIMULTANEOUS
CONSENSUS = SIMULTANEOUS - LR * 2.0 * np.eye(2)  # 1/2 |v|² = (theta² + psi²) / 2


def lookahead(inner, steps=3, alpha=0.25):
    return (1 - alpha) * np.eye(2) + alpha * np.linalg.matrix_power(inner, steps)


CASES = {
    "simultaneous": ("simultaneous", SIMULTANEOUS, 1),
    "alternating": ("alternating", ALTERNATING, 1),
    "extra_gradient": ("extra_gradient", EXTRA, 1),
    "consensus": (lambda: optimizers.Consensus(2.0), CONSENSUS, 1),
    "lookahead": (lambda: optimizers.Lookahead(3, 0.25), lookahead(ALTERNATING), 3),
    "lookahead_extra": (
        lambda: optimizers.Lookahead(3, 0.25, optimizers.ExtraGradient()),
        lookahead(EXTRA),
        3,
    ),
}


def made(rule):
    return rule() if callable(rule) else rule


@pytest.mark.parametrize("name", CASES)
def test_steps_are_the_matrix_of_the_rule(name):
    rule, matrix, steps = CASES[name]
    gan = bilinear(1.0, 0.5, dynamics=made(rule))
    expected = np.array([1.0, 0.5])
    for _ in range(4):
        expected = matrix @ expected
        np.testing.assert_allclose(play(gan, steps), expected, rtol=1e-5)
    assert gan.step == 4 * steps


def test_unrolled_goes_against_the_discriminator_to_come():
    # psi_n = psi' - n eta theta after psi' = psi - lr theta, so L_G = -psi_n(theta) theta and its
    # total derivative is -psi' + 2 n eta theta.
    gan = bilinear(1.0, 0.5, dynamics=optimizers.Unrolled(steps=4, learning_rate=0.2))
    psi = 0.5 - LR * 1.0
    theta = 1.0 - LR * (-psi + 2 * 4 * 0.2 * 1.0)
    np.testing.assert_allclose(play(gan, 1), [theta, psi], rtol=1e-6)


SPIRALS_IN = {
    "extra_gradient": {"dynamics": "extra_gradient"},
    "consensus": {"dynamics": optimizers.Consensus(1.0)},
    "lookahead": {"dynamics": "lookahead"},
    "lookahead of simultaneous": {"dynamics": optimizers.Lookahead(5, 0.5, "simultaneous")},
    "unrolled": {"dynamics": "unrolled"},
    "optimistic": {"optimizer": optimizers.OptimisticSGD, "dynamics": "simultaneous"},
    "optimistic Adam": {
        "optimizer": optimizers.OptimisticAdam,
        "dynamics": "simultaneous",
        "learning_rate": 0.02,
    },
    "negative momentum": {"optimizer": optimizers.NegativeMomentum},
}


@pytest.mark.parametrize("name", SPIRALS_IN)
def test_it_comes_in_where_gradient_descent_spirals_out(name):
    outward = np.linalg.norm(play(bilinear(dynamics="simultaneous"), 300))
    # |1 + lr i|^300 of the radius sqrt(2)
    np.testing.assert_allclose(outward, np.sqrt(2) * (1 + LR**2) ** 150, rtol=1e-4)
    assert np.linalg.norm(play(bilinear(**SPIRALS_IN[name]), 300)) < 0.75 * np.sqrt(2)


def test_alternating_descent_neither_comes_in_nor_leaves():
    radii = [np.linalg.norm(play(bilinear(), steps)) for steps in (100, 200, 300)]
    assert min(radii) > 1.3 and max(radii) < 1.6


def test_extra_gradient_with_adam_is_algorithm_4():
    """Both gradients enter the moments, with bias corrections that count both."""
    gan = bilinear(1.0, 0.5, **optimizers.extra_adam(0.1, beta_1=0.5, beta_2=0.9))
    w, m, v, t = np.array([1.0, 0.5]), np.zeros(2), np.zeros(2), 0
    sign = np.array([-1.0, 1.0])  # gradients are -psi and theta
    for _ in range(3):
        look = w
        for _ in range(2):
            gradient = sign * look[::-1]
            t += 1
            m, v = 0.5 * m + 0.5 * gradient, 0.9 * v + 0.1 * gradient**2
            look = w - 0.1 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.9**t)) + 1e-7)
        w = look
        np.testing.assert_allclose(play(gan, 1), w, rtol=1e-4)
    assert gan.step == 3


@pytest.mark.parametrize("rule", dynamics.NAMES)
@pytest.mark.parametrize("k", [1, 3])
def test_each_player_has_its_updates(rule, k):
    gan = make_gan(dynamics=rule, discriminator_steps=k, **sgd())
    gan.fit(samples(4 * k), batch_size=4, verbose=0)
    applications = gan.dynamics.applications
    assert int(gan.generator_optimizer.iterations) == applications
    assert int(gan.discriminator_optimizer.iterations) == applications + k - 1
    assert gan.step == 1


@pytest.mark.parametrize("mode", [{"jit_compile": True}, {"run_eagerly": True}, {}], ids=str)
@pytest.mark.parametrize("rule", dynamics.NAMES)
def test_it_trains_real_networks(rule, mode):
    gan = make_gan("dcgan", dynamics=rule, loss="wasserstein", penalty="r1", **sgd(0.01), **mode)
    history = gan.fit(samples(4), batch_size=4, verbose=0).history
    assert np.isfinite([values[-1] for values in history.values()]).all()
    assert set(history) == {"d_loss", "penalty", "g_loss", "real_logits", "fake_logits"}


@pytest.mark.parametrize("rule", [optimizers.Lookahead(3, 0.5, "extra_gradient"), "unrolled"])
def test_a_saved_game_goes_on_bitwise(rule, tmp_path):
    gan = make_gan(dynamics=rule)
    data = batches(samples(16), 4)
    gan.fit(data, verbose=0)  # 4 steps: in the middle of the second three
    loaded = round_trip(gan, tmp_path)
    assert repr(loaded.dynamics) == repr(gan.dynamics)
    for game in (gan, loaded):
        game.fit(data, verbose=0)
    assert_same(state(gan), state(loaded))
    for a, b in zip(gan.dynamics.variables, loaded.dynamics.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_unrolling_leaves_no_trace_but_the_noise_it_drew():
    a = make_gan(dynamics=optimizers.Unrolled(2, 0.1), penalty="gradient_penalty", **sgd())
    a.train_on_batch(samples(4))
    drawn = int(a.noise.generator.state.numpy()[1])
    b = make_gan(dynamics=optimizers.Unrolled(5, 0.1), penalty="gradient_penalty", **sgd())
    b.train_on_batch(samples(4))
    assert int(b.noise.generator.state.numpy()[1]) == drawn + 3  # one penalty a step of the five


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: optimizers.Consensus(-1.0), "Consensus.*>= 0.*-1"),
        (lambda: optimizers.Lookahead(0), "Lookahead.*steps.*0"),
        (lambda: optimizers.Lookahead(5, 1.5), r"alpha.*\(0, 1\].*1.5"),
        (lambda: optimizers.Unrolled(0), "Unrolled.*steps.*0"),
        (lambda: optimizers.Unrolled(5, 0.0), "learning_rate.*positive.*0"),
        (lambda: make_gan(dynamics="sideways"), "unknown dynamics 'sideways'.*alternating"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("rule", ["consensus", "unrolled"])
def test_scaled_losses_are_refused_where_gradients_are_differentiated(rule):
    scaled = keras.optimizers.LossScaleOptimizer
    with pytest.raises(ValueError, match=r"unscaled gradients.*mixed_float16"):
        make_gan(
            dynamics=rule,
            generator_optimizer=scaled(keras.optimizers.SGD(0.1)),
            discriminator_optimizer=scaled(keras.optimizers.SGD(0.1)),
        )


def test_a_custom_dynamics_needs_one_method():
    class Still(kg.optimizers.Dynamics):
        def step(self, game, parts):
            return [game.discriminator_gradients(*parts[0])[1]]

    gan = bilinear(dynamics=Still())
    gan.fit(tf.zeros([4, 1]), batch_size=2, verbose=0)
    np.testing.assert_array_equal(point(gan), [1.0, 1.0])
