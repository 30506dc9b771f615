import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans as kg
from keras_gans.metrics import Classifier, Extractor, InceptionV3, features, get_extractor
from keras_gans.metrics import inception as inception_module
from keras_gans.metrics.features import short_name
from keras_gans.metrics.preprocess import pixels, prepare, resizing

RNG = np.random.default_rng(0)


def images(n=30, shape=(8, 8, 1), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def linear(width=3, shape=(8, 8, 1), activation=None, seed=0):
    """A model of which every feature can be reckoned by hand: a product with a matrix."""
    model = keras.Sequential(
        [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(width, activation)]
    )
    kernel = np.random.default_rng(seed).normal(size=(int(np.prod(shape)), width))
    model.layers[-1].set_weights([kernel, np.zeros(width)])
    return model


# --- images on their way in -----------------------------------------------------------------------


def test_a_constant_stays_and_a_ramp_stays_a_ramp():
    flat = prepare(np.full((1, 7, 7, 1), 51, np.uint8), (20, 20, 1))
    np.testing.assert_allclose(flat, 51 / 127.5 - 1, atol=1e-6)
    ramp = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (16, 1))[None, :, :, None]
    found = (prepare(ramp, (32, 32, 1)) + 1) * 127.5
    # pixel i of 32 lies at (i + 0.5) / 2 - 0.5 of the 16; the border is left out
    expected = 10 * ((np.arange(32) + 0.5) / 2 - 0.5)
    np.testing.assert_allclose(found[0, 10, 4:-4, 0], expected[4:-4], atol=1e-3)


def test_what_is_made_smaller_is_antialiased():
    board = (255 * (np.indices((32, 32)).sum(0) % 2)).astype(np.uint8)[None, :, :, None]
    small = prepare(board, (8, 8, 1))  # picking pixels would give all black or all white
    assert np.abs(small[0, 1:-1, 1:-1]).max() < 0.02


@pytest.mark.parametrize("size", [(13, 13), (40, 56), (28, 28)])
def test_resizing_is_tensorflow_s_antialiased_bicubic_one(size):
    x = images(2, (28, 28, 3))
    theirs = tf.image.resize(x.astype("float32"), size, "bicubic", antialias=True).numpy()
    ours = (prepare(x, (*size, 3)) + 1) * 127.5
    np.testing.assert_allclose(ours, theirs.clip(0, 255), atol=0.01)


def test_a_resized_image_is_not_rounded_and_grey_becomes_three_channels():
    found = prepare(images(2, (28, 28, 1)), (50, 50, 3))
    assert found.shape == (2, 50, 50, 3) and found.dtype == np.float32
    levels = (found + 1) * 127.5
    assert np.abs(levels - levels.round()).max() > 0.3
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


def test_pixels_and_floats_come_in_alike():
    x = images(4)
    for shape in ((8, 8, 1), (12, 12, 1)):
        a, b = prepare(x, shape), prepare(kg.datasets.to_float(x), shape)
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_array_equal(prepare(x, (8, 8, 1)), kg.datasets.to_float(x))


def test_generated_floats_are_rounded_as_they_are_saved():
    x = RNG.uniform(-1, 1, (5, 8, 8, 1)).astype(np.float32)
    np.testing.assert_array_equal(pixels(x), kg.export.to_uint8(x))
    np.testing.assert_array_equal(pixels(x, quantize=False), x)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((5, 8, 8, 1), np.int64), ["mine", "int64"]),
        (np.full((5, 8, 8, 1), 200.0), ["mine", "0..255"]),
        (np.full((5, 8, 8, 1), np.nan), ["mine", "NaN"]),
        (np.zeros((0, 8, 8, 1), np.uint8), ["mine", "at least one"]),
        (np.zeros((5, 8, 8, 2), np.uint8), ["mine", "2 channels"]),
        (np.zeros((5, 8)), ["mine", "(5, 8)", "images"]),
    ],
)
def test_images_that_cannot_be_are_named(bad, words):
    with pytest.raises(ValueError) as error:
        pixels(bad, "mine")
    assert all(word in str(error.value) for word in words), error.value


def test_resizing_in_words():
    assert resizing((8, 8, 1), (8, 8, 3)) == "none" == resizing((5, 5, 1), (None, None, 1))
    assert "28x20 to 299x299" in resizing((28, 20, 1), (299, 299, 3))


# --- extractors -----------------------------------------------------------------------------------


def test_features_of_a_model_that_can_be_reckoned():
    model, x = linear(), images()
    found = Extractor(model).extract(x, batch_size=7, cache=False)
    kernel = model.layers[-1].get_weights()[0]
    expected = (x.reshape(30, -1) / 127.5 - 1) @ kernel
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-4)
    assert found.values.dtype == np.float32 and found.probabilities is None and len(found) == 30


def test_a_layer_of_maps_is_averaged_over_the_image():
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.AveragePooling2D(2, name="maps")]
    )
    x = images()
    found = Extractor(model, "maps").extract(x, cache=False).values
    means = kg.datasets.to_float(x).mean((1, 2))
    np.testing.assert_allclose(found, means, atol=1e-6)
    with pytest.raises(ValueError, match=r"no layer 'x'; its layers are maps"):
        Extractor(model, "x")
    with pytest.raises(ValueError, match=r"must take images .* found \(None, 4\)"):
        Extractor(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))


def test_what_does_not_fit_the_extractor_is_named():
    with pytest.raises(ValueError, match=r"3 channels .* takes 1"):
        Extractor(linear()).extract(images(5, (8, 8, 3)), cache=False)
    broken = linear()
    broken.layers[-1].set_weights([np.full((64, 3), np.nan), np.zeros(3)])
    with pytest.raises(ValueError, match=r"extractor mine: found 30 of 30 images with values.*NaN"):
        Extractor(broken, name="mine").extract(images(), cache=False)


def test_the_hash_tells_weights_and_settings_and_no_names():
    hashes = [
        Extractor(linear()).weights_hash,
        Extractor(linear(seed=1)).weights_hash,
        Extractor(linear(activation="tanh")).weights_hash,
    ]
    assert len(set(hashes)) == 3
    assert Extractor(linear()).weights_hash == hashes[0]  # Keras counts layers up: other names


def test_features_and_statistics_are_kept_and_damage_is_repaired(tmp_path, monkeypatch):
    x, extractor = images(), Extractor(linear(), name="mine")
    first = extractor.extract(x, cache=tmp_path)
    mean, covariance = first.statistics(tmp_path)
    np.testing.assert_allclose(mean, first.values.mean(0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(first.values.T.astype(float)), rtol=1e-10)
    files = sorted(tmp_path.iterdir())
    assert [path.name.split("-")[0] for path in files] == ["features", "statistics"]

    with monkeypatch.context() as patch:
        patch.setattr(Extractor, "_batches", None)  # nothing is computed again
        again = Extractor(linear(), name="mine").extract(x, cache=tmp_path)
    np.testing.assert_array_equal(again.values, first.values)
    assert again.key == first.key

    for path in files:
        path.write_bytes(path.read_bytes()[:-99])
    with pytest.warns(UserWarning, match="features-.*damaged and made again"):
        repaired = extractor.extract(x, cache=tmp_path)
    with pytest.warns(UserWarning, match="statistics-.*damaged and made again"):
        np.testing.assert_array_equal(repaired.statistics(tmp_path)[1], covariance)

    keys = {
        first.key,
        Extractor(linear(seed=1), name="mine").extract(x, cache=False).key,
        Extractor(linear(), name="other").extract(x, cache=False).key,
        extractor.extract(x[::-1], cache=False).key,
    }
    assert len(keys) == 4


def test_statistics_of_other_features_are_not_taken(tmp_path):
    features = Extractor(linear()).extract(images(), cache=False)
    features.statistics(tmp_path)
    (path,) = tmp_path.iterdir()
    np.savez(path, mean=np.zeros(2), covariance=np.eye(2))
    with pytest.warns(UserWarning, match="other features"):
        assert features.statistics(tmp_path)[0].shape == (3,)


def test_the_classifier_gives_features_and_probabilities(tmp_path, capsys, monkeypatch):
    train = functools.partial(features.train_classifier, steps=60)
    monkeypatch.setattr(features, "train_classifier", train)
    data = kg.datasets.load("digits")
    small = kg.datasets.Data("idx:/a/little", data.samples[:200], data.labels[:200])
    extractor = Classifier(small, cache=tmp_path)
    found = extractor.extract(small.samples, cache=tmp_path)
    assert extractor.name == "classifier:little" and "accuracy" in capsys.readouterr().out
    assert found.values.shape == (200, 128)
    np.testing.assert_allclose(found.probabilities.sum(1), 1.0, atol=1e-5)
    assert (found.probabilities.argmax(1) == small.labels).mean() > 0.9
    same = get_extractor("classifier:little", small, cache=tmp_path)
    assert same.weights_hash == extractor.weights_hash
    larger = extractor.extract(images(3, (16, 16, 1)), cache=False)
    assert larger.values.shape == (3, 128)
    assert extractor.resizing((16, 16, 1)) == "pillow bicubic antialiased 16x16 to 8x8"


def test_a_saved_model_is_an_extractor(tmp_path):
    model = linear()
    model.save(tmp_path / "mine.keras")
    found = get_extractor(str(tmp_path / "mine.keras"))
    assert found.name == "mine" and found.weights_hash == Extractor(model).weights_hash
    layer = model.layers[0].name
    assert get_extractor(f"{tmp_path}/mine.keras:{layer}").name == f"mine:{layer}"
    (tmp_path / "broken.keras").write_text("no model")
    with pytest.raises(ValueError, match=r"broken\.keras: it holds no Keras model"):
        get_extractor(f"{tmp_path}/broken.keras")


LABELLED = kg.datasets.Data("digits", images(40), np.arange(40) % 4)
UNLABELLED = kg.datasets.Data("folder:here", images(40))
MANY = kg.datasets.Data("many", images(40), np.arange(40) * 10)
POINTS = kg.datasets.Data("line", np.zeros((40, 2), np.float32), np.arange(40) % 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("vgg",), ["--extractor=vgg", "inception", "classifier:DATASET"]),
        (("classifier:",), ["--extractor=classifier:"]),
        (("inception:x",), ["--extractor=inception:x"]),
        (("auto",), ["--extractor=auto", "data"]),
        (("auto", UNLABELLED), ["--extractor", "folder:here", "no labels", "=inception"]),
        (("auto", MANY), ["--extractor", "many", "391 classes"]),
        (("auto", POINTS), ["--extractor", "line", "(2,)"]),
        (("classifier:nowhere",), ["nowhere"]),
        (("auto", LABELLED, "w.h5"), ["--weights=w.h5", "--extractor=inception"]),
    ],
)
def test_extractors_that_cannot_be_are_named(arguments, words):
    with pytest.raises(ValueError) as error:
        get_extractor(*arguments)
    assert all(word in str(error.value) for word in words), error.value


def test_missing_files_are_named():
    with pytest.raises(FileNotFoundError, match=r"--extractor=no\.keras"):
        get_extractor("no.keras")
    with pytest.raises(FileNotFoundError, match=r"--weights=no\.h5"):
        get_extractor("inception", weights="no.h5")


def test_short_names():
    found = [short_name(name) for name in ("stacked:tfds:mnist", "tfds:a/b:test", "npz:x/y.npz")]
    assert found == ["stacked:mnist", "a/b", "y.npz"]


# --- Inception ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return keras.applications.InceptionV3(weights=None)


def test_inception_has_its_features_and_probabilities(network, monkeypatch):
    monkeypatch.setattr(inception_module, "_network", lambda *arguments: network)
    extractor = InceptionV3(weights=None)
    x = images(2, (28, 28, 1))
    found = extractor.extract(x, cache=False)
    expected = keras.Model(
        network.inputs[0], [network.get_layer("avg_pool").output, network.output]
    )
    values, probabilities = expected(prepare(x, (299, 299, 3)), training=False)
    np.testing.assert_allclose(found.values, values, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, probabilities, rtol=1e-3, atol=1e-6)
    assert found.values.shape == (2, 2048) and not extractor.is_inception
    assert extractor.name == "InceptionV3, random weights"  # whose distance is no FID


def test_a_weights_file_must_have_a_known_hash(tmp_path):
    path = tmp_path / "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
    path.write_bytes(b"abc")
    md5, sha256 = "900150983cd24fb0d6963f7d28e17f72", "ba7816bf8f01cfea414140de5dae2223"
    with pytest.raises(ValueError) as error:
        InceptionV3(path)
    words = (str(path), md5, "9a0d58056eeedaa3f26cb7ebd46da564", f"--weights_sha256={sha256}")
    assert all(word in str(error.value) for word in words), error.value
    with pytest.raises(ValueError, match=rf"{sha256}.*expected 00ff"):
        InceptionV3(path, sha256="00FF")
    with pytest.raises(ValueError, match="--weights=FILE"):
        InceptionV3(sha256="00ff")


def test_weights_of_one_s_own_are_taken_if_their_hash_is_given(network, tmp_path, monkeypatch):
    path = tmp_path / "own.weights.h5"
    small = keras.Sequential([keras.Input((299, 299, 3)), keras.layers.Conv2D(2, 3)])
    monkeypatch.setattr(inception_module, "_network", lambda *arguments: small)
    small.save_weights(path)
    sha256 = inception_module._digest(path, "sha256")
    assert inception_module._from_file(path, sha256) is small
    monkeypatch.setattr(inception_module, "_network", lambda *arguments: network)
    with pytest.raises(ValueError, match=r"own\.weights\.h5: it does not hold the weights"):
        InceptionV3(path, sha256)


def test_no_network_is_said_with_what_to_do(monkeypatch):
    def fail(*arguments):
        raise OSError("URL fetch failure")

    monkeypatch.setattr(inception_module, "_network", fail)
    with pytest.raises(ValueError, match=r"cannot download.*URL fetch failure.*--weights=FILE"):
        InceptionV3()
