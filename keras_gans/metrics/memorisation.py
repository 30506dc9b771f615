"""Whether generated samples are copies: their distance to the nearest training sample."""

import typing

import numpy as np
from scipy.stats import rankdata

_BLOCK = 1024


class Memorisation(typing.NamedTuple):
    """What `memorisation` found.

    Args:
        share: how often a generated sample is nearer to the training set than a real one is to the
            rest of it, 0 to 1; 0.5 for fresh samples of the truth, 1 for copies.
        copies: share of generated samples as near as the nearest 1% of real ones; 0.01 for the
            truth.
        distances: of each generated sample to its nearest training sample, float64 [M].
        indices: which training sample that is, int64 [M].
    """

    share: float
    copies: float
    distances: np.ndarray
    indices: np.ndarray


def memorisation(train, fake, real_distances=None):
    """Compare how near generated and real samples come to the training set.

        share = P(d(fake, train) < d(real, train)) + P(equal) / 2

    over all pairs of a generated and a real sample: the Mann-Whitney statistic. Real samples that
    were not trained on are taken one by one from the training set itself: the distance of each of
    its samples to the nearest *other* one. Samples of bad quality are far from everything and lower
    the share, so look at `copies` too.

    Args:
        train: features of training samples [N >= 2, d].
        fake: features of generated samples [M, d].
        real_distances: distances of held-out real samples to their nearest training sample; None
            takes those within the training set.

    Returns:
        A `Memorisation`.

    Raises:
        ValueError: if features are not finite, too few, or of different widths.

    Example:
        >>> train = np.random.default_rng(0).normal(size=(500, 2))
        >>> memorisation(train, train[:50]).share
        1.0

    Reference: Meehan et al., arXiv:2004.05675, section 3 (the data-copying test, here without its
    cells).
    """
    train, fake = np.asarray(train), np.asarray(fake)
    distances, indices = nearest(fake, train)
    real = nearest(train)[0] if real_distances is None else np.asarray(real_distances)
    m, n = len(distances), len(real)
    ranks = rankdata(np.concatenate([distances, real]))[:m].sum()
    nearer = m * n - (ranks - m * (m + 1) / 2)  # pairs in which the generated one is nearer
    copies = np.mean(distances <= np.quantile(real, 0.01))
    return Memorisation(float(nearer / (m * n)), float(copies), distances, indices)


def nearest(points, among=None):
    """Return (distances [M], indices [M]) of the nearest neighbour of each point.

    Args:
        points: [M, d].
        among: [N, d]; None looks among the other points.

    Raises:
        ValueError: if the features are not finite, too few, or of different widths.

    Example:
        >>> distances, indices = nearest(np.array([[0.0], [1.0], [3.0]]))
        >>> distances.tolist(), indices.tolist()
        ([1.0, 1.0, 2.0], [1, 0, 1])
    """
    itself = among is None
    among = points if itself else among
    if points.ndim != 2 or among.ndim != 2 or points.shape[1] != among.shape[1]:
        raise ValueError(
            f"features [M, d] and [N, d] are expected, found {points.shape} and {among.shape}"
        )
    if len(among) < 1 + itself or not (np.isfinite(points).all() and np.isfinite(among).all()):
        raise ValueError(
            f"finite features of {1 + itself} samples or more are expected, found {len(among)}"
            + ("" if len(among) < 1 + itself else " with NaN or infinite ones")
        )
    points, among = points.astype(np.float64), among.astype(np.float64)
    centre = among.mean(axis=0)  # so that little cancels in |a|² + |b|² - 2 a·b
    turned = (among - centre).T.copy()
    norms = np.einsum("ij,ij->j", turned, turned)
    indices = np.empty(len(points), np.int64)
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK] - centre
        squares = norms - 2.0 * (block @ turned)
        if itself:
            rows = np.arange(len(block))
            squares[rows, start + rows] = np.inf
        indices[start : start + _BLOCK] = squares.argmin(axis=1)
    return np.sqrt(np.square(points - among[indices]).sum(axis=1)), indices
