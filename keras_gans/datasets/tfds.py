"""Any image data set of tensorflow_datasets."""

import re

import numpy as np
import tensorflow as tf

from keras_gans.datasets import checks, resize
from keras_gans.datasets.data import Data

_VERSION = re.compile(r"([\d*]+\.[\d*]+\.[\d*]+)(?::|$)")
_CHUNK = 1024


def load_tfds(name, image_size=None, data_dir=None):
    """Return a split of a TFDS data set, downloaded and prepared where it is not yet.

    Args:
        name: NAME, NAME/CONFIG or NAME:VERSION, and after one more colon a split in TFDS's own
            terms, such as `test` or `train[:1000]`; without it, `train`.
        image_size: needed where sizes differ; see `load`.
        data_dir: TFDS's directory, or None for its default.

    Raises:
        ValueError: TFDS cannot load it; it holds no images; they differ in size and `image_size`
            is None.
    """
    where = f"--dataset=tfds:{name}"
    import tensorflow_datasets as tfds

    dataset, _, split = name.partition(":")
    if version := _VERSION.match(split):
        dataset, split = f"{dataset}:{version[1]}", split[version.end() :]
    try:
        # What is downloaded must have a digest in the data set's own list, and match it.
        download = tfds.download.DownloadConfig(force_checksums_validation=True)
        examples, info = tfds.load(
            dataset,
            split=split or "train",
            data_dir=data_dir,
            with_info=True,
            download_and_prepare_kwargs={"download_config": download},
        )
    except Exception as error:  # an unknown name or split, a failed download, a bad checksum
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]  # not every name
        raise ValueError(f"{where}: tensorflow_datasets cannot load it: {reason}") from error

    image, label = _keys(info, tfds.features, where)
    examples = examples.map(lambda e: (e[image], e[label] if label else 0))
    try:
        images, labels = _take(examples, None not in info.features[image].shape, image_size, where)
    except tf.errors.OpError as error:  # a record that is cut short, an image that is none
        reason = error.message.splitlines()[0]
        raise ValueError(f"{where}: a prepared file cannot be read: {reason}") from error
    if not images:
        raise ValueError(f"{where}: found no examples, expected at least one")
    samples = checks.samples(np.stack(images), where)
    if not label or min(labels) < 0:  # -1 is TFDS's mark for unlabelled examples
        return Data(f"tfds:{name}", samples)
    labels = checks.labels(labels, len(samples), where)
    return Data(f"tfds:{name}", samples, labels, info.features[label].names)


def _take(examples, alike, image_size, where):
    """Return all images and labels, two lists."""
    if alike:
        chunks = list(examples.batch(_CHUNK).as_numpy_iterator())
        return [x for chunk, _ in chunks for x in chunk], [y for _, ys in chunks for y in ys]
    images, labels = [], []
    for x, y in examples.as_numpy_iterator():
        images.append(resize.to(image_size, x) if image_size else x)
        labels.append(y)
        if x.shape != images[0].shape and not image_size:
            raise ValueError(
                f"{where}: found images of {images[0].shape} (number 0) and {x.shape} "
                f"(number {len(images) - 1}), expected one size: give --image_size"
            )
    return images, labels


def _keys(info, features, where):
    # What the data set calls its input and target, else its first image and its only class label.
    kinds = dict(info.features)
    images = [key for key, kind in kinds.items() if isinstance(kind, features.Image)]
    labels = [key for key, kind in kinds.items() if isinstance(kind, features.ClassLabel)]
    if not images:
        raise ValueError(f"{where}: found the features {sorted(kinds)}, expected an image")
    source, target = (info.supervised_keys or (None, None))[:2]
    image = source if source in images else images[0]
    label = target if target in labels else labels[0] if len(labels) == 1 else None
    return image, label
