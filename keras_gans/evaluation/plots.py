"""The report's pictures, as data URIs."""

import numpy as np
from matplotlib.figure import Figure
from scipy import linalg

from keras_gans.pages import styled

REAL, FAKE = "0.6", "tab:blue"
SHOWN = 2000  # points of each kind


@styled
def embedding(real, fake, moments):
    """Draw features of real and generated images in the plane of the real ones' largest variance.

    Args:
        real: features [n, d].
        fake: features [m, d].
        moments: mean and covariance of the real ones.
    """
    mean, covariance = moments
    d = len(mean)
    values, vectors = linalg.eigh(covariance, subset_by_index=[max(0, d - 2), d - 1])
    total = max(np.trace(covariance), 1e-12)
    figure = Figure(figsize=(9.5, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for panel, order in ((left, (0, 1)), (right, (1, 0))):
        kinds = [("real", real, REAL), ("generated", fake, FAKE)]
        for k in order:  # each is on top once
            label, features, color = kinds[k]
            points = (features[:SHOWN].astype(np.float64) - mean) @ vectors[:, ::-1]
            panel.scatter(
                points[:, 0],
                points[:, -1],
                s=4,
                color=color,
                alpha=0.5,
                lw=0,
                label=label,
                rasterized=True,
            )
        panel.set(
            title=f"{kinds[order[1]][0]} on top",
            xlabel=f"first component, {values[-1] / total:.0%} of the variance",
        )
    left.set_ylabel(f"second component, {values[0] / total:.0%}")
    figure.legend(
        *left.get_legend_handles_labels(),
        loc="outside right center",
        frameon=False,
        markerscale=2.5,
    )
    return figure


@styled
def points(real, fake):
    """Draw real and generated points; of more than two coordinates the first two."""
    figure = Figure(figsize=(9.5, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=real.shape[1] > 1)
    for panel, title, values, color in zip(
        panels, ("real", "generated"), (real, fake), (REAL, FAKE), strict=True
    ):
        if values.shape[1] == 1:
            panel.hist(values[:, 0], bins=100, color=color, density=True)
        else:
            panel.scatter(*values[: 2 * SHOWN, :2].T, s=3, color=color, lw=0, rasterized=True)
            panel.set_aspect("equal")
        panel.set_title(title)
    return figure


@styled
def curves(rows, panels, best_step):
    """Draw metrics over the epochs, a panel each, the best checkpoint marked.

    Args:
        rows: evaluations, dicts with `epoch`, `step` and metrics.
        panels: {metric: (title, index of its best row)}.
        best_step: the step of the best checkpoint, or None.
    """
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.5 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    epochs = [row["epoch"] for row in rows]
    kept = next((row["epoch"] for row in rows if row["step"] == best_step), None)
    for axis, (name, (title, best)) in zip(axes, panels.items(), strict=False):
        values = [row[name] for row in rows]
        axis.plot(epochs, values, marker=".", lw=1.2, color=FAKE)
        axis.plot(epochs[best], values[best], "*", ms=10, color="tab:orange")
        if kept is not None:
            axis.axvline(kept, color="tab:orange", lw=1, ls="--")
        axis.set(title=title, xlabel="epoch")
        axis.grid(alpha=0.3)
        if all(value > 0 for value in values) and max(values) > 20 * min(values):
            axis.set_yscale("log")
    for axis in axes[len(panels) :]:
        axis.axis("off")
    return figure


@styled
def classes(rows):
    """Draw shares of real and of generated images, and coverage, for each class.

    Args:
        rows: what `class_coverage` returned.
    """
    figure = Figure(figsize=(9.5, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    at = np.arange(len(rows))
    left.bar(at - 0.2, [row["real"] for row in rows], 0.4, color=REAL, label="real")
    left.bar(at + 0.2, [row["fake"] for row in rows], 0.4, color=FAKE, label="generated")
    left.set_title("share of the images")
    left.legend(frameon=False)
    right.bar(at, [row["coverage"] or 0.0 for row in rows], 0.6, color=FAKE)
    right.set(title="coverage", ylim=(0, 1))
    names = [row["class"] for row in rows]
    for panel in (left, right):
        turned = {"rotation": 35, "ha": "right"} if max(map(len, names)) > 3 else {}
        panel.set_xticks(at, names, **turned)
    return figure


@styled
def distances(generated, real):
    """Draw how far generated and real images are from their nearest (other) training image."""
    figure = Figure(figsize=(5.2, 2.5), layout="constrained")
    axis = figure.subplots()
    bins = np.linspace(0, np.quantile(np.concatenate([generated, real]), 0.99), 50)
    axis.hist(real, bins, color=REAL, alpha=0.7, density=True, label="real, to another one")
    axis.hist(generated, bins, color=FAKE, histtype="step", lw=1.5, density=True, label="generated")
    axis.set(xlabel="distance to the nearest training image", yticks=[])
    axis.legend(frameon=False)
    return figure
