"""What is generated says so: in each PNG's metadata, and in a JSON file beside each array.

    Software            keras_gans and its version
    Description         AI-generated image
    DigitalSourceType   the IPTC's term for media made by a trained model
    Checkpoint          SHA-256 of the generator's weights
    Seed                of the latents

are PNG text chunks. An XMP packet, which other programs look for, says the first three again.
"""

import dataclasses
import hashlib
import json
import pathlib
import struct
import zlib

import numpy as np
import tensorflow as tf
from PIL import Image, PngImagePlugin

from keras_gans import files
from keras_gans._version import __version__
from keras_gans.content_credentials import sign
from keras_gans.watermark import detect, embed

__all__ = ["AI", "Mark", "detect", "digest", "embed", "mark", "read", "sign", "tag", "write_beside"]

AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SOFTWARE = f"keras_gans {__version__}"

_XMP = f"""<?xpacket begin="\N{BOM}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmp:CreatorTool="{SOFTWARE}" Iptc4xmpExt:DigitalSourceType="{AI}"/></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>""".replace("\N{BOM}", "\ufeff")


@dataclasses.dataclass(frozen=True)
class Mark:
    """What a generated file says of itself.

    Args:
        checkpoint: `digest` of the generator, or empty if it is not known.
        seed: of the latents, or None.

    Example:
        >>> Mark("0" * 64, seed=7).texts()["Seed"]
        '7'
    """

    checkpoint: str = ""
    seed: int | None = None

    def texts(self):
        """Return keywords and texts, a dict in the order in which they are written."""
        texts = {
            "Software": SOFTWARE,
            "Description": "AI-generated image",
            "DigitalSourceType": AI,
        }
        if self.checkpoint:
            texts["Checkpoint"] = f"sha256:{self.checkpoint}"
        if self.seed is not None:
            texts["Seed"] = str(self.seed)
        return texts

    def pnginfo(self):
        """Return the texts as Pillow's `save(pnginfo=...)` takes them."""
        info = PngImagePlugin.PngInfo()
        for keyword, text in self.texts().items():
            info.add_text(keyword, text)
        info.add_itxt("XML:com.adobe.xmp", _XMP)
        return info

    def comment(self):
        """Return the texts in one, for formats that have a comment only."""
        return "\n".join(f"{keyword}: {text}" for keyword, text in self.texts().items())


def mark(gan, seed=None):
    """Return the `Mark` of what a `GAN` samples now."""
    return Mark(digest(gan.sampler), seed)


def digest(network):
    """Return the SHA-256 of a network's weights, in hexadecimal.

        SHA-256 of dtype, shape and content of each of `network.weights`, in order, little-endian

    Names are left out, so that the digest is the same after saving and loading.
    """
    content = hashlib.sha256()
    for weight in network.weights:
        array = np.ascontiguousarray(weight)
        content.update(f"{array.dtype.name}{array.shape}".encode())
        content.update(array.view(np.uint8).reshape(-1).data)
    return content.hexdigest()


def read(path):
    """Return what a PNG, or the JSON file beside an array, says of its origin, a dict.

    Raises:
        ValueError: if it says nothing, which does not prove that it was not generated, or if the
            JSON file is damaged.
    """
    path = pathlib.Path(path)
    beside = pathlib.Path(f"{path}.json")
    if path.suffix == ".png":
        with Image.open(path) as image:
            found = {k: v for k, v in image.text.items() if k in Mark("x", 0).texts()}
    else:
        try:
            found = dict(json.loads(beside.read_text())) if beside.is_file() else {}
        except (ValueError, TypeError) as error:
            raise ValueError(f"{beside} is damaged: {error}") from error
    if found.get("DigitalSourceType") != AI:
        raise ValueError(f"{path} says nothing of its origin")
    return found


def write_beside(path, mark):
    """Write what a file of arrays says of itself as JSON into a file beside it; return its path.

    It has the file's own SHA-256, so that the two can be matched again.
    """
    path = pathlib.Path(path)
    texts = mark.texts() | {"Description": "AI-generated data", "File": path.name}
    texts["SHA-256"] = files.digest(path)
    return files.write(f"{path}.json", json.dumps(texts, indent=1) + "\n")


# --- in a TensorFlow graph, which has no PNG text: the chunks are put in behind the header

_START = 8 + 25  # a PNG's signature and its IHDR chunk: chunks may follow
_SEED = b"tEXtSeed\0"
_BYTES = [bytes([i]) for i in range(256)]


def _chunk(kind, content):
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def tag(png, mark, seed):
    """Return PNG files, a string tensor [n], with the texts of a mark and a seed put in.

    Args:
        png: string tensor [n], PNG files as `tf.io.encode_png` makes them.
        mark: `Mark` without a seed: constant in the graph.
        seed: int tensor, a scalar.
    """
    constant = b"".join(_chunk(b"tEXt", f"{k}\0{v}".encode()) for k, v in mark.texts().items())
    constant += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _XMP.encode())
    digits = tf.strings.as_string(seed)
    length = tf.strings.length(digits) + len(_SEED) - 4
    chunk = tf.strings.join([_number(length), _SEED, digits, _number(_crc32(digits))])
    head, rest = tf.strings.substr(png, 0, _START), tf.strings.substr(png, _START, 2**31 - 1)
    return tf.strings.join([head, constant, chunk, rest])


def _number(value):
    """Return an integer tensor as four bytes, the highest first."""
    value = tf.cast(value, tf.int64)
    places = tf.bitwise.right_shift(value, tf.constant([24, 16, 8, 0], tf.int64))
    places = tf.bitwise.bitwise_and(places, tf.constant(255, tf.int64))
    return tf.strings.reduce_join(tf.gather(tf.constant(_BYTES), places))


def _crc32(digits):
    """CRC-32 of the seed's chunk, whose beginning is known.

    crc <- table[(crc xor byte) & 255] xor (crc >> 8)
    """
    table = tf.constant([_table(i) for i in range(256)], tf.int64)
    whole, low = tf.constant(2**32 - 1, tf.int64), tf.constant(255, tf.int64)

    def step(crc, byte):
        index = tf.bitwise.bitwise_and(tf.bitwise.bitwise_xor(crc, byte), low)
        shifted = tf.bitwise.right_shift(crc, tf.constant(8, tf.int64))
        return tf.bitwise.bitwise_xor(tf.gather(table, index), shifted)

    start = tf.constant(zlib.crc32(_SEED) ^ (2**32 - 1), tf.int64)
    codes = tf.cast(tf.io.decode_raw(digits, tf.uint8), tf.int64)
    return tf.bitwise.bitwise_xor(tf.foldl(step, codes, start), whole)


def _table(i):
    for _ in range(8):
        i = (i >> 1) ^ (0xEDB88320 if i & 1 else 0)
    return i
