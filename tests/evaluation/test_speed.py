"""How long 10,000 images take, and how much memory: measured in a process of its own."""

import os
import pathlib
import subprocess
import sys

import pytest

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
CODE = """
import resource, time
import numpy as np
import keras_gans as kg
import pathlib

folder = pathlib.Path({folder!r})
if folder.exists():
    data = kg.datasets.load(f"idx:{{folder}}")
else:  # the same work on other pixels
    labels = np.arange(20_000) % 10
    images = np.random.default_rng(0).integers(0, 256, (20_000, 28, 28, 1), dtype=np.uint8)
    data = kg.datasets.Data("noise", images, labels)
fake = data.samples[::-1][:10_000] ^ np.uint8(7)
started = time.perf_counter(), time.process_time()
extractor = kg.metrics.Classifier(data)
trained = time.perf_counter(), time.process_time()
evaluator = kg.metrics.Evaluator(data, samples=10_000, extractor=extractor)
scores = evaluator.scores(fake, of="others")
done = time.perf_counter(), time.process_time()
print(kg.evaluation.table(scores))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
training, scoring = (f"{{b[0] - a[0]:.1f}} s ({{b[1] - a[1]:.1f}} s of CPU)"
                     for a, b in ((started, trained), (trained, done)))
print(f"training {{training}}, scoring {{scoring}}, {{peak:.2f}} GiB")
print(done[0] - trained[0], peak)
"""


@pytest.mark.slow
def test_ten_thousand_images_in_a_minute_and_two_gibibytes(tmp_path):
    environment = os.environ | {"KERAS_GANS_CACHE": str(tmp_path)}
    code = CODE.format(folder=str(FASHION))
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=900
    )
    assert result.returncode == 0, result.stderr[-3000:]
    print(result.stdout)
    seconds, gibibytes = map(float, result.stdout.split()[-2:])
    assert seconds < 60 and gibibytes <= 2.0
