"""Arrays in a NumPy .npz file."""

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
    with np.load(path, allow_pickle=False) as arrays:
        images = _choose(_IMAGES, arrays.files)
        labels = _choose(_LABELS, arrays.files)
        others = [name for name in arrays.files if name != labels]
        if images is None and len(others) == 1:
            images = others[0]
        if images is None:
            raise ValueError(
                f"{where}: found the arrays {arrays.files}, expected one of {list(_IMAGES)}, "
                f"or a single array"
            )
        samples = checks.samples(_read(arrays, images, where), f"{where} ({images})")
        if labels is None:
            return Data(f"npz:{file}", samples)
        values = _read(arrays, labels, where)
        values = checks.labels(values, len(samples), f"{where} ({labels})")
    return Data(f"npz:{file}", samples, values, checks.numbered(values))


def _choose(known, names):
    return next((name for name in known if name in names), None)


def _read(arrays, name, where):
    try:
        return np.asarray(arrays[name])
    except Exception as error:  # of zipfile, zlib or NumPy's header parser
        raise ValueError(
            f"{where}: the array {name!r} cannot be read ({error}), expected numbers "
            f"saved without pickle"
        ) from error
