import csv
import math

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gans as kg
from keras_gans.callbacks import instruments
from keras_gans.callbacks.stability_monitor import NAMES

REAL = helpers.samples(64, (2,))
TF = tf.constant


class Keep(keras.callbacks.Callback):
    """Keep the logs that reach a callback further down the list."""

    def __init__(self):
        super().__init__()
        self.epochs, self.steps = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(dict(logs))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(dict(logs))


def fit(gan, *callbacks, epochs=2, **arguments):
    return gan.fit(
        REAL, batch_size=16, epochs=epochs, callbacks=list(callbacks), verbose=0, **arguments
    )


def linear_gan(**arguments):
    """D(x) = 3 x_1 + 4 x_2 - 1, G(z) = 0.5 z with z in the plane: all can be reckoned by hand."""
    discriminator = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    generator = keras.Sequential([keras.Input([2]), keras.layers.Dense(2, use_bias=False)])
    gan = kg.GAN(generator, discriminator, latent_dim=2, seed=0)
    gan.compile(**arguments)
    discriminator.set_weights([np.array([[3.0], [4.0]]), np.array([-1.0])])
    generator.set_weights([0.5 * np.eye(2)])
    return gan


# --- the formulas ---------------------------------------------------------------------------------


def test_saturation_starts_where_the_sigmoid_s_slope_is_a_hundredth():
    s = 1 / (1 + math.exp(-instruments.SATURATED))
    assert s * (1 - s) == pytest.approx(0.01, rel=1e-6)
    assert float(instruments.saturation(TF([4.58, -4.59, 0.0, 9.0]), TF([0.0]))) == 0.25


@pytest.mark.parametrize(
    ("loss", "neutral", "flat"),
    [
        ("minimax", 0.0, True),
        ("non_saturating", 0.0, True),
        ("least_squares", 0.5, False),
        (kg.losses.LeastSquares(-1.0, 3.0, 3.0), 1.0, False),
        ("wasserstein", None, False),
        ("hinge", 0.0, True),
        ("relativistic_pairing", None, True),
        ("relativistic_average", None, True),
    ],
)
def test_every_loss_has_its_threshold(loss, neutral, flat):
    loss = kg.losses.get(loss)
    assert instruments.neutral_logit(loss) == neutral
    assert instruments.flattens(loss) is flat


def test_oscillation_is_what_a_line_leaves_over():
    assert instruments.oscillation([5.0, 1.0]) == 0.0
    assert instruments.oscillation(3.0 * np.arange(10) - 7) == 0.0
    # 0, 1, 0: the line is flat at 1/3; residuals -1/3, 2/3, -1/3; mean square 6/27
    assert instruments.oscillation([0.0, 1.0, 0.0]) == pytest.approx(math.sqrt(2) / 3)
    swing = np.sin(2 * np.pi * np.arange(1000) / 10)
    assert instruments.oscillation(swing + np.arange(1000)) == pytest.approx(2**-0.5, rel=1e-3)


def test_distances_are_those_of_scipy():
    from scipy.spatial.distance import cdist, pdist

    x = helpers.samples(20, (4, 4, 1)) + 1000.0  # far off: float32 would lose them
    flat = x.reshape(20, -1).astype("float64")
    distances = instruments.pairwise_distances(TF(x))
    np.testing.assert_allclose(distances, cdist(flat, flat), atol=1e-6)
    assert float(instruments.mean_distance(distances)) == pytest.approx(pdist(flat).mean())
    expected = np.sort(cdist(flat, flat), axis=1)[:, 1]
    np.testing.assert_allclose(instruments.nearest(distances), expected, rtol=1e-6)


# --- a game that can be reckoned by hand ----------------------------------------------------------


def test_measurements_of_a_linear_game():
    gan = linear_gan(loss="wasserstein")
    real = np.array([[0, 0], [3, 4], [0, 0], [3, 4]], "float32")
    probe = kg.models.Probe(gan, real)
    fake = probe.samples().numpy()
    found = instruments.Instruments(gan, real).measure()
    # L_D = E D(fake) - E D(real), so ∇_w = E fake - E real and ∇_b = 0
    by_hand = np.linalg.norm(fake.mean(0) - real.mean(0))
    assert found["d_gradient"] == pytest.approx(by_hand, rel=1e-5)
    # L_G = -E w · (z W), so ∇_W = -(E z) w^T of norm |E z| |w|, and z = 2 fake, |w| = 5
    assert found["g_gradient"] == pytest.approx(5 * np.linalg.norm(2 * fake.mean(0)), rel=1e-5)
    assert found["gradient_ratio"] == pytest.approx(found["d_gradient"] / found["g_gradient"])
    assert found["lipschitz_max"] == pytest.approx(5.0) == found["lipschitz_mean"]
    gap = (real @ [3, 4]).mean() - (fake @ [3, 4]).mean()
    assert found["logit_gap"] == pytest.approx(gap, rel=1e-5)
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(fake) for b in fake[:i]]
    assert found["diversity"] == pytest.approx(np.mean(pairs) / (4 * 5 / 6), rel=1e-5)
    assert found["d_saturation"] == 0.0  # of a critic there is none


def test_a_classifier_s_accuracy_and_saturation():
    gan = linear_gan()
    gan.generator.set_weights([np.zeros([2, 2])])  # every fake is 0 and has logit -1
    real = np.array([[3, 4], [0, 0], [0, 0.5], [-3, -4]], "float32")  # logits 24, -1, 1, -26
    found = instruments.Instruments(gan, real).measure()
    assert found["d_accuracy"] == 0.5 * (2 / 4 + 1)
    assert found["d_saturation"] == 0.5 * (2 / 4 + 0)
    assert found["diversity"] == 0.0 and found["duplicates"] == 1.0


def test_a_penalty_is_part_of_the_gradient():
    real = np.ones([4, 2], "float32") * [[1], [2], [3], [4]]
    gan = linear_gan(loss="wasserstein", penalty=kg.penalties.R1(2.0))
    plain = linear_gan(loss="wasserstein")
    fake = kg.models.Probe(gan, real.astype("float32")).samples().numpy()
    # gamma / 2 |w|² adds gamma w = (6, 8)
    expected = np.linalg.norm(fake.mean(0) - real.mean(0) + [6, 8])
    found = instruments.Instruments(gan, real.astype("float32")).measure()
    assert found["d_gradient"] == pytest.approx(expected, rel=1e-5)
    without = instruments.Instruments(plain, real.astype("float32")).measure()["d_gradient"]
    assert without != pytest.approx(expected, rel=1e-2)


def test_near_duplicates_are_counted_against_the_real_samples():
    gan = linear_gan()
    real = np.stack([np.arange(8.0), np.zeros(8)], 1).astype("float32")  # neighbours 1 apart
    fake = kg.models.Probe(gan, real).samples().numpy()
    distances = np.linalg.norm(fake[:, None] - fake, axis=2) + 99 * np.eye(8)
    for scale in (0.01, 1.0, 100.0):  # of the real samples
        found = instruments.Instruments(gan, scale * real).measure()
        assert found["duplicates"] == (distances.min(1) <= 0.1 * scale).mean()
    assert found["duplicates"] == 1.0


def test_distances_are_taken_between_features():
    gan = linear_gan()
    real = helpers.samples(16, (2,))
    features = lambda x: x[:, :1] * 0.0 + tf.constant(np.arange(16.0)[:, None], tf.float32)  # noqa: E731
    assert instruments.Instruments(gan, real, features=features).measure()["diversity"] == 1.0


# --- the callback ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"network": "mlp"},
        {"network": "dcgan", "loss": "wasserstein", "penalty": "gradient_penalty"},
        {"network": "dcgan", "jit_compile": True, "steps_per_execution": 2},
        {"loss": "relativistic_average", "discriminator_steps": 2, "run_eagerly": True},
        {"loss": "hinge", "penalty": lambda: kg.penalties.Lazy("r1", 3), "dynamics": "lookahead"},
    ],
    ids=lambda arguments: "-".join(arguments),
)
def test_training_is_the_same_with_it_as_without(arguments):
    x = helpers.samples(32)

    def trained(*callbacks):
        made = {name: value() if callable(value) else value for name, value in arguments.items()}
        gan = helpers.make_gan(**made)
        gan.fit(x, batch_size=4, epochs=2, shuffle=False, callbacks=list(callbacks), verbose=0)
        return helpers.state(gan)

    monitor = kg.callbacks.StabilityMonitor(every_steps=2)
    helpers.assert_same(trained(), trained(monitor))
    assert all(math.isfinite(row[name]) for row in monitor.rows for name in NAMES)
    assert len({row["d_gradient"] for row in monitor.rows}) > 1


def test_logs_reach_the_callbacks_behind_it_and_the_history():
    keep, monitor = Keep(), kg.callbacks.StabilityMonitor(every=2)
    result = fit(helpers.make_gan(shape=(2,)), monitor, keep, epochs=4)
    assert [set(NAMES) <= set(logs) for logs in keep.epochs] == [False, True, False, True]
    assert result.history["diversity"] == [row["diversity"] for row in monitor.rows]
    assert [(row["epoch"], row["step"]) for row in monitor.rows] == [(2, 8), (4, 16)]


@pytest.mark.parametrize(("execution", "steps"), [(1, [3, 6, 9, 12]), (2, [4, 6, 10, 12])])
def test_it_measures_every_n_steps(execution, steps):
    keep, monitor = Keep(), kg.callbacks.StabilityMonitor(every=0, every_steps=3)
    fit(helpers.make_gan(shape=(2,), steps_per_execution=execution), monitor, keep, epochs=3)
    assert [row["step"] for row in monitor.rows] == steps
    assert sum("diversity" in logs for logs in keep.steps) == 4
    assert keep.epochs[1]["diversity"] in [row["diversity"] for row in monitor.rows[1:3]]


def test_the_probe_is_compiled_once_and_stays_the_same(monkeypatch):
    made = []
    monkeypatch.setattr(
        instruments.Instruments,
        "_measure",
        lambda self, measure=instruments.Instruments._measure: made.append(1) or measure(self),
    )
    gan, monitor = helpers.make_gan(shape=(2,)), kg.callbacks.StabilityMonitor()
    fit(gan, monitor, epochs=3)
    fit(gan, monitor, epochs=1)
    assert len(monitor.rows) == 4 and len(made) == 1
    assert monitor.measure()["d_gradient"] == monitor.rows[3]["d_gradient"]


def test_it_takes_the_samples_it_is_given_else_the_first_batch():
    gan = helpers.make_gan(shape=(2,))
    fit(gan, epochs=1, shuffle=False)
    np.testing.assert_array_equal(gan.first_batch[0], REAL[:16])
    assert gan.first_batch[1] is None
    gan.fit(helpers.samples(600, (2,)), batch_size=300, verbose=0)
    assert len(gan.first_batch[0]) == 256
    other = kg.callbacks.StabilityMonitor(samples=(REAL[::-1], np.zeros(64)), n=8)
    fit(gan, other, epochs=1)
    np.testing.assert_array_equal(other._instruments._probe.real, REAL[::-1][:8])
    assert other._instruments._probe.condition.shape == (8,)


def test_packs_and_instance_noise_are_seen_as_in_training():
    networks = (helpers.players(shape=(2,))[0], helpers.players(shape=(4,))[1])
    gan = kg.GAN(*networks, latent_dim=4, packing=2, seed=0)
    gan.compile(instance_noise=0.1)
    monitor = kg.callbacks.StabilityMonitor(n=7)
    fit(gan, monitor, epochs=1)
    assert len(monitor._instruments._probe.real) == 6
    assert math.isfinite(monitor.rows[0]["lipschitz_max"])


def test_table_and_figure(tmp_path):
    gan = helpers.make_gan(shape=(2,))
    fit(gan, kg.callbacks.StabilityMonitor(tmp_path), kg.callbacks.History(tmp_path))
    fit(gan, kg.callbacks.StabilityMonitor(tmp_path), epochs=1)  # goes on in the same file
    with open(tmp_path / "stability.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["4", "8", "12"] and set(NAMES) < set(rows[0])
    with open(tmp_path / "history.csv", newline="") as file:
        history = list(csv.DictReader(file))
    assert [row["lipschitz_max"] for row in history] == [row["lipschitz_max"] for row in rows[:2]]
    with Image.open(tmp_path / "stability.png") as image:
        assert image.width == 800
    fresh = kg.callbacks.StabilityMonitor(tmp_path)  # of another run, from step 0
    fit(helpers.make_gan(shape=(2,)), fresh, epochs=1)
    assert [row["step"] for row in fresh.rows] == [4]


def test_it_writes_to_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monitor = kg.callbacks.StabilityMonitor(log_dir=tmp_path)
    fit(helpers.make_gan(shape=(2,)), monitor)
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    events.Reload()
    found = [
        (e.step, float(tf.make_ndarray(e.tensor_proto)))
        for e in events.Tensors("stability/diversity")
    ]
    assert [step for step, _ in found] == [4, 8]
    assert found[1][1] == pytest.approx(monitor.rows[1]["diversity"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": -1}, "every must be a whole number >= 0, found -1"),
        ({"every_steps": 0.5}, "every_steps must be a whole number >= 0, found 0.5"),
        ({"n": 1}, "n must be a whole number >= 2, found 1"),
        ({"window": 2}, "window must be a whole number >= 3, found 2"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        kg.callbacks.StabilityMonitor(**arguments)


def test_missing_or_few_samples_are_an_error():
    gan = helpers.make_gan(shape=(2,))
    monitor = kg.callbacks.StabilityMonitor()
    monitor.set_model(gan)
    with pytest.raises(ValueError, match=r"first batch .* give it samples"):
        monitor.on_train_begin()
    with pytest.raises(ValueError, match="samples: found 1, expected at least 2"):
        fit(gan, kg.callbacks.StabilityMonitor(samples=REAL[:1]))
