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
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read()
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    magic, expected = content[:4], bytes([0, 0, _UINT8, rank])
    if magic != expected:
        raise ValueError(
            f"{path}: found the magic number 0x{magic.hex()}, expected 0x{expected.hex()} "
            f"(uint8 values of rank {rank})"
        )
    start = 4 + 4 * rank
    if len(content) < start:
        raise ValueError(f"{path}: found {len(content)} bytes, expected a header of {start}")
    shape = struct.unpack(f">{rank}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"{path}: found {len(content) - start} values, expected {math.prod(shape)} for the "
            f"shape {shape} in its header"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
