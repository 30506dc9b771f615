"""What every metric asks of the features that it is given, and how it says so."""

import numpy as np


def check_features(features, name="features", least=2):
    """Return features as float64 [N, d].

    Args:
        features: numbers [N, d], finite.
        name: the argument's name, for the message.
        least: how many samples there must be.

    Raises:
        ValueError: if they are not that; it says what was found and what was expected.

    Example:
        >>> check_features([[0, 1], [2, 3]]).dtype
        dtype('float64')
    """
    features = np.asarray(features)
    if features.ndim != 2 or len(features) < least or not features.shape[1]:
        raise ValueError(
            f"{name} must be features [N >= {least}, d], a row a sample, found shape "
            f"{features.shape}"
        )
    features = features.astype(np.float64, copy=False)
    if bad := int((~np.isfinite(features)).any(axis=1).sum()):
        raise ValueError(
            f"{name} must be finite, found {bad} of {len(features)} samples with NaN or inf"
        )
    return features


def check_pair(first, second, names=("real", "fake"), least=2):
    """Return two sets of features of one width as float64 [N, d] and [M, d].

    Raises:
        ValueError: if one is no set of features, or their widths differ.

    Example:
        >>> real, fake = check_pair([[0.0], [1.0]], [[2.0], [3.0], [4.0]])
        >>> real.shape, fake.shape
        ((2, 1), (3, 1))
    """
    first = check_features(first, names[0], least)
    second = check_features(second, names[1], least)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must be features of the same width, found "
            f"{first.shape[1]} and {second.shape[1]}"
        )
    return first, second


def check_whole(value, name, low, high=None):
    """Return a whole number from low to high (None: no end) as an int, or raise by its name.

    Example:
        >>> check_whole(3, "k", 1)
        3
    """
    inside = not isinstance(value, (bool, np.bool_)) and value == int(value) and value >= low
    if not inside or (high is not None and value > high):
        range_ = f">= {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {range_}, found {value!r}")
    return int(value)
