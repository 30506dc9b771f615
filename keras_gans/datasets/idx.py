"""IDX files, the format of MNIST and Fashion-MNIST, plain or gzipped."""

import gzip
import math
import pathlib
import struct
import zlib

import numpy as np

from keras_gans.datasets import checks
from keras_gans.datasets.data import Data

_UINT8 = 0x08


def load_idx(directory):
    """Return the training images, and labels where there are any, of a directory of IDX files.

    Args:
        directory: holds `train-images-idx3-ubyte` (or `train-images.idx3-ubyte`), plain or with
            `.gz`, and maybe `train-labels-idx1-ubyte`, likewise.

    Raises:
        FileNotFoundError: no such directory, or no images in it.
        ValueError: a file that is cut short, too long or no IDX; numbers of labels and images
            that differ.
    """
    where = f"--dataset=idx:{directory}"
    root = pathlib.Path(directory).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"{where}: found no directory {root}")
    images = _find(root, "train-images", 3)
    if images is None:
        found = sorted(p.name for p in root.iterdir())[:5]
        raise FileNotFoundError(
            f"{where}: found {found}, expected train-images-idx3-ubyte[.gz] in {root}"
        )
    samples = checks.samples(read_idx(images, 3), str(images))
    labels = _find(root, "train-labels", 1)
    if labels is None:
        return Data(f"idx:{directory}", samples)
    values = checks.labels(read_idx(labels, 1), len(samples), str(labels))
    return Data(f"idx:{directory}", samples, values, checks.numbered(values))


def _find(root, stem, rank):
    names = [f"{stem}{mark}idx{rank}-ubyte{end}" for mark in "-." for end in ("", ".gz")]
    return next((root / name for name in names if (root / name).is_file()), None)


def read_idx(path, rank):
    """Return the uint8 array of an IDX file.

    The format: two zero bytes, 0x08 for uint8, the rank, each dimension as a big-endian uint32,
    the values in C order.

    Raises:
        ValueError: anything else in the file.
    """
    start, expected = 4 + 4 * rank, bytes([0, 0, _UINT8, rank])
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = file.read(start)
            if header[:4] != expected:
                raise ValueError(
                    f"{path}: found the magic number 0x{header[:4].hex()}, expected "
                    f"0x{expected.hex()} (uint8 values of rank {rank})"
                )
            if len(header) < start:
                raise ValueError(f"{path}: found {len(header)} bytes, expected a header of {start}")
            shape = struct.unpack(f">{rank}I", header[4:])
            count = math.prod(shape)
            checks.memory(count, f"{path}: shape {shape}")
            values = file.read(count + 1)  # no more: gzip can make a gigabyte of a megabyte
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    if len(values) != count:
        found = len(values) if len(values) < count else "more"
        raise ValueError(
            f"{path}: found {found} values, expected {count} for the shape {shape} in its header"
        )
    return np.frombuffer(values, np.uint8).reshape(shape)
