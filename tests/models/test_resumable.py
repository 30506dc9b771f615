"""Every model comes back with all that training changed. A new model joins by a line in MODELS."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same, batches, make_gan, players, samples, sgd

import keras_gans as kg
from keras_gans.callbacks import checkpoint


class Controller:
    """A plain object with a variable, of which Keras does not know."""

    def __init__(self):
        self.probability = keras.Variable(0.5, trainable=False, name="probability")


class Adaptive(kg.GAN):
    """It has state of its own: a probability that adapts, an encoder that it trains, and a size."""

    def __init__(self, *networks, **kwargs):
        super().__init__(*networks, **kwargs)
        self.controller = Controller()
        self.encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
        self.encoder_optimizer = keras.optimizers.Adam(1e-2)

    def extra_variables(self):
        return [*super().extra_variables(), self.controller.probability]

    def structure(self):
        return {"layers": len(self.encoder.layers)}

    def restructure(self, structure):
        while len(self.encoder.layers) < structure["layers"]:
            self.grow()

    def grow(self):
        self.encoder.add(keras.layers.Dense(3))
        self.encoder_optimizer = keras.optimizers.Adam(1e-2)
        self.encoder_optimizer.build(self.encoder.trainable_variables)
        self.compile(**sgd())  # the step is traced anew

    def generator_losses(self, real, fake, condition=None):
        probability = self.controller.probability
        probability.assign(probability * 0.9)
        if self.encoder_optimizer.built:
            gradients = [probability + weight for weight in self.encoder.trainable_variables]
            self.encoder_optimizer.apply(gradients, self.encoder.trainable_variables)
        return super().generator_losses(real, fake, condition)


def adaptive():
    return make_gan(cls=Adaptive, **sgd())


def automatic():
    return make_gan(penalty=kg.penalties.R1("auto"))


def lookahead():
    return make_gan(dynamics=kg.optimizers.Lookahead(3))


def stateful():
    """Batch and spectral normalization, dropout, lazy penalties, schedules, float16."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        networks = players("dcgan", discriminator_norm="spectral")
        rate = keras.optimizers.schedules.CosineDecay(1e-3, 50)
        return make_gan(
            networks=networks,
            ema_decay=0.9,
            penalty=kg.penalties.Sum(kg.penalties.Lazy("r1", every=3), kg.penalties.Dragan(2.0)),
            generator_optimizer=keras.optimizers.Adam(kg.callbacks.CutSchedule(rate, 0.5)),
            discriminator_optimizer=keras.optimizers.RMSprop(1e-3, momentum=0.9),
            instance_noise=keras.optimizers.schedules.PolynomialDecay(0.1, 50, 0.0),
            discriminator_steps=2,
        )
    finally:
        keras.config.set_dtype_policy("float32")


MODELS = {
    "automatic": automatic,
    "lookahead": lookahead,
    "stateful": stateful,
    "adaptive": adaptive,
}


def variables_within_reach(thing, seen=None):
    """Return every variable that can be reached from an object, by its way there."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, (str, bytes, np.ndarray, type, types.ModuleType)):
        return {}
    seen.add(id(thing))
    if isinstance(thing, (keras.Variable, tf.Variable)):
        return {"": thing}
    if isinstance(thing, dict):
        parts = thing.items()
    elif isinstance(thing, (list, tuple, set)):
        parts = enumerate(thing)
    elif type(thing).__module__.partition(".")[0] in ("keras", "keras_gans", __name__):
        parts = sorted(getattr(thing, "__dict__", {}).items())
    else:
        return {}
    found = {}
    for name, part in parts:
        for way, variable in variables_within_reach(part, seen).items():
            found[f"{name}/{way}"] = variable
    return found


def state(gan):
    """Return what every variable within reach has, without the means that `fit` shows."""
    shown = {id(v) for mean in gan.metrics for v in mean.variables}
    hidden = {id(v) for mean in gan._logs.means.values() for v in mean.variables}
    found = {w: v for w, v in variables_within_reach(gan).items() if id(v) not in shown | hidden}
    return {way: np.array(variable) for way, variable in found.items()}


def train(gan, seed, steps=2):
    size = 4 * gan.discriminator_steps
    gan.fit(batches(samples(size * steps, seed=seed), 4), verbose=0)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_all_that_training_changes_comes_back(make, tmp_path):
    gan = make()
    train(gan, seed=1)
    if hasattr(gan, "grow"):
        gan.grow()
        train(gan, seed=1)
    checkpoint.save(gan, tmp_path)
    fresh = make()
    checkpoint.restore(fresh, tmp_path)
    before = state(fresh)
    assert_same(state(gan), before)
    kept = {id(v) for v in gan.training_variables()}
    for game in (gan, fresh):
        train(game, seed=2)
    after = state(fresh)
    assert_same(state(gan), after)
    changed = [way for way in after if not np.array_equal(before[way], after[way])]
    assert len(changed) > 5
    reached = variables_within_reach(gan)
    assert [way for way in changed if id(reached[way]) not in kept] == []


def test_a_variable_that_a_model_forgets_is_found(tmp_path):
    class Forgetful(Adaptive):
        def extra_variables(self):
            return []

    gan = make_gan(cls=Forgetful, **sgd())
    train(gan, seed=1)
    kept = {id(v) for v in gan.training_variables()}
    missed = [way for way, v in variables_within_reach(gan).items() if id(v) not in kept]
    assert any("probability" in way for way in missed)
    checkpoint.save(gan, tmp_path)
    fresh = make_gan(cls=Forgetful, **sgd())
    checkpoint.restore(fresh, tmp_path)
    differing = [way for way, value in state(gan).items() if (value != state(fresh)[way]).any()]
    assert differing == ["controller/probability/"]
