"""MultiWorkerMirroredStrategy, two processes on this machine."""

import json
import re

import helpers_workers as workers
import pytest
from helpers_runs import arrays

from keras_gans.callbacks import checkpoint

FLAGS = (
    *("--dataset=ring", "--width=8", "--latent_dim=2", "--batch_size=32", "--name=run"),
    *("--loss=wasserstein", "--penalty=gradient_penalty", "--strategy=multi_worker"),
    *("--sample_every=0", "--monitor_every=0"),
)

PROGRAM = """
import sys
import keras, numpy as np, tensorflow as tf
import keras_gans as kg
from keras_gans.models import strategy as strategies

strategy = strategies.make("multi_worker")

class Seen(kg.GAN):
    def discriminator_losses(self, real, fake, condition=None):
        every = strategy_context().all_gather(tf.reduce_sum(real, 0), axis=0)
        noises = strategy_context().all_gather(tf.reduce_sum(fake, 0), axis=0)
        tf.print("SEEN", every, noises, summarize=-1, output_stream=sys.stdout)
        return super().discriminator_losses(real, fake, condition)

strategy_context = tf.distribute.get_replica_context
for execution, k in ([int(number) for number in pair.split(",")] for pair in sys.argv[1:]):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        networks = kg.networks.mlp((1,), latent_dim=2, width=4)
        gan = Seen(*networks, latent_dim=2, seed=0)
        gan.compile(loss="hinge", penalty=kg.penalties.R1(1.0), discriminator_steps=k,
                    steps_per_execution=execution, ema_decay=0.9)
    x = np.arange(4 * k * 10, dtype="float32")[:, None] / 100
    data = tf.data.Dataset.from_tensor_slices(x).batch(4, drop_remainder=True)
    history = gan.fit(data, epochs=2, verbose=0, validation_data=data).history
    assert gan.step == 20, gan.step
    assert np.isfinite(list(history.values())).all()
    weights = float(sum(tf.reduce_sum(tf.abs(w)) for w in gan.generator.weights))
    print("RESULT", execution, k, {n: v[-1] for n, v in history.items()}, weights, flush=True)
"""


@pytest.mark.parametrize(
    "pairs",
    [["5,1"], pytest.param(["1,1", "1,5", "5,5"], marks=pytest.mark.slow)],
    ids=lambda pairs: " ".join(pairs),
)
def test_two_workers_share_each_batch_and_keep_the_same_weights(tmp_path, pairs):
    (tmp_path / "program.py").write_text(PROGRAM)
    statuses = workers.wait(workers.start([tmp_path / "program.py", *pairs], tmp_path))
    said = [workers.said(tmp_path, i) for i in (0, 1)]
    assert statuses == [0, 0], said[0][-2000:] + said[1][-2000:]
    results = [re.findall("^RESULT.*", text, re.M) for text in said]
    assert len(results[0]) == len(pairs) and results[0] == results[1]
    seen = [
        [float(number) for number in re.findall(r"-?\d[\d.e+-]*", line)]
        for line in re.findall("^SEEN(.*)", said[0], re.M)
    ]
    reals = [pair[:2] for pair in seen]
    # The first batch is 0.00 to 0.03: half of it for each.
    assert reals[0] == pytest.approx([0.00 + 0.01, 0.02 + 0.03])
    assert reals[1] == pytest.approx([0.04 + 0.05, 0.06 + 0.07])
    assert len(seen) >= 30 and all(fakes[0] != fakes[1] for _, _, *fakes in seen)


@pytest.mark.slow
def test_a_run_of_two_workers_is_the_chiefs_and_resumes(tmp_path):
    for output, steps, more in (
        *(("a", 40, ()), ("b", 20, ())),
        ("b", 40, ("--resume",)),
    ):
        folder = tmp_path / output
        command = [workers.TRAIN, *FLAGS, f"--steps={steps}", f"--output_dir={folder}", *more]
        command += ["--steps_per_execution=2", "--discriminator_steps=2"]
        command += ["--evaluate_every=5", "--evaluate_samples=100"]
        statuses = workers.wait(workers.start(command, tmp_path / "said"))
        told = [workers.said(tmp_path / "said", i) for i in (0, 1)]
        assert statuses == [0, 0], told
        assert "worker 1 ends at step" in told[1] and "done: " in told[0]
        assert [path.name for path in folder.iterdir()] == ["run"]
    a, b = (checkpoint.newest(tmp_path / name / "run" / "checkpoints") for name in "ab")
    assert a[1]["step"] == b[1]["step"] == 40
    ours, theirs = arrays(a[0]), arrays(b[0])
    assert ours.keys() == theirs.keys() and len(ours) > 10
    assert all((ours[name] == theirs[name]).all() for name in ours)
    assert (tmp_path / "b" / "run" / "export" / "1" / "saved_model.pb").exists()
    tables = [
        (tmp_path / name / "run" / "logs" / "evaluation.csv").read_text().splitlines()
        for name in "ab"
    ]
    assert len(tables[0]) > 3 and tables[0] == tables[1] and tables[0][-1].split(",")[1] == "40"
    assert json.loads((a[0] / "manifest.json").read_text())["flags"]["strategy"] == "multi_worker"


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_stops_the_other_and_the_run_resumes(tmp_path, victim):
    folder = tmp_path / "runs"
    kept = folder / "run" / "checkpoints"
    command = [workers.TRAIN, *FLAGS, "--checkpoint_steps=50", f"--output_dir={folder}"]
    both = workers.start([*command, "--steps=1000000"], tmp_path / "said")
    try:
        workers.wait_until(lambda: len(checkpoint.steps(kept)) > 1)
        both[victim].kill()
        took = workers.wait_until(lambda: both[1 - victim].poll() is not None, seconds=60)
    finally:
        workers.wait(both, 0)
    told = workers.said(tmp_path / "said", 1 - victim)
    print(f"the other stopped after {took:.1f} s: {told[-500:]}")
    assert both[1 - victim].returncode == 1, told[-2000:]
    assert "train.py: another worker is gone" in told and "--resume" in told
    last = checkpoint.steps(kept)[-1]
    steps = last + 20
    resumed = workers.start([*command, f"--steps={steps}", "--resume"], tmp_path / "said")
    assert workers.wait(resumed) == [0, 0], workers.said(tmp_path / "said", 0)[-2000:]
    assert f"steps {last:,} to {steps:,}" in workers.said(tmp_path / "said", 1)
    assert checkpoint.steps(kept)[-1] == steps
