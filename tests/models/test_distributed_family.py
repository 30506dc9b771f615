"""Every loss with every penalty on two replicas, and on two workers, in each shape of a step."""

import re

import helpers_workers as workers
import pytest
from helpers import run_python

import keras_gans as kg

PROGRAM = """
import hashlib, itertools, sys
import keras, numpy as np, tensorflow as tf
import keras_gans as kg
from keras_gans.models import strategy as strategies

kind, policies, pairs, losses, *shapes = sys.argv[1:]
strategy = strategies.make(kind, 2 if kind == "mirrored" else 0)
assert strategy.num_replicas_in_sync == 2
penalties = {
    "none": lambda: None,
    **{name: lambda name=name: kg.penalties.get(name) for name in kg.penalties.NAMES},
    "lazy": lambda: kg.penalties.Lazy("r1", every=2),
    "sum": lambda: kg.penalties.Sum(kg.penalties.R1("auto"), "r2"),
}
pairs = list({"product": itertools.product, "zip": zip}[pairs](losses.split(","), penalties))
x = np.random.default_rng(0).normal(size=[32, 3]).astype("float32")
data = tf.data.Dataset.from_tensor_slices(x).repeat().batch(8, drop_remainder=True)

def on_each_replica(variable):
    return [value.numpy() for value in strategy.experimental_local_results(variable.value)]

for policy, (loss, penalty), shape in itertools.product(policies.split(","), pairs, shapes):
    execution, k = map(int, shape.split("x"))
    steps = execution if policy == "float32" else 4 * execution  # the loss scale may be cut first
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    with strategy.scope():
        gan = kg.GAN(*kg.networks.mlp((3,), latent_dim=4, width=4), latent_dim=4, seed=0)
        gan.compile(loss=loss, penalty=penalties[penalty](), ema_decay=0.9,
                    discriminator_steps=k, steps_per_execution=execution)
    weights = gan.discriminator.weights + gan.generator.weights
    start = [w.numpy() for w in weights]
    assert gan.generator.layers[1].compute_dtype == policy.removeprefix("mixed_")
    history = gan.fit(data, steps_per_epoch=steps, verbose=0).history
    case = policy, loss, penalty, execution, k
    assert gan.step == steps and np.isfinite(list(history.values())).all(), (case, history)
    assert ("penalty" in history) == (penalty != "none"), case
    kernels = [(old, new.numpy()) for old, new in zip(start, weights) if len(new.shape) > 1]
    assert len(kernels) == 4 and all((old != new).any() for old, new in kernels), case
    digest = hashlib.sha256()
    for variable in weights + gan.ema_generator.weights:
        first, *others = on_each_replica(variable)
        assert np.isfinite(first).all(), (case, variable.path)
        assert all((first == other).all() for other in others), (case, variable.path)
        digest.update(first.tobytes())
    print("CASE", *case, digest.hexdigest(), flush=True)
"""
LOSSES = sorted(kg.losses.NAMES)
SHAPES = ("1x1", "5x1", "1x5", "5x5")  # steps an execution x discriminator steps
HALVES = (LOSSES[:4], LOSSES[4:])  # two workers take some minutes for each


def mirrored(*arguments, policies="float32"):
    """Return the cases that ran through on two devices of the CPU."""
    argv = ["program", "mirrored", policies, *arguments]
    said = run_python(f"import sys; sys.argv = {argv}\n{PROGRAM}")
    return re.findall("^CASE (.*)", said, re.M)


def two_workers(tmp_path, *arguments):
    """Return the cases that ran through in two processes; the weights of both must be the same."""
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [tmp_path / "program.py", "multi_worker", "float32", *arguments]
    statuses = workers.wait(workers.start(command, tmp_path), seconds=1500)
    said = [workers.said(tmp_path, i) for i in (0, 1)]
    assert statuses == [0, 0], said[0][-2000:] + said[1][-2000:]
    first, second = (re.findall("^CASE (.*)", text, re.M) for text in said)
    assert first == second
    return first


def test_each_loss_and_each_penalty_makes_a_step_on_two_replicas():
    assert len(LOSSES) == 7 and len(mirrored("zip", ",".join(LOSSES), "1x1")) == 7


def test_mixed_precision_makes_steps_on_two_replicas():
    policies = "mixed_bfloat16,mixed_float16"
    cases = mirrored("zip", "hinge,wasserstein", "1x1", policies=policies)
    assert [case.split()[:3] for case in cases] == [
        [policy, loss, penalty]
        for policy in policies.split(",")
        for loss, penalty in (("hinge", "none"), ("wasserstein", "gradient_penalty"))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_and_penalty_on_two_replicas(loss, shape):
    assert len(mirrored("product", loss, shape)) == 7


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("losses", HALVES, ids=("a", "b"))
def test_every_loss_and_penalty_on_two_workers(tmp_path, losses, shape):
    assert len(two_workers(tmp_path, "product", ",".join(losses), shape)) == 7 * len(losses)
