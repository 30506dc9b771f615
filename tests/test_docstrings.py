"""The examples in the documentation run, and all that is public is documented."""

import doctest
import importlib
import inspect
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans as kg

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(kg.__path__, "keras_gans.")
    if not any(part.startswith("_") for part in info.name.split("."))
)


def public(module):
    """Return (name, object) of the classes and functions that a module defines for others."""
    for name, value in vars(module).items():
        is_code = inspect.isclass(value) or inspect.isfunction(value)
        if is_code and name[0] != "_" and value.__module__ == module.__name__:
            yield f"{module.__name__}.{name}", value
            if inspect.isclass(value):
                for method, function in vars(value).items():
                    function = getattr(function, "__func__", getattr(function, "fget", function))
                    if method[0] != "_" and inspect.isfunction(function):
                        yield f"{module.__name__}.{name}.{method}", function


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    module = importlib.import_module(name)
    names = {"kg": kg, "keras": keras, "np": np, "tf": tf} | vars(module)
    failed, _ = doctest.testmod(module, globs=names, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_all_that_is_public_is_documented(name):
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip()
    missing = [where for where, value in public(module) if not (value.__doc__ or "").strip()]
    assert missing == []


def test_the_core_s_classes_have_an_example():
    for module in (kg.losses, kg.penalties):
        for cls in module.NAMES.values():
            assert ">>>" in cls.__doc__ and "Reference:" in cls.__doc__, cls
    for function in kg.networks.NAMES.values():
        assert all(part in function.__doc__ for part in ("Args:", "Raises:", ">>>"))


@pytest.mark.parametrize(
    "module", [kg, kg.callbacks, kg.datasets, kg.layers, kg.metrics, kg.networks]
)
def test_all_public_names_exist(module):
    assert all(hasattr(module, name) for name in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
