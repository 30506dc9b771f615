"""`R1("auto")` against a swept grid of strengths, on points and on digits."""

import functools
import math
import time

import keras
import numpy as np

from keras_gans import datasets, images, metrics, networks, penalties
from keras_gans.models import GAN
from keras_gans.stability.statistics import mean_interval, scores

PROBLEMS = ("ring", "grid", "digits")
SEEDS = 2
METHOD = "r1"  # the strength stands behind it: r1@0.1, r1@auto
STEPS = {"ring": 3000, "grid": 3000, "digits": 600}
SAMPLES = 2500
_adam = functools.partial(keras.optimizers.Adam, beta_1=0.0, beta_2=0.99)


def keys(config):
    """Return the (method, problem, seed) of all runs that a benchmark's `strengths` ask for."""
    if not config.strength_values:
        return []
    return [
        (f"{METHOD}@{strength}", problem, seed)
        for seed in range(min(SEEDS, config.seeds))
        for problem in PROBLEMS
        for strength in (*config.strength_values, "auto")
    ]


def strength_cell(method, problem, seed):
    """Train with R1 of a strength; return `score` (higher is better), `strength`, `seconds`.

    The score of points is the share of modes found x the share of high-quality samples; that of
    digits is minus the logarithm of the Fréchet distance of as many generated pixels as there are
    real ones. Learning rates fall to zero and the averaged generator is measured.
    """
    started = time.perf_counter()
    strength = method.partition("@")[2]
    penalty = penalties.R1("auto" if strength == "auto" else float(strength))
    data = datasets.load(problem, seed=seed)
    steps, points = STEPS[problem], data.modes is not None
    keras.utils.set_random_seed(seed)
    if points:
        players, latent_dim, rate, batch = networks.mlp(data.shape, 2, 128, 3), 2, 1e-3, 128
    else:
        players, latent_dim, rate, batch = networks.dcgan(data.shape, 64, 32), 64, 2e-4, 64
    gan = GAN(*players, latent_dim, seed=seed)
    falling = functools.partial(keras.optimizers.schedules.CosineDecay, rate, steps)
    gan.compile(
        "non_saturating",
        penalty,
        _adam(falling()),
        _adam(falling()),
        ema_decay=0.99,
        steps_per_execution=50 if points else 10,
    )
    gan.fit(data.batches(batch, seed=seed), steps_per_epoch=steps, verbose=0)
    score = _coverage(gan, data) if points else _closeness(gan, data)
    found = float(penalty.strength)
    keras.backend.clear_session()
    return {"score": score, "strength": found, "seconds": time.perf_counter() - started}


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
    """Return how each strength did: {problem: (rows, rank of auto, number of swept strengths)}.

    A row is (name, strength, mean score over the seeds), by falling score; `auto`'s rank among the
    swept ones is 1 if none of them did better.

    Args:
        cells: {(method, problem, seed): run}; other methods' runs are left out.
    """
    compared = {}
    for problem in PROBLEMS:
        runs = {}
        for (method, where, _), cell in cells.items():
            if where == problem and method.startswith(f"{METHOD}@"):
                runs.setdefault(method.partition("@")[2], []).append(cell)
        if "auto" not in runs or len(runs) < 2:
            continue
        rows = [
            (
                name,
                float(np.mean([cell["strength"] for cell in found])),
                float(mean_interval([cell["score"] for cell in found])[0]),
            )
            for name, found in runs.items()
        ]
        rows.sort(key=lambda row: -row[2])
        rank = 1 + [row[0] for row in rows].index("auto")
        compared[problem] = rows, rank, len(rows) - 1
    return compared


def within_best_third(rank, swept):
    """Return whether at most a third of the swept strengths did as well or better.

    Example:
        >>> within_best_third(3, swept=7), within_best_third(4, swept=7)
        (True, False)
    """
    return rank - 1 < swept / 3
