"""A small classifier that is trained on the spot, kept on disk, and used to measure images by."""

import hashlib
import json

import keras
import numpy as np
from keras import layers

from keras_gans.images import to_float
from keras_gans.metrics import cache as disk

STEPS = 1000
BATCH = 128
HELD_OUT = 0.1
_VERSION = 1  # of the network and its training: another one makes another file


def train_classifier(images, labels, steps=STEPS, seed=0, cache=None, verbose=True):
    """Return a convolutional classifier of labelled images, trained now or taken from the cache.

    A tenth of the images, at most 10,000, is held out, and the accuracy on it is printed; it is the
    model's `held_out_accuracy`. The model maps float32 images [B, h, w, c] in [-1, 1] to logits
    [B, classes]; its layer "features" gives 128 features, so that

        keras.Model(classifier.input, classifier.get_layer("features").output)

    is a feature extractor. The same arguments give the same model on the same machine; no global
    seed is touched. The cache holds plain arrays under a hash of all images, labels and settings; a
    file that cannot be used is made again.

    Args:
        images: uint8 in 0..255 or float32 in [-1, 1], [n, h, w, c], n >= 20.
        labels: integers from 0 on, [n].
        steps: training steps of 128 images, >= 1.
        seed: of weights, order and held-out images.
        cache: the folder; None for $KERAS_GANS_CACHE, else ~/.cache/keras_gans.
        verbose: whether to print the accuracy.

    Raises:
        ValueError: if an argument cannot be; it is named.

    Example:
        >>> data = kg.datasets.load("digits")
        >>> classifier = train_classifier(
        ...     data.samples, data.labels, steps=1, cache="cache", verbose=False
        ... )
        >>> classifier.output_shape
        (None, 10)
    """
    images, labels = np.ascontiguousarray(images), np.asarray(labels)
    _check(images, labels, steps)
    settings = {"version": _VERSION, "steps": steps, "batch": BATCH, "seed": seed}
    name = f"classifier-{_digest(images, labels, settings)}"
    model = make_classifier(images.shape[1:], int(labels.max()) + 1, seed)
    order = np.random.default_rng(seed).permutation(len(images))
    held_out, rest = np.split(order, [min(10_000, max(1, round(HELD_OUT * len(images))))])
    how = "from the cache"

    def make():
        nonlocal how
        how = f"trained for {steps} steps"
        _fit(model, images[rest], labels[rest], steps, seed)
        return {str(i): value for i, value in enumerate(model.get_weights())}

    def take(arrays):
        model.set_weights([arrays[str(i)] for i in range(len(model.weights))])

    disk.cached(name, make, cache, check=take)
    guesses = classify(model, images[held_out])
    model.held_out_accuracy = float(np.mean(guesses == labels[held_out]))
    if verbose:
        print(
            f"classifier {how}: accuracy {model.held_out_accuracy:.1%} on {len(held_out):,} "
            "held-out images"
        )
    return model


def make_classifier(shape, classes, seed=0):
    """Return the untrained network: convolutions, halved down to 4 pixels, and 128 features.

    Args:
        shape: (height, width, channels).
        classes: number of logits.
        seed: of weights and dropout.

    Example:
        >>> make_classifier((28, 28, 1), 10).count_params()
        357418
    """
    seeds = iter(range(1000 * seed, 1000 * seed + 1000))

    def weights():
        return keras.initializers.HeNormal(seed=next(seeds))

    def block(x, width, stride=1):
        x = layers.Conv2D(
            width,
            kernel_size=3 if stride == 1 else 5,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer=weights(),
            dtype="float32",
        )(x)
        x = layers.BatchNormalization(momentum=0.9, dtype="float32")(x)
        return layers.Activation("relu", dtype="float32")(x)

    image, width = keras.Input(shape, name="images"), 32
    x = block(image, width, stride=2 if max(shape[:2]) > 16 else 1)
    while max(x.shape[1:3]) > 4:
        width = min(128, 2 * width)
        x = layers.MaxPooling2D(padding="same", dtype="float32")(x)
        x = block(x, width)
    x = layers.Flatten(dtype="float32")(x)
    x = layers.Dense(128, "relu", kernel_initializer=weights(), name="features", dtype="float32")(x)
    x = layers.Dropout(0.3, seed=next(seeds), dtype="float32")(x)
    x = layers.Dense(classes, kernel_initializer=weights(), name="logits", dtype="float32")(x)
    return keras.Model(image, x, name="classifier")


def classify(classifier, images, batch_size=1024):
    """Return the likeliest class of each image, int64 [n].

    Args:
        classifier: maps float32 images in [-1, 1] to logits.
        images: uint8, or float32 in [-1, 1], [n, h, w, c].
        batch_size: images at a time.
    """
    guesses = []
    for start in range(0, len(images), batch_size):
        logits = classifier(to_float(images[start : start + batch_size]), training=False)
        guesses.append(np.argmax(logits, axis=-1))
    return np.concatenate(guesses)


def _fit(model, images, labels, steps, seed):
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    rng = np.random.default_rng(seed + 1)

    def batches():
        size = min(BATCH, len(images))
        while True:
            order = rng.permutation(len(images))
            for start in range(0, len(order) - size + 1, size):
                picks = order[start : start + size]
                yield to_float(images[picks]), labels[picks].astype(np.int32)

    model.fit(batches(), steps_per_epoch=steps, verbose=0, shuffle=False)


def _check(images, labels, steps):
    if images.ndim != 4 or images.dtype not in (np.uint8, np.float32) or len(images) < 20:
        raise ValueError(
            f"images must be uint8 or float32 and [n, h, w, c] with n >= 20, found {images.dtype} "
            f"of shape {images.shape}"
        )
    if images.dtype == np.float32 and not np.abs(images).max() <= 1:
        raise ValueError("images must be finite and in [-1, 1], found other values")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"labels must be {len(images)} integers >= 0, one for each image, found {labels.dtype} "
            f"of shape {labels.shape}"
        )
    if steps < 1:
        raise ValueError(f"steps must be >= 1, found {steps}")


def _digest(images, labels, settings):
    about = {"images": [images.shape, str(images.dtype)], "settings": settings}
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    digest.update(images.data)
    digest.update(np.ascontiguousarray(labels, "<i8").data)
    return digest.hexdigest()[:24]
