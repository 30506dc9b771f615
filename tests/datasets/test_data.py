import numpy as np
import pytest
import tensorflow as tf

from keras_gans.datasets import Data, load, to_float


def numbered(count, **kwargs):
    """Points whose value is their index, so that a batch shows which samples are in it."""
    return Data("numbered", np.arange(count, dtype=np.float32)[:, None], **kwargs)


def take(dataset, count):
    return [x.numpy() for x in dataset.take(count)]


def equal(first, second):
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def test_to_float_is_exact_for_all_256_values():
    values = np.arange(256, dtype=np.uint8)
    expected = values.astype(np.float32) / np.float32(127.5) - np.float32(1)
    assert to_float(np.array([0, 51, 255], np.uint8)).tolist() == pytest.approx([-1, -0.6, 1])
    np.testing.assert_array_equal(to_float(values), expected)
    data = Data("all", values.reshape(1, 16, 16, 1))
    np.testing.assert_array_equal(take(data.batches(1), 1)[0].ravel(), expected)


def test_to_float_leaves_floats_alone():
    images = np.zeros(3, np.float32)
    assert to_float(images) is images


@pytest.mark.parametrize("count, size", [(12, 4), (13, 4), (5, 5), (9, 1)])
def test_each_pass_is_a_permutation_without_its_remainder(count, size):
    data = numbered(count)
    steps = data.steps_per_pass(size)
    assert steps == count // size
    batches = np.stack(take(data.batches(size, seed=3), 4 * steps))
    passes = batches.reshape(4, steps * size)
    for one in passes:
        assert len(set(one)) == steps * size and set(one) <= set(range(count))
    assert any(not np.array_equal(passes[0], other) for other in passes[1:])


def test_every_order_of_three_samples_turns_up_about_equally_often():
    batches = np.stack(take(numbered(3).batches(3), 1200))[..., 0]
    _, counts = np.unique(batches, axis=0, return_counts=True)
    # Each of 3! orders: 200 expected, standard deviation 13.
    assert len(counts) == 6 and counts.min() > 140 and counts.max() < 260


@pytest.mark.parametrize("start", [0, 1, 2, 3, 4, 7, 3_000])
def test_start_equals_skipping(start):
    data = numbered(13)  # three batches of four a pass
    skipped = take(data.batches(4, seed=5).skip(start), 8)
    assert equal(skipped, take(data.batches(4, seed=5, start=start), 8))


def test_a_far_start_costs_nothing():
    assert take(numbered(13).batches(4, start=10**12), 1)[0].shape == (4, 1)


def test_seeds_give_different_orders_and_the_same_seed_the_same():
    data = numbered(64)
    assert equal(take(data.batches(8, seed=1), 16), take(data.batches(8, seed=1), 16))
    assert not equal(take(data.batches(8, seed=1), 2), take(data.batches(8, seed=2), 2))


def test_labels_stay_with_their_samples():
    data = numbered(10, labels=np.arange(10) % 3)
    assert data.num_classes == 3
    for x, y in data.batches(5, labels=True).take(4):
        assert y.dtype == tf.int32
        np.testing.assert_array_equal(x[:, 0] % 3, y)


def test_batches_are_infinite_float32_and_of_static_size():
    data = Data("blank", np.zeros((6, 4, 4, 3), np.uint8), labels=np.zeros(6))
    dataset = data.batches(2, labels=True)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    images, labels = dataset.element_spec
    assert images == tf.TensorSpec([2, 4, 4, 3], tf.float32)
    assert labels == tf.TensorSpec([2], tf.int32)
    assert (data.is_image, data.channels, data.shape, len(data)) == (True, 3, (4, 4, 3), 6)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"batch_size": 8}, ["batch size of 8", "5 samples"]),
        ({"batch_size": 0}, ["batch size of 0", "5 samples"]),
        ({"batch_size": 2, "start": -1}, ["start=-1"]),
        ({"batch_size": 2, "labels": True}, ["labels", "none"]),
        ({"batch_size": 2, "augment": ("flip",)}, ["(1,)", "images"]),
    ],
)
def test_batches_refuses(arguments, words):
    with pytest.raises(ValueError) as error:
        numbered(5).batches(**arguments)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    "samples, labels, words",
    [
        (np.zeros((0, 4, 4, 1), np.uint8), None, ["no samples"]),
        (np.zeros((2, 4, 4, 1), np.int64), None, ["int64", "uint8"]),
        (np.zeros((2, 4, 4, 1), np.uint8), [1, 2, 3], ["3 labels", "2 samples"]),
    ],
)
def test_data_refuses(samples, labels, words):
    with pytest.raises(ValueError) as error:
        Data("mine", samples, labels)
    assert all(word in str(error.value) for word in ["mine", *words])


def test_two_replicas_see_the_global_batch_in_order():
    data = load("digits")
    dataset = data.batches(8, start=3).rebatch(16, drop_remainder=True)
    first, second = take(data.batches(8, start=3), 2)
    np.testing.assert_array_equal(take(dataset, 1)[0], np.concatenate([first, second]))
