"""The history of a run as a table and as a picture."""

import io
import pathlib
import time

import keras

from keras_gans import files
from keras_gans.callbacks.table import rows_until, write_rows


class History(keras.callbacks.Callback):
    """Write `history.csv`, a row an epoch, and draw it as `history.png` when the training ends.

    The columns are `epoch`, `step` (generator updates so far), `seconds` (of the epoch) and every
    logged value. A run that is resumed goes on in the same file: with the rows that its checkpoint
    kept or else with those of the file, later ones dropped. An epoch that was interrupted gets its
    row when it ends.

    Args:
        directory: where the two files go.

    Example:
        >>> gan.fit(dataset, callbacks=[History("logs")])  # doctest: +SKIP
    """

    def __init__(self, directory):
        super().__init__()
        self.csv = pathlib.Path(directory) / "history.csv"
        self.png = self.csv.with_suffix(".png")
        self.rows = []
        self._epoch, self._started, self._before = 0, 0.0, (None, 0.0)

    def state(self):
        """Return what a checkpoint keeps."""
        seconds = time.perf_counter() - self._started
        return {"rows": self.rows, "epoch": self._epoch, "seconds": seconds}

    def load_state(self, state):
        """Take up what a checkpoint kept."""
        self.rows = state["rows"]
        self._before = state["epoch"], state["seconds"]

    def on_train_begin(self, logs=None):
        """Take up the rows of the run so far."""
        self.csv.parent.mkdir(parents=True, exist_ok=True)
        self.rows = rows_until(self.model.step, self.rows, self.csv)

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        began, seconds = self._before
        self._epoch = epoch
        self._started = time.perf_counter() - (seconds if epoch == began else 0.0)
        self._before = None, 0.0

    def on_epoch_end(self, epoch, logs=None):
        """Add a row."""
        step = self.model.step
        rolled_back = self.rows and self.rows[-1]["step"] == step
        if self.model.interrupted or rolled_back:
            return
        seconds = round(time.perf_counter() - self._started, 3)
        row = {"epoch": epoch + 1, "step": step, "seconds": seconds}
        self.rows.append(row | {name: float(value) for name, value in (logs or {}).items()})
        write_rows(self.csv, self.rows)

    def on_train_end(self, logs=None):
        """Draw each value over the steps."""
        from matplotlib.figure import Figure

        names = list(dict.fromkeys(name for row in self.rows for name in row))
        names = [name for name in names if name not in ("epoch", "step")]
        if not names:
            return
        figure = Figure(figsize=(7, 1.5 * len(names)), dpi=100, layout="tight")
        panels = figure.subplots(len(names), sharex=True, squeeze=False)[:, 0]
        for panel, name in zip(panels, names, strict=True):
            rows = [row for row in self.rows if row.get(name) not in (None, "")]
            steps, values = ([float(row[key]) for row in rows] for key in ("step", name))
            panel.plot(steps, values, marker=".", linewidth=1)
            panel.set_ylabel(name)
            panel.grid(alpha=0.3)
        panels[-1].set_xlabel("step (generator updates)")
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        files.write(self.png, picture.getvalue())
