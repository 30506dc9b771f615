"""Tables with a row for each of some steps, on the disk as CSV."""

import csv
import io

from keras_gans import files


def rows_until(step, rows, path):
    """Return the rows that a run at a step has, and make the file say the same.

    Args:
        step: later rows are dropped.
        rows: what is known of the run, a list of dicts; if empty, the file is read.
        path: the CSV file; none need be there.
    """
    found = rows or _read(path)
    kept = [row for row in found if row["step"] <= step]
    if kept or path.exists():
        write_rows(path, kept)
    return kept


def write_rows(path, rows):
    """Write dicts as a CSV file; its columns are all their keys."""
    text = io.StringIO(newline="")
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    files.write(path, text.getvalue())


def _read(path):
    """Return the rows of a CSV file with its texts read as numbers."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [
            {name: _number(name, text) for name, text in row.items() if text not in (None, "")}
            for row in csv.DictReader(file)
            if row.get("step")
        ]


def _number(name, text):
    return int(text) if name in ("epoch", "step") else float(text)
