"""What `fit` takes, how it cuts it up, and what it refuses."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same, make_gan, players, samples, sgd, state

import keras_gans as kg
from keras_gans import penalties
from keras_gans.models import feed

EAGER = {"run_eagerly": True}


class Recording(kg.GAN):
    """Keeps the samples of each discriminator update; run it eagerly."""

    def discriminator_losses(self, real, fake, condition=None):
        self.__dict__.setdefault("seen", []).append((np.array(real), np.array(fake)))
        self.__dict__.setdefault("conditions", []).append(condition)
        return super().discriminator_losses(real, fake, condition)


def constants(n):
    """Samples of one repeated number each, which tell one from another."""
    values = np.linspace(-1, 1, n, dtype="float32")
    return np.tile(values[:, None], [1, 3]), values


def recording(k):
    keras.utils.set_random_seed(0)
    networks = kg.networks.mlp((3,), latent_dim=4, width=4)
    return make_gan(networks=networks, cls=Recording, discriminator_steps=k, **EAGER)


def seen(gan):
    return [real[:, 0] for real, _ in gan.seen]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_every_discriminator_update_has_samples_and_noise_of_its_own(k):
    x, values = constants(26)
    gan = recording(k)
    gan.fit(tf.data.Dataset.from_tensor_slices(x).batch(4), verbose=0)
    steps = 26 // (4 * k)
    assert [len(part) for part in seen(gan)] == [4] * k * steps
    np.testing.assert_array_equal(np.concatenate(seen(gan)), values[: 4 * k * steps])
    fakes = np.concatenate([fake for _, fake in gan.seen])
    assert len(np.unique(fakes, axis=0)) == len(fakes)
    assert gan.step == steps
    assert int(gan.discriminator_optimizer.iterations) == k * steps


@pytest.mark.parametrize("shuffle", [True, False])
def test_arrays_are_passed_over_once_an_epoch_in_another_order(shuffle):
    x, values = constants(24)
    gan = recording(2)
    gan.fit(x, batch_size=3, epochs=2, shuffle=shuffle, verbose=0)
    epochs = np.split(np.concatenate(seen(gan)), 2)
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), values)
        assert np.array_equal(epoch, values) != shuffle
    assert np.array_equal(*epochs) != shuffle


@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_the_condition_goes_with_its_samples(kind):
    x, values = constants(16)
    gan = recording(2)
    if kind == "arrays":
        gan.fit(x, values, batch_size=4, verbose=0)
    else:
        gan.fit(tf.data.Dataset.from_tensor_slices((x, values)).batch(4), verbose=0)
    assert len(gan.seen) == 4
    for real, condition in zip(seen(gan), gan.conditions, strict=True):
        np.testing.assert_array_equal(real, condition)


def unsized(x):
    spec = tf.TensorSpec([None, *x.shape[1:]])
    return tf.data.Dataset.from_generator(
        lambda: (x[i : i + 4] for i in range(0, len(x), 4)), output_signature=spec
    )


@pytest.mark.parametrize("k", [1, 2])
def test_all_kinds_of_input_train_alike(k):
    x = samples(18, (3,))
    slices = tf.data.Dataset.from_tensor_slices(x)
    inputs = {
        "fixed batches": slices.batch(4, drop_remainder=True),
        "a smaller last batch": slices.batch(4),
        "no known size": unsized(x),
        "tuples of one": slices.map(lambda x: (x,)).batch(4),
        "a tensor": tf.constant(x),
        "an array": x,
    }
    ends = {}
    for name, data in inputs.items():
        gan = make_gan(shape=(3,), discriminator_steps=k, **sgd())
        arguments = {"batch_size": 4, "shuffle": False} if feed.is_array(data) else {}
        gan.fit(data, verbose=0, **arguments)
        assert gan.step == 4 // k, name
        ends[name] = state(gan)
    for end in ends.values():
        assert_same(end, ends["an array"], atol=1e-6)


def test_float64_samples_are_taken():
    make_gan(**EAGER).fit(samples(4).astype("float64"), batch_size=4, verbose=0)


def test_an_infinite_dataset_goes_on_from_epoch_to_epoch():
    x, values = constants(64)
    gan = recording(2)
    data = tf.data.Dataset.from_tensor_slices(x).repeat().batch(4)
    gan.fit(data, epochs=2, steps_per_epoch=3, verbose=0)
    np.testing.assert_array_equal(np.concatenate(seen(gan)), values[: 2 * 3 * 8])


@pytest.mark.parametrize("k", [1, 3])
def test_rebatch_keeps_count_of_the_batches(k):
    slices = tf.data.Dataset.from_tensor_slices(samples(28, (3,)))
    fixed = feed.rebatch(slices.batch(4, drop_remainder=True), k)
    assert int(fixed.cardinality()) == len(list(fixed)) == 7 // k
    endless = feed.rebatch(slices.repeat().batch(4, drop_remainder=True), k)
    assert int(endless.cardinality()) == tf.data.INFINITE_CARDINALITY
    assert all(batch.shape[0] == 4 * k for batch in endless.take(9))


# --- what is refused


def with_nan():
    x = samples(8)
    x[[2, 5], 3, 3, 0] = np.nan, np.inf
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros([8, 8, 8, 1], "uint8"), r"found uint8.*x / 127\.5 - 1"),
        (np.zeros([8, 8, 8, 1], "int64"), "must be floating.*found int64"),
        (samples(8, (8, 8, 3)), r"shape \(8, 8, 3\), the discriminator.*takes \(8, 8, 1\)"),
        (samples(8, (64,)), r"shape \(64,\)"),
        (with_nan(), "NaN or infinity in 2 of 8 samples, the first at index 2"),
        (samples(7), r"no full batch.*fewer samples.*= 2 \* batch size"),
        (samples(0), "no full batch"),
    ],
    ids=["uint8", "int64", "channels", "rank", "nan", "few", "empty"],
)
@pytest.mark.parametrize("kind", ["array", "dataset"])
def test_data_that_cannot_be_trained_on_are_refused_before_the_first_step(kind, x, message):
    gan = make_gan(discriminator_steps=2)
    before = state(gan)
    data = tf.data.Dataset.from_tensor_slices(x).batch(4) if kind == "dataset" else x
    arguments = {} if kind == "dataset" else {"batch_size": 4, "shuffle": False}
    with pytest.raises(ValueError, match=message):
        gan.fit(data, verbose=0, **arguments)
    assert_same(state(gan), before)


def test_a_condition_of_another_length_is_refused():
    with pytest.raises(ValueError, match="x has 8 samples and y has 7"):
        make_gan().fit(samples(8), np.zeros(7), verbose=0)
    with pytest.raises(ValueError, match="validation_split is not supported"):
        make_gan().fit(samples(8), validation_split=0.5)


def test_a_batch_that_cannot_be_cut_is_refused():
    gan = make_gan(discriminator_steps=3)
    with pytest.raises(ValueError, match="8 samples cannot be cut into discriminator_steps=3"):
        gan.train_on_batch(samples(8))


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, i):
        return (self.batches[i],)


def pixels(n=8):
    return (samples(n) + 1) * 127.5


def ragged():
    return tf.data.Dataset.from_tensor_slices((samples(8), samples(8), np.ones(8))).batch(4)


@pytest.mark.parametrize(
    ("x", "arguments", "words"),
    [
        (None, {}, "found None, expected a tf.data.Dataset of batches, or an array"),
        ("photos", {}, "found str, expected a tf.data.Dataset"),
        ({"image": samples(8)}, {}, "found dict, expected"),
        (samples(8).tolist(), {}, r"found a list, expected .* np\.asarray"),
        (kg.datasets.load("digits"), {}, r"found a Data, expected .* data\.batches"),
        (np.float32(3), {}, "found the scalar"),
        (np.array([{}, {}]), {}, "found dtype object, expected floating"),
        (samples(8).astype("complex64"), {}, "found dtype complex64"),
        (np.ma.array(samples(8), mask=samples(8) > 0), {}, "masked values"),
        (samples(8), {"batch_size": 0}, "batch_size must be a whole number >= 1, found 0"),
        (samples(8), {"batch_size": 2.5}, "batch_size must be a whole number >= 1, found 2.5"),
        (samples(8), {"epochs": -1}, "epochs must be a whole number >= 0, found -1"),
        (samples(8), {"steps_per_epoch": 0}, r"steps_per_epoch must be .* found 0"),
        (ragged(), {}, "tuples of 3, expected samples, or .* sample weights"),
        (ragged().map(lambda x, *_: {"image": x}), {}, "found a dict of image; use dataset.map"),
        ((x for x in ()), {}, "a generator without batches"),
        (Batches([]), {}, "a PyDataset without batches"),
        ((x for x in [(pixels(),)]), {}, r"tanh.* makes; .* lies in \[.*x / 127\.5 - 1"),
        (Batches([pixels()]), {}, r"\[-1, 1\], which .*tanh"),
        (
            pixels(),
            {"batch_size": 4},
            r"\[-1, 1\], which .*tanh.* lies in \[.*, 25.*x / 127\.5 - 1",
        ),
        (-2 * samples(8), {"batch_size": 4}, r"\[-1, 1\], which .*tanh.* lies in \[-(2|1\.9)"),
    ],
)
def test_what_is_no_data_is_refused_before_the_first_step(x, arguments, words):
    gan = make_gan()
    before = state(gan)
    with pytest.raises(ValueError, match=words):
        gan.fit(x, verbose=0, **arguments)
    assert_same(state(gan), before)


def test_nan_is_found_in_the_whole_of_an_array():
    x = samples(3000)
    x[2900, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"x has NaN .* in 1 of 3000 samples, .* index 2900"):
        make_gan().fit(x, verbose=0)


@pytest.mark.parametrize("kind", ["generator", "PyDataset"])
def test_the_first_batch_that_was_looked_at_is_trained_on(kind):
    _, values = constants(8)
    batches = np.split(np.tile(values[:, None], [1, 3]), 2)
    gan = recording(1)
    gan.fit(Batches(batches) if kind == "PyDataset" else ((x,) for x in batches), verbose=0)
    np.testing.assert_array_equal(np.sort(np.concatenate(seen(gan))), values)


def ending_in(activation):
    generator, discriminator = players()
    outputs = keras.layers.Activation(activation)(generator.layers[-1].input)
    return keras.Model(generator.inputs, outputs), discriminator


@pytest.mark.parametrize(
    ("activation", "low", "high", "warns"),
    [
        ("tanh", -1, 1, False),
        ("tanh", 0, 1, True),
        ("sigmoid", 0, 1, False),
        ("linear", 0, 1, True),
        ("linear", 0, 255, True),
        ("linear", -1, 1, False),
    ],
)
def test_the_range_is_compared_with_what_the_generator_makes(activation, low, high, warns):
    x = low + (samples(4) + 1) * (high - low) / 2
    gan = make_gan(networks=ending_in(activation), **EAGER)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gan.fit(x, batch_size=4, verbose=0)
    assert any("expected in [-1, 1], the first" in str(w.message) for w in caught) == warns


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 255)])
def test_images_that_a_sigmoid_cannot_make_are_refused(low, high):
    x = low + (samples(4) + 1) * (high - low) / 2
    with pytest.raises(ValueError, match=r"expected in \[0, 1\], which .*sigmoid"):
        make_gan(networks=ending_in("sigmoid")).fit(x, batch_size=4, verbose=0)


# --- a penalty that does not reach the discriminator


def resizing(layer):
    """A generator and a discriminator with a resizing layer between two convolutions."""
    generator, _ = players()
    x = inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(x)
    x = keras.layers.Conv2D(3, 3, activation="tanh", name="after")(layer(x))
    logits = keras.layers.Dense(1)(keras.layers.Flatten()(x))
    return generator, keras.Model(inputs, logits)


@pytest.mark.parametrize("penalty", ["r1", "gradient_penalty", "lazy"])
@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.UpSampling2D(interpolation="bilinear", name="stretch"),
        keras.layers.Resizing(4, 4, interpolation="bilinear", name="stretch"),
        keras.layers.Resizing(4, 4, interpolation="nearest", name="stretch"),
    ],
    ids=["UpSampling2D", "Resizing", "nearest Resizing"],
)
def test_a_discriminator_that_the_penalty_cannot_train_is_refused(layer, penalty):
    if penalty == "lazy":
        penalty = penalties.Lazy("r1+r2", every=4)
        penalty.calls.assign(3)
    gan = make_gan(networks=resizing(layer), penalty=penalty)
    before = state(gan)
    with pytest.raises(ValueError, match=r"the penalty .*layer stretch"):
        gan.fit(samples(4), batch_size=4, verbose=0)
    assert_same(state(gan), before)
    make_gan(networks=resizing(layer), **EAGER).fit(samples(4), batch_size=4, verbose=0)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.UpSampling2D(),
        keras.layers.AveragePooling2D(2),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(3, 3, strides=2),
        keras.layers.Dropout(0.5),
        keras.layers.BatchNormalization(),
    ],
    ids=lambda layer: layer.name,
)
def test_what_has_a_second_gradient_passes_and_the_check_leaves_no_trace(layer):
    penalty = penalties.Lazy("r1", every=4)
    gan = make_gan(networks=resizing(layer), penalty=penalty)
    penalty.calls.assign(3)
    before = state(gan)
    gan.check_batch(samples(4))
    assert_same(state(gan), before)
