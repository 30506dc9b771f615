import dataclasses
import json

import pytest

import keras_gans as kg
from keras_gans import config
from keras_gans.metrics import (
    Manifest,
    Score,
    compare,
    compare_all,
    evaluator,
    load_scores,
    protocol,
    save_scores,
)

MANIFEST = Manifest("classifier:digits", "c0ff", "digits", "train", "ab12", 1000, 2000, "none", 3)
OTHERS = {
    "extractor": "InceptionV3",
    "weights": "beef",
    "dataset": "mnist",
    "split": "test",
    "split_hash": "cd34",
    "n_real": 999,
    "n_fake": 1999,
    "resize": "bicubic",
    "seed": 4,
    "ema": False,
    "quantised": False,
    "version": "0.0.1",
}


def score(metric="fd", value=1.0, of="a", manifest=MANIFEST, **more):
    return Score(metric, value, manifest, of=of, **more)


def test_every_field_of_a_manifest_is_tried():
    assert set(OTHERS) == {field.name for field in dataclasses.fields(Manifest)}
    assert MANIFEST.version == kg.__version__


@pytest.mark.parametrize("field", OTHERS)
def test_scores_that_were_made_otherwise_are_not_ranked(field):
    other = dataclasses.replace(MANIFEST, **{field: OTHERS[field]})
    with pytest.raises(ValueError) as error:
        compare([score(), score(of="b", manifest=other)])
    expected = getattr(MANIFEST, field)
    told = f"fd of 'b' cannot be ranked with that of 'a': {field}: found {OTHERS[field]}, expected"
    assert str(error.value) == f"{told} {expected}"


def test_all_fields_that_differ_are_named_and_any_score_is_looked_at():
    other = dataclasses.replace(MANIFEST, seed=9, n_fake=5)
    with pytest.raises(ValueError, match=r"n_fake: found 5, expected 2000; seed: found 9"):
        compare([score(), score(of="b"), score(of="c", manifest=other)])


def test_other_metrics_and_settings_are_not_ranked():
    with pytest.raises(ValueError, match="metric: found kd, expected fd"):
        compare([score(), score("kd")])
    with pytest.raises(ValueError, match=r"settings: found \{'k': 5\}, expected \{'k': 3\}"):
        compare([score("recall", settings={"k": 3}), score("recall", settings={"k": 5})])
    with pytest.raises(ValueError, match="two scores or more can be compared, found 1"):
        compare([score()])


@pytest.mark.parametrize(
    ("metric", "best"),
    [("fd", "b"), ("kd", "b"), ("is", "c"), ("recall", "c"), ("memorisation", "a"), ("swd", "b")],
)
def test_the_best_comes_first(metric, best):
    values = {"a": 0.45, "b": 0.1, "c": 0.95}
    ranked = compare([score(metric, value, of) for of, value in values.items()])
    assert ranked[0].of == best


def test_sets_of_scores_are_ranked_by_each_metric_that_they_share():
    a = [score("fd", 2.0, "a"), score("kd", 1.0, "a"), score("recall", 0.5, "a")]
    b = [score("kd", 2.0, "b"), score("fd", 1.0, "b")]
    ranked = compare_all([a, b])
    assert {name: [s.of for s in found] for name, found in ranked.items()} == {
        "fd": ["b", "a"],
        "kd": ["a", "b"],
    }
    with pytest.raises(ValueError, match=r"in common.*found recall and fd"):
        compare_all([a[2:], b[1:]])


def test_only_inception_s_distance_is_called_fid():
    inception = dataclasses.replace(MANIFEST, extractor="InceptionV3")
    names = ("fd", "kd", "is", "precision")
    assert [score(name, manifest=inception).label for name in names] == [
        *("FID", "KID", "IS", "precision")
    ]
    for extractor in ("classifier:fashion_mnist", "mine", "InceptionV3, random weights"):
        manifest = dataclasses.replace(MANIFEST, extractor=extractor)
        labels = [score(name, manifest=manifest).label for name in protocol.NAMES]
        assert not any("FID" in label or "KID" in label or "IS (" in label for label in labels)
        assert labels[0] == f"FD ({extractor})"
    points = dataclasses.replace(MANIFEST, extractor="none")
    assert score("modes", manifest=points).label == "modes"


@pytest.mark.parametrize(
    ("real", "fake", "warns"),
    [(10_000, 10_000, False), (9_999, 50_000, True), (50_000, 9_999, True)],
)
def test_fid_of_few_samples_warns_and_suggests_kid(real, fake, warns):
    manifest = dataclasses.replace(MANIFEST, extractor="InceptionV3", n_real=real, n_fake=fake)
    warning = score(manifest=manifest).warning
    assert ("9,999" in warning and "KID" in warning) is warns
    assert not score("kd", manifest=manifest).warning and not score().warning


def test_json_round_trip(tmp_path):
    scores = [score(low=0.5, high=2.0, settings={"k": 3}, step=7), score("kd", -0.1)]
    save_scores(tmp_path / "s.json", scores, classes=[{"class": "0"}])
    assert load_scores(tmp_path / "s.json") == scores
    content = json.loads((tmp_path / "s.json").read_text())
    assert content["scores"][0]["manifest"]["n_fake"] == 2000 and content["classes"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 9, "scores": []}', '{"format": 1}'])
def test_a_file_without_scores_is_named(tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(ValueError, match=r"s\.json: it holds no scores"):
        load_scores(tmp_path / "s.json")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_is_a_finite_number_of_a_known_metric(value):
    with pytest.raises(ValueError, match="fd of a is"):
        score(value=value)
    with pytest.raises(ValueError, match="unknown metric 'fid'; known are fd"):
        score("fid")


def test_the_flags_know_the_metrics():
    assert evaluator.OF_IMAGES == config.IMAGE_METRICS
    assert evaluator.OF_POINTS == config.POINT_METRICS
    assert set(protocol.NAMES) == {*evaluator.OF_IMAGES, *evaluator.OF_POINTS}
