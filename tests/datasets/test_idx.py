import gzip
import resource
import struct

import numpy as np
import pytest

from keras_gans.datasets import load

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
LABELS = np.array([3, 0, 1, 1, 2], np.uint8)


def idx(array, magic=None):
    magic = bytes([0, 0, 8, array.ndim]) if magic is None else magic
    return magic + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(path, content):
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("mark", ["-", "."])
def test_round_trip(tmp_path, mark, end):
    write(tmp_path / f"train-images{mark}idx3-ubyte{end}", idx(IMAGES))
    write(tmp_path / f"train-labels{mark}idx1-ubyte{end}", idx(LABELS))
    data = load(f"idx:{tmp_path}")
    np.testing.assert_array_equal(data.samples, IMAGES[..., None])
    np.testing.assert_array_equal(data.labels, LABELS)
    assert data.classes == ("0", "1", "2", "3")


def test_labels_are_optional(tmp_path):
    write(tmp_path / "train-images-idx3-ubyte", idx(IMAGES))
    data = load(f"idx:{tmp_path}")
    assert data.labels is None and data.classes == () and data.num_classes == 0


@pytest.mark.parametrize(
    "content, words",
    [
        (idx(IMAGES, b"\x00\x00\x0d\x03"), ["0x00000d03", "0x00000803"]),
        (idx(LABELS), ["0x00000801", "0x00000803"]),
        (b"", ["0x,", "0x00000803"]),
        (b"\x00\x00\x08\x03\x00\x00", ["6 bytes", "16"]),
        (idx(IMAGES)[:-1], ["59 values", "60", "(5, 4, 3)"]),
        (idx(IMAGES) + b"x", ["more values", "60"]),
        (idx(IMAGES[:0]), ["(0, 4, 3)", "at least one"]),
        (idx(IMAGES % 2), ["0..1", "0..255"]),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value[0],
)
@pytest.mark.parametrize("end", ["", ".gz"])
def test_bad_images(tmp_path, content, words, end):
    name = f"train-images-idx3-ubyte{end}"
    write(tmp_path / name, content)
    with pytest.raises(ValueError) as error:
        load(f"idx:{tmp_path}")
    assert all(word in str(error.value) for word in [str(tmp_path), *words])


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"text", lambda b: b[:12] + b"\xff" * 40]
)
def test_damaged_gzip(tmp_path, damage):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(damage(gzip.compress(idx(IMAGES))))
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz: (cannot be read|found)"):
        load(f"idx:{tmp_path}")


def test_labels_of_another_length(tmp_path):
    write(tmp_path / "train-images-idx3-ubyte", idx(IMAGES))
    write(tmp_path / "train-labels-idx1-ubyte", idx(LABELS[:4]))
    with pytest.raises(ValueError, match=r"train-labels.*\(4,\) for 5"):
        load(f"idx:{tmp_path}")


def test_no_images(tmp_path):
    write(tmp_path / "t10k-images-idx3-ubyte", idx(IMAGES))
    with pytest.raises(FileNotFoundError, match=r"found \['t10k.*expected train-images-idx3-ubyte"):
        load(f"idx:{tmp_path}")


@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_header_that_claims_too_much_is_refused_before_it_is_read(tmp_path, end):
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 2**10, 2**10)
    write(tmp_path / f"train-images-idx3-ubyte{end}", header + bytes(60))
    with pytest.raises(ValueError, match=r"found 2,251,799,813,685,248 bytes, expected at most"):
        load(f"idx:{tmp_path}")


def test_no_more_is_unpacked_than_the_header_says(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(IMAGES) + bytes(2**28), 1))  # a quarter of a gigabyte
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    with pytest.raises(ValueError, match="found more values, expected 60"):
        load(f"idx:{tmp_path}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**16
