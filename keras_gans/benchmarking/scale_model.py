"""How long a step takes on n replicas: a formula of measured numbers, nothing that runs."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What is expected of n replicas.

    Args:
        replicas: n.
        seconds: of a step.
        communication: the part of these seconds in which replicas wait for each other's gradients.
        speedup: how many times the samples of one replica in a second.
    """

    replicas: int
    seconds: float
    communication: float
    speedup: float

    @property
    def efficiency(self):
        """The speedup as a share of n, in (0, 1]."""
        return self.speedup / self.replicas


def all_reduce_seconds(size, replicas, link_bytes_per_second, latency_seconds):
    """Return how long a ring takes to sum a tensor over its replicas.

        2 (n - 1) / n * size / bandwidth + 2 (n - 1) * latency

    Args:
        size: of the tensor in bytes, >= 0.
        replicas: n, >= 1.
        link_bytes_per_second: what a replica sends to the next one in a second, > 0.
        latency_seconds: of one message, >= 0.

    Example:
        >>> all_reduce_seconds(8e6, replicas=2, link_bytes_per_second=1e9, latency_seconds=1e-3)
        0.01

    Reference: Patarasuk and Yuan, 2009, "Bandwidth Optimal All-reduce Algorithms for Clusters of
    Workstations", Journal of Parallel and Distributed Computing 69 (2), 117-124.
    """
    hops = 2 * (replicas - 1)
    return hops / replicas * size / link_bytes_per_second + hops * latency_seconds


def predict(
    step_seconds,
    gradient_bytes,
    replicas,
    link_bytes_per_second,
    latency_seconds,
    discriminator_steps=1,
    scalars=0.0,
    fixed_seconds=None,
):
    """Return the `Prediction` of a step on n replicas.

    A step is k discriminator updates and one generator update, and each waits for the sum of its
    gradients: the next update is made of the weights that this one leaves, so nothing overlaps.

        t(n) = compute(n) + k ring(discriminator) + ring(generator) + scalars * ring(4 bytes)

    Weak scaling, each replica at the same batch as the one: compute(n) = t(1). Strong scaling, the
    batch divided among the replicas: compute(n) = fixed + (t(1) - fixed) / n.

    Args:
        step_seconds: t(1), of a step on one replica, > 0.
        gradient_bytes: of the discriminator's gradient and of the generator's, a pair.
        replicas: n, >= 1.
        link_bytes_per_second: what a replica sends to the next one in a second, > 0.
        latency_seconds: of one message, >= 0.
        discriminator_steps: k, >= 1.
        scalars: numbers that are averaged over replicas in a step to be shown, one by one.
        fixed_seconds: the part of t(1) that does not shrink with the batch, in [0, t(1)], for
            strong scaling; None for weak scaling.

    Raises:
        ValueError: if a value cannot be.

    Example:
        >>> weak = predict(0.1, (8e6, 8e6), 2, 1e9, 1e-3, discriminator_steps=4)
        >>> round(weak.seconds, 6), round(weak.speedup, 3)
        (0.15, 1.333)
        >>> strong = predict(0.1, (0, 0), 4, 1e9, 0.0, fixed_seconds=0.02)
        >>> round(strong.seconds, 6), round(strong.efficiency, 3)
        (0.04, 0.625)
    """
    _check("step_seconds", step_seconds, step_seconds > 0, "> 0")
    _check("replicas", replicas, int(replicas) == replicas >= 1, "a whole number >= 1")
    _check("discriminator_steps", discriminator_steps, discriminator_steps >= 1, ">= 1")
    _check("link_bytes_per_second", link_bytes_per_second, link_bytes_per_second > 0, "> 0")
    _check("latency_seconds", latency_seconds, latency_seconds >= 0, ">= 0")
    _check("gradient_bytes", gradient_bytes, len(gradient_bytes) == 2, "a pair of sizes")
    strong = fixed_seconds is not None
    if strong:
        _check("fixed_seconds", fixed_seconds, 0 <= fixed_seconds <= step_seconds, "in [0, t(1)]")

    def ring(size):
        return all_reduce_seconds(size, replicas, link_bytes_per_second, latency_seconds)

    discriminator, generator = gradient_bytes
    communication = discriminator_steps * ring(discriminator) + ring(generator) + scalars * ring(4)
    compute = step_seconds
    if strong:
        compute = fixed_seconds + (step_seconds - fixed_seconds) / replicas
    seconds = compute + communication
    samples = 1 if strong else replicas
    return Prediction(int(replicas), seconds, communication, samples * step_seconds / seconds)


def fit_line(x, y):
    """Return (intercept, slope) of the line through points of positive y that errs least.

    Squares of relative errors are summed, so that the small values count as much as the large.

    Args:
        x: numbers, two or more.
        y: as many numbers, > 0.

    Example:
        >>> intercept, slope = fit_line([1, 2, 4], [5.0, 7.0, 11.0])
        >>> round(intercept, 9), round(slope, 9)
        (3.0, 2.0)
    """
    weights = [1 / value**2 for value in y]
    total = sum(weights)
    middle_x = sum(w * a for w, a in zip(weights, x, strict=True)) / total
    middle_y = sum(w * b for w, b in zip(weights, y, strict=True)) / total
    spread = sum(w * (a - middle_x) ** 2 for w, a in zip(weights, x, strict=True))
    covariance = sum(
        w * (a - middle_x) * (b - middle_y) for w, a, b in zip(weights, x, y, strict=True)
    )
    slope = covariance / spread
    return middle_y - slope * middle_x, slope


def fit_link(sizes, seconds):
    """Return (bytes per second, latency) of a link between two replicas from timed sums.

    For n = 2 a ring takes size / bandwidth + 2 latency.

    Args:
        sizes: of the tensors that were summed, in bytes.
        seconds: how long each took.

    Example:
        >>> bandwidth, latency = fit_link([4, 1_000_000, 4_000_000], [0.002, 0.003, 0.006])
        >>> round(bandwidth / 1e9, 2), round(latency, 4)
        (1.0, 0.001)
    """
    intercept, slope = fit_line(sizes, seconds)
    return 1 / max(slope, 1e-15), max(intercept, 0.0) / 2


def _check(name, value, fine, expected):
    if not fine:
        raise ValueError(f"{name} must be {expected}, found {value!r}")
