"""One cell of the benchmark: a method on a problem with a seed, trained, watched and told."""

import gc
import time
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_gans import datasets, metrics
from keras_gans.models import GAN, Probe
from keras_gans.stability.jacobian import game_spectrum
from keras_gans.stability.methods import METHODS

SAMPLES = 2500  # on which modes and quality are measured
SHOWN = 500  # of them in the pictures
PROBED = 128  # real samples that gradient norms and spectra are taken on
DIRAC_STEPS, DIRAC_RATE, DIRAC_START = 500, 0.1, (1.0, 1.0)
ARROWS = 8  # of the drawn field, along each axis


def train_cell(method, problem, seed, config):
    """Train a method on a toy density; return what was seen, a JSON-ready dict.

    Args:
        method: a name of `methods.METHODS`.
        problem: a name of `datasets.toy.DENSITIES`.
        seed: of weights, noise and data.
        config: a `config.Benchmark`.

    Returns:
        `curves`: lists over the evaluations, the first before training, of `step`, `modes`,
        `high_quality`, `reverse_kl`, `generator_norm` and `discriminator_norm` (Euclidean norms of
        the gradients on a fixed batch; None where not finite), and where the generator is averaged
        `raw_modes` and `raw_high_quality` of the generator itself; `total_modes`; `diverged`: None,
        or the step at which a sample or a gradient was not finite and training ended; `seconds`; of
        seed 0 also `samples` (points at each evaluation), `real` (points) and `spectrum`.
    """
    started = time.perf_counter()
    row, data = METHODS[method], datasets.load(problem, seed=seed)
    keras.utils.set_random_seed(seed)
    networks = row.networks(data.shape, config.latent_dim, config.width, config.depth)
    gan = GAN(*networks, config.latent_dim, packing=row.packing, seed=seed)
    in_epoch = config.steps // config.evaluations
    gan.compile(
        **row.compile_arguments(config.steps),
        steps_per_execution=max(n for n in range(1, 51) if in_epoch % n == 0),
    )
    watch = _Watch(data, keep_samples=seed == 0)
    gan.fit(
        data.batches(config.batch_size, seed=seed),
        epochs=config.evaluations,
        steps_per_epoch=in_epoch,
        callbacks=[watch],
        verbose=0,
    )
    result = {
        "curves": watch.curves,
        "total_modes": len(data.modes),
        "diverged": watch.diverged,
        "seconds": time.perf_counter() - started,
    }
    if seed == 0:
        result["real"] = _rounded(data.samples[:SHOWN])
        result["samples"] = watch.samples
        if config.spectrum and watch.diverged is None:
            result["spectrum"] = _spectrum(gan, data, config.spectrum)
    del gan, networks, watch
    keras.backend.clear_session()
    gc.collect()
    return result


class _Watch(keras.callbacks.Callback):
    """Measures the game before training and after each epoch."""

    def __init__(self, data, keep_samples):
        super().__init__()
        self.data, self.keep_samples = data, keep_samples
        self.curves, self.samples, self.diverged = {}, [], None

    def on_train_begin(self, logs=None):
        real = tf.constant(self.data.samples[:PROBED])
        self.gradients = tf.function(Probe(self.model, real).gradients, autograph=False)
        self.measure()

    def on_epoch_end(self, epoch, logs=None):
        self.measure()

    def measure(self):
        """Add a point to each curve."""
        samples = self._generate(ema=True)
        norms = [float(tf.linalg.global_norm(player)) for player in self.gradients()]
        finite = bool(np.isfinite(samples).all() and np.isfinite(norms).all())
        point = {
            "step": self.model.step,
            **self._coverage(samples),
            "discriminator_norm": norms[0] if np.isfinite(norms[0]) else None,
            "generator_norm": norms[1] if np.isfinite(norms[1]) else None,
        }
        if self.model.ema_decay is not None:
            raw = self._coverage(self._generate(ema=False))
            point |= {f"raw_{name}": raw[name] for name in ("modes", "high_quality")}
        for name, value in point.items():
            self.curves.setdefault(name, []).append(value)
        if self.keep_samples:
            self.samples.append(_rounded(np.nan_to_num(samples[:SHOWN], posinf=1e6, neginf=-1e6)))
        if not finite:
            self.diverged = self.model.step
            self.model.stop_training = True

    def _generate(self, ema):
        return self.model.generate(SAMPLES, seed=0, batch_size=SAMPLES, ema=ema)

    def _coverage(self, samples):
        """Modes and quality; a sample that is no number is in no mode."""
        finite = samples[np.isfinite(samples).all(axis=1)]
        if not len(finite):
            return {"modes": 0, "high_quality": 0.0, "reverse_kl": None}
        data = self.data
        found = metrics.mode_coverage(finite, data.modes, data.sigma, data.weights)
        quality = found.high_quality * len(finite) / len(samples)
        return {"modes": found.modes, "high_quality": quality, "reverse_kl": found.reverse_kl}


def _rounded(points):
    return np.round(np.asarray(points, np.float64), 3).tolist()


def _spectrum(gan, data, k):
    """Return the leading eigenvalues at the end, as [real parts, imaginary parts], or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what did not converge in time is left out of a picture
        spectrum = game_spectrum(gan, data.samples[:PROBED], k=k, tolerance=1e-2)
    values = spectrum.eigenvalues
    return [values.real.tolist(), values.imag.tolist()] if np.isfinite(values).all() else None


def dirac_cell(method):
    """Return what the smallest GAN says of a method, a JSON-ready dict.

    Returns:
        `eigenvalues` (real parts, imaginary parts), `verdict`, `rate`, `path` (points from
        `DIRAC_START`), `field` (points and arrows on a grid around it).
    """
    game, simulation = METHODS[method].dirac()
    path = game.simulate(*DIRAC_START, DIRAC_STEPS, DIRAC_RATE, **simulation)
    path = path[np.isfinite(path).all(axis=1)]
    values, verdict = game.eigenvalues(), game.verdict()
    ticks = np.linspace(-1.75, 1.75, ARROWS)
    points = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    arrows = [game.vector_field(*point) for point in points]
    keras.backend.clear_session()
    return {
        "eigenvalues": [values.real.tolist(), values.imag.tolist()],
        "verdict": str(verdict),
        "rate": verdict.rate,
        "path": path.tolist(),
        "field": [points.tolist(), np.stack(arrows).tolist()],
    }
