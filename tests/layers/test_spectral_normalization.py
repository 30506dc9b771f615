import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same, make_gan, players, samples, sgd
from keras import layers

from keras_gans import penalties
from keras_gans.layers import SpectralNormalization, spectral_layers

LAYERS = {
    "dense": (lambda: layers.Dense(5), (None, 7)),
    "convolution": (lambda: layers.Conv2D(4, 3), (None, 6, 6, 3)),
    "transposed": (lambda: layers.Conv2DTranspose(4, 3), (None, 6, 6, 3)),
    "embedding": (lambda: layers.Embedding(6, 3), (None,)),
}
EACH = pytest.mark.parametrize("kind", LAYERS)


def build(kind, **arguments):
    """Return a built wrapper around a layer whose kernel is not close to a multiple of I."""
    keras.utils.set_random_seed(1)
    make, shape = LAYERS[kind]
    wrapper = SpectralNormalization(make(), **arguments)
    wrapper.build(shape)
    kernel = kernel_of(wrapper)
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    return wrapper


def kernel_of(wrapper):
    return wrapper.layer.trainable_weights[0]


def u_of(wrapper):
    return next(w for w in wrapper.weights if w.name == "u")


def exact_sigma(kernel):
    kernel = np.asarray(kernel, "float64")
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


def power_iterations(kernel, u, n):
    matrix = np.asarray(kernel, "float64").reshape(-1, np.shape(kernel)[-1])
    for _ in range(n):
        u = matrix.T @ (matrix @ u)
        u /= np.linalg.norm(u)
    return u


def inputs(kind, batch=2):
    shape = (batch, *LAYERS[kind][1][1:])
    rng = np.random.default_rng(2)
    return rng.integers(0, 6, shape) if kind == "embedding" else rng.normal(size=shape)


@EACH
def test_sigma_is_the_largest_singular_value(kind):
    wrapper = build(kind)
    exact = exact_sigma(kernel_of(wrapper))
    assert float(wrapper.sigma()) < 0.999 * exact  # u is still that of another kernel
    for _ in range(200):
        wrapper.advance()
    assert float(wrapper.sigma()) == pytest.approx(exact, rel=1e-5)


@EACH
def test_the_output_is_the_layer_s_with_its_kernel_divided_by_sigma(kind):
    wrapper = build(kind)
    for _ in range(200):
        wrapper.advance()
    kept = kernel_of(wrapper).numpy()
    output = wrapper(inputs(kind))
    np.testing.assert_array_equal(kernel_of(wrapper), kept)
    plain = LAYERS[kind][0]()
    plain.build(LAYERS[kind][1])
    plain.set_weights([kept / exact_sigma(kept), *wrapper.layer.get_weights()[1:]])
    np.testing.assert_allclose(output, plain(inputs(kind)), rtol=1e-4, atol=1e-5)
    assert wrapper.compute_output_shape(LAYERS[kind][1])[1:] == output.shape[1:]


@EACH
def test_the_gradient_goes_through_sigma(kind):
    """Against finite differences of sum(c * layer(x; W / sigma(W))), sigma by an SVD."""
    wrapper, x = build(kind), inputs(kind)
    for _ in range(300):
        wrapper.advance()
    kernel, plain = kernel_of(wrapper), LAYERS[kind][0]()
    plain.build(LAYERS[kind][1])
    c = np.random.default_rng(3).normal(size=wrapper(x).shape).astype("float32")
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(c * wrapper(x))
    found = tf.convert_to_tensor(tape.gradient(value, kernel.value)).numpy()
    w = kernel.numpy().astype("float64")
    plain.set_weights([w * 0, *plain.get_weights()[1:]])
    with tf.GradientTape() as tape:  # the layer is linear in its kernel: this is d(value)/d(kernel)
        value = tf.reduce_sum(c * plain(x))
    slope = tf.convert_to_tensor(tape.gradient(value, plain.trainable_weights[0].value)).numpy()
    for i in np.ndindex(*w.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = w.copy()
            moved[i] += step
            ends.append((slope * (moved / exact_sigma(moved))).sum())
        assert found[i] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("jit", [False, True])
def test_outside_of_a_gan_each_training_call_advances_once(jit):
    wrapper = build("convolution")
    start, kernel = u_of(wrapper).numpy(), kernel_of(wrapper).numpy()
    call = tf.function(lambda x, training: wrapper(x, training=training), jit_compile=jit)
    x = tf.constant(inputs("convolution"), tf.float32)
    call(x, False)
    np.testing.assert_array_equal(u_of(wrapper), start)
    for n in (1, 2, 3):
        call(x, True)
        np.testing.assert_allclose(u_of(wrapper), power_iterations(kernel, start, n), atol=1e-5)
    np.testing.assert_array_equal(kernel_of(wrapper), kernel)


def test_inside_a_gan_each_discriminator_update_advances_once():
    """The penalty and the generator's update call the discriminator too and must not count."""
    networks = players("dcgan", discriminator_norm="spectral")
    gan = make_gan(
        networks=networks, penalty=penalties.GradientPenalty(), discriminator_steps=2, **sgd(0.0)
    )
    wrapped = spectral_layers(gan.discriminator)
    assert len(wrapped) == len([v for v in gan.discriminator_variables if v.ndim > 1])
    rng = np.random.default_rng(0)
    for wrapper in wrapped:
        kernel_of(wrapper).assign(rng.normal(size=kernel_of(wrapper).shape))
        u_of(wrapper).assign(rng.normal(size=u_of(wrapper).shape))
    start = [u_of(wrapper).numpy() for wrapper in wrapped]
    kernels = [kernel_of(wrapper).numpy() for wrapper in wrapped]
    expected = [power_iterations(k, u, 2 * 2) for k, u in zip(kernels, start, strict=True)]
    gan.fit(samples(16), batch_size=4, verbose=0)  # 2 steps of 2 discriminator updates
    assert_same([u_of(wrapper).numpy() for wrapper in wrapped], expected, atol=1e-5)
    assert_same([kernel_of(wrapper).numpy() for wrapper in wrapped], kernels)
    gan.evaluate(samples(4), verbose=0)
    gan.generate(2)
    assert_same([u_of(wrapper).numpy() for wrapper in wrapped], expected, atol=1e-5)


def test_a_model_with_it_is_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((7,)), SpectralNormalization(layers.Dense(5), name="sn")])
    x = np.ones([3, 7], "float32")
    for _ in range(3):
        model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_same(model.get_weights(), loaded.get_weights())
    np.testing.assert_array_equal(model(x), loaded(x))


def test_mixed_precision_computes_in_bfloat16_and_sigma_in_float32():
    wrapper = SpectralNormalization(layers.Dense(5, dtype="mixed_bfloat16"), dtype="mixed_bfloat16")
    x = np.random.default_rng(0).normal(size=[2, 7]).astype("float32")
    assert wrapper(x).dtype == "bfloat16"
    assert wrapper.sigma().dtype == u_of(wrapper).dtype == kernel_of(wrapper).dtype == "float32"
    kernel = kernel_of(wrapper).numpy()
    np.testing.assert_allclose(
        tf.cast(wrapper(x), tf.float32), x @ kernel / float(wrapper.sigma()), rtol=0.05, atol=0.05
    )


def test_a_layer_without_a_kernel_is_refused():
    with pytest.raises(ValueError, match="needs a layer with a kernel or embeddings, found ReLU"):
        SpectralNormalization(layers.ReLU()).build((None, 3))


def test_a_kernel_of_zeros_gives_zeros():
    wrapper = build("dense")
    kernel_of(wrapper).assign(np.zeros([7, 5]))
    np.testing.assert_array_equal(wrapper(inputs("dense"), training=True), np.zeros([2, 5]))
    assert np.isfinite(u_of(wrapper).numpy()).all()
