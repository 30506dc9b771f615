import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.metrics import reverse_kl, stacked_coverage, train_classifier


def by_brightness(k=4, size=2):
    """A classifier that is always right: class c is an image of brightness -1 + 2 c / (k - 1)."""
    levels = np.linspace(-1, 1, k, dtype=np.float32)
    image = keras.Input((size, size, 1))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    logits = keras.layers.Lambda(lambda m: -((m - levels) ** 2), output_shape=(k,))(mean)
    return keras.Model(image, logits)


def of_modes(modes, k=4, size=2):
    """Float images [n, size, size, 3] of the modes' numbers."""
    classes = np.stack([modes // k**2, modes // k % k, modes % k], axis=-1)
    brightness = np.float32(-1 + 2 * classes / (k - 1))
    return np.broadcast_to(brightness[:, None, None], (len(modes), size, size, 3))


def test_each_channel_is_a_digit_of_the_mode_s_number():
    modes = np.random.default_rng(0).integers(64, size=500)
    found = stacked_coverage(of_modes(modes), by_brightness())
    np.testing.assert_array_equal(found.counts, np.bincount(modes, minlength=64))
    assert found.modes == len(np.unique(modes))
    assert found.reverse_kl == pytest.approx(reverse_kl(found.counts))


def test_pixels_and_floats_are_counted_alike():
    images = of_modes(np.arange(64))
    for form in (images, np.round((images + 1) * 127.5).astype(np.uint8)):
        found = stacked_coverage(form, by_brightness())
        assert found.modes == 64 and found.reverse_kl == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("m", [1, 16])
def test_a_collapse_diverges_by_the_log_of_its_share(m):
    found = stacked_coverage(of_modes(np.arange(320) % m), by_brightness())
    assert found.modes == m
    assert found.reverse_kl == pytest.approx(np.log(64 / m), abs=1e-12)


def test_the_true_shares_may_be_unequal():
    weights = np.ones(64)
    weights[5] = 64.0  # images of mode 5 alone: log(127 / 64)
    found = stacked_coverage(of_modes(np.full(10, 5)), by_brightness(), weights)
    assert found.reverse_kl == pytest.approx(np.log(127 / 64), abs=1e-12)


def test_stacked_digits_cover_all_modes_and_a_collapse_is_seen(tmp_path):
    digits = kg.datasets.load("digits")
    classifier = train_classifier(digits.samples, digits.labels, steps=200, cache=tmp_path)
    data = kg.datasets.load("stacked:digits")
    n = 10_000
    found = stacked_coverage(data.samples[:n], classifier)
    # The classifier errs, so the label's own divergence is met nearly: (k^3 - 1) / 2n and the
    # digits' slightly unequal shares.
    own = reverse_kl(np.bincount(data.labels[:n], minlength=1000))
    assert found.modes >= 998 and 0.04 < own < 0.07
    assert abs(found.reverse_kl - own) < 0.02
    ones = data.samples[:n][data.labels[:n] // 100 == 1]
    one = stacked_coverage(ones, classifier)
    assert 90 <= one.modes < 200 and one.reverse_kl > 2  # log 10 = 2.3


@pytest.mark.parametrize(
    "images, words",
    [
        (np.zeros((3, 2, 2, 1), np.float32), ["(3, 2, 2, 1)", "[n, 2, 2, 3]"]),
        (np.zeros((3, 4, 4, 3), np.float32), ["(3, 4, 4, 3)", "[n, 2, 2, 3]"]),
        (np.zeros((0, 2, 2, 3), np.float32), ["(0, 2, 2, 3)"]),
        (np.full((3, 2, 2, 3), np.nan), ["finite"]),
        (np.full((3, 2, 2, 3), 200.0), ["[-1, 1]"]),
    ],
)
def test_images_that_do_not_fit_are_refused(images, words):
    with pytest.raises(ValueError) as error:
        stacked_coverage(images, by_brightness())
    assert all(word in str(error.value) for word in ["images", *words]), error.value
