import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import make_gan, players, samples

from keras_gans import config, networks
from keras_gans.layers import SpectralNormalization
from keras_gans.networks import common
from keras_gans.penalties import WeightClip

EACH = pytest.mark.parametrize("network", networks.NAMES)
FOR_IMAGES = pytest.mark.parametrize("network", ["dcgan", "resnet"])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 20, 28, 32, 64])
@EACH
def test_shapes_and_ranges(network, size, channels):
    shape = (size, size, channels)
    keras.utils.set_random_seed(0)
    generator, discriminator = players(network, shape, width=2)
    assert generator.input_shape == (None, 4) and discriminator.output_shape == (None, 1)
    images = generator(100 * np.random.default_rng(0).normal(size=[3, 4]))
    assert images.shape == (3, *shape) and images.dtype == "float32"
    assert -1 <= images.numpy().min() < 0 < images.numpy().max() <= 1
    logits = discriminator(images)
    assert logits.shape == (3, 1) and logits.dtype == "float32"
    assert len(set(logits.numpy().ravel())) == 3


@EACH
def test_samples_and_logits_are_float32_under_mixed_precision(network):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator, discriminator = players(network)
    finally:
        keras.config.set_dtype_policy(before)
    assert "bfloat16" in {layer.compute_dtype for layer in discriminator.layers}
    assert generator(samples(2, (4,))).dtype == "float32"
    assert discriminator(samples(2)).dtype == "float32"


@EACH
def test_a_discriminator_has_no_interpolation_and_no_sigmoid(network):
    """Bilinear resizing has no second gradient in TensorFlow; losses expect logits."""
    _, discriminator = players(network, (32, 32, 3))
    for layer in discriminator.layers:
        assert getattr(layer, "interpolation", "nearest") == "nearest"
        assert getattr(layer, "activation", None) is not keras.activations.sigmoid


@EACH
def test_an_input_gradient_reaches_every_pixel_and_both_derivatives_every_kernel(network):
    _, discriminator = players(network)
    x = tf.constant(samples(4))
    kernels = [v for v in discriminator.trainable_variables if v.ndim > 1]
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = discriminator(x)
        gradient = tape.gradient(logits, x)
        penalty = tf.reduce_sum(tf.square(gradient))
    assert (np.abs(gradient).max(axis=0) > 0).all()
    for second in outer.gradient(penalty, kernels):
        assert np.abs(second).max() > 0


@pytest.mark.parametrize("shape", [(n, n, 1) for n in (4, 7, 29, 31, 256)])
@FOR_IMAGES
def test_a_size_that_cannot_be_is_refused_with_those_that_can(network, shape):
    with pytest.raises(ValueError, match=f"found {shape[0]}; the sizes are .*28, .*32, .*64"):
        players(network, shape)


def test_the_sizes_that_are_offered_are_those_that_work():
    with pytest.raises(ValueError, match="the sizes are") as error:
        common.upsamplings((29, 29, 1))
    offered = [int(size) for size in str(error.value).rpartition("are ")[2].split(", ")]
    for size in range(1, 300):
        if size in offered:
            base, n = common.upsamplings((size, size, 3))
            assert base * 2**n == size and 2 <= base <= 7 and n >= 1
        else:
            with pytest.raises(ValueError, match=f"found {size};"):
                common.upsamplings((size, size, 3))


@pytest.mark.parametrize("shape", [(32, 28, 1), (32, 32, 2), (32, 32), (2,)])
@FOR_IMAGES
def test_what_is_no_square_image_of_1_or_3_channels_is_refused(network, shape):
    with pytest.raises(ValueError, match="with 1 or 3 channels, found"):
        players(network, shape)


@EACH
def test_unknown_normalizations_are_refused_with_the_known_ones(network):
    with pytest.raises(ValueError, match=r"unknown normalization 'sn'.*none, batch, layer"):
        players(network, discriminator_norm="sn")
    assert common.NORMALIZATIONS == config.NORMALIZATIONS


def test_the_mlp_s_defaults_are_the_article_s():
    generator, discriminator = networks.mlp()
    assert generator.count_params() == (100 * 256 + 256) + (256 * 784 + 784) == 227_344
    assert discriminator.count_params() == (784 * 256 + 256) + (256 * 1 + 1) == 201_217
    slopes = [x.negative_slope for x in discriminator.layers if hasattr(x, "negative_slope")]
    assert slopes == pytest.approx([0.2])


def test_an_mlp_for_points_is_a_relu_network_unless_asked_otherwise():
    for player in networks.mlp((2,), latent_dim=4, width=3, depth=2):
        kinks = [x for x in player.layers if isinstance(x, keras.layers.Activation)]
        assert {x.activation.__name__ for x in kinks} == {"relu", "linear"}  # linear: the end
    for player in networks.mlp((2,), latent_dim=4, width=3, depth=2, activation="leaky"):
        assert "negative_slope" in str(player.get_config())


def test_an_mlp_for_points_has_no_tanh_at_its_end():
    generator, _ = networks.mlp((2,), latent_dim=4, depth=2)
    assert np.abs(generator(1000 * samples(50, (4,)))).max() > 1
    for arguments in ({"width": 0}, {"depth": 0}):
        with pytest.raises(ValueError, match="must be >= 1"):
            networks.mlp((2,), **arguments)


@pytest.mark.parametrize(
    ("norm", "layer"),
    [("batch", "BatchNormalization"), ("layer", "LayerNormalization"), ("spectral", "Spectral")],
)
@EACH
def test_normalizations_are_those_asked_for(network, norm, layer):
    _, discriminator = players(network, discriminator_norm=norm)
    found = [type(x).__name__ for x in discriminator.layers]
    assert any(name.startswith(layer) for name in found)
    _, plain = players(network)
    assert not any("Normalization" in type(x).__name__ for x in plain.layers)
    assert discriminator(samples(2)).shape == (2, 1)


@EACH
def test_spectral_normalization_is_on_every_kernel_of_the_discriminator(network):
    _, discriminator = players(network, discriminator_norm="spectral")
    wrapped = [x for x in discriminator.layers if isinstance(x, SpectralNormalization)]
    inside = {id(v) for layer in wrapped for v in layer.layer.trainable_weights}
    assert {id(v) for v in discriminator.trainable_variables} == inside


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "spectral"])
@EACH
def test_a_constraint_clips_all_of_the_discriminator_and_nothing_else(network, norm):
    arguments = {"discriminator_norm": norm, "discriminator_constraint": WeightClip(0.01)}
    gan = make_gan(
        networks=players(network, **arguments),
        loss="wasserstein",
        generator_optimizer=keras.optimizers.SGD(1.0),
        discriminator_optimizer=keras.optimizers.SGD(1.0),
        run_eagerly=True,
    )
    gan.fit(samples(4), batch_size=4, verbose=0)
    sizes = [np.abs(v).max() for v in gan.discriminator_variables]
    assert max(sizes) == pytest.approx(0.01)
    assert max(np.abs(v).max() for v in gan.generator_variables) > 0.02
