import keras
import numpy as np
import pytest
from helpers import assert_same, make_gan, players, samples, sgd, state
from helpers_games import bilinear

from keras_gans.stability import duality_gap


def test_the_bilinear_game_s_gap_has_a_closed_form():
    # M = -psi theta. n steps at rate lr take psi to psi - n lr theta against a fixed theta, and
    # theta to theta + n lr psi: the gap is n lr (theta² + psi²).
    gan = bilinear(1.5, -0.5, learning_rate=0.1)
    found = duality_gap(gan, np.zeros([64, 1]), steps=7, batch_size=8)
    assert found.value == pytest.approx(0.75, rel=1e-6)
    assert found.worst_discriminator == pytest.approx(0.75 + 0.7 * 1.5**2, rel=1e-5)
    assert found.worst_generator == pytest.approx(0.75 - 0.7 * 0.5**2, rel=1e-5)
    assert found.gap == pytest.approx(0.7 * (1.5**2 + 0.5**2), rel=1e-5)


def test_at_the_equilibrium_it_is_zero():
    assert duality_gap(bilinear(0.0, 0.0), np.zeros([64, 1]), 20, 8).gap == 0.0


def test_the_present_player_is_never_beaten_by_a_worse_one():
    # A rate so high that the copies get worse: the gap still is not negative.
    gan = make_gan(loss="least_squares", networks=players(shape=(2,)), **sgd(50.0))
    assert duality_gap(gan, samples(64, (2,)), steps=3, batch_size=16).gap >= 0.0


def test_the_game_is_left_alone_and_the_seed_decides():
    gan = make_gan("dcgan", penalty="r1", dynamics="lookahead", discriminator_steps=2)
    before = state(gan)
    a, b = (duality_gap(gan, samples(32), steps=2, batch_size=8, seed=1) for _ in range(2))
    assert a == b
    assert_same(before, state(gan))


def test_a_player_that_was_trained_alone_leaves_the_other_a_gap():
    keras.utils.set_random_seed(0)
    gan = make_gan(networks=players(shape=(2,), width=16), **sgd(0.05))
    x = samples(256, (2,)) + 3.0
    assert duality_gap(gan, x, steps=100, batch_size=32).gap > 0.5


@pytest.mark.parametrize(("steps", "n"), [(0, 64), (5, 15)])
def test_too_little_is_refused(steps, n):
    with pytest.raises(ValueError, match=rf"steps={steps}.*{n} samples"):
        duality_gap(bilinear(), np.zeros([n, 1]), steps, batch_size=8)
