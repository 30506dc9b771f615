"""Images as an extractor wants them: size, channels and range, the same for real and generated."""

import numpy as np
from PIL import Image

from keras_gans.datasets import checks
from keras_gans.images import to_uint8


def pixels(images, where="images", quantize=True):
    """Return images as uint8 [n, h, w, c], quantised as they are saved; or as floats in [-1, 1].

    Args:
        images: uint8 in 0..255 or floats in [-1, 1], [n, h, w, 1 or 3].
        where: what they are, for the message.
        quantize: False leaves floats in [-1, 1] as they are, float32.

    Raises:
        ValueError: if they are no such images; it says what was found.

    Example:
        >>> pixels(np.array([-1.0, 1.0]).reshape(1, 1, 2, 1)).ravel().tolist()
        [0, 255]
    """
    images = np.asarray(images)
    if images.ndim == 2 and images.dtype != np.uint8:
        raise ValueError(f"{where}: found points of shape {images.shape}, expected images")
    images = checks.samples(images, where)
    return to_uint8(images) if quantize else images


def prepare(images, shape):
    """Return images as a network's input: float32 [n, *shape] in [-1, 1].

    Where the size differs, each channel is resized as clean-fid does it: a float32 image, Pillow's
    bicubic filter, which is antialiased when it makes images smaller, clipped to 0..255 and not
    rounded. A grey image is repeated for a network that wants three channels.

    Args:
        images: uint8 in 0..255 or float32 in [-1, 1], [n, h, w, c].
        shape: (height, width, channels) of the input; height and width None takes any.

    Raises:
        ValueError: if the channels do not fit.

    Example:
        >>> prepare(np.full((2, 4, 4, 1), 255, np.uint8), (8, 8, 3)).shape
        (2, 8, 8, 3)

    Reference: Parmar et al., arXiv:2104.11222, section 3.
    """
    height, width, channels = shape
    if images.shape[-1] not in (1, channels):
        raise ValueError(
            f"images have {images.shape[-1]} channels (shape {images.shape}), the extractor takes "
            f"{channels}"
        )
    values = images.astype(np.float32)
    if images.dtype != np.uint8:
        values = (values + np.float32(1.0)) * np.float32(127.5)
    if height is not None and images.shape[1:3] != (height, width):
        values = _resize(values, (width, height)).clip(0.0, 255.0)
    values = values / np.float32(127.5) - np.float32(1.0)
    return np.repeat(values, channels // values.shape[-1], axis=-1)


def resizing(image_shape, shape):
    """Return what `prepare` does to the size, in words for a manifest.

    Example:
        >>> resizing((28, 28, 1), (299, 299, 3))
        'pillow bicubic antialiased 28x28 to 299x299'
    """
    if shape[0] is None or tuple(image_shape[:2]) == tuple(shape[:2]):
        return "none"
    before, after = (f"{side[0]}x{side[1]}" for side in (image_shape, shape))
    return f"pillow bicubic antialiased {before} to {after}"


def _resize(values, size):
    planes = np.moveaxis(values, -1, 1).reshape(-1, *values.shape[1:3])
    resized = [
        np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
        for plane in np.ascontiguousarray(planes)
    ]
    shape = [len(values), values.shape[-1], size[1], size[0]]
    return np.moveaxis(np.stack(resized).reshape(shape), 1, -1)
