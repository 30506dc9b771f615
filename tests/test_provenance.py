"""What is generated says so, in every form in which it leaves the library."""

import hashlib
import io
import json
import struct
import xml.etree.ElementTree
import zlib

import numpy as np
import pytest
import tensorflow as tf
from helpers import make_gan, players
from PIL import Image

from keras_gans import callbacks, gallery, images, provenance
from keras_gans._version import __version__
from keras_gans.export import export_generator, load_exported
from keras_gans.provenance import AI, Mark

MARK = Mark("ab" * 32, seed=7)
TEXTS = {
    "Software": f"keras_gans {__version__}",
    "Description": "AI-generated image",
    "DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    "Checkpoint": "sha256:" + "ab" * 32,
    "Seed": "7",
}
XMP = "XML:com.adobe.xmp"


def chunks(content):
    """Return [(kind, content)] of a PNG; each checksum must be right, and nothing left over."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        check = struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0]
        assert check == zlib.crc32(kind + data), kind
        found.append((kind, data))
        at += 12 + length
    return found


def texts(file):
    """Return what Pillow reads, the XMP packet taken out and looked at."""
    content = file if isinstance(file, bytes) else file.read_bytes()
    chunks(content)
    with Image.open(io.BytesIO(content)) as image:
        found = dict(image.text)
        packet = found.pop(XMP)
        (description,) = xml.etree.ElementTree.fromstring(packet).iter(
            "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
        )
        extension = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
        assert description.get(extension) == AI
        image.load()
    return found


# --- files that Python writes


def test_png_files_and_grids(tmp_path):
    samples = np.zeros([3, 8, 6, 1], "float32")
    files = gallery.write(tmp_path, samples, MARK, array=True, frames=samples)
    assert [texts(file) for file in files] == [TEXTS] * 4
    assert provenance.read(files[0]) == TEXTS
    with Image.open(tmp_path / "interpolation.gif") as gif:
        comment = gif.info["comment"].decode()
    assert f"DigitalSourceType: {AI}" in comment and "Seed: 7" in comment


def test_arrays_have_a_file_beside_them(tmp_path):
    points = np.arange(6, dtype="float32").reshape(3, 2)
    (plot,) = gallery.write(tmp_path, points, MARK, array=True)
    assert texts(plot) == TEXTS
    for name in ("samples.csv", "samples.npz"):
        found = provenance.read(tmp_path / name)
        assert found == json.loads((tmp_path / f"{name}.json").read_text())
        content = (tmp_path / name).read_bytes()
        assert found == TEXTS | {
            "Description": "AI-generated data",
            "File": name,
            "SHA-256": hashlib.sha256(content).hexdigest(),
        }
    np.testing.assert_array_equal(np.load(tmp_path / "samples.npz")["samples"], points)


def test_what_is_not_known_is_not_written():
    assert set(Mark().texts()) == {"Software", "Description", "DigitalSourceType"}


def test_a_file_that_says_nothing(tmp_path):
    images.draw(np.zeros([1, 16, 16, 1], "float32"), tmp_path / "a.png")
    np.save(tmp_path / "a.npy", np.zeros(3))
    for name in ("a.png", "a.npy"):
        with pytest.raises(ValueError, match="says nothing of its origin"):
            provenance.read(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"[1]", b"null", b"\xff"])
def test_a_damaged_file_beside_an_array_is_named(tmp_path, content):
    (tmp_path / "a.npy.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npy\.json is damaged"):
        provenance.read(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(8, 8, 1), (2,)])
def test_sample_grids_name_the_weights_that_drew_them(tmp_path, shape):
    gan = make_gan(shape=shape, ema_decay=0.9)
    grid = callbacks.SampleGrid(tmp_path, n=4, seed=5)
    grid.set_model(gan)
    found = texts(grid.draw())
    assert found == TEXTS | {
        "Seed": "5",
        "Checkpoint": f"sha256:{provenance.digest(gan.ema_generator)}",
    }


def test_the_digest_is_of_the_weights_alone(tmp_path):
    generator, _ = players(shape=(2,))
    content = hashlib.sha256()
    for weight in generator.get_weights():
        content.update(f"float32{weight.shape}".encode() + weight.tobytes())
    assert provenance.digest(generator) == content.hexdigest()
    other, _ = players(shape=(2,))
    other.set_weights(generator.get_weights())
    assert provenance.digest(other) == content.hexdigest()
    other.weights[-1].assign_add([1e-6, 0.0])
    assert provenance.digest(other) != content.hexdigest()


# --- files that a SavedModel's graph makes


@pytest.mark.parametrize("seed", [0, 7, -1, 2**31 - 1, -(2**31), 123456789])
def test_the_graph_s_checksums(seed):
    tag = tf.function(lambda png, seed: provenance.tag(png, Mark("ab" * 32), seed))
    pixels = np.random.default_rng(0).integers(0, 256, [2, 5, 4, 3], dtype=np.uint8)
    files = tag(tf.io.encode_png(pixels), tf.constant(seed)).numpy()
    for file, expected in zip(files, pixels, strict=True):
        assert texts(file) == TEXTS | {"Seed": str(seed)}
        assert [kind for kind, _ in chunks(file)][:1] == [b"IHDR"]
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))), expected)


@pytest.mark.parametrize("seed", [3, 2**31 - 1])
def test_sample_png(tmp_path, seed):
    gan = make_gan(ema_decay=0.9)
    exported = load_exported(export_generator(gan, tmp_path))
    inputs = {"n": tf.constant(3), "seed": tf.constant(seed)}
    files = exported.signatures["sample_png"](**inputs)["png_bytes"].numpy()
    checkpoint = provenance.digest(gan.sampler)
    expected = TEXTS | {"Seed": str(seed), "Checkpoint": f"sha256:{checkpoint}"}
    assert [texts(file) for file in files] == [expected] * 3
    assert exported.checkpoint == checkpoint


def test_an_export_of_before(tmp_path):
    version = export_generator(make_gan(shape=(2,)), tmp_path)
    (version / "assets.extra" / "provenance.json").unlink()
    assert load_exported(version).checkpoint == ""


# --- Content Credentials


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A root, a certificate that it signed, and the key: made for this test."""
    pytest.importorskip("c2pa")
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text):
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "keras_gans test"),
                x509.NameAttribute(NameOID.COMMON_NAME, text),
            ]
        )

    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.datetime.now(datetime.UTC)

    def certificate(subject, public_key, is_root):
        others = "content_commitment key_encipherment data_encipherment key_agreement"
        usage = dict.fromkeys([*others.split(), "encipher_only", "decipher_only"], False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("root"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(is_root, None), True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, key_cert_sign=is_root, crl_sign=is_root, **usage
                ),
                True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False
            )
        )
        if not is_root:
            purposes = [ExtendedKeyUsageOID.EMAIL_PROTECTION]
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), False)
        return builder.sign(root_key, hashes.SHA256())

    pem = serialization.Encoding.PEM
    root = certificate("root", root_key.public_key(), True)
    signer = certificate("signer", key.public_key(), False)
    folder = tmp_path_factory.mktemp("chain")
    (folder / "chain.pem").write_bytes(signer.public_bytes(pem) + root.public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    (folder / "other.pem").write_bytes(root_key.private_bytes(pem, *plain))
    return folder


def manifest(path):
    import c2pa

    with c2pa.Reader(path) as reader:
        store = json.loads(reader.json())
    failures = store["validation_results"]["activeManifest"]["failure"]
    return store["manifests"][store["active_manifest"]], {item["code"] for item in failures}


UNTRUSTED = {"signingCredential.untrusted"}  # the test's own root is on nobody's list


def signed(folder, chain):
    (file, *_) = gallery.write(folder, np.zeros([1, 8, 8, 3], "float32"), MARK)
    provenance.sign(file, chain / "chain.pem", chain / "key.pem", details=MARK.texts())
    return file


def test_a_signed_file_tells_what_made_it(tmp_path, chain):
    file = signed(tmp_path, chain)
    found, failures = manifest(file)
    assert failures <= UNTRUSTED
    (actions,) = [a["data"]["actions"] for a in found["assertions"] if "actions" in a["label"]]
    assert actions[0]["action"] == "c2pa.created"
    assert actions[0]["digitalSourceType"] == AI
    assert actions[0]["parameters"]["org.keras_gans.Seed"] == "7"
    assert found["claim_generator_info"][0]["name"] == "keras_gans"
    assert found["signature_info"]["issuer"] == "keras_gans test"
    assert texts(file) == TEXTS  # the plain metadata are still there
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_changed_pixel_breaks_the_signature(tmp_path, chain):
    file = signed(tmp_path, chain)
    content = file.read_bytes()
    data = next(data for kind, data in chunks(content) if kind == b"IDAT")
    pixels = bytearray(zlib.decompress(data))
    pixels[100] ^= 1
    changed = zlib.compress(bytes(pixels))

    def chunk(data):
        body = b"IDAT" + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    assert chunk(data) in content
    file.write_bytes(content.replace(chunk(data), chunk(changed)))
    _, failures = manifest(file)
    assert "assertion.dataHash.mismatch" in failures


def test_what_cannot_sign_leaves_the_file_as_it_was(tmp_path, chain):
    (file, *_) = gallery.write(tmp_path, np.zeros([1, 8, 8, 3], "float32"), MARK)
    before = file.read_bytes()
    (tmp_path / "text.pem").write_text("no certificate")
    for certificates, key, error in (
        ("chain.pem", "gone.pem", FileNotFoundError),
        ("../text.pem", "key.pem", ValueError),
    ):
        path = tmp_path / "text.pem" if "text" in certificates else chain / certificates
        with pytest.raises(error, match=r"gone\.pem|text\.pem"):
            provenance.sign(file, path, chain / key)
    with pytest.raises(ValueError, match="algorithm must be one of es256"):
        provenance.sign(file, chain / "chain.pem", chain / "key.pem", "md5")
    assert file.read_bytes() == before
