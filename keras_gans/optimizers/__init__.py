"""What Keras lacks for games: optimizers for each player, and dynamics for both."""

from keras_gans.optimizers import dynamics
from keras_gans.optimizers.dynamics import (
    Alternating,
    Consensus,
    Dynamics,
    ExtraGradient,
    Lookahead,
    Simultaneous,
    Unrolled,
)
from keras_gans.optimizers.negative_momentum import NegativeMomentum
from keras_gans.optimizers.optimistic import OptimisticAdam, OptimisticSGD
from keras_gans.optimizers.presets import extra_adam, ttur

__all__ = [
    "Alternating",
    "Consensus",
    "Dynamics",
    "ExtraGradient",
    "Lookahead",
    "NegativeMomentum",
    "OptimisticAdam",
    "OptimisticSGD",
    "Simultaneous",
    "Unrolled",
    "dynamics",
    "extra_adam",
    "ttur",
]
