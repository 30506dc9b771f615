"""Pictures of samples: the one place where floats become pixels, grids, and files."""

import math
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image


def to_uint8(images):
    """Return images of [-1, 1] as uint8 pixels, NumPy for NumPy and a tensor for a tensor.

        round((x + 1) * 127.5), clipped to 0 .. 255

    Example:
        >>> to_uint8(np.array([-1.0, 0.0, 1.0, 7.0])).tolist()
        [0, 128, 255, 255]
    """
    library = tf if tf.is_tensor(images) else np
    clip = tf.clip_by_value if library is tf else np.clip
    pixels = library.round((images + 1.0) * 127.5)
    return tf.cast(clip(pixels, 0.0, 255.0), tf.uint8) if library is tf else clip(
        pixels, 0.0, 255.0
    ).astype(np.uint8)


def is_image(samples):
    """Tell whether samples [n, ...] are images: NHWC with 1, 3 or 4 channels."""
    return len(samples.shape) == 4 and samples.shape[-1] in (1, 3, 4)


def tile(pixels, columns=None, gap=1):
    """Return uint8 images [n, H, W, C] as one uint8 image, rows of `columns` with a gap between."""
    n, height, width, channels = pixels.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    padded = np.full((rows * columns, height + gap, width + gap, channels), 255, np.uint8)
    padded[:n, :height, :width] = pixels
    grid = padded.reshape(rows, columns, height + gap, width + gap, channels)
    grid = grid.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), channels)
    return grid[: -gap or None, : -gap or None]


def to_pil(pixels):
    """Return one uint8 image [H, W, C] as a Pillow image."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def draw(samples, path, columns=None, reference=None, title=""):
    """Write samples as a PNG: images as a grid, points as a scatter plot of two coordinates.

    Args:
        samples: float32 images in [-1, 1] or uint8 images [n, H, W, C], or points [n, d].
        path: the file; its folder is made.
        columns: images in a row; None makes the grid square.
        reference: real points, drawn in grey behind the samples.
        title: written above a scatter plot.

    Small images are enlarged by a whole factor, so that a grid is some 500 pixels wide.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not is_image(samples):
        return _scatter(np.asarray(samples), path, reference, title)
    pixels = samples if samples.dtype == np.uint8 else to_uint8(samples)
    grid = to_pil(tile(pixels, columns))
    factor = max(1, round(500 / grid.width))
    grid.resize((grid.width * factor, grid.height * factor), Image.NEAREST).save(path)
    return path


def _scatter(points, path, reference, title):
    """Points with one coordinate become a histogram."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=100, layout="tight")
    axes = figure.subplots()
    if points.shape[1] == 1:
        for values, color in ((reference, "0.7"), (points, "tab:blue")):
            if values is not None:
                axes.hist(values[:, 0], bins=100, density=True, color=color, alpha=0.7)
    else:
        if reference is not None:
            axes.scatter(*reference[:, :2].T, s=2, color="0.8", label="real")
        axes.scatter(*points[:, :2].T, s=3, color="tab:blue", label="generated")
        axes.set_aspect("equal")
        axes.legend(loc="upper right")
    axes.set_title(title)
    figure.savefig(path)
    return path
