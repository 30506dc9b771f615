"""Samples as files, each of which says that it is generated."""

import io
import pathlib

import numpy as np

from keras_gans import files, images, provenance


def write(directory, samples, mark, columns=None, frames=None, array=False):
    """Write samples into a folder in all forms; return the PNG files, a list.

        grid.png                 all of them; points as a plot
        00000.png, ...           each image in its own size
        interpolation.gif        the frames, where there are any
        samples.csv              points
        samples.npz              with `array`
        samples.csv.json, ...    what a file without metadata of its own says of itself

    Args:
        directory: the folder; it is made.
        samples: float32 images in [-1, 1], uint8 images [n, H, W, C], or points [n, d].
        mark: a `provenance.Mark`.
        columns: images in a row of the grid; None makes it square.
        frames: images of an animation, or None.
        array: whether to write the samples as an array too.

    Example:
        >>> dots = np.zeros([2, 8, 8, 1], "float32")
        >>> [file.name for file in write("out", dots, provenance.Mark(seed=0))]
        ['grid.png', '00000.png', '00001.png']
    """
    directory = pathlib.Path(directory)
    paths = [images.draw(samples, directory / "grid.png", columns, pnginfo=mark.pnginfo())]
    if array:
        content = io.BytesIO()
        np.savez_compressed(content, samples=samples)
        _write(directory / "samples.npz", content, mark)
    if not images.is_image(samples):
        points = np.reshape(samples, [len(samples), -1])
        content = io.BytesIO()
        np.savetxt(content, points, delimiter=",")
        _write(directory / "samples.csv", content, mark)
        return paths
    paths += images.save_each(samples, directory, mark.pnginfo())
    if frames is not None:
        images.save_gif(frames, directory / "interpolation.gif", comment=mark.comment())
    return paths


def _write(path, content, mark):
    """Write arrays, and beside them what they say of themselves."""
    provenance.write_beside(files.write(path, content.getvalue()), mark)
