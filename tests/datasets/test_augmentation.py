import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gans.datasets import Data, augmentation

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
COLOUR = Data("noise", IMAGES)
GRAY = Data("noise", IMAGES[..., :1])
FLOATS = (IMAGES / 127.5 - 1).astype(np.float32)


def take(data, count=4, **kwargs):
    return np.stack([x.numpy() for x in data.batches(8, seed=3, **kwargs).take(count)])


def shifted(image, padding):
    """Each 16x16 window of the image padded by 2."""
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode=padding)
    return [padded[r : r + 16, c : c + 16] for r in range(5) for c in range(5)]


@pytest.mark.parametrize("name", augmentation.NAMES)
def test_each_changes_images_stays_in_range_and_resumes_bitwise(name):
    plain, augmented = take(COLOUR, 7), take(COLOUR, 7, augment=(name,))
    assert augmented.shape == plain.shape and augmented.dtype == np.float32
    assert augmented.min() >= -1 and augmented.max() <= 1
    assert 0 < abs(augmented - plain).mean() < 0.7
    np.testing.assert_array_equal(take(COLOUR, 2, start=5, augment=(name,)), augmented[5:])
    assert (augmented[0] != take(COLOUR, 8, start=5, augment=(name,))[0]).any()


def test_gray_images_and_chains():
    names = [n for n in augmentation.NAMES if n != "color"]
    images = take(GRAY, augment=names)
    assert images.shape == (4, 8, 16, 16, 1) and abs(images).max() <= 1
    np.testing.assert_array_equal(images, take(GRAY, augment=",".join(names)))


def test_seeds_and_batches_differ():
    flip = [augmentation.build(["crop"], (16, 16, 3), seed) for seed in (0, 1)]
    outputs = [f(number, FLOATS).numpy() for f in flip for number in (0, 1)]
    for k, first in enumerate(outputs):
        assert all((first != second).any() for second in outputs[k + 1 :])


def test_flip_mirrors_about_half_of_the_images():
    out = augmentation.build(["flip"], (16, 16, 3))(0, FLOATS).numpy()
    same = (out == FLOATS).all((1, 2, 3))
    assert (same | (out == FLOATS[:, :, ::-1]).all((1, 2, 3))).all()
    assert 8 <= same.sum() <= 32  # of 40: 4 standard deviations


def test_crop_is_a_whole_pixel_window_of_the_reflected_image():
    out = augmentation.build(["crop"], (16, 16, 3))(0, FLOATS).numpy()
    for x, y in zip(FLOATS, out, strict=True):
        assert any(np.array_equal(window, y) for window in shifted(x, "symmetric"))


def test_brightness_adds_one_number_to_each_image():
    images = np.zeros((8, 16, 16, 3), np.float32)
    out = augmentation.build(["brightness"], (16, 16, 3))(0, images).numpy()
    assert np.ptp(out, axis=(1, 2, 3)).max() == 0
    assert 0 < abs(out).max() <= 0.2 and len(np.unique(out)) == 8


def test_color_leaves_gray_alone_and_keeps_the_brightest_channel():
    color = augmentation.build(["color"], (16, 16, 3))
    gray = np.repeat(FLOATS[..., :1], 3, -1)
    np.testing.assert_allclose(color(0, gray), gray, atol=1e-6)
    np.testing.assert_allclose(color(0, FLOATS).numpy().max(-1), FLOATS.max(-1), atol=1e-6)


def test_mixed_precision_does_not_round_the_images():
    expected = take(COLOUR, augment=augmentation.NAMES)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        np.testing.assert_array_equal(take(COLOUR, augment=augmentation.NAMES), expected)
    finally:
        keras.config.set_dtype_policy(policy)


def test_labels_come_along():
    data = Data("noise", IMAGES, labels=np.arange(40))
    plain = [y.numpy() for _, y in data.batches(8, labels=True).take(5)]
    augmented = [y.numpy() for _, y in data.batches(8, labels=True, augment=("flip",)).take(5)]
    np.testing.assert_array_equal(plain, augmented)


def test_static_shape_is_kept():
    spec = COLOUR.batches(8, augment=("crop", "color")).element_spec
    assert spec == tf.TensorSpec([8, 16, 16, 3], tf.float32)


@pytest.mark.parametrize(
    "data, names, words",
    [
        (COLOUR, ["flip", "spin"], ["--augment", "'spin'", *augmentation.NAMES]),
        (GRAY, ["color"], ["color", "1 channel", "3"]),
    ],
)
def test_refused(data, names, words):
    with pytest.raises(ValueError) as error:
        data.batches(8, augment=names)
    assert all(word in str(error.value) for word in words)
