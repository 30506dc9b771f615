"""Data sets: named sources, checked once at load time, and their seeded, resumable batches."""

from keras_gans.datasets import augmentation
from keras_gans.datasets.data import Data
from keras_gans.datasets.sources import SOURCES, load
from keras_gans.images import to_float

__all__ = ["SOURCES", "Data", "augmentation", "load", "to_float"]
