"""What a folder holds, sealed, so that a single bit that changed on the disk is noticed."""

import hashlib
import json
import pathlib
import platform

import keras
import numpy as np
import tensorflow as tf

from keras_gans import files
from keras_gans._version import __version__

MANIFEST, SEAL = "manifest.json", "manifest.sha256"


class DamagedError(ValueError):
    """A folder is not what its manifest says."""


def seal(folder, about):
    """Write `manifest.json`, and `manifest.sha256`, which `sha256sum -c` understands.

    Args:
        folder: a `pathlib.Path`; each file in it enters with size and SHA-256.
        about: a JSON-ready dict that goes along.
    """
    listed = {
        path.name: {"bytes": path.stat().st_size, "sha256": files.digest(path)}
        for path in sorted(folder.iterdir())
    }
    text = json.dumps(about | {"files": listed, "versions": versions()}, indent=1) + "\n"
    files.write(folder / MANIFEST, text, durable=True)
    files.write(folder / SEAL, _line(text.encode()), durable=True)


def read(folder):
    """Return a folder's manifest, a dict, after every file in it was held against it.

    Raises:
        DamagedError: if a byte differs; it names the file and what is wrong with it.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        if (folder / SEAL).read_bytes() != _line(text).encode():
            raise DamagedError(f"{MANIFEST} is damaged: its SHA-256 is not the one in {SEAL}")
        manifest = json.loads(text)
        for name, expected in manifest["files"].items():
            size = (folder / name).stat().st_size
            if size != expected["bytes"]:
                raise DamagedError(
                    f"{name} is damaged: it has {size:,} bytes, expected {expected['bytes']:,}"
                )
            if files.digest(folder / name) != expected["sha256"]:
                raise DamagedError(f"{name} is damaged: its SHA-256 is not the manifest's")
    except DamagedError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DamagedError(f"{MANIFEST} is damaged: it is not what `seal` writes") from None
    except FileNotFoundError as error:
        raise DamagedError(f"{pathlib.Path(error.filename).name} is missing") from None
    except OSError as error:
        raise DamagedError(f"it cannot be read: {error}") from None
    return manifest


def versions():
    """Return the versions of what decides over the numbers, a dict."""
    return {
        "keras_gans": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _line(text):
    return f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n"
