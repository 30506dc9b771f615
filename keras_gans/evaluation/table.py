"""Scores as lines of text, for terminals."""

from keras_gans.metrics.protocol import compare_all


def number(score):
    """Return a score's value as text.

    Example:
        >>> from keras_gans.metrics import Manifest, Score
        >>> number(Score("modes", 8.0, Manifest("none", "", "ring", "train", "ab", 0, 2500)))
        '8'
    """
    return str(int(score.value)) if score.metric == "modes" else f"{score.value:.4g}"


def interval(score):
    """Return the ends of a score's 95% interval as text; empty if it has none."""
    return "" if score.low is None else f"{score.low:.4g} to {score.high:.4g}"


def table(scores):
    """Return scores as a table of text, a line each: name, value, 95% interval, what is better."""
    rows = [("", "value", "95% interval", "better")]
    rows += [(score.label, number(score), interval(score), score.better) for score in scores]
    return _aligned(rows)


def ranking(sets):
    """Return sets of scores as text: of each metric that all have, the generators, best first.

    Args:
        sets: two or more lists of `Score`s.

    Raises:
        ValueError: if they were not made alike; it says in which field.
    """
    rows = [("", "", "value", "95% interval", "of")]
    for scores in compare_all(sets).values():
        for place, score in enumerate(scores, 1):
            label = score.label if place == 1 else ""
            rows.append((label, f"{place}.", number(score), interval(score), score.of))
    return _aligned(rows)


def _aligned(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
