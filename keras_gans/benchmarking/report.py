"""The benchmark's results as lines of text, as JSON, and as Markdown."""

import json

from keras_gans import files
from keras_gans.benchmarking import summary


def write(results, folder):
    """Write `benchmark.json` and `benchmark.md`; return the table's text."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = summary.rows(results)
    text = markdown(results, rows)
    files.write(folder / "benchmark.json", json.dumps(results | {"rows": rows}, indent=1))
    files.write(folder / "benchmark.md", text)
    return text


HEAD = (
    *("", "images/s", "least to greatest", "ms a step", "fit is ... times as fast", "GFLOP/s"),
    *("of the peak", "products' share", "first step, s", "memory, MB"),
)


def markdown(results, rows):
    """Return the page."""
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    parts = ["# Benchmark", machine]
    for workload in results["workloads"]:
        parts.append(f"## {workload}")
        own = [row for row in rows if row["workload"] == workload]
        parts.append(table([HEAD, *map(_cells, own)]))
    return "\n\n".join(parts) + "\n"


def _cells(row):
    if "error" in row:
        return (row["title"], "failed", row["error"].splitlines()[0][:80], *[""] * (len(HEAD) - 3))
    low, high = row["images"]["least"], row["images"]["greatest"]
    times = row["times"]
    rated = "rate" in row
    return (
        row["title"],
        f"{row['images']['median']:,.0f}",
        f"{low:,.0f} to {high:,.0f}",
        f"{row['milliseconds']['median']:.3g}",
        f"{times['median']:.2f} ({times['least']:.2f} to {times['greatest']:.2f})",
        f"{row['rate']['median']:.0f}" if rated else "",
        f"{row['of_peak']['median']:.0%}" if rated else "",
        f"{row['of_products']['median']:.0%}" if rated else "",
        f"{row['first_step']:.1f}",
        f"{row['memory'] / 1e6:,.0f}",
    )


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
