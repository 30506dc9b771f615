"""Toy densities: mixtures of equal Gaussians whose truth is known, so coverage can be counted."""

import dataclasses

import numpy as np
import tensorflow as tf

from keras_gans.datasets import randomness
from keras_gans.datasets.data import Data

REFERENCE = 50_000


@dataclasses.dataclass(frozen=True)
class Density:
    """sum_k weights[k] Normal(modes[k], sigma^2 I); `weights` None means equal ones."""

    modes: list
    sigma: float
    weights: tuple | None = None


def _ring(count, radius):
    angles = 2 * np.pi * np.arange(count) / count
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _grid(side, spacing):
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)


DENSITIES = {
    "ring": Density(_ring(8, radius=2.0), sigma=0.02),
    "grid": Density(_grid(5, spacing=2.0), sigma=0.02),
}


def load_toy(name, seed=0):
    """Return the density `name` of `DENSITIES` as `Data`: 50,000 reference points, and its truth.

    The modes serve as labels. `Data.batches` gives fresh draws, not these points.

    Example:
    >>> load_toy("ring").modes.shape
    (8, 2)
    """
    density = DENSITIES[name]
    modes = np.asarray(density.modes, np.float32)
    weights = None if density.weights is None else np.asarray(density.weights, np.float32)
    with tf.device("CPU:0"):  # the same points on every machine
        key = randomness.key("reference", seed, 0)
        points, labels = randomness.mixture(key, REFERENCE, modes, density.sigma, weights)
    return Data(
        name=name,
        samples=points.numpy(),
        labels=labels.numpy(),
        classes=tuple(str(k) for k in range(len(modes))),
        modes=modes,
        sigma=density.sigma,
        weights=weights,
    )
