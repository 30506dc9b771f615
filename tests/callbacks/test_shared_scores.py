"""Scores that several devices or workers compute together are those of one device."""

import json
import re

import helpers_workers as workers
import pytest
from helpers import run_python

PROGRAM = """
import contextlib, json, os, pathlib, sys
import keras, numpy as np
import keras_gans as kg
from keras_gans.callbacks import Evaluate
from keras_gans.metrics import Extractor, make_classifier
from keras_gans.models import strategy as strategies

kind, folder = sys.argv[1:]
strategy = strategies.make(kind, 2 if kind == "mirrored" else 0)
assert strategy.num_replicas_in_sync == (1 if kind == "none" else 2)
worker = strategies.worker(strategy)
os.environ["KERAS_GANS_CACHE"] = f"{folder}/cache{worker}"

def extractor(seed=1):
    keras.utils.set_random_seed(seed)
    return Extractor(make_classifier((8, 8, 1), 10), "features", "untrained")

def game(shape, make_metrics):
    keras.utils.set_random_seed(0)
    with strategy.scope() if kind != "none" else contextlib.nullcontext():
        networks = kg.networks.mlp(shape, latent_dim=4, width=8)
        gan = kg.GAN(*networks, latent_dim=4, seed=0)
        stay = [keras.optimizers.SGD(0.0) for _ in range(2)]  # replicas draw their own noise
        gan.compile(generator_optimizer=stay[0], discriminator_optimizer=stay[1],
                    ema_decay=0.5, metrics=make_metrics())
    for network in (gan.generator, gan.ema_generator):
        network.set_weights([2.5 * w for w in network.get_weights()])
    return gan

def scored(gan, x, data, metrics, evaluator):
    watch = Evaluate(metrics, data=data, extractor=evaluator, samples=101,
                     directory=f"{folder}/logs{worker}", best_directory=f"{folder}/best{worker}")
    history = gan.fit(x, batch_size=16, epochs=2, shuffle=False, callbacks=[watch], verbose=0)
    told = {name: history.history[name] for name in metrics}
    return told | {"best": [watch.best.value, watch.best.step]}

digits = kg.datasets.load("digits")
real = kg.datasets.to_float(digits.samples[:64])
metrics = kg.metrics
images = game((8, 8, 1), lambda: [
    metrics.FrechetDistance(extractor()), metrics.KernelDistance(), metrics.PrecisionRecall(),
    metrics.KernelDistance(samples=20, name="few")])
names = ("fd", "kd", "precision", "recall", "swd", "ms_ssim")
mine = extractor(seed=1 + worker)  # each worker has trained its own; the chief's counts
found = scored(images, real, digits, names, mine)
found["compiled"] = images.evaluate(real[:60], batch_size=16, verbose=0, return_dict=True)
ring = kg.datasets.load("ring")
points = game((2,), lambda: [metrics.ModeCoverage(ring.modes, ring.sigma)])
x = ring.samples[:64].astype("float32")
found |= scored(points, x, ring, ("modes", "high_quality", "reverse_kl"), "auto")
found["counted"] = points.evaluate(x, batch_size=16, verbose=0, return_dict=True)
for gan in (images, points):  # what a replica put in their place, it took away
    assert gan.generator is not gan.ema_generator
    assert gan.noise.generator is gan._seed_generator and gan._training
print("FOUND", json.dumps(found), flush=True)
"""


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    return folder, found(run(folder, "none"))


def run(folder, kind):
    code = f"import sys; sys.argv = ['program', {kind!r}, {str(folder)!r}]\n"
    return run_python(code + PROGRAM)


def found(text):
    return json.loads(re.search("^FOUND (.*)", text, re.M).group(1))


def assert_alike(ours, theirs):
    assert ours.keys() == theirs.keys() and len(ours["compiled"]) == 9
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, rel=1e-4, abs=1e-5), name


def written(folder):
    return sorted(path.name for path in folder.iterdir() if "cache" not in path.name)


def test_two_replicas_score_what_one_device_does(one_device, tmp_path):
    assert_alike(found(run(tmp_path, "mirrored")), one_device[1])
    assert written(tmp_path) == written(one_device[0]) == ["best0", "logs0"]


@pytest.mark.slow
def test_two_workers_score_what_one_device_does_and_the_chief_writes(one_device, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    folder = tmp_path / "run"
    command = [tmp_path / "program.py", "multi_worker", folder]
    statuses = workers.wait(workers.start(command, tmp_path / "said"))
    said = [workers.said(tmp_path / "said", i) for i in (0, 1)]
    assert statuses == [0, 0], said[0][-2000:] + said[1][-2000:]
    assert found(said[0]) == found(said[1])
    assert_alike(found(said[0]), one_device[1])
    assert written(folder) == ["best0", "logs0"]
    # Only the chief needs the real images' features.
    assert list(folder.glob("cache0/features-*")) and not list(folder.glob("cache1/features-*"))
