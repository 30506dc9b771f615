"""A run that was killed and resumed ends as one that never was: bit for bit."""

import os
import random
import socket

import pytest
from helpers import TWO_REPLICAS, run_python
from helpers_runs import (
    FLAGFILES,
    assert_same_run,
    kill_after,
    listening,
    shrunk,
    start,
    train_and_snapshot,
)

from keras_gans import experiment
from keras_gans.callbacks import checkpoint
from keras_gans.config import Config

QUICK = {"name": "run", "width": 4, "latent_dim": 4, "sample_every": 0}
IMAGES = {**QUICK, "batch_size": 300, "epochs": 2, "checkpoint_steps": 2}  # 5 steps an epoch
POINTS = {**QUICK, "dataset": "ring", "steps": 60, "checkpoint_steps": 17}  # 3 steps an epoch


def resumed(tmp_path, monkeypatch, config, step):
    """Train; resume a copy of what was there at a step; compare. Return the step resumed from."""
    monkeypatch.setattr(experiment.export, "export_generator", lambda gan, path: path)  # it is slow
    assert train_and_snapshot(config, tmp_path / "killed", step, monkeypatch) == 0
    came_to = checkpoint.steps(tmp_path / "killed" / "run" / "checkpoints")[-1]
    values = {**config.__dict__, "output_dir": str(tmp_path / "killed"), "resume": True}
    assert experiment.train(Config(**values)) == 0
    assert_same_run(tmp_path / "straight" / "run", tmp_path / "killed" / "run")
    return came_to


# One of each kind: batch norm, k critic steps and a penalty, spectral norm, many steps at a time.
ALWAYS = ("ns", "wgan", "hinge", "ring")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=() if path.stem in ALWAYS else pytest.mark.slow)
        for path in FLAGFILES
    ],
)
def test_every_flagfile_resumes_within_an_epoch(tmp_path, path, monkeypatch):
    text = path.read_text()
    assert text.startswith("# ") and "arXiv:" in text.splitlines()[0]
    watched = {} if path.stem == "wgan" else {"monitor_every": 0, "sample_every": 0}
    config = shrunk(path, tmp_path / "straight", **watched)
    step, came_to = (8, 6) if config.steps_per_execution == 1 else (10, 10)
    assert resumed(tmp_path, monkeypatch, config, step) == came_to


def test_all_thirteen_flagfiles_are_there():
    names = "gan ns lsgan wgan wgan_clip hinge dragan r1 r3gan ttur article ring grid"
    assert {path.stem for path in FLAGFILES} >= set(names.split())


@pytest.mark.parametrize(
    "values",
    [
        {"dynamics": "lookahead", "penalty": "r1", "penalty_weight": "auto"},
        {"dynamics": "extra_gradient", "optimizer": "optimistic_adam", "instance_noise": 0.1},
        {"optimizer": "negative_momentum", "lr_decay": "linear", "on_divergence": "rollback"},
        {"packing": 2, "discriminator_steps": 2, "optimizer": "optimistic_sgd"},
    ],
    ids=lambda values: "-".join(values),
)
def test_the_slots_of_game_optimizers_come_back(tmp_path, values, monkeypatch):
    config = Config(
        **POINTS,
        **values,
        monitor_every=7,
        checkpoint_every=0,
        output_dir=str(tmp_path / "straight"),
    )
    assert resumed(tmp_path, monkeypatch, config, 35) == 34


def test_scores_and_the_best_state_come_back(tmp_path, monkeypatch):
    values = {"evaluate_every": 2, "evaluate_samples": 500, "checkpoint_every": 0}
    config = Config(**POINTS, **values, output_dir=str(tmp_path / "straight"))
    assert resumed(tmp_path, monkeypatch, config, 35) == 34
    found = [tmp_path / name / "run" / "logs" / "evaluation.csv" for name in ("straight", "killed")]
    assert found[0].read_text().count("\n") == 11  # every second of 20 epochs


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        {"mixed_precision": "mixed_float16", "augment": "crop,brightness"},
        {"discriminator_norm": "spectral", "loss": "hinge", "ema_decay": 0.9, "network": "resnet"},
    ],
    ids=lambda values: "-".join(values),
)
def test_precision_augmentation_and_norms_come_back(tmp_path, values, monkeypatch):
    config = Config(**IMAGES, **values, output_dir=str(tmp_path / "straight"))
    assert resumed(tmp_path, monkeypatch, config, 9) == 8


def kills(tmp_path, arguments, moments):
    """Kill a run again and again, moments (in seconds) after it saved; compare at its end."""
    process = start("--output_dir=straight", *arguments, cwd=tmp_path)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    resume = []
    for moment in moments:
        process = start("--output_dir=killed", *arguments, *resume, cwd=tmp_path)
        if not kill_after(process, tmp_path / "killed" / "run", moment):
            break
        resume = ["--resume"]
    process = start("--output_dir=killed", *arguments, *resume, cwd=tmp_path)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "passed over" not in output
    assert_same_run(tmp_path / "straight" / "run", tmp_path / "killed" / "run")


TINY = ("--name=run", "--width=4", "--latent_dim=4", "--checkpoint_steps=5")


def test_sigkill(tmp_path):
    arguments = [*TINY, "--flagfile=ring.flags", "--steps=400", "--steps_per_execution=5"]
    kills(tmp_path, [*arguments, "--sample_every=20"], [0.5])


@pytest.mark.slow
@pytest.mark.parametrize("path", FLAGFILES, ids=lambda path: path.stem)
def test_sigkill_at_random_moments_with_every_flagfile(tmp_path, path):
    draw = random.Random(path.stem)
    arguments = [*TINY, f"--flagfile={path}", "--steps=400", "--batch_size=16"]
    kills(tmp_path, arguments, [draw.uniform(0, 3) for _ in range(3)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        # The end is scored too, after the last checkpoint of an epoch.
        ("--evaluate_every=3", "--evaluate_samples=200", "--epochs=10", "--sample_every=3"),
        ("--evaluate_every=1", "--dataset=ring", "--evaluate_samples=500", "--steps=300"),
        (
            *("--strategy=mirrored", "--replicas=2", "--steps_per_execution=5", "--steps=300"),
            *("--discriminator_steps=2", "--penalty=r1", "--ema_decay=0.9"),
        ),
    ],
    ids=["scores of images", "scores of points", "replicas"],
)
def test_sigkill_at_random_moments(tmp_path, arguments, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "cache"))
    draw = random.Random(arguments[0])
    kills(tmp_path, [*TINY, *arguments], [draw.uniform(0, 3) for _ in range(4)])


def test_two_replicas_resume_within_an_epoch(tmp_path):
    output = run_python(
        TWO_REPLICAS
        + f"""
import pathlib, shutil, numpy as np, keras, keras_gans as kg
from keras_gans.callbacks import checkpoint

def make():
    keras.utils.set_random_seed(0)
    with strategy.scope():
        gan = kg.GAN(*kg.networks.mlp((3,), latent_dim=4, width=4), latent_dim=4, seed=0)
        gan.compile(penalty=kg.penalties.R1(1.0), discriminator_steps=2, ema_decay=0.9)
    return gan

def fit(gan, folder, epoch, epochs, steps, restore=False):
    history = kg.callbacks.History(folder)
    keep = kg.callbacks.Checkpoint(folder / "c", every_steps=3, keep=9, callbacks=[history])
    if restore:
        assert checkpoint.restore(gan, folder / "c", [history, keep]) == 6
    batches = data.batches(8, seed=1, start=2 * gan.step)
    gan.fit(batches, initial_epoch=epoch, epochs=epochs, steps_per_epoch=steps,
            callbacks=[history, keep], verbose=0)
    for row in history.rows:
        del row["seconds"]
    return [np.array(v) for v in gan.training_variables()], history.rows

x = np.random.default_rng(0).normal(size=[64, 3]).astype("float32")
data, folder = kg.datasets.Data("normal", x), pathlib.Path({str(tmp_path)!r})
straight, rows = fit(make(), folder / "a", 0, 2, 4)
assert checkpoint.steps(folder / "a" / "c") == [3, 4, 6, 8]
shutil.copytree(folder / "a", folder / "b")
shutil.rmtree(folder / "b" / "c" / "00000008")
resumed, again = fit(make(), folder / "b", 1, 2, 2, restore=True)
assert len(straight) == len(resumed)
print(sum((a == b).all() for a, b in zip(straight, resumed)), "of", len(straight), rows == again)
print(rows, again)
"""
    )
    first = output.splitlines()[0].split()
    assert first[0] == first[2] and int(first[0]) > 20 and first[3] == "True", output


def test_a_port_that_a_process_listens_on_is_seen():
    listener = socket.socket()
    try:
        listener.bind(("127.0.0.1", 0))
        before = listening(os.getpid())
        listener.listen()
        port = f":{listener.getsockname()[1]:04X}"
        new = [address for address in listening(os.getpid()) if address not in before]
        assert [address[-5:] for address in new] == [port]
    finally:
        listener.close()
