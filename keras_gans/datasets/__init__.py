"""Data sets: named sources, checked once at load time, and their seeded, resumable batches."""

from keras_gans.datasets import augmentation
from keras_gans.datasets.data import Data, to_float
from keras_gans.datasets.sources import SOURCES, load

__all__ = ["SOURCES", "Data", "augmentation", "load", "to_float"]
