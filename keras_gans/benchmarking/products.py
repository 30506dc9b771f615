"""The machine's roofline: its rates of products at large sizes, and those of a step alone."""

import time

import tensorflow as tf

from keras_gans import flops
from keras_gans.benchmarking import workloads

LARGE = {"CPU": 2048, "GPU": 8192}  # rows, columns and depth of the large matrix product
IMAGES = {"CPU": 64, "GPU": 512}  # of the large convolution, 3x3, on 28x28 with 128 channels


class Products:
    """The products of a step and nothing else, at the shapes that they have there.

    Each on inputs of its own, so that none is left out as a duplicate. They run one after the
    other, or as TensorFlow will; whichever is faster counts.

    Args:
        workload: a `Workload`.
        jit_compile: whether XLA compiles it.
    """

    def __init__(self, workload, jit_compile=False):
        networks = workloads.make_networks(workload)
        self.passes = flops.passes(workload, *networks)
        self.dtype = networks[0].compute_dtype
        self.flops = sum(each.flops for each in self.passes)
        self.operands = [_operands(each, self.dtype) for each in self.passes]
        times = {}
        for ordered in (True, False):
            self.step = self._function(ordered, jit_compile)
            self.run(2)
            best = []
            for _ in range(3):
                started = time.perf_counter()
                self.run(3)
                best.append(time.perf_counter() - started)
            times[ordered] = min(best), self.step
        ordered = min(times, key=lambda key: times[key][0])
        self.step = times[ordered][1]
        self.note = "one product after the other" if ordered else "products side by side"

    def run(self, steps):
        """Make the products of so many steps; wait until they are done."""
        for _ in range(steps):
            last = self.step()
        last.numpy()

    def _function(self, ordered, jit_compile):
        def step():
            done = []
            for each, (a, b) in zip(self.passes, self.operands, strict=True):
                with tf.control_dependencies(done[-1:] if ordered else []):
                    done.append(_product(each, a, b))
            return tf.add_n([tf.reshape(y, [-1])[0] for y in done])  # what is not read is not made

        return tf.function(step, autograph=False, jit_compile=jit_compile)


def _operands(each, dtype):
    """Return the two tensors of a product."""
    layer, n = each.layer, each.samples
    x, y = [n, *layer.inputs], [n, *layer.outputs]
    shapes = {
        "forward": (x, layer.kernel),
        "inputs": (y, layer.kernel),
        "weights": (x, y),
    }[each.direction]
    return tuple(tf.cast(tf.random.normal(shape), dtype) for shape in shapes)


def _product(each, a, b):
    layer, n = each.layer, each.samples
    if layer.kind == "dense":
        return tf.matmul(
            a, b, transpose_a=each.direction == "weights", transpose_b=each.direction == "inputs"
        )
    strides, padding = [1, layer.strides, layer.strides, 1], layer.padding.upper()
    direction = each.direction
    x, y = [n, *layer.inputs], [n, *layer.outputs]
    if layer.kind == "transposed":  # the convolution that it transposes, the other way
        direction = {"forward": "inputs", "inputs": "forward"}.get(direction, direction)
        x, y = y, x
        if direction == "weights":
            a, b = b, a
    if direction == "forward":
        return tf.raw_ops.Conv2D(input=a, filter=b, strides=strides, padding=padding)
    if direction == "inputs":
        return tf.raw_ops.Conv2DBackpropInput(
            input_sizes=x, filter=b, out_backprop=a, strides=strides, padding=padding
        )
    return tf.raw_ops.Conv2DBackpropFilter(
        input=a, filter_sizes=layer.kernel, out_backprop=b, strides=strides, padding=padding
    )


def peak(jit_compile=False, dtype="float32", repeats=3):
    """Return the machine's rates [1e9 operations a second] at sizes that are good for it.

    The best of some repeats of a matrix product and of a 3x3 convolution, of factors of a type.
    """
    kind = "GPU" if tf.config.get_visible_devices("GPU") else "CPU"
    size, image = LARGE[kind], (28, 28, 128)
    matrix = flops.Layer("dense", (size,), (size,), (size, size))
    convolution = flops.Layer("conv", image, image, (3, 3, 128, 128))
    rates = {}
    for name, layer, n in (("matrix", matrix, size), ("convolution", convolution, IMAGES[kind])):
        each = flops.Pass(layer, "forward", n)
        if (name, dtype) not in _large:
            function = tf.function(
                lambda a, b, each=each: tf.reduce_sum(_product(each, a, b)[0]),
                autograph=False,
                jit_compile=jit_compile,
            )
            _large[name, dtype] = function, _operands(each, dtype)
            function(*_large[name, dtype][1]).numpy()
        function, operands = _large[name, dtype]
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            function(*operands).numpy()
            seconds.append(time.perf_counter() - started)
        rates[name] = each.flops / min(seconds) / 1e9
    return rates


_large = {}
