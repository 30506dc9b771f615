"""The mark in the pixels: that it is where the formula says, survives what it may, and no more."""

import io
import math
import pathlib

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from keras_gans import datasets, export, watermark
from keras_gans.images import to_float
from keras_gans.watermark import COUNT, TILE, detect, embed, pattern

KEY = "a key"


@pytest.fixture(scope="module")
def photo():
    return load_sample_images().images[0]  # 427x640, a temple


@pytest.fixture(scope="module")
def marked(photo):
    return embed(photo[None], KEY)[0]


def jpeg(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(pixels, factor):
    image = Image.fromarray(pixels)
    size = round(image.width * factor), round(image.height * factor)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def test_the_pattern_is_a_repeated_tile_of_the_band_and_the_strength():
    added = pattern(KEY, 2 * TILE + 5, TILE, 2.0)
    assert added.shape == (2 * TILE + 5, TILE, 1)
    np.testing.assert_array_equal(added[:TILE], added[TILE : 2 * TILE])
    tile = added[:TILE, :, 0]
    assert tile.std() == pytest.approx(2.0, rel=1e-5) and abs(tile.mean()) < 1e-5
    power = np.abs(np.fft.fft2(tile)) ** 2
    steps = np.fft.fftfreq(TILE, 1 / TILE)
    radius = np.hypot(*np.meshgrid(steps, steps))
    inside = (radius >= 4) & (radius <= 16)
    assert inside.sum() == 2 * COUNT
    assert power[~inside].sum() < 1e-8 * power.sum()
    np.testing.assert_allclose(power[inside], power[inside].mean(), rtol=1e-3)
    assert np.abs(pattern("another", TILE, TILE) - pattern(KEY, TILE, TILE)).std() > 1


def test_a_mark_alone_has_the_largest_score_there_is(marked):
    alone = np.clip(128 + pattern(KEY, 128, 128, 2.0), 0, 255)[..., 0]
    found = detect(alone, KEY, scales=(1,))
    assert found.score == pytest.approx(math.sqrt(2 * COUNT), rel=1e-3)


def test_embedding_changes_pixels_by_the_pattern_alone():
    grey = np.full([2, 70, 30, 3], 128, np.uint8)
    added = embed(grey, KEY, 3.0).astype(int) - 128
    expected = np.broadcast_to(np.round(pattern(KEY, 70, 30, 3.0)), [70, 30, 3])
    np.testing.assert_array_equal(added, np.stack([expected, expected]))
    assert np.abs(embed(to_float(grey), KEY, 3.0).astype(int) - 128 - added).max() <= 1
    assert embed(np.full_like(grey, 255), KEY).max() == 255


@pytest.mark.parametrize("quality", [90, 75, 50])
def test_jpeg(marked, quality):
    assert detect(jpeg(marked, quality), KEY, scales=(1,)).found


def test_a_crop(marked):
    assert detect(marked[37:250, 111:400], KEY, scales=(1,)).found


@pytest.mark.parametrize("factor", [0.5, 0.73, 1.9])
def test_a_resize_is_searched_for(marked, factor):
    found = detect(resized(marked, factor), KEY)
    assert found.found and found.scale == pytest.approx(1 / factor, rel=0.02)
    assert not detect(resized(marked, factor), KEY, scales=(1,)).found


def test_neither_another_key_nor_another_picture_is_found(photo, marked):
    assert not detect(photo, KEY).found
    assert not detect(marked, "another").found
    assert not detect(np.zeros([64, 64], np.uint8), KEY).found


def test_scores_of_keys_that_are_not_in_the_picture_are_below_the_bound(photo):
    part = photo[:128, :128]
    chances = [detect(part, f"key {i}", scales=(1,)).p_value for i in range(200)]
    # P(p_value < a) <= a for each; of 200, fewer than 10 below 0.01 with probability 1 - 2e-4
    assert sum(p < 0.01 for p in chances) < 10
    assert not any(p < watermark.LEVEL for p in chances)


@pytest.mark.parametrize("values", [{"key": ""}, {"key": "x", "strength": 0.0}])
def test_a_mark_needs_a_key_and_a_strength(values):
    with pytest.raises(ValueError, match="needs a key and a strength > 0"):
        embed(np.zeros([1, 8, 8, 1], np.uint8), **values)


def test_points_are_no_images():
    with pytest.raises(ValueError, match=r"for images \[n, H, W, C\], found shape \(3, 2\)"):
        embed(np.zeros([3, 2], "float32"), KEY)


def test_an_exported_generator_marks_what_it_makes(tmp_path):
    from helpers import make_gan

    gan = make_gan(shape=(64, 64, 3))
    version = export.export_generator(gan, tmp_path, watermark_key=KEY)
    found = export.load_exported(version).sample(4, seed=1)
    expected = embed(gan.generate(4, seed=1), KEY)
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert all(detect(image, KEY, scales=(1,)).found for image in found)
    with pytest.raises(ValueError, match="a watermark is for images"):
        export.export_generator(make_gan(shape=(2,)), tmp_path, watermark_key=KEY)


# --- how often it survives what: the README's table, `pytest -m slow tests/test_watermark.py -s`

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist


def pieces(pixels, side):
    """Cut an image into squares, for small ones at half its size."""
    pixels = pixels if side >= 128 else resized(pixels, 0.5)
    rows, columns = (range(0, length - side + 1, side) for length in pixels.shape[:2])
    return [pixels[y : y + side, x : x + side] for y in rows for x in columns]


def half_of_it(pixels):
    height, width = (int(side * 0.5**0.5) for side in pixels.shape[:2])
    return pixels[height // 5 : height // 5 + height, width // 5 : width // 5 + width]


CHANGES = {
    "none": (lambda p: p, (1,)),
    "jpeg 90": (lambda p: jpeg(p, 90), (1,)),
    "jpeg 75": (lambda p: jpeg(p, 75), (1,)),
    "jpeg 50": (lambda p: jpeg(p, 50), (1,)),
    "half of it": (half_of_it, (1,)),
    "size 0.5": (lambda p: resized(p, 0.5), None),
    "size 0.75": (lambda p: resized(p, 0.75), None),
    "size 1.5": (lambda p: resized(p, 1.5), None),
    "all three": (lambda p: jpeg(resized(half_of_it(p), 0.75), 75), None),
}


def pictures(kind):
    photos = load_sample_images().images
    if kind == "photographs":
        return list(photos)
    if kind.startswith("pieces"):
        side = int(kind.split()[1])
        return [piece for photo in photos for piece in pieces(photo, side)][:30]
    side = int(kind.split()[1])
    if not FASHION.is_dir():
        pytest.skip("Fashion-MNIST is not installed")
    found = datasets.load(f"idx:{FASHION}", image_size=None if side == 28 else side)
    return list(found.samples[:30, ..., 0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("photographs", dict.fromkeys(CHANGES, 1.0)),
        ("pieces 128", dict.fromkeys(CHANGES, 0.8)),
        ("pieces 64", {"none": 0.7, "jpeg 90": 0.7, "jpeg 75": 0.6, "jpeg 50": 0.5}),
        ("fashion 64", {"none": 0.7, "jpeg 90": 0.6}),
        ("fashion 28", {}),  # too few pixels for so weak a mark: it is not found at all
    ],
)
def test_what_the_mark_survives(kind, least):
    marked = []
    for i, image in enumerate(pictures(kind)):
        pixels = embed(image.reshape(1, *image.shape[:2], -1), f"key {i}")[0]
        marked.append(pixels.reshape(image.shape))
    for name, (change, scales) in CHANGES.items():
        found = [detect(change(p), f"key {i}", scales) for i, p in enumerate(marked)]
        share = np.mean([detection.found for detection in found])
        score = np.median([detection.score for detection in found])
        print(f"{kind}, {name}: found in {share:.0%} of {len(found)}, median score {score:.1f}")
        assert share >= least.get(name, 0.0)


@pytest.mark.slow
def test_how_often_a_key_is_found_that_is_not_there():
    found = [
        detect(image, f"key {i} {k}", scales=(1,))
        for i, image in enumerate(pictures("pieces 128") + pictures("pieces 64"))
        for k in range(100)
    ]
    chances = np.array([detection.p_value for detection in found])
    shares = {level: np.mean(chances < level) for level in (0.1, 0.01, watermark.LEVEL)}
    print(f"of {len(found)}: {shares}, largest score {max(d.score for d in found):.2f}")
    assert all(share <= level for level, share in shares.items())
