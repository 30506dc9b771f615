import numpy as np
import pytest

from keras_gans.datasets import Data, load
from keras_gans.datasets.stacked import stack


def tiny(dtype=np.uint8):
    """Three classes of 2x2 images; the pixels of image i are 10 i."""
    images = (10 * np.arange(6)[:, None, None, None] * np.ones((1, 2, 2, 1))).astype(dtype)
    return Data("tiny", images, np.array([0, 1, 2, 2, 1, 0]), classes=("x", "y", "z"))


def test_channels_are_images_and_the_label_is_theirs_in_base_k():
    data = stack(tiny(), seed=1, count=500)
    assert (data.shape, data.samples.dtype, len(data)) == ((2, 2, 3), np.uint8, 500)
    assert (data.samples == data.samples[:, :1, :1]).all()  # each channel is one image
    a, b, c = tiny().labels[data.samples[:, 0, 0] // 10].T
    np.testing.assert_array_equal(data.labels, 9 * a + 3 * b + c)
    assert data.num_classes == 27
    assert (data.classes[0], data.classes[1], data.classes[-1]) == ("xxx", "xxy", "zzz")


def test_channels_are_drawn_independently_and_evenly():
    data = stack(tiny(), seed=2, count=21_600)
    picks = (data.samples[:, 0, 0].astype(int) // 10) @ [36, 6, 1]
    counts = np.bincount(picks, minlength=216)  # each of 6^3 triples: 100 expected, sd 10
    assert abs(counts - 100).max() < 50
    # chi-squared with 215 degrees of freedom: mean 215, sd 20.7
    assert abs(((counts - 100) ** 2 / 100).sum() - 215) < 5 * 20.7


def test_stacked_digits_have_a_thousand_classes():
    data = load("stacked:digits")
    assert (data.name, data.shape, len(data)) == ("stacked:digits", (8, 8, 3), 50_000)
    assert data.num_classes == 1000 and data.classes[305] == "305"
    assert len(np.unique(data.labels)) == 1000
    digits = {image.tobytes() for image in load("digits").samples}
    assert all(data.samples[7, ..., c].tobytes() in digits for c in range(3))


def test_the_seed_decides_and_batches_go_on_where_they_were():
    a, b, c = (load("stacked:digits", seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(a.samples, b.samples)
    assert (a.labels != c.labels).mean() > 0.9
    third = list(a.batches(16, seed=4).take(3))[2]
    np.testing.assert_array_equal(third, next(iter(b.batches(16, seed=4, start=2))))


def test_floats_stay_floats():
    assert stack(tiny(np.float32), count=3).samples.dtype == np.float32


def test_a_stacked_source_is_resized_before_it_is_stacked():
    assert load("stacked:digits", image_size=16).shape == (16, 16, 3)


def rgb():
    return Data("rgb", np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2))


def many():
    return Data("many", np.zeros((41, 4, 4, 1), np.uint8), np.arange(41))


@pytest.mark.parametrize(
    "make, words",
    [
        (rgb, ["stacked:rgb", "(4, 4, 3)", "one channel"]),
        (lambda: Data("bare", np.zeros((2, 4, 4, 1), np.uint8)), ["stacked:bare", "no labels"]),
        (lambda: load("ring"), ["stacked:ring", "(2,)", "images"]),
        (many, ["stacked:many", "41 classes", "68,921"]),
    ],
)
def test_what_cannot_be_stacked_is_refused(make, words):
    with pytest.raises(ValueError) as error:
        stack(make())
    assert all(word in str(error.value) for word in words), error.value
