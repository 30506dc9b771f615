import ast
import pathlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

import keras_gans.datasets
from keras_gans.datasets import SOURCES, load, resize


def test_digits_are_scaled_from_16_to_255():
    data = load("digits")
    raw = load_digits()
    assert (len(data), data.shape, data.samples.dtype) == (1797, (8, 8, 1), np.uint8)
    assert data.classes == tuple("0123456789")
    np.testing.assert_array_equal(data.labels, raw.target)
    values = [data.samples[..., 0][raw.images == v] for v in (0, 1, 8, 16)]
    # 255/16 = 15.9, 8 * 255/16 = 127.5, to the even neighbour
    assert [set(v.tolist()) for v in values] == [{0}, {16}, {128}, {255}]
    assert next(iter(data.batches(64))).numpy().max() == 1.0


def test_image_size_resizes_once_at_load():
    data = load("digits", image_size=16)
    assert data.samples.shape == (1797, 16, 16, 1) and data.samples.dtype == np.uint8


def test_resizing_is_antialiased():
    checkers = (255 * (np.indices((16, 16)).sum(0) % 2)).astype(np.uint8)[..., None]
    assert abs(resize.to(4, checkers).astype(int) - 127.5).max() < 8


def test_resizing_floats_stays_in_range(tmp_path):
    images = np.where(np.arange(64).reshape(8, 8) % 3, 1.0, -1.0)[None]
    np.savez(tmp_path / "a.npz", images=images)
    data = load(f"npz:{tmp_path}/a.npz", image_size=12)
    assert data.shape == (12, 12, 1) and data.samples.dtype == np.float32
    assert data.samples.min() >= -1 and data.samples.max() <= 1


@pytest.mark.parametrize(
    "source",
    ["", "mnist", "tfds:", "npz", "folder:", "idx", "rings", "ring:", "stacked:", "stacked:mnist"],
)
def test_unknown_sources_list_the_known(source):
    with pytest.raises(ValueError) as error:
        load(source)
    assert repr(source.removeprefix("stacked:") or source) in str(error.value) and all(
        s in str(error.value) for s in SOURCES
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"source": "digits", "image_size": 0}, ["--image_size", "0"]),
        ({"source": "digits", "image_size": 8.5}, ["--image_size", "8.5"]),
        ({"source": "ring", "image_size": 8}, ["--image_size=8", "ring", "points"]),
        ({"source": "digits", "on_corrupt": "ignore"}, ["--on_corrupt", "ignore", "skip"]),
    ],
)
def test_load_refuses(arguments, words):
    with pytest.raises(ValueError) as error:
        load(**arguments)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("kind", ["folder", "npz", "idx"])
def test_missing_paths_are_named(kind, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        load(f"{kind}:{tmp_path}/nowhere")
    assert "nowhere" in str(error.value) and f"--dataset={kind}:" in str(error.value)


def test_heavy_modules_are_imported_inside_functions():
    for path in pathlib.Path(keras_gans.datasets.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                heavy = ("sklearn", "PIL", "tensorflow_datasets", "keras_cv")
                assert name.partition(".")[0] not in heavy, (path.name, name)
