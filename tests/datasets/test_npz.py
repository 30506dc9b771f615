import numpy as np
import pytest

from keras_gans.datasets import load

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
FLOATS = RNG.uniform(-1, 1, (6, 5, 4, 1)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def save(path, **arrays):
    np.savez(path / "a.npz", **arrays)
    return load(f"npz:{path}/a.npz")


@pytest.mark.parametrize(
    "images, labels", [("images", "labels"), ("x", "y"), ("x_train", "y_train")]
)
def test_names(tmp_path, images, labels):
    data = save(tmp_path, **{images: BYTES, labels: LABELS, "other": FLOATS})
    np.testing.assert_array_equal(data.samples, BYTES)
    np.testing.assert_array_equal(data.labels, LABELS)
    assert data.classes == ("0", "1", "2") and data.samples.dtype == np.uint8


def test_the_only_array_whatever_its_name(tmp_path):
    assert len(save(tmp_path, faces=BYTES)) == 6
    assert save(tmp_path, faces=BYTES, labels=LABELS).num_classes == 3


def test_accepted_forms(tmp_path):
    np.testing.assert_array_equal(save(tmp_path, x=FLOATS.astype("float64")).samples, FLOATS)
    assert save(tmp_path, x=FLOATS[..., 0]).shape == (5, 4, 1)
    assert save(tmp_path, x=BYTES[..., 0]).shape == (5, 4, 1)
    assert save(tmp_path, x=BYTES, y=LABELS[:, None].astype("uint8")).labels.shape == (6,)
    points = save(tmp_path, x=RNG.normal(0, 100, (7, 3)))
    assert points.shape == (3,) and not points.is_image and points.samples.dtype == np.float32
    assert save(tmp_path, x=np.full((2, 4, 4), -1.0)).shape == (4, 4, 1)


def spoilt(value):
    images = FLOATS.copy()
    images[2, 1, 3, 0] = images[4, 0, 0, 0] = value
    return images


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"x": FLOATS / 2 + 0.5}, ["[0.00", "[-1, 1]", "0..1", "images * 2 - 1"]),
        ({"x": FLOATS * 127.5 + 127.5}, ["[-1, 1]", "0..255", "astype('uint8')"]),
        ({"x": FLOATS * 3}, ["[-1, 1]", "rescale"]),
        ({"x": np.zeros((2, 4, 4))}, ["[0, 0]", "[-1, 1]", "every value is 0"]),
        ({"x": np.ones((2, 4, 4))}, ["[1, 1]", "[-1, 1]", "every value is 1"]),
        ({"x": spoilt(np.nan)}, ["2 NaN or infinite", "(2, 1, 3, 0)"]),
        ({"x": spoilt(-np.inf)}, ["2 NaN or infinite", "(2, 1, 3, 0)"]),
        ({"x": np.full((3, 2), np.nan)}, ["6 NaN", "(0, 0)"]),
        ({"x": BYTES.astype("int64")}, ["int64", "uint8"]),
        ({"x": FLOATS.astype("float16")}, ["float16", "float32"]),
        ({"x": BYTES // 255}, ["0..1", "0..255"]),
        ({"x": BYTES[..., :2]}, ["2 channels", "1 or 3"]),
        ({"x": np.moveaxis(BYTES, -1, 1)}, ["4 channels", "channels come last"]),
        ({"x": BYTES[:, 0, :, 0]}, ["(6, 4)", "uint8", "[n, h, w]"]),
        ({"x": FLOATS[0, 0, 0]}, ["(1,)", "[n, h, w]"]),
        ({"x": FLOATS[None]}, ["(1, 6, 5, 4, 1)"]),
        ({"x": BYTES[:0]}, ["(0, 5, 4, 3)", "at least one"]),
        ({"x": BYTES, "y": LABELS[:5]}, ["labels of shape (5,)", "6 samples"]),
        ({"x": BYTES, "y": np.eye(6)}, ["labels of shape (6, 6)", "6 samples"]),
        ({"x": BYTES, "y": LABELS / 2}, ["float64", "integers"]),
        ({"x": BYTES, "y": LABELS - 1}, ["-1 to 1", "0 to"]),
        ({"x": BYTES, "y": LABELS + 10**9}, ["1000000002"]),
        ({"a": BYTES, "b": BYTES}, ["['a', 'b']", "images", "x_train"]),
        ({"x": np.array([{}] * 3)}, ["'x'", "pickle"]),
        ({"x": BYTES, "y": np.array([None] * 6)}, ["'y'", "pickle"]),
    ],
)
def test_refused(tmp_path, arrays, words):
    with pytest.raises(ValueError) as error:
        save(tmp_path, **arrays)
    assert all(word in str(error.value) for word in [f"npz:{tmp_path}/a.npz", *words])


def test_files_that_are_no_npz(tmp_path):
    save(tmp_path, x=BYTES)
    whole = (tmp_path / "a.npz").read_bytes()
    np.save(tmp_path / "array.npy", BYTES)
    for content in (b"", b"text", whole[:-100], (tmp_path / "array.npy").read_bytes()):
        (tmp_path / "b.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"b\.npz: found no whole zip archive"):
            load(f"npz:{tmp_path}/b.npz")


def test_a_damaged_array_is_named(tmp_path):
    save(tmp_path, x=BYTES)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[300] ^= 255  # the zip's checksum tells
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz: the array 'x' cannot be read"):
        load(f"npz:{tmp_path}/a.npz")
