"""Arrays in a NumPy .npz file."""

import math
import pathlib
import zipfile

import numpy as np

from keras_gans.datasets import checks
from keras_gans.datasets.data import Data

_IMAGES = ("images", "x", "x_train")
_LABELS = ("labels", "y", "y_train")


def load_npz(file):
    """Return `images` (or `x`, `x_train`, or the only array) and `labels` (`y`, `y_train`).

    Args:
        file: path; pickled arrays in it are refused, since unpickling runs code.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no .npz, no array to tell as the images, or one that `checks.samples` refuses.
    """
    where = f"--dataset=npz:{file}"
    path = pathlib.Path(file).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{where}: found no file {path}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{where}: found no whole zip archive, expected what np.savez writes")
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # a directory that does not fit the end that was found
        raise ValueError(f"{where}: the zip archive is damaged ({error})") from error
    with archive:
        return _load(archive, f"npz:{file}", where)


def _load(archive, name, where):
    files = [member.removesuffix(".npy") for member in archive.namelist()]
    images, labels = _choose(_IMAGES, files), _choose(_LABELS, files)
    others = [file for file in files if file != labels]
    if images is None and len(others) == 1:
        images = others[0]
    if images is None:
        raise ValueError(
            f"{where}: found the arrays {files}, expected one of {list(_IMAGES)}, or a single array"
        )
    samples = checks.samples(_read(archive, images, where), f"{where} ({images})")
    if labels is None:
        return Data(name, samples)
    values = checks.labels(_read(archive, labels, where), len(samples), f"{where} ({labels})")
    return Data(name, samples, values, checks.numbered(values))


def _choose(known, names):
    return next((name for name in known if name in names), None)


def _read(archive, name, where):
    """Return an array of the archive, whose header is looked at before anything is made of it."""
    member = f"{name}.npy" if f"{name}.npy" in archive.namelist() else name
    info = archive.getinfo(member)  # zipfile reads no more than the size that is given here
    checks.memory(info.file_size, f"{where}: the array {name!r}")
    try:
        with archive.open(info) as file:
            version = np.lib.format.read_magic(file)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, _, dtype = read_header(file)
            if dtype.hasobject:
                raise ValueError("it holds Python objects, which a pickle would make")
            found, expected = info.file_size - file.tell(), math.prod(shape) * dtype.itemsize
            if found != expected:
                raise ValueError(f"{found} bytes for the shape {shape} of {dtype}")
        with archive.open(info) as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # of zipfile, zlib or NumPy's header parser
        raise ValueError(
            f"{where}: the array {name!r} cannot be read ({error}), expected numbers "
            f"saved without pickle"
        ) from error
