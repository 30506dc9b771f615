"""Files that are no good: made by a seed, and a time limit to open them in."""

import gzip
import io
import struct
import threading

import numpy as np
from PIL import Image

FORMATS = ("png", "jpg", "bmp", "gif", "webp", "npz", "idx", "idx.gz")
IMAGES = FORMATS[:5]


def whole(kind, rng):
    """Return the bytes of an undamaged file."""
    pixels = rng.integers(0, 256, [12, 10, 3], dtype=np.uint8)
    file = io.BytesIO()
    if kind == "npz":
        labels = rng.integers(0, 3, 12)
        rng.choice([np.savez, np.savez_compressed])(file, images=pixels, labels=labels)
    elif kind.startswith("idx"):
        file.write(bytes([0, 0, 8, 3]) + struct.pack(">3I", *pixels.shape) + pixels.tobytes())
    else:
        mode = str(rng.choice(["RGB", "L", "P", "RGBA", "1", "CMYK", "I;16"]))
        mode = mode if (kind, mode) in _MODES else "RGB"
        image = Image.fromarray(pixels)
        image = image.convert("L").convert("I;16") if mode == "I;16" else image.convert(mode)
        options = {"jpg": {"progressive": True}, "webp": {"lossless": True}}.get(kind, {})
        exif = Image.Exif()
        exif[0x0112] = int(rng.integers(1, 9))
        image.save(file, {"jpg": "JPEG"}.get(kind, kind), exif=exif, **options)
    content = file.getvalue()
    return gzip.compress(content, mtime=0) if kind.endswith(".gz") else content


_MODES = {
    *(("png", mode) for mode in ("L", "P", "RGBA", "1", "I;16")),
    *(("jpg", mode) for mode in ("L", "CMYK")),
    *(("bmp", mode) for mode in ("L", "P", "1")),
    *(("gif", mode) for mode in ("L", "P")),
    ("webp", "RGBA"),
}


def damage(content, rng):
    """Return the bytes after one to three accidents."""
    for _ in range(rng.integers(1, 4)):
        if not content:
            break
        content = bytearray(content)
        at, to = sorted(int(i) for i in rng.integers(0, len(content) + 1, 2))
        accident = rng.integers(0, 9)
        if accident == 0:  # a few bits
            for i in rng.integers(0, len(content), rng.integers(1, 20)):
                content[i] ^= 1 << rng.integers(0, 8)
        elif accident == 1:
            del content[at:]
        elif accident == 2:  # what a crash leaves of a file that was preallocated
            content[at:] = bytes(len(content) - at)
        elif accident == 3:
            del content[at:to]
        elif accident == 4:
            content[at:at] = content[at:to]
        elif accident == 5:
            content[at:to] = rng.bytes(to - at)
        elif accident == 6:  # an absurd number among the first, where headers are
            i = rng.integers(0, min(64, len(content)))
            content[i : i + 4] = rng.choice([b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff"])
        elif accident == 7:
            content += rng.bytes(rng.integers(1, 100))
        else:
            content[:at] = rng.bytes(at)
        content = bytes(content)
    return content


def within(seconds, function, *arguments, **keywords):
    """Return what a function returns or raises; fail if it takes longer."""
    result = []

    def call():
        try:
            result.append((function(*arguments, **keywords), None))
        except BaseException as error:
            result.append((None, error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    assert result, f"{function.__name__}{arguments} still runs after {seconds} seconds"
    value, error = result[0]
    if error is not None:
        raise error
    return value
