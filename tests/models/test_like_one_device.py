"""Two replicas that share the noise of one device follow it, step by step."""

import json
import re

import helpers_workers as workers
import pytest
from helpers import run_python

PROGRAM = """
import contextlib, json, sys
import numpy as np, keras, keras_gans as kg
from keras_gans.models import strategy as strategies
from keras_gans.noise import WholeNoise

kind, executions, steps = sys.argv[1:]
strategy = strategies.make(kind, 2 if kind == "mirrored" else 0)
x = np.random.default_rng(0).normal(size=[1024, 3]).astype("float32")

def train(scope, execution, k):
    keras.utils.set_random_seed(0)
    with scope:
        gan = kg.GAN(*kg.networks.mlp((3,), latent_dim=4, width=8), latent_dim=4, seed=0)
        gan.compile(
            loss="wasserstein", penalty="gradient_penalty", discriminator_steps=k, ema_decay=0.9,
            steps_per_execution=execution,
            generator_optimizer=keras.optimizers.SGD(0.05),
            discriminator_optimizer=keras.optimizers.SGD(0.05),
        )
        gan.noise = WholeNoise(0)  # all replicas draw one device's numbers and take their part
    start = [np.array(w.numpy()) for w in gan.discriminator.weights]
    batches = kg.datasets.Data("normal", x).batches(16, seed=1)
    history = gan.fit(batches, steps_per_epoch=25, epochs=2, verbose=0).history
    assert gan.step == 50
    moved = max(np.abs(a - b.numpy()).max() for a, b in zip(start, gan.discriminator.weights))
    tested = gan.evaluate(kg.datasets.Data("normal", x[:64]).batches(16, seed=2).take(4), verbose=0)
    history["tested"] = tested
    return [v.numpy() for v in gan.training_variables()], history, float(moved)

for k in map(int, steps.split(",")):
    one, before, moved = train(contextlib.nullcontext(), 1, k)
    for execution in map(int, executions.split(",")):
        two, after, _ = train(strategy.scope(), execution, k)
        assert len(one) == len(two) > 12 and before.keys() == after.keys()
        weights = max(float(np.abs(a - b).max()) for a, b in zip(one, two))
        logs = max(float(np.abs(np.array(before[n]) - after[n]).max()) for n in before)
        print("FOUND", json.dumps([k, execution, weights, logs, moved]), flush=True)
"""


def assert_alike(said, count):
    lines = [json.loads(line) for line in re.findall("^FOUND (.*)", said, re.M)]
    assert len(lines) == count
    for k, execution, weights, logs, moved in lines:
        assert weights < 1e-5 and logs < 1e-5 and moved > 0.05, (k, execution, weights, logs)


@pytest.mark.parametrize("executions", ["5", pytest.param("1", marks=pytest.mark.slow)])
def test_two_replicas_follow_one_device(executions):
    argv = ["program", "mirrored", executions, "1,5"]
    assert_alike(run_python(f"import sys; sys.argv = {argv}\n{PROGRAM}"), 2)


@pytest.mark.slow
def test_two_workers_follow_one_device(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [tmp_path / "program.py", "multi_worker", "1,5", "1,5"]
    statuses = workers.wait(workers.start(command, tmp_path), seconds=400)
    said = [workers.said(tmp_path, i) for i in (0, 1)]
    assert statuses == [0, 0], said[0][-2000:] + said[1][-2000:]
    for text in said:
        assert_alike(text, 4)
