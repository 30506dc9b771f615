"""A GAN as public tutorials write it in Keras: what a user of plain Keras would have."""

import keras
import tensorflow as tf

from keras_gans import losses
from keras_gans.benchmarking import workloads


class Tutorial(keras.Model):
    """Keras's WGAN-GP example with another objective where the workload has one.

    The same batch serves all discriminator updates of a step, the generator runs within the
    discriminator's tape, and each optimizer is Keras's own, applied to each variable.

    Reference: https://keras.io/examples/generative/wgan_gp/
    """

    def __init__(self, generator, discriminator, workload):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent_dim, self.d_steps = workload.latent_dim, workload.discriminator_steps
        self.game_loss = losses.get(workload.loss)
        self.penalty = workloads.make_penalty(workload)
        self.d_optimizer = workloads.make_adam(workload)
        self.g_optimizer = workloads.make_adam(workload)

    def train_step(self, real_images):
        """Update the discriminator d_steps times on the batch, then the generator."""
        batch_size = tf.shape(real_images)[0]
        for _ in range(self.d_steps):
            z = tf.random.normal([batch_size, self.latent_dim])
            with tf.GradientTape() as tape:
                fake_images = self.generator(z, training=True)
                fake_logits = self.discriminator(fake_images, training=True)
                real_logits = self.discriminator(real_images, training=True)
                d_loss = self.game_loss.discriminator(real_logits, fake_logits)
                if self.penalty is not None:
                    d_loss += self.penalty(
                        lambda x: self.discriminator(x, training=True), real_images, fake_images
                    )
            gradient = tape.gradient(d_loss, self.discriminator.trainable_variables)
            self.d_optimizer.apply_gradients(
                zip(gradient, self.discriminator.trainable_variables, strict=True)
            )
        z = tf.random.normal([batch_size, self.latent_dim])
        with tf.GradientTape() as tape:
            fake_logits = self.discriminator(self.generator(z, training=True), training=True)
            real_logits = None
            if self.game_loss.relativistic:
                real_logits = self.discriminator(real_images, training=True)
            g_loss = self.game_loss.generator(real_logits, fake_logits)
        gradient = tape.gradient(g_loss, self.generator.trainable_variables)
        self.g_optimizer.apply_gradients(
            zip(gradient, self.generator.trainable_variables, strict=True)
        )
        return {"d_loss": d_loss, "g_loss": g_loss}
