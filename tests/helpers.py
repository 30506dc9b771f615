"""What several tests share: tiny games, a model's whole state, round trips, other processes."""

import json
import subprocess
import sys
import tracemalloc

import keras
import numpy as np
import tensorflow as tf

import keras_gans as kg


def samples(n, shape=(8, 8, 1), seed=0):
    """Return float32 samples in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1, 1, [n, *shape]).astype("float32")


def batches(x, size):
    """Return a dataset of x's batches in order."""
    return tf.data.Dataset.from_tensor_slices(x).batch(size, drop_remainder=True)


def make_gan(
    network="mlp", shape=(8, 8, 1), seed=0, networks=None, cls=kg.GAN, **compile_arguments
):
    """Return a compiled game of two tiny networks; the same seed gives the same weights."""
    keras.utils.set_random_seed(seed)
    gan = cls(*(networks or players(network, shape)), latent_dim=4, seed=seed)
    gan.compile(**compile_arguments)
    return gan


def players(network="mlp", shape=(8, 8, 1), width=4, **arguments):
    """Return (generator, discriminator) of 4 latent dimensions."""
    return kg.networks.NAMES[network](shape, latent_dim=4, width=width, **arguments)


def sgd(learning_rate=0.1):
    """Return compile's arguments for plain gradient descent of both players."""
    return {
        "generator_optimizer": keras.optimizers.SGD(learning_rate),
        "discriminator_optimizer": keras.optimizers.SGD(learning_rate),
    }


def seed_states(gan):
    """Return the state of every random stream in a game."""
    layers = [gan.noise.generator]
    for network in (gan.generator, gan.discriminator):
        layers += [getattr(layer, "seed_generator", None) for layer in network._flatten_layers()]
    return [layer.state for layer in layers if layer is not None]


def state(gan):
    """Return all that training changes, as {name: NumPy array}."""
    groups = {
        "generator": gan.generator.weights,
        "discriminator": gan.discriminator.weights,  # spectral normalization's u included
        "ema": gan.ema_generator.weights,
        "generator_optimizer": gan.generator_optimizer.variables,
        "discriminator_optimizer": gan.discriminator_optimizer.variables,
        "penalty": gan.penalty.variables if gan.penalty is not None else (),
        "seeds": seed_states(gan),
    }
    return {
        f"{group}/{i}": np.array(variable)
        for group, variables in groups.items()
        for i, variable in enumerate(variables)
    }


def differences(before, after):
    """Return the groups of `state` that differ by a bit, sorted."""
    assert before.keys() == after.keys()
    return sorted({k.split("/")[0] for k in before if not np.array_equal(before[k], after[k])})


def assert_same(a, b, **tolerance):
    """Hold that two states, or lists of arrays, are equal: bitwise if no tolerance is given."""
    if not isinstance(a, dict):
        a, b = (dict(enumerate(arrays)) for arrays in (a, b))
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], **({"rtol": 0} | tolerance), err_msg=name)


def round_trip(gan, tmp_path):
    """Return the game after a way through a `.keras` file; all its state must be the same."""
    path = tmp_path / "game.keras"
    gan.save(path)
    loaded = keras.models.load_model(path)
    assert_same(state(gan), state(loaded))
    assert json.dumps(loaded.get_config()) == json.dumps(gan.get_config())
    assert json.dumps(loaded.get_compile_config()) == json.dumps(gan.get_compile_config())
    return loaded


def run_python(code):
    """Run code in a process of its own, where TensorFlow is not set up yet; return its output."""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def peak_memory(function):
    """Return the bytes of arrays and objects that a call had at its worst, beyond those before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


TWO_REPLICAS = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
"""
