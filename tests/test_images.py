import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gans import images


@pytest.mark.parametrize("make", [np.float32, tf.constant])
def test_to_uint8_rounds_and_clips(make):
    x = make(np.float32([-2.0, -1.0, -0.999, 0.0, 1.0 / 127.5, 1.0, 9.0]))
    pixels = images.to_uint8(x)
    assert pixels.dtype in (np.uint8, tf.uint8)
    # -0.999 -> 0.1275, 0 -> 127.5, which rounds to even, 1 / 127.5 -> 128.5 likewise
    assert np.asarray(pixels).tolist() == [0, 0, 0, 128, 128, 255, 255]


def test_every_pixel_value_survives():
    pixels = np.arange(256, dtype=np.uint8)
    floats = (pixels / np.float32(127.5) - 1).astype(np.float32)
    assert (images.to_uint8(floats) == pixels).all()
    assert (images.to_uint8(pixels) == pixels).all()


def test_tile_puts_images_in_rows():
    pixels = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    grid = images.tile(pixels, columns=2)[..., 0]
    assert grid.tolist() == [
        [0, 0, 255, 1, 1],
        [0, 0, 255, 1, 1],
        [255, 255, 255, 255, 255],
        [2, 2, 255, 255, 255],
        [2, 2, 255, 255, 255],
    ]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 28])
def test_draw_writes_a_grid_of_some_500_pixels(tmp_path, size, channels):
    samples = np.zeros((16, size, size, channels), np.float32)
    path = images.draw(samples, tmp_path / "new" / "grid.png")
    with Image.open(path) as image:
        assert image.mode == ("L" if channels == 1 else "RGB")
        assert 400 <= image.width == image.height <= 600


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_draw_plots_points(tmp_path, dimension):
    points = np.random.default_rng(0).normal(size=(50, dimension))
    with Image.open(images.draw(points, tmp_path / "a.png", reference=points)) as image:
        assert image.size == (500, 500)
        assert len(image.getcolors(10**6)) > 10


def test_histograms_share_bins_and_leave_out_what_is_no_number(tmp_path):
    points = np.array([[0.0], [np.nan], [np.inf], [1.0]])
    for reference in (None, np.array([[-5.0], [5.0]])):
        images.draw(points, tmp_path / "a.png", reference=reference)
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    images._histogram(axes, [("real", np.array([[-5.0], [5.0]]), "0"), ("made", points, "0.5")])
    real, made = (patch.get_data() for patch in axes.patches)
    np.testing.assert_array_equal(real.edges, made.edges)
    assert (real.edges[0], real.edges[-1], len(real.values)) == (-5, 5, 100)
    assert abs(np.sum(made.values * 0.1) - 1) < 1e-9  # two of two finite points


def test_save_each_and_gif(tmp_path):
    samples = np.linspace(-1, 1, 4 * 64).reshape(4, 8, 8, 1)
    images.save_each(samples, tmp_path)
    with Image.open(tmp_path / "00003.png") as image:
        assert (np.asarray(image) == images.to_uint8(samples)[3, ..., 0]).all()
    images.save_gif(samples, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 4
