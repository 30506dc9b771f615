"""Pictures of samples: the one place where floats become pixels, grids, and files."""

import io
import math
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_gans import files


def to_uint8(images):
    """Return images of [-1, 1] as uint8 pixels, NumPy for NumPy and a tensor for a tensor.

        round((x + 1) * 127.5), clipped to 0 .. 255; pixels stay as they are

    Example:
        >>> to_uint8(np.array([-1.0, 0.0, 1.0, 7.0])).tolist()
        [0, 128, 255, 255]
    """
    if images.dtype in (np.uint8, tf.uint8):
        return images
    if tf.is_tensor(images):
        return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0.0, 255.0), tf.uint8)
    pixels = np.clip(np.round((images + 1.0) * 127.5), 0.0, 255.0)
    return np.nan_to_num(pixels).astype(np.uint8)


def to_float(images):
    """Map uint8 images to float32 in [-1, 1]: x / 127.5 - 1.

    Args:
        images: NumPy array or tensor, any shape; uint8 in 0..255, or float32, which is returned
            as it is.

    Returns:
        float32 of the same kind and shape; 0 -> -1, 255 -> 1.

    Example:
        >>> to_float(np.array([0, 255], "uint8"))
        array([-1.,  1.], dtype=float32)
    """
    if images.dtype != np.uint8:
        return images
    if tf.is_tensor(images):
        return tf.cast(images, tf.float32) / 127.5 - 1.0
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


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


def draw(samples, path, columns=None, reference=None, title="", pnginfo=None):
    """Write samples as a PNG: images as a grid, points as a scatter plot or a histogram.

    Args:
        samples: float32 images in [-1, 1] or uint8 images [n, H, W, C], or points [n, d].
        path: the file; its folder is made.
        columns: images in a row; None makes the grid square.
        reference: real points, drawn in grey behind the samples.
        title: written above a plot of points.
        pnginfo: texts for the file, as Pillow takes them: `provenance.Mark.pnginfo()`.

    Points of one coordinate become a histogram; of points of more than two the first two are drawn.
    Small images are enlarged by a whole factor, so that a grid is some 500 pixels wide; those
    below 16 pixels smoothly.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    if is_image(samples):
        grid(samples, columns).save(content, "PNG", pnginfo=pnginfo)
    else:
        _plot(np.asarray(samples), content, reference, title, pnginfo)
    return files.write(path, content.getvalue())


def grid(samples, columns=None, width=500):
    """Return images [n, H, W, C] as one Pillow image, rows of `columns`, about `width` wide.

    Example:
        >>> grid(np.zeros([4, 28, 28, 1], "uint8")).size
        (513, 513)
    """
    pixels = to_uint8(samples)
    if pixels.shape[1] < 16:  # too coarse to recognise as squares
        pixels = _smooth(pixels)
    return enlarge(tile(pixels, columns), width)


def enlarge(pixels, width=500):
    """Return an image as a Pillow one, its pixels repeated until it is about `width` wide."""
    image = to_pil(pixels)
    factor = max(1, round(width / image.width))
    return image.resize((image.width * factor, image.height * factor), Image.NEAREST)


def _smooth(pixels, factor=4):
    """Enlarge each of the images by bicubic interpolation."""
    size = pixels.shape[2] * factor, pixels.shape[1] * factor
    large = [np.asarray(to_pil(image).resize(size, Image.BICUBIC)) for image in pixels]
    return np.stack(large).reshape(len(pixels), size[1], size[0], -1)


def save_each(samples, directory, pnginfo=None):
    """Write each image as a PNG of its own size: 00000.png, 00001.png, ...; return the files."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{i:05d}.png" for i in range(len(samples))]
    for pixels, path in zip(to_uint8(samples), paths, strict=True):
        content = io.BytesIO()
        to_pil(pixels).save(content, "PNG", pnginfo=pnginfo)
        files.write(path, content.getvalue())
    return paths


def save_gif(samples, path, milliseconds=80, comment=""):
    """Write images as the frames of an animation that repeats, and a comment."""
    pixels = to_uint8(samples)
    if pixels.shape[1] < 16:
        pixels = _smooth(pixels)
    first, *rest = [enlarge(image, width=200) for image in pixels]
    options = {"comment": comment.encode()} if comment else {}
    options |= {"save_all": True, "append_images": rest, "duration": milliseconds, "loop": 0}
    content = io.BytesIO()
    first.save(content, "GIF", **options)
    files.write(path, content.getvalue())


def _plot(points, file, reference, title, pnginfo):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=100, layout="tight")
    axes = figure.subplots()
    kinds = [] if reference is None else [("real", np.asarray(reference), "0.75")]
    kinds.append(("generated", points, "tab:blue"))
    if points.shape[1] == 1:
        _histogram(axes, kinds)
    else:
        for label, values, color in kinds:
            axes.scatter(*values[:, :2].T, s=3, color=color, label=label)
        axes.set_aspect("equal")
    axes.legend(loc="upper right")
    axes.set_title(title)
    figure.savefig(file, format="png", pil_kwargs={"pnginfo": pnginfo} if pnginfo else None)


def _histogram(axes, kinds):
    """Densities on the same bins; what a diverging generator makes of no number is left out."""
    finite = [(label, values[np.isfinite(values)], color) for label, values, color in kinds]
    bins = np.histogram_bin_edges(np.concatenate([values for _, values, _ in finite]), 100)
    for label, values, color in finite:
        shares = np.histogram(values, bins)[0] / max(1, len(values)) / np.diff(bins)
        axes.stairs(shares, bins, fill=label == "real", color=color, label=label)
    axes.set_ylim(top=1.2 * axes.dataLim.ymax or 1.0)  # room for the legend
    axes.set_ylabel("density")
