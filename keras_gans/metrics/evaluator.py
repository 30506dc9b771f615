"""From generated samples to scores: what is computed on what, under one protocol."""

import functools
import warnings

import numpy as np

from keras_gans.metrics import cache as disk
from keras_gans.metrics import intervals
from keras_gans.metrics.features import get_extractor, short_name
from keras_gans.metrics.mode_coverage import mode_coverage
from keras_gans.metrics.preprocess import pixels
from keras_gans.metrics.protocol import Manifest, Score
from keras_gans.metrics.scoring import GROUPS, Side

OF_IMAGES = (
    *("fd", "kd", "is", "precision", "recall", "density", "coverage", "memorisation"),
    *("swd", "ms_ssim"),
)
OF_POINTS = ("modes", "high_quality", "reverse_kl")
_TELL = 5000  # images, from which on metrics take long enough to be told of
LEAST = 20  # samples; below, nothing can be said


class Evaluator:
    """Scores generators against real samples: the same ones, in the same way, each time.

    Real images are a draw without replacement from the data, by `seed`. Generated images are
    rounded to 8 bits exactly as they are saved. Both pass through the extractor; real features and
    statistics are computed once and kept on disk. Of a toy density with known modes, modes are
    counted in place of all that.

    Args:
        data: a `datasets.Data`: images, or points of a toy density.
        metrics: names of `protocol.NAMES`; None takes all that fit the data.
        samples: n, how many real and how many generated samples; at most as many as there are.
        extractor: a name as in `get_extractor`, or an `Extractor`.
        seed: of the draw, the generated samples and every random choice.
        quantize: False leaves generated images as floats.
        cache: the folder; None for $KERAS_GANS_CACHE, else ~/.cache/keras_gans; False for none.
        progress: whether long work prints lines.
        reference: how many training images copies are looked for among; None for the n real ones.
        run: what extracts the features of generated images, see `Extractor.extract`.

    Raises:
        ValueError: if a metric does not fit the data, there are too few samples, or no extractor
            can be made; it says which flag helps.

    Example:
        >>> data = kg.datasets.load("ring")
        >>> scores = Evaluator(data, samples=1000).scores(data.samples[:1000], of="the data")
        >>> [score.metric for score in scores]
        ['modes', 'high_quality', 'reverse_kl']
    """

    def __init__(
        self,
        data,
        metrics=None,
        samples=10_000,
        extractor="auto",
        seed=0,
        quantize=True,
        cache=None,
        progress=False,
        reference=None,
        run=None,
    ):
        self.run = run
        self.data, self.seed, self.quantize = data, seed, quantize
        self.cache, self.progress = cache, progress
        self.is_image = len(data.samples.shape) == 4
        if not self.is_image and data.modes is None:
            raise ValueError(
                f"{data.name} has points without known modes, of which nothing can be scored; "
                "expected images, or a toy density"
            )
        self.metrics = _chosen(metrics, self.is_image, data.name)
        if samples < LEAST or len(data.samples) < LEAST:
            raise ValueError(
                f"at least {LEAST} samples are needed, found {min(samples, len(data.samples))} "
                f"({data.name} has {len(data.samples):,}, asked for {samples:,})"
            )
        self.n = min(samples, len(data.samples)) if self.is_image else samples
        order = np.random.default_rng(seed).permutation(len(data.samples))
        self.picks = np.sort(order[: self.n])
        self.reference_picks = np.sort(order[: max(self.n, reference or 0)])
        if self.is_image:
            self.extractor = get_extractor(extractor, data, cache=cache)
            self.images = pixels(data.samples[self.picks], data.name, quantize)
            if "is" in self.metrics and metrics is None and not self._gives_probabilities():
                self.metrics = tuple(name for name in self.metrics if name != "is")

    def _gives_probabilities(self):
        return len(self.extractor.network.outputs) > 1

    @property
    def labels(self):
        """The labels of the real samples, or None."""
        return None if self.data.labels is None else self.data.labels[self.picks]

    @functools.cached_property
    def real(self):
        """The real images and what was computed from them."""
        side = self._side(self.images, "real", self.cache)
        side.reference = lambda: self.reference
        return side

    @functools.cached_property
    def reference(self):
        """The `Features` of the training images that copies are looked for among."""
        if len(self.reference_picks) == self.n:
            return self.real.features
        images = pixels(self.data.samples[self.reference_picks], self.data.name, self.quantize)
        return self._side(images, "training", self.cache).features

    def features(self, images, keep=True):
        """Return the `Features` of generated images as they are scored.

        Args:
            images: uint8, or floats in [-1, 1], [n, h, w, c] of the real images' shape.
            keep: whether to keep them in the cache.

        Raises:
            ValueError: if there are too few, they are of another shape or range, or a feature is
                not finite.
        """
        return self._side(
            self._checked(images), "generated", self.cache if keep else False
        ).features

    def _checked(self, images):
        images = pixels(images, "generated images", self.quantize)
        if images.shape[1:] != self.images.shape[1:]:
            raise ValueError(
                f"generated images have the shape {images.shape[1:]}, the real ones of "
                f"{self.data.name} {self.images.shape[1:]}; --image_size resizes folders"
            )
        if len(images) < LEAST:
            raise ValueError(f"at least {LEAST} generated images are needed, found {len(images)}")
        return images

    def _side(self, images, kind, cache):
        progress = f"{kind} images" if self.progress else ""
        run = self.run if kind == "generated" else None
        return Side(images, self.extractor.extract(images, None, cache, progress, run), cache)

    def manifest(self, n_fake, ema=True):
        """Return the `Manifest` of scores of so many generated samples."""
        split = self.data.name.split(":")[2:]  # tfds:NAME:SPLIT
        common = {
            "dataset": short_name(self.data.name),
            "split": (":".join(split) if self.data.name.startswith("tfds:") else "") or "train",
            "n_fake": n_fake,
            "seed": self.seed,
            "ema": ema,
        }
        if not self.is_image:
            truth = [np.asarray(self.data.modes), np.asarray(self.data.sigma)]
            if self.data.weights is not None:
                truth.append(np.asarray(self.data.weights))
            found = disk.digest(*truth)
            return Manifest("none", "", split_hash=found, n_real=0, quantised=False, **common)
        return Manifest(
            extractor=self.extractor.name,
            weights=self.extractor.weights_hash,
            split_hash=disk.digest(self.images),
            n_real=self.n,
            resize=self.extractor.resizing(self.images.shape[1:]),
            quantised=self.quantize,
            **common,
        )

    def generate(self, gan, ema=True):
        """Return n samples of a GAN in inference mode, from the averaged generator unless asked."""
        return gan.generate(self.n, seed=self.seed, batch_size=min(512, self.n), ema=ema)

    def scores(self, fake, of="", ema=True, step=None, keep=True, told=True):
        """Return the `Score`s of generated samples, in the order of the metrics.

        Args:
            fake: images as in `features`, or points [n, d].
            of: which generator made them.
            ema: whether it was the averaged one; None if that is not known.
            step: the generator updates that it had made.
            keep: whether features and metrics are kept in the cache.
            told: False leaves out the intervals that take time.

        Raises:
            ValueError: if the samples cannot be scored; it says why.
        """
        if not self.is_image:
            found, settings = self._of_points(fake), {"sigmas": 3.0}
            settings = dict.fromkeys(found, settings)
        else:
            found, settings = self._of_images(self._checked(fake), keep, told)
        manifest = self.manifest(len(fake), ema)
        scores = [
            Score(name, value, manifest, low, high, settings[name], of, step)
            for name, (value, low, high) in found.items()
            if name in self.metrics
        ]
        scores.sort(key=lambda score: self.metrics.index(score.metric))
        for score in scores:
            if score.warning:
                warnings.warn(score.warning, stacklevel=2)
        return scores

    def _of_points(self, points):
        points = np.asarray(points)
        finite = np.isfinite(points).reshape(len(points), -1).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"generated points must be finite, found {int((~finite).sum())} of {len(points):,} "
                "with NaN or inf"
            )
        data = self.data
        covered = mode_coverage(points, data.modes, data.sigma, data.weights)
        quality = covered.high_quality
        return {
            "modes": (float(covered.modes), None, None),
            "high_quality": (quality, *intervals.of_share(quality, len(points))),
            "reverse_kl": (covered.reverse_kl, None, None),
        }

    def _of_images(self, images, keep, told):
        cache = self.cache if keep else False
        fake = self._side(images, "generated", cache)
        found, settings = {}, {}
        for names, arguments, compute in GROUPS:
            if not set(names) & set(self.metrics):
                continue
            if names == ("is",) and fake.features.probabilities is None:
                raise ValueError(
                    f"metric 'is' needs probabilities, which the extractor {self.extractor.name} "
                    "does not give; a classifier or inception does"
                )
            if self.progress and len(images) >= _TELL:
                print(f"{', '.join(names)} of {len(images):,} generated images", flush=True)
            if names == ("memorisation",):
                arguments = {"train": len(self.reference)}
            found |= self._kept(names, arguments, compute, fake, cache, told)
            settings |= dict.fromkeys(names, arguments)
        return found, settings

    def _kept(self, names, arguments, compute, fake, cache, told):
        """Return {name: (value, low, high)} of a group, from the cache if there."""
        about = [list(names), arguments, self.real.features.key, fake.features.key]
        about += [self.seed, told]
        if names == ("memorisation",):
            about.append(self.reference.key)
        what = disk.digest(*about)

        def make():
            made = compute(self.real, fake, self.seed, told)
            return {name: np.array(ends, np.float64) for name, ends in made.items()}

        def check(arrays):
            if set(arrays) != set(names) or any(a.shape != (3,) for a in arrays.values()):
                raise ValueError("it holds other metrics")

        kept = disk.cached(f"metric-{what[:24]}", make, cache, check)
        return {
            name: tuple(None if np.isnan(end) else float(end) for end in ends)
            for name, ends in kept.items()
        }


def _chosen(metrics, is_image, where):
    """Return the names of metrics, a tuple, or raise if one does not fit."""
    known = OF_IMAGES if is_image else OF_POINTS
    if metrics is None:
        return known
    metrics = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    wrong = [name for name in metrics if name not in known]
    if wrong or not metrics or len(set(metrics)) < len(metrics):
        kind = "images" if is_image else "points"
        raise ValueError(
            f"metrics {', '.join(metrics) or 'none'}: expected different names of "
            f"{', '.join(known)}, those of {kind} such as {where}"
        )
    return metrics
