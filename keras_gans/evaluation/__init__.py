"""From a run, an exported generator or a folder of images to scores and a report."""

from keras_gans.evaluation.report import write
from keras_gans.evaluation.result import Result, evaluate, load_real
from keras_gans.evaluation.table import ranking, table

__all__ = ["Result", "evaluate", "load_real", "ranking", "table", "write"]
