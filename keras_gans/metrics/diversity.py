"""How many different things a generator makes, told from how often it repeats itself."""

import dataclasses

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import chi2

_CHUNK = 512


@dataclasses.dataclass(frozen=True)
class BirthdayParadox:
    """What `birthday_paradox` found.

    Args:
        support: the estimated number of different samples; infinite if none was seen twice.
        low, high: the ends of its confidence interval; `high` may be infinite.
        pairs: how many pairs of near duplicates there are, within batches.
        probability: share of batches that have at least one, 0 to 1.
        batch_size, batches: how the samples were cut.
    """

    support: float
    low: float
    high: float
    pairs: int
    probability: float
    batch_size: int
    batches: int


def birthday_paradox(samples, threshold=None, duplicate=None, batch_size=None, confidence=0.95):
    """Estimate the size of a generator's support by how often its samples repeat.

    Two draws from N things that are equally likely are the same with probability 1 / N. So of B
    batches of s samples, with c pairs of near duplicates within batches,

        N = B s (s - 1) / (2 c)

    and 1 / N is unbiased. A batch has a duplicate with probability about 1 - exp(-s² / 2N), one
    half at s = 1.18 sqrt(N): the birthday paradox, read as "N is about s²". If things are not
    equally likely the estimate is of 1 / sum_k p_k², which is below their number.

    The interval takes c for a Poisson number: with c pairs the estimate is sure within some
    2 / sqrt(c). It holds for things equally likely; otherwise duplicates come in clusters and it is
    too narrow.

    Args:
        samples: [n, ...], points or images of any range, finite; independent draws.
        threshold: Euclidean distance, in units of the samples and over all their values, up to
            which two are near duplicates; >= 0.
        duplicate: function of two samples that tells whether they are near duplicates; asked only
            of pairs within the threshold if there is one, else of all pairs.
        batch_size: s, from 2 to n; None takes all samples as one batch. What is left over is not
            used.
        confidence: of the interval, between 0 and 1.

    Returns:
        A `BirthdayParadox`: `support`, `low`, `high`, `pairs`, `probability`, ...

    Raises:
        ValueError: if an argument cannot be; it is named.

    Example:
        >>> draws = np.random.default_rng(0).integers(1000, size=(500, 1))
        >>> found = birthday_paradox(draws, threshold=0.0)
        >>> found.low < 1000 < found.high
        True

    Reference: Arora and Zhang, arXiv:1706.08224, section 2.
    """
    samples = np.asarray(samples)
    flat = samples.reshape(len(samples), -1).astype(np.float64) if samples.ndim else samples
    size = len(flat) if flat.ndim and batch_size is None else batch_size
    _check(flat, threshold, duplicate, size, confidence)
    batches = len(flat) // size
    pairs = [
        _pairs(samples[start : start + size], flat[start : start + size], threshold, duplicate)
        for start in range(0, batches * size, size)
    ]
    count, possible = sum(pairs), batches * size * (size - 1) / 2
    tail = (1 - confidence) / 2
    most = chi2.ppf(1 - tail, 2 * count + 2) / 2
    least = chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    return BirthdayParadox(
        support=possible / count if count else np.inf,
        low=float(possible / most),
        high=float(possible / least) if count else np.inf,
        pairs=count,
        probability=sum(c > 0 for c in pairs) / batches,
        batch_size=size,
        batches=batches,
    )


def _pairs(samples, flat, threshold, duplicate):
    """Count the pairs of near duplicates in one batch."""
    count = 0
    for start in range(0, len(flat), _CHUNK):
        near = np.ones([len(flat[start : start + _CHUNK]), len(flat) - start], bool)
        if threshold is not None:
            near = cdist(flat[start : start + _CHUNK], flat[start:]) <= threshold
        rows, columns = np.nonzero(np.triu(near, 1))  # each pair once, none with itself
        if duplicate is None:
            count += len(rows)
        else:
            both = zip(samples[start + rows], samples[start + columns], strict=True)
            count += sum(bool(duplicate(a, b)) for a, b in both)
    return count


def _check(flat, threshold, duplicate, size, confidence):
    if flat.ndim != 2 or len(flat) < 2 or not flat.shape[1]:
        raise ValueError(f"samples must be [n, ...] with n >= 2, found shape {flat.shape}")
    if bad := int((~np.isfinite(flat)).any(axis=1).sum()):
        raise ValueError(f"samples must be finite, found {bad} of {len(flat)} with NaN or inf")
    if threshold is None and duplicate is None:
        raise ValueError("give a threshold or a duplicate(a, b): which samples are the same?")
    if threshold is not None and not 0 <= threshold < np.inf:
        raise ValueError(f"threshold must be >= 0 and finite, found {threshold}")
    if not 2 <= size <= len(flat):
        raise ValueError(f"batch_size must be 2 to {len(flat)}, as many as samples, found {size}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, found {confidence}")
