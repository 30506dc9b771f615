"""What the benchmark reads from the curves of a run, and from the runs of several seeds."""

import numpy as np
from scipy import stats

CONVERGED = 0.9  # share of high-quality samples that a converged run keeps
STEADY = 0.05  # and how far it may swing there


def scores(modes, high_quality, total_modes):
    """Return the score at each evaluation: share of modes found x share of high quality, 0 to 1.

    Example:
        >>> scores([8, 4], [0.5, 1.0], 8).tolist()
        [0.5, 0.5]
    """
    return np.asarray(modes) / total_modes * np.asarray(high_quality)


def best_to_last_gap(scores):
    """Return the score at its best over the score at the end.

    1 is a run that ends at its best. It is infinite for a run that loses everything, and NaN for
    one that never found anything.

    Example:
        >>> best_to_last_gap([0.0, 0.9, 0.3])
        3.0
    """
    best, last = float(np.max(scores)), float(scores[-1])
    if best == 0.0:
        return float("nan")
    return float("inf") if last == 0.0 else round(best / last, 12)


def time_to_collapse(steps, modes):
    """Return the step from which on fewer than half of the best number of modes are found; or None.

    It is the first evaluation after the best one at which and after which, to the end, the number
    of modes stays below half of its best.

    Example:
        >>> time_to_collapse([0, 10, 20, 30, 40], [0, 8, 3, 5, 3])
        40
    """
    modes = np.asarray(modes)
    lost = modes < modes.max() / 2
    lost[: modes.argmax() + 1] = False
    if not lost[-1]:
        return None
    kept = np.flatnonzero(~lost)  # the first evaluation at the least
    return steps[kept[-1] + 1]


def converged(modes, high_quality, total_modes):
    """Return whether a run ends well and rests there.

    It does if at each of the last quarter of its evaluations all modes are found, at least 90% of
    the samples are of high quality, and that share varies by 5 percentage points at most.

    Example:
        >>> converged([0, 8, 8, 8], [0.0, 0.5, 0.8, 0.97], total_modes=8)
        True
    """
    last = max(1, len(modes) // 4)
    quality = np.asarray(high_quality[-last:])
    return bool(
        min(modes[-last:]) == total_modes
        and quality.min() >= CONVERGED
        and quality.max() - quality.min() <= STEADY
    )


def mean_interval(values, confidence=0.95):
    """Return (mean, half width) of Student's interval for the mean, over the first axis.

        half width = t * s / sqrt(n),   t the quantile of n - 1 degrees of freedom

    The half width of a single value is NaN.

    Args:
        values: [n, ...], n >= 1.
        confidence: in (0, 1).

    Example:
        >>> mean, half = mean_interval([1.0, 2.0, 3.0])  # t = 4.303, s = 1
        >>> round(float(mean), 2), round(float(half), 2)
        (2.0, 2.48)
    """
    values = np.asarray(values, np.float64)
    n, mean = len(values), values.mean(axis=0)
    if n == 1:
        return mean, np.full_like(mean, np.nan)
    quantile = stats.t.ppf(0.5 + confidence / 2, n - 1)
    return mean, quantile * values.std(axis=0, ddof=1) / np.sqrt(n)


def summarize_cell(cell):
    """Return the numbers of one run as a flat dict, a row of `cells.csv`.

    Of a run that diverged, the last score, modes and quality are zero: it has no generator.
    """
    curves, total = cell["curves"], cell["total_modes"]
    modes, quality = list(curves["modes"]), list(curves["high_quality"])
    if cell["diverged"] is not None:
        modes[-1], quality[-1] = 0, 0.0
    score = scores(modes, quality, total)
    return {
        "method": cell["method"],
        "problem": cell["problem"],
        "seed": cell["seed"],
        "total_modes": total,
        "modes": modes[-1],
        "high_quality": quality[-1],
        "score": float(score[-1]),
        "best_modes": max(modes),
        "best_high_quality": max(quality),
        "best_score": float(score.max()),
        "best_step": curves["step"][int(score.argmax())],
        "best_to_last_gap": best_to_last_gap(score),
        "collapsed_at": time_to_collapse(curves["step"], modes),
        "converged": cell["diverged"] is None and converged(modes, quality, total),
        "diverged_at": cell["diverged"],
        "seconds": cell["seconds"],
    }


def summarize(rows):
    """Return the numbers of a method on a problem over its seeds, a row of `summary.csv`.

    Means have the half width of their 95% interval beside them. The gap's is a median, since it may
    be infinite; of runs that never found anything it is left out.
    """
    summary = {name: rows[0][name] for name in ("method", "problem", "total_modes")}
    summary["seeds"] = len(rows)
    for name in ("modes", "high_quality", "score", "best_score", "seconds"):
        mean, half = mean_interval([row[name] for row in rows])
        summary |= {name: float(mean), f"{name}_interval": float(half)}
    gaps = [row["best_to_last_gap"] for row in rows if not np.isnan(row["best_to_last_gap"])]
    collapses = [row["collapsed_at"] for row in rows if row["collapsed_at"] is not None]
    return summary | {
        "median_gap": float(np.median(gaps)) if gaps else float("nan"),
        "collapsed_share": len(collapses) / len(rows),
        "median_collapse_step": float(np.median(collapses)) if collapses else None,
        "converged_share": float(np.mean([row["converged"] for row in rows])),
        "diverged_share": float(np.mean([row["diverged_at"] is not None for row in rows])),
    }
