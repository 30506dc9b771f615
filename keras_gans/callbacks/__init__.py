"""What watches and keeps a run while `fit` trains."""

from keras_gans.callbacks.checkpoint import Checkpoint
from keras_gans.callbacks.history import History
from keras_gans.callbacks.sample_grid import SampleGrid
from keras_gans.callbacks.stop_on_divergence import StopOnDivergence
from keras_gans.callbacks.stop_on_signal import StopOnSignal

__all__ = ["Checkpoint", "History", "SampleGrid", "StopOnDivergence", "StopOnSignal"]
