"""An invisible mark in the pixels of generated images, and its detector, both keyed.

The mark is a tile of 64x64 pixels, repeated over the image, whose Fourier amplitudes are equal in a
band of middle frequencies and whose phases are drawn from the key:

    t(x) = sum_f cos(2 pi f.x + theta_f),   4/64 <= |f| <= 16/64 cycles a pixel

JPEG and a resize to half the size keep that band, a repeated tile bears a crop. Whoever has the
key can also take the mark out: it tells of images that nobody wanted to disguise.
"""

import dataclasses
import hashlib
import math

import numpy as np
import scipy.ndimage
from PIL import Image

from keras_gans.images import to_uint8

TILE = 64
BAND = (4.0, 16.0)
STRENGTH = 3.0
CENTRE = 256
LEVEL = 1e-6  # `detect` finds a mark where chance would with at most this probability

_STEP = np.fft.fftfreq(TILE, 1 / TILE)
_U, _V = np.meshgrid(_STEP, _STEP, indexing="ij")
_HALF = (_U > 0) | ((_U == 0) & (_V > 0))  # a real tile's other half is its mirror image
_FREQUENCIES = np.nonzero(_HALF & (np.hypot(_U, _V) >= BAND[0]) & (np.hypot(_U, _V) <= BAND[1]))
COUNT = len(_FREQUENCIES[0])


@dataclasses.dataclass(frozen=True)
class Detection:
    """What `detect` says of an image.

    Attributes:
        found: whether `p_value` is below `LEVEL`.
        score: the largest normalised correlation; of a key that is not in the image, the one of
            a given place and scale has mean 0 and variance 1.
        p_value: a bound of the probability of such a score by chance.
        scale: what the image was resized by to find it.
    """

    found: bool
    score: float
    p_value: float
    scale: float


def _phases(key):
    """Theta, one for each frequency of the band, uniform in [0, 2 pi): SHAKE-256 of the key."""
    content = hashlib.shake_256(b"keras_gans watermark 1\0" + key.encode()).digest(2 * COUNT)
    return np.frombuffer(content, ">u2") * (2 * np.pi / 2**16)


def pattern(key, height, width, strength=STRENGTH):
    """Return what is added to an image's pixels: float32 [height, width, 1], in grey levels.

    Args:
        key: any text but the empty one.
        height: of the image, in pixels.
        width: likewise.
        strength: the root mean square of the tile, in levels of 0..255.

    Raises:
        ValueError: if the key is empty, or the strength is not above 0.
    """
    if not key or not strength > 0:
        raise ValueError(f"a mark needs a key and a strength > 0, found {key!r}, {strength!r}")
    spectrum = np.zeros([TILE, TILE], complex)
    spectrum[_FREQUENCIES] = np.exp(1j * _phases(key))
    tile = np.fft.ifft2(spectrum).real
    tile *= strength / tile.std()
    repeats = [math.ceil(height / TILE), math.ceil(width / TILE)]
    return np.tile(tile, repeats)[:height, :width, None].astype(np.float32)


def embed(images, key, strength=STRENGTH):
    """Return images with the mark in them, uint8 [n, H, W, C].

        round(pixels + pattern), clipped to 0..255

    Args:
        images: uint8 [n, H, W, C], or float32 in [-1, 1].
        key: any text but the empty one; `detect` needs the same.
        strength: root mean square of what is added, in levels of 0..255.

    Raises:
        ValueError: if these are no images, or the key is empty.

    Example:
        >>> grey = np.full([1, 128, 128, 1], 128, np.uint8)
        >>> marked = embed(grey, "my key")
        >>> detect(marked[0], "my key").found, detect(marked[0], "another key").found
        (True, False)

    Reference: Cox et al., Secure spread spectrum watermarking for multimedia, IEEE Transactions on
    Image Processing 6(12), 1997.
    """
    if len(images.shape) != 4:
        raise ValueError(f"a watermark is for images [n, H, W, C], found shape {images.shape}")
    added = pattern(key, *images.shape[1:3], strength)
    if images.dtype == np.uint8:
        return np.clip(np.round(images + added), 0, 255).astype(np.uint8)
    return to_uint8(images + added / np.float32(127.5))


def detect(image, key, scales=None):
    """Look for the mark of a key in one image.

    The image is freed of its coarse structure and of strong edges, folded onto one tile, and its
    phases are compared with the key's at all shifts:

        score = max_shift sum_f cos(arg F(f) - theta_f - 2 pi f.shift) / sqrt(COUNT / 2)

    Of a key that has nothing to do with the image, each cosine is one of a uniform angle, so that
    P(score > z) <= tests exp(-z^2 / 2) whatever the image, with a test for each shift and scale.

    Args:
        image: uint8 [H, W] or [H, W, C], the colours' mean is looked at; or a Pillow image.
        key: the one that `embed` was given.
        scales: what to resize the image by before looking. None looks at it as it is, and then at
            its centre of `CENTRE` pixels at scales from 1/2 to 2, which finds what was resized to
            between twice and half its size. (1,) is quick.

    Returns:
        `Detection`.

    Reference: phase correlation: Kuglin and Hines, 1975; the bound: Hoeffding's, with
    E exp(s cos U) = I0(s) <= exp(s^2 / 4).
    """
    pixels = np.asarray(image, np.float32)
    grey = pixels.mean(-1) if pixels.ndim == 3 else pixels
    looks = [(grey, 1.0)] if scales is None else [(grey, scale) for scale in scales]
    if scales is None:
        centre = _centre(grey)
        looks += [(centre, scale) for scale in _grid(max(centre.shape))]
    score, scale = max((_score(_resize(part, scale), key), scale) for part, scale in looks)
    p_value = min(1.0, len(looks) * TILE**2 * math.exp(-(score**2) / 2))
    return Detection(p_value < LEVEL, score, p_value, scale)


def _centre(grey):
    """Return the middle of an image, at most `CENTRE` pixels a side."""
    top, left = (max(0, side - CENTRE) // 2 for side in grey.shape)
    return grey[top : top + CENTRE, left : left + CENTRE]


def _grid(side):
    """Scales from 1/2 to 2, so close that the mark is never off by more than a pixel."""
    count = max(1, round(side * math.log(2)))
    return tuple(float(2.0 ** (k / count)) for k in range(-count, count + 1))


def _resize(grey, scale):
    if scale == 1:
        return grey
    size = [max(1, round(side * scale)) for side in (grey.shape[1], grey.shape[0])]
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))


def _score(grey, key):
    """Return the largest correlation over all shifts."""
    detail = np.clip(grey - scipy.ndimage.gaussian_filter(grey, 1.5, mode="nearest"), -6, 6)
    rows, columns = (math.ceil(side / TILE) for side in grey.shape)
    padded = np.zeros([rows * TILE, columns * TILE])
    padded[: grey.shape[0], : grey.shape[1]] = detail
    folded = padded.reshape(rows, TILE, columns, TILE).sum(axis=(0, 2))
    found = np.fft.fft2(folded)[_FREQUENCIES]
    matched = np.zeros([TILE, TILE], complex)
    matched[_FREQUENCIES] = found / np.maximum(np.abs(found), 1e-9) * np.exp(-1j * _phases(key))
    return float(np.fft.ifft2(matched).real.max() * TILE**2 / math.sqrt(COUNT / 2))
