"""What a run is: one frozen table of options, from which the command line is made.

This file imports nothing but the standard library, so that `--help` need not wait for TensorFlow.
"""

import dataclasses
import math
import typing

LOSSES = (
    "minimax",
    "non_saturating",
    "least_squares",
    "wasserstein",
    "hinge",
    "relativistic_pairing",
    "relativistic_average",
)
PENALTIES = ("none", "gradient_penalty", "r1", "r2", "r1+r2", "dragan")
NETWORKS = ("auto", "mlp", "dcgan", "resnet")
NORMALIZATIONS = ("none", "batch", "layer", "spectral")
DYNAMICS = (
    "alternating",
    "simultaneous",
    "extra_gradient",
    "consensus",
    "lookahead",
    "unrolled",
)
OPTIMIZERS = ("adam", "rmsprop", "sgd", "optimistic_adam", "optimistic_sgd", "negative_momentum")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
AUGMENTATIONS = (
    "flip",
    "crop",
    "translate",
    "rotate",
    "zoom",
    "brightness",
    "contrast",
    "color",
)
STRATEGIES = ("none", "mirrored", "multi_worker")
TOYS = ("ring", "grid", "imbalanced_ring", "spiral", "two_moons", "mixture_1d")
METHODS = (
    *("non_saturating", "least_squares", "wgan_clip", "wgan_gp", "r1", "consensus", "extra_adam"),
    *("relativistic_r1_r2", "minimax", "simultaneous", "hinge_spectral", "instance_noise"),
    *("dragan", "relativistic_average", "ttur", "optimistic_adam", "negative_momentum"),
    *("lookahead", "unrolled", "packing"),
)
WORKLOADS = ("mlp", "ring", "dcgan32", "dcgan64", "resnet", "r1", "r1_r2", "generation")
CONTESTANTS = (
    *("fit", "bare", "keras", "products", "input"),
    *("torch", "torch_compile"),
)
BENCHMARK_PARTS = ("contestants", "profiles", "costs", "callbacks")
IMAGE_METRICS = (
    *("fd", "kd", "is", "precision", "recall", "density", "coverage", "memorisation"),
    *("swd", "ms_ssim"),
)
POINT_METRICS = ("modes", "high_quality", "reverse_kl")
SOURCES = ("digits", *TOYS, "tfds:NAME", "idx:DIR", "folder:DIR", "npz:FILE", "stacked:SOURCE")


def _option(default, help, choices=None, least=None, below=None):
    metadata = {"help": help, "choices": choices, "least": least, "below": below}
    return dataclasses.field(default=default, metadata=metadata)


class Options:
    """What tables of options share: checks of each value, and the way to a flagfile and back."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _validate(field, getattr(self, field.name))

    def to_flags(self):
        """Return the options as the lines of a flagfile."""
        lines = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool):
                value = str(value).lower()
            if value is not None:
                lines.append(f"--{field.name}={value}")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_flags(cls, text):
        """Return the config that `to_flags` wrote."""
        kinds = {field.name: field.type for field in dataclasses.fields(cls)}
        values = {}
        for line in text.splitlines():
            if line.startswith("--"):
                name, _, value = line[2:].partition("=")
                if name not in kinds:
                    raise ValueError(f"unknown flag --{name} in the run's flags.txt")
                try:
                    values[name] = _parse(kinds[name], value)
                except ValueError:
                    raise ValueError(
                        f"--{name}={value} in the run's flags.txt: not a number"
                    ) from None
        return cls(**values)


def names(text):
    """Return the names in a list that is separated by commas, a tuple."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


@dataclasses.dataclass(frozen=True)
class Config(Options):
    """All options of a run; each is a flag of the same name.

    Raises:
        ValueError: if a value cannot be; the message has the flag, the value and what can be.

    Example:
        >>> Config(loss="hinge", discriminator_steps=5).batch_size
        64
    """

    name: str = _option("", "the run's folder; the flagfile's stem if empty, else the model")
    output_dir: str = _option("saved_models", "where runs are kept")
    dataset: str = _option("digits", f"what to learn: {', '.join(SOURCES)}")
    data_dir: str = _option("", "where tensorflow_datasets keeps its files; its default if empty")
    image_size: int = _option(
        0, "resize images to this height and width; 0 keeps them", least=0, below=8193
    )
    on_corrupt: str = _option(
        "error", "a corrupt image in a folder: an error, or skipped and counted", ("error", "skip")
    )
    augment: str = _option("", f"augmentations of the real images: {', '.join(AUGMENTATIONS)}")
    batch_size: int = _option(64, "samples in each update", least=1)
    epochs: int | None = _option(None, "passes over the data; 20 if steps is not given", least=1)
    steps: int | None = _option(
        None, "generator updates, in place of epochs; of the two flags the last one holds", least=1
    )
    seed: int = _option(0, "seed of weights, noise and the order of the data", least=0, below=2**31)
    model: str = _option("gan", "the family", ("gan",))
    network: str = _option(
        "auto", "the architecture of both players; auto is dcgan for images, else mlp", NETWORKS
    )
    width: int = _option(64, "channels next to the image, or units of a layer in an mlp", least=1)
    depth: int = _option(1, "hidden layers of an mlp", least=1)
    latent_dim: int = _option(128, "length of a latent vector", least=1)
    discriminator_norm: str = _option("none", "the discriminator's normalization", NORMALIZATIONS)
    loss: str = _option("non_saturating", "the objective", LOSSES)
    penalty: str = _option("none", "the penalty on the discriminator's gradient", PENALTIES)
    penalty_weight: float | str | None = _option(
        None,
        "the penalty's lambda or gamma; its paper's if not given; auto measures it",
        least=0.0,
    )
    weight_clip: float = _option(
        0.0, "clip the discriminator's weights to this after each update; 0 does not", least=0.0
    )
    discriminator_steps: int = _option(1, "discriminator updates per generator update", least=1)
    dynamics: str = _option("alternating", "how the players move against each other", DYNAMICS)
    packing: int = _option(1, "samples that the discriminator judges at a time (PacGAN)", least=1)
    instance_noise: float = _option(
        0.0,
        "standard deviation of the noise on what the discriminator sees, falling to 0 over the run",
        least=0.0,
    )
    optimizer: str = _option("adam", "the optimizer of both players", OPTIMIZERS)
    generator_lr: float = _option(2e-4, "learning rate of the generator", least=0.0)
    discriminator_lr: float = _option(2e-4, "learning rate of the discriminator", least=0.0)
    beta_1: float = _option(
        0.5, "Adam's beta_1, or the momentum, which negative_momentum negates", least=0.0, below=1.0
    )
    beta_2: float = _option(0.999, "Adam's beta_2, or RMSProp's rho", least=0.0, below=1.0)
    lr_decay: str = _option(
        "none", "both learning rates' way to zero over the run", ("none", "linear", "cosine")
    )
    ema_decay: float = _option(
        0.0,
        "decay of the averaged generator that is sampled; 0 averages none",
        least=0.0,
        below=1.0,
    )
    jit_compile: bool | str = _option(
        "auto", "compile the step by XLA: true, false, or auto, which does on a GPU"
    )
    steps_per_execution: int | str = _option(
        1, "steps in one call of the compiled function; auto chooses by a step's work", least=1
    )
    mixed_precision: str = _option("float32", "the precision of the layers", PRECISIONS)
    tf32: bool = _option(
        True, "round the factors of float32 products to TensorFloat-32 where a GPU can; else exact"
    )
    strategy: str = _option(
        "none",
        "train on one device; on all of this machine, mirrored; or on the machines of TF_CONFIG",
        STRATEGIES,
    )
    replicas: int = _option(
        0,
        "devices of mirrored; 0 is all GPUs. Without a GPU the CPU serves as so many, to rehearse",
        least=0,
    )
    resume: bool = _option(False, "go on from the run's last checkpoint")
    sample_every: int = _option(1, "epochs between sample grids; 0 draws none", least=0)
    checkpoint_every: int = _option(
        1, "epochs between checkpoints; 0 saves at the end only, or as the next two say", least=0
    )
    checkpoint_steps: int = _option(
        0, "generator updates between checkpoints; 0 does not count them", least=0
    )
    checkpoint_minutes: float = _option(
        10.0, "minutes between checkpoints within a long epoch; 0 looks at no clock", least=0.0
    )
    keep: int = _option(3, "how many of the last checkpoints are kept", least=1)
    monitor_every: int = _option(
        1, "epochs between measurements of stability; 0 measures none", least=0
    )
    on_divergence: str = _option(
        "stop",
        "when training goes wrong: stop, warn, or roll back and halve the learning rates",
        ("stop", "warn", "rollback"),
    )
    profile: int = _option(
        0,
        "calls of the train function to trace for TensorBoard, after the two that compile; 0 none",
        least=0,
    )
    evaluate_every: int = _option(
        0, "epochs between scores of the generator; 0 computes none", least=0
    )
    evaluate_metrics: str = _option(
        "",
        f"which scores, any of: {', '.join(IMAGE_METRICS)}; fd,kd,precision,recall if empty. Of "
        f"points: {', '.join(POINT_METRICS)}",
    )
    evaluate_samples: int = _option(2000, "real and generated samples of each score", least=20)
    evaluate_extractor: str = _option("auto", "as --extractor of evaluate.py")
    best_metric: str = _option(
        "", "the score that the best checkpoint is kept by; the first of them if empty"
    )

    def __post_init__(self):
        super().__post_init__()
        metrics = _check_metrics(
            "evaluate_metrics", self.evaluate_metrics, points=self.dataset in TOYS
        )
        if self.best_metric and self.best_metric not in metrics:
            raise ValueError(
                f"--best_metric={self.best_metric}: must be one of --evaluate_metrics: "
                f"{', '.join(metrics)}"
            )
        unknown = set(self.augmentations) - set(AUGMENTATIONS)
        if unknown:
            raise ValueError(
                f"--augment={self.augment}: unknown {', '.join(sorted(unknown))}; known are "
                f"{', '.join(AUGMENTATIONS)}"
            )
        if self.jit_compile not in (True, False, "auto"):
            raise ValueError(f"--jit_compile={self.jit_compile}: must be true, false or auto")
        if self.epochs is not None and self.steps is not None:
            raise ValueError(
                f"--epochs={self.epochs} and --steps={self.steps} exclude each other; give one"
            )
        if isinstance(self.steps_per_execution, str) and self.steps_per_execution != "auto":
            raise ValueError(
                f"--steps_per_execution={self.steps_per_execution}: must be a number or auto"
            )
        if self.steps is not None and self.steps % self.least_execution:
            raise ValueError(
                f"--steps={self.steps} must be a multiple of "
                f"--steps_per_execution={self.steps_per_execution}"
            )
        if self.replicas and self.strategy != "mirrored":
            raise ValueError(f"--replicas={self.replicas} needs --strategy=mirrored")
        if self.strategy != "none" and self.jit_compile is True:
            raise ValueError(
                f"--jit_compile=true compiles steps of one device, found "
                f"--strategy={self.strategy}; use --jit_compile=auto"
            )
        if self.batch_size % self.packing:
            raise ValueError(
                f"--batch_size={self.batch_size} must be a multiple of --packing={self.packing}"
            )
        if isinstance(self.penalty_weight, str) and (
            self.penalty_weight != "auto" or self.penalty == "dragan"
        ):
            raise ValueError(
                f"--penalty_weight={self.penalty_weight}: must be a number"
                + ("" if self.penalty == "dragan" else " or auto")
            )
        if self.penalty == "none" and self.penalty_weight is not None:
            raise ValueError(
                f"--penalty_weight={self.penalty_weight} has no effect without --penalty; "
                f"penalties are {', '.join(PENALTIES[1:])}"
            )
        stacked = self.dataset.startswith("stacked:")
        source = self.dataset.removeprefix("stacked:")
        kind, colon, place = source.partition(":")
        forms = [source.partition(":")[:2] for source in SOURCES]
        wrong = (kind, colon) not in forms or bool(colon) != bool(place)
        if wrong or (stacked and (kind == "stacked" or source in TOYS)):
            raise ValueError(f"--dataset={self.dataset}: must be one of {', '.join(SOURCES)}")
        if self.dataset in TOYS:
            if self.network not in ("auto", "mlp"):
                raise ValueError(
                    f"--network={self.network} makes images, --dataset={self.dataset} has points; "
                    "use --network=mlp"
                )
            if self.image_size or self.augment:
                raise ValueError(
                    f"--image_size and --augment are for images, --dataset={self.dataset} has "
                    "points"
                )
        _check_name(self.name)

    @property
    def least_execution(self):
        """Of how many steps a run and its epochs must be multiples."""
        return 1 if self.steps_per_execution == "auto" else self.steps_per_execution

    @property
    def metric_names(self):
        """The scores to compute during training, a tuple."""
        return _check_metrics("evaluate_metrics", self.evaluate_metrics, self.dataset in TOYS)

    @property
    def augmentations(self):
        """The names in `augment`, a tuple."""
        return names(self.augment)


@dataclasses.dataclass(frozen=True)
class Benchmark(Options):
    """All options of the stability benchmark; each is a flag of the same name.

    Raises:
        ValueError: if a value cannot be; the message has the flag, the value and what can be.

    Example:
        >>> Benchmark(methods="r1, wgan_gp", seeds=3).method_names
        ('r1', 'wgan_gp')
    """

    name: str = _option("stability", "the benchmark's folder")
    output_dir: str = _option("saved_models", "where the folder is kept")
    methods: str = _option(
        ",".join(METHODS[:8]), f"all, or any of: {', '.join(METHODS)}; the default is the first 8"
    )
    problems: str = _option("ring,grid", f"any of: {', '.join(TOYS)}")
    seeds: int = _option(5, "runs of each method on each problem, of the seeds 0, 1, ...", least=1)
    steps: int = _option(3000, "generator updates of each run", least=1)
    evaluations: int = _option(20, "evaluations in a run, at equal distances", least=4)
    batch_size: int = _option(256, "samples in each update", least=4)
    width: int = _option(128, "units in a hidden layer of both players", least=1)
    depth: int = _option(3, "hidden layers of both players", least=1)
    latent_dim: int = _option(2, "length of a latent vector", least=1)
    spectrum: int = _option(
        6, "leading eigenvalues of each kind at the end of seed 0; 0 for none", least=0
    )
    workers: int = _option(
        0, "processes; 0 is one for each core, 1 stays within this process", least=0
    )
    strengths: str = _option(
        "",
        "strengths of R1 and of the gradient penalty to compare with the automatic ones on ring, "
        "grid and digits; or none",
    )
    smoke: bool = _option(
        False, "a quick look: 3 methods, the ring, 2 seeds, few steps, in a folder of its own"
    )

    def __post_init__(self):
        super().__post_init__()
        _check_name(self.name)
        for flag, known in (("methods", METHODS), ("problems", TOYS)):
            value = getattr(self, flag)
            chosen = METHODS if (flag, value) == ("methods", "all") else names(value)
            if not chosen or set(chosen) - set(known) or len(set(chosen)) < len(chosen):
                raise ValueError(
                    f"--{flag}={value}: must be different names, separated by commas, of "
                    f"{', '.join(known)}"
                )
        for value in self.strength_values:
            try:
                wrong = not float(value) >= 0.0
            except ValueError:
                wrong = True
            if wrong:
                raise ValueError(
                    f"--strengths={self.strengths}: {value} must be a number of at least 0"
                )
        if not self.name:
            raise ValueError("--name must not be empty")
        if self.steps % self.evaluations:
            raise ValueError(
                f"--steps={self.steps} must be a multiple of --evaluations={self.evaluations}"
            )

    @property
    def method_names(self):
        """The methods, a tuple."""
        return METHODS if self.methods == "all" else names(self.methods)

    @property
    def problem_names(self):
        """The problems, a tuple."""
        return names(self.problems)

    @property
    def strength_values(self):
        """The strengths as they were written, a tuple."""
        return names(self.strengths)

    def reduced(self):
        """Return the options of the quick look."""
        return dataclasses.replace(
            self,
            name=f"{self.name}_smoke",
            methods="non_saturating,r1,relativistic_r1_r2",
            problems="ring",
            seeds=2,
            steps=400,
            evaluations=8,
            width=64,
            depth=2,
            spectrum=2,
            strengths="",
            smoke=False,
        )


@dataclasses.dataclass(frozen=True)
class SpeedBenchmark(Options):
    """All options of the benchmark of speed; each is a flag of the same name.

    Raises:
        ValueError: if a value cannot be; the message has the flag, the value and what can be.

    Example:
        >>> SpeedBenchmark(workloads="ring, mlp").contestant_names
        ('fit', 'bare', 'keras', 'products', 'input')
    """

    name: str = _option("benchmark", "the benchmark's folder")
    output_dir: str = _option("saved_models", "where the folder is kept")
    workloads: str = _option(",".join(WORKLOADS), "what is trained, any of the default's")
    parts: str = _option(
        ",".join(BENCHMARK_PARTS),
        "what is measured: the contestants on each workload, the time of fit's operations by kind, "
        "the cost of a step of fit against batch, width and resolution, the overhead of each "
        "default callback",
    )
    contestants: str = _option(
        ",".join(CONTESTANTS), "who is measured, any of the default's; fit always is"
    )
    torch_python: str = _option(
        "", "the Python of an environment with PyTorch; without it PyTorch is left out"
    )
    device: str = _option("cpu", "what computes; a gpu with XLA", ("cpu", "gpu"))
    mixed_precision: str = _option(
        "float32", "the precision of the layers, everybody's", PRECISIONS
    )
    tf32: bool = _option(True, "let a GPU round the factors of float32 products, everybody's")
    rounds: int = _option(7, "turns of each contestant", least=1)
    seconds: float = _option(1.5, "how long a turn lasts, about", least=0.001)
    smoke: bool = _option(False, "a quick look: mlp and ring, short turns, in a folder of its own")
    scale: bool = _option(
        False, "measure one and two workers instead, and foretell up to 1,024: scale.html"
    )

    def __post_init__(self):
        super().__post_init__()
        _check_name(self.name)
        if not self.name:
            raise ValueError("--name must not be empty")
        for flag, known in (
            *(("workloads", WORKLOADS), ("contestants", CONTESTANTS)),
            ("parts", BENCHMARK_PARTS),
        ):
            value = getattr(self, flag)
            chosen = names(value)
            if not chosen or set(chosen) - set(known) or len(set(chosen)) < len(chosen):
                raise ValueError(
                    f"--{flag}={value}: must be different names, separated by commas, of "
                    f"{', '.join(known)}"
                )

    @property
    def part_names(self):
        """The parts, a tuple."""
        return names(self.parts)

    @property
    def workload_names(self):
        """The workloads, a tuple."""
        return names(self.workloads)

    @property
    def contestant_names(self):
        """The contestants, a tuple: `fit` first, and those on PyTorch only where there is one."""
        chosen = {"fit", *names(self.contestants)}
        return tuple(
            name
            for name in CONTESTANTS
            if name in chosen and (self.torch_python or not name.startswith("torch"))
        )

    def reduced(self):
        """Return the options of the quick look."""
        few = set(self.workload_names) < set(WORKLOADS)
        return dataclasses.replace(
            self,
            name=f"{self.name}_smoke",
            workloads=self.workloads if few else "mlp,ring",
            parts="contestants",
            rounds=3,
            seconds=0.3,
            smoke=False,
        )


@dataclasses.dataclass(frozen=True)
class Evaluation(Options):
    """All options of an evaluation; each is a flag of the same name.

    Raises:
        ValueError: if a value cannot be; the message has the flag, the value and what can be.

    Example:
        >>> Evaluation(run="saved_models/wgan", metrics="fd,kd").metric_names
        ('fd', 'kd')
    """

    run: str = _option("", "a run's folder, such as saved_models/wgan")
    saved_model: str = _option("", "an exported generator's folder, in place of a run")
    fake: str = _option("", "a folder of generated images, in place of a run")
    real: str = _option("", "a folder of real images, flat or in class folders")
    dataset: str = _option("", "the real data, as of train.py; the run's own if empty")
    data_dir: str = _option("", "where tensorflow_datasets keeps its files; its default if empty")
    image_size: int = _option(0, "resize real and given images to this; 0 keeps them", least=0)
    checkpoint: str = _option("last", "which state of the run is scored", ("last", "best"))
    extractor: str = _option(
        "auto",
        "what makes features: inception, classifier:DATASET, FILE.keras or FILE.keras:LAYER; auto "
        "is a classifier of the real data, trained on the spot",
    )
    weights: str = _option("", "a file with the weights of inception; downloaded if empty")
    weights_sha256: str = _option("", "the SHA-256 that --weights must have")
    metrics: str = _option("", f"any of: {', '.join(IMAGE_METRICS)}; all that fit if empty")
    samples: int = _option(10_000, "real and generated samples, at most", least=20)
    reference: int = _option(
        20_000, "training images that copies are looked for among, at most", least=20
    )
    seed: int = _option(0, "of the samples and of every random choice", least=0, below=2**31)
    ema: bool = _option(True, "score the averaged generator, where the run has one")
    quantize: bool = _option(True, "round generated images to 8 bits, as they are saved")
    output: str = _option(
        "", "the folder of scores.json and report.html; <run>/evaluation if empty"
    )
    compare: str = _option("", "files scores.json to rank, separated by commas, in place of a run")

    def __post_init__(self):
        super().__post_init__()
        ways = ("run", "saved_model", "fake", "compare")
        given = [f"--{way}" for way in ways if getattr(self, way)]
        if len(given) != 1:
            raise ValueError(
                f"give one of {', '.join(f'--{way}' for way in ways)}, found "
                f"{' and '.join(given) or 'none'}"
            )
        if self.compare and len(self.compare_files) < 2:
            raise ValueError(f"--compare={self.compare}: give two files or more")
        if self.real and self.dataset:
            raise ValueError(
                f"--real={self.real} and --dataset={self.dataset} exclude each other; give one"
            )
        if self.fake and not (self.real or self.dataset):
            raise ValueError(f"--fake={self.fake} needs --real=DIR or --dataset to score against")
        if self.run and (self.real or self.dataset):
            raise ValueError(
                f"--run={self.run} is scored against its own data set; --dataset and --real are "
                "for --saved_model and --fake"
            )
        if not self.run and self.checkpoint != "last":
            raise ValueError(f"--checkpoint={self.checkpoint} needs --run")
        if not self.run and not self.ema:
            raise ValueError("--ema=false needs --run: nothing else has both generators")
        if not (self.run or self.quantize):
            raise ValueError("--quantize=false needs --run: all else has 8 bits already")
        if self.weights and self.extractor != "inception":
            raise ValueError(f"--weights={self.weights} needs --extractor=inception")
        if self.weights_sha256 and not self.weights:
            raise ValueError("--weights_sha256 is of the file that --weights names; give both")
        unknown = set(self.metric_names) - {*IMAGE_METRICS, *POINT_METRICS}
        if unknown:
            raise ValueError(
                f"--metrics={self.metrics}: unknown {', '.join(sorted(unknown))}; known are "
                f"{', '.join((*IMAGE_METRICS, *POINT_METRICS))}"
            )

    @property
    def metric_names(self):
        """The metrics that were asked for, a tuple; empty for all."""
        return names(self.metrics)

    @property
    def compare_files(self):
        """The files to compare, a tuple."""
        return names(self.compare)


def _check_metrics(flag, value, points):
    """Return the names of metrics, those of the default if there are none."""
    known = POINT_METRICS if points else IMAGE_METRICS
    chosen = names(value) or (known[:2] if points else ("fd", "kd", "precision", "recall"))
    if set(chosen) - set(known) or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"--{flag}={value}: must be different names, separated by commas, of {', '.join(known)}"
        )
    return chosen


def _parse(kind, value):
    """Return a flag's text as the type of its field."""
    members = typing.get_args(kind) or (kind,)
    if value == "auto" and str in members:
        return value
    if bool in members and value in ("true", "false"):
        return value == "true"
    for number in (int, float):
        if number in members:
            return number(value)
    return value


def _check_name(name):
    if "/" in name or name in (".", ".."):
        raise ValueError(f"--name={name}: must be a folder's name, not a path")


def _validate(field, value):
    """Refuse a value that its option does not allow."""
    metadata, flag = field.metadata, f"--{field.name}={value}"
    if value is None:
        return
    if metadata["choices"] and value not in metadata["choices"]:
        raise ValueError(f"{flag}: must be one of {', '.join(metadata['choices'])}")
    least, below = metadata["least"], metadata["below"]
    if isinstance(value, str):
        if not value.isprintable():  # a line break would make two lines of flags.txt
            raise ValueError(f"--{field.name}={value!r}: must be printable, on one line")
        return
    if isinstance(value, float) and math.isinf(value):
        raise ValueError(f"{flag}: must be finite")
    if least is not None and not value >= least:
        raise ValueError(f"{flag}: must be at least {least}")
    if below is not None and not value < below:
        raise ValueError(f"{flag}: must be below {below}")
