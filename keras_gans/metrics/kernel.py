"""The kernel distance of two sets of features: on Inception's features, the KID."""

import typing

import numpy as np

from keras_gans.metrics.checks import check_pair, check_whole

_BLOCK = 1024


class KernelEstimate(typing.NamedTuple):
    """What `kernel_distance` found over subsets.

    Args:
        value: mean of the subsets' distances.
        standard_error: of that mean, standard deviation of the distances / sqrt(subsets).
    """

    value: float
    standard_error: float


def kernel_distance(x, y, subsets=None, subset_size=1000, seed=0):
    """Return the unbiased estimate of the squared maximum mean discrepancy by a cubic kernel.

        k(a, b) = (a·b / d + 1)³
        sum_{i≠j} k(x_i, x_j) / (N (N - 1)) + sum_{i≠j} k(y_i, y_j) / (M (M - 1))
            - 2 sum_{ij} k(x_i, y_j) / (N M)

    Of samples of the same thing it is 0 in the mean, and often below. On Inception's features it is
    the KID, which is published as the mean over subsets. Subsets are drawn as torch-fidelity draws
    them: the same seed takes the same samples. They share samples with each other, so that their
    standard error tells how well the mean over all subsets is known, not how another data set would
    do.

    Args:
        x: features [N, d].
        y: features [M, d].
        subsets: how many subsets to take the mean over, >= 2; None takes all samples at once.
        subset_size: samples of x and of y in each subset, 2 to min(N, M).
        seed: of the subsets.

    Returns:
        A float; with `subsets` a `KernelEstimate` of `value` and `standard_error`.

    Raises:
        ValueError: if features or an argument cannot be; it is named.

    Example:
        >>> kernel_distance([[0.0], [1.0]], [[2.0], [2.0]])  # 1 + 125 - 2 (1 + 1 + 27 + 27) / 4
        98.0

    Reference: Bińkowski et al., arXiv:1801.01401, section 4 (equation 4 and its unbiased form).
    """
    x, y = check_pair(x, y, ("x", "y"))
    if subsets is None:
        return _mmd(x, y)
    subsets = check_whole(subsets, "subsets", 2)
    size = check_whole(subset_size, "subset_size", 2, min(len(x), len(y)))
    random = np.random.RandomState(seed)
    values = [
        _mmd(
            x[random.choice(len(x), size, replace=False)],
            y[random.choice(len(y), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return KernelEstimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(subsets)))


def _mmd(x, y):
    within_x = (_kernel_sum(x, x) - _kernel_diagonal(x)) / (len(x) * (len(x) - 1))
    within_y = (_kernel_sum(y, y) - _kernel_diagonal(y)) / (len(y) * (len(y) - 1))
    return float(within_x + within_y - 2.0 * _kernel_sum(x, y) / (len(x) * len(y)))


def _kernel_sum(x, y):
    """Sum k(a, b) over all pairs, a block of rows at a time."""
    starts = range(0, len(x), _BLOCK)
    return np.sum([_cubic(x[i : i + _BLOCK] @ y.T, x.shape[1]).sum() for i in starts])


def _kernel_diagonal(x):
    return _cubic(np.einsum("ij,ij->i", x, x), x.shape[1]).sum()


def _cubic(products, d):
    """Replace products by their kernel, in place."""
    products /= d
    products += 1.0
    cube = products * products
    cube *= products
    return cube
