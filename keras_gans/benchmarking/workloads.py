"""What is trained in the benchmark: networks, objective, batch, and data of the right shape."""

import dataclasses
import math

import keras
import numpy as np

from keras_gans import datasets, networks, penalties
from keras_gans.models import GAN

SAMPLES = 2048  # random images in memory; the time of a step does not depend on what they show


@dataclasses.dataclass(frozen=True)
class Workload:
    """A game to be timed; all contestants get it, as JSON, and make it each in its own way.

    Args:
        name: what `--workloads` calls it.
        network: a name in `keras_gans.networks`.
        shape: of a sample; points are drawn anew from the ring, images are random.
        latent_dim, width, depth, discriminator_norm: of the networks.
        batch: samples in each update.
        loss, penalty, strength: the objective; `penalty` as `penalties.get` names it.
        discriminator_steps: discriminator updates per generator update.
        learning_rate, beta_1, beta_2: of Adam, both players'.
        generation: whether samples are drawn and nothing is trained.
        precision: of the layers, a Keras dtype policy.
        tf32: whether a GPU may round the factors of float32 products to TF32.
    """

    name: str
    network: str
    shape: tuple
    latent_dim: int
    width: int
    depth: int = 1
    discriminator_norm: str = "none"
    batch: int = 64
    loss: str = "wasserstein"
    penalty: str = "gradient_penalty"
    strength: float = 10.0
    discriminator_steps: int = 5
    learning_rate: float = 1e-4
    beta_1: float = 0.0
    beta_2: float = 0.9
    generation: bool = False
    precision: str = "float32"
    tf32: bool = True

    def __post_init__(self):
        object.__setattr__(self, "shape", tuple(self.shape))  # a list, where it comes from JSON

    @property
    def images_a_step(self):
        """Real images that the discriminator sees in a step; or images that are generated."""
        return self.batch * (1 if self.generation else self.discriminator_steps)


_DCGAN = {"network": "dcgan", "shape": (28, 28, 1), "latent_dim": 128, "width": 32}
_R3 = {"loss": "relativistic_pairing", "penalty": "r1+r2", "discriminator_steps": 1, "beta_2": 0.99}

WORKLOADS = {
    made.name: made
    for made in (
        Workload("mlp", "mlp", (28, 28, 1), 100, 256),
        Workload(
            **{"name": "ring", "network": "mlp", "shape": (2,), "latent_dim": 2, "width": 128},
            **{"depth": 3, "batch": 256, "strength": 0.2, "learning_rate": 3e-3} | _R3,
        ),
        Workload("dcgan32", **_DCGAN),
        Workload("dcgan64", **_DCGAN | {"width": 64}),
        Workload(
            **{"name": "resnet", "network": "resnet", "shape": (32, 32, 3), "latent_dim": 128},
            **{"width": 32, "discriminator_norm": "spectral", "loss": "hinge", "penalty": "none"},
        ),
        Workload(
            "r1", **_DCGAN | {"loss": "non_saturating", "penalty": "r1"}, discriminator_steps=1
        ),
        Workload("r1_r2", **_DCGAN | _R3, strength=1.0),
        Workload("generation", **_DCGAN, generation=True),
    )
}


def make_networks(workload):
    """Return (generator, discriminator), Keras models."""
    extra = {"depth": workload.depth} if workload.network == "mlp" else {}
    return networks.NAMES[workload.network](
        workload.shape,
        latent_dim=workload.latent_dim,
        width=workload.width,
        discriminator_norm=workload.discriminator_norm,
        **extra,
    )


def make_gan(workload, jit_compile="auto"):
    """Return the library's model of a workload, compiled."""
    keras.utils.set_random_seed(0)
    gan = GAN(*make_networks(workload), workload.latent_dim, seed=0)
    gan.compile(
        loss=workload.loss,
        penalty=make_penalty(workload),
        generator_optimizer=make_adam(workload),
        discriminator_optimizer=make_adam(workload),
        discriminator_steps=workload.discriminator_steps,
        steps_per_execution="auto",
        jit_compile=jit_compile,
    )
    return gan


def make_penalty(workload):
    """Return the penalty, or None."""
    strength = None if workload.penalty == "none" else workload.strength
    return penalties.get(workload.penalty, strength)


def make_adam(workload):
    """Return Keras's Adam as the workload has it."""
    return keras.optimizers.Adam(workload.learning_rate, workload.beta_1, workload.beta_2)


def make_data(workload):
    """Return the `Data`: fresh points of the ring, or random images."""
    if len(workload.shape) == 1:
        return datasets.load("ring")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (SAMPLES, *workload.shape), dtype=np.uint8)
    return datasets.Data("random", pixels)


def parameters(generator, discriminator):
    """Return how many trainable numbers both players have, a list of two."""
    return [
        sum(math.prod(variable.shape) for variable in network.trainable_variables)
        for network in (generator, discriminator)
    ]
