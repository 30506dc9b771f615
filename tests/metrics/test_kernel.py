import numpy as np
import pytest
from goldens import GOLDENS
from goldens.cases import SIZES, features

from keras_gans.metrics import kernel_distance

AT = GOLDENS["subsets"]


def by_definition(x, y):
    """Sum the kernel pair by pair."""

    def k(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    def within(z):
        pairs = [(i, j) for i in range(len(z)) for j in range(len(z)) if i != j]
        return sum(k(z[i], z[j]) for i, j in pairs) / len(pairs)

    return within(x) + within(y) - 2 * sum(k(a, b) for a in x for b in y) / (len(x) * len(y))


def test_it_is_the_sum_over_pairs_for_sets_of_different_sizes():
    random = np.random.default_rng(0)
    x, y = random.normal(size=[9, 3]), random.normal(size=[6, 3]) + 1.0
    assert kernel_distance(x, y) == pytest.approx(by_definition(x, y), rel=1e-12)
    assert kernel_distance(y, x) == pytest.approx(by_definition(x, y), rel=1e-12)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("tool", ["clean-fid", "torch-fidelity"])
def test_all_samples_give_what_the_tool_gives(name, tool):
    real, fake = features(name)
    golden = GOLDENS["features"][name]
    assert [real.sum(), fake.sum()] == pytest.approx(golden["checksum"], rel=1e-12)
    n = min(len(real), len(fake))
    found = kernel_distance(real[:n], fake[:n])
    assert found == pytest.approx(golden["kernel"][tool], rel=1e-9)


@pytest.mark.parametrize("name", SIZES)
def test_subsets_give_what_the_tools_give_for_the_same_subsets(name):
    golden = GOLDENS["features"][name]["kernel_subsets"]
    value, error = kernel_distance(*features(name), AT["count"], AT["size"], AT["seed"])
    assert value == pytest.approx(golden["clean-fid"]["mean"], rel=1e-9)
    of_tool = golden["torch-fidelity"]
    assert value == pytest.approx(of_tool["kernel_inception_distance_mean"], rel=1e-9)
    # The tool divides the variance by n, an error of the mean by n - 1 and then by n.
    expected = of_tool["kernel_inception_distance_std"] / np.sqrt(AT["count"] - 1)
    assert error == pytest.approx(expected, rel=1e-9)


def test_all_samples_in_every_subset_are_all_samples():
    real, fake = features("small")
    found = kernel_distance(real, fake, subsets=3, subset_size=40)
    assert found.value == pytest.approx(kernel_distance(real, fake), rel=1e-12)
    assert found.standard_error == pytest.approx(0.0, abs=1e-12 * found.value)


def test_the_same_seed_takes_the_same_subsets():
    real, fake = features("small")
    a, b, c = (kernel_distance(real, fake, 4, 10, seed) for seed in (1, 1, 2))
    assert a == b != c


def test_it_is_0_in_the_mean_for_samples_of_the_same_thing():
    random = np.random.default_rng(0)
    values = [kernel_distance(*random.normal(size=[2, 20, 4])) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 20 and min(values) < 0


def test_blocks_do_not_show():
    random = np.random.default_rng(0)
    x, y = random.normal(size=[1500, 2]), random.normal(size=[1100, 2])
    kernel = [((a @ b.T) / 2 + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in kernel[:2]]
    assert kernel_distance(x, y) == pytest.approx(sum(within) - 2 * kernel[2].mean(), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": [[0.0, np.nan], [1.0, 1.0]]}, "x must be finite.*1 of 2"),
        ({"y": [[np.inf, 0.0], [1.0, 1.0]]}, "y must be finite"),
        ({"y": np.zeros([3, 5])}, "x and y.*same width.*2 and 5"),
        ({"x": np.zeros([1, 2])}, r"x must be .*N >= 2.*\(1, 2\)"),
        ({"x": np.zeros(2)}, r"x must be .*\(2,\)"),
        ({"subsets": 1}, "subsets.*>= 2, found 1"),
        ({"subsets": 2, "subset_size": 4}, "subset_size.*2 to 3, found 4"),
        ({"subsets": 2, "subset_size": 1}, "subset_size.*2 to 3, found 1"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        kernel_distance(**{"x": np.zeros([4, 2]), "y": np.ones([3, 2])} | change)
