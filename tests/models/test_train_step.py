"""One step is the algorithm's, and all ways of running it agree."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import TWO_REPLICAS, assert_same, batches, make_gan, run_python, samples, sgd, state

import keras_gans as kg
from keras_gans.noise import Noise

# With the usual epsilon, Adam would turn rounding errors of small gradients into steps.
ADAM = {"learning_rate": 1e-2, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}


def adams():
    return {
        "generator_optimizer": keras.optimizers.Adam(**ADAM),
        "discriminator_optimizer": keras.optimizers.Adam(**ADAM),
    }


# --- the anchor: WGAN-GP once more, written out


class Adam:
    """Kingma and Ba, arXiv:1412.6980, the last formula of section 2."""

    def __init__(self, variables):
        self.variables, self.t = variables, 0
        self.m = [np.zeros(v.shape) for v in variables]
        self.v = [np.zeros(v.shape) for v in variables]

    def apply(self, gradients):
        rate, b1, b2, epsilon = ADAM.values()
        self.t += 1
        for i, gradient in enumerate(gradients):
            g = np.zeros(self.m[i].shape) if gradient is None else np.asarray(gradient, "float64")
            self.m[i] = b1 * self.m[i] + (1 - b1) * g
            self.v[i] = b2 * self.v[i] + (1 - b2) * g**2
            scaled = rate * (1 - b2**self.t) ** 0.5 / (1 - b1**self.t)
            step = scaled * self.m[i] / (np.sqrt(self.v[i]) + epsilon)
            self.variables[i].assign(self.variables[i] - step)


def reference_wgan_gp(generator, discriminator, x, batch, steps, k, seed):
    """Gulrajani et al., arXiv:1704.00028, algorithm 1, with `GAN`'s order of random draws.

    Without batch normalization the latents of all k updates are drawn first.
    """
    together = not any(isinstance(x, keras.layers.BatchNormalization) for x in generator.layers)
    noise, position = Noise(seed), 0
    critic_adam = Adam(discriminator.trainable_variables)
    generator_adam = Adam(generator.trainable_variables)
    for _ in range(steps):
        latents = iter([noise.normal([batch, 4]) for _ in range(k)] if together else ())
        for _ in range(k):
            real = tf.constant(x[position : position + batch])
            position += batch
            latent = next(latents) if together else noise.normal([batch, 4])
            fake = generator(latent, training=True)
            alpha = noise.uniform([batch, 1, 1, 1])
            with tf.GradientTape() as tape:
                mixed = alpha * real + (1 - alpha) * fake
                with tf.GradientTape() as inner:
                    inner.watch(mixed)
                    scores = discriminator(mixed, training=True)
                slopes = inner.gradient(scores, mixed)
                norms = tf.sqrt(tf.reduce_sum(slopes**2, axis=[1, 2, 3]) + 1e-12)
                loss = (
                    tf.reduce_mean(discriminator(fake, training=True))
                    - tf.reduce_mean(discriminator(real, training=True))
                    + 10.0 * tf.reduce_mean((norms - 1.0) ** 2)
                )
            critic_adam.apply(tape.gradient(loss, discriminator.trainable_variables))
        with tf.GradientTape() as tape:
            fake = generator(noise.normal([batch, 4]), training=True)
            loss = -tf.reduce_mean(discriminator(fake, training=True))
        generator_adam.apply(tape.gradient(loss, generator.trainable_variables))


@pytest.mark.parametrize(("network", "k"), [("mlp", 1), ("mlp", 2), ("dcgan", 2)])
def test_three_steps_are_those_of_the_algorithm_written_out(network, k):
    arguments = {"loss": "wasserstein", "penalty": "gradient_penalty", "discriminator_steps": k}
    gan = make_gan(network, seed=5, **arguments, **adams())
    twin = make_gan(network, seed=5)
    x = samples(3 * k * 4)
    start = twin.generator.get_weights()
    reference_wgan_gp(twin.generator, twin.discriminator, x, batch=4, steps=3, k=k, seed=5)
    gan.fit(batches(x, 4), verbose=0)
    assert_same(gan.generator.get_weights(), twin.generator.get_weights(), atol=1e-5)
    assert_same(gan.discriminator.get_weights(), twin.discriminator.get_weights(), atol=1e-5)
    assert np.abs(start[0] - gan.generator.get_weights()[0]).max() > 1e-3


# --- ways to run the same steps


class KnownNoise(kg.GAN):
    """Latents from a formula, since XLA has random numbers of its own."""

    def synthesize(self, real, condition=None):
        shape = [tf.shape(real)[0], self.latent_dim]
        start = tf.cast(self.discriminator_optimizer.iterations.value, tf.float32)
        numbers = tf.range(shape[0] * shape[1], dtype=tf.int32)
        latent = tf.reshape(tf.sin(start + 2.0 * tf.cast(numbers, tf.float32)), shape)
        return self.generator(latent, training=True)


@functools.cache
def run(k, **way):
    """Return what ten steps come to: the means of the logs, and all weights."""
    gan = make_gan(cls=KnownNoise, penalty="r1+r2", discriminator_steps=k, **way, **sgd())
    history = gan.fit(batches(samples(10 * k * 2), 2), verbose=0).history
    assert gan.step == 10
    return [np.array(list(history.values())), *gan.get_weights()]


@pytest.mark.parametrize(
    ("k", "way", "tolerance"),
    [
        (2, {"run_eagerly": True}, 1e-5),
        (1, {"jit_compile": True}, 1e-4),
        (2, {"jit_compile": True}, 1e-4),
        (1, {"steps_per_execution": 5}, 1e-6),
        (2, {"steps_per_execution": 5}, 1e-6),
        (2, {"steps_per_execution": 5, "jit_compile": True}, 1e-4),
    ],
    ids=str,
)
def test_all_ways_of_running_train_alike(k, way, tolerance):
    assert_same(run(k, **way), run(k), rtol=tolerance, atol=tolerance)


def test_steps_per_execution_draws_the_same_noise():
    ends = []
    for steps in (1, 5):
        gan = make_gan(steps_per_execution=steps, ema_decay=0.9, discriminator_steps=2, **sgd())
        gan.fit(batches(samples(40), 2), verbose=0)
        ends.append(state(gan))
    assert_same(*ends, atol=1e-6)


@pytest.mark.parametrize("network", ["mlp", "dcgan"])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_float32_logs_and_weights(network, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        gan = make_gan(network, penalty="gradient_penalty", **adams())
    finally:
        keras.config.set_dtype_policy(before)
    scaled = keras.optimizers.LossScaleOptimizer
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert isinstance(optimizer, scaled) == (policy == "mixed_float16")
    start = gan.discriminator.get_weights()
    assert all(m.dtype == "float32" for m in gan.metrics)
    history = gan.fit(samples(16), batch_size=4, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert all(np.isfinite(w).all() and w.dtype == "float32" for w in gan.get_weights())
    assert gan.generate(2).dtype == "float32"
    moved = max(np.abs(a - b).max() for a, b in zip(start, gan.discriminator.get_weights()))  # noqa: B905
    assert 5e-3 < moved < 0.1  # 4 steps of Adam at 1e-2


def test_two_replicas_train_together():
    output = run_python(
        TWO_REPLICAS
        + """
import numpy as np, keras, keras_gans as kg
keras.utils.set_random_seed(0)
with strategy.scope():
    gan = kg.GAN(*kg.networks.mlp((3,), latent_dim=4, width=4), latent_dim=4, seed=0)
    gan.compile(penalty="gradient_penalty", discriminator_steps=2, ema_decay=0.9)
x = np.random.default_rng(0).normal(size=[32, 3]).astype("float32")
data, noise = tf.data.Dataset.from_tensor_slices(x).batch(8, drop_remainder=True), gan.noise
history = gan.fit(data, validation_data=data, verbose=0).history
assert np.isfinite(list(history.values())).all() and "penalty" in history, history
assert gan.noise is noise
assert gan.generate(3).shape == (3, 3)
print(gan.step, "generator and", int(gan.discriminator_optimizer.iterations.numpy()), "others")
"""
    )
    assert "2 generator and 4 others" in output
