"""No pass may read a variable while it is updated, in the graph as TensorFlow runs it."""

import collections

import keras
import pytest
import tensorflow as tf
from helpers import make_gan, players, samples
from tensorflow.python.eager import context

from keras_gans import losses, penalties

# The variables that an operation writes are its first inputs, so many.
WRITES = {
    **dict.fromkeys(("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"), 1),
    "ResourceApplyAdam": 3,
}


def optimized(step, *arguments):
    """Return the nodes of a function's graph as they run, in an order in which they may."""
    context.context().enable_graph_collection()
    try:
        step(*arguments)
        graphs = context.context().export_run_metadata().function_graphs
    finally:
        context.context().disable_graph_collection()
    nodes = max((graph.post_optimization_graph.node for graph in graphs), key=len)
    nodes = {node.name: node for node in nodes}
    waits, next_, ready = {}, collections.defaultdict(list), []
    for name, node in nodes.items():
        waits[name] = len(node.input)
        ready += [] if node.input else [name]
        for text in node.input:
            next_[source(text)].append(name)
    ordered = []
    while ready:
        ordered.append(nodes[ready.pop()])
        for name in next_[ordered[-1].name]:
            waits[name] -= 1
            ready += [] if waits[name] else [name]
    assert len(ordered) == len(nodes)
    return ordered


def source(text):
    return text.removeprefix("^").split(":")[0]


def unordered(nodes):
    """Return (write, other use) of all variables of which neither waits for the other."""
    names, before, uses = {}, {}, collections.defaultdict(list)
    variable = {}  # handles may pass through identities
    for i, node in enumerate(nodes):
        inputs = [source(text) for text in node.input]
        names[node.name] = i
        before[node.name] = 0
        for name in inputs:
            before[node.name] |= before[name] | 1 << names[name]
        data = [name for name, text in zip(inputs, node.input, strict=True) if text[0] != "^"]
        through = node.op == "Identity" and data
        variable[node.name] = variable[data[0]] if through else node.name
        for name in data[: WRITES.get(node.op, node.op == "ReadVariableOp")]:
            uses[variable[name]].append(node)
    assert len(uses) > 20
    return [
        (write.name, other.name)
        for some in uses.values()
        for write in some
        if write.op in WRITES
        for other in some
        if other is not write
        and not before[write.name] >> names[other.name] & 1
        and not before[other.name] >> names[write.name] & 1
    ]


def noisy(features):
    """A discriminator that mixes samples, so that each of its passes is one of its own."""
    x = inputs = keras.Input((8, 8, 1))
    x = keras.layers.Dropout(0.3)(keras.layers.GaussianNoise(0.1)(x))
    return keras.Model(inputs, features(keras.layers.BatchNormalization()(x)))


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize(
    ("penalty", "dynamics"),
    [
        (penalties.Dragan(2.0), "alternating"),
        (penalties.GradientPenalty(), "extra_gradient"),
        (penalties.Sum(penalties.Lazy("r1", every=3), penalties.Dragan(2.0)), "alternating"),
        (penalties.R1(1.0), "simultaneous"),
        (None, "lookahead"),
    ],
    ids=["dragan", "extra_gradient", "lazy", "simultaneous", "lookahead"],
)
@pytest.mark.parametrize(("network", "mixes"), [("dcgan", True), ("dcgan", False), ("mlp", True)])
def test_no_read_and_write_of_a_variable_are_unordered(
    network, mixes, penalty, dynamics, optimizer
):
    generator, discriminator = players(network)
    gan = make_gan(
        networks=(generator, noisy(discriminator) if mixes else discriminator),
        loss=losses.LeastSquares(),
        penalty=penalty,
        dynamics=dynamics,
        discriminator_steps=2,
        ema_decay=0.9,
        generator_optimizer=keras.optimizers.get(optimizer),
        discriminator_optimizer=keras.optimizers.get(optimizer),
    )
    assert unordered(optimized(gan._step, tf.constant(samples(8)), None)) == []
