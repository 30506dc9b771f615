import csv
import json

import helpers
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.callbacks import Evaluate, checkpoint
from keras_gans.metrics import Evaluator, Extractor, make_classifier

DATA = kg.datasets.load("digits")
REAL = kg.datasets.to_float(DATA.samples[:64])
METRICS = ("fd", "precision")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "cache"))


def extractor():
    return Extractor(make_classifier((8, 8, 1), 10), "features", "untrained")


def evaluate(metrics=METRICS, every=1, **more):
    values = {"data": DATA, "extractor": extractor(), "samples": 60}
    return Evaluate(metrics, every, **values | more)


def fit(gan, *callbacks, epochs=2, **more):
    return gan.fit(
        REAL,
        batch_size=32,
        epochs=epochs,
        callbacks=list(callbacks),
        verbose=0,
        shuffle=False,
        **more,
    ).history


def make(**arguments):
    return helpers.make_gan("mlp", ema_decay=0.5, **arguments)


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_scores_enter_the_history_and_the_table(tmp_path):
    watch = evaluate(every=2, directory=tmp_path / "logs")
    gan = make()
    history = fit(gan, watch, kg.callbacks.History(tmp_path / "logs"), epochs=4)
    assert len(history["fd"]) == 2 and len(history["d_loss"]) == 4
    rows = table(tmp_path / "logs" / "evaluation.csv")
    assert [(row["epoch"], row["step"]) for row in rows] == [("2", "4"), ("4", "8")]
    assert [float(row["fd"]) for row in rows] == history["fd"] == [r["fd"] for r in watch.rows]
    written = table(tmp_path / "logs" / "history.csv")
    assert [row["fd"] != "" for row in written] == [False, True, False, True]


def test_it_scores_the_averaged_generator_as_an_evaluator_does():
    watch, gan = evaluate(seed=3), make()
    history = fit(gan, watch, epochs=1)
    other = Evaluator(DATA, METRICS, 60, extractor(), seed=3)
    images = kg.export.to_uint8(gan.generate(60, seed=3))
    assert [s.value for s in other.scores(images)] == [history[name][0] for name in METRICS]
    assert watch.best.manifest == other.manifest(60, ema=True) and watch.best.step == 2
    plain = helpers.make_gan("mlp")
    watch = evaluate()
    fit(plain, watch, epochs=1)
    assert watch.best.manifest.ema is False


def test_training_is_the_same_with_it_as_without(tmp_path):
    watched, alone = make(), make()
    fit(watched, evaluate(best_directory=tmp_path / "best"))
    fit(alone)
    helpers.assert_same(helpers.state(watched), helpers.state(alone))


class Faked(Evaluate):
    """Scores that are given, in place of computed ones."""

    def __init__(self, values, **more):
        super().__init__(("fd", "recall"), data=DATA, extractor=extractor(), samples=60, **more)
        self.values = iter(values)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.evaluator.scores = lambda fake, of, ema, step, **rest: [
            kg.metrics.Score(name, value, self.evaluator.manifest(60, ema), of=of, step=step)
            for name, value in zip(("fd", "recall"), next(self.values), strict=True)
        ]


@pytest.mark.parametrize(("metric", "best"), [(None, 4), ("recall", 6)])
def test_the_best_state_is_kept_and_can_be_restored(tmp_path, metric, best):
    values = [(5.0, 0.1), (2.0, 0.2), (3.0, 0.9), (2.0, 0.9)]
    watch, gan, states = Faked(values, best_metric=metric, best_directory=tmp_path), make(), {}

    class Keep(kg.callbacks.History):
        def on_epoch_end(self, epoch, logs=None):
            states[self.model.step] = helpers.state(self.model)

    fit(gan, watch, Keep(tmp_path), epochs=4)
    assert checkpoint.steps(tmp_path) == [best]
    told = json.loads((tmp_path / "best.json").read_text())
    assert (told["step"], told["metric"]) == (best, metric or "fd") and watch.best.step == best
    again = make(seed=9)
    assert checkpoint.restore(again, tmp_path) == best
    helpers.assert_same(helpers.state(again), states[best])


def test_a_resumed_run_knows_its_best_and_its_rows(tmp_path):
    places = {"best_directory": tmp_path / "best", "directory": tmp_path}
    gan = make()
    fit(gan, Faked([(5.0, 0.1), (2.0, 0.2)], **places))
    fit(gan, Faked([(3.0, 0.1), (1.0, 0.2)], **places), initial_epoch=2, epochs=4)
    assert checkpoint.steps(tmp_path / "best") == [8]
    assert [row["fd"] for row in table(tmp_path / "evaluation.csv")] == ["5.0", "2.0", "3.0", "1.0"]

    earlier = make()  # a checkpoint of step 4 is gone back to: what came after is made again
    fit(earlier, epochs=2)
    watch = Faked([(6.0, 0.1)], **places)
    fit(earlier, watch, initial_epoch=2, epochs=3)
    assert [row["step"] for row in table(tmp_path / "evaluation.csv")] == ["2", "4", "6"]
    assert checkpoint.steps(tmp_path / "best") == [8] and watch.best.value == 1.0


def test_a_best_score_that_was_made_otherwise_does_not_count(tmp_path):
    gan = make()
    fit(gan, Faked([(1.0, 0.1)], best_directory=tmp_path), epochs=1)
    watch = Faked([(2.0, 0.1)], best_directory=tmp_path, seed=1)
    fit(gan, watch, epochs=1)
    assert watch.best.value == 2.0 and checkpoint.steps(tmp_path) == [4]
    other = Faked([(9.0, 0.05)], best_directory=tmp_path, seed=1, best_metric="recall")
    fit(gan, other, epochs=1)
    assert other.best.value == 0.05 and checkpoint.steps(tmp_path) == [6]


def test_real_features_are_computed_once(monkeypatch, tmp_path):
    asked, whole = [], Extractor._batches
    monkeypatch.setattr(
        Extractor, "_batches", lambda self, x, *rest: asked.append(len(x)) or whole(self, x, *rest)
    )
    fit(make(), evaluate(samples=50), epochs=3)
    assert asked == [50] * 4  # real, and generated three times
    fit(make(), evaluate(samples=50), epochs=1)
    assert asked == [50] * 5
    names = [path.name.split("-")[0] for path in (tmp_path / "cache").iterdir()]
    assert sorted(names) == ["features", "statistics"]  # of the real ones alone


def test_every_0_scores_the_end_alone():
    watch = evaluate(every=0)
    assert "fd" not in fit(make(), watch) and [row["step"] for row in watch.rows] == [4]
    watch = evaluate(every=1)
    fit(make(), watch)
    assert [row["step"] for row in watch.rows] == [2, 4]  # the end is not scored twice


def test_samples_that_are_no_numbers_are_not_scored(capsys):
    gan = make()
    gan.ema_generator.weights[0].assign(np.full(gan.ema_generator.weights[0].shape, np.nan))
    watch = evaluate()
    history = fit(gan, watch, epochs=1)
    assert "fd" not in history and watch.rows == [] and watch.best is None
    assert "60 of 60 generated samples are not finite" in capsys.readouterr().out


def test_without_data_the_first_batch_serves():
    watch = evaluate(data=None, samples=2000)
    fit(make(), watch, epochs=1)
    assert watch.evaluator.n == 32
    with pytest.raises(ValueError, match="the first batch of fit has no labels"):
        fit(make(), Evaluate(METRICS), epochs=1)


def test_points_have_their_modes_counted():
    data = kg.datasets.load("ring")
    gan = helpers.make_gan("mlp", (2,))
    history = gan.fit(
        data.batches(16), steps_per_epoch=2, callbacks=[Evaluate(data=data)], verbose=0
    ).history
    assert {"modes", "high_quality"} <= set(history)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"every": -1}, ["every", "-1"]),
        ({"every": 1.5}, ["every", "1.5"]),
        ({"samples": 0}, ["samples", "0"]),
        ({"best_metric": "kd"}, ["best_metric", "fd, precision", "'kd'"]),
    ],
)
def test_arguments_that_cannot_be_are_named(values, words):
    with pytest.raises(ValueError) as error:
        Evaluate(METRICS, **values)
    assert all(word in str(error.value) for word in words)


def test_metrics_that_do_not_fit_the_data_are_named_before_training():
    gan = make()
    with pytest.raises(ValueError, match="metrics modes"):
        fit(gan, evaluate(("modes",)))
    with pytest.raises(ValueError, match="best_metric must be one of the metrics fd, kd"):
        fit(gan, evaluate(None, best_metric="swd"))
    assert gan.step == 0
