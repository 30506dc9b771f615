"""What watches and keeps a run while `fit` trains."""

from keras_gans.callbacks.checkpoint import Checkpoint
from keras_gans.callbacks.evaluate import Evaluate
from keras_gans.callbacks.good_state import CutSchedule
from keras_gans.callbacks.history import History
from keras_gans.callbacks.sample_grid import SampleGrid
from keras_gans.callbacks.spectrum_monitor import SpectrumMonitor
from keras_gans.callbacks.stability_monitor import StabilityMonitor
from keras_gans.callbacks.stop_on_divergence import StopOnDivergence
from keras_gans.callbacks.stop_on_signal import StopOnSignal
from keras_gans.callbacks.trace import Trace

__all__ = [
    "Checkpoint",
    "CutSchedule",
    "Evaluate",
    "History",
    "SampleGrid",
    "SpectrumMonitor",
    "StabilityMonitor",
    "StopOnDivergence",
    "StopOnSignal",
    "Trace",
]
