"""The methods that the benchmark compares: one row each, with the paper it comes from."""

import dataclasses

import keras

from keras_gans import penalties
from keras_gans.networks import mlp
from keras_gans.optimizers import NegativeMomentum, OptimisticAdam, OptimisticSGD, dynamics
from keras_gans.stability.dirac import DiracGAN


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to train a GAN, as plain values; what is not given is the same for all methods.

    Networks, batch size and number of steps are the benchmark's. The learning rates are those at
    which the toy densities can be learnt within some thousand steps, not those of the papers, which
    trained on images for hundreds of thousands.

    Args:
        title: its name in the report.
        paper: where it comes from: an arXiv id, with the equation or algorithm.
        idea: what it does, in one sentence.
        loss: a name of `keras_gans.losses`.
        penalty: a `keras_gans.penalties` object, or None.
        optimizer: of both players: `"adam"`, `"rmsprop"`, `"sgd"` (with `beta_1` as momentum),
            `"optimistic_adam"` or `"negative_momentum"` (with `beta_1` as momentum).
        generator_lr, discriminator_lr: learning rates.
        beta_1, beta_2: Adam's; RMSprop takes `beta_2` as its rho.
        cosine: whether both learning rates fall to zero over the run.
        ema_decay: of the averaged generator that is measured; None measures the generator itself.
        discriminator_steps: discriminator updates per generator update.
        dynamics, dynamics_arguments: a name of `keras_gans.optimizers.dynamics`, and its options.
        instance_noise: its standard deviation at the start; it falls to zero over the run.
        weight_clip: the limit of the discriminator's weights; None for none.
        normalization: of the discriminator.
        packing: samples that the discriminator judges at a time.
    """

    title: str
    paper: str
    idea: str
    loss: str = "non_saturating"
    penalty: penalties.Penalty | None = None
    optimizer: str = "adam"
    generator_lr: float = 1e-3
    discriminator_lr: float = 1e-3
    beta_1: float = 0.5
    beta_2: float = 0.99
    cosine: bool = False
    ema_decay: float | None = None
    discriminator_steps: int = 1
    dynamics: str = "alternating"
    dynamics_arguments: dict = dataclasses.field(default_factory=dict)
    instance_noise: float | None = None
    weight_clip: float | None = None
    normalization: str = "none"
    packing: int = 1

    def settings(self):
        """Return what the results depend on as a JSON-ready dict: all but the words."""
        row = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("title", "paper", "idea"):
            del row[name]
        return row | {"penalty": repr(self.penalty)}

    def networks(self, shape, latent_dim, width, depth):
        """Return (generator, discriminator) for samples of a shape (d,)."""
        clip = None if self.weight_clip is None else penalties.WeightClip(self.weight_clip)
        return mlp(
            shape,
            latent_dim,
            width=width,
            depth=depth,
            discriminator_norm=self.normalization,
            discriminator_constraint=clip,
            packing=self.packing,
        )

    def compile_arguments(self, steps):
        """Return the arguments of `GAN.compile` for a run of so many generator updates."""
        rule = self._dynamics()
        updates = steps * rule.applications
        noise = self.instance_noise
        if noise is not None:
            noise = keras.optimizers.schedules.PolynomialDecay(noise, steps, 0.0)
        return {
            "loss": self.loss,
            "penalty": self.penalty,
            "generator_optimizer": self._optimizer(self.generator_lr, updates),
            "discriminator_optimizer": self._optimizer(
                self.discriminator_lr, updates + steps * (self.discriminator_steps - 1)
            ),
            "discriminator_steps": self.discriminator_steps,
            "ema_decay": self.ema_decay,
            "dynamics": rule,
            "instance_noise": noise,
        }

    def dirac(self):
        """Return (the method's Dirac-GAN, the arguments of its `simulate`).

        What acts through the vector field (loss, penalty, noise, consensus) enters the game; what
        acts through the steps enters the simulation. Adam's place is taken by gradient descent, for
        which the theory holds; optimistic Adam's by optimistic gradient descent. The weights are
        clipped to 1, as in the theory's paper.
        """
        consensus = self.dynamics == "consensus"
        game = DiracGAN(
            self.loss,
            self.penalty,
            instance_noise=self.instance_noise or 0.0,
            clip=None if self.weight_clip is None else 1.0,
            consensus=self._dynamics().weight if consensus else 0.0,
        )
        optimizers = {"optimistic_adam": OptimisticSGD, "negative_momentum": NegativeMomentum}
        simulation = {
            "update": "simultaneous" if consensus else self._dynamics(),
            "discriminator_steps": self.discriminator_steps,
            "optimizer": optimizers.get(self.optimizer),
        }
        return game, simulation

    def _dynamics(self):
        return dynamics.NAMES[self.dynamics](**self.dynamics_arguments)

    def _optimizer(self, learning_rate, updates):
        if self.cosine:
            learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, updates)
        if self.optimizer == "adam":
            return keras.optimizers.Adam(learning_rate, self.beta_1, self.beta_2)
        if self.optimizer == "optimistic_adam":
            return OptimisticAdam(learning_rate, self.beta_1, self.beta_2)
        if self.optimizer == "negative_momentum":
            return NegativeMomentum(learning_rate, self.beta_1)
        if self.optimizer == "rmsprop":
            return keras.optimizers.RMSprop(learning_rate, rho=self.beta_2)
        return keras.optimizers.SGD(learning_rate, momentum=self.beta_1)


METHODS = {
    "non_saturating": Method(
        "Non-saturating GAN",
        "Goodfellow et al., arXiv:1406.2661, section 3",
        "The first GAN as it is mostly used, with Adam and nothing that keeps it stable.",
    ),
    "least_squares": Method(
        "Least squares GAN",
        "Mao et al., arXiv:1611.04076, equation 9",
        "Squared distances to labels in place of the logistic loss, so that no logit saturates.",
        loss="least_squares",
    ),
    "wgan_clip": Method(
        "WGAN with clipped weights",
        "Arjovsky et al., arXiv:1701.07875, algorithm 1",
        "The critic is kept Lipschitz by clipping its weights, and gets five updates to one.",
        loss="wasserstein",
        optimizer="rmsprop",
        generator_lr=5e-4,
        discriminator_lr=5e-4,
        discriminator_steps=5,
        weight_clip=0.1,
    ),
    "wgan_gp": Method(
        "WGAN-GP",
        "Gulrajani et al., arXiv:1704.00028, equation 3",
        "The critic's gradient is drawn to norm 1 between real and generated samples.",
        loss="wasserstein",
        penalty=penalties.GradientPenalty(1.0),
        beta_1=0.0,
        beta_2=0.9,
        discriminator_steps=5,
    ),
    "r1": Method(
        "R1",
        "Mescheder et al., arXiv:1801.04406, equation 9",
        "The discriminator's gradient on real samples is drawn to zero; as in the paper, an "
        "averaged generator is measured.",
        penalty=penalties.R1(0.1),
        ema_decay=0.995,
    ),
    "consensus": Method(
        "Consensus optimization",
        "Mescheder et al., arXiv:1705.10461, algorithm 2",
        "Both players also make the gradients of both smaller.",
        loss="minimax",
        optimizer="rmsprop",
        generator_lr=2e-4,
        discriminator_lr=2e-4,
        beta_2=0.9,
        dynamics="consensus",
        dynamics_arguments={"weight": 10.0},
    ),
    "extra_adam": Method(
        "ExtraAdam",
        "Gidel et al., arXiv:1802.10551, algorithm 4",
        "Both players step by the gradients that they would find one step ahead.",
        dynamics="extra_gradient",
        beta_2=0.9,
    ),
    "relativistic_r1_r2": Method(
        "Relativistic pairing with R1 + R2",
        "Huang et al. (R3GAN), arXiv:2501.05441, equation 2 and proposition 3.1",
        "Each generated sample against a real one, gradients drawn to zero on both; learning rates "
        "that fall to zero, and an averaged generator.",
        loss="relativistic_pairing",
        penalty=penalties.Sum(penalties.R1(0.1), penalties.R2(0.1)),
        generator_lr=3e-3,
        discriminator_lr=3e-3,
        beta_1=0.0,
        cosine=True,
        ema_decay=0.995,
    ),
    "minimax": Method(
        "Minimax GAN",
        "Goodfellow et al., arXiv:1406.2661, equation 1",
        "The zero-sum game, whose generator learns little where the discriminator wins.",
        loss="minimax",
    ),
    "simultaneous": Method(
        "Simultaneous updates",
        "Mescheder et al., arXiv:1705.10461, algorithm 1",
        "Both players move from the same point, where else the discriminator moves first.",
        dynamics="simultaneous",
    ),
    "hinge_spectral": Method(
        "Hinge loss, spectral normalization",
        "Miyato et al., arXiv:1802.05957, equations 8 and 16",
        "Each of the discriminator's matrices is divided by its largest singular value.",
        loss="hinge",
        normalization="spectral",
    ),
    "instance_noise": Method(
        "Instance noise",
        "Sønderby et al., arXiv:1610.04490, section 3; Mescheder et al., arXiv:1801.04406, "
        "section 3.2",
        "The discriminator sees all samples through noise, which falls to zero over the run.",
        instance_noise=0.5,
    ),
    "dragan": Method(
        "DRAGAN",
        "Kodali et al., arXiv:1705.07215, equation 4",
        "The discriminator's gradient is drawn to norm 1 around the real samples.",
        penalty=penalties.Dragan(1.0),
    ),
    "relativistic_average": Method(
        "Relativistic average GAN",
        "Jolicoeur-Martineau, arXiv:1807.00734, section 4.2",
        "Each sample against the average of the other kind, and nothing that keeps it stable.",
        loss="relativistic_average",
    ),
    "ttur": Method(
        "Two time scales",
        "Heusel et al., arXiv:1706.08500, theorem 1",
        "The discriminator learns four times as fast as the generator.",
        generator_lr=2.5e-4,
    ),
    "optimistic_adam": Method(
        "Optimistic Adam",
        "Daskalakis et al., arXiv:1711.00141, algorithm 1",
        "Each step is twice this one less the last one, which damps a rotation.",
        optimizer="optimistic_adam",
        beta_2=0.9,
    ),
    "negative_momentum": Method(
        "Negative momentum",
        "Gidel et al., arXiv:1807.04740, section 4",
        "Gradient descent that takes back half of its last step.",
        optimizer="negative_momentum",
        generator_lr=0.1,
        discriminator_lr=0.1,
        beta_1=-0.5,
    ),
    "lookahead": Method(
        "Lookahead",
        "Chavdarova et al., arXiv:2006.14567, algorithm 1",
        "Every five steps both players go half of the way back.",
        dynamics="lookahead",
        dynamics_arguments={"steps": 5, "alpha": 0.5},
    ),
    "unrolled": Method(
        "Unrolled GAN",
        "Metz et al., arXiv:1611.02163, equations 7 to 9",
        "The generator moves against the discriminator as it will be five steps later.",
        dynamics="unrolled",
        dynamics_arguments={"steps": 5, "learning_rate": 0.1},
    ),
    "packing": Method(
        "PacGAN",
        "Lin et al., arXiv:1712.04086, section 3",
        "The discriminator judges two samples at a time, so that it sees a lack of variety.",
        packing=2,
    ),
}
