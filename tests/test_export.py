import io
import os
import shutil
import stat
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gans as kg
from keras_gans.export import Exported, export_generator, find, load_exported, to_uint8


def make_gan(networks=None, **compile_arguments):
    generator, discriminator = networks or kg.networks.dcgan((8, 8, 3), latent_dim=4, width=4)
    for kernel in (v for v in generator.trainable_variables if v.ndim == 4):
        kernel.assign(20 * kernel)  # else all images are grey
    gan = kg.GAN(generator, discriminator, latent_dim=4, seed=0)
    if compile_arguments:
        gan.compile(**compile_arguments)
    return gan


@pytest.fixture(scope="module")
def gan():
    """A trained one whose averaged generator differs from the live one, statistics included."""
    keras.utils.set_random_seed(0)
    gan = make_gan(ema_decay=0.9, generator_optimizer=keras.optimizers.Adam(0.02))
    images = np.random.default_rng(0).uniform(-1, 1, [32, 8, 8, 3]).astype("float32")
    gan.fit(images, batch_size=8, verbose=0)
    return gan


@pytest.fixture(scope="module")
def version(gan, tmp_path_factory):
    return export_generator(gan, tmp_path_factory.mktemp("run") / "export")


@pytest.fixture(scope="module")
def exported(version):
    return load_exported(version)


def scalars(n, seed):
    return {"n": tf.constant(n), "seed": tf.constant(seed)}


def assert_same_pixels(a, b):
    assert a.dtype == b.dtype == np.uint8 and a.shape == b.shape
    assert np.abs(a.astype(int) - b).max() <= 1


def spec(shape, dtype):
    return tf.TensorSpec(shape, dtype)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        (
            "serving_default",
            {"latent": spec([None, 4], tf.float32)},
            {"images": spec([None, 8, 8, 3], tf.uint8)},
        ),
        (
            "sample",
            {"n": spec([], tf.int32), "seed": spec([], tf.int32)},
            {"images": spec([None, 8, 8, 3], tf.uint8)},
        ),
        (
            "sample_png",
            {"n": spec([], tf.int32), "seed": spec([], tf.int32)},
            {"png_bytes": spec([None], tf.string)},
        ),
    ],
)
def test_signatures(exported, name, inputs, outputs):
    function = exported.signatures[name]
    for found, expected in (
        (function.structured_input_signature[1], inputs),
        (function.structured_outputs, outputs),
    ):
        assert {k: (v.shape, v.dtype) for k, v in found.items()} == {
            k: (v.shape, v.dtype) for k, v in expected.items()
        }
    assert len(exported.signatures) == 3


def test_what_python_users_get(exported, version):
    assert isinstance(exported, Exported) and exported.path == version
    assert (exported.latent_dim, exported.is_image) == (4, True)


@pytest.mark.parametrize("n", [1, 64, 65])  # below, at and above what runs at a time
def test_sample_is_generate_as_pixels(gan, exported, n):
    assert_same_pixels(exported.sample(n, seed=7), to_uint8(gan.generate(n, seed=7)))


def test_sample_is_of_the_averaged_generator(gan, exported):
    images = exported.sample(64, seed=7).astype(int)
    assert images.std() > 20
    assert np.abs(images - to_uint8(gan.generate(64, seed=7, ema=False))).max() > 20


def test_serving_default_is_inference(gan, exported):
    z = np.random.default_rng(1).normal(size=[5, 4]).astype("float32")
    images = exported.signatures["serving_default"](latent=tf.constant(z))["images"].numpy()
    assert_same_pixels(images, to_uint8(gan.sampler(z, training=False)).numpy())
    alone = exported.signatures["serving_default"](latent=tf.constant(z[:1]))["images"].numpy()
    assert_same_pixels(alone, images[:1])  # batch normalization does not look at the batch


def test_seeds(exported):
    images = exported.sample(70, seed=3)
    np.testing.assert_array_equal(images, exported.sample(np.int64(70), seed=np.int64(3)))
    assert_same_pixels(images[:9], exported.sample(9, seed=3))
    assert len(np.unique(images.reshape(70, -1), axis=0)) == 70
    assert (images[:9] != exported.sample(9, seed=4)).any()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_files_hold_the_same_pixels(tmp_path, channels):
    gan = make_gan(kg.networks.mlp((4, 6, channels), latent_dim=4, width=4))
    exported = load_exported(export_generator(gan, tmp_path))
    files = exported.signatures["sample_png"](**scalars(3, 5))["png_bytes"].numpy()
    pixels = [np.array(Image.open(io.BytesIO(file))) for file in files]
    expected = exported.sample(3, seed=5)
    np.testing.assert_array_equal(np.reshape(pixels, expected.shape), expected)


@pytest.mark.parametrize("shape", [(2,), (4, 4, 2)])
def test_what_is_no_image_is_float_samples(tmp_path, shape):
    gan = make_gan(kg.networks.mlp(shape, latent_dim=4, width=4))  # never compiled
    exported = load_exported(export_generator(gan, tmp_path))
    assert set(exported.signatures) == {"serving_default", "sample"}
    assert list(exported.signatures["serving_default"].structured_outputs) == ["samples"]
    samples = exported.sample(66, seed=1)
    assert samples.dtype == np.float32 and samples.shape == (66, *shape)
    np.testing.assert_allclose(samples, gan.generate(66, seed=1), atol=1e-5)
    assert not exported.is_image


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(tmp_path, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        gan = make_gan()
    finally:
        keras.config.set_dtype_policy(before)
    exported = load_exported(export_generator(gan, tmp_path))
    assert_same_pixels(exported.sample(3, seed=1), to_uint8(gan.generate(3, seed=1)))


def test_to_uint8():
    x = np.array([-9, -1, -0.5, 0, 0.5, 1, 9], np.float32)
    expected = [0, 0, 64, 128, 191, 255, 255]
    assert to_uint8(x).tolist() == expected == to_uint8(tf.constant(x)).numpy().tolist()


@pytest.mark.parametrize("n", [0, -1])
def test_n_below_one(exported, n):
    for name in ("sample", "sample_png"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="n must be >= 1"):
            exported.signatures[name](**scalars(n, 0))


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (-1, 0), (2**31, 0), (1, 2**31), (1, -(2**32))])
def test_numbers_that_do_not_fit(exported, n, seed):
    with pytest.raises(ValueError, match=f"n >= 1, .* found n={n}, seed={seed}"):
        exported.sample(n, seed)


WITHOUT_KERAS = """
import sys
sys.modules.update(keras=None, keras_gans=None)  # importing them raises ImportError
import numpy as np, tensorflow as tf
for version, name, n, file in zip(*[iter(sys.argv[1:])] * 4):
    sample = tf.saved_model.load(version).signatures["sample"]
    np.save(file, sample(n=tf.constant(int(n)), seed=tf.constant(2))[name].numpy())
"""


def test_loads_without_the_code(gan, version, tmp_path):
    z = keras.Input([4])
    normalized = kg.layers.SpectralNormalization(keras.layers.Dense(3))(z)
    own = make_gan((keras.Model(z, normalized), kg.networks.mlp((3,), latent_dim=4, width=4)[1]))
    other = export_generator(own, tmp_path)
    arguments = [version, "images", 2, tmp_path / "a.npy", other, "samples", 3, tmp_path / "b.npy"]
    command = [sys.executable, "-I", "-c", WITHOUT_KERAS, *map(str, arguments)]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    assert_same_pixels(np.load(tmp_path / "a.npy"), to_uint8(gan.generate(2, seed=2)))
    np.testing.assert_allclose(np.load(tmp_path / "b.npy"), own.generate(3, seed=2), atol=1e-5)


@pytest.fixture
def tiny():
    return make_gan(kg.networks.mlp((2,), latent_dim=4, width=4))


def test_versions_count_on_from_the_highest(tiny, tmp_path):
    path = tmp_path / "run" / "export"
    assert [export_generator(tiny, path).name for _ in range(2)] == ["1", "2"]
    for other in ("9", "x10", "10x", "-11"):
        (path / other).mkdir()
    (path / "notes.txt").write_text("kept")
    assert export_generator(tiny, str(path)) == path / "10"
    names = {entry.name for entry in path.iterdir()}
    assert names == {"1", "2", "9", "10", "x10", "10x", "-11", "notes.txt"}
    assert load_exported(path).path == path / "10"


def test_the_newest_version_with_a_model_is_loaded(tiny, tmp_path):
    export_generator(tiny, tmp_path)
    before = load_exported(tmp_path).sample(2, seed=0)
    tiny.generator.layers[-2].bias.assign_add([1.0, 1.0])
    export_generator(tiny, tmp_path)
    (tmp_path / "3").mkdir()  # another tool's unfinished copy
    np.testing.assert_allclose(load_exported(tmp_path).sample(2, seed=0), before + 1, atol=1e-5)


def test_a_version_is_readable_by_whom_the_umask_lets(tiny, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    version = export_generator(tiny, tmp_path)
    assert stat.S_IMODE(version.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("failing", ["save", "sync", "replace"])
def test_a_failure_leaves_nothing(tiny, tmp_path, monkeypatch, failing):
    export_generator(tiny, tmp_path)

    def contents():
        return {p: p.read_bytes() if p.is_file() else None for p in tmp_path.rglob("*")}

    before, save, seen = contents(), tf.saved_model.save, []

    def failing_save(module, path, *args):
        save(module, path, *args)
        seen.extend(entry.name for entry in tmp_path.iterdir())
        raise OSError("disk full")

    def failing_sync(handle):
        raise OSError("disk full")

    def failing_replace(source, target):
        raise OSError("disk full")

    if failing == "save":
        monkeypatch.setattr(tf.saved_model, "save", failing_save)
    elif failing == "sync":
        monkeypatch.setattr("keras_gans.files.os.fsync", failing_sync)
    else:
        monkeypatch.setattr("keras_gans.export.os.replace", failing_replace)
    with pytest.raises(OSError, match="disk full"):
        export_generator(tiny, tmp_path)
    assert contents() == before
    assert "2" not in seen  # no server could have taken half of it for a version


def test_the_disk_has_all_of_a_version_before_it_gets_its_name(tiny, tmp_path, monkeypatch):
    path, synced, named = tmp_path / "run" / "export", [], []
    sync, replace = os.fsync, os.replace

    def recorded_sync(handle):
        sync(handle)
        found = os.fstat(handle)
        synced.append((found.st_ino, found.st_size if stat.S_ISREG(found.st_mode) else None))

    def recorded_replace(source, target):
        if target == path / "1":
            named.extend(synced)
        replace(source, target)

    monkeypatch.setattr("keras_gans.files.os.fsync", recorded_sync)
    monkeypatch.setattr("keras_gans.export.os.replace", recorded_replace)
    version = export_generator(tiny, path)
    for part in (version, *version.rglob("*")):  # as long as it is in the end
        size = part.stat().st_size if part.is_file() else None
        assert (part.stat().st_ino, size) in named, part
    after = [inode for inode, _ in synced[len(named) :]]
    assert path.stat().st_ino in after
    names = {path.parent.stat().st_ino, tmp_path.stat().st_ino}  # of folders that were made
    assert names <= {inode for inode, _ in synced}


@pytest.mark.parametrize(
    ("entries", "words"),
    [(None, "found none"), ([], "found nothing"), (["1", "logs"], "found 1, logs")],
)
def test_no_model(tmp_path, entries, words):
    path = tmp_path / "export"
    for entry in entries or ():
        (path / entry).mkdir(parents=True)
    if entries is not None:
        path.mkdir(exist_ok=True)
    with pytest.raises(ValueError) as error:
        load_exported(path)
    assert str(path) in str(error.value) and words in str(error.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("saved_model.pb", "1 cannot be loaded"),
        ("variables/variables.index", "1 cannot be loaded"),
        ("variables/variables.data-00000-of-00001", "1 cannot be loaded"),
        ("assets.extra/provenance.json", "provenance.json is damaged"),
    ],
)
def test_a_damaged_version_is_named(gan, version, tmp_path, name, words):
    shutil.copytree(version, tmp_path / "1")
    assert find(gan, tmp_path) == tmp_path / "1"
    content = (tmp_path / "1" / name).read_bytes()
    (tmp_path / "1" / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=words):
        load_exported(tmp_path)
    if name.endswith(".json"):  # a run that ends exports again
        assert find(gan, tmp_path) is None


def test_another_savedmodel(tmp_path):
    module = tf.Module()
    module.serve = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "1"), {"serving_default": module.serve})
    with pytest.raises(ValueError, match=r"/1 must have .* sample.*; found serving_default$"):
        load_exported(tmp_path)


class TestProtocol:
    """The protocol of TF Serving, spoken over a socket."""

    @pytest.fixture(scope="class")
    def serving(self):
        pytest.importorskip("tensorflow_serving")
        import helpers_serving

        return helpers_serving

    @pytest.fixture(scope="class")
    def stub(self, serving, version):
        with serving.serve(version) as stub:
            yield stub

    def test_serving_default(self, serving, stub, gan):
        z = np.random.default_rng(2).normal(size=[3, 4]).astype("float32")
        outputs, version = serving.predict(stub, latent=z)
        assert list(outputs) == ["images"] and version == 1
        assert_same_pixels(outputs["images"], to_uint8(gan.sampler(z, training=False).numpy()))

    def test_sample(self, serving, stub, gan):
        outputs, _ = serving.predict(stub, "sample", n=5, seed=1)
        assert list(outputs) == ["images"]
        assert_same_pixels(outputs["images"], to_uint8(gan.generate(5, seed=1)))

    def test_sample_png(self, serving, stub, exported):
        outputs, _ = serving.predict(stub, "sample_png", n=2, seed=1)
        pixels = [np.array(Image.open(io.BytesIO(file))) for file in outputs["png_bytes"]]
        np.testing.assert_array_equal(pixels, exported.sample(2, seed=1))

    def test_metadata(self, serving, stub):
        def describe(tensors):
            return {
                name: (
                    tf.dtypes.as_dtype(tensor.dtype).name,
                    [dimension.size for dimension in tensor.tensor_shape.dim],
                )
                for name, tensor in tensors.items()
            }

        scalars = {"n": ("int32", []), "seed": ("int32", [])}
        images = {"images": ("uint8", [-1, 8, 8, 3])}
        found = serving.signatures(stub)
        found.pop("__saved_model_init_op")  # TensorFlow's own
        assert {name: tuple(map(describe, tensors)) for name, tensors in found.items()} == {
            "serving_default": ({"latent": ("float32", [-1, 4])}, images),
            "sample": (scalars, images),
            "sample_png": (scalars, {"png_bytes": ("string", [-1])}),
        }

    @pytest.mark.parametrize(
        ("signature", "inputs", "words"),
        [
            ("jpeg", {"n": 1, "seed": 0}, '"jpeg" not found'),
            ("sample", {"number": 1, "seed": 0}, "expected ['n', 'seed']"),
            ("sample", {"n": 1}, "expected ['n', 'seed']"),
            ("sample", {"n": 1.0, "seed": 0}, "n has the wrong dtype"),
            ("sample", {"n": 0, "seed": 0}, "n must be >= 1"),
        ],
    )
    def test_invalid_arguments(self, serving, stub, signature, inputs, words):
        import grpc

        with pytest.raises(grpc.RpcError) as error:
            serving.predict(stub, signature, **inputs)
        assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert words in error.value.details()
