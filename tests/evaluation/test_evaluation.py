import json
import re
import shutil

import numpy as np
import pytest

import keras_gans as kg
from keras_gans import evaluation, experiment, images
from keras_gans.config import Config, Evaluation
from keras_gans.evaluation import report
from keras_gans.metrics import Extractor, features, load_scores, make_classifier

TINY = {
    "network": "mlp",
    "monitor_every": 0,
    "sample_every": 0,
    "width": 4,
    "latent_dim": 3,
    "batch_size": 16,
    "steps": 4,
}


@pytest.fixture(autouse=True)
def _quick(tmp_path, monkeypatch):
    """No classifier is trained: its first weights serve."""
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "cache"))
    train = lambda data, *rest, **more: _untrained(data)  # noqa: E731
    monkeypatch.setattr(features, "Classifier", train)


def _untrained(data):
    model = make_classifier(data.samples.shape[1:], data.num_classes)
    extractor = Extractor(model, "features")
    extractor._take(f"classifier:{data.name}", model, model.get_layer("features").output)
    return extractor


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    patch = pytest.MonkeyPatch()
    patch.setenv("KERAS_GANS_CACHE", str(folder / "cache"))
    patch.setattr(features, "Classifier", lambda data, *rest: _untrained(data))
    config = Config(
        name="run",
        output_dir=str(folder),
        evaluate_every=1,
        evaluate_samples=50,
        ema_decay=0.5,
        **TINY,
    )
    assert experiment.train(config) == 0
    patch.undo()
    return folder / "run"


def evaluated(**values):
    config = Evaluation(**{"samples": 100, **values})
    gan = experiment.load_run(config.run, config.checkpoint) if config.run else None
    return evaluation.evaluate(config, evaluation.load_real(config), gan)


def test_training_leaves_scores_and_the_best_state(run):
    rows = (run / "logs" / "evaluation.csv").read_text().splitlines()
    assert rows[0] == "epoch,step,fd,kd,precision,recall" and len(rows) == 5
    history = (run / "logs" / "history.csv").read_text().splitlines()
    assert "fd" in history[0] and all(row.split(",")[-1] for row in history)
    best = json.loads((run / "best" / "best.json").read_text())
    values = [float(row.split(",")[2]) for row in rows[1:]]
    assert best["value"] == min(values) and best["step"] == 1 + int(np.argmin(values))
    assert experiment.load_run(run, "best").step == best["step"]


def test_a_run_s_report_has_all_its_parts_and_needs_no_network(run, tmp_path):
    result = evaluated(run=str(run))
    evaluation.write(result, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    for part in ("scores", "samples", "neighbours", "embedding", "classes", "history"):
        assert f'id="{part}"' in page or f"id='{part}'" in page, part
    outside = re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']*""", page)
    assert not outside and "<script" not in page and "@import" not in page
    assert page.count("data:image/") >= 8
    for word in ("FD (classifier:digits)", "best-to-last gap", "memorisation", "n_fake", "Wilson"):
        assert word in page, word
    assert "FID" not in re.sub(r"data:image/[^'\"]*", "", page)

    scores = load_scores(tmp_path / "out" / "scores.json")
    assert scores == result.scores and len(scores) == 9  # the model gives no probabilities
    assert scores[0].of == str(run) and scores[0].step == 4 and scores[0].manifest.ema is True
    content = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert len(content["classes"]) == 10
    assert content["memorisation"]["share"] == result.memorised.share
    told = evaluation.table(scores)
    assert all(score.label in told for score in scores) and f"{scores[0].value:.4g}" in told


def test_the_images_of_a_run_are_those_of_its_generator(run):
    gan = experiment.load_run(run)
    raw = evaluated(run=str(run), ema=False, metrics="fd", seed=5)
    np.testing.assert_array_equal(raw.fake, gan.generate(100, seed=5, ema=False))
    assert raw.scores[0].manifest.ema is False
    averaged = evaluated(run=str(run), metrics="fd", seed=5)
    np.testing.assert_array_equal(averaged.fake, gan.generate(100, seed=5))
    assert averaged.scores[0].value != raw.scores[0].value
    floats = evaluated(run=str(run), metrics="fd", seed=5, quantize=False)
    assert not floats.scores[0].manifest.quantised
    assert floats.scores[0].value != averaged.scores[0].value


def test_export_folder_and_run_agree_where_the_images_do(run, tmp_path):
    of_run = evaluated(run=str(run), metrics="fd,kd")
    exported = evaluated(saved_model=str(run / "export"), metrics="fd,kd")
    close = [pytest.approx(score.value, rel=0.05) for score in of_run.scores]
    assert [score.value for score in exported.scores] == close  # rounding may differ by a level
    images.save_each(of_run.fake, tmp_path / "fake")
    saved = evaluated(fake=str(tmp_path / "fake"), dataset="digits", metrics="fd,kd")
    assert [score.value for score in saved.scores] == [s.value for s in of_run.scores]
    assert saved.scores[0].manifest.ema is None


def test_two_folders(tmp_path):
    data = kg.datasets.load("digits")
    for label in range(3):
        images.save_each(data.samples[data.labels == label][:30], tmp_path / f"real/{label}")
    images.save_each(data.samples[:40], tmp_path / "fake")
    folders = {"real": str(tmp_path / "real"), "fake": str(tmp_path / "fake")}
    result = evaluated(**folders)
    manifest = result.scores[0].manifest
    assert (manifest.n_real, manifest.n_fake, manifest.dataset) == (40, 40, "real")
    assert [row["class"] for row in result.classes] == ["0", "1", "2"]
    evaluation.write(result, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "--evaluate_every" in page  # where there are no curves, how to get them

    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=rf"^--fake={tmp_path}/empty: found no images"):
        evaluated(**folders | {"fake": str(tmp_path / "empty")})
    with pytest.raises(FileNotFoundError, match=r"^--real=nowhere: found no directory"):
        evaluated(**folders | {"real": "nowhere"})
    images.save_each(data.samples[:5], tmp_path / "little")
    with pytest.raises(ValueError, match="20 generated images are needed, found 5"):
        evaluated(**folders | {"fake": str(tmp_path / "little")})


def test_points_get_modes_and_a_report(tmp_path):
    config = Config(
        name="ring",
        output_dir=str(tmp_path),
        dataset="ring",
        evaluate_every=1,
        evaluate_samples=100,
        **TINY,
    )
    assert experiment.train(config) == 0
    result = evaluated(run=str(tmp_path / "ring"))
    assert [score.metric for score in result.scores] == ["modes", "high_quality", "reverse_kl"]
    evaluation.write(result, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "reverse KL" in page and "best-to-last gap" in page and "id='classes'" not in page
    with pytest.raises(ValueError, match="points such as ring"):
        evaluated(run=str(tmp_path / "ring"), metrics="fd")


def test_scores_of_two_files_are_ranked_or_refused(run, tmp_path):
    sets = [evaluated(run=str(run), metrics="fd", ema=ema).scores for ema in (True, False)]
    with pytest.raises(ValueError, match="ema: found False, expected True"):
        evaluation.ranking(sets)
    best = min(sets[0][0].value, 1e-3)
    better = kg.metrics.Score("fd", best / 2, sets[0][0].manifest, of="a better one")
    lines = evaluation.ranking([sets[0], [better]]).splitlines()
    assert "FD (classifier:digits)" in lines[1] and "1." in lines[1] and "a better one" in lines[1]
    assert "2." in lines[2] and lines[2].endswith(str(run))


def test_a_saved_model_of_no_run_needs_its_data(run, tmp_path):
    shutil.copytree(run / "export", tmp_path / "a" / "b" / "export")
    with pytest.raises(ValueError, match="is of no run; give --dataset or --real"):
        evaluated(saved_model=str(tmp_path / "a" / "b" / "export"))
    result = evaluated(
        saved_model=str(tmp_path / "a" / "b" / "export"), dataset="digits", metrics="fd"
    )
    assert result.scores[0].manifest.dataset == "digits"
    with pytest.raises(FileNotFoundError, match="holds no run"):
        evaluation.load_real(Evaluation(run=str(tmp_path)))
    with pytest.raises(FileNotFoundError, match="no best checkpoint"):
        shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("best"))
        experiment.load_run(tmp_path / "run", "best")


@pytest.mark.parametrize(
    ("best", "last", "better", "told"),
    [
        (2.0, 3.0, "lower", "1.50 times"),
        (0.8, 0.4, "higher", "2.00 times"),
        (-0.1, 0.2, "lower", "0.3 apart"),
        (0.5, 0.75, "near 0.5", "0.25 apart"),
    ],
)
def test_the_gap_from_the_best_to_the_last(best, last, better, told):
    assert report._gap(best, last, better) == told


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ["--run", "--saved_model", "none"]),
        ({"run": "a", "fake": "b"}, ["--run and --fake"]),
        ({"fake": "a"}, ["--fake=a", "--real=DIR", "--dataset"]),
        ({"fake": "a", "real": "b", "dataset": "digits"}, ["--real=b", "--dataset=digits"]),
        ({"run": "a", "dataset": "digits"}, ["--run=a", "own data set"]),
        ({"saved_model": "a", "ema": False}, ["--ema=false", "--run"]),
        ({"fake": "a", "real": "b", "quantize": False}, ["--quantize=false", "--run"]),
        ({"saved_model": "a", "checkpoint": "best"}, ["--checkpoint=best", "--run"]),
        ({"run": "a", "metrics": "fid"}, ["--metrics=fid", "unknown fid", "fd, kd"]),
        ({"run": "a", "weights": "w"}, ["--weights=w", "--extractor=inception"]),
        ({"run": "a", "weights_sha256": "w"}, ["--weights_sha256", "--weights"]),
        ({"run": "a", "samples": 3}, ["--samples=3", "at least 20"]),
        ({"compare": "a"}, ["--compare=a", "two"]),
    ],
)
def test_options_that_cannot_be_are_named(values, words):
    with pytest.raises(ValueError) as error:
        Evaluation(**values)
    assert all(word in str(error.value) for word in words), error.value
