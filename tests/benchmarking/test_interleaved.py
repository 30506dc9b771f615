import numpy as np
import pytest

from keras_gans.benchmarking import interleaved, summary


class Fake:
    """A contestant that takes a known time for a step, which drifts with each turn."""

    def __init__(self, name, each, log, fails_at=None):
        self.name, self.each, self.log, self.fails_at = name, each, log, fails_at

    def run(self, steps):
        self.log.append(self.name)
        if len(self.log) == self.fails_at:
            raise RuntimeError("broke")
        return {"seconds": self.each * steps, "steps": steps}


def test_contestants_take_turns_of_about_the_same_length():
    log = []
    pair = {"a": Fake("a", 0.01, log), "b": Fake("b", 0.002, log)}
    turns = interleaved.interleave(pair, seconds=0.1, rounds=3)
    assert log[-6:] == ["a", "b"] * 3
    assert [turn["steps"] for turn in turns["a"]] == [10] * 3
    assert [turn["steps"] for turn in turns["b"]] == [50] * 3


def test_a_step_longer_than_a_turn_is_one_step():
    turns = interleaved.interleave({"a": Fake("a", 5.0, [])}, seconds=1.0, rounds=2)
    assert [turn["steps"] for turn in turns["a"]] == [1, 1]


@pytest.mark.parametrize("at", [1, 7])
def test_one_that_fails_is_left_out_and_the_others_go_on(at):
    log = []
    pair = {"a": Fake("a", 0.1, log), "b": Fake("b", 0.1, [], fails_at=at)}
    turns = interleaved.interleave(pair, seconds=0.1, rounds=8)
    assert len(turns["a"]) == 8 and "broke" in str(turns["b"])


def test_median_spread_and_ratios_by_round():
    assert interleaved.spread([4.0, 1.0, 9.0, 2.0]) == {
        **{"median": 3.0, "least": 1.0, "greatest": 9.0}
    }
    # the machine is twice as slow in the last two rounds; by round that cancels
    ratios = interleaved.ratios([1.0, 1.0, 2.0, 2.2], [0.5, 0.5, 1.0, 1.0])
    assert ratios["median"] == 2.0 and ratios["greatest"] == pytest.approx(2.2)


def test_exponent():
    sizes = [16, 32, 64, 128]
    assert interleaved.exponent(sizes, [3.0 * s**1.7 for s in sizes]) == pytest.approx(1.7)
    # least squares on the logarithms 0, 1, 2 -> 0, 1, 1 (base 2): slope 1/2
    assert interleaved.exponent([1, 2, 4], [1, 2, 2]) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="two different sizes"):
        interleaved.exponent([4, 4], [1.0, 2.0])


def test_the_numbers_of_the_table_by_hand():
    made = {"first_step": 1.0, "memory": 5e8, "parameters": [1, 1]}
    products = {
        **{"step_seconds": [0.5, 0.5, 0.5], "flops": 1e9},
        "peak": {"matrix": [2.0, 4.0, 4.0], "convolution": [4.0, 2.0, 2.0]},
    }
    contestants = {
        "fit": {"step_seconds": [1.0, 1.0, 2.0], **made},
        "torch": {"step_seconds": [2.0, 3.0, 4.0], **made},
        "products": {**made, **products},
        "torch_compile": {"error": "no compiler"},
    }
    results = {"workloads": {"mlp": {"images_a_step": 64, "contestants": contestants}}}
    fit, torch, _, failed = summary.rows(results)
    assert fit["images"] == {"median": 64.0, "least": 32.0, "greatest": 64.0}
    assert torch["times"] == {"median": 2.0, "least": 2.0, "greatest": 3.0}
    assert fit["times"] == {"median": 1.0, "least": 1.0, "greatest": 1.0}
    assert fit["rate"]["median"] == pytest.approx(1.0)  # 1e9 operations in 1 s
    np.testing.assert_allclose(list(fit["of_peak"].values()), [0.25, 0.125, 0.25])
    np.testing.assert_allclose(list(fit["of_products"].values()), [0.5, 0.25, 0.5])
    assert failed["error"] == "no compiler"
