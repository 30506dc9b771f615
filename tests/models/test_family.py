"""Every loss with every penalty and every network: one step changes both players and is finite."""

import itertools

import numpy as np
import pytest
from helpers import make_gan, samples

from keras_gans import losses, networks, penalties

PENALTIES = {
    "none": lambda: None,
    **{name: lambda name=name: penalties.get(name) for name in (*penalties.NAMES, "r1+r2")},
    "lazy": lambda: penalties.Lazy(penalties.R1(10.0), every=4),
}
MODES = {"graph": {}, "eager": {"run_eagerly": True}, "jit": {"jit_compile": True}}


def covering(network, mode):
    """Return cases that have each loss once and each penalty once."""
    pairs = zip(losses.NAMES, PENALTIES, strict=True)
    return [(loss, penalty, network, mode) for loss, penalty in pairs]


PRODUCT = list(itertools.product(losses.NAMES, PENALTIES, networks.NAMES, ("graph", "jit")))
QUICK = [
    *(case for case in PRODUCT if case[2:] == ("mlp", "graph")),
    *covering("dcgan", "eager"),
    *covering("resnet", "eager"),
    *covering("mlp", "jit"),
    *(("wasserstein", "gradient_penalty", network, "graph") for network in ("dcgan", "resnet")),
    *(("relativistic_pairing", "r1+r2", network, "jit") for network in ("dcgan", "resnet")),
]
SLOW = [pytest.param(*case, marks=pytest.mark.slow) for case in PRODUCT if case not in QUICK]


@pytest.mark.parametrize(("loss", "penalty", "network", "mode"), QUICK + SLOW)
def test_one_step(loss, penalty, network, mode):
    gan = make_gan(network, loss=loss, penalty=PENALTIES[penalty](), **MODES[mode])
    players = gan.generator, gan.discriminator
    before = [player.get_weights() for player in players]
    history = gan.fit(samples(4), batch_size=4, verbose=0).history
    names = {"d_loss", "g_loss", "real_logits", "fake_logits"}
    assert set(history) == names | ({"penalty"} if penalty != "none" else set())
    assert all(np.isfinite(values).all() for values in history.values())
    if penalty != "none":
        assert history["penalty"][0] > 0
    for player, kept in zip(players, before, strict=True):
        for variable, old in zip(player.weights, kept, strict=True):
            new = variable.numpy()
            assert np.isfinite(new).all(), variable.path
            # A bias may have no say: before a normalization, or where only differences count.
            assert new.ndim < 2 or not np.array_equal(new, old), variable.path


def test_the_quick_cases_have_everything_once_under_xla():
    for part, known in enumerate((losses.NAMES, PENALTIES, networks.NAMES)):
        assert {case[part] for case in QUICK if case[3] == "jit"} == set(known)
