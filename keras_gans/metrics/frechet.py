"""The Fréchet distance of two Gaussians, and of two sets of features through them."""

import numpy as np
from scipy import linalg

from keras_gans.metrics.checks import check_features


def frechet_distance(mu1, cov1, mu2, cov2):
    """Return the squared Fréchet (2-Wasserstein) distance of two Gaussians.

        |mu1 - mu2|² + tr(cov1 + cov2 - 2 (cov1^½ cov2 cov1^½)^½)

    With cov1 = F1 F1ᵀ and cov2 = F2 F2ᵀ, by symmetric eigendecompositions, the trace of the last
    root is the sum of the singular values of F1ᵀ F2. No root is taken of what rounding left of an
    eigenvalue 0, so covariances of less than full rank serve as well. On Inception's features this
    is the FID.

    Args:
        mu1: mean [d].
        cov1: covariance [d, d], symmetric.
        mu2: mean [d].
        cov2: covariance [d, d], symmetric.

    Returns:
        A float >= 0.

    Raises:
        ValueError: if shapes differ or a value is not finite.

    Example:
        >>> eye = np.eye(2)
        >>> float(frechet_distance([0.0, 0.0], eye, [3.0, 4.0], 4.0 * eye))
        27.0

    Reference: Heusel et al., arXiv:1706.08500, equation 6.
    """
    mu1, cov1, mu2, cov2 = (np.asarray(x, np.float64) for x in (mu1, cov1, mu2, cov2))
    d = mu1.shape[-1] if mu1.ndim else 0
    if mu1.shape != (d,) or mu2.shape != (d,) or cov1.shape != (d, d) or cov2.shape != (d, d):
        raise ValueError(
            f"means of one length d and covariances [d, d] are expected, found {mu1.shape}, "
            f"{cov1.shape}, {mu2.shape} and {cov2.shape}"
        )
    for name, value in (("mu1", mu1), ("cov1", cov1), ("mu2", mu2), ("cov2", cov2)):
        if not np.isfinite(value).all():
            raise ValueError(f"{name} has values that are not finite")
    cross = linalg.svdvals(_factor(cov1).T @ _factor(cov2)).sum()
    distance = np.sum((mu1 - mu2) ** 2) + np.trace(cov1) + np.trace(cov2) - 2.0 * cross
    return float(max(distance, 0.0))


def _factor(covariance):
    """Return F [d, rank] with covariance = F Fᵀ."""
    values, vectors = linalg.eigh(covariance)
    found = values > len(values) * np.finfo(np.float64).eps * values[-1]
    return vectors[:, found] * np.sqrt(values[found])


def gaussian(features):
    """Return the mean [d] and the covariance [d, d] (divided by N - 1) of features [N, d].

    Raises:
        ValueError: if there are fewer than two samples, the array is no matrix or not finite.

    Example:
        >>> mu, cov = gaussian([[0.0], [2.0]])
        >>> mu.tolist(), cov.tolist()
        ([1.0], [[2.0]])
    """
    features = check_features(features)
    return features.mean(axis=0), np.cov(features, rowvar=False).reshape([features.shape[1]] * 2)
