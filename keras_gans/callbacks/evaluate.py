"""Scores of the generator while it trains, and the best checkpoint by one of them."""

import json
import pathlib
import types

import keras
import numpy as np

from keras_gans import files
from keras_gans.callbacks import checkpoint, folders, table
from keras_gans.metrics.evaluator import Evaluator
from keras_gans.metrics.protocol import Score
from keras_gans.models import sharing, strategy

DEFAULT = {True: ("fd", "kd", "precision", "recall"), False: ("modes", "high_quality")}
BEST = "best.json"


class Evaluate(keras.callbacks.Callback):
    """Score the generator at the end of every n-th epoch and of the training; keep the best state.

    Samples come from the averaged generator in inference mode, by the same seed each time, and are
    rounded to 8 bits as they are saved. The real images, their features and statistics are computed
    once and kept on disk. The scores enter the `logs` of the callbacks that stand after this one in
    the list (`fit` shows them, `History` writes them down), under the metrics' names: `fd`, `kd`,
    ... Training is the same with it as without, bit for bit.

    Under a strategy each replica generates its share of the samples and extracts their features.
    The chief scores them all, and writes; the other workers get its values.

    Args:
        metrics: names, such as ("fd", "kd", "precision", "recall"), which is what None means for
            images; ("modes", "high_quality") for points of a toy density.
        every: epochs between evaluations; 0 evaluates at the end of the training only.
        data: the real samples, a `datasets.Data`; None takes the first batch that `fit` gets, at
            most 256 samples, with its labels if it has them.
        extractor: as in `metrics.get_extractor`; "auto" is a classifier of `data`, trained when
            training begins or taken from the cache.
        samples: how many real and how many generated samples, at most as many as there are.
        best_metric: the one of the metrics that the best state is kept by; None takes the first.
        best_directory: where that state is kept as a checkpoint, with its scores in `best.json`;
            None keeps none.
        directory: where `evaluation.csv`, a row an evaluation, goes; None writes none. A resumed
            run goes on in the same file.
        seed: of the samples and of every random choice.
        cache: the folder of real features and statistics; None for $KERAS_GANS_CACHE, else
            ~/.cache/keras_gans.
        flags: what the run was started with, a JSON-ready dict for the best state's manifest.

    Attributes:
        rows: the evaluations so far, a dict each, with `epoch` and `step`.
        best: the `Score` of the best state so far, or None.

    Raises:
        ValueError: if a value cannot be; when training begins, if the data cannot be scored.

    Example:
        >>> gan = kg.GAN(*kg.networks.mlp((2,), latent_dim=4), latent_dim=4, seed=0)
        >>> gan.compile()
        >>> evaluate = Evaluate(("modes",), data=kg.datasets.load("ring"), samples=100)
        >>> history = gan.fit(np.eye(64, 2, dtype="float32"), callbacks=[evaluate], verbose=0)
        >>> list(history.history)[-1], evaluate.best.label
        ('modes', 'modes')
    """

    def __init__(
        self,
        metrics=None,
        every=1,
        data=None,
        extractor="auto",
        samples=2000,
        best_metric=None,
        best_directory=None,
        directory=None,
        seed=0,
        cache=None,
        flags=None,
    ):
        super().__init__()
        for name, value, least in (("every", every, 0), ("samples", samples, 1)):
            if int(value) != value or value < least:
                raise ValueError(f"{name} must be a whole number >= {least}, found {value!r}")
        metrics = (metrics,) if isinstance(metrics, str) else metrics and tuple(metrics)
        if best_metric and metrics and best_metric not in metrics:
            raise ValueError(
                f"best_metric must be one of the metrics {', '.join(metrics)}, found "
                f"{best_metric!r}"
            )
        self.every, self.samples, self.seed, self.cache = every, samples, seed, cache
        self.data, self.extractor, self.names = data, extractor, metrics
        self.best_metric = best_metric
        self.directory = None if directory is None else pathlib.Path(directory)
        self.best_directory = None if best_directory is None else pathlib.Path(best_directory)
        self.rows, self.best = [], None
        self.flags = flags
        self.evaluator, self._epoch, self._evaluated = None, 0, None
        self._kept, self._generate, self._writes = None, None, True

    def state(self):
        """Return what a checkpoint keeps."""
        return {"rows": self.rows, "best": self.best and self.best.to_dict()}

    def load_state(self, state):
        """Take up what a checkpoint kept; the table on the disk may be of a later step."""
        self.rows, self._kept = state["rows"], state

    def on_train_begin(self, logs=None):
        """Prepare the real samples; take up what the run has so far."""
        if self.evaluator is None:
            data = self.data if self.data is not None else self._first_batch()
            names = self.names or DEFAULT[len(data.samples.shape) == 4]
            self.best_metric = self.best_metric or names[0]
            self.evaluator = Evaluator(
                data, names, self.samples, self.extractor, self.seed, cache=self.cache
            )
            if self.best_metric not in self.evaluator.metrics:
                raise ValueError(
                    f"best_metric must be one of the metrics {', '.join(names)}, found "
                    f"{self.best_metric!r}"
                )
            self._share()
            self._take_up()
        self.rows = [row for row in self.rows if row["step"] <= self.model.step]
        self._evaluated = None

    def _share(self):
        """Prepare to let each replica do its share, if there are several."""
        here, evaluator = self.model.distribute_strategy, self.evaluator
        self._writes = strategy.worker(here) == 0
        if not strategy.is_distributed(here):
            return
        generate = sharing.shared_generator(self.model)
        self._generate = lambda game: generate(evaluator.n, self.seed)
        if evaluator.is_image:
            extractor = evaluator.extractor
            sharing.same_weights(here, extractor.network, extractor.weights_hash)
            evaluator.run = sharing.shared(here, extractor.run)

    def _first_batch(self):
        """Return what `fit` got as if it were a `Data`."""
        if self.model.first_batch is None:
            raise ValueError(
                "Evaluate(data=None) takes the first batch of the tf.data.Dataset or array that "
                "fit gets, found neither; give it data"
            )
        samples, labels = (None if x is None else np.asarray(x) for x in self.model.first_batch)
        if labels is not None and (labels.ndim != 1 or labels.dtype.kind not in "iu"):
            labels = None
        return types.SimpleNamespace(
            name="the first batch of fit",
            samples=samples,
            labels=labels,
            classes=(),
            num_classes=0 if labels is None else int(labels.max()) + 1,
            modes=None,
        )

    def _take_up(self):
        """Read the rows and the best score of the run that is resumed."""
        if self.directory and self._writes:
            self.rows = table.rows_until(
                self.model.step, self.rows, self.directory / "evaluation.csv"
            )
        self.rows = [row for row in self.rows if set(self.evaluator.metrics) <= set(row)]
        kept = self.best_directory and self.best_directory / BEST
        found = None
        if self._kept is not None:
            found = self._kept["best"]
        elif kept and kept.exists() and folders.steps(self.best_directory):
            found = json.loads(kept.read_text())
        if found is not None:
            best = Score.from_dict(found)
            expected = self.evaluator.manifest(best.manifest.n_fake, best.manifest.ema)
            alike = not expected.differences(best.manifest)
            if alike and best.metric == self.best_metric:  # else it does not compare: start anew
                self.best = best

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        self._epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Evaluate every n-th epoch."""
        if self.model.interrupted:
            return
        diverged = getattr(self.model, "diverged", False)
        if self.every and (epoch + 1) % self.every == 0 and not diverged:
            found = self.evaluate()
            if logs is not None:
                logs.update(found)

    def on_train_end(self, logs=None):
        """Evaluate what the training ended with, unless that was done."""
        if self.model.interrupted:
            return
        if self._evaluated != self.model.step and not getattr(self.model, "diverged", False):
            found = self.evaluate()
            if logs is not None:
                logs.update(found)

    def evaluate(self):
        """Score the generator now; return {metric: value}, empty if its samples are not finite."""
        game, evaluator = self.model, self.evaluator
        step, ema = game.step, game.ema_decay is not None
        samples = (self._generate or evaluator.generate)(game)
        self._evaluated = step
        if bad := int((~np.isfinite(samples)).reshape(len(samples), -1).any(axis=1).sum()):
            print(f"\nnot evaluated: {bad:,} of {len(samples):,} generated samples are not finite")
            return {}
        scores = self._scores(samples, ema, step)
        found = {score.metric: score.value for score in scores}
        row = {"epoch": self._epoch + 1, "step": step, **found}
        self.rows = [*(row for row in self.rows if row["step"] < step), row]
        self._write()
        self._keep_best(next(score for score in scores if score.metric == self.best_metric))
        return found

    def _scores(self, samples, ema, step):
        """Return the scores; those of the chief, on the other workers the values alone."""
        evaluator, here = self.evaluator, self.model.distribute_strategy
        names = evaluator.metrics
        if self._writes:
            scores = evaluator.scores(samples, "training", ema, step, keep=False, told=False)
            sharing.from_chief(here, [score.value for score in scores])
            return scores
        if evaluator.is_image:
            evaluator.features(samples, keep=False)  # its share of them, for the chief
        values = sharing.from_chief(here, np.zeros(len(names)))
        manifest = evaluator.manifest(len(samples), ema)
        return [
            Score(name, float(value), manifest, of="training", step=step)
            for name, value in zip(names, values, strict=True)
        ]

    def _write(self):
        if self.directory is None or not self._writes:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        names = ("epoch", "step", *self.evaluator.metrics)
        rows = [{name: row.get(name, "") for name in names} for row in self.rows]
        table.write_rows(self.directory / "evaluation.csv", rows)

    def _keep_best(self, score):
        """Keep this state if it is better than the best so far."""
        if self.best is not None and score.rank >= self.best.rank:
            return
        self.best = score
        if self.best_directory is None or not self._writes:
            return
        folder = self.best_directory
        checkpoint.save(self.model, folder, flags=self.flags)
        text = json.dumps(score.to_dict(), indent=1) + "\n"
        files.write(folder / BEST, text, durable=True)
        for other in folders.steps(folder):
            if other != score.step:
                folders.discard(folder, other)
