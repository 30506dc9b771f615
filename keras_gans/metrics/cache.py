"""What is kept on disk between runs: arrays under a hash of all that they were made from."""

import hashlib
import json
import os
import pathlib
import tempfile
import warnings

import numpy as np


def folder(cache=None):
    """Return where the cache is: `cache`, else $KERAS_GANS_CACHE, else ~/.cache/keras_gans."""
    cache = cache or os.environ.get("KERAS_GANS_CACHE") or "~/.cache/keras_gans"
    return pathlib.Path(cache).expanduser()


def digest(*parts):
    """Return the SHA-256 of arrays (type, shape and content) and of what JSON can hold, as hex.

    Example:
        >>> digest(np.zeros(2), "a") == digest(np.zeros(2), "a")
        True
        >>> digest(np.zeros(2)) == digest(np.zeros([2, 1]))
        False
    """
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            part = np.ascontiguousarray(part)
            found.update(json.dumps(["array", part.dtype.str, part.shape]).encode())
            found.update(part.reshape(-1).view(np.uint8).data)
        else:
            found.update(json.dumps(part, sort_keys=True).encode())
        found.update(b"\0")
    return found.hexdigest()


def cached(name, make, cache=None, check=None):
    """Return arrays from the cache; if there are none, make and keep them.

    Args:
        name: the file's name without its ending; it must hold a hash of all that `make` depends on.
        make: function that returns a dict of arrays.
        cache: the folder; None as in `folder`; False keeps nothing.
        check: function of the dict that raises if it is not what was wanted; such a file, or one
            that cannot be read, is made again.

    Example:
        >>> cached("squares", lambda: {"x": np.arange(3) ** 2}, "cache")["x"].tolist()
        [0, 1, 4]
    """
    if cache is False:
        return make()
    path = folder(cache) / f"{name}.npz"
    arrays = load(path, check)
    if arrays is None:
        arrays = make()
        save(path, arrays, name.partition("-")[0])
    return arrays


def load(path, check=None):
    """Return the arrays of a file, or None where there is none that serves; warn if damaged."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if check is not None:
            check(arrays)
    except Exception as error:  # of zipfile, zlib, NumPy's parser or the check: all mean the same
        warnings.warn(f"{path} is damaged and made again ({error})", stacklevel=3)
        return None
    return arrays


def save(path, arrays, what):
    """Write arrays under another name first, so that no other process sees half a file."""
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            partial = file.name
            np.savez(file, **arrays)
        os.replace(partial, path)
    except OSError as error:
        warnings.warn(f"the {what} is not kept: {error}", stacklevel=3)
        if partial:
            pathlib.Path(partial).unlink(missing_ok=True)
