"""Modes of stacked digits, counted with a classifier of single ones."""

import dataclasses

import numpy as np

from keras_gans.metrics.classifier import classify
from keras_gans.metrics.mode_coverage import reverse_kl


@dataclasses.dataclass(frozen=True, eq=False)
class StackedCoverage:
    """What `stacked_coverage` found.

    Args:
        modes: how many of the k^3 combinations of classes occur at least once.
        reverse_kl: KL divergence of their shares from the true ones, nats.
        counts: int64 [k^3], images of each combination.
    """

    modes: int
    reverse_kl: float
    counts: np.ndarray


def stacked_coverage(images, classifier, weights=None):
    """Classify each channel by itself and count the combinations, 1,000 with ten classes.

        mode = k² a + k b + c,   a, b, c the classes of red, green and blue, k classes

    Of n images of the truth the divergence is not 0 but about (k³ - 1) / 2n, and with few images
    not all modes are met: compare with real images of the same number.

    Args:
        images: uint8, or float32 in [-1, 1], [n, h, w, 3].
        classifier: maps float32 images [B, h, w, 1] in [-1, 1] to logits [B, k], such as
            `train_classifier` makes of the data that were stacked.
        weights: the true shares of the k³ combinations, > 0 and of any scale; None for equal ones.

    Raises:
        ValueError: if the images' shape does not fit, they are not finite or out of range.

    Example:
        >>> data = kg.datasets.load("digits")
        >>> classifier = kg.metrics.train_classifier(
        ...     data.samples, data.labels, steps=1, cache="cache", verbose=False
        ... )
        >>> stacked = kg.datasets.load("stacked:digits")
        >>> stacked_coverage(stacked.samples[:100], classifier).counts.shape
        (1000,)

    Reference: Metz et al., arXiv:1611.02163, section 3.3.1; Lin et al. (PacGAN), arXiv:1712.04086,
    section 4.2.
    """
    images = np.asarray(images)
    size = tuple(classifier.input_shape[1:3])
    if images.ndim != 4 or images.shape[1:] != (*size, 3) or not len(images):
        raise ValueError(
            f"images must be of shape [n, {size[0]}, {size[1]}, 3] for this classifier, n >= 1, "
            f"found {images.shape}"
        )
    if images.dtype != np.uint8:
        images = images.astype(np.float32)
        if not np.abs(images).max() <= 1:
            raise ValueError("images must be uint8, or finite and in [-1, 1], found other values")
    k = classifier.output_shape[-1]
    digits = [classify(classifier, images[..., c : c + 1]) for c in range(3)]
    counts = np.bincount(k * (k * digits[0] + digits[1]) + digits[2], minlength=k**3)
    return StackedCoverage(int((counts > 0).sum()), reverse_kl(counts, weights), counts)
