import numpy as np
import pytest

from keras_gans.datasets import Data, load
from keras_gans.datasets.toy import DENSITIES


def test_ring_modes_lie_at_multiples_of_45_degrees():
    data = load("ring")
    angles = np.arange(8) * np.pi / 4
    np.testing.assert_allclose(data.modes, 2 * np.stack([np.cos(angles), np.sin(angles)], 1), 1e-5)
    assert (data.sigma, data.shape, len(data), data.is_image) == (0.02, (2,), 50_000, False)
    assert data.num_classes == 8


def test_grid_is_centred_with_spacing_two():
    modes = load("grid").modes
    assert sorted(map(tuple, modes)) == [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]


def test_imbalanced_ring_has_the_ring_s_modes_and_shares_that_fall_sixteenfold():
    data = load("imbalanced_ring")
    np.testing.assert_array_equal(data.modes, load("ring").modes)
    np.testing.assert_allclose(data.weights[1:] / data.weights[:-1], 2 ** (-4 / 7), 1e-6)
    np.testing.assert_allclose(data.weights[0] / data.weights[-1], 16, 1e-6)
    assert abs(data.weights.sum() - 1) < 1e-6


def test_spiral_turns_one_and_a_half_times_out_to_radius_two():
    modes = load("spiral").modes.astype(float)
    radii = np.linalg.norm(modes, axis=1)
    assert modes.shape == (100, 2) and (radii[0], (np.diff(radii) > 0).all()) == (0, True)
    np.testing.assert_allclose(modes[-1], [-2, 0], atol=1e-5)  # 1.5 turns: at 180 degrees
    angles = np.unwrap(np.arctan2(*modes[1:].T[::-1]))
    np.testing.assert_allclose(radii[1:], 2 * angles / (3 * np.pi), atol=2e-3)


def test_two_moons_are_half_circles_of_radius_one():
    upper, lower = load("two_moons").modes.reshape(2, 32, 2)
    np.testing.assert_allclose(np.linalg.norm(upper - [-0.5, -0.25], axis=1), 1, 1e-6)
    np.testing.assert_array_equal(upper, -lower)
    assert upper[:, 1].min() > -0.2501 and lower[:, 1].max() < 0.2501


def test_mixture_1d_has_five_modes_on_a_line():
    data = load("mixture_1d")
    assert (data.modes.ravel().tolist(), data.sigma) == ([-4, -2, 0, 2, 4], 0.1)
    assert data.shape == (1,) and not data.is_image


@pytest.mark.parametrize("name", ["spiral", "two_moons"])
def test_along_a_curve_neighbours_lie_two_sigma_apart(name):
    data = load(name)
    gaps = np.linalg.norm(np.diff(data.modes, axis=0), axis=1) / data.sigma
    assert np.sort(gaps)[0] > 1.9 and np.sort(gaps)[-2] < 2.05  # the last one: moon to moon


@pytest.mark.parametrize("name", DENSITIES)
def test_reference_has_the_density_s_moments(name):
    data = load(name)
    deviations = data.samples - data.modes[data.labels]
    # 50,000 draws on d axes: the standard error of the mean is sigma/sqrt(50,000 d).
    error = data.sigma / np.sqrt(deviations.size)
    assert abs(deviations.mean()) < 5 * error
    assert abs(deviations.std() - data.sigma) < 5 * error / np.sqrt(2)
    counts = np.bincount(data.labels, minlength=len(data.modes))
    expected = 1 / len(data.modes) if data.weights is None else data.weights
    deviation = counts / len(data) - expected
    assert (abs(deviation) < 5 * np.sqrt(expected / len(data))).all()


def test_weights_are_the_shares_of_the_modes():
    modes = np.array([[-1.0], [1.0]], np.float32)
    points = np.zeros((50_000, 1), np.float32)
    weights = np.array([9, 1], np.float32)
    data = Data("two", points, np.zeros(50_000), modes=modes, sigma=0.0, weights=weights)
    x, y = next(iter(data.batches(50_000, labels=True)))
    assert abs(float(np.mean(y)) - 0.1) < 5 * 0.3 / np.sqrt(50_000)
    np.testing.assert_array_equal(x, modes[y])


@pytest.mark.parametrize("name", DENSITIES)
def test_batches_are_fresh_draws_near_their_labels_mode(name):
    data = load(name)
    (a, y), (b, _) = data.batches(256, seed=1, labels=True).take(2)
    points = np.concatenate([a, b])
    assert points.shape == (512, *data.shape) and points.dtype == np.float32
    both = np.concatenate([points, data.samples])
    if data.shape == (2,):  # on a line, float32 numbers meet by chance
        assert len(np.unique(both, axis=0)) == len(both)
    assert np.abs(a - data.modes[y]).max() < 6 * data.sigma


def test_batches_depend_on_seed_and_number_only():
    data = load("ring")
    third = list(data.batches(16, seed=4).take(3))[2]
    np.testing.assert_array_equal(third, next(iter(data.batches(16, seed=4, start=2))))
    assert (third != next(iter(data.batches(16, seed=5, start=2)))).numpy().all()


def test_reference_depends_on_the_seed():
    np.testing.assert_array_equal(load("ring").samples, load("ring", seed=0).samples)
    assert (load("ring").samples != load("ring", seed=1).samples).any()
