import numpy as np
import pytest

import keras_gans as kg
from keras_gans import experiment
from keras_gans.config import Config


def test_train_profile_leaves_a_trace(tmp_path):
    options = {"width": 4, "latent_dim": 3, "batch_size": 16, "steps": 6, "network": "mlp"}
    config = Config(name="run", output_dir=str(tmp_path), profile=2, monitor_every=0, **options)
    assert experiment.train(config) == 0
    traces = list((tmp_path / "run" / "logs" / "plugins" / "profile").glob("*/*.xplane.pb"))
    assert len(traces) == 1 and traces[0].stat().st_size > 1000


def test_a_training_shorter_than_the_trace_ends_it(tmp_path):
    gan = kg.GAN(*kg.networks.mlp((2,), latent_dim=2, width=4), latent_dim=2)
    gan.compile()
    data = np.zeros([12, 2], "float32")
    for steps in (1, 3):  # the first one ends before it begins
        trace = kg.callbacks.Trace(tmp_path, calls=5)
        gan.fit(data[: 4 * steps], batch_size=4, callbacks=[trace], verbose=0)
        assert trace._running is False
        assert len(list(tmp_path.rglob("*.xplane.pb"))) == (steps == 3)
    with pytest.raises(ValueError, match="calls must be >= 1"):
        kg.callbacks.Trace(tmp_path, calls=0)
