"""`load`: from the name of a source to checked `Data`."""

import dataclasses

from keras_gans.datasets import checks, resize
from keras_gans.datasets.digits import load_digits
from keras_gans.datasets.folder import load_folder
from keras_gans.datasets.idx import load_idx
from keras_gans.datasets.npz import load_npz
from keras_gans.datasets.stacked import stack
from keras_gans.datasets.tfds import load_tfds
from keras_gans.datasets.toy import DENSITIES, load_toy

SOURCES = (
    "digits",
    *DENSITIES,
    "tfds:NAME",
    "tfds:NAME:SPLIT",
    "folder:DIR",
    "npz:FILE",
    "idx:DIR",
    "stacked:SOURCE",
)


def load(source, image_size=None, data_dir=None, seed=0, on_corrupt="error"):
    """Load a data set into memory, checked: what is wrong with it is an error here, not later.

    Args:
        source: one of `SOURCES`, with NAME, SPLIT, DIR, FILE and SOURCE filled in; SOURCE is any
            of the others that holds labelled images of one channel.
        image_size: side in pixels that images are centre-cropped and resized to; None leaves
            them as they are.
        data_dir: where tensorflow_datasets keeps its files; None for its default.
        seed: int; of the reference points of a toy density, and of what is stacked.
        on_corrupt: what `folder:` does about a file that cannot be decoded: "error" or "skip".

    Returns:
        `Data`.

    Raises:
        ValueError: a source, an image size or samples that are not as expected.
        FileNotFoundError: a missing file or directory.

    Example:
    >>> data = load("digits")
    >>> len(data), data.shape, data.num_classes
    (1797, (8, 8, 1), 10)
    """
    kind, _, argument = source.partition(":")
    if on_corrupt not in ("error", "skip"):
        raise ValueError(f"--on_corrupt: found {on_corrupt!r}, expected 'error' or 'skip'")
    if image_size is not None and (not isinstance(image_size, int) or image_size < 1):
        raise ValueError(f"--image_size: found {image_size!r}, expected a whole number >= 1")
    if kind == "stacked" and argument and not argument.startswith("stacked:"):
        return stack(load(argument, image_size, data_dir, seed, on_corrupt), seed)
    if source in DENSITIES:
        data = load_toy(source, seed)
    elif source == "digits":
        data = load_digits()
    elif kind == "tfds" and argument:
        data = load_tfds(argument, image_size, data_dir)
    elif kind == "folder" and argument:
        data = load_folder(argument, image_size, on_corrupt)
    elif kind == "npz" and argument:
        data = load_npz(argument)
    elif kind == "idx" and argument:
        data = load_idx(argument)
    else:
        raise ValueError(f"--dataset: found {source!r}, expected one of: {', '.join(SOURCES)}")
    if data.is_image:
        checks.brightness(data.samples, f"--dataset={source}")
    if image_size is None or data.shape[:2] == (image_size, image_size):
        return data
    if not data.is_image:
        raise ValueError(f"--image_size={image_size}: {source!r} holds points, expected images")
    return dataclasses.replace(data, samples=resize.all_to(image_size, data.samples))
