import logging

import numpy as np
import pytest
from PIL import Image

from keras_gans.datasets import folder, load

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)
GRAY = RNG.integers(0, 256, (6, 4), dtype=np.uint8)


def save(path, array=COLOUR, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **kwargs)


def only(path, **kwargs):
    """The one image of a folder."""
    data = load(f"folder:{path}", **kwargs)
    assert len(data) == 1
    return data.samples[0]


def refusal(path, **kwargs):
    with pytest.raises(ValueError) as error:
        load(f"folder:{path}", **kwargs)
    return str(error.value)


def test_flat_folder_in_sorted_order(tmp_path):
    for k in (2, 0, 1):
        save(tmp_path / f"{k}.png", np.full((6, 4, 3), 10 * k, np.uint8))
    data = load(f"folder:{tmp_path}")
    assert data.samples[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert (data.labels, data.classes, data.skipped) == (None, (), 0)


def test_class_folders_are_sorted_and_read_to_the_bottom(tmp_path):
    save(tmp_path / "dog" / "0.png")
    save(tmp_path / "cat" / "deep" / "0.png")
    save(tmp_path / "cat" / "1.png")
    (tmp_path / "empty").mkdir()
    data = load(f"folder:{tmp_path}")
    assert data.classes == ("cat", "dog") and data.labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.PNG"])
def test_lossless_formats_round_trip(tmp_path, name):
    save(tmp_path / name)
    np.testing.assert_array_equal(only(tmp_path), COLOUR)


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.webp", "a.gif"])
def test_lossy_formats_are_close(tmp_path, name):
    save(tmp_path / name, np.full((8, 8, 3), (200, 100, 50), np.uint8))
    assert abs(only(tmp_path).astype(int) - [200, 100, 50]).max() <= 4


def test_gif_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert only(tmp_path)[0, 0].tolist() == [255, 0, 0]


def test_all_gray_gives_one_channel_and_one_colour_image_three(tmp_path):
    save(tmp_path / "a.png", GRAY)
    np.testing.assert_array_equal(only(tmp_path), GRAY[..., None])
    save(tmp_path / "b.png")
    data = load(f"folder:{tmp_path}")
    np.testing.assert_array_equal(data.samples[0], np.stack([GRAY] * 3, -1))
    np.testing.assert_array_equal(data.samples[1], COLOUR)


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    save(tmp_path / "a.png", np.array([[0, 257, 128 * 257, 65535, 300, 400]], np.uint16))
    # 300/257 = 1.17, 400/257 = 1.56
    assert only(tmp_path).ravel().tolist() == [0, 1, 128, 255, 1, 2]


def test_one_bit_is_black_and_white(tmp_path):
    save(tmp_path / "a.png", np.eye(4, dtype=bool))
    np.testing.assert_array_equal(only(tmp_path)[..., 0], 255 * np.eye(4, dtype=np.uint8))


def test_palette_and_cmyk_become_rgb(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 250, 100, 50])
    image.save(tmp_path / "a.png")
    assert only(tmp_path)[0, 0].tolist() == [250, 100, 50]
    (tmp_path / "a.png").unlink()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert abs(only(tmp_path)[4, 4].astype(int) - [255, 0, 0]).max() <= 4


@pytest.mark.parametrize(
    "image, expected",
    [
        (Image.new("RGBA", (4, 4), (200, 0, 0, 0)), [255, 255, 255]),
        (Image.new("RGBA", (4, 4), (200, 0, 0, 255)), [200, 0, 0]),
        (Image.new("RGBA", (4, 4), (200, 0, 0, 51)), [244, 204, 204]),  # 0.2 x + 0.8 * 255
        (Image.new("LA", (4, 4), (100, 51)), [224]),
    ],
)
def test_transparency_is_laid_over_white(tmp_path, image, expected):
    image.save(tmp_path / "a.png")
    assert only(tmp_path)[0, 0].tolist() == expected


def test_transparent_palette_entry_is_white(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 250, 100, 50])
    image.save(tmp_path / "a.png", transparency=1)
    assert only(tmp_path)[0, 0].tolist() == [255, 255, 255]


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show
    save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(only(tmp_path), np.rot90(COLOUR, -1))


def test_image_size_crops_the_centre(tmp_path):
    wide = np.zeros((4, 8, 3), np.uint8)
    wide[:, 2:6] = 255
    save(tmp_path / "a.png", wide)
    assert (
        only(tmp_path, image_size=4).shape == (4, 4, 3)
        and only(tmp_path, image_size=4).min() == 255
    )
    save(tmp_path / "b.png")
    assert load(f"folder:{tmp_path}", image_size=5).shape == (5, 5, 3)


def test_sizes_that_differ_name_two_files(tmp_path):
    for name in ("a.png", "b.png"):
        save(tmp_path / name)
    save(tmp_path / "c.png", COLOUR[:5])
    message = refusal(tmp_path)
    for word in ("a.png of 4x6", "c.png of 4x5", "--image_size"):
        assert word in message


def damaged(path, kind):
    save(path, np.asarray(Image.effect_noise((64, 64), 50)))
    content = {
        "empty": b"",
        "text": b"no image at all",
        "cut": path.read_bytes()[: path.stat().st_size // 2],
    }
    path.write_bytes(content[kind])


@pytest.mark.parametrize(
    "kind, reason",
    [("empty", "empty (0 bytes)"), ("text", "cannot identify"), ("cut", "truncated")],
)
@pytest.mark.parametrize("name", ["bad.png", "bad.jpg"])
def test_corrupt_files_are_named_or_skipped_and_counted(tmp_path, caplog, kind, reason, name):
    save(tmp_path / "good.png")
    damaged(tmp_path / name, kind)
    message = refusal(tmp_path)
    for word in (f"folder:{tmp_path}", name, reason, "--on_corrupt=skip"):
        assert word in message
    with caplog.at_level(logging.WARNING):
        data = load(f"folder:{tmp_path}", on_corrupt="skip")
    assert (len(data), data.skipped) == (1, 1)
    (record,) = [r for r in caplog.records if r.name.startswith("keras_gans")]
    assert "skipped 1 unreadable of 2" in record.getMessage() and name in record.getMessage()


def test_skipping_keeps_labels_with_their_images(tmp_path):
    for k in range(3):
        save(tmp_path / f"class{k}" / "0.png", np.full((4, 4, 3), 10 + k, np.uint8))
    damaged(tmp_path / "class1" / "0.png", "cut")
    data = load(f"folder:{tmp_path}", on_corrupt="skip")
    assert data.samples[:, 0, 0, 0].tolist() == [10, 12] and data.labels.tolist() == [0, 2]
    assert data.classes == ("class0", "class1", "class2")


def test_nothing_but_corrupt_files(tmp_path):
    damaged(tmp_path / "a.png", "cut")
    assert "1 unreadable" in refusal(tmp_path, on_corrupt="skip")


def test_another_format_under_an_image_s_name_is_not_decoded(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.png", format="TIFF")
    assert "a.png cannot be read" in refusal(tmp_path)


def test_too_many_pixels_are_refused_before_decoding(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    monkeypatch.setattr(folder, "MAX_PIXELS", 23)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    message = refusal(tmp_path)
    assert "a.png" in message and "4x6 pixels" in message and "23" in message


def test_links_out_of_the_folder_are_refused(tmp_path):
    save(tmp_path / "outside" / "secret.png")
    save(tmp_path / "inside" / "a.png")
    link = tmp_path / "inside" / "b.png"
    for target in ("outside/secret.png", "outside"):
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / target)
        message = refusal(tmp_path / "inside", on_corrupt="skip")
        assert "b.png is a link out" in message and target in message
    link.unlink()
    link.symlink_to(tmp_path / "inside" / "a.png")
    assert len(load(f"folder:{tmp_path}/inside")) == 2


def test_hidden_files_and_other_extensions_are_left_out(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / ".hidden" / "b.png")
    (tmp_path / "._a.png").write_bytes(b"resource fork")
    (tmp_path / "notes.txt").write_text("text")
    np.testing.assert_array_equal(only(tmp_path), COLOUR)


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    assert "no files at all" in refusal(tmp_path)
    for name in ("a.txt", "b.txt", "README"):
        (tmp_path / name).write_text("text")
    message = refusal(tmp_path)
    assert "2 with .txt" in message and "1 with no extension" in message and ".png" in message


def test_images_beside_class_folders_are_ambiguous(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "cat" / "b.png")
    message = refusal(tmp_path)
    assert "a.png" in message and "cat" in message
