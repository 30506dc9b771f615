"""Both players watched while they train: scalars for the logs, and one figure of the run."""

import io
import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_gans import files
from keras_gans.callbacks.instruments import Instruments, oscillation
from keras_gans.callbacks.table import rows_until, write_rows
from keras_gans.callbacks.tensorboard import Board

PANELS = {
    "gradient norm": ("d_gradient", "g_gradient", "gradient_ratio"),
    "discriminator": ("d_accuracy", "d_saturation"),
    "|∇D| (Lipschitz)": ("lipschitz_max", "lipschitz_mean"),
    "samples": ("diversity", "duplicates"),
    "logits": ("logit_gap", "oscillation"),
}
NAMES = tuple(name for names in PANELS.values() for name in names)


class StabilityMonitor(keras.callbacks.Callback):
    """Measure how the game stands, on a fixed batch of real samples and fixed latents.

    The measurements are those of `keras_gans.callbacks.instruments.Instruments`, on the generator
    in training, and `oscillation`: the deviation of the last `window` values of `logit_gap` from
    their least-squares line, in logits. They enter the `logs` of the callbacks that stand after
    this one in the list, so put it first; then `fit` shows them, `History` writes them down and
    `StopOnDivergence` acts on them. Training is the same with it as without, bit for bit.

    Args:
        directory: where `stability.csv`, a row a measurement, and `stability.png`, drawn when the
            training ends, go; None writes neither. A resumed run goes on in the same files.
        samples: real samples [n, ...], or (samples, condition); None takes the first batch that
            `fit` gets.
        every: epochs between measurements; 0 measures at no epoch's end.
        every_steps: generator updates between measurements; 0 measures at no step.
        n: how many of the samples are used, >= 2. The cost grows with it.
        features: function of samples to features, in TensorFlow operations, in which `diversity`
            and `duplicates` take distances; None takes the samples as they are.
        window: measurements that `oscillation` looks back on, >= 3.
        seed: of latents and interpolation.
        log_dir: where TensorBoard looks; None, or no TensorBoard installed, writes none.

    Attributes:
        rows: the measurements so far, a dict each, with `epoch` and `step`.

    Raises:
        ValueError: if a value cannot be; when training begins, if there are no samples.

    Example:
        >>> gan = kg.GAN(*kg.networks.mlp((2,), latent_dim=4), latent_dim=4)
        >>> gan.compile(penalty="r1")
        >>> monitor = StabilityMonitor()
        >>> _ = gan.fit(np.eye(64, 2, dtype="float32"), callbacks=[monitor], verbose=0)
        >>> monitor.rows[0]["step"], monitor.rows[0]["d_saturation"]
        (2, 0.0)
    """

    def __init__(
        self,
        directory=None,
        samples=None,
        every=1,
        every_steps=0,
        n=32,
        features=None,
        window=10,
        seed=0,
        log_dir=None,
    ):
        super().__init__()
        for name, value, least in (
            *(("every", every, 0), ("every_steps", every_steps, 0)),
            *(("n", n, 2), ("window", window, 3)),
        ):
            if int(value) != value or value < least:
                raise ValueError(f"{name} must be a whole number >= {least}, found {value!r}")
        self.directory = None if directory is None else pathlib.Path(directory)
        self.samples, self.every, self.every_steps = samples, every, every_steps
        self.n, self.features, self.window, self.seed = n, features, window, seed
        self.rows = []
        self._instruments, self._made_for = None, None
        self._epoch, self._last_step, self._latest = 0, 0, {}
        self._before = None, {}
        self._board = Board(log_dir, "stability")

    def state(self):
        """Return what a checkpoint keeps."""
        return {"rows": self.rows, "epoch": self._epoch, "latest": self._latest}

    def load_state(self, state):
        """Take up what a checkpoint kept."""
        self.rows, self._before = state["rows"], (state["epoch"], state["latest"])

    def on_train_begin(self, logs=None):
        """Prepare the measurement; take up the rows of the run so far."""
        game, made_for = self.model, self.model._compile_arguments
        if self._made_for is not made_for:
            self._instruments = Instruments(game, *self._batch(), self.features, self.seed)
            self._made_for = made_for
        self._last_step = game.step
        if self.directory is None:
            self.rows = [row for row in self.rows if row["step"] <= game.step]
        else:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.rows = rows_until(game.step, self.rows, self.directory / "stability.csv")
        if self._board.begin(again=bool(self.rows) or self._before[0] is not None):
            for row in self.rows:
                self._show(row)

    def _batch(self):
        """Return (real, condition), the first `n` of them."""
        batch = self.model.first_batch
        if self.samples is not None:
            batch = self.model.unpack(self.samples)
        if batch is None:
            raise ValueError(
                "StabilityMonitor(samples=None) takes the first batch of the tf.data.Dataset or "
                "array that fit gets, found neither; give it samples"
            )
        real, condition = tf.nest.map_structure(
            lambda x: None if x is None else tf.convert_to_tensor(x[: self.n]), tuple(batch)
        )
        return tf.cast(real, tf.float32) if real.dtype.is_floating else real, condition

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        began, latest = self._before
        self._epoch, self._latest = epoch, latest if epoch == began else {}
        self._before = None, {}

    def on_train_batch_end(self, batch, logs=None):
        """Measure if `every_steps` generator updates were made since the last time."""
        if not self.every_steps:
            return
        step = self.model.step
        if step // self.every_steps != self._last_step // self.every_steps:
            self._latest = self.measure()
            if logs is not None:
                logs.update(self._latest)
        self._last_step = step

    def on_epoch_end(self, epoch, logs=None):
        """Measure every n-th epoch; else report what the epoch's steps gave."""
        if self.model.interrupted:
            return
        if self.every and (epoch + 1) % self.every == 0:
            self._latest = self.measure()
        if logs is not None:
            logs.update(self._latest)

    def on_train_end(self, logs=None):
        """Draw the figure."""
        if self.directory is not None and self.rows:
            draw(self.rows, self.directory / "stability.png")

    def measure(self):
        """Measure now; return a dict of floats."""
        found = self._instruments.measure()
        gaps = [row["logit_gap"] for row in self.rows][-(self.window - 1) :]
        found["oscillation"] = oscillation([*gaps, found["logit_gap"]])
        found = {name: found[name] for name in NAMES}
        self.rows.append({"epoch": self._epoch + 1, "step": self.model.step, **found})
        if self.directory is not None:
            write_rows(self.directory / "stability.csv", self.rows)
        self._show(self.rows[-1])
        return found

    def _show(self, row):
        """Let TensorBoard have a row."""
        for name in NAMES:
            self._board.scalar(f"stability/{name}", row[name], row["step"])


def draw(rows, path):
    """Draw measurements over the steps as a PNG, a panel for each of `PANELS`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 2 * len(PANELS)), dpi=100, layout="tight")
    panels = figure.subplots(len(PANELS), sharex=True)
    steps = [row["step"] for row in rows]
    for panel, (title, names) in zip(panels, PANELS.items(), strict=True):
        for name in names:
            values = np.array([row[name] for row in rows], float)
            panel.plot(steps, values, marker=".", linewidth=1, label=name)
        if title.startswith(("gradient", "|")) and any(row[n] > 0 for row in rows for n in names):
            panel.set_yscale("log")
        if title == "discriminator":
            panel.set_ylim(-0.05, 1.05)
        if title == "samples":
            panel.axhline(1.0, color="gray", linestyle=":", linewidth=1)  # as diverse as real ones
            panel.set_ylim(bottom=-0.05)
        panel.set_ylabel(title)
        panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel("step (generator updates)")
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    files.write(path, picture.getvalue())
