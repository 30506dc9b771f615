"""The benchmark's results as JSON, and as a page in Markdown and in HTML."""

import html
import json

from keras_gans import files, pages
from keras_gans.benchmarking import summary
from keras_gans.benchmarking.workloads import WORKLOADS

EXPLANATION = (
    "An image is one real sample that the discriminator sees in one update, or one that is "
    "generated. All contestants took turns on the same machine; figures are medians of the turns, "
    "with the least and the greatest.",
    "Data are random images in memory, or fresh points of the ring. Nobody keeps an average of the "
    "generator. Plain Keras sees the same batch in all discriminator updates of a step, and they "
    "count as if they were others.",
    "GFLOP/s is what the products of the algorithm would make in that time: 1e9 floating-point "
    "operations of matrix products and convolutions a second, counted as "
    "keras_gans/flops.py says. Of the peak: as a share of the machine's rate in the "
    "same turn at large sizes. Products' share: the time of the same products alone, at the shapes "
    "that they have in the step, over the step's time.",
)
HEAD = (
    *("", "images/s", "least to greatest", "ms a step", "fit is ... times as fast", "GFLOP/s"),
    *("of the peak", "products' share", "first step, s", "memory, MB", "how"),
)


def write(results, folder):
    """Write `benchmark.json`, `benchmark.md` and `benchmark.html`; return the page as text."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = summary.rows(results)
    parts = list(_parts(results, rows))
    text = "# Benchmark\n\n" + "\n\n".join(map(_markdown, parts)) + "\n"
    body = "\n".join(map(_html, parts))
    files.write(folder / "benchmark.json", json.dumps(results | {"rows": rows}, indent=1))
    files.write(folder / "benchmark.md", text)
    files.write(folder / "benchmark.html", pages.page("Benchmark", body))
    return text


def _parts(results, rows):
    """Yield what the page has: (kind, content), kind "h2", "p" or "table"."""
    yield "p", ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    for text in EXPLANATION:
        yield "p", text
    for name, measured in results["workloads"].items():
        yield "h2", name
        yield "p", _described(WORKLOADS[name]) + _peak(measured)
        yield "table", [HEAD, *(_cells(row) for row in rows if row["workload"] == name)]
    if "profiles" in results:
        yield "h2", "Where the time of a step of fit goes"
        yield (
            "p",
            "Milliseconds that operations of each kind took in a step, and how many there were. "
            "They may run side by side; those of a microsecond or two are not recorded. Recording "
            "makes the step longer.",
        )
        yield "table", _profiles(results["profiles"])
    if "costs" in results:
        yield "h2", "Cost of a step of fit"
        yield "p", "DCGAN WGAN-GP; seconds of a step = c * size ^ exponent, fitted."
        head = ("", "sizes", "ms a step", "exponent")
        yield "table", [head, *(_cost(axis, made) for axis, made in results["costs"].items())]
    if "callbacks" in results:
        made = results["callbacks"]
        yield "h2", "Overhead of the default callbacks"
        yield (
            "p",
            f"What is added to an epoch of {made['steps']} steps of r1, "
            f"{made['seconds']['median']:.2f} s, each callback alone and all of them; and, once a "
            "run, the seconds from the last epoch to the end of fit, when figures are drawn.",
        )
        head = ("", "adds", "least to greatest", "at the end of fit, s")
        added, ends = made["overhead"], made["end"]
        yield (
            "table",
            [head, *((name, *_added(added[name]), f"{ends[name]:.2f}") for name in added)],
        )


def _described(workload):
    return (
        f"{workload.network}, samples {'x'.join(map(str, workload.shape))}, width {workload.width}"
        f"{f', depth {workload.depth}' if workload.network == 'mlp' else ''}, latents of "
        f"{workload.latent_dim}, batch {workload.batch}; "
        + (
            "samples are drawn and nothing is trained"
            if workload.generation
            else f"{workload.loss}, penalty {workload.penalty}, {workload.discriminator_steps} "
            f"discriminator update(s) a step, normalization {workload.discriminator_norm}"
        )
    )


def _peak(measured):
    products = measured["contestants"].get("products", {})
    if "flops" not in products:
        return ""
    peak = ", ".join(f"{name} {max(rates):.0f}" for name, rates in products["peak"].items())
    return f"; {products['flops'] / 1e9:.3g} GFLOP a step; peak rates, GFLOP/s: {peak}"


def _cells(row):
    if "error" in row:
        return (row["title"], "failed", *[""] * (len(HEAD) - 3), row["error"].splitlines()[0][:200])
    rated, times = "rate" in row, row["times"]
    return (
        row["title"],
        f"{row['images']['median']:,.0f}",
        f"{row['images']['least']:,.0f} to {row['images']['greatest']:,.0f}",
        f"{row['milliseconds']['median']:.3g}",
        f"{times['median']:.2f} ({times['least']:.2f} to {times['greatest']:.2f})",
        f"{row['rate']['median']:.0f}" if rated else "",
        f"{row['of_peak']['median']:.0%}" if rated else "",
        f"{row['of_products']['median']:.0%}" if rated else "",
        f"{row['first_step']:.1f}",
        f"{row['memory'] / 1e6:,.0f}",
        row["note"],
    )


def _profiles(made):
    kinds = sorted({kind for profile in made.values() for kind in profile["kinds"]})
    rows = [("", *made), ("the whole step", *(f"{p['step']:.3g}" for p in made.values()))]
    for kind in kinds:
        each = (profile["kinds"].get(kind, (0.0, 0)) for profile in made.values())
        rows.append((kind, *(f"{milliseconds:.3g} ({calls:.0f})" for milliseconds, calls in each)))
    return rows


def _cost(axis, made):
    sizes = ", ".join(map(str, made["sizes"]))
    seconds = ", ".join(f"{1e3 * s:.3g}" for s in made["step_seconds"])
    return axis, sizes, seconds, f"{made['exponent']:.2f}"


def _added(spread):
    low, high = spread["least"], spread["greatest"]
    return f"{spread['median']:+.1%}", f"{low:+.1%} to {high:+.1%}"


def _markdown(part):
    kind, content = part
    return {"h2": "## {}".format, "p": str, "table": table}[kind](content)


def _html(part):
    kind, content = part
    if kind != "table":
        return f"<{kind}>{html.escape(content)}</{kind}>"
    lines = [
        "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
        for row, tag in zip(content, ["th", *["td"] * len(content)], strict=False)
    ]
    return "<table>" + "\n".join(lines) + "</table>"


def table(rows):
    """Return rows of text as a table in Markdown, aligned so that it can be read as it is.

    Example:
        >>> print(table([("", "a"), ("b", "12")]))
        |   | a  |
        |---|----|
        | b | 12 |
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
