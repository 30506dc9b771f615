"""Loading a model runs nothing that is in the file."""

import ast
import json
import pathlib
import pickle
import re
import shutil
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from helpers import assert_same, make_gan, players, samples, state
from keras.src.backend.common import global_state

import keras_gans as kg
from keras_gans import loading
from keras_gans.export import load_exported, load_model

ROOT = pathlib.Path(kg.__file__).parent


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "game.keras"
    game().save(path)
    return path


def game():
    gan = make_gan(penalty="r1", ema_decay=0.9)
    gan.fit(samples(8), batch_size=4, verbose=0)
    return gan


def rewritten(file, path, change=lambda config: None, members=()):
    """Write a `.keras` file anew, its config changed, members added or replaced."""
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(contents["config.json"])
    change(config)
    contents["config.json"] = json.dumps(config).encode()
    contents.update(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def refusal(path):
    with pytest.raises(ValueError) as error:
        load_model(path)
    assert str(path) in str(error.value)
    return str(error.value)


def test_a_whole_game_comes_back(file):
    loaded = load_model(file)
    assert isinstance(loaded, kg.GAN)
    assert_same(state(loaded), state(game()))
    assert load_model(str(file)).step == 2


def with_lambda(function, tmp_path):
    """A game whose generator ends in a Lambda."""
    generator, discriminator = players(shape=(2,))
    x = keras.layers.Lambda(function, output_shape=(2,), name="trap")(generator.output)
    gan = kg.GAN(keras.Model(generator.input, x), discriminator, latent_dim=4)
    gan.save(tmp_path / "a.keras")
    return tmp_path / "a.keras"


@pytest.mark.parametrize("enabled", [False, True])
def test_a_lambda_is_refused_before_it_is_made(tmp_path, monkeypatch, enabled):
    trace = tmp_path / "it ran"
    name = str(trace)
    path = with_lambda(lambda x: __import__("pathlib").Path(name).touch() or x, tmp_path)
    trace.unlink(missing_ok=True)
    loaded = []
    monkeypatch.setattr("keras.src.utils.python_utils.func_load", loaded.append)
    if enabled:  # what some program's other part asked of Keras
        keras.config.enable_unsafe_deserialization()
    try:
        message = refusal(path)
    finally:
        global_state.set_global_attribute("safe_mode_saving", None)
    assert "holds a Lambda ('trap'), which can run any code" in message
    assert not trace.exists() and not loaded


def test_keras_alone_refuses_the_same_so_that_copy_is_never_reached(tmp_path, monkeypatch):
    # `models.saving.copy` makes a network again with safe_mode=False: of a live one only.
    path = with_lambda(lambda x: x, tmp_path)
    monkeypatch.setattr("keras_gans.models.gan.copy", lambda network: pytest.fail("reached"))
    with pytest.raises((ValueError, TypeError), match=r"lambda|Lambda"):
        keras.models.load_model(path)


def layer(**values):
    """Return a change of the config that puts these values into the generator's first layer."""
    return lambda config: config["config"]["generator"]["config"]["layers"][1].update(values)


def activation(**values):
    def change(config):
        layers = config["config"]["generator"]["config"]["layers"]
        layers[-1]["config"]["activation"] = values

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (layer(module="os", class_name="system"), "asks for os.system"),
        (layer(module="subprocess", class_name="Popen"), "asks for subprocess.Popen"),
        (layer(module="keras_evil", class_name="Dense"), "asks for keras_evil.Dense"),
        (layer(class_name="TFSMLayer"), "holds a TFSMLayer"),
        (layer(class_name="TorchModuleWrapper"), "holds a TorchModuleWrapper"),
        (layer(class_name="JaxLayer"), "holds a JaxLayer"),
        (layer(class_name="Lambda"), "holds a Lambda"),
        (lambda config: config.update(x={"class_name": "Lambda"}), "holds a Lambda, which"),
        (
            activation(class_name="__lambda__", config={"value": "4wAAAA=="}),
            "holds a __lambda__",
        ),
        (
            activation(class_name="function", module="os", config="system"),
            "asks for os.function",
        ),
        (
            activation(class_name="function", module="keras.utils", config="get_file"),
            "cannot be loaded",
        ),
        (lambda config: config.update(module="pickle", registered_name="x"), "asks for pickle.GAN"),
        (lambda config: config.clear(), "cannot be loaded"),
    ],
)
def test_a_config_that_asks_for_code(file, tmp_path, change, words):
    assert words in refusal(rewritten(file, tmp_path / "a.keras", change))


def test_what_keras_does_not_write(file, tmp_path):
    path = tmp_path / "a.keras"
    for name in ("assets/layers/x.pkl", "../escape.txt", "code.py"):
        assert f"holds '{name}'" in refusal(rewritten(file, path, members={name: b"x"}))
    assert "config.json cannot be read" in refusal(
        rewritten(file, path, members={"config.json": b"{"})
    )
    deep = b"[" * 100_000 + b"]" * 100_000
    assert "config.json cannot be read" in refusal(
        rewritten(file, path, members={"config.json": deep})
    )


def test_a_bomb(file, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "MAX_BYTES", 50_000)
    path = rewritten(file, tmp_path / "a.keras", members={"model.weights.h5": bytes(50_001)})
    assert "model.weights.h5 is 50,001 bytes" in refusal(path)


def test_weights_that_point_to_another_file(file, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["x"] = np.zeros(3)
    weights = tmp_path / "w.h5"
    with zipfile.ZipFile(file) as archive:
        weights.write_bytes(archive.read("model.weights.h5"))
    with h5py.File(weights, "a") as changed:
        names = []
        changed.visit(lambda name: names.append(name))
        (kernel, *_) = [n for n in names if n.startswith("generator") and n.endswith("vars/0")]
        del changed[kernel]
        changed[kernel] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")
    members = {"model.weights.h5": weights.read_bytes()}
    assert "cannot be loaded" in refusal(rewritten(file, tmp_path / "a.keras", members=members))


def test_other_kinds_of_files_are_told_apart(file, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        players(shape=(2,))[0].save(tmp_path / "whole.h5")
    assert "is an HDF5 file" in refusal(tmp_path / "whole.h5")
    shutil.copy(tmp_path / "whole.h5", tmp_path / "disguised.keras")
    assert "is an HDF5 file" in refusal(tmp_path / "disguised.keras")
    shutil.copy(file, tmp_path / "a.zip")
    assert "expected a .keras file" in refusal(tmp_path / "a.zip")
    (tmp_path / "p.keras").write_bytes(pickle.dumps({"a": 1}))
    assert "expected a .keras file" in refusal(tmp_path / "p.keras")
    (tmp_path / "cut.keras").write_bytes(file.read_bytes()[:-200])
    assert "expected a .keras file" in refusal(tmp_path / "cut.keras")
    (tmp_path / "saved").mkdir()
    assert "A SavedModel is code" in refusal(tmp_path / "saved")
    for remote in ("hf://someone/model", "https://example.org/a.keras", "gs://a/b.keras"):
        with pytest.raises(FileNotFoundError, match=r"expected a local \.keras file"):
            load_model(remote)


@pytest.mark.parametrize("place", ["config.json", "model.weights.h5"])
def test_a_flipped_bit_is_found(file, tmp_path, place):
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        info = archive.getinfo(place)
    content[info.header_offset + 200 + info.compress_size // 2] ^= 1
    (tmp_path / "a.keras").write_bytes(content)
    refusal(tmp_path / "a.keras")


def test_a_version_that_leads_out_of_the_named_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "saved_model.pb").write_bytes(b"x")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=r"export/1 is a link out of .*export"):
        load_exported(tmp_path / "export")


# --- what holds of the whole source

SOURCES = sorted([*ROOT.rglob("*.py"), *(ROOT.parent / "scripts").glob("*.py")])
WORDS = {  # never in the source, or in these files only
    r"\b(pickle|marshal|shelve|joblib|dill)\b|func_load": set(),
    r"allow_pickle=True|yaml\.load|\beval\(|\bexec\(": set(),
    r"safe_mode=False|enable_unsafe": {"saving.py"},  # `copy`, of a live network
    # To find free ports on this machine for the workers whose speed is measured:
    r"\.bind\(|add_insecure_port|HTTPServer|socketserver|\bsocket\b": {"scale_measure.py"},
    r"urlopen|urlretrieve|\brequests\.|verify=False": set(),
}


def code(node):
    """Return an import, or what is called with which keywords, as text; of all else nothing."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return ast.unparse(node)
    if isinstance(node, ast.Call):
        return f"{ast.unparse(node.func)}({', '.join(map(ast.unparse, node.keywords))})"
    return ""


@pytest.mark.parametrize("pattern", WORDS)
def test_nothing_in_the_source_runs_what_it_loads_listens_or_downloads(pattern):
    found = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if re.search(pattern, code(node))
    }
    assert found <= WORDS[pattern]


def test_every_download_has_its_digest():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("get_file"):
                assert "file_hash" in {keyword.arg for keyword in node.keywords}, path
    tfds = (ROOT / "datasets" / "tfds.py").read_text()
    assert "force_checksums_validation=True" in tfds
