"""Imports run one way: each part may use only what stands below it."""

import ast
import pathlib
import sys

import pytest

import keras_gans

ROOT = pathlib.Path(keras_gans.__file__).parent
SCRIPTS = ROOT.parent / "scripts"

LIBRARIES = {"keras", "tensorflow", "numpy", "scipy", "PIL", "matplotlib"}
# Installed with the package, or by choice, and imported where they are used only.
LAZY = {
    "datasets": {"tensorflow_datasets", "keras_cv", "sklearn"},
    "callbacks": {"tensorboard"},
    "content_credentials": {"c2pa"},
    "metrics": {"threadpoolctl"},  # comes with scikit-learn
    "benchmarking": {"torch"},  # in a process of its own
}
PLAIN = {
    *("files", "gradients", "images", "lock", "noise", "packing", "pages", "precision", "registry"),
    "_version",
}
ALLOWED = {
    "config": set(),
    **{name: set() for name in PLAIN},
    "images": {"files"},
    "losses": PLAIN,
    "penalties": PLAIN,
    "layers": PLAIN,
    "optimizers": PLAIN,
    "metrics": PLAIN
    | {"loading", "datasets"},  # checks of images, and what a classifier is trained on
    "datasets": PLAIN,
    "augment": PLAIN,
    "networks": {"layers", "packing"},
    "flops": {"layers"},
    "models": PLAIN | {"losses", "penalties", "augment", "layers", "optimizers", "flops"},
    "callbacks": PLAIN | {"models", "metrics", "stability", "provenance"},
    "stability": PLAIN
    | {"losses", "penalties", "optimizers", "models"}
    | {"networks", "datasets", "metrics", "config"},  # what the benchmark runs on
    "benchmarking": PLAIN
    | {"losses", "penalties", "layers", "networks", "datasets", "models", "callbacks", "config"}
    | {"optimizers", "flops"},
    "loading": set(),
    "watermark": {"images"},
    "content_credentials": {"_version"},
    "provenance": {"_version", "files", "content_credentials", "watermark"},
    "gallery": {"files", "images", "provenance"},
    "model_card": {"_version", "files", "provenance"},
    "export": PLAIN | {"loading", "provenance", "watermark"},
    "resuming": PLAIN | {"callbacks", "config"},
    "evaluation": PLAIN | {"metrics", "datasets", "export", "config"},
}
ABOVE = {"applications", "experiment"}


def part_of(path):
    """`losses` for keras_gans/losses.py, `models` for keras_gans/models/gan.py."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path, top_level_only=False):
    """Return the dotted names of all modules that a file imports."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own(names):
    """Return the parts of the package among imported names."""
    return {name.split(".")[1] for name in names if name.startswith("keras_gans.")}


def foreign(names):
    """Return the libraries among imported names, without the standard one."""
    return {name.split(".")[0] for name in names} - {"keras_gans"} - sys.stdlib_module_names


FILES = sorted(set(ROOT.rglob("*.py")) - {ROOT / "__init__.py"})
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


@EACH
def test_a_part_imports_only_parts_below_it(path):
    part = part_of(path)
    assert part in ALLOWED or part in ABOVE, f"{part} is new: say here what it may import"
    if part in ALLOWED:
        assert own(imports(path)) <= ALLOWED[part] | {part}


@EACH
def test_a_part_imports_only_the_libraries_that_all_need(path):
    part = part_of(path)
    assert foreign(imports(path)) <= LIBRARIES | LAZY.get(part, set())
    assert foreign(imports(path, top_level_only=True)) <= LIBRARIES
    if part == "config":  # --help must not wait for TensorFlow
        assert not foreign(imports(path))


@EACH
def test_nothing_but_scripts_imports_the_experiment(path):
    assert path.name == "experiment.py" or "experiment" not in own(imports(path))


def test_the_package_itself_does_not_import_the_experiment():
    assert not own(imports(ROOT / "__init__.py")) & ABOVE


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.name)
def test_scripts_are_short_and_wait_for_tensorflow_only_when_they_run(path):
    lines = path.read_text().splitlines()
    assert path.name == "command_line.py" or len(lines) <= 80
    top = imports(path, top_level_only=True)
    assert not foreign(top) & (LIBRARIES | {"tensorflow_datasets", "keras_cv"})
    assert own(top) <= {"config", "_version"}
