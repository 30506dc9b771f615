import numpy as np
import pytest

from keras_gans.datasets import Data, load


def test_ring_modes_lie_at_multiples_of_45_degrees():
    data = load("ring")
    angles = np.arange(8) * np.pi / 4
    np.testing.assert_allclose(data.modes, 2 * np.stack([np.cos(angles), np.sin(angles)], 1), 1e-5)
    assert (data.sigma, data.shape, len(data), data.is_image) == (0.02, (2,), 50_000, False)
    assert data.num_classes == 8


def test_grid_is_centred_with_spacing_two():
    modes = load("grid").modes
    assert sorted(map(tuple, modes)) == [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_reference_has_the_density_s_moments(name):
    data = load(name)
    deviations = data.samples - data.modes[data.labels]
    # 50,000 draws on two axes: the standard error of the mean is sigma/316, of the sd sigma/447.
    assert abs(deviations.mean()) < 5 * 0.02 / 316
    assert abs(deviations.std() - 0.02) < 5 * 0.02 / 447
    shares = np.bincount(data.labels) / len(data) * len(data.modes)
    assert shares.shape == (len(data.modes),) and abs(shares - 1).max() < 0.15


def test_weights_are_the_shares_of_the_modes():
    modes = np.array([[-1.0], [1.0]], np.float32)
    points = np.zeros((50_000, 1), np.float32)
    weights = np.array([9, 1], np.float32)
    data = Data("two", points, np.zeros(50_000), modes=modes, sigma=0.0, weights=weights)
    x, y = next(iter(data.batches(50_000, labels=True)))
    assert abs(float(np.mean(y)) - 0.1) < 5 * 0.3 / np.sqrt(50_000)
    np.testing.assert_array_equal(x, modes[y])


def test_batches_are_fresh_draws_near_their_labels_mode():
    data = load("ring")
    (a, y), (b, _) = data.batches(256, seed=1, labels=True).take(2)
    points = np.concatenate([a, b, data.samples])
    assert len(np.unique(points, axis=0)) == len(points)
    assert np.abs(a - data.modes[y]).max() < 6 * 0.02


def test_batches_depend_on_seed_and_number_only():
    data = load("ring")
    third = list(data.batches(16, seed=4).take(3))[2]
    np.testing.assert_array_equal(third, next(iter(data.batches(16, seed=4, start=2))))
    assert (third != next(iter(data.batches(16, seed=5, start=2)))).numpy().all()


def test_reference_depends_on_the_seed():
    np.testing.assert_array_equal(load("ring").samples, load("ring", seed=0).samples)
    assert (load("ring").samples != load("ring", seed=1).samples).any()
