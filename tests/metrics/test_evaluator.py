import dataclasses
import itertools
import pathlib

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import keras_gans as kg
from keras_gans.metrics import (
    Evaluator,
    Extractor,
    class_coverage,
    make_classifier,
    train_classifier,
)

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
DATA = kg.datasets.load("digits")
PAIR = ("fd", "kd")


def untrained(shape=(8, 8, 1), seed=0):
    return Extractor(make_classifier(shape, 10, seed), "features", f"untrained {seed}")


def scored(evaluator, fake, **more):
    return {s.metric: s.value for s in evaluator.scores(fake, keep=False, told=False, **more)}


def noisy(images, deviation, seed=0):
    noise = np.random.default_rng(seed).normal(0, deviation, images.shape)
    return np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


def blurred(images, deviation):
    return np.round(gaussian_filter(images.astype(float), (0, deviation, deviation, 0))).astype(
        np.uint8
    )


# --- what must hold on real data ------------------------------------------------------------------


class Case:
    """Real images, others of the same kind, and an evaluator that knows the first."""

    def __init__(self, data, n, extractor, cache):
        order = np.random.default_rng(0).permutation(len(data))
        real, rest = order[:n], order[n:]
        self.labels, self.rest, self.n = data.labels[rest], data.samples[rest], n
        part = kg.datasets.Data(data.name, data.samples[real], data.labels[real], data.classes)
        self.evaluator = Evaluator(part, samples=n, extractor=extractor, cache=cache)
        self.fresh = self.rest[:n]

    def curve(self, *fakes):
        """Return {metric: values} of one set of images after the other."""
        rows = [scored(self.evaluator, fake) for fake in fakes]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def of_classes(self, count):
        """Return as many fresh images as can be, of the first classes alone, at most n."""
        return self.rest[self.labels < count][: self.n]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    model = train_classifier(DATA.samples, DATA.labels, steps=150, cache=cache, verbose=False)
    extractor = kg.metrics.Extractor(model, "features", "classifier:digits")
    return Case(DATA, 800, extractor, cache)


@pytest.fixture(scope="module")
def fashion():
    if not FASHION.exists():
        pytest.skip(f"{FASHION} is missing; the same is held on digits")
    data = kg.datasets.load(f"idx:{FASHION}")
    return Case(data, 5000, kg.metrics.Classifier(data), None)


@pytest.fixture(params=["digits", pytest.param("fashion", marks=pytest.mark.slow)])
def case(request):
    return request.getfixturevalue(request.param)


def rises(values, least=1.15):
    """Tell whether each value is clearly above the one before."""
    return all(b > max(least * a, 0.0) for a, b in itertools.pairwise(values))


def test_distances_rise_with_noise(case):
    found = case.curve(case.fresh, *(noisy(case.fresh, sd) for sd in (8, 32, 96)))
    for name in PAIR:
        assert rises(found[name][1:]) and found[name][0] < found[name][2], found[name]


def test_distances_rise_with_blur(case):
    # pixels of 28, or of 8, where strokes are a pixel wide and half a one changes next to nothing
    deviations = (0, 1, 2, 3) if case.fresh.shape[1] == 28 else (0, 0.6, 0.9, 1.2)
    found = case.curve(*(blurred(case.fresh, deviation) for deviation in deviations))
    for name in PAIR:
        assert rises(found[name]), found[name]


def test_distances_rise_and_recall_falls_with_dropped_classes(case):
    found = case.curve(*(case.of_classes(count) for count in (10, 8, 5, 2)))
    for name in PAIR:
        assert rises(found[name]), found[name]
    for name in ("recall", "coverage"):
        assert all(b < a - 0.02 for a, b in zip(found[name], found[name][1:], strict=False))
    assert min(found["precision"]) > found["precision"][0] - 0.03, found["precision"]


def test_real_against_real_is_near_nothing(case):
    found = case.curve(case.fresh, noisy(case.fresh, 96))
    assert found["fd"][0] < 0.1 * found["fd"][1]  # of 800 images, it is biased upwards
    assert abs(found["kd"][0]) < 0.05 * found["kd"][1]
    assert 0.4 < found["memorisation"][0] < 0.6
    for name in ("precision", "recall", "coverage"):
        assert found[name][0] > 0.8, name
    same = scored(case.evaluator, case.evaluator.images)
    assert same["fd"] < 1e-9 * np.trace(case.evaluator.real.moments[1])
    assert same["precision"] == same["recall"] == same["coverage"] == same["memorisation"] == 1.0


# --- the protocol ---------------------------------------------------------------------------------


def test_scores_carry_how_they_were_made(digits):
    scores = digits.evaluator.scores(digits.fresh[:500], of="x", ema=False, step=7, keep=False)
    assert [score.metric for score in scores if score.low is not None] == [
        *("fd", "kd", "precision", "recall", "coverage")
    ]
    for score in scores:
        assert score.of == "x" and score.step == 7
        if score.low is not None:
            assert score.low <= score.value <= score.high
    (manifest,) = {score.manifest for score in scores}
    expected = {
        "extractor": "classifier:digits",
        "weights": digits.evaluator.extractor.weights_hash,
        "dataset": "digits",
        "split": "train",
        "split_hash": kg.metrics.cache.digest(digits.evaluator.images),
        "n_real": 800,
        "n_fake": 500,
        "resize": "none",
        "seed": 0,
        "ema": False,
        "quantised": True,
        "version": kg.__version__,
    }
    assert dataclasses.asdict(manifest) == expected


def test_intervals_hold_what_other_samples_give(tmp_path):
    rng = np.random.default_rng(0)
    evaluator = Evaluator(DATA, PAIR, 600, untrained(), cache=tmp_path)
    sets = [noisy(DATA.samples[rng.permutation(1797)[:600]], 64, seed) for seed in range(12)]
    ends = [evaluator.scores(fake, keep=False) for fake in sets]
    for i in range(len(PAIR)):
        values = np.array([scores[i].value for scores in ends])
        halves = [(scores[i].high - scores[i].low) / 2 for scores in ends]
        # 1.96 times the deviation that other samples really show, within a factor of 2.5
        assert 0.4 < np.median(halves) / (1.96 * values.std(ddof=1)) < 2.5, PAIR[i]


def test_real_features_are_made_once_and_metrics_are_kept(tmp_path, monkeypatch):
    fake = noisy(DATA.samples[:50], 30)
    first = Evaluator(DATA, samples=60, extractor=untrained(), cache=tmp_path).scores(fake)
    kinds = sorted(path.name.split("-")[0] for path in tmp_path.iterdir())
    assert kinds == ["features"] * 2 + ["metric"] * 7 + ["statistics"] * 2
    with monkeypatch.context() as patch:
        patch.setattr(Extractor, "_batches", None)
        patch.setattr(kg.metrics.scoring, "frechet_distance", None)
        again = Evaluator(DATA, samples=60, extractor=untrained(), cache=tmp_path).scores(fake)
    assert again == first
    for path in tmp_path.glob("metric-*"):
        path.write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged and made again"):
        assert (
            Evaluator(DATA, samples=60, extractor=untrained(), cache=tmp_path).scores(fake) == first
        )
    other = Evaluator(DATA, samples=60, extractor=untrained(), seed=1, cache=tmp_path)
    assert other.scores(fake)[0].value != first[0].value


def test_generated_images_are_rounded_as_they_are_saved_unless_asked(tmp_path):
    floats = np.random.default_rng(0).uniform(-1, 1, (60, 8, 8, 1)).astype(np.float32)
    evaluator, exact = (
        Evaluator(DATA, ("fd",), 60, untrained(), quantize=quantize, cache=tmp_path)
        for quantize in (True, False)
    )
    rounded = scored(evaluator, floats)["fd"]
    assert rounded == scored(evaluator, kg.export.to_uint8(floats))["fd"]
    assert rounded != scored(exact, floats)["fd"] == pytest.approx(rounded, rel=1e-2)
    assert not exact.manifest(60).quantised


def test_images_are_the_averaged_generator_s_in_inference_mode(tmp_path):
    networks = kg.networks.dcgan((8, 8, 1), latent_dim=4, width=4)
    gan = kg.GAN(*networks, latent_dim=4, seed=0)
    gan.compile(ema_decay=0.5)
    for weight in gan.generator.weights:
        weight.assign(weight + 0.3)
    evaluator = Evaluator(DATA, ("fd",), 40, untrained(), seed=5, cache=tmp_path)
    z = kg.noise.latents(40, 4, 5)
    for ema, network in ((True, gan.ema_generator), (False, gan.generator)):
        expected = network(z, training=False)
        np.testing.assert_allclose(evaluator.generate(gan, ema), expected, atol=1e-6)


def test_copies_are_looked_for_among_more_images_than_are_scored(tmp_path):
    fake = DATA.samples[:1797:12]
    few = Evaluator(DATA, ("memorisation",), 60, untrained(), cache=tmp_path)
    more = Evaluator(DATA, ("memorisation",), 60, untrained(), cache=tmp_path, reference=5000)
    assert len(more.reference) == 1797 and set(few.picks) <= set(more.reference_picks)
    assert scored(few, fake)["memorisation"] < 0.8 < 1.0 == scored(more, fake)["memorisation"]
    assert more.scores(fake)[0].settings == {"train": 1797}


def test_points_get_their_modes_counted():
    data = kg.datasets.load("ring")
    evaluator = Evaluator(data, samples=1000)
    scores = evaluator.scores(data.samples[:1000])
    assert [s.value for s in scores[:1]] == [8.0] and scores[1].value > 0.97
    assert [s.label for s in scores] == ["modes", "high quality", "reverse KL"]
    one = evaluator.scores(np.tile(data.modes[:1], (1000, 1)))
    assert one[0].value == 1.0 and one[2].value == pytest.approx(np.log(8))
    with pytest.raises(ValueError, match=r"found 3 of 5 with NaN or inf"):
        evaluator.scores(np.array([[0, 0], [np.nan, 0], [0, np.inf], [1, 1], [np.nan] * 2]))


def test_the_classes_that_are_made_are_told(digits, tmp_path):
    ones = digits.rest[digits.labels == 1]
    for extractor in (digits.evaluator.extractor, untrained()):
        evaluator = Evaluator(DATA, ("fd",), 800, extractor, cache=tmp_path)
        rows = class_coverage(evaluator, evaluator.features(ones))
        assert [row["class"] for row in rows] == list("0123456789")
        assert rows[1]["fake"] > 0.9 and rows[1]["coverage"] > 0.5
        assert all(row["coverage"] < 0.1 for row in rows if row["class"] not in "18")
        assert sum(row["real"] for row in rows) == pytest.approx(1.0)


SMALL = kg.datasets.Data("few", DATA.samples[:15], DATA.labels[:15])
POINTS = kg.datasets.Data("line", np.zeros((50, 2), np.float32))


@pytest.mark.parametrize(
    ("data", "values", "words"),
    [
        (SMALL, {}, ["20 samples", "found 15", "few"]),
        (DATA, {"samples": 10}, ["20 samples", "found 10"]),
        (POINTS, {}, ["line", "without known modes"]),
        (DATA, {"metrics": ("fid",)}, ["metrics fid", "fd, kd", "digits"]),
        (DATA, {"metrics": ("fd", "fd")}, ["metrics fd, fd", "different"]),
        (DATA, {"metrics": ()}, ["metrics none"]),
        (DATA, {"metrics": ("modes",)}, ["modes", "images such as digits"]),
        (kg.datasets.load("ring"), {"metrics": ("fd",)}, ["fd", "points such as ring"]),
    ],
)
def test_what_cannot_be_scored_is_named(data, values, words):
    with pytest.raises(ValueError) as error:
        Evaluator(data, extractor=untrained(), **values)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize(
    ("fake", "words"),
    [
        (np.zeros((50, 9, 9, 1), np.uint8), ["(9, 9, 1)", "(8, 8, 1)", "--image_size"]),
        (np.zeros((19, 8, 8, 1), np.uint8), ["20 generated images", "found 19"]),
        (np.full((50, 8, 8, 1), 3.0), ["generated images", "[-1, 1]"]),
        (np.full((50, 8, 8, 1), np.nan), ["generated images", "NaN"]),
    ],
)
def test_generated_images_that_cannot_be_scored_are_named(fake, words):
    evaluator = Evaluator(DATA, ("fd",), 50, untrained(), cache=False)
    with pytest.raises(ValueError) as error:
        evaluator.scores(fake)
    assert all(word in str(error.value) for word in words), error.value


def test_a_score_of_probabilities_needs_some():
    evaluator = Evaluator(DATA, ("is",), 50, untrained(), cache=False)
    with pytest.raises(ValueError, match=r"'is' needs probabilities.*untrained 0"):
        evaluator.scores(DATA.samples[:50])


def test_fid_of_few_samples_warns(monkeypatch):
    extractor = untrained()
    extractor.name = "InceptionV3"
    evaluator = Evaluator(DATA, PAIR, 50, extractor, cache=False)
    with pytest.warns(UserWarning, match=r"FID of 50 samples is biased.*KID"):
        assert [s.label for s in evaluator.scores(DATA.samples[:50])] == ["FID", "KID"]
