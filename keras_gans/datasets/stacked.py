"""Stacked digits: three random images as the channels of one, so that k classes make k^3 modes."""

import numpy as np
import tensorflow as tf

from keras_gans.datasets import checks, randomness
from keras_gans.datasets.data import Data

COUNT = 50_000


def stack(data, seed=0, count=COUNT):
    """Return images whose red, green and blue are three images of `data`, drawn independently.

        label = k² a + k b + c,   a, b, c the labels of red, green and blue, k classes

    With the ten digits the labels are 0 to 999 and the classes "000" to "999": 1,000 modes that a
    classifier of single digits can tell; `metrics.stacked_coverage` counts them.

    Args:
        data: `Data` of images of one channel with labels.
        seed: int; the same seed makes the same images.
        count: how many.

    Returns:
        `Data` of uint8 or float32 images [count, h, w, 3].

    Raises:
        ValueError: if `data` has points, more than one channel, no labels, or classes whose cubes
            are too many.

    Example:
    >>> from keras_gans.datasets import load
    >>> data = stack(load("digits"), count=10)
    >>> data.shape, data.num_classes
    ((8, 8, 3), 1000)

    Reference: Metz et al., arXiv:1611.02163, section 3.3.1.
    """
    where = f"--dataset=stacked:{data.name}"
    if not data.is_image or data.channels != 1 or data.labels is None:
        labels = "no labels" if data.labels is None else "labels"
        raise ValueError(
            f"{where}: found samples of shape {data.shape} with {labels}, expected images of one "
            f"channel with labels"
        )
    k = data.num_classes
    if k**3 > checks.MAX_CLASSES:
        raise ValueError(
            f"{where}: found {k} classes, which make {k**3:,}; expected at most "
            f"{checks.MAX_CLASSES:,}"
        )
    with tf.device("CPU:0"):  # the same images on every machine
        key = randomness.key("reference", seed, 0)
        picks = tf.random.stateless_uniform([count, 3], key, 0, len(data), tf.int32).numpy()
    images = np.moveaxis(data.samples[picks, :, :, 0], 1, -1)
    names = data.classes or checks.numbered(data.labels)
    mark = "" if all(len(name) == 1 for name in names) else ","
    return Data(
        name=f"stacked:{data.name}",
        samples=np.ascontiguousarray(images),
        labels=data.labels[picks] @ np.array([k * k, k, 1]),
        classes=tuple(mark.join((a, b, c)) for a in names for b in names for c in names),
        skipped=data.skipped,
        broken=data.broken,
    )
