"""A loop without the library and without `fit`: what a person would write to be fast."""

import tensorflow as tf

from keras_gans import losses
from keras_gans.benchmarking import workloads
from keras_gans.layers import spectral_layers


class Loop:
    """The workload's algorithm in one `tf.function`, written out plainly.

    Keras's networks, the library's formulas of loss and penalty, a fresh batch and fresh noise in
    each update, and an Adam of TensorFlow's fused kernel, one call a variable. Points go through
    `tf.range` steps in one call of the function, images through one step a call.

    Args:
        workload: a `Workload`.
        jit_compile: whether XLA compiles the step.

    Raises:
        ValueError: for float16: its losses would need to be scaled.
    """

    def __init__(self, workload, jit_compile=False):
        if workload.precision == "mixed_float16":
            raise ValueError("float16 is not written here: its losses would need to be scaled")
        self.workload = workload
        self.generator, self.discriminator = workloads.make_networks(workload)
        self.loss = losses.get(workload.loss)
        self.penalty = workloads.make_penalty(workload)
        self.data = workloads.make_data(workload)
        if self.data.is_image:
            self.images = tf.constant(self.data.samples / 127.5 - 1.0, tf.float32)
        else:
            self.modes = tf.constant(self.data.modes, tf.float32)
        self.spectral = [spectral_layers(n) for n in (self.generator, self.discriminator)]
        for layer in (*self.spectral[0], *self.spectral[1]):
            layer.advance_on_call = False
        self.g_adam = Adam(self.generator.trainable_variables, workload)
        self.d_adam = Adam(self.discriminator.trainable_variables, workload)
        self.draw = tf.function(self._draw, autograph=False, jit_compile=jit_compile)
        self.one = tf.function(self._step, autograph=False, jit_compile=jit_compile)
        self.many = tf.function(self._many, autograph=False, jit_compile=jit_compile)
        self.inside = not self.data.is_image
        self.note = "steps by tf.range" if self.inside else "a step a call"

    def run(self, steps):
        """Make steps, or draw batches; wait until they are done."""
        if self.workload.generation:
            return [self.draw().numpy() for _ in range(steps)]
        if self.inside:
            return self.many(tf.constant(steps)).numpy()
        for _ in range(steps):
            loss = self.one()
        return loss.numpy()

    def _draw(self):
        return self.generator(self._latent(), training=False)

    def _many(self, steps):
        def body(i, _):
            return i + 1, self._step()

        return tf.while_loop(
            lambda i, _: i < steps, body, [0, tf.constant(0.0)], parallel_iterations=1
        )[1]

    def _step(self):
        for _ in range(self.workload.discriminator_steps):
            self._update_discriminator()
        return self._update_generator()

    def _update_discriminator(self):
        for layer in self.spectral[1]:
            layer.advance()
        real, fake = self._real(), self.generator(self._latent(), training=True)
        with tf.GradientTape() as tape:
            loss = self.loss.discriminator(self._judge(real), self._judge(fake))
            if self.penalty is not None:
                loss += self.penalty(self._judge, real, fake)
        self.d_adam.apply(tape.gradient(loss, self.discriminator.trainable_variables))

    def _update_generator(self):
        for layer in self.spectral[0]:
            layer.advance()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self.generator.trainable_variables])
            fake = self._judge(self.generator(self._latent(), training=True))
            real = self._judge(self._real()) if self.loss.relativistic else None
            loss = self.loss.generator(real, fake)
        self.g_adam.apply(tape.gradient(loss, self.generator.trainable_variables))
        return loss

    def _judge(self, x):
        return self.discriminator(x, training=True)

    def _latent(self):
        return tf.random.normal([self.workload.batch, self.workload.latent_dim])

    def _real(self):
        batch = self.workload.batch
        if self.data.is_image:
            picks = tf.random.uniform([batch], 0, len(self.images), tf.int32)
            return tf.gather(self.images, picks)
        picks = tf.random.uniform([batch], 0, len(self.modes), tf.int32)
        noise = tf.random.normal([batch, self.modes.shape[1]])
        return tf.gather(self.modes, picks) + self.data.sigma * noise


class Adam:
    """Adam by TensorFlow's fused kernel."""

    def __init__(self, variables, workload):
        self.variables = [variable.value for variable in variables]
        self.slots = [[tf.Variable(tf.zeros_like(v)) for v in self.variables] for _ in range(2)]
        self.rate = workload.learning_rate
        self.betas = workload.beta_1, workload.beta_2
        self.powers = [tf.Variable(1.0), tf.Variable(1.0)]

    def apply(self, gradients):
        """Update the variables."""
        powers = [p.assign(p * b) for p, b in zip(self.powers, self.betas, strict=True)]
        for variable, gradient, m, v in zip(self.variables, gradients, *self.slots, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=self.rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                epsilon=1e-7,
                grad=gradient,
            )
