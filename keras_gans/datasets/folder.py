"""Image files in a folder: flat, or one subfolder a class."""

import collections
import concurrent.futures
import functools
import logging
import os
import pathlib

import numpy as np

from keras_gans.datasets import resize
from keras_gans.datasets.data import Data

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
MAX_PIXELS = 64_000_000
MAX_BYTES = 8 * MAX_PIXELS  # of a file: 16-bit RGBA without compression
MAX_PASSES = 16  # over MAX_PIXELS pixels: a JPEG of many scans is decoded once a scan

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")  # Pillow never tries another decoder
_log = logging.getLogger(__name__)


def load_folder(directory, image_size=None, on_corrupt="error"):
    """Return the images of a folder, sorted by path; subfolders, sorted, are the classes.

    Hidden files and other extensions are left out, of an animation all but the first frame; a
    warning counts them. A class folder is read with everything below it.

    Args:
        directory: images, or subfolders of images, not both.
        image_size: see `load`; without it all images must have one size.
        on_corrupt: "error", or "skip" to leave out what cannot be decoded, counted and logged.

    Raises:
        FileNotFoundError: no such directory.
        ValueError: no images; images beside class folders; a link out of the folder; a folder
            that cannot be read; a file that cannot be decoded or has more than `MAX_PIXELS`;
            sizes that differ.
    """
    where = f"--dataset=folder:{directory}"
    root = pathlib.Path(directory).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"{where}: found no directory {root}")
    paths = _list(root, where)
    classes = sorted({p.relative_to(root).parts[0] for p in paths if p.parent != root})
    flat = [p for p in paths if p.parent == root]
    if classes and flat:
        raise ValueError(
            f"{where}: found images ({flat[0].name}) beside class folders ({classes[0]}), "
            f"expected either"
        )

    images, kept, broken, animated = [], [], [], []
    with concurrent.futures.ThreadPoolExecutor() as pool:  # Pillow decodes without the GIL
        found = pool.map(functools.partial(_try, image_size), paths)
        for path, (image, more, reason) in zip(paths, found, strict=True):
            if reason and on_corrupt == "error":
                raise ValueError(
                    f"{where}: {_line(path)} cannot be read: {reason}; --on_corrupt=skip leaves it "
                    "out"
                )
            if reason:
                broken.append(f"{_line(path.relative_to(root))} ({reason})")
                continue
            images.append(image)
            kept.append(path)
            if more:
                animated.append(_line(path.relative_to(root)))
    if broken:
        _warn(where, f"skipped {len(broken)} unreadable of {len(paths)}", broken)
    if animated:
        _warn(where, f"took the first frame of {len(animated)} animation(s)", animated)
    if not images:
        raise ValueError(f"{where}: found {len(broken)} unreadable image(s) and no other")
    for path, image in zip(kept, images, strict=True):
        if image.shape[:2] != images[0].shape[:2]:
            raise ValueError(
                f"{where}: found {kept[0]} of {_size(images[0])} and {path} of {_size(image)} "
                f"pixels, expected one size: give --image_size"
            )
    channels = max(image.shape[-1] for image in images)
    samples = np.stack([np.repeat(x, channels // x.shape[-1], axis=-1) for x in images])
    labels = [classes.index(p.relative_to(root).parts[0]) for p in kept] if classes else None
    name = f"folder:{directory}"
    return Data(name, samples, labels, classes, skipped=len(broken), broken=tuple(broken))


def _warn(where, what, files):
    """Say what was left out; of many files, the first three."""
    named = ", ".join(files[:3]) + (", ..." if len(files) > 3 else "")
    _log.warning("%s: %s: %s", where, what, named)


def _line(path):
    """Return a path as one line that can be written, whatever bytes its names are made of."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(path))


def _size(image):
    return f"{image.shape[1]}x{image.shape[0]}"


def _list(root, where):
    """Image files under `root`, sorted; raises over links that lead out of it, and over none."""
    inside, found, others = os.path.realpath(root), [], collections.Counter()

    def refuse(error):  # os.walk alone would pass over it and say nothing
        raise ValueError(f"{where}: {error.filename} cannot be listed: {error.strerror}")

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(f for f in (*files, *folders) if not f.startswith(".")):
            path = pathlib.Path(folder, name)
            # Links to folders are not walked into: what is inside is read where it lies.
            target = pathlib.Path(os.path.realpath(path))  # which, of a loop, is a link in it
            if path.is_symlink() and not target.is_relative_to(inside):
                raise ValueError(
                    f"{where}: {path} is a link out of the folder, to {target}; expected files "
                    f"inside"
                )
            if name in folders:
                continue
            if path.suffix.lower() in EXTENSIONS:
                found.append(path)
            else:
                others[path.suffix.lower() or "no extension"] += 1
    seen = ", ".join(f"{n} with {kind}" for kind, n in others.most_common(5))
    if not found:
        raise ValueError(
            f"{where}: found no images but {seen or 'no files at all'}, "
            f"expected {', '.join(EXTENSIONS)}"
        )
    if others:
        _warn(where, f"left out {others.total()} file(s) of other extensions", [seen])
    return sorted(found)


def _try(image_size, path):
    """(image, whether it is animated, None), or (None, False, why not)."""
    try:
        image, animated = _decode(path)
        return (resize.to(image_size, image) if image_size else image), animated, None
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, zlib.error...
        return None, False, str(error) or type(error).__name__


def read_image(path):
    """Return an image file as uint8 [h, w, 1] if it is stored as grayscale, else [h, w, 3].

    EXIF orientation is applied, transparency is laid over white, 16-bit grayscale is scaled to 8
    bits (x / 257), palettes and CMYK become RGB.

    Raises:
        ValueError: an empty file, no regular one, or one of more than `MAX_PIXELS` or `MAX_BYTES`.
        OSError: or another error of Pillow's, where it cannot decode the file.
    """
    return _decode(pathlib.Path(path))[0]


def _decode(path):
    """Return (pixels, whether there are more frames) of an image file."""
    from PIL import Image, ImageOps

    if not path.is_file():  # to open a pipe would wait for ever
        raise ValueError("no regular file" if path.exists() else "a link to nothing")
    size = path.stat().st_size
    if not size:
        raise ValueError("the file is empty (0 bytes)")
    if size > MAX_BYTES:
        raise ValueError(f"{size} bytes, expected <= {MAX_BYTES}")
    with Image.open(path, formats=_FORMATS) as image:
        count = image.width * image.height
        if count > MAX_PIXELS:  # the header's word, before any decoding
            raise ValueError(f"{image.width}x{image.height} pixels, expected <= {MAX_PIXELS}")
        if image.format in ("JPEG", "MPO"):
            scans = path.read_bytes().count(b"\xff\xda")
            if scans * count > MAX_PASSES * MAX_PIXELS:
                raise ValueError(f"{scans} scans of {image.width}x{image.height} pixels: a bomb")
        animated = getattr(image, "is_animated", False)
        image.seek(0)
        pixels, kind = _to_uint8(ImageOps.exif_transpose(image)), image.format
    if kind == "PNG":  # decoding stops at the last pixel, before the end of the file
        with Image.open(path, formats=["PNG"]) as image:
            image.verify()
    return pixels, animated


def _to_uint8(image):
    """Return a Pillow image of any mode as uint8 [h, w, 1 or 3]."""
    from PIL import Image

    if image.mode.startswith("I"):
        deep = np.asarray(image, np.int64).clip(0, 65535)
        return ((deep + 128) // 257).astype(np.uint8)[..., None]
    gray = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    pixels = np.asarray(image.convert("L" if gray else "RGB"))
    return pixels[..., None] if gray else pixels
