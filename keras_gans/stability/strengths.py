"""The strengths that `"auto"` finds against a swept grid of them, on points and on digits."""

import math
import time

import keras
import numpy as np

from keras_gans import datasets, images, metrics, networks, penalties
from keras_gans.models import GAN
from keras_gans.stability.statistics import scores

PROBLEMS = ("ring", "grid", "digits")
SEEDS = {  # neither the rules nor these settings were chosen on them
    "ring": range(2, 8),  # more than three, since two strengths were but 0.001 apart on those
    "grid": range(2, 5),
    "digits": range(2, 5),
}
PENALTIES = {  # each with the loss that it was made for
    "r1": (penalties.R1, "non_saturating"),
    "gradient_penalty": (penalties.GradientPenalty, "wasserstein"),
}
STEPS = {"ring": 5000, "grid": 6000, "digits": 600}
# On digits: learning rate, Adam's beta_2, discriminator updates to one of the generator. With the
# Wasserstein loss and one update nothing is learnt in so few steps, whatever the weight.
DIGITS = {"r1": (2e-4, 0.99, 1), "gradient_penalty": (5e-4, 0.9, 2)}
LOOKS = 5  # at equal distances in a run
SAMPLES = 2500
_TOLD = ("strength", "score", "final")


def keys(config):
    """Return the (method, problem, seed) of all runs that a benchmark's `strengths` ask for."""
    if not config.strength_values:
        return []
    return [
        (f"{penalty}@{strength}", problem, seed)  # the strength stands behind it: r1@0.1, r1@auto
        for penalty in PENALTIES
        for problem in PROBLEMS
        for seed in SEEDS[problem][: config.seeds * len(SEEDS[problem]) // 3]
        for strength in (*config.strength_values, "auto")
    ]


def settings(key):
    """Return all that a run depends on, JSON-ready."""
    penalty, problem = key[0].partition("@")[0], key[1]
    options = {"steps": STEPS[problem], "looks": LOOKS}
    return options | ({"recipe": DIGITS[penalty]} if problem == "digits" else {})


def strength_cell(method, problem, seed):
    """Train with a penalty of a strength; return `score`, `final`, `strength`, `seconds`.

    `score` is the mean of what is seen at five equal distances, so that it tells how good and how
    soon; `final` is what is seen at the end; higher is better. Points are scored by the share of
    modes found x the share of high-quality samples, digits by minus the logarithm of the Fréchet
    distance of as many generated pixels as there are real ones. Learning rates fall to zero and the
    averaged generator is measured.
    """
    started = time.perf_counter()
    name, _, strength = method.partition("@")
    kind, loss = PENALTIES[name]
    penalty = kind("auto" if strength == "auto" else float(strength))
    data = datasets.load(problem, seed=seed)
    steps, points = STEPS[problem], data.modes is not None
    keras.utils.set_random_seed(seed)
    if points:
        players, latent_dim, batch = networks.mlp(data.shape, 2, 128, 3), 2, 128
        rate, beta, updates = 3e-3, 0.99, 1
    else:
        players, latent_dim, batch = networks.dcgan(data.shape, 64, 32), 64, 64
        rate, beta, updates = DIGITS[name]
    gan = GAN(*players, latent_dim, seed=seed)
    gan.compile(
        loss,
        penalty,
        _adam(rate, beta, steps),
        _adam(rate, beta, steps * updates),
        discriminator_steps=updates,
        ema_decay=0.995 if points else 0.99,
        steps_per_execution=50 if points else 10,
    )
    seen = []
    for _ in range(LOOKS):
        batches = data.batches(batch, seed=seed, start=gan.step * updates)
        gan.fit(batches, steps_per_epoch=steps // LOOKS, verbose=0)
        seen.append(_coverage(gan, data) if points else _closeness(gan, data))
    found = float(penalty.strength)
    keras.backend.clear_session()
    passed = time.perf_counter() - started
    return {"score": float(np.mean(seen)), "final": seen[-1], "strength": found, "seconds": passed}


def _adam(rate, beta, steps):
    falling = keras.optimizers.schedules.CosineDecay(rate, steps)
    return keras.optimizers.Adam(falling, beta_1=0.0, beta_2=beta)


def _coverage(gan, data):
    samples = gan.generate(SAMPLES, seed=0, batch_size=SAMPLES)
    if not np.isfinite(samples).all():
        return 0.0
    found = metrics.mode_coverage(samples, data.modes, data.sigma, data.weights)
    return float(scores(found.modes, found.high_quality, len(data.modes)))


def _closeness(gan, data):
    samples = gan.generate(len(data), seed=0, batch_size=256)
    if not np.isfinite(samples).all():
        return -math.inf
    real = images.to_float(data.samples).reshape(len(data), -1)
    distance = metrics.frechet_distance(
        *metrics.gaussian(real), *metrics.gaussian(samples.reshape(len(data), -1))
    )
    return -math.log(distance)


def compare(cells):
    """Return how each did: {(penalty, problem): (rows, rank of auto, number of swept strengths)}.

    A row is (name, strength, mean score over the seeds, mean final score), by falling score;
    `auto`'s rank among the swept ones is 1 if none of them did better.

    Args:
        cells: {(method, problem, seed): run}; other methods' runs are left out.
    """
    runs = {}
    for (method, problem, _), cell in cells.items():
        penalty, swept, strength = method.partition("@")
        if swept:
            runs.setdefault((penalty, problem), {}).setdefault(strength, []).append(cell)
    compared = {}
    for key, found in runs.items():
        if "auto" not in found or len(found) < 2:
            continue
        rows = [
            (name, *(float(np.mean([cell[what] for cell in made])) for what in _TOLD))
            for name, made in found.items()
        ]
        rows.sort(key=lambda row: -row[2])
        rank = 1 + [row[0] for row in rows].index("auto")
        compared[key] = rows, rank, len(rows) - 1
    return compared


def within_best_third(rank, swept):
    """Return whether at most a third of the swept strengths did as well or better.

    Example:
        >>> within_best_third(3, swept=7), within_best_third(4, swept=7)
        (True, False)
    """
    return rank - 1 < swept / 3
