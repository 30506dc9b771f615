import tensorflow as tf

from keras_gans.benchmarking import contestants, profiles, report


def test_a_recording_is_counted_by_kind(tmp_path):
    @tf.function(autograph=False)
    def step(a):
        b = tf.nn.leaky_relu(tf.matmul(a, a))
        return tf.matmul(b, a) + tf.random.normal([256, 256])

    a = tf.random.normal([256, 256])
    step(a)
    with tf.profiler.experimental.Profile(str(tmp_path)):
        for _ in range(5):
            step(a).numpy()
    made = profiles.read(tmp_path)
    calls = {kind: count for kind, (_, count) in made["kinds"].items()}
    assert calls["products"] == 10 and calls["random numbers"] == 5
    assert calls[profiles.OTHER] in (5, 10)  # the addition; LeakyReLU may be part of a product
    assert 0 < sum(seconds for seconds, _ in made["kinds"].values()) < 10 * made["seconds"] < 10


def test_a_profile_of_fit_has_the_products_of_the_algorithm(tmp_path):
    class Here(contestants.Profile):
        def __init__(self, kind, workload):
            assert kind == "profile"
            super().__init__(workload)
            self.first()

        def close(self):
            pass

    made = profiles.measure(Here, ("mlp", "generation"), print, turns=1)
    assert set(made) == {"mlp"}
    kinds = made["mlp"]["kinds"]
    # Each of five updates of the critic: both layers forward, at real with generated samples and at
    # points between; the input gradient; and by both layers' weights and the hidden layer, of the
    # losses and of the penalty. Then two forward passes of both players and what leads back.
    assert 5 * 10 <= kinds["products"][1] <= 5 * 12 + 2 + 12
    assert 7 <= kinds["optimizers"][1] <= 24.5  # the small ones may be too fast to be seen
    assert 0 < kinds["products"][0] < 10 * made["mlp"]["step"]
    page = report.write({"machine": {}, "workloads": {}, "profiles": made}, tmp_path)
    assert "| products " in page and "| the whole step" in page
