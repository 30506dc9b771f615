import numpy as np
import pytest

from keras_gans.config import Benchmark
from keras_gans.stability import strengths
from keras_gans.stability.strengths import compare, within_best_third


def cells(scores, problem="ring"):
    return {
        (f"r1@{name}", problem, seed): {
            "score": score,
            "final": score / 2,
            "strength": 0.5 if name == "auto" else name,
        }
        for name, values in scores.items()
        for seed, score in enumerate(values)
    }


def test_the_rank_of_auto_is_told_by_the_means_over_seeds():
    found = compare(cells({0.1: [0.9, 0.7], 1: [0.5, 0.5], 10: [0.1, 0.0], "auto": [0.6, 0.8]}))
    rows, rank, swept = found["r1", "ring"]
    assert (rank, swept) == (2, 3)
    assert [row[0] for row in rows] == ["0.1", "auto", "1", "10"]
    np.testing.assert_allclose([row[2] for row in rows], [0.8, 0.7, 0.5, 0.05])
    assert rows[1] == ("auto", 0.5, pytest.approx(0.7), pytest.approx(0.35))


def test_other_runs_and_a_sweep_without_auto_are_left_out():
    assert compare({("r1", "ring", 0): {}}) == {}
    assert compare(cells({0.1: [1.0], 1: [0.5]})) == {}


@pytest.mark.parametrize(("rank", "swept", "within"), [(1, 3, True), (2, 3, False), (4, 9, False)])
def test_the_best_third(rank, swept, within):
    assert within_best_third(rank, swept) == within


def test_its_runs_are_asked_for_by_a_flag():
    assert strengths.keys(Benchmark()) == []
    asked = strengths.keys(Benchmark(strengths="0.1, 1", seeds=1))
    assert asked[:3] == [(f"r1@{name}", "ring", 2) for name in ("0.1", "1", "auto")]
    seeds = {
        problem: {seed for _, where, seed in asked if where == problem} for _, problem, _ in asked
    }
    assert seeds == {"ring": {2, 3}, "grid": {2}, "digits": {2}}
    assert len(asked) == 3 * 4 * len(strengths.PENALTIES)
    assert len(strengths.keys(Benchmark(strengths="1"))) == 2 * (6 + 3 + 3) * len(
        strengths.PENALTIES
    )
    with pytest.raises(ValueError, match=r"--strengths=1,x: x must be a number"):
        Benchmark(strengths="1,x")


@pytest.mark.parametrize(
    ("method", "problem"),
    [("r1@auto", "ring"), ("gradient_penalty@auto", "digits"), ("r1@0.5", "grid")],
)
def test_a_run_has_a_score(method, problem, monkeypatch):
    monkeypatch.setitem(strengths.STEPS, problem, 250)
    made = strengths.strength_cell(method, problem, seed=0)
    assert np.isfinite([made["score"], made["final"]]).all() and made["final"] <= 1.0
    assert made["strength"] > 0 and (method.endswith("auto") or made["strength"] == 0.5)
