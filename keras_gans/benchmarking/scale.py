"""Scale on paper: what n replicas would do, from what one and two of them do here.

`report(folder)` measures and writes `scale.html` and `scale.json`.
"""

import json
import pathlib

from keras_gans import files
from keras_gans.benchmarking.scale_measure import measure
from keras_gans.benchmarking.scale_model import all_reduce_seconds, fit_link, predict
from keras_gans.benchmarking.scale_page import write_page

__all__ = ["all_reduce_seconds", "fit_link", "measure", "predict", "report", "write_page"]


def report(folder, workers=2, seconds=6.0, say=print):
    """Measure, and write `scale.json` and the page; return the page's path.

    Args:
        folder: where both go; it is made if need be.
        workers: see `measure`, as the next two.
        seconds: how long each step is timed.
        say: what is called with a line of text before each part.

    Raises:
        ValueError: if there are fewer cores than workers.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    measurements = measure(workers, seconds=seconds, say=say)
    files.write(folder / "scale.json", json.dumps(measurements, indent=1) + "\n")
    return write_page(folder / "scale.html", measurements)
