import numpy as np
import pytest
import tensorflow as tf

from keras_gans.metrics import ms_ssim
from keras_gans.metrics.ms_ssim import WEIGHTS, similarity


def images(n, height, width, channels=1, seed=0):
    """Smooth and rough images of different kinds, uint8."""
    random = np.random.default_rng(seed)
    small = random.integers(256, size=[n, -(-height // 8), -(-width // 8), channels])
    smooth = np.kron(small, np.ones([1, 8, 8, 1]))[:, :height, :width]
    rough = random.normal(size=[n, height, width, channels]) * random.uniform(0, 40, [n, 1, 1, 1])
    return np.clip(smooth + rough, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "channels", "scales"),
    [(192, 176, 3, 5), (181, 203, 1, 5), (128, 128, 1, 4), (64, 64, 3, 3), (28, 28, 1, 2)],
)
def test_it_agrees_with_tensorflow(height, width, channels, scales):
    first = images(4, height, width, channels)
    second = np.clip(first + 60.0 * np.random.default_rng(1).normal(size=first.shape), 0, 255)
    second[3] = images(1, height, width, channels, seed=2)[0]
    weights = np.array(WEIGHTS[:scales]) / (sum(WEIGHTS[:scales]) if scales < 5 else 1.0)
    expected = tf.image.ssim_multiscale(
        tf.constant(first, tf.float32), tf.constant(second, tf.float32), 255.0, weights
    )
    found = similarity(first.astype(np.float64), second)
    assert found.min() < 0.6 and len(set(found.round(6))) == 4
    np.testing.assert_allclose(found, expected, atol=2e-5)  # the other is float32


def test_the_constants_are_wang_s():
    assert WEIGHTS == (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    # Flat images differ in luminance alone: (2 a b + C1) / (a² + b² + C1), C1 = 6.5025, to the
    # power of the last scale's weight.
    for size, weight in ((8, 1.0), (28, 0.2856 / 0.3304), (176, 0.1333)):
        a, b = np.full([1, size, size, 1], 50.0), np.full([1, size, size, 1], 120.0)
        expected = ((12_000 + 6.5025) / (2500 + 14_400 + 6.5025)) ** weight
        assert similarity(a, b)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1, 8, 11, 28, 45])
def test_identical_images_are_1_and_others_less(size):
    one = np.repeat(images(1, size, size, 3), 6, axis=0)
    assert ms_ssim(one, pairs=20) == pytest.approx(1.0, abs=1e-12)
    assert ms_ssim(images(6, size, size, 3), pairs=20) < 0.9


def test_an_inverted_image_is_at_0():
    x = images(1, 32, 32)
    assert similarity(x.astype(float), 255.0 - x)[0] == 0.0  # negative structure counts as none


def test_pairs_are_of_different_images_and_of_all():
    # Of two kinds, 2 and 1 of 3 images: a third of the pairs is alike, none is of one with itself.
    a, b = images(2, 28, 28)
    of_both = similarity(a[None].astype(float), b[None].astype(float))[0]
    found = ms_ssim(np.stack([a, a, b]), pairs=3000)
    assert found == pytest.approx((1 + 2 * of_both) / 3, abs=4 * np.sqrt(2 / 9 / 3000))
    assert ms_ssim(np.stack([a, b]), pairs=50) == pytest.approx(of_both, rel=1e-12)


def test_floats_and_pixels_are_the_same_images():
    x = images(5, 28, 28)
    found = ms_ssim(x, pairs=30, seed=4)
    assert ms_ssim(x / np.float32(127.5) - np.float32(1), 30, seed=4) == pytest.approx(found, 1e-5)
    assert ms_ssim(x, pairs=30, seed=5) != found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": np.zeros([1, 8, 8, 1])}, r"N >= 2.*\(1, 8, 8, 1\)"),
        ({"images": np.zeros([4, 8, 8])}, r"\(4, 8, 8\)"),
        ({"images": np.full([4, 8, 8, 1], np.nan)}, r"\[-1, 1\].*nan"),
        ({"images": np.full([4, 8, 8, 1], 200.0)}, r"\[-1, 1\].*200.0"),
        ({"images": np.zeros([4, 8, 8, 1], int)}, "uint8.*int64"),
        ({"pairs": 0}, "pairs.*found 0"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        ms_ssim(**{"images": np.zeros([4, 8, 8, 1])} | change)
