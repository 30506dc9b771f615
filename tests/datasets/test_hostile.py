"""Files that are meant to hurt: each is refused by name, before it can."""

import contextlib
import io
import logging
import os
import struct
import tempfile
import zipfile
import zlib

import numpy as np
import pytest
from helpers_hostile import within
from PIL import Image

from keras_gans.datasets import Data, checks, folder, load

COLOUR = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)


def refusal(source, **arguments):
    with pytest.raises((ValueError, OSError)) as error:
        within(20, load, source, **arguments)
    return str(error.value)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


# --- images


def test_a_picture_of_too_many_scans_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    content = encoded(Image.new("L", (64, 64), 128), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "a.jpg").write_bytes(content[:-2] + 1000 * last + b"\xff\xd9")
    assert load(f"folder:{tmp_path}").samples[0, 0, 0, 0] == 128  # a small one does no harm
    monkeypatch.setattr(folder, "MAX_PIXELS", 64 * 64)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    assert "a.jpg cannot be read: 1006 scans of 64x64 pixels" in refusal(f"folder:{tmp_path}")


def png_header(width, height):
    chunk = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    size, check = struct.pack(">I", 13), struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + size + chunk + check


def gif_header(width, height):
    return b"GIF89a" + struct.pack("<2H", width, height) + bytes([0xF0, 0, 0]) + bytes(6) + b";"


def webp_header(width, height):
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes([2, 0, 0, 0]) + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("name", "header"), [("a.png", png_header), ("a.gif", gif_header), ("a.webp", webp_header)]
)
@pytest.mark.parametrize("size", [(9000, 9000), (60000, 60000)])
def test_a_header_that_claims_too_many_pixels(tmp_path, name, header, size):
    (tmp_path / name).write_bytes(header(*size))
    assert f"{name} cannot be read" in refusal(f"folder:{tmp_path}")


def test_a_bomb_of_81_million_pixels_in_80_kilobytes(tmp_path):
    Image.new("1", (9000, 9000)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 80_000
    message = refusal(f"folder:{tmp_path}")
    assert "a.png cannot be read: 9000x9000 pixels, expected <= 64000000" in message


@pytest.mark.parametrize("missing", range(5, 25))  # the last four are a checksum of nothing
def test_a_png_without_its_last_bytes_is_truncated(tmp_path, missing):
    content = encoded(Image.new("L", (8, 8), 70), "PNG")
    (tmp_path / "a.png").write_bytes(content[:-missing])
    assert "a.png cannot be read" in refusal(f"folder:{tmp_path}")


def test_a_file_of_too_many_bytes(tmp_path):
    with open(tmp_path / "a.png", "wb") as file:
        file.truncate(folder.MAX_BYTES + 1)  # takes no space on the disk
    assert "a.png cannot be read: 512000001 bytes" in refusal(f"folder:{tmp_path}")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert "a.png cannot be read: no regular file" in refusal(f"folder:{tmp_path}")


def test_a_link_to_nothing(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    assert "a.png cannot be read: a link to nothing" in refusal(f"folder:{tmp_path}")


def test_links_in_a_ring(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "good.png")
    (tmp_path / "a.png").symlink_to("b.png")
    (tmp_path / "b.png").symlink_to("a.png")
    assert "a.png cannot be read: a link to nothing" in refusal(f"folder:{tmp_path}")
    assert load(f"folder:{tmp_path}", on_corrupt="skip").skipped == 2


@pytest.mark.parametrize(
    ("name", "shown"), [(b"\xff.png", r"\udcff.png"), (b"a\nb.png", r"a\nb.png")]
)
def test_names_that_are_no_text_or_two_lines(tmp_path, name, shown):
    Image.fromarray(COLOUR).save(tmp_path / "good.png")
    with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
        file.write(b"x")
    assert f"/{shown} cannot be read" in refusal(f"folder:{tmp_path}")
    (broken,) = load(f"folder:{tmp_path}", on_corrupt="skip").broken
    assert broken.startswith(f"{shown} (") and "\n" not in broken
    broken.encode()  # as skipped.txt needs it


@contextlib.contextmanager
def unprivileged_folder():
    """A folder of a user who is not root, whom permissions do not hold."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as path:
        if root:
            os.chown(path, 65534, 65534)
            os.seteuid(65534)
        try:
            yield path
        finally:
            if root:
                os.seteuid(0)


def test_a_file_without_permission_is_named_or_skipped():
    with unprivileged_folder() as path:
        for name in ("a.png", "b.png"):
            Image.fromarray(COLOUR).save(f"{path}/{name}")
        os.chmod(f"{path}/b.png", 0)
        message = refusal(f"folder:{path}")
        assert "b.png cannot be read" in message and "Permission denied" in message
        data = load(f"folder:{path}", on_corrupt="skip")
        assert (len(data), data.skipped) == (1, 1) and data.broken[0].startswith("b.png (")


def test_a_folder_without_permission_is_named_even_if_corrupt_files_are_skipped():
    with unprivileged_folder() as path:
        os.mkdir(f"{path}/cat")
        Image.fromarray(COLOUR).save(f"{path}/cat/a.png")
        os.mkdir(f"{path}/dog", 0)
        for on_corrupt in ("error", "skip"):
            message = refusal(f"folder:{path}", on_corrupt=on_corrupt)
            assert f"{path}/dog cannot be listed: Permission denied" in message


def test_other_files_without_permission():
    with unprivileged_folder() as path:
        np.savez(f"{path}/a.npz", images=COLOUR[None])
        os.chmod(f"{path}/a.npz", 0)
        assert "a.npz" in refusal(f"npz:{path}/a.npz")


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_the_frames_that_are_not_taken_are_told(tmp_path, caplog, name):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    options = {"lossless": True} if name.endswith("webp") else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    Image.new("RGB", (8, 8)).save(tmp_path / "still.png")
    with caplog.at_level(logging.WARNING):
        data = load(f"folder:{tmp_path}")
    assert data.samples[0, 0, 0].tolist() == [255, 0, 0]
    assert f"took the first frame of 1 animation(s): {name}" in caplog.text


def test_the_files_that_are_no_images_are_told(tmp_path, caplog):
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    for name in ("a.tif", "b.tif", "notes.txt", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        load(f"folder:{tmp_path}")
    assert "left out 3 file(s) of other extensions: 2 with .tif, 1 with .txt" in caplog.text


def test_two_pictures_in_one_jpeg_as_telephones_make_them(tmp_path):
    images = [Image.new("RGB", (8, 8), colour) for colour in ((200, 0, 0), (0, 0, 200))]
    images[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=images[1:])
    data = load(f"folder:{tmp_path}")
    assert abs(data.samples[0, 4, 4].astype(int) - [200, 0, 0]).max() <= 4


def test_sixteen_bits_of_colour(tmp_path):
    rows = np.zeros((4, 4, 3), ">u2")
    rows[...] = (65535, 32896, 257)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">2I5B", 4, 4, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert load(f"folder:{tmp_path}").samples[0, 0, 0].tolist() == [255, 128, 1]


# --- arrays


def npy(shape, content, dtype="|u1"):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (npy((10**6, 10**6), bytes(10)), "10 bytes for the shape (1000000, 1000000)"),
        (npy((2, 4, 4), bytes(33)), "33 bytes for the shape (2, 4, 4)"),
        (npy((-1, 4, 4), bytes(16)), "bytes for the shape"),
        (npy((1,), b"cos\nsystem\n(S'exit 1'\ntR.", "|O"), "Python objects, which a pickle"),
        (b"\x93NUMPY\x09\x00" + bytes(40), "cannot be read"),
        (b"no array", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_an_array_that_is_not_what_its_header_says(tmp_path, member, words):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", member)
    message = refusal(f"npz:{tmp_path}/a.npz")
    assert "a.npz: the array 'images' cannot be read" in message and words in message


def test_a_zip_bomb_is_refused_by_the_size_it_claims(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "MAX_BYTES", 10**6)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", npy((10, 1000, 1000), bytes(10**7)))
    assert (tmp_path / "a.npz").stat().st_size < 20_000
    message = refusal(f"npz:{tmp_path}/a.npz")
    assert "the array 'images': found 10,000,0" in message and "at most 1,000,000" in message


def test_a_zip_whose_directory_is_damaged(tmp_path):
    np.savez(tmp_path / "a.npz", images=COLOUR[None])
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content.replace(b"PK\x01\x02", b"PK\x00\x00"))
    assert "a.npz: the zip archive is damaged" in refusal(f"npz:{tmp_path}/a.npz")


def test_points_that_float32_cannot_hold(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.full((3, 2), 1e300))
    message = refusal(f"npz:{tmp_path}/a.npz")
    assert "a.npz: found 6 NaN or infinite value(s)" in message


def test_data_with_nan_are_refused_however_they_are_made():
    with pytest.raises(ValueError, match=r"mine: found 1 NaN or infinite value.*\(1, 0\)"):
        Data("mine", np.array([[0.0], [np.inf]], np.float32))


def test_the_digest_tells_data_apart():
    data = Data("a", COLOUR[None], [1])
    assert data.digest == Data("b", COLOUR[None].copy(), [1]).digest and len(data.digest) == 64
    others = [
        Data("a", COLOUR[None], [2]),
        Data("a", COLOUR[None]),
        Data("a", COLOUR[None] ^ 1, [1]),
        Data("a", COLOUR[None].reshape(1, 4, 6, 3), [1]),
    ]
    assert len({data.digest, *(other.digest for other in others)}) == 5
