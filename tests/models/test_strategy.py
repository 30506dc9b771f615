"""MirroredStrategy on two logical devices of the CPU, and what needs no device."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import TWO_REPLICAS, run_python

from keras_gans.models import strategy as strategies


def test_the_end_of_the_data_and_evaluation_on_two_replicas():
    output = run_python(
        TWO_REPLICAS
        + """
import numpy as np, keras, keras_gans as kg
x = np.arange(30, dtype="float32")[:, None] / 10

class Seen(kg.GAN):
    def discriminator_losses(self, real, fake, condition=None):
        replica = tf.distribute.get_replica_context()
        seen.append((tf.reshape(real, [-1]).numpy().tolist(), fake.numpy().ravel().tolist(),
                     int(replica.replica_id_in_sync_group)))
        return super().discriminator_losses(real, fake, condition)

seen = []
with strategy.scope():
    # ReLU, the default, makes the same of all latents at which no unit is active.
    networks = kg.networks.mlp((1,), latent_dim=2, width=4, activation="leaky")
    gan = Seen(*networks, latent_dim=2, seed=0)
    gan.compile(discriminator_steps=2, run_eagerly=True)
seen.clear()
gan.fit(tf.data.Dataset.from_tensor_slices(x).batch(4), verbose=0)
assert gan.step == 3, gan.step
order = sorted(range(len(seen)), key=lambda i: seen[i][2])
mine = [[seen[i][0] for i in order if seen[i][2] == r] for r in (0, 1)]
for update in range(6):  # update j sees samples 4 j to 4 j + 3, half of them on each replica
    both = mine[0][update] + mine[1][update]
    assert np.allclose(both, x[4 * update : 4 * update + 4, 0]), (update, both)
fakes = [number for _, fake, _ in seen for number in fake]
assert len(set(fakes)) == len(fakes) == 24

for execution in (1, 3):
    with strategy.scope():
        gan = kg.GAN(*kg.networks.mlp((1,), latent_dim=2, width=4), latent_dim=2, seed=0)
        gan.compile(steps_per_execution=execution)
    unknown = tf.data.Dataset.from_tensor_slices(x[:16]).batch(4, True).filter(lambda _: True)
    gan.fit(unknown, epochs=2, verbose=0)
    draws = int(gan.noise.generator.state.numpy()[1])
    logs = gan.evaluate(unknown, return_dict=True, verbose=0)
    print(gan.step, "steps", draws, "draws", sorted(logs))
"""
    )
    logs = "['d_loss', 'fake_logits', 'g_loss', 'real_logits']"
    assert output.count(f"8 steps 16 draws {logs}") == 2, output


def test_what_does_not_fit_the_strategy_is_refused():
    output = run_python(
        TWO_REPLICAS
        + """
import numpy as np, keras, keras_gans as kg

def refused(function):
    try:
        function()
    except ValueError as error:
        print(error)
    else:
        print("NOT REFUSED")

networks = kg.networks.mlp((1,), latent_dim=2, width=4)
optimizer = keras.optimizers.Adam()
coverage = kg.metrics.ModeCoverage([[0.0]], 1.0)
outside = kg.GAN(*networks, latent_dim=2)
with strategy.scope():
    refused(outside.compile)
    mixed = kg.GAN(*networks, latent_dim=2)
    refused(mixed.compile)
    gan = kg.GAN(*kg.networks.mlp((1,), latent_dim=2, width=4), latent_dim=2)
    refused(lambda: gan.compile(generator_optimizer=optimizer))
    refused(lambda: gan.compile(jit_compile=True))
    refused(lambda: gan.compile(metrics=[coverage]))
    gan.compile()
refused(lambda: gan.fit(np.zeros([10, 1], "float32"), batch_size=5))
refused(lambda: gan.fit(np.zeros([4, 1], "float32") for _ in range(3)))
refused(lambda: gan.train_on_batch(np.zeros([4, 1], "float32")))
refused(gan.compile)
"""
    )
    told = output.splitlines()
    assert len(told) == 9 and "NOT REFUSED" not in output
    assert "the GAN was not made under the strategy" in told[0]
    assert "which was not made under the strategy" in told[1]
    assert "the generator_optimizer was not made" in told[2]
    assert "jit_compile=True" in told[3]
    assert "'mode_coverage' has 'mode_coverage/counts', which was not made under" in told[4]
    assert "a batch of 5 samples cannot be divided among 2 replicas" in told[5]
    assert "found a generator, expected under a strategy a tf.data.Dataset" in told[6]
    assert "train_on_batch and test_on_batch need one device" in told[7]
    assert "the GAN was not made under the strategy" in told[8]


def test_a_batch_is_cut_so_that_replicas_share_each_update():
    batch = np.arange(24, dtype="float32").reshape(12, 2)
    dataset = tf.data.Dataset.from_tensors((batch, np.arange(12)))
    two = type("Two", (), {"num_replicas_in_sync": 2})()
    x, y = next(iter(strategies.distribute(dataset, two, steps=3)))
    # Updates see 0-3, 4-7 and 8-11; the first replica gets the first half of each.
    order = [0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11]
    np.testing.assert_array_equal(y, order)
    np.testing.assert_array_equal(x, batch[order])
    assert strategies.distribute(dataset, tf.distribute.get_strategy(), steps=3) is dataset


@pytest.mark.parametrize(
    "text",
    [None, "", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}'],
)
def test_a_wrong_cluster_is_refused(monkeypatch, text):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=r"TF_CONFIG.*expected.*host0:12345"):
        strategies.make("multi_worker")


def test_no_strategy_is_the_one_device():
    strategy = strategies.make("none")
    assert not strategies.is_distributed(strategy) and strategies.worker(strategy) == 0
    strategies.check_agreement(strategy, "the step", 3)


def test_what_tells_of_a_lost_worker():
    error = tf.errors.UnavailableError(
        None, None, "Graph execution error:\nCollective ops is aborted by: /task:1 is down\nmore"
    )
    assert "task:1 is down" in strategies.lost_worker(error)
    assert strategies.lost_worker(tf.errors.InvalidArgumentError(None, None, "task:1")) is None


@pytest.mark.slow
def test_a_mirrored_run_resumes_bit_for_bit(tmp_path):
    output = run_python(
        f"""
import dataclasses
import h5py
from keras_gans import experiment
from keras_gans.callbacks import checkpoint
from keras_gans.config import Config

config = Config(
    name="a", output_dir={str(tmp_path)!r}, dataset="ring", width=4, latent_dim=2, batch_size=16,
    penalty="r1", steps=20, strategy="mirrored", replicas=2, steps_per_execution=2, ema_decay=0.9,
)
make, experiment.strategy.make = experiment.strategy.make, lambda *arguments: made
made = make("mirrored", 2)  # once in a process
assert made.num_replicas_in_sync == 2
assert experiment.train(config) == 0
b = dataclasses.replace(config, name="b", steps=10, sample_every=5)
assert experiment.train(b) == 0
assert experiment.train(dataclasses.replace(b, steps=20, resume=True)) == 0
found = []
for name in "ab":
    path, about = checkpoint.newest({str(tmp_path)!r} + f"/{{name}}/checkpoints")
    arrays = {{}}
    with h5py.File(path / checkpoint.STATE) as file:
        file.visititems(lambda n, i: arrays.update({{n: i[()]}}) if hasattr(i, "dtype") else None)
    found.append((about["step"], arrays))
(step, ours), (other, theirs) = found
assert step == other == 20 and ours.keys() == theirs.keys()
print(sum((ours[n] == theirs[n]).all() for n in ours), "of", len(ours))
loaded = experiment.load_run({str(tmp_path)!r} + "/b")
replicas = loaded.distribute_strategy.num_replicas_in_sync
print(loaded.step, loaded.generate(3, seed=0).shape, replicas)
"""
    )
    same, _, count = output.splitlines()[-2].split()
    assert same == count and int(count) > 10
    assert output.splitlines()[-1] == "20 (3, 2) 1"
    left = {path.name for path in (tmp_path / "b").iterdir()}
    assert {"samples", "logs", "checkpoints", "export", "flags.txt"} <= left
    assert (tmp_path / "b" / "logs" / "stability.csv").exists()
