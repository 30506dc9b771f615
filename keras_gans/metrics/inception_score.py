"""The Inception Score: samples that are clear one by one, and different from each other."""

import itertools
import typing

import numpy as np
from scipy.special import rel_entr

from keras_gans.metrics.checks import check_features, check_whole


class SplitScore(typing.NamedTuple):
    """What `inception_score` found over several splits.

    Args:
        value: mean of the splits' scores.
        std: their standard deviation (divided by the number of splits).
    """

    value: float
    std: float


def inception_score(probabilities, splits=1):
    """Return the Inception Score of a classifier's probabilities for generated samples.

        exp(E_x KL(p(y|x) || p(y))),   p(y) = E_x p(y|x)

    From 1, where the classifier says the same of all samples, to the number of classes, where it is
    sure of each and meets all in equal shares. It never looks at real samples, and falls with
    fewer samples and more splits. It is the published one on Inception's 1,008 logits alone.

    Args:
        probabilities: [N, classes], >= 0, each row of sum 1.
        splits: parts to score by themselves, in the samples' order, 1 to N.

    Returns:
        A float; with two splits or more a `SplitScore` of `value` and `std`.

    Raises:
        ValueError: if an argument cannot be, such as logits in place of probabilities.

    Example:
        >>> round(inception_score(np.eye(10)), 12)
        10.0

    Reference: Salimans et al., arXiv:1606.03498, section 4.
    """
    p = check_features(probabilities, "probabilities")
    off = np.abs(p.sum(axis=1) - 1.0).max()
    if p.min() < 0.0 or off > 1e-3:
        raise ValueError(
            "probabilities must be >= 0, each row of sum 1, found a least value of "
            f"{p.min():.4g} and sums off by up to {off:.4g}: logits need a softmax first"
        )
    splits = check_whole(splits, "splits", 1, len(p))
    edges = [i * len(p) // splits for i in range(splits + 1)]
    scores = [_score(p[a:b]) for a, b in itertools.pairwise(edges)]
    if splits == 1:
        return scores[0]
    return SplitScore(float(np.mean(scores)), float(np.std(scores)))


def _score(p):
    return float(np.exp(rel_entr(p, p.mean(axis=0)).sum(axis=1).mean()))
