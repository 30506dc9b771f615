"""Quality and coverage told apart: precision and recall, density and coverage."""

import typing

from keras_gans.metrics.checks import check_pair
from keras_gans.metrics.neighbours import count_inside, squared_radii


class Prediction(typing.NamedTuple):
    """What `precision_recall` found.

    Args:
        precision: share of generated samples among real ones, 0 to 1.
        recall: share of real samples among generated ones, 0 to 1.
    """

    precision: float
    recall: float


class Density(typing.NamedTuple):
    """What `density_coverage` found.

    Args:
        density: how many real balls a generated sample is in, over k; >= 0, about 1 for the truth.
        coverage: share of real samples with a generated one in their ball, 0 to 1.
    """

    density: float
    coverage: float


def precision_recall(real, fake, k=3):
    """Return how much of what is generated is like the real, and how much of the real is generated.

        precision = share of fake in some ball of real;  recall = share of real in some ball of fake

    Each ball is open and reaches to its centre's k-th neighbour of the same set, the centre itself
    not counted. Distances are Euclidean.

    Args:
        real: features [N, d].
        fake: features [M, d].
        k: 1 to min(N, M) - 1.

    Returns:
        A `Prediction` of `precision` and `recall`.

    Raises:
        ValueError: if features or k cannot be; it is named.

    Example:
        >>> line = np.arange(10.0)[:, None]
        >>> precision_recall(line, line[:5] + 0.1)
        Prediction(precision=1.0, recall=0.8)

    Reference: Kynkäänniemi et al., arXiv:1904.06991, equations 1 and 2.
    """
    real, fake, k = _checked(real, fake, k, of_fake=True)
    among_real, _ = count_inside(real, squared_radii(real, k), fake)
    among_fake, _ = count_inside(fake, squared_radii(fake, k), real)
    return Prediction(float((among_real > 0).mean()), float((among_fake > 0).mean()))


def density_coverage(real, fake, k=5):
    """Return how densely real samples surround generated ones, and how many have one near.

        density = E_fake (number of balls of real that it is in) / k
        coverage = share of balls of real with some fake inside

    The balls are those of `precision_recall`. An outlier among real samples, whose ball is large,
    counts little here.

    Args:
        real: features [N, d].
        fake: features [M, d], M >= 2.
        k: 1 to N - 1.

    Returns:
        A `Density` of `density` and `coverage`.

    Raises:
        ValueError: if features or k cannot be; it is named.

    Example:
        >>> line = np.arange(10.0)[:, None]
        >>> density_coverage(line, line[:5] + 0.1, k=1)
        Density(density=2.0, coverage=0.6)

    Reference: Naeem et al., arXiv:2002.09797, equations 4 and 5.
    """
    real, fake, k = _checked(real, fake, k, of_fake=False)
    balls, inside = count_inside(real, squared_radii(real, k), fake)
    return Density(float(1.0 / k * balls.mean()), float((inside > 0).mean()))


def _checked(real, fake, k, of_fake):
    real, fake = check_pair(real, fake)
    samples = min(len(real), len(fake)) if of_fake else len(real)
    if not (k == int(k) and 1 <= k < samples):
        raise ValueError(
            f"k must be a whole number from 1 to {samples - 1}, below the number of samples that "
            f"have neighbours ({len(real)} real, {len(fake)} fake), found {k!r}"
        )
    return real, fake, int(k)
