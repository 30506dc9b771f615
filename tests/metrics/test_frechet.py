import numpy as np
import pytest
from goldens import GOLDENS
from goldens.cases import SIZES, features
from scipy import linalg

from keras_gans.metrics import frechet_distance, gaussian


def test_diagonal_covariances_have_a_closed_form():
    # |mu1 - mu2|² + sum (s1 - s2)² of the standard deviations
    mu1, mu2 = np.array([1.0, -2.0, 0.5]), np.array([0.0, 1.0, 0.5])
    s1, s2 = np.array([1.0, 2.0, 0.0]), np.array([3.0, 0.5, 0.0])
    expected = np.sum((mu1 - mu2) ** 2) + np.sum((s1 - s2) ** 2)
    assert frechet_distance(mu1, np.diag(s1**2), mu2, np.diag(s2**2)) == pytest.approx(
        expected, rel=1e-12
    )


def test_it_agrees_with_the_matrix_square_root():
    random = np.random.default_rng(0)
    a, b = random.normal(size=[2, 40, 6])
    (mu1, cov1), (mu2, cov2) = gaussian(a), gaussian(3.0 * b + 1.0)
    root = linalg.sqrtm(cov1 @ cov2).real
    expected = np.sum((mu1 - mu2) ** 2) + np.trace(cov1 + cov2 - 2.0 * root)
    found = frechet_distance(mu1, cov1, mu2, cov2)
    assert found == pytest.approx(expected, rel=1e-9)
    assert found == pytest.approx(frechet_distance(mu2, cov2, mu1, cov1), rel=1e-9)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("tool", ["pytorch-fid", "clean-fid", "torch-fidelity"])
def test_it_gives_what_the_tool_gives(name, tool):
    real, fake = features(name)
    golden = GOLDENS["features"][name]
    assert [real.sum(), fake.sum()] == pytest.approx(golden["checksum"], rel=1e-12)
    found = frechet_distance(*gaussian(real), *gaussian(fake))
    assert found == pytest.approx(golden["frechet"][tool], rel=1e-9)


def test_identical_sets_are_at_zero_even_if_the_covariance_has_no_full_rank():
    for n, d in ((10, 64), (50, 300), (500, 64)):
        x = np.random.default_rng(1).normal(size=[n, d])  # of rank n - 1 at most
        mu, cov = gaussian(x)
        assert frechet_distance(mu, cov, mu, cov) < 1e-9 * np.trace(cov)


def test_a_generator_of_one_image_has_a_covariance_of_zeros():
    real, fake = np.random.default_rng(0).normal(size=[20, 3]), np.ones([5, 3])
    mu, cov = gaussian(real)
    expected = np.sum((mu - 1.0) ** 2) + np.trace(cov)
    assert frechet_distance(mu, cov, *gaussian(fake)) == pytest.approx(expected, rel=1e-12)
    assert frechet_distance(*gaussian(fake), *gaussian(fake + 2.0)) == pytest.approx(12.0)


@pytest.mark.parametrize(("n", "m", "d"), [(10, 10, 200), (30, 400, 200), (400, 30, 200)])
def test_covariances_of_less_than_full_rank_lose_no_digits(n, m, d):
    random = np.random.default_rng(0)
    a, b = random.normal(size=[n, d]) + 1.0, 2.0 * random.normal(size=[m, d])
    # The root's trace is the nuclear norm of A Bᵀ, samples centred and over sqrt(N - 1).
    mu1, mu2 = a.mean(axis=0), b.mean(axis=0)
    centred = (a - mu1) / np.sqrt(n - 1), (b - mu2) / np.sqrt(m - 1)
    traces = sum(np.sum(x**2) for x in centred)
    root = np.linalg.norm(centred[0] @ centred[1].T, "nuc")
    found = frechet_distance(*gaussian(a), *gaussian(b))
    assert found == pytest.approx(np.sum((mu1 - mu2) ** 2) + traces - 2.0 * root, rel=1e-11)


def test_the_covariance_divides_by_n_less_one():
    mu, cov = gaussian([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    np.testing.assert_array_equal(mu, [2.0, 1.0])
    np.testing.assert_array_equal(cov, [[4.0, 0.0], [0.0, 0.0]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gaussian(np.zeros([1, 3])), r"\[N >= 2, d\].*\(1, 3\)"),
        (lambda: gaussian(np.zeros(3)), r"\(3,\)"),
        (
            lambda: frechet_distance([0.0], [[1.0]], [0.0, 1.0], np.eye(2)),
            r"one length.*\(1,\).*\(2,\)",
        ),
        (lambda: gaussian([[0.0], [np.nan], [1.0]]), "features must be finite.*1 of 3"),
        (lambda: frechet_distance([np.nan], [[1.0]], [0.0], [[1.0]]), "mu1.*not finite"),
    ],
)
def test_what_cannot_be_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
