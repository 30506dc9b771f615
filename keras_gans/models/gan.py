"""The game of two networks, as a Keras model: the only `train_step` of the library."""

import contextlib
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_gans import losses, penalties
from keras_gans.gradients import after
from keras_gans.layers import spectral_layers
from keras_gans.models import autotune, checks, compiled, execution, feed, passes, strategy
from keras_gans.models.logs import Logs
from keras_gans.models.saving import SavedWhole, copy
from keras_gans.models.scores import Scores
from keras_gans.models.strategy import Distributed
from keras_gans.models.swapping import Swappable, swapped
from keras_gans.noise import Noise, WholeNoise, latents
from keras_gans.optimizers import dynamics as game_dynamics
from keras_gans.optimizers import fused
from keras_gans.packing import pack
from keras_gans.precision import full

AT_ONCE = 16  # batches that one call of the compiled function draws


@keras.saving.register_keras_serializable("keras_gans")
class GAN(Distributed, SavedWhole):
    """A generator and a discriminator that are trained against each other by `fit`.

    One step of `fit` is `discriminator_steps` updates of the discriminator, each on samples and
    noise of its own, and then one update of the generator:

        D <- D - lr ∇_D [loss.discriminator(D(x), D(G(z))) + penalty],   k times
        G <- G - lr ∇_G  loss.generator(D(x), D(G(z))),                  once

    That is the alternating dynamics; `compile` takes others.

    Families of GANs override the hooks: `unpack`, `synthesize`, `discriminate`,
    `discriminator_losses`, `generator_losses`, `generator_variables`, `discriminator_variables`.
    The two loss hooks return a dict of named scalars; their sum is minimised and each is logged
    (its name belongs in `log_names`).

    Args:
        generator: a `keras.Model` from latents [B, latent_dim] to samples.
        discriminator: a `keras.Model` from samples to logits, without a sigmoid.
        latent_dim: length of a latent vector, drawn from N(0, I).
        seed: seed of all the model's noise; None takes one from the operating system.
        packing: m, how many samples the discriminator judges at a time, joined along their last
            axis: it then takes m times as many channels. Against mode collapse (PacGAN).
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: if the three do not fit together.

    Example:
        >>> generator, discriminator = kg.networks.mlp((2,), latent_dim=4)
        >>> gan = GAN(generator, discriminator, latent_dim=4, seed=0)
        >>> gan.compile(loss="non_saturating", penalty="r1")
        >>> history = gan.fit(np.zeros([64, 2], "float32"), batch_size=32, verbose=0)
        >>> gan.generate(3, seed=0).shape
        (3, 2)

    Reference: Goodfellow et al., arXiv:1406.2661, algorithm 1; k critic steps: Arjovsky et al.,
    arXiv:1701.07875, algorithm 1; packing: Lin et al., arXiv:1712.04086, section 3.
    """

    log_names = ("d_loss", "penalty", "g_loss", "real_logits", "fake_logits")
    generator, noise, _training = Swappable(), Swappable(), Swappable()

    def __init__(self, generator, discriminator, latent_dim, seed=None, packing=1, **kwargs):
        super().__init__(**kwargs)
        checks.check_networks(generator, discriminator, latent_dim, packing)
        self.generator = generator
        self.discriminator = discriminator
        self.ema_generator = copy(generator)
        self.latent_dim = int(latent_dim)
        self.packing = int(packing)
        self.seed = seed
        self.noise = Noise(seed)
        self._seed_generator = self.noise.generator  # an attribute, so that Keras tracks it
        self._test_noise = WholeNoise(0)  # replicas together see what one device would
        self._logs = Logs(self.log_names)
        self._scores = Scores()
        for layer in spectral_layers(generator) + spectral_layers(discriminator):
            layer.advance_on_call = False  # train_step does it, once per update
        # Whether passes may be joined; a family that overrides the hook may mix samples in it.
        self.judges_apart = passes.apart(discriminator) and _is_own(self.discriminate)
        self.synthesizes_apart = passes.apart(generator) and _is_own(self.synthesize)
        self._training = True
        self._checked = False
        self._sample = None
        self.first_batch = None
        self.interrupted = False  # whether `fit` ends only to be gone on with
        self.built = True

    # --- what a family overrides -----------------------------------------------------------------

    def unpack(self, batch):
        """Return (real, condition) from what the dataset yields; condition may be None."""
        if isinstance(batch, (tuple, list)):
            if not batch or any(part is not None for part in batch[2:]):
                raise ValueError(
                    f"the dataset gives tuples of {len(batch)}, expected samples, or (samples, "
                    "condition); sample weights are not supported"
                )
            return batch[0], batch[1] if len(batch) > 1 else None
        return batch, None

    def synthesize(self, real, condition=None):
        """Return as many generated samples as `real` has, from fresh noise."""
        return full(self.generator(self._latents(real), training=self._training))

    def discriminate(self, x, condition=None):
        """Return the discriminator's logits for samples, float32."""
        return full(self.discriminator(x, training=self._training))

    def discriminator_losses(self, real, fake, condition=None):
        """Return the terms of the discriminator's loss, a dict of float32 scalars."""
        penalty = self.penalty if self._training else None
        judged = passes.Judged(self, real, fake, condition, penalty)
        real_logits, fake_logits = judged.real_logits, judged.fake_logits
        self.log(real_logits=tf.reduce_mean(real_logits), fake_logits=tf.reduce_mean(fake_logits))
        terms = {"d_loss": self.loss.discriminator(real_logits, fake_logits)}
        if penalty is not None:
            terms["penalty"] = penalty(judged, real, fake, self.noise)
        return terms

    def generator_losses(self, real, fake, condition=None):
        """Return the terms of the generator's loss, a dict of float32 scalars."""
        real_logits = self.discriminate(real, condition) if self.loss.relativistic else None
        return {"g_loss": self.loss.generator(real_logits, self.discriminate(fake, condition))}

    @property
    def generator_variables(self):
        """The variables that the generator's optimizer updates."""
        return self.generator.trainable_variables

    @property
    def discriminator_variables(self):
        """The variables that the discriminator's optimizer updates."""
        return self.discriminator.trainable_variables

    # --- the step --------------------------------------------------------------------------------

    def train_step(self, data):
        """Update the discriminator on each of k parts of the batch, then the generator once."""
        return self._step(*self.unpack(data))

    def _whole_step(self, real, condition):
        logs = self.dynamics.step(self, feed.parts((real, condition), self.discriminator_steps))
        self._update_ema()
        return self._logs.update(*logs)

    def synthesize_parts(self, parts):
        """Return the samples of all the discriminator's updates, where one pass makes them.

        That is so where no sample depends on the others; else the list has None for each part, and
        each update makes its own.
        """
        if len(parts) < 2 or not self.synthesizes_apart:
            return [None] * len(parts)
        # Drawn part by part, so that replicas together have the numbers that one device has.
        latents = tf.concat([self._latents(real) for real, _ in parts], 0)
        return tf.split(full(self.generator(latents, training=self._training)), len(parts))

    def _latents(self, real):
        return self.noise.normal([tf.shape(real)[0], self.latent_dim])

    def update_discriminator(self, real, condition, fake=None):
        """Update the discriminator on a part of the batch; return its logs."""
        gradients, logs = self.discriminator_gradients(real, condition, fake)
        self.apply(gradients, None)
        return logs

    def update_generator(self, real, condition):
        """Update the generator on a part of the batch; return its logs."""
        gradients, logs = self.generator_gradients(real, condition)
        self.apply(None, gradients)
        return logs

    def discriminator_gradients(self, real, condition, fake=None):
        """Return the gradient of the discriminator's loss, a list, and its logs."""
        _advance_spectral(self.discriminator)
        if fake is None:
            fake = self.synthesize(real, condition)
        with tf.GradientTape() as tape:
            terms = self.discriminator_losses(self._show(real), self._show(fake), condition)
            objective = self._objective(terms, self.discriminator_optimizer)
        return tape.gradient(objective, self.discriminator_variables), self._logs.take()

    def generator_gradients(self, real, condition, against=None):
        """Return the gradient of the generator's loss, a list, and its logs.

        `against(real, fake, condition)` is a context in which the discriminator is another.
        """
        _advance_spectral(self.generator)
        with tf.GradientTape() as tape:
            fake = self.synthesize(real, condition)
            batch = self._show(real), self._show(fake), condition
            with against(*batch) if against else contextlib.nullcontext():
                self._logs.take()  # what was logged on the way there is no part of the step
                terms = self.generator_losses(*batch)
            objective = self._objective(terms, self.generator_optimizer)
        return tape.gradient(objective, self.generator_variables), self._logs.take()

    def apply(self, discriminator_gradients, generator_gradients):
        """Let the players' optimizers apply their gradients; None leaves a player alone."""
        with after(discriminator_gradients or (), generator_gradients or ()):
            if discriminator_gradients is not None:
                optimizer = self.discriminator_optimizer
                fused.apply(optimizer, discriminator_gradients, self.discriminator_variables)
            if generator_gradients is not None:
                fused.apply(self.generator_optimizer, generator_gradients, self.generator_variables)

    def _show(self, x):
        """Return samples as the discriminator gets to see them: noisy and packed, if so chosen."""
        if self.instance_noise is not None and self._training:
            x = x + tf.cast(self.noise_level() * self.noise.normal(tf.shape(x)), x.dtype)
        return pack(x, self.packing)

    def noise_level(self):
        """Return the standard deviation of the instance noise at this step, a float32 scalar."""
        level = self.instance_noise
        if callable(level):
            level = level(self.generator_optimizer.iterations // self.dynamics.applications)
        return tf.cast(0.0 if level is None else level, tf.float32)

    def test_step(self, data):
        """Return the losses on a batch; leave networks, penalty and training noise alone.

        The metrics of `compile` see the batch and as many samples of the averaged generator.
        """
        with self._evaluating():
            real, condition = self.unpack(data)
            fake = self._show(self.synthesize(real, condition))
            shown = self._show(real)
            self.log(**self.discriminator_losses(shown, fake, condition))
            self.log(**self.generator_losses(shown, fake, condition))
        if self._scores.metrics:
            with self._evaluating(self._scores.noise), self._averaged():
                fake = self.synthesize(real, condition)
            self._scores.update(real, fake)
        return self._logs.update(self._logs.take())

    def evaluate(self, *args, **kwargs):
        """Return the losses on data, as `keras.Model` does; the noise is the same each time."""
        self._test_noise.restart()
        return super().evaluate(*args, **kwargs)

    @contextlib.contextmanager
    def _averaged(self):
        """Let the hooks find the averaged generator where the generator is."""
        with swapped(self, generator=self.sampler):
            yield

    @contextlib.contextmanager
    def _evaluating(self, noise=None):
        """Let the hooks run in inference mode, on noise of their own."""
        with swapped(self, _training=False, noise=noise or self._test_noise):
            yield

    def log(self, **scalars):
        """Report scalars by name: `fit` shows their means over the epoch."""
        self._logs.note(**scalars)

    def _objective(self, terms, optimizer):
        """Log the terms; return their sum as the optimizer wants it differentiated."""
        self.log(**terms)
        # Gradients are summed over replicas, and float16 needs the loss scaled up.
        total = tf.add_n(list(terms.values())) / self.distribute_strategy.num_replicas_in_sync
        return optimizer.scale_loss(total)

    def _update_ema(self):
        """Ema <- decay * ema + (1 - decay) * weights, BatchNorm's statistics included."""
        if self.ema_decay is None:
            return
        for average, weight in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            average.assign_sub((1.0 - self.ema_decay) * (average - weight))

    # --- Keras's own methods ---------------------------------------------------------------------

    def compile(
        self,
        loss="non_saturating",
        penalty=None,
        generator_optimizer=None,
        discriminator_optimizer=None,
        discriminator_steps=1,
        ema_decay=None,
        dynamics="alternating",
        instance_noise=None,
        jit_compile="auto",
        steps_per_execution=1,
        run_eagerly=False,
        metrics=None,
    ):
        """Choose the objective and how it is optimised.

        Args:
            loss: a `keras_gans.losses` object or its name.
            penalty: a `keras_gans.penalties` object or its name, or None.
            generator_optimizer: a Keras optimizer; None is `Adam(2e-4, beta_1=0.5)`.
            discriminator_optimizer: another one; None is `Adam(2e-4, beta_1=0.5)`.
            discriminator_steps: discriminator updates per generator update, >= 1.
            ema_decay: decay of the averaged generator that `generate` uses, in [0, 1); None
                averages nothing, and `generate` uses the generator as it is.
            dynamics: how the players move against each other: a `keras_gans.optimizers.Dynamics`
                or its name.
            instance_noise: standard deviation of the Gaussian noise that the discriminator sees on
                real and on generated samples, >= 0; or a Keras schedule of it over the steps.
            jit_compile: True compiles the step by XLA; `"auto"` does so on a GPU.
            steps_per_execution: steps in one call of the compiled function, >= 1; `"auto"` lets
                `fit` choose by the work of a step, so many that they divide the epoch.
            run_eagerly: True runs Python line by line, for debugging.
            metrics: a list of Keras metrics that `evaluate`, and `fit` on its `validation_data`,
                update with real samples and as many of the averaged generator:
                `keras_gans.metrics.FrechetDistance(extractor)`, ...

        Raises:
            ValueError: if a value cannot be; it says what can.
        """
        if int(discriminator_steps) != discriminator_steps or discriminator_steps < 1:
            raise ValueError(
                f"discriminator_steps must be a whole number >= 1, found {discriminator_steps!r}"
            )
        if ema_decay is not None and not 0.0 <= ema_decay < 1.0:
            raise ValueError(f"ema_decay must be None or lie in [0, 1), found {ema_decay!r}")
        if not (instance_noise is None or callable(instance_noise) or instance_noise >= 0.0):
            raise ValueError(
                f"instance_noise must be None, a number >= 0 or a Keras schedule, found "
                f"{instance_noise!r}"
            )
        if jit_compile is True and strategy.is_distributed(self.distribute_strategy):
            raise ValueError("jit_compile=True compiles steps of one device; use 'auto' or False")
        self._chooses_execution = steps_per_execution == "auto"
        if isinstance(steps_per_execution, str) and not self._chooses_execution:
            raise ValueError(
                f'steps_per_execution must be a whole number >= 1 or "auto", found '
                f"{steps_per_execution!r}"
            )
        super().compile(
            optimizer=None,
            jit_compile=jit_compile,
            steps_per_execution=1 if self._chooses_execution else steps_per_execution,
            run_eagerly=run_eagerly,
        )
        self._scores = Scores(metrics, taken=self.log_names)
        self.loss = losses.get(loss)
        self.penalty = penalties.get(penalty)
        self.discriminator_steps = int(discriminator_steps)
        self.ema_decay = ema_decay
        self.instance_noise = instance_noise
        self.generator_optimizer = self._optimizer(generator_optimizer)
        self.discriminator_optimizer = self._optimizer(discriminator_optimizer)
        if self.generator_optimizer is self.discriminator_optimizer:
            raise ValueError("the two players need an optimizer each, found the same object twice")
        strategy.check_scope(self)
        self.generator_optimizer.build(self.generator_variables)
        self.discriminator_optimizer.build(self.discriminator_variables)
        self.dynamics = game_dynamics.get(dynamics)
        self.dynamics.build(self)
        self._step = self._whole_step
        if not (run_eagerly or tf.distribute.has_strategy()):  # which lets no function hold `apply`
            # As a function that is not inlined, no part of a step runs before its data are there:
            # at the end of the data, Keras's step would else draw noise and move counters.
            self._step = tf.function(
                self._whole_step, autograph=False, experimental_attributes={"_noinline": True}
            )
        self._compile_arguments = {
            "loss": self.loss,
            "penalty": self.penalty,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "discriminator_steps": self.discriminator_steps,
            "ema_decay": ema_decay,
            "dynamics": self.dynamics,
            "instance_noise": instance_noise,
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
            "run_eagerly": run_eagerly,
        }
        self._checked = False

    def _optimizer(self, identifier):
        optimizer = keras.optimizers.get(
            identifier or keras.optimizers.Adam(learning_rate=2e-4, beta_1=0.5)
        )
        scaled = keras.optimizers.LossScaleOptimizer
        if self.dtype_policy.name == "mixed_float16" and not isinstance(optimizer, scaled):
            optimizer = scaled(optimizer)
        return optimizer

    def fit(self, x=None, y=None, batch_size=None, epochs=1, shuffle=True, **kwargs):
        """Train, as `keras.Model.fit` does.

        Args:
            x: a `tf.data.Dataset` of batches of samples, or of (samples, condition); or an array
                of samples. Samples are floating, images NHWC in [-1, 1].
            y: the condition (labels) where x is an array and the model wants one.
            batch_size: where x is an array, samples in each update; 32 if None.
            epochs: where the data ends after an epoch, passes over the data.
            shuffle: where x is an array, whether to shuffle it each epoch.
            **kwargs: as in `keras.Model.fit`: `callbacks`, `steps_per_epoch`, `initial_epoch`,
                `validation_data`, `verbose`, ...

        With `discriminator_steps=k` and batches of B, a step takes k*B samples: each discriminator
        update sees new ones. What is left over at the end of an epoch is dropped.

        Raises:
            ValueError: if the data cannot be trained on; it says what was found and expected.
        """
        self._assert_compile_called("fit")
        self.interrupted = False
        if kwargs.get("validation_split"):
            raise ValueError("validation_split is not supported; give validation_data instead")
        checks.check_fit(x, y, batch_size, epochs, kwargs.get("steps_per_epoch"))
        if feed.is_array(x):
            x = feed.from_arrays(x, y, batch_size or 32, self.discriminator_steps, shuffle)
        elif isinstance(x, tf.data.Dataset):
            x = feed.rebatch(x, self.discriminator_steps)
        if isinstance(x, tf.data.Dataset):
            batch = feed.first(x, self.discriminator_steps)
            self.check_batch(batch)
            if self._chooses_execution:
                in_epoch = kwargs.get("steps_per_epoch") or int(x.cardinality())
                size = len(tf.nest.flatten(batch)[0]) // self.discriminator_steps
                eager = self.run_eagerly
                self._execute(1 if eager else execution.choose(self, size, in_epoch))
            x = strategy.distribute(x, self.distribute_strategy, self.discriminator_steps)
            self.first_batch = tf.nest.map_structure(  # for callbacks that watch on real samples
                lambda t: None if t is None else t[:256], self.unpack(batch)
            )
        else:
            strategy.check_source(x, self.distribute_strategy)
            x = feed.peek(x, self.check_batch)
        with warnings.catch_warnings():
            if kwargs.get("steps_per_epoch") is None:  # a last batch that is dropped is no surprise
                warnings.filterwarnings("ignore", "Your input ran out of data")
            return super().fit(x, epochs=epochs, shuffle=False, **kwargs)

    def _execute(self, steps):
        """Let each call of the compiled functions make so many steps."""
        if steps != self.steps_per_execution:
            self.steps_per_execution = steps
            self.train_function = self.test_function = self.predict_function = None

    def train_on_batch(self, x, y=None, **kwargs):
        """Make one step on one batch of `discriminator_steps` * B samples."""
        self._assert_compile_called("train_on_batch")
        self.check_batch(x if y is None else (x, y))
        if self._chooses_execution:
            self._execute(1)
        return super().train_on_batch(x, y, **kwargs)

    def check_batch(self, batch):
        """Look once, before the first step, at what would go wrong silently or obscurely.

        Raises:
            ValueError: if there is such a thing; it says what was found and expected.
        """
        if self._checked:
            return
        real, condition = self.unpack(batch)
        checks.check_samples(real, self.discriminator, self.packing, self.generator)
        checks.check_packing(len(real), self.discriminator_steps, self.packing)
        if self.penalty is not None:
            autotune.tune(self, real, condition)
            real, condition = _first(4 * self.packing, real, condition)
            with self._evaluating():
                real = self._show(real)
                fake = tf.random.stateless_normal(tf.shape(real), seed=[0, 0])
                checks.check_reach(
                    self.penalty,
                    lambda x: self.discriminate(x, condition),
                    real,
                    fake,
                    self.discriminator,
                )
        self._checked = True

    @property
    def step(self):
        """How many steps the generator has made."""
        return int(self.generator_optimizer.iterations.numpy()) // self.dynamics.applications

    def call(self, latent, training=False):
        """Return samples for latents [B, latent_dim], from the averaged generator if there is."""
        return self.sampler(latent, training=training)

    @property
    def sampler(self):
        """The generator to sample from: the averaged one where `ema_decay` is set."""
        averaged = getattr(self, "ema_decay", None) is not None
        return self.ema_generator if averaged else self.generator

    def generate(self, n, seed=None, batch_size=64, ema=True):
        """Return n samples as a float32 NumPy array [n, ...], images in [-1, 1].

        Args:
            n: how many, >= 1.
            seed: the same seed gives the same samples, and a larger n keeps the first ones; None
                gives new ones at each call.
            batch_size: how many at a time.
            ema: False samples from the generator as it is.

        Raises:
            ValueError: if n < 1, or the seed is out of [0, 2**31).
        """
        if n < 1:
            raise ValueError(f"generate(n) needs n >= 1, found {n!r}")
        if seed is None:
            seed = np.random.SeedSequence().generate_state(1)[0] >> 1
        if not 0 <= seed < 2**31:
            raise ValueError(f"generate(seed=...) must lie in [0, 2**31), found {seed!r}")
        generator = self.sampler if ema else self.generator
        if self._sample is None or self._sample[0] is not generator:

            def draw(latent):
                return tf.cast(generator(latent, training=False), tf.float32)

            several = tf.function(
                lambda batches: tf.map_fn(draw, batches, parallel_iterations=1),
                input_signature=[tf.TensorSpec([None, None, self.latent_dim], tf.float32)],
            )
            self._sample = generator, several
        z = latents(n, self.latent_dim, int(seed))
        whole = n // batch_size * batch_size
        batches = tf.reshape(z[:whole], [-1, batch_size, self.latent_dim])
        made = [self._sample[1](batches[i : i + AT_ONCE]) for i in range(0, len(batches), AT_ONCE)]
        if whole < n:
            made.append(self._sample[1](z[None, whole:]))
        return np.concatenate([part.numpy().reshape(-1, *part.shape[2:]) for part in made])

    @property
    def metrics(self):
        """The means that `fit` shows, and the metrics of `compile`."""
        return [*self._means, *self._scores.metrics]

    @property
    def _means(self):
        hidden = {"penalty"} if getattr(self, "penalty", None) is None else set()
        return [mean for name, mean in self._logs.means.items() if name not in hidden]

    def reset_metrics(self):
        """Reset the means and the metrics, and start the metrics' noise anew."""
        super().reset_metrics()
        self._scores.reset()

    def make_train_function(self, force=False):
        """Make the function that `fit` calls."""
        if self.train_function is None or force:
            super().make_train_function(force)
            together = self.jit_compile and self.steps_per_execution > 1 and not self.run_eagerly
            if together and not strategy.is_distributed(self.distribute_strategy):
                self.train_function = compiled.join(self, self.train_function)

    def make_test_function(self, force=False):
        """Make the function that `evaluate` calls; it runs eagerly where a metric has Python in it.

        Python that calls a `tf.function` from within another waits for ever on a single core.
        """
        run_eagerly = self.run_eagerly
        self.run_eagerly = run_eagerly or not self._scores.compilable
        try:
            return super().make_test_function(force)
        finally:
            self.run_eagerly = run_eagerly

    def _get_metrics_result_or_logs(self, logs):
        """Return an epoch's logs: the metrics of `compile` are dear, and asked at the end only."""
        means = {mean.name: mean.result() for mean in self._means}
        return {**(means if means.keys() == logs.keys() else logs), **self._scores.results()}


def _is_own(method):
    """Tell whether a method is `GAN`'s, not a family's."""
    return method.__func__ is getattr(GAN, method.__name__)


def _advance_spectral(network):
    for layer in spectral_layers(network):
        layer.advance()


def _first(n, *tensors):
    """Return the first n samples of each tensor; None stays None."""
    return [None if t is None else tf.convert_to_tensor(t)[:n] for t in tensors]
