"""Trained generators as SavedModels: for TF Serving, and for sampling without the GAN's code."""

import contextlib
import json
import os
import pathlib
import tempfile

import tensorflow as tf

from keras_gans import files, provenance, watermark
from keras_gans.images import is_image, to_uint8
from keras_gans.loading import load_model
from keras_gans.noise import latents

__all__ = ["Exported", "export_generator", "load_exported", "load_model", "to_uint8"]

BATCH = 64  # `sample` runs the generator on this many latents at a time, so that any n fits memory


MARK = pathlib.Path("assets.extra", "provenance.json")  # TensorFlow leaves that folder to others


def export_generator(gan, path, watermark_key=""):
    """Write the generator of a GAN as the next version below a folder, ready for TF Serving.

        signature         inputs                        output
        serving_default   latent float32 [None, d]      images     uint8 [None, H, W, C]
        sample            n, seed int32 scalars         images     uint8 [n, H, W, C]
        sample_png        n, seed int32 scalars         png_bytes  strings [n], a PNG file each

    The generator is the one that `gan.generate` samples from (the averaged one where `ema_decay`
    is set), in inference mode. `sample` gives the images of `gan.generate(n, seed=seed)` as pixels
    round((x + 1) * 127.5). Where the generator makes no images (rank 4, 1, 3 or 4 channels) the
    output is `samples`, float32 [None, ...], and there is no `sample_png`.

    The PNG files' metadata says that they are generated, by what and from which seed
    (`keras_gans.provenance`); with a `watermark_key` the images of all signatures bear a mark in
    their pixels (`keras_gans.watermark`).

    The version appears whole or not at all, so that a server may watch the folder meanwhile.

    Args:
        gan: a `GAN`, compiled or not.
        path: the folder of the versions, made if need be; what is in it stays untouched.
        watermark_key: what `watermark.detect` needs to know; empty for no mark.

    Returns:
        The `pathlib.Path` of the version: path/1, or one more than the highest that is there.

    Raises:
        OSError: if the folder cannot be written.
        ValueError: if samples that are no images are to be marked.

    Example:
        >>> generator, discriminator = kg.networks.dcgan((8, 8, 1), latent_dim=4, width=4)
        >>> gan = kg.GAN(generator, discriminator, latent_dim=4)
        >>> version = export_generator(gan, "saved_models/tiny/export")
        >>> load_exported(version).sample(3, seed=0).shape
        (3, 8, 8, 1)

    TF Serving: `tensorflow_model_server --rest_api_port=8501 --model_name=tiny
    --model_base_path=/absolute/path/of/export` answers at /v1/models/tiny:predict to
    `{"signature_name": "sample_png", "inputs": {"n": 3, "seed": 0}}`, the PNG files in base64.
    """
    path = pathlib.Path(path)
    module = tf.Module()
    module.generator = gan.sampler  # so that its variables are saved
    mark = provenance.mark(gan)
    signatures = _signatures(gan, mark, watermark_key)
    files.make_folder(path)
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=path) as temporary:
        # One folder deeper: the temporary one is its owner's alone, the version is as umask says.
        written = pathlib.Path(temporary, "version")
        tf.saved_model.save(module, str(written), signatures)
        (written / MARK).parent.mkdir(exist_ok=True)
        (written / MARK).write_text(json.dumps(mark.texts(), indent=1) + "\n")
        for part in (*written.rglob("*"), written):
            files.sync(part)
        version = path / str(1 + max((int(folder.name) for folder in _versions(path)), default=0))
        os.replace(written, version)
        files.sync(path)
    return version


def find(gan, path):
    """Return the newest version below a folder if it is of the generator as it is, else None."""
    path = pathlib.Path(path)
    for version in _versions(path)[:1] if path.is_dir() else ():
        with contextlib.suppress(ValueError):  # a damaged one is not it
            if _origin(version) == provenance.mark(gan).texts():
                return version
    return None


def _origin(version):
    """Return what a version says of its origin, a dict; empty if it says nothing."""
    mark = version / MARK
    try:
        return dict(json.loads(mark.read_text())) if mark.is_file() else {}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{mark} is damaged: {error}") from error


def _signatures(gan, mark, watermark_key):
    """Return the functions that the SavedModel offers, traced, by name."""
    generator, dimension = gan.sampler, gan.latent_dim
    added = None
    if watermark_key:
        shape = generator.output_shape
        if len(shape) != 4:
            raise ValueError(f"a watermark is for images, found samples of shape {shape[1:]}")
        added = watermark.pattern(watermark_key, *shape[1:3]) / 127.5

    def serve(latent):
        samples = tf.cast(generator(latent, training=False), tf.float32)
        samples = samples if added is None else samples + added
        return {"images": to_uint8(samples)} if is_image(samples) else {"samples": samples}

    def sample(n, seed):
        positive = tf.debugging.assert_greater_equal(n, 1, "sample: n must be >= 1")
        with tf.control_dependencies([positive]):
            batch = tf.clip_by_value(n, 1, BATCH)
        batches = (n + batch - 1) // batch
        z = latents(batches * batch, dimension, seed)
        outputs = tf.map_fn(
            serve,
            tf.reshape(z, [batches, batch, dimension]),
            fn_output_signature={name: output.dtype for name, output in default.items()},
            parallel_iterations=1,
        )
        return {
            name: tf.reshape(output, [-1, *output.shape[2:]])[:n]
            for name, output in outputs.items()
        }

    def sample_png(n, seed):
        # TF Serving's REST API answers base64 where an output's name ends in _bytes.
        png = tf.io.encode_png(sample(n, seed)["images"])
        return {"png_bytes": provenance.tag(png, mark, seed)}

    latent = tf.TensorSpec([None, dimension], tf.float32, "latent")
    scalars = tf.TensorSpec([], tf.int32, "n"), tf.TensorSpec([], tf.int32, "seed")
    serving_default = tf.function(serve, autograph=False).get_concrete_function(latent)
    default = serving_default.structured_outputs
    functions = {"sample": sample} | ({"sample_png": sample_png} if "images" in default else {})
    return {"serving_default": serving_default} | {
        name: tf.function(function, autograph=False).get_concrete_function(*scalars)
        for name, function in functions.items()
    }


def _versions(path):
    """Return what is named by a whole number in a folder, the newest version first."""
    folders = [folder for folder in path.iterdir() if folder.name.isdecimal()]
    return sorted(folders, key=lambda folder: int(folder.name), reverse=True)


class Exported:
    """An exported generator; `load_exported` makes it.

    Attributes:
        path: the version's folder, a `pathlib.Path`.
        signatures: the SavedModel's functions by name.
        is_image: whether the samples are images.
        latent_dim: length of a latent vector.
        checkpoint: `provenance.digest` of the generator; empty where the export does not say.
    """

    def __init__(self, path):
        self.path = path
        self.checkpoint = _origin(path).get("Checkpoint", "").removeprefix("sha256:")
        try:
            self._model = tf.saved_model.load(str(path))
        except Exception as error:  # of many kinds, and most do not name the file
            raise ValueError(f"{path} cannot be loaded: {error}") from error
        self.signatures = self._model.signatures
        if not {"serving_default", "sample"} <= set(self.signatures):
            raise ValueError(
                f"{path} must have the signatures serving_default and sample, as export_generator "
                f"writes them; found {', '.join(self.signatures) or 'none'}"
            )
        self.is_image = "images" in self.signatures["sample"].structured_outputs
        inputs = self.signatures["serving_default"].structured_input_signature[1]
        self.latent_dim = inputs["latent"].shape[-1]

    def sample(self, n, seed):
        """Return n samples, uint8 images [n, H, W, C] or float32 [n, ...], as a NumPy array.

        Args:
            n: how many, 1 to 2^31 - 1.
            seed: -2^31 to 2^31 - 1; the same gives the same samples, a larger n keeps the first.

        Raises:
            ValueError: if n or seed is outside.
        """
        if not (1 <= n < 2**31 and -(2**31) <= seed < 2**31):  # TensorFlow would wrap it
            raise ValueError(f"sample needs n >= 1, both of 32 bits, found n={n!r}, seed={seed!r}")
        outputs = self.signatures["sample"](
            n=tf.constant(n, tf.int32), seed=tf.constant(seed, tf.int32)
        )
        return outputs["images" if self.is_image else "samples"].numpy()

    def from_latents(self, latent):
        """Return samples for latents [n, d], as `sample` does for a seed."""
        outputs = self.signatures["serving_default"](latent=tf.cast(latent, tf.float32))
        return outputs["images" if self.is_image else "samples"].numpy()


def load_exported(path):
    """Return the `Exported` generator in a folder: a version, or versions, the newest of them.

    A SavedModel is code: its operations can read and write files. Load what you trust; `load_model`
    is for files of unknown origin.

    Args:
        path: a folder that `export_generator` was given, or one that it returned.

    Raises:
        ValueError: if there is no SavedModel, or not one that `export_generator` wrote, or the
            version is a link out of the folder.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        raise ValueError(f"{path}: expected the folder of an exported generator, found none")
    for folder in (path, *_versions(path)):
        if (folder / "saved_model.pb").is_file():
            if not folder.resolve().is_relative_to(path.resolve()):
                raise ValueError(f"{folder} is a link out of {path}, to {folder.resolve()}")
            return Exported(folder)
    found = ", ".join(sorted(entry.name for entry in path.iterdir())) or "nothing"
    raise ValueError(
        f"{path}: expected saved_model.pb, or version folders 1, 2, ... that have it; found {found}"
    )
