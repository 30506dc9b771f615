"""The products that a step must make, counted from the networks' layers.

A layer of weights is a product in three directions, and each costs the same:

    forward   y = W x        2 * multiplications of a sample * samples   [operations]
    inputs    dx = Wᵀ dy     the same
    weights   dW = dy xᵀ     the same

with in * out multiplications a sample of a dense layer, positions of the output * kernel * channels
in * channels out of a convolution, and the positions of the input in place of the output's of a
transposed one. Padding counts as if it were image. Everything else (activations, normalization,
spectral normalization, optimizers, noise) is left out, so a share of the machine's rate that is
reached is a share of what the products alone would allow.

With D and G the forward cost of a network on the batch, D₁ and G₁ the layers that read the data or
the latents, D₂ the layer that gives the logits, an update of the discriminator takes

    samples            G          forward: fake samples need no gradient
    logits             2 D        forward, on real and on fake samples
    gradient           2 D + 2 (D - D₁)      by the weights, and by the inputs of all but the first
    WGAN-GP, DRAGAN    D - D₂     forward at points of its own, whose logits nobody reads
                       D          the input gradient
                       D - D₂     the input gradient's gradient: forward again,
                       D          and by the weights
    R1, R2             D + (D - D₂) + D      each; the forward pass is that of the logits

and an update of the generator

    samples, logits    G + D      forward; 2 D with a relativistic loss, which reads real logits too
    gradient           D          by the inputs of the discriminator
                       G + (G - G₁)

A second derivative of the activations would add passes; it is zero for ReLU and LeakyReLU.
"""

import dataclasses
import math

import keras

from keras_gans.layers import SpectralNormalization


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer of weights.

    Args:
        kind: "dense", "conv" or "transposed".
        inputs, outputs: shapes of a sample.
        kernel: shape of the weights.
        strides: of a convolution.
        padding: of a convolution.
        first: whether it reads the network's input with no such layer in between.
    """

    kind: str
    inputs: tuple
    outputs: tuple
    kernel: tuple
    strides: int = 1
    padding: str = "same"
    first: bool = False

    @property
    def flops(self):
        """Floating-point operations of a sample in each direction."""
        positions = {
            "dense": 1,
            "conv": math.prod(self.outputs[:-1]),
            "transposed": math.prod(self.inputs[:-1]),
        }[self.kind]
        return 2 * positions * math.prod(self.kernel)


@dataclasses.dataclass(frozen=True)
class Pass:
    """One direction of one layer on a number of samples."""

    layer: Layer
    direction: str
    samples: int

    @property
    def flops(self):
        """Floating-point operations."""
        return self.layer.flops * self.samples


def layers(network):
    """Return the layers of weights of a functional Keras model, in order.

    Raises:
        ValueError: if there is one whose cost is not known.
    """
    found = []
    for layer in network.layers:
        inner = layer.layer if isinstance(layer, SpectralNormalization) else layer
        kind = {
            keras.layers.Dense: "dense",
            keras.layers.Conv2D: "conv",
            keras.layers.Conv2DTranspose: "transposed",
        }.get(type(inner))
        if kind is None:
            if any(weight.ndim > 1 for weight in layer.trainable_weights):
                raise ValueError(f"the cost of {type(layer).__name__} {layer.name!r} is not known")
            continue
        found.append(
            Layer(
                kind,
                tuple(layer.input.shape[1:]),
                tuple(layer.output.shape[1:]),
                tuple(inner.kernel.shape),
                1 if kind == "dense" else inner.strides[0],
                "same" if kind == "dense" else inner.padding,
                first=_reads_input(layer.input),
            )
        )
    return found


def _reads_input(tensor):
    """Tell whether no weights of more than one axis lie between the network's input and here."""
    operation = tensor._keras_history.operation
    if isinstance(operation, keras.layers.InputLayer):
        return True
    if any(weight.ndim > 1 for weight in operation.trainable_weights):
        return False
    return all(map(_reads_input, operation._inbound_nodes[0].input_tensors))


def passes(workload, generator, discriminator):
    """Return the `Pass`es of a step: k updates of the discriminator, then one of the generator."""
    g, d, batch = layers(generator), layers(discriminator), workload.batch
    first, last = [layer for layer in d if layer.first], d[-1:]

    def of(some, direction, *without):
        kept = [layer for layer in some if not any(layer is other for other in without)]
        return [Pass(layer, direction, batch) for layer in kept]

    if workload.generation:
        return of(g, "forward")
    logits = of(d, "forward")
    critic = of(g, "forward") + 2 * logits
    critic += 2 * (of(d, "weights") + of(d, "inputs", *first))
    second = of(d, "inputs") + of(d, "forward", *last) + of(d, "weights")
    for penalty in workload.penalty.split("+"):
        own = penalty in ("gradient_penalty", "dragan")
        critic += [] if penalty == "none" else second + (of(d, "forward", *last) if own else [])
    update = of(g, "forward") + logits + of(d, "inputs") + of(g, "weights")
    update += of(g, "inputs", *[layer for layer in g if layer.first])
    if workload.loss.startswith("relativistic"):
        update += logits
    return workload.discriminator_steps * critic + update


def count(workload, generator, discriminator):
    """Return the floating-point operations of the products of a step.

    Example:
        >>> from keras_gans.benchmarking.workloads import WORKLOADS, make_networks
        >>> count(WORKLOADS["mlp"], *make_networks(WORKLOADS["mlp"])) / 1e9  # [1e9 operations]
        1.308819456
    """
    return sum(each.flops for each in passes(workload, generator, discriminator))
