"""Scores that carry how they were made, and are ranked only with those made alike."""

import dataclasses
import json
import math
import pathlib

from keras_gans import files
from keras_gans._version import __version__

# name: (how it is called on Inception's features, on others, what is better)
NAMES = {
    "fd": ("FID", "FD", "lower"),
    "kd": ("KID", "KD", "lower"),
    "is": ("IS", "CS", "higher"),  # classifier score: the Inception score of another classifier
    "precision": ("precision", "precision", "higher"),
    "recall": ("recall", "recall", "higher"),
    "density": ("density", "density", "higher"),
    "coverage": ("coverage", "coverage", "higher"),
    "memorisation": ("memorisation", "memorisation", "near 0.5"),
    "swd": ("sliced Wasserstein", "sliced Wasserstein", "lower"),
    "ms_ssim": ("MS-SSIM", "MS-SSIM", "lower"),
    "modes": ("modes", "modes", "higher"),
    "high_quality": ("high quality", "high quality", "higher"),
    "reverse_kl": ("reverse KL", "reverse KL", "lower"),
}
_ON_PIXELS = ("ms_ssim",)
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Manifest:
    """How a score was made. Scores are ranked only if all of it is the same.

    Args:
        extractor: its name, such as "InceptionV3" or "classifier:digits"; "none" for points.
        weights: SHA-256 of the extractor.
        dataset: the real data's name, without where they lie.
        split: the part of them, such as "train".
        split_hash: SHA-256 of the real samples that were used.
        n_real, n_fake: how many samples of each, >= 1.
        resize: how images were resized for the extractor, in words.
        seed: of the generated samples and of every random choice.
        ema: whether the averaged generator made them; None if that is not known.
        quantised: whether generated images were rounded to 8 bits.
        version: of keras_gans.

    Example:
        >>> manifest = Manifest("none", "", "ring", "all", "ab12", 2500, 2500, seed=0)
        >>> manifest.differences(dataclasses.replace(manifest, n_fake=100))
        {'n_fake': (100, 2500)}
    """

    extractor: str
    weights: str
    dataset: str
    split: str
    split_hash: str
    n_real: int
    n_fake: int
    resize: str = "none"
    seed: int = 0
    ema: bool | None = True
    quantised: bool = True
    version: str = __version__

    def differences(self, other):
        """Return {field: (the other's value, this one's)} of all fields that differ."""
        names = [field.name for field in dataclasses.fields(self)]
        pairs = {name: (getattr(other, name), getattr(self, name)) for name in names}
        return {
            name: (found, expected)
            for name, (found, expected) in pairs.items()
            if found != expected
        }


@dataclasses.dataclass(frozen=True)
class Score:
    """One number about one generator, and how it was made.

    Args:
        metric: its name, one of `NAMES`.
        value: the number, finite.
        manifest: how it was made.
        low, high: the ends of its 95% interval; None where none was computed.
        settings: the metric's own arguments, such as {"k": 3}.
        of: which generator it is about, such as "saved_models/wgan".
        step: the generator updates that it had made; None if that is not known.

    Raises:
        ValueError: if the metric is unknown or the value not finite.

    Example:
        >>> manifest = Manifest("classifier:digits", "c0ff", "digits", "train", "ab", 1000, 1000)
        >>> score = Score("fd", 3.14, manifest)
        >>> score.label, score.better
        ('FD (classifier:digits)', 'lower')
    """

    metric: str
    value: float
    manifest: Manifest
    low: float | None = None
    high: float | None = None
    settings: dict = dataclasses.field(default_factory=dict)
    of: str = ""
    step: int | None = None

    def __post_init__(self):
        if self.metric not in NAMES:
            raise ValueError(f"unknown metric {self.metric!r}; known are {', '.join(NAMES)}")
        if not math.isfinite(self.value):
            raise ValueError(f"{self.metric} of {self.of or 'a generator'} is {self.value}")

    @property
    def label(self):
        """The name to print; only InceptionV3's distance is called FID."""
        inception = self.manifest.extractor == "InceptionV3"
        name = NAMES[self.metric][0 if inception else 1]
        plain = inception or self.metric in _ON_PIXELS or self.manifest.extractor == "none"
        return name if plain else f"{name} ({self.manifest.extractor})"

    @property
    def better(self):
        """What is better: "lower", "higher" or "near 0.5"."""
        return NAMES[self.metric][2]

    @property
    def rank(self):
        """A number that is the smaller, the better the score is."""
        return {"lower": self.value, "higher": -self.value}.get(self.better, abs(self.value - 0.5))

    @property
    def warning(self):
        """What to know before the number is believed; empty if nothing."""
        n = min(self.manifest.n_real, self.manifest.n_fake)
        if self.metric == "fd" and self.manifest.extractor.startswith("InceptionV3") and n < 10_000:
            return (
                f"{self.label} of {n:,} samples is biased upwards, the more so the fewer there "
                "are; below 10,000 take KID (kd), which is not"
            )
        return ""

    def to_dict(self):
        """Return what JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values):
        """Make the score again from `to_dict()`."""
        return cls(**values | {"manifest": Manifest(**values["manifest"])})


def compare(scores):
    """Return scores of one metric, best first; refuse to rank what was not made alike.

    Args:
        scores: two or more `Score`s.

    Returns:
        A list of them.

    Raises:
        ValueError: if metric, its settings or any field of the manifests differ; it says which
            field, what was found and what was expected, which is what the first score has.

    Example:
        >>> manifest = Manifest("classifier:digits", "c0ff", "digits", "train", "ab", 1000, 1000)
        >>> a, b = (Score("fd", value, manifest, of=of) for value, of in ((3.0, "a"), (2.0, "b")))
        >>> [score.of for score in compare([a, b])]
        ['b', 'a']
        >>> fewer = dataclasses.replace(manifest, n_fake=100)
        >>> compare([a, Score("fd", 4.0, fewer, of="c")])
        Traceback (most recent call last):
        ...
        ValueError: fd of 'c' cannot be ranked with that of 'a': n_fake: found 100, expected 1000
    """
    scores = list(scores)
    if len(scores) < 2:
        raise ValueError(f"two scores or more can be compared, found {len(scores)}")
    first = scores[0]
    for score in scores[1:]:
        differences = {
            name: (getattr(score, name), getattr(first, name))
            for name in ("metric", "settings")
            if getattr(score, name) != getattr(first, name)
        } | first.manifest.differences(score.manifest)
        if differences:
            told = "; ".join(
                f"{name}: found {found}, expected {expected}"
                for name, (found, expected) in differences.items()
            )
            raise ValueError(
                f"{score.metric} of {score.of!r} cannot be ranked with that of {first.of!r}: {told}"
            )
    return sorted(scores, key=lambda score: score.rank)


def compare_all(sets):
    """Return {metric: scores, best first} of the metrics that all sets of scores have.

    Args:
        sets: two or more lists of `Score`s, such as `load_scores` returns.

    Raises:
        ValueError: as `compare`; if the sets have no metric in common.
    """
    by_metric = [{score.metric: score for score in scores} for scores in sets]
    common = [name for name in NAMES if all(name in found for found in by_metric)]
    if not common:
        names = " and ".join(", ".join(found) or "none" for found in by_metric)
        raise ValueError(f"scores with a metric in common can be compared, found {names}")
    return {name: compare([found[name] for found in by_metric]) for name in common}


def save_scores(path, scores, **more):
    """Write scores as JSON, and beside them what else JSON can hold."""
    content = {"format": FORMAT, "scores": [score.to_dict() for score in scores]} | more
    files.write(path, json.dumps(content, indent=1) + "\n")


def load_scores(path):
    """Return the scores of a file that `save_scores` wrote.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it holds something else.
    """
    try:
        content = json.loads(pathlib.Path(path).read_text())
        if content["format"] != FORMAT:
            raise ValueError(f"found format {content['format']}, expected {FORMAT}")
        return [Score.from_dict(values) for values in content["scores"]]
    except (KeyError, TypeError, ValueError) as error:  # JSON's errors are ValueErrors
        raise ValueError(f"{path}: it holds no scores ({error})") from error
