"""How well a score is known: intervals of 95%."""

import numpy as np
from scipy.stats import norm

Z = float(norm.ppf(0.975))


def of_share(share, n):
    """Return the ends of Wilson's interval of a share that was counted among n.

    Example:
        >>> low, high = of_share(0.5, 100)
        >>> round(low, 3), round(high, 3)
        (0.404, 0.596)

    Reference: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # Where nothing or everything was counted that is the end, and not what rounding leaves of it.
    return float(share and middle - half), float(1.0 if share == 1 else middle + half)


def by_bootstrap(statistic, n, value, resamples=30, seed=0, least=-np.inf):
    """Return the ends value ± 1.96 standard errors, the error found by drawing samples again.

    Args:
        statistic: function of indices int64 [n] to a float.
        n: how many samples there are.
        value: the statistic of the samples themselves; the bootstrap's own mean is biased for
            distances, and used for nothing.
        resamples: how often to draw, >= 2.
        seed: of the draws.
        least: below which the statistic cannot be.

    Example:
        >>> x = np.random.default_rng(0).normal(size=400)
        >>> low, high = by_bootstrap(lambda picks: x[picks].mean(), 400, x.mean(), 200)
        >>> bool(0.15 < high - low < 0.25)  # 4 / sqrt(400) = 0.2
        True
    """
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    with threadpool_limits(1):  # small matrices: threads wait for each other 30 times as long
        found = [statistic(rng.integers(n, size=n)) for _ in range(resamples)]
    half = Z * float(np.std(found, ddof=1))
    return float(max(least, value - half)), float(value + half)
