"""Model files of unknown origin: what could run code, or read what it should not, is refused."""

import json
import pathlib
import zipfile

import keras

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
MAX_BYTES = 8 * 2**30  # of a member, unpacked
# Layers that hold Python code, or load another file that does.
CODE = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
PACKAGES = ("keras", "keras_gans", "builtins")

_HDF5 = b"\x89HDF\r\n\x1a\n"


def load_model(path, custom_objects=None, compile=True):
    """Return the model in a `.keras` file; nothing in the file is run.

    A `.keras` file is a zip archive of a JSON config, which names classes and their arguments, and
    of weights. It is loaded only if all of these hold; they are looked at before Keras is asked:

        it is a local `.keras` file          no URL, no folder
        its members are the three of Keras   at most `MAX_BYTES` each, unpacked
        no class is one of `CODE`            each can carry Python code
        each class is Keras's, this library's, or registered by code that you imported

    What is code, and so never to be loaded from a stranger:

    - A SavedModel. It is a program of TensorFlow operations, which can read and write files. The
      library loads one only from a folder that you name (`load_exported`).
    - A legacy whole model in HDF5 (`.h5`), which may hold marshalled functions.
    - A pickle, by whatever name.

    Args:
        path: of a file that `model.save("name.keras")` wrote.
        custom_objects: dict of names to classes of your own.
        compile: whether to compile it as it was when it was saved.

    Returns:
        The `keras.Model`: a `GAN` where one was saved, ready to go on.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if one of the above does not hold, or the file is damaged; it says which.

    Example:
        >>> generator, discriminator = kg.networks.mlp((2,), latent_dim=4)
        >>> kg.GAN(generator, discriminator, latent_dim=4).save("tiny.keras")
        >>> load_model("tiny.keras").generate(3, seed=0).shape
        (3, 2)
    """
    path = pathlib.Path(path)
    _check_kind(path)
    try:
        with zipfile.ZipFile(path) as archive:
            config = _read_config(archive, path)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    _check_config(config, path, custom_objects or {})
    try:
        return keras.saving.load_model(path, custom_objects, compile, safe_mode=True)
    except Exception as error:  # of Keras, h5py or zlib: what it says may lack the file
        raise ValueError(f"{path} cannot be loaded: {error}") from error


def _check_kind(path):
    """Refuse what is no `.keras` file, and say what to do with what it is."""
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder; expected a .keras file. A SavedModel is code: load one that you "
            "trust by keras_gans.export.load_exported"
        )
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a local .keras file, found none")
    with path.open("rb") as file:
        start = file.read(8)
    if start == _HDF5:
        raise ValueError(
            f"{path} is an HDF5 file; expected a .keras file. A whole model in HDF5 may hold code; "
            "make the model by its own code and load the weights alone: model.load_weights(path)"
        )
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: expected a .keras file, as model.save(...) writes it")


def _read_config(archive, path):
    """Return the model's config; refuse members that Keras does not write, and bombs."""
    for member in archive.infolist():
        if member.filename not in MEMBERS:
            raise ValueError(
                f"{path} holds {member.filename!r}; expected nothing but {', '.join(MEMBERS)}"
            )
        if member.file_size > MAX_BYTES:
            raise ValueError(
                f"{path}: {member.filename} is {member.file_size:,} bytes, expected at most "
                f"{MAX_BYTES:,}"
            )
    try:
        return json.loads(archive.read("config.json"))
    except (KeyError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: config.json cannot be read: {error}") from error


def _check_config(config, path, custom_objects):
    """Walk through all that the config would make; refuse code and foreign classes."""
    left = [config]
    while left:
        item = left.pop()
        left += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        if not isinstance(item, dict) or "class_name" not in item:
            continue
        name, module = item["class_name"], item.get("module")
        if name in CODE or item.get("registered_name") in CODE:
            arguments = item.get("config")
            title = arguments.get("name") if isinstance(arguments, dict) else None
            raise ValueError(
                f"{path} holds a {name}" + (f" ({title!r})" if title else "") + ", which can run "
                "any code; expected layers without it. If the file is yours, make the model by "
                "its own code and load the weights alone"
            )
        known = str(item.get("registered_name"))
        if keras.saving.get_registered_object(known, custom_objects) is not None:
            continue
        if module is not None and str(module).partition(".")[0] not in PACKAGES:
            raise ValueError(
                f"{path} asks for {module}.{name}; expected classes of "
                f"{', '.join(PACKAGES[:2])}, or such as are registered or in custom_objects"
            )
