"""`MODEL_CARD.md`: what a run's model was made of, how good it is, and what it is for."""

import importlib.metadata
import json
import pathlib
import platform

from keras_gans import files, provenance
from keras_gans._version import __version__

CARD, FACTS = "MODEL_CARD.md", "model_card.json"
LIBRARIES = ("keras", "tensorflow", "numpy", "scipy", "pillow")


def write(run, gan=None, data=None):
    """Write the card of a run; return its path.

    What only the training knows is kept in `model_card.json`, so that the card can be written again
    without it: after an evaluation, whose scores it then shows.

    Args:
        run: the run's folder, with `flags.txt`, and with `scores.json` files where it was scored,
            such as `evaluation/scores.json`.
        gan: the `GAN` at the end of the training; None takes what was kept.
        data: the `Data` that it was trained on; likewise.

    Raises:
        FileNotFoundError: if neither is given and nothing was kept.
        ValueError: if what was kept, or a `scores.json`, cannot be read; it says which.
    """
    run = pathlib.Path(run)
    if gan is not None and data is not None:
        files.write(run / FACTS, json.dumps(facts(gan, data), indent=1) + "\n")
    if not (run / FACTS).is_file():
        raise FileNotFoundError(f"{run} has no {FACTS}: its training has not ended yet")
    flags = (run / "flags.txt").read_text() if (run / "flags.txt").is_file() else ""
    scored = [(path, _read(path)) for path in sorted(run.glob("**/scores.json"))]
    return files.write(run / CARD, render(run.name, _read(run / FACTS), flags, scored, run))


def facts(gan, data):
    """Return what only the training knows, a dict for JSON."""
    versions = {"keras_gans": __version__, "python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {
        "step": gan.step,
        "diverged": bool(getattr(gan, "diverged", False)),
        "checkpoint": provenance.digest(gan.sampler),
        "generator_parameters": gan.generator.count_params(),
        "discriminator_parameters": gan.discriminator.count_params(),
        "averaged": gan.sampler is not gan.generator,
        "data": {
            "name": data.name,
            "samples": len(data),
            "shape": list(data.shape),
            "classes": data.num_classes,
            "skipped": data.skipped,
            "digest": data.digest,
        },
        "versions": versions,
    }


def render(name, kept, flags, scored, run="."):
    """Return the card's text.

    Args:
        name: of the run.
        kept: what `facts` returned.
        flags: the text of `flags.txt`.
        scored: list of (path, content) of files of scores.
        run: the folder that paths are given from.
    """
    data = kept["data"]
    kind = "images" if len(data["shape"]) == 3 else "points"
    size = " x ".join(map(str, data["shape"]))
    averaged = ", its weights averaged over the training" if kept["averaged"] else ""
    warning = "\n**The training diverged; do not use this model.**\n" if kept["diverged"] else ""
    return f"""# Model card: {name}

A generator of {kind} ({size}), trained as a generative adversarial network{averaged}. Written by
keras_gans {kept["versions"]["keras_gans"]}.
{warning}
## Data

| | |
|---|---|
| name | {_code(data["name"])} |
| samples | {data["samples"]:,} of {size}, {data["classes"] or "no"} classes |
| left out | {data["skipped"]:,} corrupt files |
| SHA-256 | `{data["digest"]}` |

Whether these data may be used so, and whom they show, is for whoever trained the model to know.

## Training

{kept["step"]:,} generator updates; {kept["generator_parameters"]:,} parameters in the generator,
{kept["discriminator_parameters"]:,} in the discriminator. The flags (`flags.txt`):

```
{flags.strip()}
```

## Metrics

{_metrics(scored, run)}
## Memorisation check

{_memorisation(scored, run)}
## Intended use

To draw {kind} like the data's, for research, teaching, and tests of methods. Not meant for: passing
samples off as real, statements about persons, decisions of consequence. What the data lack or
distort, the samples lack or distort as well; rare kinds may be missing altogether.

## Provenance

The generator's weights have the SHA-256 `{kept["checkpoint"]}`. Samples that this library writes
name it in their metadata (`Checkpoint`), with the seed, as AI-generated
({provenance.AI}). Metadata can be lost or taken off: their absence proves nothing.

## Versions

{", ".join(f"{name} {version}" for name, version in kept["versions"].items())}
"""


def _metrics(scored, run):
    """A table of each file of scores, and how they were made."""
    parts = []
    for path, content in scored:
        scores = content.get("scores", [])
        if not scores:
            continue
        rows = [
            f"| {score['metric']} | {score['value']:.4g} | {_interval(score)} | "
            f"{'' if score.get('step') is None else score['step']} |"
            for score in scores
        ]
        manifest = ", ".join(
            f"{key} {_code(value)}" for key, value in scores[0]["manifest"].items()
        )
        table = "\n".join(["| metric | value | 95% interval | step |", "|---|---|---|---|", *rows])
        where = path.relative_to(run)
        parts.append(f"{table}\n\nManifest (`{where}`): {manifest}.\n")
    return "\n".join(parts) or "None was measured: `scripts/evaluate.py --run=...` does.\n"


def _interval(score):
    low, high = score.get("low"), score.get("high")
    return "" if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _memorisation(scored, run):
    """What the evaluation found of copies of training samples."""
    lines = [
        f"`{path.relative_to(run)}`: a generated sample is nearer to the training set than a real "
        f"one is to the rest of it in {found['share']:.1%} of the pairs (50% for fresh samples of "
        f"the truth, 100% for copies); {found['copies']:.1%} are as near as the nearest 1% of the "
        "real ones.\n"
        for path, content in scored
        if (found := content.get("memorisation"))
    ]
    return "\n".join(lines) or "None was made.\n"


def _code(value):
    """Return a value as Markdown code that a table bears."""
    text = str(value).replace("`", "'").replace("|", "\\|")
    return f"`{text}`" if text else "-"


def _read(path):
    try:
        content = json.loads(path.read_text())
        if not isinstance(content, dict):
            raise ValueError("no object")
        return content
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
