"""From a `Config` to a trained model and everything that a run leaves behind."""

import contextlib
import dataclasses
import errno
import math
import pathlib
import shutil
import tempfile

import keras
import numpy as np
import tensorflow as tf

from keras_gans import (
    callbacks,
    datasets,
    export,
    files,
    lock,
    metrics,
    model_card,
    networks,
    optimizers,
    penalties,
    resuming,
)
from keras_gans.callbacks import checkpoint, folders
from keras_gans.models import GAN, strategy

USER_ERRORS = (ValueError, OSError, MemoryError, tf.errors.ResourceExhaustedError)


def load_data(config):
    """Return the `Data` that a config names."""
    return datasets.load(
        config.dataset,
        image_size=config.image_size or None,
        data_dir=config.data_dir or None,
        seed=config.seed,
        on_corrupt=config.on_corrupt,
    )


def schedule(config, data):
    """Return (total steps, steps in an epoch).

    With `epochs`, an epoch is a pass over the data. With `steps`, it is a twentieth of them, so
    that progress is reported alike on small and on large data.
    """
    execution = config.least_execution
    if config.steps is not None:
        return config.steps, math.ceil(config.steps / 20 / execution) * execution
    in_pass = data.steps_per_pass(config.batch_size * config.discriminator_steps)
    if in_pass < execution:
        raise ValueError(
            f"--dataset={config.dataset} has {len(data)} samples, which makes {in_pass} steps a "
            f"pass at --batch_size={config.batch_size} and "
            f"--discriminator_steps={config.discriminator_steps}; expected at least "
            f"--steps_per_execution={execution}. Take smaller ones, or --steps."
        )
    in_epoch = in_pass // execution * execution
    return (config.epochs or 20) * in_epoch, in_epoch


def make_gan(config, shape, total_steps):
    """Return the compiled model for samples of a shape: (size, size, channels) or (d,)."""
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_tensor_float_32_execution(config.tf32)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.mixed_precision)
    try:
        generator, discriminator = _networks(config, shape)
        gan = GAN(
            generator, discriminator, config.latent_dim, packing=config.packing, seed=config.seed
        )
        rule = optimizers.dynamics.get(config.dynamics)
        updates = total_steps * rule.applications
        gan.compile(
            loss=config.loss,
            penalty=penalties.get(config.penalty, config.penalty_weight),
            generator_optimizer=_optimizer(config, config.generator_lr, updates),
            discriminator_optimizer=_optimizer(
                config,
                config.discriminator_lr,
                updates + total_steps * (config.discriminator_steps - 1),
            ),
            discriminator_steps=config.discriminator_steps,
            ema_decay=config.ema_decay or None,
            dynamics=rule,
            instance_noise=_noise(config, total_steps),
            jit_compile=config.jit_compile,
            steps_per_execution=config.steps_per_execution,
        )
    finally:
        keras.config.set_dtype_policy(before)
    return gan


def _noise(config, steps):
    """Return the schedule of the instance noise, or None without one."""
    if not config.instance_noise:
        return None
    return keras.optimizers.schedules.PolynomialDecay(config.instance_noise, steps, 0.0)


def _networks(config, shape):
    name = config.network
    if name == "auto":
        name = "dcgan" if len(shape) == 3 else "mlp"
    if name != "mlp" and len(shape) != 3:
        raise ValueError(
            f"--network={name} makes images, --dataset={config.dataset} has samples of shape "
            f"{shape}; use --network=mlp"
        )
    extra = {"depth": config.depth} if name == "mlp" else {}
    constraint = penalties.WeightClip(config.weight_clip) if config.weight_clip else None
    try:
        return networks.NAMES[name](
            shape,
            latent_dim=config.latent_dim,
            width=config.width,
            discriminator_norm=config.discriminator_norm,
            discriminator_constraint=constraint,
            packing=config.packing,
            **extra,
        )
    except ValueError as error:
        raise ValueError(
            f"--network={name} does not fit --dataset={config.dataset}: {error} "
            "(--image_size resizes)"
        ) from error


def _optimizer(config, learning_rate, steps):
    if config.lr_decay == "linear":
        learning_rate = keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, 0.0)
    elif config.lr_decay == "cosine":
        learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    if config.lr_decay != "none" and config.on_divergence == "rollback":
        learning_rate = callbacks.CutSchedule(learning_rate)
    if config.optimizer in ("adam", "optimistic_adam"):
        kinds = {"adam": keras.optimizers.Adam, "optimistic_adam": optimizers.OptimisticAdam}
        return kinds[config.optimizer](learning_rate, config.beta_1, config.beta_2)
    if config.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(learning_rate, rho=config.beta_2)
    if config.optimizer == "optimistic_sgd":
        return optimizers.OptimisticSGD(learning_rate)
    if config.optimizer == "negative_momentum":
        return optimizers.NegativeMomentum(learning_rate, momentum=-config.beta_1)
    return keras.optimizers.SGD(learning_rate, momentum=config.beta_1)


def make_callbacks(config, data, run):
    """Return the run's callbacks by name, in the order in which they must act."""
    watched = np.random.default_rng(config.seed).permutation(len(data))[:32]
    flags = dataclasses.asdict(config) | {"data_digest": data.digest}
    made = {
        "monitor": callbacks.StabilityMonitor(
            run / "logs",
            samples=datasets.data.to_float(data.samples[np.sort(watched)]),
            every=config.monitor_every,
            seed=config.seed,
            log_dir=run / "logs",
        ),
        "divergence": callbacks.StopOnDivergence(config.on_divergence, end_fit=True),
        "evaluate": callbacks.Evaluate(
            config.metric_names,
            config.evaluate_every,
            data,
            config.evaluate_extractor,
            config.evaluate_samples,
            config.best_metric or None,
            best_directory=run / "best",
            directory=run / "logs",
            seed=config.seed,
            flags=flags,
        ),
        "history": callbacks.History(run / "logs"),
        "samples": callbacks.SampleGrid(
            run / "samples",
            every=config.sample_every or 1,
            seed=config.seed,
            reference=None if data.is_image else data.samples[:2000],
            log_dir=run / "logs",
        ),
    }
    if not config.sample_every:
        del made["samples"]
    if not config.monitor_every:
        del made["monitor"]
    if not config.evaluate_every:
        del made["evaluate"]
    made["checkpoint"] = callbacks.Checkpoint(
        run / "checkpoints",
        config.checkpoint_every,
        keep=config.keep,
        every_steps=config.checkpoint_steps,
        # The workers save together, and their clocks differ.
        every_minutes=0.0 if config.strategy == "multi_worker" else config.checkpoint_minutes,
        callbacks=list(made.values()),
        flags=flags,
    )
    if config.profile:
        made["trace"] = callbacks.Trace(run / "logs", config.profile)
    made["signal"] = callbacks.StopOnSignal()
    return made


def train(config):
    """Train as the config says; write the run's folder; return the exit status.

    The folder `output_dir/name` gets `flags.txt`, `samples/`, `logs/`, `checkpoints/` and
    `export/`. A run that is there already is kept beside it under another name, unless `resume`.

    Returns:
        0; 1 if the training diverged; 128 + the signal's number if one stopped it.

    Raises:
        ValueError: if data, flags or a checkpoint cannot be used; it says which and why.
        FileNotFoundError: if there is nothing to resume.
    """
    distribution = strategy.make(config.strategy, config.replicas)  # before all else
    worker = strategy.worker(distribution)
    home = run = pathlib.Path(config.output_dir) / config.name
    with contextlib.ExitStack() as held:
        if worker:  # the chief alone writes to the run's folder; what the others write goes
            run = pathlib.Path(held.enter_context(tempfile.TemporaryDirectory())) / config.name
        if ours := run.is_dir():
            held.enter_context(lock.hold(run))
        if config.resume:
            resuming.check_flags(config, home)
        data = load_data(config)
        total, in_epoch = schedule(config, data)
        with _explained(config, home):
            if config.evaluate_every and config.evaluate_extractor == "auto" and data.is_image:
                metrics.features.check_labels(data, "--evaluate_extractor")
            with distribution.scope():
                gan = make_gan(config, data.shape, total)
            data.batches(config.batch_size, augment=config.augmentations)  # refuses, or not, first
            if not (config.resume or worker):
                ours = resuming.keep_earlier(run, ours, held)
            if not ours:
                files.make_folder(run)
                held.enter_context(lock.hold(run))
            made = make_callbacks(config, data, run)
            step = resuming.take_up(gan, data, home, made, worker) if config.resume else 0
            strategy.check_agreement(distribution, "the step to begin with", step)
            files.write(run / "flags.txt", config.to_flags(), durable=True)
            print(
                f"{run}: {data.name}, {len(data):,} samples of shape {data.shape}; steps {step:,} "
                f"to {total:,}; generator {gan.generator.count_params():,} and discriminator "
                f"{gan.discriminator.count_params():,} parameters",
                flush=True,
            )
            _fit(config, data, gan, made, total, in_epoch)
            if worker:
                print(f"worker {worker} ends at step {gan.step:,}; the files are worker 0's")
                return 1 if made["divergence"].reason else 0
            _say_skipped(data, run)
            model_card.write(run, gan, data)
            return _finish(config, gan, run, made)


def _fit(config, data, gan, made, total, in_epoch):
    """Train up to a step, or until something stops it."""
    kept = list(made.values())
    with contextlib.ExitStack() as held:
        if strategy.is_multi_worker(gan.distribute_strategy):
            kept.remove(made["signal"])  # what only one of the workers gets ends it
        else:
            held.enter_context(made["signal"].hold())
        _fit_parts(config, data, gan, made, kept, total, in_epoch)


def _fit_parts(config, data, gan, made, kept, total, in_epoch):
    """Call `fit` for what is left of an epoch, for whole ones, and for a rest."""
    if gan.step >= total:  # it ended within what is done after its last step: done again
        ended = keras.callbacks.CallbackList(kept, model=gan)
        ended.on_train_begin()
        ended.on_epoch_begin((gan.step - 1) // in_epoch)
        ended.on_train_end()
    while gan.step < total:
        (epoch, epochs, steps), *rest = segments(gan.step, total, in_epoch)
        dataset = data.batches(
            config.batch_size,
            seed=config.seed,
            start=gan.step * config.discriminator_steps,
            augment=config.augmentations,
        )
        gan.fit(
            dataset,
            initial_epoch=epoch,
            epochs=epochs,
            steps_per_epoch=steps,
            callbacks=[_Part(last=not rest), *kept],
            verbose="auto" if strategy.worker(gan.distribute_strategy) == 0 else 0,
        )
        if gan.stop_training and not _goes_on(made):
            break


class _Part(keras.callbacks.Callback):
    """Keep what is done at the end of the training from the end of each call of `fit`."""

    def __init__(self, last):
        super().__init__()
        self.last = last

    def on_train_end(self, logs=None):
        """Let the other callbacks know that the training goes on."""
        self.model.interrupted |= not self.last


@contextlib.contextmanager
def _explained(config, run):
    """Say what to do about a memory or a disk that is full."""
    try:
        yield
    except (MemoryError, OSError, tf.errors.OpError) as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        full = full or "No space left" in str(error)
        if isinstance(error, OSError) and not full:
            raise
        lost = config.strategy == "multi_worker" and strategy.lost_worker(error)
        if isinstance(error, tf.errors.OpError) and not (
            lost or isinstance(error, tf.errors.ResourceExhaustedError)
        ):
            raise
        known = folders.steps(run / "checkpoints")
        kept = f"the checkpoint of step {known[-1]:,} is kept" if known else "none was saved yet"
        if lost:
            raise ConnectionError(
                f"another worker is gone: {lost}; {kept}. Start all workers again, with --resume"
            ) from error
        if full:
            raise OSError(
                f"the disk is full: {_first_line(error)}; {kept}. Make room, then --resume"
            ) from error
        raise MemoryError(
            f"out of memory at --batch_size={config.batch_size}; {kept}. Start again with "
            f"--batch_size={max(1, config.batch_size // 2)} or less, or with a smaller --width. "
            f"({_first_line(error)})"
        ) from error


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _say_skipped(data, run):
    """Count the files that the training went without, and list them."""
    if data.skipped:
        files.write(run / "skipped.txt", "\n".join(data.broken) + "\n")
        print(f"{data.skipped} corrupt file(s) were skipped; {run / 'skipped.txt'} lists them")


def _goes_on(made):
    """Tell whether `fit` ended only because the training was rolled back."""
    stopped = made["divergence"].reason or made["signal"].signal is not None
    return made["divergence"].rolled_back and not stopped


def load_run(run, kind="last"):
    """Return the model of a run, with the state of its newest or of its best checkpoint.

    Args:
        run: the run's folder, such as `saved_models/wgan`.
        kind: "last", or "best" for what `Evaluate` kept.

    Raises:
        FileNotFoundError: if it holds no run, or no checkpoint.
        ValueError: if the checkpoint is damaged.
    """
    run = pathlib.Path(run)
    config = resuming.load_config(run)
    folder = run / {"last": "checkpoints", "best": "best"}[kind]
    if kind == "best" and not folders.steps(folder):
        raise FileNotFoundError(f"{run} has no best checkpoint; train.py --evaluate_every keeps it")
    path, manifest = folders.newest(folder)
    gan = make_gan(config, tuple(manifest["sample_shape"]), total_steps=1)
    checkpoint.load(gan, path, manifest)
    return gan


def segments(step, total, in_epoch):
    """Return (initial epoch, epochs, steps per epoch) of the calls of `fit` from step to total.

    A run that was stopped within an epoch first finishes it; the last epoch may be shorter.

    Example:
        >>> segments(3, 25, 10)
        [(0, 1, 7), (1, 2, 10), (2, 3, 5)]
    """
    calls = []
    while step < total:
        epoch, within = divmod(step, in_epoch)
        whole = (total - step) // in_epoch
        if within or not whole:
            count, steps = 1, min(in_epoch - within, total - step)
        else:
            count, steps = whole, in_epoch
        calls.append((epoch, epoch + count, steps))
        step += count * steps
    return calls


def _finish(config, gan, run, made):
    """Say how it ended; export what is worth it."""
    if made["divergence"].reason:
        good = folders.steps(run / "checkpoints")
        kept = (
            f"the last good checkpoint is of step {good[-1]:,}"
            if good
            else "no checkpoint was saved yet"
        )
        print(f"{made['divergence'].reason}; {kept}.")
        return 1
    if made["signal"].signal is not None:
        print(f"stopped at step {gan.step:,}; --resume goes on from there.")
        return 128 + made["signal"].signal
    for rest in (run / "export").glob(".tmp-*") if config.resume else ():  # of one that was killed
        shutil.rmtree(rest, ignore_errors=True)
    version = export.find(gan, run / "export") or export.export_generator(gan, run / "export")
    print(f"done: samples, logs and checkpoints are in {run}, the generator in {version}")
    return 0
