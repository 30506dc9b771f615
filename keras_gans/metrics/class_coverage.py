"""Which classes a generator makes, and how much of each."""

import numpy as np

from keras_gans.metrics.memorisation import nearest
from keras_gans.metrics.neighbours import count_inside, squared_radii

NEIGHBOURS = 5


def class_coverage(evaluator, fake):
    """Return rows (class, share of real, share of generated, coverage), a dict each.

    A generated image counts to the class that the extractor says, if it was trained on these
    classes, else to the class of its nearest real image. Coverage is the share of the class's real
    images that have a generated one nearer than their fifth real neighbour.

    Args:
        evaluator: an `Evaluator` of images with labels.
        fake: the `Features` of generated images.

    Example:
        >>> class_coverage(evaluator, features)[0]  # doctest: +SKIP
        {'class': '0', 'real': 0.1, 'fake': 0.12, 'coverage': 0.9}
    """
    labels, data = evaluator.labels, evaluator.data
    real, found = evaluator.real.values.astype(np.float64), fake.probabilities
    if found is not None and found.shape[1] == data.num_classes:
        guesses = found.argmax(axis=1)
    else:
        guesses = labels[nearest(fake.values, real)[1]]
    k = min(NEIGHBOURS, len(real) - 1)
    _, inside = count_inside(real, squared_radii(real, k), fake.values.astype(np.float64))
    rows = []
    for number in range(data.num_classes):
        mine = labels == number
        rows.append(
            {
                "class": data.classes[number] if data.classes else str(number),
                "real": float(mine.mean()),
                "fake": float((guesses == number).mean()),
                "coverage": float((inside[mine] > 0).mean()) if mine.any() else None,
            }
        )
    return rows
