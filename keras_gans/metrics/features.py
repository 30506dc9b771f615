"""Extractors: from images to the features and probabilities that metrics are computed on."""

import dataclasses
import functools
import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_gans.loading import load_model
from keras_gans.metrics import cache as disk
from keras_gans.metrics.classifier import train_classifier
from keras_gans.metrics.moments import RunningMoments
from keras_gans.metrics.packed import pack, unpack
from keras_gans.metrics.preprocess import pixels, prepare, resizing
from keras_gans.metrics.progress import Progress

MAX_CLASSES = 200  # that a classifier learns on the spot
_BLOCK = 4096
_VERSION = 1  # of preparing and extracting: another one makes other files


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """What an extractor made of images.

    Args:
        values: float32 [n, d].
        probabilities: float32 [n, k], rows that sum to 1, or None where the extractor has none.
        key: hash of images and extractor, hexadecimal.
    """

    values: np.ndarray
    probabilities: np.ndarray | None
    key: str

    def __len__(self):
        """Return the number of images."""
        return len(self.values)

    def statistics(self, cache=None):
        """Return the mean [d] and the covariance [d, d] in float64, from the cache if there.

        Args:
            cache: the folder; None for $KERAS_GANS_CACHE, else ~/.cache/keras_gans; False for none.
        """

        def make():
            moments = RunningMoments(self.values.shape[1])
            for start in range(0, len(self.values), _BLOCK):  # float64 of all may not fit
                moments.update(self.values[start : start + _BLOCK])
            return {"mean": moments.mean, "covariance": moments.covariance}

        def check(arrays):
            d = self.values.shape[1]
            if arrays["mean"].shape != (d,) or arrays["covariance"].shape != (d, d):
                raise ValueError("the statistics are of other features")

        found = disk.cached(f"statistics-{self.key[:24]}", make, cache, check)
        return found["mean"], found["covariance"]


@keras.saving.register_keras_serializable("keras_gans")
class Extractor:
    """Any Keras model, or one of its layers, as an extractor of features.

    Images are resized to the model's input if need be, see `preprocess.prepare`, and come to it as
    float32 in [-1, 1]. An output of maps [B, h, w, d] is averaged over h and w, others are
    flattened.

    Args:
        model: a `keras.Model` with one input [B, h, w, c].
        layer: the name of the layer whose output is taken; None takes the model's own output.
        name: what manifests and tables call it; None for the model's (and layer's) name.

    Raises:
        ValueError: if there is no such layer, or the input is no image.

    Example:
        >>> model = kg.metrics.make_classifier((8, 8, 1), 10)
        >>> extractor = Extractor(model, "features", name="untrained")
        >>> extractor.extract(np.zeros([5, 8, 8, 1], "uint8"), cache=False).values.shape
        (5, 128)
    """

    is_inception = False

    def __init__(self, model, layer=None, name=None):
        output = model.outputs[0] if model.outputs else None
        if layer is not None:
            known = [each.name for each in model.layers]
            if layer not in known:
                raise ValueError(
                    f"{model.name} has no layer {layer!r}; its layers are {', '.join(known)}"
                )
            output = model.get_layer(layer).output
        self._take(name or (f"{model.name}:{layer}" if layer else model.name), model, output)

    def _take(self, name, model, features, probabilities=None):
        shape = model.input_shape
        if not isinstance(shape, tuple) or len(shape) != 4:
            raise ValueError(f"{model.name} must take images [B, h, w, c], found {shape}")
        outputs = [features] if probabilities is None else [features, probabilities]
        self.name, self.shape = name, tuple(shape[1:])
        self.network = keras.Model(model.inputs[0], outputs)

    @property
    def weights_hash(self):
        """SHA-256 of the network: kinds and settings of its layers, and all their weights."""
        settings = _nameless(self.network.get_config()) if self._has_config() else None
        return disk.digest(settings, *self.network.get_weights())

    def _has_config(self):
        try:
            self.network.get_config()
        except NotImplementedError:  # of a layer of one's own
            return False
        return True

    def resizing(self, image_shape):
        """Return in words how images of a shape (h, w, c) are resized for it."""
        return resizing(image_shape, self.shape)

    def extract(self, images, batch_size=None, cache=None, progress="", run=None):
        """Return the `Features` of images, from the cache if there.

        Args:
            images: uint8 in 0..255 or floats in [-1, 1], [n, h, w, 1 or 3], n >= 1. Generated
                floats are not quantised here: `preprocess.pixels` does it.
            batch_size: images at a time; None takes 32 of large ones, and up to 512.
            cache: the folder; None for $KERAS_GANS_CACHE, else ~/.cache/keras_gans; False for none.
            progress: what to call the images in the lines that long work prints; empty for none.
            run: what calls the network in place of this process alone, a function of `inputs`,
                count and batch size as `models.sharing.shared(strategy, extractor.run)` gives it.

        Raises:
            ValueError: if they are no such images, their channels do not fit, or a feature is NaN
                or infinite.
        """
        images = pixels(images, quantize=False)
        key = disk.digest(images, [_VERSION, self.name, self.weights_hash, list(self.shape)])

        def make():
            parts = self._batches(images, batch_size, progress)
            if run is not None:
                size = batch_size or self._size(images)
                parts = [run(lambda rows: prepare(images[rows], self.shape), len(images), size)]
            names = ("values", "probabilities")
            return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=False))

        def check(arrays):
            if len(arrays["values"]) != len(images):
                raise ValueError("the features are of other images")

        found = disk.cached(f"features-{key[:24]}", make, cache, check)
        for name, values in found.items():
            if bad := int((~np.isfinite(values)).any(axis=1).sum()):
                raise ValueError(
                    f"extractor {self.name}: found {bad} of {len(images):,} images with {name} "
                    "that are NaN or infinite"
                )
        return Features(found["values"], found.get("probabilities"), key)

    def __call__(self, images):
        """Return the features of a batch of images, float32 [n, d], as Keras metrics ask for them.

        Args:
            images: uint8, or float32 in [-1, 1], [n, h, w, 1 or 3].
        """
        run = self.run.python_function  # a function within a graph could wait for ever
        return run(prepare(np.asarray(images), self.shape))[0].numpy()

    def get_config(self):
        """Return the network with its weights, however it was made."""
        return {
            "name": self.name,
            "shape": self.shape,
            "is_inception": self.is_inception,
            "network": keras.saving.serialize_keras_object(self.network),
            "weights": pack(self.network),
        }

    @classmethod
    def from_config(cls, config):
        """Make the extractor again from `get_config()`, without training or download."""
        extractor = cls.__new__(cls)
        extractor.name, extractor.shape = config["name"], tuple(config["shape"])
        extractor.is_inception = config["is_inception"]
        network = keras.saving.deserialize_keras_object(config["network"])
        extractor.network = unpack(config["weights"], network)
        return extractor

    def _size(self, images):
        """Return how many images are worth taking at a time."""
        side = max(self.shape[0] or images.shape[1], self.shape[1] or images.shape[2])
        return int(np.clip(512 * (32 / side) ** 2, 32, 512))

    def _batches(self, images, batch_size, progress):
        size = batch_size or self._size(images)
        shown = Progress(progress and f"{self.name}, {progress}", len(images))
        for start in range(0, len(images), size):
            batch = prepare(images[start : start + size], self.shape)
            yield [np.asarray(part) for part in self.run(batch)]
            shown.update(start + len(batch))

    @functools.cached_property
    def run(self):
        """A `tf.function` of prepared images: their features, and perhaps probabilities."""

        @tf.function(input_signature=[tf.TensorSpec([None, *self.shape], tf.float32)])
        def run(images):
            features, *rest = tf.nest.flatten(self.network(images, training=False))
            features = tf.cast(features, tf.float32)
            if features.shape.rank == 4:
                features = tf.reduce_mean(features, axis=[1, 2])
            rest = [tf.cast(part, tf.float32) for part in rest]
            return [tf.reshape(features, [tf.shape(images)[0], -1]), *rest]

        return run


@keras.saving.register_keras_serializable("keras_gans")
class Classifier(Extractor):
    """A small classifier of a labelled data set, trained on the spot and cached: the default.

    The features are the 128 of its layer "features", the probabilities its softmax. What is
    computed on them is never called FID: it is "FD (classifier:digits)".

    Args:
        data: a `datasets.Data` of images with labels.
        cache: where the weights are kept, see `train_classifier`.
        verbose: whether to print its accuracy.

    Raises:
        ValueError: if there are no labels, or too many classes to learn on the spot.

    Reference: a classifier of the data at hand in place of Inception: Bińkowski et al.,
    arXiv:1801.01401, section 4 (LeNet features for MNIST).
    """

    def __init__(self, data, cache=None, verbose=True):
        check_labels(data)
        name = f"classifier:{short_name(data.name)}"
        if verbose:
            print(f"{name}: trained once, then kept in {disk.folder(cache or None)}", flush=True)
        keep = None if cache is False else cache
        model = train_classifier(data.samples, data.labels, cache=keep, verbose=verbose)
        self.held_out_accuracy = model.held_out_accuracy
        features = model.get_layer("features").output
        self._take(name, model, features, keras.layers.Softmax(dtype="float32")(model.outputs[0]))


def check_labels(data, flag="--extractor"):
    """Refuse data that no classifier can be trained on; say which flag to give.

    Raises:
        ValueError: if they are no images, have no labels, or too many classes.
    """
    if len(data.samples.shape) != 4:
        found = f"samples of shape {data.samples.shape[1:]}"
    elif data.labels is None:
        found = "no labels"
    elif data.num_classes > MAX_CLASSES:
        found = f"{data.num_classes:,} classes, more than {MAX_CLASSES},"
    else:
        return
    raise ValueError(
        f"{flag}: {data.name} has {found} and no classifier of it can be trained on the spot; give "
        f"{flag}=inception, {flag}=classifier:DATASET of a labelled data set, or {flag}=FILE.keras"
    )


def get_extractor(identifier="auto", data=None, weights=None, sha256=None, cache=None):
    """Return an extractor by name.

    | name | what |
    |---|---|
    | `auto` | the classifier of `data` |
    | `classifier:DATASET` | a small CNN trained on a labelled data set, such as `digits` |
    | `inception` | Keras's InceptionV3, the one whose distance is called FID |
    | `FILE.keras`, `FILE.keras:LAYER` | any saved Keras model, or one of its layers |

    Args:
        identifier: one of these, or an `Extractor`, which is returned as it is.
        data: the `datasets.Data` at hand; used where the name asks for it.
        weights: of `inception`, a file; None for Keras's download.
        sha256: of `inception`, the hash that the file must have.
        cache: where a classifier's weights are kept.

    Raises:
        ValueError: if there is no such extractor, or it cannot be made.
        FileNotFoundError: if a file is missing.

    Example:
        >>> data = kg.datasets.load("digits")
        >>> get_extractor("auto", data, cache="cache").name  # doctest: +SKIP
        'classifier:digits'
    """
    if isinstance(identifier, Extractor):
        return identifier
    kind, _, rest = identifier.partition(":")
    if weights and kind != "inception":
        raise ValueError(f"--weights={weights} is for --extractor=inception, found {identifier}")
    if kind == "inception" and not rest:
        from keras_gans.metrics.inception import InceptionV3

        return InceptionV3(weights or "imagenet", sha256)
    if identifier == "auto":
        if data is None:
            raise ValueError("--extractor=auto needs data to train a classifier on, found none")
        return Classifier(data, cache)
    if kind == "classifier" and rest:
        if data is None or rest not in (data.name, short_name(data.name)):
            from keras_gans import datasets

            data = datasets.load(rest)
        return Classifier(data, cache)
    if ".keras" in identifier:
        file, _, layer = identifier.rpartition(".keras")
        return _from_file(pathlib.Path(f"{file}.keras"), layer.removeprefix(":"))
    raise ValueError(
        f"--extractor={identifier}: expected auto, inception, classifier:DATASET, FILE.keras or "
        "FILE.keras:LAYER"
    )


def _from_file(path, layer):
    if not path.is_file():
        raise FileNotFoundError(f"--extractor={path}: there is no such file")
    try:
        model = load_model(path, compile=False)
    except Exception as error:  # of zipfile, JSON, h5py or Keras
        raise ValueError(f"--extractor={path}: it holds no Keras model ({error})") from error
    return Extractor(model, layer or None, f"{path.stem}:{layer}" if layer else path.stem)


def short_name(source):
    """Return what a data set is called in manifests: its name, without where it lies.

    Example:
        >>> [short_name(s) for s in ("digits", "tfds:mnist:test", "idx:/data/fashion-mnist")]
        ['digits', 'mnist', 'fashion-mnist']
    """
    kind, _, rest = source.partition(":")
    if kind == "stacked":
        return f"stacked:{short_name(rest)}"
    if kind == "tfds" and rest:
        return rest.partition(":")[0]
    return pathlib.Path(rest).name if rest else source


def _nameless(config):
    """Return a configuration without the names that count up with each model made."""
    if isinstance(config, dict):
        left_out = {"name", "inbound_nodes", "input_layers", "output_layers", "build_config"}
        left_out |= {"registered_name", "module", "shared_object_id"}
        return {k: _nameless(v) for k, v in config.items() if k not in left_out}
    if isinstance(config, (list, tuple)):
        return [_nameless(each) for each in config]
    return config if isinstance(config, (str, int, float, bool, type(None))) else str(config)
