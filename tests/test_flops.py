import collections
import dataclasses

import keras
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.profiler.internal import flops_registry  # noqa: F401 - convolutions' counts

from keras_gans import flops, networks
from keras_gans.benchmarking import bare, products
from keras_gans.benchmarking.workloads import WORKLOADS, Workload, make_networks

PRODUCTS = ("MatMul", "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
MLP = {"network": "mlp", "shape": (4, 4, 1), "latent_dim": 5, "width": 7, "depth": 2}
DCGAN = {"network": "dcgan", "shape": (8, 8, 1), "latent_dim": 5, "width": 4}
RESNET = {"network": "resnet", "shape": (8, 8, 3), "latent_dim": 5, "width": 4}


def small(values, **changes):
    options = {"name": "small", "batch": 3, "loss": "non_saturating", "discriminator_steps": 2}
    return Workload(**{**options, **values, **changes})


def counted_by_tensorflow(graph):
    """TensorFlow's own counts of the products in a graph, of those that are really made."""
    todo = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    seen, total = set(), 0
    while todo:
        op = todo.pop()
        if op not in seen:
            seen.add(op)
            todo += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
            if op.type in PRODUCTS:
                total += ops.get_stats_for_node_def(graph, op.node_def, "flops").value
    return total


@pytest.mark.parametrize(
    ("values", "kinds", "expected"),
    [
        # 5-7-7-16 and 16-7-7-1: twice the weights
        (MLP, ["dense"] * 3, ([70, 98, 224], [224, 98, 14])),
        # 2 * positions * 4 * 4 * in * out; a transposed one has its input's positions
        (
            DCGAN,
            ["dense", "transposed", "transposed"],
            ([320, 2 * 4 * 16 * 32, 2 * 16 * 16 * 4], [2 * 16 * 16 * 4, 2 * 4 * 16 * 32, 64]),
        ),
    ],
    ids=["mlp", "dcgan"],
)
def test_the_cost_of_each_layer_by_hand(values, kinds, expected):
    g, d = map(flops.layers, make_networks(small(values)))
    assert [layer.kind for layer in g] == kinds
    assert ([layer.flops for layer in g], [layer.flops for layer in d]) == expected
    assert [layer.first for layer in g] == [layer.first for layer in d] == [True, False, False]


def test_the_step_of_wgan_gp_by_hand():
    # the article's networks: G = 100*256 + 256*784, D = 784*256 + 256, times 2 * 64 samples
    g1, g, d1, d2 = 100 * 256, 100 * 256 + 256 * 784, 784 * 256, 256
    d = d1 + d2
    critic = g + 2 * d + 2 * d + 2 * (d - d1) + (d - d2) + d + (d - d2) + d
    generator = g + d + d + g + (g - g1)
    workload = WORKLOADS["mlp"]
    assert flops.count(workload, *make_networks(workload)) == 2 * 64 * (5 * critic + generator)


@pytest.mark.parametrize(
    ("values", "penalty", "loss"),
    [
        *((values, "none", "relativistic_pairing") for values in (MLP, DCGAN, RESNET)),
        *((values, "gradient_penalty", "non_saturating") for values in (MLP, DCGAN)),
        *((values, "r1+r2", "relativistic_pairing") for values in (MLP, DCGAN)),
    ],
    ids=lambda value: value["network"] if isinstance(value, dict) else value,
)
def test_the_count_is_tensorflow_s_own(values, penalty, loss):
    workload = small(values, penalty=penalty, loss=loss)
    loop = bare.Loop(workload)
    made = tf.function(loop._step, autograph=False).get_concrete_function()
    found = counted_by_tensorflow(made.graph)
    d = flops.layers(loop.discriminator)
    whole, first, last = (3 * sum(layer.flops for layer in some) for some in (d, [d[0]], [d[-1]]))
    penalties = [] if penalty == "none" else penalty.split("+")
    # TensorFlow also sends the zeros of ReLU's second derivative back through the layers, and the
    # loop takes R1's and R2's forward pass anew. Neither has to be done.
    zeros = (whole - last) + (whole - first - last)
    again = sum(whole - last for name in penalties if name != "gradient_penalty")
    extra = workload.discriminator_steps * (len(penalties) * zeros + again)
    assert found == flops.count(workload, loop.generator, loop.discriminator) + extra


def test_all_workloads_can_be_counted_and_the_products_alone_are_as_many():
    for workload in WORKLOADS.values():
        assert flops.count(workload, *make_networks(workload)) > 1e8
    workload = small(DCGAN, penalty="r1")
    made = products.Products(workload)
    assert made.flops == flops.count(workload, *make_networks(workload))
    graph = made.step.get_concrete_function().graph
    assert counted_by_tensorflow(graph) == made.flops


def test_each_product_is_the_one_of_its_layer():
    g, d = networks.dcgan((8, 8, 1), latent_dim=5, width=4, generator_norm="none")
    for network in (g, d):
        for layer, keras_layer in zip(
            flops.layers(network),
            [x for x in network.layers if hasattr(x, "kernel")],
            strict=True,
        ):
            x = tf.random.normal([3, *layer.inputs])
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.nn.bias_add(keras_layer(x), -keras_layer.bias.value)
            dy = tf.random.normal(y.shape)
            dx, dw = tape.gradient(y, [x, keras_layer.kernel.value], dy)
            w = keras_layer.kernel.value
            for direction, (a, b), expected in (
                ("forward", (x, w), y),
                ("inputs", (dy, w), dx),
                ("weights", (x, dy), dw),
            ):
                found = products._product(flops.Pass(layer, direction, 3), a, b)
                tf.debugging.assert_near(found, expected, 1e-4, 1e-4)


def test_a_layer_of_unknown_cost_is_refused():
    x = keras.Input((4, 4, 1))
    network = keras.Model(x, keras.layers.SeparableConv2D(2, 3)(x))
    with pytest.raises(ValueError, match="SeparableConv2D"):
        flops.layers(network)


def test_spectral_normalization_is_looked_through():
    plain = make_networks(small(RESNET))[1]
    spectral = make_networks(small(RESNET, discriminator_norm="spectral"))[1]
    same = [dataclasses.astuple(layer) for layer in flops.layers(plain)]
    assert [dataclasses.astuple(layer) for layer in flops.layers(spectral)] == same
    assert collections.Counter(layer.first for layer in flops.layers(plain))[True] == 2
