"""How alike a generator's images are to each other, as an eye compares them."""

import numpy as np
from scipy.ndimage import correlate1d

from keras_gans.images import is_image
from keras_gans.metrics.checks import check_whole

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA, _K1, _K2, _RANGE = 11, 1.5, 0.01, 0.03, 255.0
_VALUES = 2**22  # of images at a time


def ms_ssim(images, pairs=1000, seed=0):
    """Return the mean multi-scale structural similarity of random pairs of images.

        MS-SSIM = l_M^{w_M} prod_j (c s)_j^{w_j},   over scales j = 1 .. M, each half of the last
        l = (2 μa μb + C1) / (μa² + μb² + C1),   c s = (2 σab + C2) / (σa² + σb² + C2)

    1 if all images are the same; the more they differ, the less: compare with the number of real
    images. It sees a collapse within one class best. The constants are Wang's: five scales, a
    Gaussian window of 11 pixels and 1.5 pixels' deviation, C = (0.01 · 255)² and (0.03 · 255)².

    Images too small for five scales get as many as have room for the window, with the first of the
    weights, scaled to the sum 1: two for 28x28, four for 128x128. Below 11 pixels it is one, with a
    window as wide as the image. Numbers of different sizes do not compare.

    Args:
        images: uint8, or floats in [-1, 1], [N >= 2, H, W, channels]; 1, 3 or 4 channels, each of
            which counts alike.
        pairs: how many pairs to draw, each of two different images.
        seed: of the pairs.

    Returns:
        A float, 0 to 1.

    Raises:
        ValueError: if images or pairs cannot be; it is named.

    Example:
        >>> images = np.random.default_rng(0).integers(256, size=[4, 32, 32, 1]).astype("uint8")
        >>> ms_ssim(images, pairs=10) < 0.1, ms_ssim(images[[0, 0, 0]], pairs=10)
        (True, 1.0)

    Reference: Wang, Simoncelli and Bovik, 2003, "Multi-scale structural similarity for image
    quality assessment", equation 7; Odena et al., arXiv:1610.09585, section 4.2.
    """
    images = _checked(images)
    random = np.random.default_rng(seed)
    pairs = check_whole(pairs, "pairs", 1)
    first = random.integers(len(images), size=pairs)
    second = (first + random.integers(1, len(images), size=pairs)) % len(images)
    step = max(1, _VALUES // images[0].size)
    total = 0.0
    for i in range(0, pairs, step):
        a, b = images[first[i : i + step]], images[second[i : i + step]]
        total += similarity(_levels(a), _levels(b)).sum()
    return float(total / pairs)


def similarity(a, b):
    """Return the MS-SSIM of images with others, one by one: float64 [n], 0 to 1.

    Args:
        a: values from 0 to 255, [n, H, W, channels].
        b: of the same shape.

    Example:
        >>> black, white = np.zeros([1, 8, 8, 1]), np.full([1, 8, 8, 1], 255.0)
        >>> similarity(black, white).round(4).tolist()  # C1 / (255² + C1)
        [0.0001]
    """
    window = _window(min(_WINDOW, *a.shape[1:3]))
    sizes = [min(a.shape[1:3])]
    while len(sizes) < len(WEIGHTS) and (sizes[-1] + 1) // 2 >= _WINDOW:
        sizes.append((sizes[-1] + 1) // 2)
    weights = np.array(WEIGHTS[: len(sizes)])
    if len(sizes) < len(WEIGHTS):  # Wang's five are of sum 1.0001, and stay as they are
        weights /= weights.sum()
    result = np.ones([len(a), a.shape[-1]])
    for scale, weight in enumerate(weights):
        if scale:
            a, b = _half(a), _half(b)
        luminance, structure = _ssim(a, b, window)
        last = scale == len(weights) - 1
        value = (luminance * structure if last else structure).mean(axis=(1, 2))
        result *= np.maximum(value, 0.0) ** weight
    return result.mean(axis=-1)


def _ssim(a, b, window):
    """Return the maps of luminance and of contrast times structure, where the window fits."""
    c1, c2 = (_K1 * _RANGE) ** 2, (_K2 * _RANGE) ** 2
    mean_a, mean_b = _blur(a, window), _blur(b, window)
    product = mean_a * mean_b
    squares = mean_a**2 + mean_b**2
    luminance = (2.0 * product + c1) / (squares + c1)
    covariance = _blur(a * b, window) - product
    variances = _blur(a * a + b * b, window) - squares
    return luminance, (2.0 * covariance + c2) / (variances + c2)


def _window(size):
    offsets = np.arange(size) - (size - 1) / 2.0
    weights = np.exp(-(offsets**2) / (2.0 * _SIGMA**2))
    return weights / weights.sum()


def _blur(images, window):
    """Take the window's mean along both axes, only where it fits."""
    size = len(window)
    for axis in (1, 2):
        images = correlate1d(images, window, axis=axis, mode="constant")
        keep = slice(size // 2, size // 2 + images.shape[axis] - size + 1)
        images = images[(slice(None),) * axis + (keep,)]
    return images


def _half(images):
    """Average 2x2 pixels; a last odd row or column counts twice."""
    for axis in (1, 2):
        odd = images.shape[axis] % 2
        images = np.pad(images, [(0, odd * (a == axis)) for a in range(4)], mode="edge")
        parts = [np.take(images, np.arange(i, images.shape[axis], 2), axis) for i in (0, 1)]
        images = (parts[0] + parts[1]) / 2.0
    return images


def _checked(images):
    images = np.asarray(images)
    if not is_image(images) or len(images) < 2:
        raise ValueError(
            "images must be [N >= 2, H, W, channels] with 1, 3 or 4 channels, found shape "
            f"{images.shape}"
        )
    in_range = images.dtype.kind == "f" and np.abs(images).max() <= 1
    if images.dtype != np.uint8 and not in_range:
        raise ValueError(
            "images must be uint8, or floats that are finite and in [-1, 1], found "
            f"{images.dtype} from {images.min()} to {images.max()}"
        )
    return images


def _levels(images):
    """Return float64 values from 0 to 255, without rounding."""
    return images.astype(np.float64) if images.dtype == np.uint8 else (images + 1.0) * 127.5
