"""Steps of a call in one program of XLA: the same training, to the last batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import batches, make_gan, samples, sgd, state

from keras_gans.models import compiled
from keras_gans.noise import Noise


def train(execution, data, jit=True, **options):
    options = sgd() | options
    gan = make_gan(steps_per_execution=execution, jit_compile=jit, **options)
    history = gan.fit(data, epochs=2, verbose=0).history
    return gan, history | state(gan)


def check_same(found, expected):
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("k", [1, 2])
def test_training_is_that_of_single_steps(k):
    options = {"penalty": "r1", "discriminator_steps": k, "ema_decay": 0.9}
    data = batches(samples(22 * k), 2)  # 11 steps: two calls of five, and one of one
    (gan, found), (single, expected) = train(5, data, **options), train(1, data, **options)
    assert gan.step == single.step == 22
    check_same(found, expected)


def same_noise(self, shape):
    """Numbers in [0, 1) that are the same with XLA and without; those of `Noise` itself are not."""
    i = tf.range(tf.reduce_prod(shape)) * 7919 + tf.reduce_sum(self.seed()) * 104729
    return tf.reshape(tf.cast((31 * i + i // 7) % 1009, tf.float32) / 1009.0, shape)


@pytest.mark.parametrize(
    ("network", "optimizer", "penalty", "dynamics"),
    [
        ("dcgan", "rmsprop", "gradient_penalty", "extra_gradient"),
        ("mlp", "adam", "dragan", "alternating"),
    ],
)
def test_training_is_that_without_xla(network, optimizer, penalty, dynamics, monkeypatch):
    monkeypatch.setattr(Noise, "uniform", same_noise)
    monkeypatch.setattr(Noise, "normal", lambda *a: 3.4 * (same_noise(*a) - 0.5))
    found = {}
    for jit in (False, True):
        gan, found[jit] = train(
            *(4, batches(samples(64), 4), jit),
            network=network,
            penalty=penalty,
            dynamics=dynamics,
            discriminator_steps=2,
            ema_decay=0.9,
            generator_optimizer=keras.optimizers.get(optimizer),
            discriminator_optimizer=keras.optimizers.get(optimizer),
        )
        assert gan.step == 16
    check_same(found[True], found[False])


def test_there_is_one_program_for_all_calls(monkeypatch):
    made = []
    join = compiled.join

    def watched(model, plain):
        made.append(join(model, lambda iterator: pytest.fail("Keras's function was called")))
        return made[-1]

    monkeypatch.setattr(compiled, "join", watched)
    gan, _ = train(5, batches(samples(22), 2))
    gan.fit(batches(samples(30), 2), verbose=0)
    assert len(made) == 1 and gan.step == 22 + 15


def test_batches_of_no_fixed_shape_go_step_by_step():
    data = batches(samples(12), 2).map(lambda x: tf.ensure_shape(x, [None, *x.shape[1:]]))
    generator = ((x,) for x in data.as_numpy_iterator())
    gan = make_gan(steps_per_execution=3, jit_compile=True, **sgd())
    gan.fit(generator, steps_per_epoch=6, verbose=0)
    assert gan.step == 6
    gan.train_on_batch(samples(2))
    assert gan.step == 7


@pytest.mark.parametrize("jit", [False, "auto"])
def test_without_xla_keras_makes_the_calls(jit, monkeypatch):
    monkeypatch.setattr(compiled, "join", lambda *_: pytest.fail("XLA was not asked for"))
    gan = make_gan(steps_per_execution=3, jit_compile=jit, **sgd())
    gan.fit(batches(samples(12), 2), verbose=0)
    assert gan.step == 6
