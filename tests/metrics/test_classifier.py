import pathlib

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.metrics import cache as disk
from keras_gans.metrics import classifier as module
from keras_gans.metrics import classify, make_classifier, train_classifier


@pytest.fixture(scope="module")
def digits():
    return kg.datasets.load("digits")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def trained(digits, folder):
    return train_classifier(digits.samples, digits.labels, steps=200, cache=folder)


def test_it_tells_the_digits_apart(digits, trained):
    # 180 held out: 95 % is 9 wrong. All 1,797 at most 2 % wrong.
    assert trained.held_out_accuracy >= 0.95
    assert (classify(trained, digits.samples) == digits.labels).mean() >= 0.98


@pytest.fixture
def fits(monkeypatch):
    """Replace training by a list of what it is asked for; the weights stay as they are."""
    calls = []
    monkeypatch.setattr(module, "_fit", lambda *arguments: calls.append(arguments))
    return calls


def small(seed=0, n=40, shape=(8, 8, 1)):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, *shape), dtype=np.uint8), np.arange(n) % 4


def test_a_tenth_is_held_out(tmp_path, fits, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "classify", lambda model, x: asked.append(x) or np.zeros(len(x)))
    images, labels = small()
    model = train_classifier(images, labels, steps=7, seed=5, cache=tmp_path)
    ((_, trained_on, targets, steps, seed),) = fits
    (held_out,) = asked
    assert (len(held_out), len(trained_on), steps, seed) == (4, 36, 7, 5)
    every = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    assert [every[image.tobytes()] for image in trained_on] == targets.tolist()
    truth = [every[image.tobytes()] for image in held_out]
    assert {image.tobytes() for image in np.concatenate([trained_on, held_out])} == every.keys()
    assert model.held_out_accuracy == truth.count(0) / 4


def test_training_is_seeded(tmp_path):
    images, labels = small()
    first, same = (
        train_classifier(images, labels, 3, cache=tmp_path / name).get_weights() for name in "ab"
    )
    for a, b in zip(first, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first[0] != make_classifier((8, 8, 1), 4).get_weights()[0]).any()


def test_logits_and_features(digits, trained):
    images = kg.datasets.to_float(digits.samples[:5])
    logits = trained.predict(images, verbose=0)
    assert logits.shape == (5, 10) and (logits < 0).any()
    features = keras.Model(trained.input, trained.get_layer("features").output)
    assert features.predict(images, verbose=0).shape == (5, 128)
    np.testing.assert_array_equal(classify(trained, images), logits.argmax(1))
    np.testing.assert_array_equal(classify(trained, digits.samples[:5], 2), logits.argmax(1))


def test_the_second_call_reads_the_cache(digits, folder, trained, fits, capsys):
    again = train_classifier(digits.samples, digits.labels, steps=200, cache=folder)
    assert "from the cache" in capsys.readouterr().out and not fits
    assert again.held_out_accuracy == trained.held_out_accuracy
    for a, b in zip(again.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def cached(folder):
    return sorted(pathlib.Path(folder).glob("classifier-*.npz"))


def test_data_and_settings_make_files_of_their_own(tmp_path, fits):
    images, labels = small()
    other = images.copy()
    other[-1, -1, -1] ^= 1
    calls = [
        (images, labels, 1, 0),
        (images, labels, 2, 0),
        (images, labels, 1, 1),
        (other, labels, 1, 0),
        (images, (labels + 1) % 4, 1, 0),
        (images.reshape(40, 4, 16, 1), labels, 1, 0),
    ]
    for i, (x, y, steps, seed) in enumerate(calls, 1):
        train_classifier(x, y, steps, seed, cache=tmp_path)
        assert len(cached(tmp_path)) == i
    train_classifier(images, labels.astype(np.uint8), 1, 0, cache=tmp_path)  # the same labels
    assert len(cached(tmp_path)) == len(calls)
    assert len(fits) == len(calls)
    assert len(list(tmp_path.iterdir())) == len(calls)  # nothing half written is left


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "another's"])
def test_a_damaged_cache_is_made_again(tmp_path, damage, fits):
    images, labels = small()
    weights = train_classifier(images, labels, steps=1, cache=tmp_path).get_weights()
    (path,) = cached(tmp_path)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 255
    path.write_bytes(content[: {"cut": len(content) // 2, "empty": 0}.get(damage)])
    if damage == "another's":
        np.savez(path, **{str(i): np.zeros(3) for i in range(len(weights))})
    with pytest.warns(UserWarning, match="damaged"):
        again = train_classifier(images, labels, steps=1, cache=tmp_path)
    for a, b in zip(again.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(fits) == 2
    train_classifier(images, labels, steps=1, cache=tmp_path)
    assert len(fits) == 2 and len(list(tmp_path.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, fits):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="not kept"):
        train_classifier(*small(), steps=1, cache=tmp_path / "file" / "cache")


def test_where_the_cache_is(tmp_path, monkeypatch, fits):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "a"))
    train_classifier(*small(), steps=1)
    assert len(cached(tmp_path / "a")) == 1
    monkeypatch.delenv("KERAS_GANS_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "b"))
    assert disk.folder(None) == tmp_path / "b" / ".cache" / "keras_gans"


def test_global_seeds_and_policies_are_left_alone(tmp_path):
    np.random.seed(3)
    keras.utils.set_random_seed(3)
    expected = keras.random.normal((3,)).numpy(), np.random.rand()
    keras.utils.set_random_seed(3)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = train_classifier(*small(), steps=1, cache=tmp_path)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(keras.random.normal((3,)), expected[0])
    assert np.random.rand() == expected[1]
    plain, images = make_classifier((8, 8, 1), 4), kg.datasets.to_float(small()[0])
    plain.set_weights(model.get_weights())
    np.testing.assert_array_equal(model(images), plain(images))


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (32, 32, 3), (4, 4, 1), (64, 48, 3)])
def test_it_fits_images_of_all_sizes(shape):
    model = make_classifier(shape, 7)
    assert model(np.zeros((2, *shape), np.float32)).shape == (2, 7)
    assert model.count_params() < 600_000
    same, other = make_classifier(shape, 7), make_classifier(shape, 7, seed=1)
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (model.get_weights()[0] != other.get_weights()[0]).all()


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"images": np.zeros((40, 8, 8), np.uint8)}, ["images", "(40, 8, 8)"]),
        ({"images": np.zeros((40, 8, 8, 1))}, ["images", "float64"]),
        ({"images": np.full((40, 8, 8, 1), np.nan, np.float32)}, ["images", "[-1, 1]"]),
        ({"images": np.full((40, 8, 8, 1), 255, np.float32)}, ["images", "[-1, 1]"]),
        ({"labels": np.zeros(39, int)}, ["labels", "40", "(39,)"]),
        ({"labels": np.zeros(40)}, ["labels", "float64"]),
        ({"labels": np.full(40, -1)}, ["labels", ">= 0"]),
        ({"steps": 0}, ["steps", "0"]),
    ],
)
def test_what_cannot_be_learnt_is_named(bad, words, tmp_path):
    images, labels = small()
    with pytest.raises(ValueError) as error:
        train_classifier(**{"images": images, "labels": labels, "cache": tmp_path} | bad)
    assert all(word in str(error.value) for word in words), error.value
