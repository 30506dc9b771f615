import json
import os
import re

import numpy as np
import pytest

from keras_gans.benchmarking import scale, scale_model
from keras_gans.benchmarking.scale_page import Game


def timed(seconds, **more):
    spread = {"low": 0.9 * seconds, "high": 1.2 * seconds, "times": 9}
    facts = {"gradient_bytes": [4_000_000, 2_000_000], "scalars": 5.0}
    return {"seconds": seconds, **spread, **facts, **more}


def measurements():
    """Two workers: 10 ms + 0.5 ms an image; sums at 1 GB/s with 1 ms of latency."""
    alone = {str(b): timed(0.010 + 0.0005 * b) for b in (16, 32, 64, 128)}
    game = {
        **{"network": "mlp", "batch": 64, "discriminator_steps": 3, "plain": {"64": timed(0.04)}},
        **{"alone": alone, "strangers": {"64": timed(0.050), "32": timed(0.030)}},
        "job": {"64": timed(0.079), "32": timed(0.060)},
    }
    link = {str(size): size / 1e9 + 0.002 for size in (4, 1_000_000, 4_000_000)}
    return {"workers": 2, "link": link, "workloads": {"a game": game}}


def test_a_ring_sends_its_tensor_almost_twice_and_two_messages_a_neighbour():
    for n in (1, 2, 3, 8, 1024):
        # Simulated: in each of 2 (n - 1) rounds every replica sends an n-th to the next one.
        rounds = [1e6 / n / 1e9 + 1e-5 for _ in range(2 * (n - 1))]
        assert scale.all_reduce_seconds(1e6, n, 1e9, 1e-5) == pytest.approx(sum(rounds))


def test_a_simulated_ring_sums_in_the_rounds_that_are_counted():
    n, rng = 5, np.random.default_rng(0)
    chunks = rng.normal(size=[n, n, 3])  # replica, part
    held, rounds = chunks.copy(), 0
    for phase in range(2):
        for step in range(n - 1):
            sent = [(i - step + phase) % n for i in range(n)]
            moved = [held[i, sent[i]].copy() for i in range(n)]
            for i in range(n):
                to = (i + 1) % n
                held[to, sent[i]] = moved[i] + (held[to, sent[i]] if phase == 0 else 0)
            rounds += 1
    np.testing.assert_allclose(held, np.broadcast_to(chunks.sum(0), held.shape))
    assert rounds == 2 * (n - 1)


def test_weak_scaling_adds_the_sums_of_each_update():
    found = scale.predict(0.1, (8e6, 4e6), 4, 1e9, 1e-3, discriminator_steps=5, scalars=2)
    ring = [1.5 * size / 1e9 + 6e-3 for size in (8e6, 4e6, 4)]
    assert found.communication == pytest.approx(5 * ring[0] + ring[1] + 2 * ring[2])
    assert found.seconds == pytest.approx(0.1 + found.communication)
    assert found.speedup == pytest.approx(4 * 0.1 / found.seconds)
    assert found.efficiency == pytest.approx(0.1 / found.seconds)


def test_strong_scaling_divides_what_the_batch_costs():
    found = scale.predict(0.1, (0, 0), 10, 1e9, 0.0, fixed_seconds=0.02)
    assert found.seconds == pytest.approx(0.028) and found.speedup == pytest.approx(1 / 0.28)


@pytest.mark.parametrize("fixed", [None, 0.03])
def test_one_replica_is_what_was_measured_and_more_are_never_more_efficient(fixed):
    made = [scale.predict(0.1, (8e6, 4e6), n, 1e9, 1e-4, 5, 1, fixed) for n in (1, 2, 4, 64, 1024)]
    assert made[0].seconds == pytest.approx(0.1) and made[0].communication == 0
    efficiencies = [one.efficiency for one in made]
    assert efficiencies == sorted(efficiencies, reverse=True) and efficiencies[-1] > 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"step_seconds": 0.0}, "step_seconds must be > 0, found 0.0"),
        ({"replicas": 0}, "replicas must be a whole number"),
        ({"link_bytes_per_second": 0}, "link_bytes_per_second"),
        ({"latency_seconds": -1.0}, "latency_seconds"),
        ({"gradient_bytes": (1,)}, "gradient_bytes must be a pair"),
        ({"fixed_seconds": 0.2}, "fixed_seconds must be in"),
        ({"discriminator_steps": 0}, "discriminator_steps"),
    ],
)
def test_values_that_cannot_be_are_named(values, words):
    fine = {"step_seconds": 0.1, "gradient_bytes": (1, 1), "replicas": 2}
    fine |= {"link_bytes_per_second": 1e9, "latency_seconds": 0.0}
    with pytest.raises(ValueError, match=words):
        scale.predict(**fine | values)


def test_the_line_is_numpy_s_of_the_same_weights():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 9, 6)
    y = 3 + 2 * x + rng.uniform(0, 1, 6)
    slope, intercept = np.polyfit(x, y, 1, w=1 / y)
    assert scale_model.fit_line(x, y) == pytest.approx((intercept, slope))


def test_the_page_tells_what_is_predicted_and_how_far_it_is_off(tmp_path):
    game = Game(measurements()["workloads"]["a game"])
    assert game.fixed == pytest.approx(0.010) and game.one == pytest.approx(0.042)
    path = scale.write_page(tmp_path / "scale.html", measurements())
    text = path.read_text()
    # Three sums of 4 MB, one of 2 MB and five of a number; each 2 ms, and 1 ms a MB.
    communication = 3 * 0.006 + 0.004 + 5 * 0.002
    for predicted, found in (
        *((0.042 + communication, 0.079), (0.010 + 0.016 + communication, 0.060)),
        *((0.050 + communication, 0.079), (0.030 + communication, 0.060)),
    ):
        told = f"<td>{1e3 * predicted:.2f} ms</td><td>{100 * (predicted / found - 1):+.0f}%</td>"
        assert told in text
    assert "to within -6% to -3%." in text
    assert "1,000 MB/s and 1,000 &micro;s" in text and "<td>1,024</td>" in text
    assert "data:image/svg+xml" in text and not re.search(r"""(src|href)=["']?http""", text)
    rate = 64 * 3 / 0.042
    assert f"<td>1</td><td>{rate:,.0f} (100%)</td>" in text


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers need a core each")
def test_a_report_of_two_workers_here(tmp_path):
    tiny = {
        **{"network": "mlp", "shape": [4], "latent_dim": 2, "width": 8, "batch": 16},
        **{"discriminator_steps": 2, "steps_per_execution": 2},
    }
    found = scale.measure(2, {"tiny": tiny}, seconds=0.5)
    assert json.loads(json.dumps(found)) == found
    made = found["workloads"]["tiny"]
    assert set(made["alone"]) == {"4", "8", "16"} and set(made["job"]) == {"8", "16"}
    assert made["job"]["16"]["gradient_bytes"] == [4 * (4 * 8 + 8 + 8 + 1), 4 * (2 * 8 + 8 + 36)]
    assert all(seconds > 0 for seconds in found["link"].values())
    assert "predicted" in scale.write_page(tmp_path / "scale.html", found).read_text()
