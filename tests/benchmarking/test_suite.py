import dataclasses
import json

import keras
import pytest
import tensorflow as tf

from keras_gans import config as options
from keras_gans.benchmarking import contestants, costs, overhead, report, suite, workloads
from keras_gans.benchmarking.peer import PeerError
from keras_gans.benchmarking.summary import TITLES
from keras_gans.config import SpeedBenchmark

TINY = {
    "mlp": {"shape": (8, 8, 1), "width": 4, "batch": 4},
    "ring": {"width": 4, "batch": 4, "depth": 1},
}


class Here:
    """A contestant in this process."""

    def __init__(self, kind, workload):
        self.contestant = contestants.make(kind)(dataclasses.asdict(workload))
        self.contestant.first()
        self.started = {"parameters": self.contestant.parameters, "build": 0.0, "first_step": 0.1}
        self.started["note"] = self.contestant.note
        self.run = self.contestant.run

    def close(self):
        return self.contestant.memory()


@pytest.fixture
def tiny(monkeypatch):
    """Make the workloads tiny, and do not trace them, which would take most of the time."""
    tf.config.run_functions_eagerly(True)
    for name, changes in TINY.items():
        made = dataclasses.replace(workloads.WORKLOADS[name], **changes)
        monkeypatch.setitem(workloads.WORKLOADS, name, made)
    monkeypatch.setattr(contestants.products, "LARGE", {"CPU": 32})
    monkeypatch.setattr(contestants.products, "IMAGES", {"CPU": 1})
    contestants.products._large.clear()
    yield
    tf.config.run_functions_eagerly(False)
    contestants.products._large.clear()


def make(tmp_path, **changes):
    values = {"workloads": "ring", "rounds": 2, "seconds": 0.01, "parts": "contestants"}
    return SpeedBenchmark(output_dir=str(tmp_path), **{**values, **changes})


def test_the_command_line_knows_what_there_is():
    assert tuple(workloads.WORKLOADS) == options.WORKLOADS
    kinds = {*contestants.KINDS, "torch", "torch_compile"} - {"profile"}
    assert kinds == set(options.CONTESTANTS)
    assert set(TITLES) == set(options.CONTESTANTS)


def test_a_run_leaves_json_markdown_and_html(tmp_path, tiny):
    config = make(tmp_path, workloads="mlp,ring", contestants="bare,products,input,keras")
    kept = []
    results = suite.run(config, start=Here, keep=lambda r: kept.append(len(r["workloads"])))
    text = report.write(results, suite.folder(config))
    assert kept == [1, 2]
    folder = tmp_path / "benchmark"
    assert (folder / "benchmark.md").read_text() == text
    saved = json.loads((folder / "benchmark.json").read_text())
    page = (folder / "benchmark.html").read_text()
    for name in ("mlp", "ring"):
        found = saved["workloads"][name]["contestants"]
        assert set(found) == {"fit", "bare", "products", "input", "keras"}
        assert all(len(made["step_seconds"]) == 2 for made in found.values())
        assert found["fit"]["parameters"] == found["bare"]["parameters"]
        assert f"## {name}" in text and f"<h2>{name}</h2>" in page
    assert len(saved["rows"]) == 10 and all(row["images"]["median"] > 0 for row in saved["rows"])
    assert saved["machine"]["tensorflow"] == tf.__version__
    assert text.count("keras_gans, fit") == 2


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_all_compute_in_the_precision_that_is_asked_for(tmp_path, tiny, half):
    asked = []

    def start(kind, workload):
        asked.append(workload)
        return Fixed([1, 2])

    precision = f"mixed_{half}"
    config = make(tmp_path, contestants="bare", mixed_precision=precision, tf32=False, rounds=1)
    results = suite.run(config, start=start)
    assert f"precision {precision}" in report.write(results, tmp_path)
    assert {(workload.precision, workload.tf32) for workload in asked} == {(precision, False)}
    before = keras.config.dtype_policy().name
    fit, products = (contestants.make(kind)(asked[0]) for kind in ("fit", "products"))
    assert fit.gan.generator.compute_dtype == products.dtype == half
    assert keras.config.dtype_policy().name == before
    assert not tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(True)
    if half == "float16":
        with pytest.raises(ValueError, match="float16 is not written here"):
            contestants.make("bare")(asked[0])


def test_costs_and_callbacks_are_in_the_page(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(costs, "BASE", workloads.WORKLOADS["mlp"])
    made = costs.measure(Here, 0.01, 1, print, axes={"width": (2, 4)})
    assert made["width"]["sizes"] == [2, 4] and len(made["width"]["step_seconds"]) == 2
    added = overhead.measure(1, print, workloads.WORKLOADS["mlp"], steps=2)
    names = {"StabilityMonitor", "StopOnDivergence", "History", "SampleGrid", "Checkpoint", "all"}
    assert set(added["overhead"]) == names
    results = {"machine": {}, "workloads": {}, "costs": made, "callbacks": added}
    text = report.write(results, tmp_path)
    assert "| width" in text and "| SampleGrid" in text


class Fixed:
    """A contestant that takes a second for a step."""

    def __init__(self, parameters):
        self.started = {"parameters": parameters, "build": 0.0, "first_step": 1.0, "note": ""}
        self.closed = False

    def run(self, steps):
        return {"seconds": 1.0 * steps, "steps": steps}

    def close(self):
        self.closed = True
        return 1


def test_networks_of_different_sizes_are_not_compared(tmp_path):
    made = {"fit": Fixed([1, 2]), "bare": Fixed([1, 3])}
    config = make(tmp_path, contestants="bare")
    with pytest.raises(PeerError, match=r"ring: .*\(1, 2\).*\(1, 3\)"):
        suite.run(config, start=lambda kind, workload: made[kind])
    assert made["fit"].closed and made["bare"].closed


def test_a_peer_that_cannot_start_is_left_out_and_told_but_fit_must(tmp_path):
    def start(kind, workload):
        if kind == failing:
            raise PeerError(f"{kind}: no")
        return Fixed([1, 2])

    failing = "bare"
    config = make(tmp_path, contestants="bare")
    results = suite.run(config, start=start)
    assert results["workloads"]["ring"]["contestants"]["bare"] == {"error": "bare: no"}
    assert "bare: no" in report.write(results, tmp_path)
    failing = "fit"
    with pytest.raises(PeerError, match="fit: no"):
        suite.run(config, start=start)


def test_a_gpu_that_is_not_there_is_refused(tmp_path):
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is one")
    with pytest.raises(ValueError, match="--device=gpu: TensorFlow finds no GPU"):
        suite.run(make(tmp_path, device="gpu"), start=lambda *_: None)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"workloads": "mlp,foo"}, "--workloads=mlp,foo"),
        ({"contestants": ""}, "--contestants="),
        ({"parts": "costs,costs"}, "--parts=costs,costs"),
        ({"rounds": 0}, "--rounds=0"),
        ({"name": ""}, "--name"),
    ],
)
def test_wrong_options(values, words):
    with pytest.raises(ValueError, match=words):
        SpeedBenchmark(**values)


def test_the_quick_look_is_smaller():
    reduced = SpeedBenchmark().reduced()
    assert reduced.workload_names == ("mlp", "ring") and reduced.name == "benchmark_smoke"
    assert SpeedBenchmark(workloads="dcgan32").reduced().workload_names == ("dcgan32",)
