"""The same latents drawn again and again, to watch the generator learn."""

import pathlib

import keras
import numpy as np
from PIL import Image

from keras_gans import images, provenance
from keras_gans.callbacks.tensorboard import Board


class SampleGrid(keras.callbacks.Callback):
    """Write a PNG of generated samples at the end of every n-th epoch and of the training.

    The files are named by the number of generator updates: `samples/00001200.png`. The latents are
    the same each time, and the averaged generator is drawn where the model has one. Each file's
    metadata says that it is generated (`keras_gans.provenance`).

    Args:
        directory: where the pictures go.
        every: epochs between pictures, >= 1.
        n: how many images; of points, 40 times as many are drawn.
        seed: seed of the latents.
        reference: real points, drawn behind generated ones.
        log_dir: where TensorBoard looks; None, or no TensorBoard installed, writes none.

    Example:
        >>> gan.fit(dataset, callbacks=[SampleGrid("samples")])  # doctest: +SKIP
    """

    def __init__(self, directory, every=1, n=64, seed=0, reference=None, log_dir=None):
        super().__init__()
        if every < 1 or n < 1:
            raise ValueError(f"every and n must be >= 1, found every={every!r}, n={n!r}")
        self.directory = pathlib.Path(directory)
        self.every, self.n, self.seed, self.reference = every, n, seed, reference
        self._drawn, self._board = None, Board(log_dir, "samples")

    def on_train_begin(self, logs=None):
        """Let TensorBoard have the pictures of the run so far."""
        drawn = sorted(self.directory.glob("[0-9]*.png")) if self.model.step else []
        drawn = [path for path in drawn if int(path.stem) <= self.model.step]
        if drawn and int(drawn[-1].stem) == self.model.step:
            self._drawn = self.model.step
        if self._board.begin(again=self.model.step > 0):
            for path in drawn:
                self._show(path)

    def on_epoch_end(self, epoch, logs=None):
        """Draw every n-th epoch."""
        if (epoch + 1) % self.every == 0 and not self.model.interrupted:
            self.draw()

    def on_train_end(self, logs=None):
        """Draw what the training ended with."""
        if not self.model.interrupted:
            self.draw()

    def draw(self):
        """Draw now, unless this step was drawn already; return the file."""
        step = self.model.step
        path = self.directory / f"{step:08d}.png"
        if step == self._drawn:
            return path
        point = len(self.model.generator.output_shape) == 2
        samples = self.model.generate(self.n * (40 if point else 1), seed=self.seed)
        pnginfo = provenance.mark(self.model, self.seed).pnginfo()
        title = f"step {step:,}"
        images.draw(samples, path, reference=self.reference, title=title, pnginfo=pnginfo)
        self._show(path)
        self._drawn = step
        return path

    def _show(self, path):
        """Let TensorBoard have a picture of images."""
        if len(self.model.generator.output_shape) == 4:
            with Image.open(path) as image:
                pixels = np.asarray(image)
            pixels = pixels[..., None] if pixels.ndim == 2 else pixels
            self._board.image("samples", pixels, int(path.stem))
