"""Keras's InceptionV3 as an extractor: the only one whose Fréchet distance is called FID."""

import hashlib
import pathlib
import warnings

import keras

from keras_gans.metrics.features import Extractor

# As Keras publishes them: MD5 of the two files that its download gives.
PUBLISHED = {
    "9a0d58056eeedaa3f26cb7ebd46da564": "inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    "bcbd6486424b2319ff4ef7d526e38f63": "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
}


@keras.saving.register_keras_serializable("keras_gans")
class InceptionV3(Extractor):
    """Keras's InceptionV3, trained on ImageNet: 2,048 features, 1,000 probabilities.

    Images are resized to 299 x 299 by Pillow's antialiased bicubic filter in float32, as clean-fid
    does it, and scaled to [-1, 1]. Papers mostly report distances on the network of 2015 that came
    with the Inception score; its weights are others than Keras's, so that numbers made here are for
    comparison with each other. Manifests tell the two apart by the weights' hash.

    Args:
        weights: "imagenet" for Keras's download; a file, `.h5` or `.weights.h5`; None for random
            weights, whose distance is not called FID.
        sha256: the SHA-256 that the file must have, hexadecimal; None accepts the files that Keras
            publishes and no other.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if its hash is off, it does not fit, or the download fails.

    Example:
        >>> extractor = InceptionV3(weights=None)  # doctest: +SKIP
        >>> extractor.extract(np.zeros([2, 28, 28, 1], "uint8")).values.shape  # doctest: +SKIP
        (2, 2048)

    Reference: Szegedy et al., arXiv:1512.00567; FID: Heusel et al., arXiv:1706.08500, section 3;
    resizing: Parmar et al., arXiv:2104.11222.
    """

    def __init__(self, weights="imagenet", sha256=None):
        if weights is None or weights == "imagenet":
            if sha256:
                raise ValueError(f"--weights_sha256={sha256} is of a file, give --weights=FILE")
            model = _published() if weights else _network(None)
        else:
            model = _from_file(pathlib.Path(weights), sha256)
        self.is_inception = weights is not None
        top = isinstance(model.layers[-1], keras.layers.Dense)
        self._take(
            "InceptionV3" if weights else "InceptionV3, random weights",
            model,
            model.layers[-2].output if top else model.outputs[0],
            model.outputs[0] if top else None,
        )


def _network(weights, top=True):
    pooling = None if top else "avg"
    shape = (299, 299, 3)
    return keras.applications.InceptionV3(top, weights, input_shape=shape, pooling=pooling)


def _published():
    try:
        return _network("imagenet")
    except Exception as error:  # of urllib, sockets, files
        raise ValueError(
            f"Keras cannot download the weights of InceptionV3 ({error}); where there is no "
            "network, give --weights=FILE with one of its files, or --extractor=classifier:DATASET"
        ) from error


def _from_file(path, sha256):
    """Return the network with the weights of a file whose hash is right."""
    if not path.is_file():
        raise FileNotFoundError(f"--weights={path}: there is no such file")
    found = {kind: _digest(path, kind) for kind in ("sha256", "md5")}
    if sha256:
        if found["sha256"] != sha256.lower():
            raise ValueError(
                f"--weights={path}: found the SHA-256 {found['sha256']}, expected {sha256.lower()}"
            )
    elif found["md5"] not in PUBLISHED:
        known = " or ".join(f"{md5} ({name})" for md5, name in PUBLISHED.items())
        raise ValueError(
            f"--weights={path}: found the MD5 {found['md5']}, expected that of a file that Keras "
            f"publishes: {known}. Weights of your own are taken with "
            f"--weights_sha256={found['sha256']}"
        )
    return _fitted(path, top="notop" not in PUBLISHED.get(found["md5"], path.name))


def _fitted(path, top):
    model = _network(None, top)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Skipping")  # Keras only warns of what is left
            model.load_weights(path)
    except Exception as error:  # of h5py, zipfile or Keras
        raise ValueError(
            f"--weights={path}: it does not hold the weights of Keras's InceptionV3: {error}"
        ) from error
    return model


def _digest(path, kind):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()
