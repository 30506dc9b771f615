"""The Wasserstein distance of two sets of features, averaged over the lines that they fall on."""

import numpy as np

from keras_gans.metrics.checks import check_pair, check_whole

_LINES = 64


def sliced_wasserstein(real, fake, projections=512, seed=0, order=2):
    """Return the sliced Wasserstein distance of two sets of samples.

        (E_u W_p(u·real, u·fake)^p)^(1/p),   u uniform on the unit sphere, p = order

    On a line the distance is exact, for sets of different sizes too: it joins equal quantiles. It
    is in the features' own units. Two sets that differ by a shift v alone lie |v| / sqrt(d) apart
    (order 2, in the mean over lines).

    Args:
        real: features or points [N, d].
        fake: features or points [M, d].
        projections: number of random lines, >= 1.
        seed: of the lines.
        order: p >= 1; 2 is the usual one, 1 that of Karras et al.

    Returns:
        A float >= 0.

    Raises:
        ValueError: if an argument cannot be; it is named.

    Example:
        >>> sliced_wasserstein([[0.0], [2.0]], [[3.0], [5.0]])
        3.0

    Reference: Bonneel et al., 2015, "Sliced and Radon Wasserstein Barycenters of Measures",
    definition 2; Karras et al., arXiv:1710.10196, section 5.
    """
    real, fake = check_pair(real, fake)
    projections = check_whole(projections, "projections", 1)
    if not 1 <= order < np.inf:
        raise ValueError(f"order must be a number >= 1, found {order!r}")
    lines = np.random.default_rng(seed).normal(size=[projections, real.shape[1]])
    lines /= np.linalg.norm(lines, axis=1, keepdims=True)
    of_real, of_fake, share = _quantiles(len(real), len(fake))
    total = 0.0
    for start in range(0, projections, _LINES):
        some = lines[start : start + _LINES].T
        a, b = np.sort(real @ some, axis=0), np.sort(fake @ some, axis=0)
        total += np.sum(share @ np.abs(a[of_real] - b[of_fake]) ** order)
    return float((total / projections) ** (1.0 / order))


def _quantiles(n, m):
    """Return the parts of the common quantiles: either set's sorted sample, and the part's share.

    The quantile function of n samples steps at i / n; counted in units of 1 / (n m) all steps are
    whole numbers.
    """
    steps = np.union1d(np.arange(n + 1) * m, np.arange(m + 1) * n)
    return steps[:-1] // m, steps[:-1] // n, np.diff(steps) / (n * m)
