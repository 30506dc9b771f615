import numpy as np
import pytest
from goldens import GOLDENS
from goldens.cases import SIZES, features, lattice
from helpers import peak_memory

from keras_gans.metrics import density_coverage, precision_recall

NAMES = ("precision", "recall", "density", "coverage")


def all_four(real, fake, k):
    return (*precision_recall(real, fake, k), *density_coverage(real, fake, k))


@pytest.mark.parametrize("name", [*SIZES, "lattice"])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_it_is_exactly_what_prdc_gives(name, k):
    real, fake = lattice() if name == "lattice" else features(name)
    golden = (GOLDENS if name == "lattice" else GOLDENS["features"])[name]["prdc"][str(k)]
    assert all_four(real, fake, k) == tuple(golden[each] for each in NAMES)


def test_points_on_a_line_counted_by_hand():
    # Each ball of real reaches 1 to either side, the edge not included: -1..1, 0..2, 1..3, 9..10..
    real, fake = np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([[0.5], [1.0], [3.0]])
    # Radii of real: 1, 1, 1, 8; of fake: 0.5, 0.5, 2.
    found = precision_recall(real, fake, k=1)
    # 0.5 is in the balls of 0 and 1; 1.0 in that of 1 alone (1 from both others); 3.0 in 10's.
    assert found.precision == 1.0
    # 0 is 0.5 from 0.5: outside; 1 is in the ball of 1.0; 2 in that of 3.0; 10 in none.
    assert found.recall == 0.5
    found = density_coverage(real, fake, k=1)
    assert found.density == pytest.approx(4 / 3, rel=1e-15)
    # The ball of 0 has 0.5, that of 1 has 0.5 and 1.0, that of 2 has none, that of 10 has 3.0.
    assert found.coverage == 0.75


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e6])
def test_a_copy_of_the_real_samples_is_decided_by_no_rounding(scale):
    real = scale * (np.random.default_rng(0).normal(size=[700, 16]) + 1.0)
    # A copy of the k-th neighbour lies on the edge, so each ball has its centre and k - 1 others.
    assert all_four(real, real.copy(), 5) == (1.0, 1.0, pytest.approx(1.0, abs=1e-15), 1.0)
    shuffled = np.random.default_rng(1).permutation(real)
    assert all_four(real, shuffled, 5) == (1.0, 1.0, pytest.approx(1.0, abs=1e-15), 1.0)


def test_a_collapse_has_precision_and_no_recall():
    random = np.random.default_rng(0)
    real = random.normal(size=[1000, 8])
    fake = real[:1] + 0.01 * random.normal(size=[1000, 8])
    precision, recall, _, coverage = all_four(real, fake, 5)
    assert precision == 1.0 and recall < 0.01 and coverage < 0.1
    assert all_four(real, fake + 100.0, 5) == (0.0, 0.0, 0.0, 0.0)


def test_equal_samples_have_neighbours_at_no_distance():
    x = np.zeros([9, 2])
    assert all_four(x, x, 3) == (0.0, 0.0, 0.0, 0.0)  # nothing is inside of an empty ball


def test_every_other_sample_may_be_a_neighbour():
    real, fake = features("small")
    assert min(all_four(real, fake, 39)) >= 0


def test_whole_numbers_are_features_too():
    real, fake = lattice()
    assert all_four(real.astype(int), fake.astype(int), 3) == all_four(real, fake, 3)


@pytest.mark.parametrize("function", [precision_recall, density_coverage])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"real": [[np.nan, 0.0], [1.0, 1.0]]}, "real must be finite.*1 of 2"),
        ({"fake": np.zeros([3, 5])}, "real and fake.*same width.*2 and 5"),
        ({"fake": np.zeros([1, 2])}, r"fake must be .*\(1, 2\)"),
        ({"k": 4}, "k must be .* 3, .*4 real.*4 fake.*found 4"),
        ({"k": 0}, "k must be .*found 0"),
        ({"k": 1.5}, "k must be .*found 1.5"),
    ],
)
def test_what_cannot_be_is_named(function, change, words):
    arguments = {"real": np.zeros([4, 2]), "fake": np.ones([4, 2]), "k": 1} | change
    with pytest.raises(ValueError, match=words):
        function(**arguments)


@pytest.mark.parametrize(
    ("n", "d", "gib"),
    # The matrix of distances alone would be 0.13, and 0.75 GiB.
    [(4000, 16, 0.13), pytest.param(10_000, 2048, 1.0, marks=pytest.mark.slow)],
)
def test_memory_is_that_of_some_blocks(n, d, gib):
    real, fake = np.random.default_rng(0).normal(size=[2, n, d])
    peak = peak_memory(lambda: all_four(real, fake, 5))
    assert real.nbytes + fake.nbytes + peak < gib * 2**30
