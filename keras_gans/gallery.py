"""Samples as files, each of which says that it is generated."""

import pathlib

import numpy as np

from keras_gans import images, provenance


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
    files = [images.draw(samples, directory / "grid.png", columns, pnginfo=mark.pnginfo())]
    if array:
        np.savez_compressed(directory / "samples.npz", samples=samples)
        provenance.write_beside(directory / "samples.npz", mark)
    if not images.is_image(samples):
        points = np.reshape(samples, [len(samples), -1])
        np.savetxt(directory / "samples.csv", points, delimiter=",")
        provenance.write_beside(directory / "samples.csv", mark)
        return files
    files += images.save_each(samples, directory, mark.pnginfo())
    if frames is not None:
        images.save_gif(frames, directory / "interpolation.gif", comment=mark.comment())
    return files
