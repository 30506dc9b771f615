import numpy as np
import pytest
import tensorflow as tf
from helpers import TWO_REPLICAS, run_python

from keras_gans.noise import Noise, latents


def draws(mode, seed=3):
    noise = Noise(seed)
    draw = lambda: (noise.normal([2, 3]), noise.uniform([4]))  # noqa: E731
    if mode != "eager":
        draw = tf.function(draw, jit_compile=mode == "jit")
    return [x.numpy() for _ in range(3) for x in draw()]


@pytest.mark.parametrize(("mode", "as_in"), [("graph", "eager"), ("jit", "jit")])
def test_the_stream_depends_on_the_seed_alone(mode, as_in):
    for expected, found in zip(draws(as_in), draws(mode), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_draws_are_new_each_time_and_repeat_with_the_seed():
    first, again, other = draws("eager"), draws("eager"), draws("eager", seed=4)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len({a.tobytes() for a in first + other}) == 12
    assert draws("eager", seed=None)[0].tobytes() != draws("eager", seed=None)[0].tobytes()


def test_draws_have_their_distribution():
    noise = Noise(0)
    normal, uniform = noise.normal([100_000]).numpy(), noise.uniform([100_000]).numpy()
    # Five standard errors: of a mean sd/316, of N(0, 1)'s variance sqrt(2)/316.
    assert abs(normal.mean()) < 5 / 316 and abs(normal.var() - 1) < 5 * 2**0.5 / 316
    assert abs(uniform.mean() - 0.5) < 5 * 12**-0.5 / 316
    assert 0 <= uniform.min() < 1e-3 and 0.999 < uniform.max() < 1


def test_a_larger_number_of_latents_keeps_the_first_ones():
    many = latents(70, 5, seed=2).numpy()
    for n in (1, 3, 64):
        np.testing.assert_array_equal(latents(n, 5, seed=2), many[:n])
    assert not np.isclose(latents(70, 5, seed=3), many).any()
    assert abs(many.mean()) < 5 / 350**0.5


def test_every_replica_draws_its_own_numbers():
    output = run_python(
        TWO_REPLICAS
        + """
import keras
from keras_gans.noise import Noise
with strategy.scope():
    noise = Noise(seed=0)
run = tf.function(lambda: strategy.run(lambda: (noise.normal([3]), noise.uniform([3]))))
drawn = [strategy.experimental_local_results(x) for _ in range(2) for x in run()]
numbers = [n for replicas in drawn for replica in replicas for n in replica.numpy().tolist()]
print(len(numbers), len(set(numbers)))
"""
    )
    assert output.split()[-2:] == ["24", "24"]
