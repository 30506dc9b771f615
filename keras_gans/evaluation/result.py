"""What an evaluation is made from, and everything that it found."""

import csv
import dataclasses
import functools
import json
import pathlib

import numpy as np

from keras_gans import datasets, export
from keras_gans.config import Config
from keras_gans.metrics.class_coverage import class_coverage
from keras_gans.metrics.evaluator import LEAST, Evaluator
from keras_gans.metrics.features import get_extractor
from keras_gans.metrics.memorisation import memorisation
from keras_gans.metrics.protocol import NAMES, Score

FOLDER, BEST = "evaluation", "best.json"


@dataclasses.dataclass(eq=False)
class Result:
    """Everything that an evaluation found.

    Args:
        of: which generator it is about.
        evaluator: the `Evaluator` that scored it.
        fake: the generated samples as they were scored.
        scores: a list of `Score`.
        rows: evaluations during training, dicts with `epoch`, `step` and metrics; or empty.
        best: the `Score` that the run's best checkpoint was kept by, or None.
    """

    of: str
    evaluator: Evaluator
    fake: np.ndarray
    scores: list
    rows: list
    best: Score | None = None

    @functools.cached_property
    def features(self):
        """The `Features` of the generated images."""
        return self.evaluator.features(self.fake)

    @functools.cached_property
    def memorised(self):
        """What `memorisation` found against the training images."""
        return memorisation(self.evaluator.reference.values, self.features.values)

    @functools.cached_property
    def classes(self):
        """The rows of `class_coverage`; empty without labels."""
        if not self.evaluator.is_image or self.evaluator.labels is None:
            return []
        return class_coverage(self.evaluator, self.features)


def load_real(config):
    """Return the real data that a `config.Evaluation` names, or that its run was trained on.

    Raises:
        ValueError: if they cannot be told or used; it names the flag.
        FileNotFoundError: if a folder or file is missing.
    """
    if config.real:
        return _folder(config.real, "--real", config)
    if config.dataset:
        return datasets.load(
            config.dataset, config.image_size or None, config.data_dir or None, config.seed
        )
    path = pathlib.Path(config.run or config.saved_model)
    beside = (path, *path.resolve().parents[:2])
    flags = next((f / "flags.txt" for f in beside if (f / "flags.txt").exists()), None)
    if flags is None and config.run:
        raise FileNotFoundError(f"--run={path} holds no run: it has no flags.txt")
    if flags is None:
        raise ValueError(f"--saved_model={path} is of no run; give --dataset or --real=DIR")
    run = Config.from_flags(flags.read_text())
    return datasets.load(
        run.dataset,
        config.image_size or run.image_size or None,
        config.data_dir or run.data_dir or None,
        run.seed,
        run.on_corrupt,
    )


def evaluate(config, data, gan=None):
    """Return the `Result` of what a `config.Evaluation` asks for.

    Args:
        config: the options.
        data: the real samples, a `datasets.Data`.
        gan: the run's model; None where the options name no run.

    Raises:
        ValueError: if something cannot be scored; it says what.
        OSError: if a file cannot be read.
    """
    extractor, wanted = config.extractor, config.metric_names or None
    given = _folder(config.fake, "--fake", config).samples if config.fake else None
    if data.is_image:
        extractor = get_extractor(
            extractor, data, config.weights or None, config.weights_sha256 or None
        )
    evaluator = Evaluator(
        data,
        wanted,
        config.samples if given is None else min(config.samples, max(LEAST, len(given))),
        extractor,
        config.seed,
        config.quantize,
        progress=True,
        reference=config.reference,
    )
    n, of, ema, step, rows, best = evaluator.n, "", None, None, [], None
    print(f"{n:,} samples", flush=True)
    if gan is not None:
        of = config.run if config.checkpoint == "last" else f"{config.run} (best)"
        ema, step = config.ema and gan.ema_decay is not None, gan.step
        fake = evaluator.generate(gan, config.ema)
        rows, best = _history(pathlib.Path(config.run))
    elif config.saved_model:
        of, fake = (
            config.saved_model,
            export.load_exported(config.saved_model).sample(n, config.seed),
        )
    else:
        picks = np.random.default_rng(config.seed).permutation(len(given))[:n]
        of, fake = config.fake, given[np.sort(picks)]
    scores = evaluator.scores(fake, of, ema, step)
    return Result(of, evaluator, fake, scores, rows, best)


def _folder(directory, flag, config):
    """Return the `Data` of a folder; what is wrong with it is told by the flag that named it."""
    try:
        return datasets.load(f"folder:{directory}", config.image_size or None)
    except (ValueError, FileNotFoundError) as error:
        told = str(error).replace(f"--dataset=folder:{directory}", f"{flag}={directory}")
        raise type(error)(told) from error


def _history(run):
    """Return the evaluations during a run, and the score of its best checkpoint or None."""
    rows, best = [], None
    if (run / "logs" / "evaluation.csv").exists():
        with open(run / "logs" / "evaluation.csv", newline="") as file:
            rows = [
                {k: float(v) for k, v in row.items() if k in (*NAMES, "epoch", "step")}
                for row in csv.DictReader(file)
            ]
    if (run / "best" / BEST).exists():
        best = Score.from_dict(json.loads((run / "best" / BEST).read_text()))
    return rows, best
