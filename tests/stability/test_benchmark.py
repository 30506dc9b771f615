import csv
import dataclasses
import html.parser
import json
import math
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from keras_gans import config as config_module
from keras_gans import penalties
from keras_gans.config import METHODS as NAMES
from keras_gans.config import Benchmark
from keras_gans.stability import benchmark, cell, methods, plots, report, statistics


@pytest.fixture(autouse=True)
def eagerly(request, monkeypatch):
    """Run few steps, without tracing them, which takes most of a tiny run; not with `graph`."""
    if "graph" not in request.fixturenames:
        tf.config.run_functions_eagerly(True)
        monkeypatch.setattr(cell, "DIRAC_STEPS", 3)
        monkeypatch.setattr(cell, "ARROWS", 2)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def graph():
    """A test that asks for it has its steps compiled, as in earnest."""


def tiny(tmp_path, **changes):
    """Return the options of a benchmark of seconds."""
    options = {
        **{"methods": "r1", "problems": "ring", "seeds": 1, "steps": 8, "evaluations": 4},
        **{"batch_size": 16, "width": 8, "depth": 1, "latent_dim": 2, "spectrum": 0, "workers": 1},
    }
    return Benchmark(output_dir=str(tmp_path), **(options | changes))


# --- statistics, against hand arithmetic ---------------------------------------------------------


def test_the_interval_is_student_s():
    # s² = (1 + 0 + 1 + 4 + 4) / 4 = 2.5; t(0.975, 4) = 2.776445 from a printed table
    values = [1.0, 2.0, 3.0, 4.0, 0.0]
    mean, half = statistics.mean_interval(values)
    assert mean == pytest.approx(2.0)
    assert half == pytest.approx(2.776445 * math.sqrt(2.5 / 5), rel=1e-6)
    both = statistics.mean_interval(np.stack([values, np.zeros(5)], axis=1))
    np.testing.assert_allclose(both, [[2.0, 0.0], [half, 0.0]])
    assert math.isnan(statistics.mean_interval([3.0])[1])


@pytest.mark.parametrize(
    ("scores", "gap"),
    [([0.1, 0.8, 0.4], 2.0), ([0.1, 0.5], 1.0), ([0.5, 0.0], math.inf), ([0.0, 0.0], math.nan)],
)
def test_best_to_last_gap(scores, gap):
    np.testing.assert_equal(statistics.best_to_last_gap(scores), gap)


@pytest.mark.parametrize(
    ("modes", "at"),
    [
        ([0, 8, 8, 3, 2], 30),  # below half from 30 on
        ([0, 8, 3, 5, 3], 40),  # it had come back at 30
        ([0, 8, 4, 4, 4], None),  # half is not below half
        ([0, 8, 1, 1, 8], None),
        ([1, 0, 0, 0, 0], 10),
        ([0, 2, 3, 6, 8], None),  # few modes before the best are no collapse
        ([0, 0, 0, 0, 0], None),
    ],
)
def test_time_to_collapse(modes, at):
    assert statistics.time_to_collapse([0, 10, 20, 30, 40], modes) == at


@pytest.mark.parametrize(
    ("modes", "quality", "expected"),
    [
        ([0] * 6 + [8, 8], [0.0] * 6 + [0.95, 0.95], True),
        ([0] * 6 + [8, 7], [0.0] * 6 + [0.95, 0.95], False),  # a mode is missing
        ([0] * 6 + [8, 8], [0.0] * 6 + [0.95, 0.89], False),  # poor at the end
        ([0] * 6 + [8, 8], [0.0] * 6 + [0.91, 0.97], False),  # swings by 6 points
        ([8] * 7 + [8], [0.95] * 6 + [0.5, 0.95], False),  # poor within the last quarter
    ],
)
def test_converged(modes, quality, expected):
    assert statistics.converged(modes, quality, total_modes=8) is expected


def made_cell(modes, quality, seed=0, diverged=None):
    curves = {
        "step": [10 * i for i in range(len(modes))],
        "modes": modes,
        "high_quality": quality,
        "reverse_kl": [0.0] * len(modes),
        "generator_norm": [1.0] * len(modes),
        "discriminator_norm": [1.0] * len(modes),
    }
    made = {"method": "r1", "problem": "ring", "seed": seed, "curves": curves, "seconds": 1.0}
    return made | {"total_modes": 8, "diverged": diverged}


def test_summary_of_three_seeds_by_hand():
    rows = [
        statistics.summarize_cell(made)
        for made in (
            made_cell([0, 8, 8, 8], [0.0, 0.5, 0.9, 0.95]),
            made_cell([0, 8, 2, 2], [0.0, 1.0, 1.0, 1.0], seed=1),
            made_cell([0, 8, 8], [0.0, 1.0, 1.0], seed=2, diverged=20),
        )
    ]
    assert [row["score"] for row in rows] == [0.95, 0.25, 0.0]
    assert [row["best_step"] for row in rows] == [30, 10, 10]
    assert [row["best_to_last_gap"] for row in rows] == [1.0, 4.0, math.inf]
    assert [row["collapsed_at"] for row in rows] == [None, 20, 20]
    assert [row["converged"] for row in rows] == [True, False, False]
    summary = statistics.summarize(rows)
    assert summary["modes"] == pytest.approx(10 / 3)
    # s² of 8, 2, 0 is 17.333; t(0.975, 2) = 4.302653
    assert summary["modes_interval"] == pytest.approx(4.302653 * math.sqrt(52 / 3 / 3), rel=1e-6)
    assert summary["median_gap"] == 4.0 and summary["median_collapse_step"] == 20
    shares = [summary[f"{name}_share"] for name in ("converged", "collapsed", "diverged")]
    assert shares == pytest.approx([1 / 3, 2 / 3, 1 / 3])


# --- the table of methods ------------------------------------------------------------------------


def test_the_command_line_knows_the_methods_and_each_cites_its_paper():
    assert tuple(methods.METHODS) == NAMES
    assert Benchmark().method_names == NAMES[:8]
    for method in methods.METHODS.values():
        assert "arXiv:" in method.paper and method.title and method.idea.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_every_method_makes_a_step(tmp_path, name):
    config = tiny(tmp_path, steps=4, evaluations=4)
    made = cell.train_cell(name, "ring", 0, config)
    assert made["diverged"] is None and made["curves"]["step"] == [0, 1, 2, 3, 4]
    assert np.shape(made["samples"]) == (5, cell.SHOWN, 2)
    assert min(made["curves"]["generator_norm"]) > 0
    json.dumps(made, allow_nan=False)


@pytest.mark.parametrize("name", ["instance_noise", "packing", "extra_adam"])
def test_methods_make_the_same_steps_in_a_graph(tmp_path, name, graph):
    test_every_method_makes_a_step(tmp_path, name)


def test_the_spectrum_is_that_of_seed_0_at_the_end(tmp_path, graph):
    config = tiny(tmp_path, width=2, spectrum=2)
    real, imaginary = cell.train_cell("r1", "ring", 0, config)["spectrum"]
    assert len(real) == len(imaginary) >= 2 and np.isfinite([real, imaginary]).all()
    assert "spectrum" not in cell.train_cell("r1", "ring", 1, config)


@pytest.mark.parametrize(
    ("name", "verdict", "first"),
    [
        ("non_saturating", "does not converge", 0.5j),
        ("wgan_clip", "does not converge", 1j),
        # -gamma / 2 + sqrt(gamma² / 4 - f'(0)²), f'(0) = 1/2, gamma = 0.1; Mescheder, theorem 4.1
        ("r1", "converges", -0.05 + 1j * math.sqrt(0.25 - 0.05**2)),
        # J - 10 JᵀJ, J = [[0, -1/2], [1/2, 0]]
        ("consensus", "converges", -2.5 + 0.5j),
    ],
)
def test_dirac_cells_agree_with_theory(name, verdict, first, graph):
    made = cell.dirac_cell(name)
    assert made["verdict"] == verdict
    real, imaginary = made["eigenvalues"]
    assert complex(real[0], abs(imaginary[0])) == pytest.approx(first, abs=1e-3)
    assert np.shape(made["path"]) == (cell.DIRAC_STEPS + 1, 2) and made["path"][0] == [1.0, 1.0]


# --- the runs ------------------------------------------------------------------------------------


def test_a_benchmark_goes_on_with_what_is_missing(tmp_path, capsys):
    config = tiny(tmp_path, seeds=2)
    assert benchmark.run(config) == []
    files = sorted((tmp_path / "stability" / "cells").iterdir())
    assert [path.name for path in files] == ["r1-dirac-0.json", "r1-ring-0.json", "r1-ring-1.json"]
    assert capsys.readouterr().out.count("[3/3]") == 1
    times = [path.stat().st_mtime_ns for path in files]
    before = json.loads(files[1].read_text())
    files[1].unlink()
    (files[1].parent / "r1-ring-0.1.part").write_text("{")  # of a process that was killed
    assert benchmark.run(config) == []
    assert "[3/3] r1-ring-0" in capsys.readouterr().out
    assert [files[i].stat().st_mtime_ns for i in (0, 2)] == [times[0], times[2]]
    assert json.loads(files[1].read_text())["curves"] == before["curves"]
    assert benchmark.run(dataclasses.replace(config, seeds=1, methods="r1")) == []
    assert "[" not in capsys.readouterr().out


def test_changed_settings_are_refused(tmp_path):
    config = tiny(tmp_path)
    benchmark.run(config)
    for flag, value in (("steps", 12), ("width", 4), ("batch_size", 8)):
        words = f"--{flag}={value} .the run has {getattr(config, flag)}"
        with pytest.raises(ValueError, match=words):
            benchmark.run(dataclasses.replace(config, **{flag: value}))


def test_a_changed_method_and_a_damaged_file_are_refused(tmp_path, monkeypatch):
    config = tiny(tmp_path)
    benchmark.run(config)
    changed = dataclasses.replace(methods.METHODS["r1"], penalty=penalties.R1(3.0))
    with monkeypatch.context() as patch:
        patch.setitem(methods.METHODS, "r1", changed)
        with pytest.raises(ValueError, match=r"R1\(gamma=3.0\)"):
            benchmark.load(config)
    path = tmp_path / "stability" / "cells" / "r1-ring-0.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match=r"r1-ring-0\.json is damaged"):
        benchmark.load(config)


def test_a_run_that_diverges_is_a_result(tmp_path, monkeypatch):
    wild = methods.Method("w", "p", "i.", loss="least_squares", optimizer="sgd", generator_lr=1e8)
    monkeypatch.setitem(methods.METHODS, "minimax", dataclasses.replace(wild, discriminator_lr=1e8))
    config = tiny(tmp_path, methods="minimax", steps=40, spectrum=1)
    assert benchmark.run(config) == []
    made = benchmark.load(config)["minimax", "ring", 0]
    assert made["diverged"] in (10, 20, 30, 40) and made["curves"]["step"][-1] == made["diverged"]
    row = statistics.summarize_cell(made)
    assert row["score"] == 0 and not row["converged"] and row["diverged_at"] == made["diverged"]
    report.write(benchmark.load(config), config, benchmark.folder(config))
    assert "1 diverged" in (tmp_path / "stability" / "report.html").read_text()


def test_a_killed_process_is_replaced(tmp_path, capfd):
    config = tiny(tmp_path, workers=2)
    killed, ended = [], threading.Event()

    def kill():
        while not killed and not ended.wait(0.05):
            for child in multiprocessing.active_children()[:1]:
                os.kill(child.pid, signal.SIGKILL)
                killed.append(child.pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        failed = benchmark.run(config)
    finally:
        ended.set()
        thread.join()
    assert killed and failed == [] and len(benchmark.load(config)) == 2
    assert "its process ended with -9; it is tried again" in capfd.readouterr().out


# --- the report ----------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Collects what a page would load, its sections and its text."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.sections, self.alts, self.open = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "a":
            self.links.append(attributes["href"])
        else:
            self.loads += [attributes[name] for name in ("src", "href") if name in attributes]
        self.sections += [attributes["id"]] if tag == "section" else []
        self.alts += [attributes["alt"]] if tag == "img" else []
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_has_all_sections_and_loads_nothing(tmp_path):
    config = tiny(tmp_path, methods="r1,relativistic_r1_r2", problems="ring,mixture_1d")
    benchmark.run(config)
    folder = benchmark.folder(config)
    cells = benchmark.load(config)
    cells["r1", "ring", 0]["spectrum"] = [[-1.0, -1.0], [2.0, -2.0]]
    report.write(cells, config, folder)
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert page.open == [] and "@import" not in text and "url(" not in text
    assert page.sections == ["overview", "r1", "relativistic_r1_r2"]
    assert {link.lstrip("#") for link in page.links} <= set(page.sections)
    kinds = [load.partition(";base64,")[0] for load in page.loads]
    # the overview; for each method the Dirac-GAN and, for each problem, samples and curves
    assert kinds.count("data:image/svg+xml") == 1 + 2 * (1 + 2)
    assert kinds.count("data:image/gif") == 2 * 2 and len(kinds) == 11
    assert all(page.alts) and methods.METHODS["r1"].paper in text

    with (folder / "cells.csv").open() as file:
        cells = list(csv.DictReader(file))
    with (folder / "summary.csv").open() as file:
        summary = list(csv.DictReader(file))
    assert [(r["method"], r["problem"], r["seed"]) for r in cells] == [
        (method, problem, "0") for problem in config.problem_names for method in config.method_names
    ]
    assert len(summary) == 4 and {"median_gap", "converged_share"} <= set(summary[0])


def test_a_report_of_some_runs_says_how_many_are_missing(tmp_path):
    config = tiny(tmp_path, seeds=3)
    cells = {("r1", "ring", 1): made_cell([0, 8, 8, 8], [0.0, 0.5, 0.9, 0.95], seed=1)}
    report.write(cells, config, tmp_path)
    assert "2 of them are missing" in (tmp_path / "report.html").read_text()
    with pytest.raises(ValueError, match="no finished run"):
        report.write({}, config, tmp_path)


def test_a_gif_has_a_frame_for_each_evaluation():
    import base64
    import io

    from PIL import Image

    frames = [[[0.0, 0.0]], [[1.0, 1.0]], [[1e6, -1e6]]]
    uri = plots.samples_gif(frames, real=[[2.0, 0.0], [0.0, 2.0]], steps=[0, 1, 2], size=100)
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert picture.n_frames == 3 and picture.size == (100, 100)
    drawn = []
    for i in range(3):
        picture.seek(i)
        blue = np.asarray(picture.convert("RGB")).astype(int) @ [-1, 0, 1] > 80
        drawn.append(np.argwhere(blue).mean(axis=0).round() if blue.any() else None)
    assert abs(drawn[0] - [50, 50]).max() <= 1
    assert abs(drawn[1] - [30, 70]).max() <= 1  # half of 2 * 1.25 up and to the right: 50 ± 20
    assert drawn[2] is None


@pytest.mark.slow
def test_the_script_makes_a_report_in_two_minutes_and_goes_on_from_it(tmp_path):
    script = pathlib.Path(__file__).parents[2] / "scripts" / "stability.py"
    command = [sys.executable, str(script), "--flagfile=stability.flags", "--smoke"]
    started = time.perf_counter()
    for words in ("[9/9]", "9 runs, 9 done before"):
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
        assert result.returncode == 0 and words in result.stdout, result.stderr
    assert time.perf_counter() - started < 120
    folder = tmp_path / "saved_models" / "stability_smoke"
    assert {path.name for path in folder.iterdir()} == {
        *("cells", "report.html", "cells.csv", "summary.csv")
    }
    assert Page((folder / "report.html").read_text()).sections[0] == "overview"


# --- the options ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"methods": "r1,foo"}, "--methods=r1,foo.*wgan_gp"),
        ({"methods": "r1,r1"}, "--methods=r1,r1: must be different"),
        ({"problems": "digits"}, "--problems=digits.*imbalanced_ring"),
        ({"seeds": 0}, "--seeds=0.*at least 1"),
        ({"steps": 30}, "--steps=30 must be a multiple of --evaluations=20"),
        ({"name": "../x"}, "--name=../x"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Benchmark(**options)


def test_options_go_through_a_flagfile_and_smoke_is_small():
    config = Benchmark(methods="all", seeds=3)
    assert Benchmark.from_flags(config.to_flags()) == config
    assert config.method_names == config_module.METHODS
    small = Benchmark().reduced()
    assert small.name == "stability_smoke" and len(benchmark.wanted(small)) == 9
