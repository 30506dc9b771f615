import time
import types
import warnings

import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same, make_gan, players, samples, state
from helpers_games import bilinear, play

import keras_gans as kg
from keras_gans import penalties
from keras_gans.models import Probe
from keras_gans.stability import DiracGAN, Spectrum, game_jacobian, game_spectrum, jacobian
from keras_gans.stability.jacobian import Field, _union


def ring(n=32):
    angles = 2 * np.pi * np.arange(n) / 8
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype("float32")


def small(**arguments):
    gan = make_gan(networks=players(shape=(2,), width=12), **arguments)
    return gan


def test_the_bilinear_game_is_a_rotation():
    # v = (psi, -theta)
    gan = bilinear(3.0, 2.0)
    np.testing.assert_allclose(
        game_jacobian(gan, np.zeros([4, 1], "float32")), [[0, 1], [-1, 0]], atol=1e-7
    )
    spectrum = game_spectrum(gan, np.zeros([4, 1], "float32"))
    np.testing.assert_allclose(spectrum.eigenvalues, [-1j, 1j], atol=1e-7)
    assert (spectrum.rotation_index, spectrum.max_learning_rate) == (1.0, 0.0)
    assert not spectrum.stable and spectrum.complete and spectrum.parameters == 2


def test_the_penalty_is_included_and_the_rate_is_the_limit_of_stability():
    # With R1: J = [[0, 1], [-1, -gamma]]; gamma 1 gives -1/2 ± i sqrt(3)/2, |eigenvalue| = 1.
    spectrum = game_spectrum(bilinear(penalty=penalties.R1(1.0)), np.zeros([4, 1], "float32"))
    np.testing.assert_allclose(spectrum.eigenvalues.real, [-0.5, -0.5], atol=1e-6)
    assert spectrum.max_learning_rate == pytest.approx(1.0, rel=1e-5)
    for rate, shrinks in ((0.9, True), (1.1, False)):
        gan = bilinear(penalty=penalties.R1(1.0), dynamics="simultaneous", learning_rate=rate)
        assert (np.linalg.norm(play(gan, 200)) < 1.0) == shrinks


def test_a_lazy_penalty_counts_at_its_average_strength():
    x = np.zeros([4, 1], "float32")
    lazy = bilinear(penalty=penalties.Lazy(penalties.R1(1.0), every=4))
    np.testing.assert_allclose(
        game_jacobian(lazy, x), game_jacobian(bilinear(penalty=penalties.R1(1.0)), x)
    )


def test_products_are_the_field_s_derivative():
    networks = players(shape=(2,), width=12, activation="tanh")  # smooth, for differences
    gan = make_gan(networks=networks, loss="non_saturating", penalty="r1")
    field = Field(Probe(gan, ring()))
    random = np.random.default_rng(0)
    w, u = random.normal(size=[2, field.size])
    start, h = [v.numpy() for v in field.variables], 1e-2
    cut = np.cumsum(field.sizes)[:-1]

    def at(t):
        for v, s, d in zip(field.variables, start, np.split(w, cut), strict=True):
            v.assign(s + t * d.reshape(s.shape))
        return field.vector().numpy().astype(np.float64)

    along = (at(h) - at(-h)) / (2 * h)
    at(0.0)
    assert u @ along == pytest.approx(field.transposed_product(u) @ w, rel=2e-2)


@pytest.mark.parametrize("loss", ["wasserstein", "relativistic_average"])
def test_arpack_finds_the_leading_ones_of_the_dense_spectrum(loss):
    gan = small(loss=loss, penalty=penalties.R1(0.05))
    gan.fit(ring(256), batch_size=32, epochs=5, verbose=0)
    every = game_spectrum(gan, ring()).eigenvalues
    k = 4
    leading = game_spectrum(gan, ring(), k=k, tolerance=1e-6)
    assert not leading.complete and len(every) == leading.parameters
    found = leading.eigenvalues
    scale = np.abs(every).max()
    np.testing.assert_allclose(
        np.sort(found.real)[-k:], np.sort(every.real)[-k:], atol=1e-4 * scale
    )
    imaginary = np.sort(np.abs(every.imag))[-k:]
    assert imaginary.max() > 0.05 * scale  # there is a rotation to be found
    np.testing.assert_allclose(np.sort(np.abs(found.imag))[-k:], imaginary, atol=1e-4 * scale)
    np.testing.assert_allclose(np.abs(found).max(), scale, rtol=1e-4)


@pytest.fixture
def known(monkeypatch):
    """Return the eigenvalues of the game that `game_spectrum` is made to see, of 1,998 weights.

    As in a trained DCGAN, one lies far out and the rightmost close together, a hundredth as large.
    """
    rank, random = np.arange(1, 1000), np.random.default_rng(1)
    real = np.concatenate([[-1.0], 0.03 * rank**-0.75, -0.06 * rank[:-40] ** -0.75])
    spin = 0.05 / np.arange(1, 21)
    eigenvalues = np.concatenate([real, -0.02 + 1j * spin, -0.02 - 1j * spin])
    n = len(eigenvalues)
    field = np.triu(random.normal(size=[n, n]) * 0.01 / np.sqrt(n), 1)  # not normal, as games are
    field[np.diag_indices(len(real))] = real
    for i, turn in zip(range(len(real), n, 2), spin, strict=True):
        field[i : i + 2, i : i + 2] = [[-0.02, turn], [-turn, -0.02]]
    field = field.T.astype("float32")

    def product(u):
        return (field @ np.ravel(u).astype("float32")).astype(np.float64)

    game = types.SimpleNamespace(size=n, transposed_product=product)
    monkeypatch.setattr(jacobian, "Field", lambda probe: game)
    return eigenvalues


def assert_leading(found, every, k, atol):
    """Hold that k eigenvalues by real part, imaginary part and absolute value are the leading."""
    for part in (np.real, np.abs, lambda values: np.abs(np.imag(values))):
        wanted = np.sort(part(every))[-k:]
        np.testing.assert_allclose(np.sort(part(found))[-k:], wanted, atol=atol, rtol=0)


def test_the_rightmost_are_found_where_they_crowd_next_to_zero(known):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # all have converged
        leading = game_spectrum(small(), ring(), k=20)
    assert_leading(leading.eigenvalues, known, 20, atol=1e-5)


@pytest.mark.parametrize("penalty", [None, "r1"])
def test_twenty_leading_ones_of_a_trained_dcgan(penalty):
    gan = make_gan(networks=players("dcgan", width=3), penalty=penalty)
    gan.fit(np.tile(samples(16), [10, 1, 1, 1]), batch_size=16, epochs=10, verbose=0)
    every = game_spectrum(gan, samples(16)).eigenvalues
    leading = game_spectrum(gan, samples(16), k=20)
    assert len(every) == leading.parameters
    assert_leading(leading.eigenvalues, every, 20, atol=1e-5 * np.abs(every).max())


def blobs(n, size=28):
    """Return float32 images [n, size, size, 1] of one bright spot each."""
    x, y, width = np.random.default_rng(0).uniform([0.2, 0.2, 0.1], [0.8, 0.8, 0.2], [n, 3]).T
    at = np.arange(size) / size
    across, down = (np.exp(-0.5 * ((at - m[:, None]) / width[:, None]) ** 2) for m in (x, y))
    return (2 * down[:, :, None, None] * across[:, None, :, None] - 1).astype("float32")


@pytest.mark.slow
def test_a_dcgan_of_a_million_weights_takes_three_minutes():
    networks = kg.networks.dcgan((28, 28, 1), latent_dim=100, width=64)
    gan = kg.GAN(*networks, latent_dim=100)
    gan.compile(penalty="r1")
    gan.fit(blobs(1600), batch_size=16, verbose=0)
    start, start_cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # 20 of 20, three times
        spectrum = game_spectrum(gan, blobs(16))
    wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(f"{spectrum.parameters} weights: {wall:.0f} s, {cpu:.0f} s of the processor")
    assert spectrum.parameters > 890_000 and 20 <= len(spectrum.eigenvalues) <= 60
    assert min(wall, cpu) < 180  # whatever else runs on the machine


def test_looking_leaves_the_game_as_it_was():
    gan = make_gan("dcgan", discriminator_steps=2, penalty=penalties.Lazy("gradient_penalty", 4))
    before = state(gan)
    field = Field(Probe(gan, samples(4), seed=1))
    first = field.vector().numpy()
    np.testing.assert_array_equal(first, field.vector().numpy())  # fixed noise
    field.transposed_product(first)
    assert_same(before, state(gan))
    assert (first != Field(Probe(gan, samples(4), seed=2)).vector().numpy()).any()


def test_the_dirac_gan_is_a_game_like_any():
    dirac = DiracGAN("minimax", penalties.R1(0.7))
    game, real = dirac._game()
    game.discriminator_variables[0].assign([[0.0]])
    np.testing.assert_allclose(
        np.sort(game_spectrum(game, real).eigenvalues), np.sort(dirac.eigenvalues()), atol=1e-7
    )


def test_union_keeps_what_occurs_twice_and_adds_what_is_new():
    known, new = np.array([1 + 1j, 1 - 1j, 2, 2]), np.array([2.0000001, 2, 1 + 1j, 3, 3j])
    np.testing.assert_allclose(_union(known, new, 1e-3), [1 + 1j, 1 - 1j, 2, 2, 3, 3j])


def test_zero_eigenvalues_count_for_nothing():
    spectrum = Spectrum(np.array([1e-9, -1 + 2j, -1 - 2j, -4]), 4, True)
    assert spectrum.stable and spectrum.rotation_index == pytest.approx(2 / 3)
    assert spectrum.max_learning_rate == pytest.approx(0.4)  # 2/5 of the pair, 1/2 of the other
    assert not Spectrum(np.zeros(3, complex), 3, True).stable


@pytest.mark.parametrize("k", [0, 10_000])
def test_a_wrong_k_is_refused(k):
    with pytest.raises(ValueError, match=rf"k must lie in \[1, \d+\].*{k}"):
        game_spectrum(small(), ring(), k=k)


def test_samples_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\).*\(2,\)"):
        game_spectrum(small(), tf.zeros([4, 3]))
