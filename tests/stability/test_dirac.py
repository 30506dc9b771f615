"""The Dirac-GAN against its theory: Mescheder et al., arXiv:1801.04406, sections 2 and 3."""

import keras
import numpy as np
import pytest

from keras_gans import losses, optimizers, penalties
from keras_gans.stability import DiracGAN, critical_gamma

# |f'(0)| and f''(0) of each loss, by hand, for logits 0 (real) and t = psi theta (fake): the root
# of the product of both players' slopes, and the curvature of the discriminator's side.
LOSSES = {
    "minimax": (0.5, -0.25),
    "non_saturating": (0.5, -0.25),
    "least_squares": (1.0, None),  # with labels -1, 1, 1, so that 0 is its equilibrium
    "wasserstein": (1.0, 0.0),
    "hinge": (1.0, 0.0),
    "relativistic_pairing": (0.5, -0.25),
    "relativistic_average": (1.0, None),
}


def loss_of(name):
    return losses.LeastSquares(-1.0, 1.0, 1.0) if name == "least_squares" else name


def both(center, inside):
    """center ± sqrt(inside), by falling real and imaginary part."""
    root = np.sqrt(complex(inside))
    return np.array([center + root, center - root])


def norm_penalty(name):
    return {"gradient_penalty": penalties.GradientPenalty(1.0), "dragan": penalties.Dragan(1.0)}[
        name
    ]


def test_every_loss_is_in_the_table():
    assert set(LOSSES) == set(losses.NAMES)


@pytest.mark.parametrize("name", LOSSES)
class TestEachLoss:
    def test_without_a_penalty_it_turns_and_does_not_converge(self, name):
        slope, _ = LOSSES[name]
        game = DiracGAN(loss_of(name))
        np.testing.assert_allclose(game.eigenvalues(), both(0.0, -(slope**2)), atol=1e-6)
        assert game.verdict() == "does not converge"
        assert abs(game.verdict().rate) < 1e-6
        assert critical_gamma(loss_of(name)) == pytest.approx(2 * slope, abs=1e-6)

    @pytest.mark.parametrize("gamma", [0.3, 5.0])
    @pytest.mark.parametrize("penalty", [penalties.R1, penalties.R2])
    def test_with_r1_or_r2_it_converges(self, name, penalty, gamma):
        slope, _ = LOSSES[name]
        game = DiracGAN(loss_of(name), penalty(gamma))
        expected = both(-gamma / 2, gamma**2 / 4 - slope**2)
        np.testing.assert_allclose(game.eigenvalues(), expected, atol=1e-5)
        assert game.verdict() == "converges"
        assert game.verdict().rate == pytest.approx(expected.real.max(), abs=1e-5)

    @pytest.mark.parametrize("penalty", ["gradient_penalty", "dragan"])
    def test_a_penalty_that_wants_a_slope_of_one_does_not_converge(self, name, penalty):
        game = DiracGAN(loss_of(name), norm_penalty(penalty))
        assert game.verdict() == "does not converge"
        path = game.simulate(1.0, 0.1, steps=2000, learning_rate=0.05)
        assert np.linalg.norm(path[-200:], axis=1).min() > 0.05

    def test_instance_noise_converges_where_the_loss_is_curved(self, name):
        slope, curvature = LOSSES[name]
        sigma = 0.8
        game = DiracGAN(loss_of(name), instance_noise=sigma)
        if curvature is not None:
            turn = curvature * sigma**2
            np.testing.assert_allclose(
                game.eigenvalues(), both(turn, turn**2 - slope**2), atol=1e-5
            )
        flat = curvature == 0.0
        assert game.verdict() == ("does not converge" if flat else "converges")

    def test_clipping_changes_nothing_at_the_equilibrium(self, name):
        game = DiracGAN(loss_of(name), clip=0.3)
        np.testing.assert_array_equal(game.eigenvalues(), DiracGAN(loss_of(name)).eigenvalues())
        assert game.verdict() == "does not converge"
        path = game.simulate(1.0, 0.2, steps=1000, learning_rate=0.05)
        assert np.abs(path[1:, 1]).max() <= 0.3 + 1e-6
        assert np.linalg.norm(path[-100:], axis=1).max() > 0.1

    def test_consensus_converges(self, name):
        slope, _ = LOSSES[name]
        game = DiracGAN(loss_of(name), consensus=0.6)
        # J = slope * rotation where both slopes are equal, so J - w JᵀJ = J - w slope² I
        expected = both(-0.6 * slope**2, -(slope**2))
        np.testing.assert_allclose(game.eigenvalues(), expected, atol=1e-5)
        assert game.verdict() == "converges"
        path = game.simulate(0.2, 0.2, steps=600, learning_rate=0.1)
        assert np.linalg.norm(path[-1]) < 0.05 * np.linalg.norm(path[0])


def test_least_squares_with_its_paper_s_labels_has_no_equilibrium_at_zero_logits():
    # Labels 0 and 1: the discriminator's slope (f - a) vanishes at 0, and J is nilpotent.
    game = DiracGAN("least_squares")
    np.testing.assert_allclose(game.jacobian(), [[0.0, 1.0], [0.0, 0.0]], atol=1e-6)
    assert game.verdict() == "does not converge"


def test_the_field_is_the_formula():
    # Minimax: v = (psi s, -theta s) with s = sigmoid(psi theta); R1 adds -gamma psi.
    theta, psi, gamma = 0.7, -1.2, 0.4
    s = 1 / (1 + np.exp(-psi * theta))
    v = DiracGAN("minimax", penalties.R1(gamma)).vector_field(theta, psi)
    np.testing.assert_allclose(v, [psi * s, -theta * s - gamma * psi], rtol=1e-5)


def test_the_jacobian_is_the_field_s_derivative():
    game = DiracGAN("non_saturating", "r1")
    at, h = np.array([0.4, 0.3]), 1e-3
    columns = [
        (game.vector_field(*(at + h * e)) - game.vector_field(*(at - h * e))) / (2 * h)
        for e in np.eye(2)
    ]
    np.testing.assert_allclose(game.jacobian(*at), np.stack(columns, 1), atol=2e-3)


def test_consensus_s_field_is_v_less_its_pull():
    # Wasserstein: v = (psi, -theta), J = [[0, 1], [-1, 0]], Jᵀv = (theta, psi).
    v = DiracGAN("wasserstein", consensus=0.5).vector_field(2.0, 3.0)
    np.testing.assert_allclose(v, [3.0 - 0.5 * 2.0, -2.0 - 0.5 * 3.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("update", "matrix"),
    [
        ("simultaneous", [[1.0, 0.1], [-0.1, 1.0]]),
        ("alternating", [[0.99, 0.1], [-0.1, 1.0]]),
        (optimizers.ExtraGradient(), [[0.99, 0.1], [-0.1, 0.99]]),
    ],
    ids=str,
)
def test_simulate_follows_the_closed_form(update, matrix):
    path = DiracGAN("wasserstein").simulate(1.0, 0.5, 50, learning_rate=0.1, update=update)
    expected = [np.array([1.0, 0.5])]
    for _ in range(50):
        expected.append(np.array(matrix) @ expected[-1])
    assert path.shape == (51, 2) and path.dtype == np.float64
    np.testing.assert_allclose(path, expected, rtol=1e-4, atol=1e-5)


def test_simulate_makes_k_updates_of_psi_to_one_of_theta():
    path = DiracGAN("wasserstein").simulate(1.0, 0.0, 1, 0.1, "alternating", 3)
    np.testing.assert_allclose(path[1], [1.0 - 0.1 * 0.3, -0.3], rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", keras.optimizers.Adam, keras.optimizers.Adam(9.0)])
def test_simulate_takes_any_optimizer(optimizer):
    path = DiracGAN("wasserstein").simulate(1.0, 0.5, 1, 0.1, optimizer=optimizer)
    np.testing.assert_allclose(path[1], [1.1, 0.4], rtol=1e-5)  # Adam's first step is the rate


def test_simulation_falls_at_the_rate_of_the_verdict():
    game = DiracGAN("minimax", penalties.R1(0.5))
    path = game.simulate(0.01, 0.0, steps=4000, learning_rate=0.005)  # near 0, small steps: time 20
    expected = np.exp(20 * game.verdict().rate) * 0.01
    assert np.linalg.norm(path[-1]) == pytest.approx(expected, rel=0.3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DiracGAN("minimax", instance_noise=-1.0), "instance_noise.*>= 0.*-1"),
        (lambda: DiracGAN("mini"), "unknown loss 'mini'"),
        (lambda: DiracGAN("minimax", clip=0.0).simulate(0, 0, 1, 0.1), "positive"),
        (lambda: DiracGAN("minimax").simulate(0, 0, 0, 0.1), "steps must be >= 1.*0"),
        (lambda: DiracGAN("minimax").simulate(0, 0, 1, 0.1, "sideways"), "sideways"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
