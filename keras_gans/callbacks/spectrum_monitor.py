"""The eigenvalues of the game, again and again while it trains."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_gans.stability import Spectrum, game_spectrum


class SpectrumMonitor(keras.callbacks.Callback):
    """Compute `stability.game_spectrum` at the end of every n-th epoch.

    Logs `spectrum_real` (the largest real part: above zero, the game is driven away from where it
    is), `rotation_index` and `max_learning_rate`. Put it before the callbacks that read the logs.
    It takes from a second for a small game to minutes for one of a million parameters.

    Args:
        directory: where `spectrum.npz` (step and eigenvalues of each look) and, at the end of the
            training, `spectrum.png` go; None writes neither.
        samples: real samples [n, ...]; None takes the first batch that `fit` got.
        every: epochs between looks, >= 1.
        n: how many of the samples are used, >= 1.
        k: as in `game_spectrum`.
        seed: as in `game_spectrum`.

    Attributes:
        spectra: a list of (step, `Spectrum`).

    Raises:
        ValueError: if a value cannot be.

    Example:
        >>> generator, discriminator = kg.networks.mlp((2,), latent_dim=1, width=4)
        >>> gan = kg.GAN(generator, discriminator, latent_dim=1)
        >>> gan.compile(penalty="r1")
        >>> monitor = SpectrumMonitor()
        >>> _ = gan.fit(np.ones([32, 2], "float32"), callbacks=[monitor], verbose=0)
        >>> [(step, len(spectrum.eigenvalues)) for step, spectrum in monitor.spectra]
        [(1, 35)]
    """

    def __init__(self, directory=None, samples=None, every=1, n=64, k=None, seed=0):
        super().__init__()
        if every < 1 or n < 1:
            raise ValueError(f"every and n must be >= 1, found every={every!r}, n={n!r}")
        self.directory = None if directory is None else pathlib.Path(directory)
        self.samples, self.every, self.n, self.k, self.seed = samples, every, n, k, seed
        self.spectra = []

    def state(self):
        """Return what a checkpoint keeps."""
        about = [[step, found.parameters, bool(found.complete)] for step, found in self.spectra]
        return {"about": about, "eigenvalues": [found.eigenvalues for _, found in self.spectra]}

    def load_state(self, state):
        """Take up what a checkpoint kept."""
        pairs = zip(state["about"], state["eigenvalues"], strict=True)
        self.spectra = [
            (step, Spectrum(values, parameters, complete))
            for (step, parameters, complete), values in pairs
        ]

    def on_epoch_end(self, epoch, logs=None):
        """Look every n-th epoch."""
        if (epoch + 1) % self.every or self.model.interrupted:
            return
        spectrum = self.look()
        if logs is not None:
            logs["spectrum_real"] = float(spectrum.eigenvalues.real.max())
            logs["rotation_index"] = spectrum.rotation_index
            logs["max_learning_rate"] = spectrum.max_learning_rate

    def look(self):
        """Compute the spectrum now; keep, save and return it."""
        samples = self.model.first_batch[0] if self.samples is None else self.samples
        real = tf.convert_to_tensor(samples[: self.n], tf.float32)
        spectrum = game_spectrum(self.model, real, k=self.k, seed=self.seed)
        self.spectra.append((self.model.step, spectrum))
        if self.directory is not None:
            self.directory.mkdir(parents=True, exist_ok=True)
            found = {f"step_{step:08d}": kept.eigenvalues for step, kept in self.spectra}
            np.savez(self.directory / "spectrum.npz", **found)
        return spectrum

    def on_train_end(self, logs=None):
        """Draw the eigenvalues of all looks in the complex plane."""
        if self.directory is None or not self.spectra:
            return
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 5), dpi=100, layout="tight")
        panel = figure.subplots()
        panel.axvline(0.0, color="black", linewidth=0.8)
        steps = [step for step, spectrum in self.spectra for _ in spectrum.eigenvalues]
        values = np.concatenate([spectrum.eigenvalues for _, spectrum in self.spectra])
        drawn = panel.scatter(values.real, values.imag, c=steps, s=12, alpha=0.7)
        panel.set_xscale("symlog", linthresh=_threshold(values.real))
        panel.set_yscale("symlog", linthresh=_threshold(values.imag))
        panel.set_xlabel("real part: left of zero it pulls in, right of it, it drives away")
        panel.set_ylabel("imaginary part: it turns")
        figure.colorbar(drawn, label="step (generator updates)")
        figure.savefig(self.directory / "spectrum.png")


def _threshold(parts):
    """Return below which size the symmetric logarithmic scale is linear."""
    return max(1e-6, 1e-3 * float(np.abs(parts).max(initial=0.0)))
