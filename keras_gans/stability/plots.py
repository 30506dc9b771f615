"""The pictures of the report, as data URIs: SVG for curves, GIF for samples over time."""

import io
import math

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from keras_gans.pages import data_uri, styled
from keras_gans.stability.statistics import mean_interval

COLORS = matplotlib.color_sequences["tab10"]


def _figure(width, height, columns, rows=1):
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, np.ravel(figure.subplots(rows, columns))


@styled
def overview(curves):
    """Draw the share of high-quality samples of all methods, a panel for each problem.

    Args:
        curves: {problem: {method: (steps [t], values [seeds, t])}}.
    """
    figure, axes = _figure(9.5, 3.4, len(curves))
    for panel, (problem, methods) in zip(axes, curves.items(), strict=True):
        for i, (method, (steps, values)) in enumerate(methods.items()):
            mean, _ = mean_interval(values)
            style = ("-", "--", ":")[i // len(COLORS) % 3]
            panel.plot(steps, mean, style, color=COLORS[i % len(COLORS)], label=method, lw=1.4)
        panel.set(title=problem, xlabel="step", ylim=(0, 1), ylabel="score, mean of the seeds")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    return figure


@styled
def dirac(made):
    """Draw what the smallest GAN does: the field, the path in it, and the two eigenvalues.

    Args:
        made: what `cell.dirac_cell` returned.
    """
    figure, (left, right) = _figure(6.4, 3.0, 2)
    points, arrows = (np.array(part) for part in made["field"])
    length = np.linalg.norm(arrows, axis=1, keepdims=True)
    arrows = arrows / np.where(length > 0, length, 1.0)
    left.quiver(*points.T, *arrows.T, color="0.7", pivot="mid", scale=15, width=0.006)
    path = np.array(made["path"])
    shown = path[(np.abs(path) <= 2.2).all(axis=1)]
    left.plot(*shown.T, color="tab:blue", lw=0.9)
    left.plot(*path[0], "o", color="tab:blue", ms=4, label="start")
    left.plot(*np.clip(path[-1], -2, 2), "s", color="tab:orange", ms=4, label="end")
    left.plot(0, 0, "k+", ms=8, label="equilibrium")
    left.set(
        xlim=(-2, 2), ylim=(-2, 2), aspect="equal", xlabel="theta (generator)", title="the path"
    )
    left.set_ylabel("psi (discriminator)")
    left.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    _plane(right, *made["eigenvalues"], "eigenvalues at (0, 0)")
    return figure


@styled
def strengths(compared):
    """Draw the score over the strength, a panel for each penalty and problem.

    Args:
        compared: {title: rows (name, strength, score, final score)}.
    """
    columns = min(3, len(compared))
    lines = math.ceil(len(compared) / columns)
    figure, axes = _figure(3.2 * columns, 2.6 * lines, columns, lines)
    for panel in axes[len(compared) :]:
        panel.axis("off")
    for panel, (title, rows) in zip(axes, compared.items(), strict=False):
        swept = sorted(row[1:] for row in rows if row[0] != "auto")
        strength, score, final = zip(*swept, strict=True)
        panel.plot(strength, score, "o-", color="tab:blue", ms=3, lw=1.0, label="fixed")
        panel.plot(strength, final, ":", color="tab:blue", lw=1.0, label="at the end")
        auto = next(row[1:3] for row in rows if row[0] == "auto")
        panel.plot(*auto, "*", color="tab:orange", ms=10, label="automatic")
        panel.set(xscale="log", title=title, xlabel="strength", ylabel="score")
    axes[0].legend(frameon=False)
    return figure


def _plane(axes, real, imaginary, title):
    """Draw eigenvalues in the complex plane, the unstable half tinted."""
    largest = max(np.abs([*real, *imaginary]).max(initial=0.0), 1e-3)
    reach, height = (
        1.15 * max(np.abs(values).max(initial=0.0), 0.1 * largest) for values in (real, imaginary)
    )
    axes.axvspan(0, reach, color="tab:red", alpha=0.08, lw=0)
    axes.axhline(0, color="0.8", lw=0.6, zorder=0)
    axes.axvline(0, color="0.8", lw=0.6, zorder=0)
    axes.scatter(real, imaginary, s=16, color="tab:purple", zorder=2)
    axes.set(xlim=(-reach, reach), ylim=(-height, height), xlabel="real part", title=title)
    axes.set_ylabel("imaginary part")


@styled
def runs(cells, spectrum):
    """Draw modes, quality and gradient norms of a method on a problem, and its spectrum.

    Args:
        cells: the runs of all seeds.
        spectrum: [real parts, imaginary parts] or None.
    """
    figure, axes = _figure(10.0, 2.5, 4)
    total = cells[0]["total_modes"]
    _band(axes[0], cells, "modes", "tab:blue", "modes found", (0, 1.05 * total))
    axes[0].axhline(total, color="0.8", lw=0.6)
    _band(axes[1], cells, "high_quality", "tab:blue", "share of high quality", (0, 1.02))
    if "raw_high_quality" in cells[0]["curves"]:
        _band(axes[1], cells, "raw_high_quality", "tab:green", "share of high quality", (0, 1.02))
        axes[1].plot([], [], color="tab:blue", label="averaged generator")
        axes[1].plot([], [], color="tab:green", label="as it is")
        axes[1].legend(frameon=False, loc="lower right")
    for name, color in (("generator", "tab:blue"), ("discriminator", "tab:orange")):
        for i, cell in enumerate(cells):
            norms = np.array(cell["curves"][f"{name}_norm"], float)
            norms[norms <= 0] = np.nan
            label = {"label": name} if i == 0 else {}
            axes[2].plot(cell["curves"]["step"], norms, color=color, lw=0.8, alpha=0.7, **label)
    axes[2].set(yscale="log", title="gradient norm", xlabel="step")
    axes[2].legend(frameon=False)
    if spectrum is None:
        axes[3].axis("off")
    else:
        _plane(axes[3], *spectrum, "spectrum at the end")
    return figure


def _band(axes, cells, name, color, title, limits):
    """Draw each seed thin, their mean thick, and the mean's interval as a band."""
    longest = max((cell["curves"]["step"] for cell in cells), key=len)
    values = np.array([padded(cell["curves"][name], len(longest)) for cell in cells], float)
    for row in values:
        axes.plot(longest, row, color=color, lw=0.4, alpha=0.4)
    mean, half = mean_interval(values)
    axes.plot(longest, mean, color=color, lw=1.6)
    axes.fill_between(longest, mean - half, mean + half, color=color, alpha=0.18, lw=0)
    axes.set(title=title, xlabel="step", ylim=limits)


def padded(values, length):
    """Return a curve with zeros where a run that diverged has no more of it.

    Example:
        >>> padded([3, 5], 4)
        [3, 5, 0, 0]
    """
    return list(values) + [0] * (length - len(values))


def samples_gif(frames, real, steps, size=220, milliseconds=250):
    """Draw points over time as an animation; the last frame stays for a while.

    Args:
        frames: lists of points [n, d], one for each evaluation.
        real: points of the data, drawn in grey.
        steps: written into each frame.
        size: of a frame in pixels.
        milliseconds: that a frame is shown.
    """
    real = _in_plane(real)
    reach = 1.25 * np.abs(real).max()
    pictures = []
    for points, step in zip(frames, steps, strict=True):
        picture = Image.new("RGB", (size, size), "white")
        draw = ImageDraw.Draw(picture)
        for cloud, color, radius in ((real, (205, 205, 205), 2), (_in_plane(points), "#1f5fb4", 1)):
            for x, y in (0.5 + 0.5 * cloud * (1, -1) / reach) * size:
                if 0 <= x < size and 0 <= y < size:
                    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
        draw.text((6, 4), f"step {step:,}", fill="black")
        pictures.append(picture.quantize(32))
    buffer = io.BytesIO()
    waits = [milliseconds] * (len(pictures) - 1) + [8 * milliseconds]
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=waits, loop=0
    )
    return data_uri("gif", buffer.getvalue())


def _in_plane(points):
    """The first two coordinates; points on a line get heights, so that they can be told apart."""
    points = np.asarray(points, float)
    if points.shape[1] == 1:
        heights = np.linspace(-0.5, 0.5, len(points))[:, None]
        points = np.hstack([points, heights])
    return points[:, :2]
