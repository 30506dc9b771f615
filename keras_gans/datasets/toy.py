"""Toy densities: mixtures of Gaussians whose truth is known, so that coverage can be counted."""

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


def _geometric(count, ratio):
    """Shares that fall by the same factor from mode to mode; the first is `ratio` times the last.

    For 8 and 16: 0.341 0.230 0.155 0.104 0.070 0.047 0.032 0.021.
    """
    weights = ratio ** (-np.arange(count) / (count - 1))
    return weights / weights.sum()


def _spiral(count, turns, radius):
    """Points at equal distances along Archimedes' spiral r = radius * angle / (2 pi turns)."""
    angles = np.linspace(0, 2 * np.pi * turns, 10_001)
    curve = (radius * angles / angles[-1])[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    lengths = np.append(0, np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1)))
    places = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(places, lengths, axis) for axis in curve.T], axis=1)


def _two_moons(count):
    """Points along two half circles of radius 1 that reach into each other, around the origin."""
    angles = np.linspace(0, np.pi, count // 2)
    upper = np.stack([np.cos(angles) - 0.5, np.sin(angles) - 0.25], axis=1)
    return np.concatenate([upper, -upper])


# Along the curves neighbours lie 2 sigma apart: close enough to make a band, and far enough that
# the shares of the nearest modes are the weights, but for a KL divergence below 1e-5. All else lies
# at least 9 sigma apart.
DENSITIES = {
    "ring": Density(_ring(8, radius=2.0), sigma=0.02),
    "grid": Density(_grid(5, spacing=2.0), sigma=0.02),
    "imbalanced_ring": Density(_ring(8, radius=2.0), 0.02, _geometric(8, ratio=16)),
    "spiral": Density(_spiral(100, turns=1.5, radius=2.0), sigma=0.05),
    "two_moons": Density(_two_moons(64), sigma=0.05),
    "mixture_1d": Density(np.linspace(-4.0, 4.0, 5)[:, None], sigma=0.1),
}


def load_toy(name, seed=0):
    """Return the density `name` of `DENSITIES` as `Data`: 50,000 reference points, and its truth.

    | name | modes | sigma | weights |
    |---|---|---|---|
    | `ring` | 8 on a circle of radius 2 | 0.02 | equal |
    | `grid` | 5 x 5, 2 apart | 0.02 | equal |
    | `imbalanced_ring` | as `ring` | 0.02 | 34% to 2%, the commonest 16 times the rarest |
    | `spiral` | 100 along 1.5 turns, out to radius 2 | 0.05 | equal |
    | `two_moons` | 32 along each of two half circles of radius 1 | 0.05 | equal |
    | `mixture_1d` | 5 on a line, 2 apart | 0.1 | equal |

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
