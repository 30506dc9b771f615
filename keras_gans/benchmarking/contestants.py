"""The contestants on TensorFlow: the library's `fit`, plain Keras, a bare loop, the products."""

import tempfile
import time

import keras
import tensorflow as tf

from keras_gans.benchmarking import bare, products, profiles, serve, workloads
from keras_gans.benchmarking.tutorial import Tutorial
from keras_gans.benchmarking.workloads import Workload
from keras_gans.callbacks import Trace
from keras_gans.models import execution, feed


def make(kind):
    """Return the class of a contestant by its name, one of `KINDS`."""
    return KINDS[kind]


class Contestant:
    """What all have in common: one workload on one device."""

    note = ""

    def __init__(self, workload, device="cpu"):
        self.workload = workload if isinstance(workload, Workload) else Workload(**workload)
        self.device = device
        if device == "cpu" and tf.config.list_physical_devices("GPU"):
            tf.config.set_visible_devices([], "GPU")
        tf.config.experimental.enable_tensor_float_32_execution(self.workload.tf32)
        keras.utils.set_random_seed(0)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.workload.precision)
        try:
            self.build()
        finally:
            keras.config.set_dtype_policy(before)

    def build(self):
        """Make networks and step."""
        raise NotImplementedError

    def first(self):
        """Make the first step, which may compile."""
        self.run(1)

    def run(self, steps):
        """Make steps; return a dict of the `seconds` that so many `steps` took."""
        raise NotImplementedError

    def memory(self):
        """Return the most memory that was held: the card's, or the process's."""
        if self.device == "gpu":
            return tf.config.experimental.get_memory_info("GPU:0")["peak"]
        return serve.resident()

    @property
    def jit(self):
        """Whether to compile by XLA: on a GPU."""
        return self.device == "gpu"


class Fit(Contestant):
    """`GAN.fit` as it comes, or `generate`. Timed from the end of its first call of the step on."""

    def build(self):
        """Make the model and its dataset."""
        self.gan = workloads.make_gan(self.workload, True if self.jit else "auto")
        self.parameters = workloads.parameters(self.gan.generator, self.gan.discriminator)
        self.data = workloads.make_data(self.workload).batches(self.workload.batch)
        self.execution = execution.limit(self.gan, self.workload.batch)  # what "auto" comes to
        self.note = f"steps_per_execution={self.execution}"

    def first(self):
        """Make the first call of the train function, or draw a batch."""
        if self.workload.generation:
            return self.run(1)
        return self.gan.fit(self.data, steps_per_epoch=self.execution, verbose=0)

    def run(self, steps):
        """Make whole executions by one call of `fit`, of as many steps at least."""
        if self.workload.generation:
            return _timed(lambda: self.gan.generate(steps * self.workload.batch, seed=0), steps)
        calls = -(-steps // self.execution) + 1
        clock = Clock()
        self.gan.fit(
            self.data, steps_per_epoch=calls * self.execution, callbacks=[clock], verbose=0
        )
        return {"seconds": clock.seconds, "steps": (calls - 1) * self.execution}


class Profile(Fit):
    """`GAN.fit` while TensorFlow records its operations."""

    def run(self, steps):
        """Make whole executions, of as many steps at least; return also what `profiles` reads."""
        calls = -(-steps // self.execution)
        with tempfile.TemporaryDirectory() as folder:
            trace = Trace(folder, calls)
            in_epoch = (trace.BEFORE + calls) * self.execution
            self.gan.fit(self.data, steps_per_epoch=in_epoch, callbacks=[trace], verbose=0)
            return {"steps": calls * self.execution, **profiles.read(folder)}


class Clock(keras.callbacks.Callback):
    """Seconds from the end of the first call of the train function to the end of the epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        """Forget the last epoch."""
        self._started = None

    def on_train_batch_end(self, batch, logs=None):
        """Start with the first call."""
        if self._started is None:
            self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Stop; what Keras gives here are numbers, so the device is done."""
        self.seconds = time.perf_counter() - self._started


class PlainKeras(Contestant):
    """The custom `train_step` of Keras's WGAN-GP example; Keras chooses whether XLA compiles it."""

    def build(self):
        """Make the model and the same dataset."""
        generator, discriminator = workloads.make_networks(self.workload)
        self.parameters = workloads.parameters(generator, discriminator)
        self.model = Tutorial(generator, discriminator, self.workload)
        self.model.compile()
        self.data = workloads.make_data(self.workload).batches(self.workload.batch)
        self.note = f"jit_compile={self.model.jit_compile}"

    def first(self):
        """Make the first step, or draw a batch."""
        if self.workload.generation:
            return self.run(1)
        return self.model.fit(self.data, steps_per_epoch=1, verbose=0)

    def run(self, steps):
        """Make steps by one call of Keras's `fit`, or draw samples by its `predict`."""
        if self.workload.generation:
            z = tf.random.normal([steps * self.workload.batch, self.workload.latent_dim])
            predict = self.model.generator.predict
            return _timed(lambda: predict(z, batch_size=self.workload.batch, verbose=0), steps)
        clock = Clock()
        self.model.fit(self.data, steps_per_epoch=steps + 1, callbacks=[clock], verbose=0)
        return {"seconds": clock.seconds, "steps": steps}


class Bare(Contestant):
    """A hand-written `tf.function`: see `bare`."""

    def build(self):
        """Make the loop."""
        self.loop = bare.Loop(self.workload, self.jit)
        self.parameters = workloads.parameters(self.loop.generator, self.loop.discriminator)
        self.note = self.loop.note

    def run(self, steps):
        """Make steps."""
        return _timed(lambda: self.loop.run(steps), steps)


class Products(Contestant):
    """Nothing but the matrix products and convolutions that a step must make: see `products`."""

    def build(self):
        """Make the operations and choose the order in which they are faster."""
        self.parameters = [0, 0]
        self.products = products.Products(self.workload, self.jit)
        self.dtype = self.products.dtype
        self.note = self.products.note

    def run(self, steps):
        """Make the products of so many steps, and measure the machine's rates at large sizes."""
        answer = _timed(lambda: self.products.run(steps), steps)
        return answer | {"flops": self.products.flops, "peak": products.peak(self.jit, self.dtype)}


class Input(Contestant):
    """The dataset that `fit` reads, and nothing that is done with it."""

    def build(self):
        """Make it as `fit` does."""
        self.parameters = [0, 0]
        batches = workloads.make_data(self.workload).batches(self.workload.batch)
        batches = feed.rebatch(batches, self.workload.discriminator_steps)
        self.batches = iter(batches)
        self.drain = tf.function(self._drain, autograph=False)

    def _drain(self, steps):
        def body(i, _):
            batch = next(self.batches)
            return i + 1, tf.reshape(batch, [-1])[0]

        return tf.while_loop(
            lambda i, _: i < steps, body, [0, tf.constant(0.0)], parallel_iterations=1
        )[1]

    def run(self, steps):
        """Read what so many steps would."""
        return _timed(lambda: self.drain(tf.constant(steps)).numpy(), steps)


def _timed(call, steps):
    started = time.perf_counter()
    call()
    return {"seconds": time.perf_counter() - started, "steps": steps}


KINDS = {
    "fit": Fit,
    "keras": PlainKeras,
    "bare": Bare,
    "products": Products,
    "input": Input,
    "profile": Profile,
}
