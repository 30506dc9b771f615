"""An evaluation as one HTML file that needs no network, and as JSON."""

import dataclasses
import html

import numpy as np

from keras_gans import files, images
from keras_gans.evaluation import plots
from keras_gans.evaluation.table import interval, number
from keras_gans.metrics.memorisation import nearest
from keras_gans.metrics.protocol import NAMES, save_scores
from keras_gans.pages import image, page, png_uri

GRID, PAIRS = 100, 12
CSS = """figure { margin: 1em 0 } figcaption { color: #666; font-size: 13px }
td.text { text-align: left; white-space: normal; overflow-wrap: anywhere }"""
TOLD = {
    "fd": "Fréchet distance of two Gaussians fitted to the features; 0 for the same images",
    "kd": "squared maximum mean discrepancy by a cubic kernel, unbiased; about 0 for the truth",
    "is": "how sure the classifier is of each image and how evenly it meets all classes",
    "precision": "share of generated images that lie among real ones",
    "recall": "share of real images that lie among generated ones",
    "density": "how densely real images surround generated ones; about 1 for the truth",
    "coverage": "share of real images that have a generated one among their neighbours",
    "memorisation": "how often a generated image is nearer to the training set than a real one is "
    "to the rest of it: 0.5 for the truth, 1 for copies, less for what is far from all",
    "swd": "mean distance of the features on random lines",
    "ms_ssim": "mean structural similarity of two generated images: high where all look alike",
    "modes": "modes that have a sample within three sigma",
    "high_quality": "share of samples within three sigma of a mode",
    "reverse_kl": "divergence of the samples' shares of the modes from the true ones, in nats",
}


def write(result, folder):
    """Write `report.html` and `scores.json` into a folder, which is made.

    Args:
        result: a `Result`.
        folder: a `pathlib.Path`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    more = {"classes": result.classes}
    if result.evaluator.is_image:
        found = result.memorised
        more["memorisation"] = {"share": found.share, "copies": found.copies}
    save_scores(folder / "scores.json", result.scores, **more)
    body = "\n".join(filter(None, (section(result) for section in SECTIONS)))
    files.write(folder / "report.html", page(f"How good {result.of} is", body, CSS))


def overview(result):
    """The scores, what they mean, and how they were made."""
    rows = "".join(
        f"<tr><td>{html.escape(score.label)}</td><td><strong>{number(score)}</strong></td>"
        f"<td>{interval(score)}</td><td>{score.better}</td>"
        f"<td class='text'>{html.escape(TOLD[score.metric])}</td></tr>"
        for score in result.scores
    )
    warned = "".join(
        f"<p><strong>Note:</strong> {html.escape(score.warning)}.</p>"
        for score in result.scores
        if score.warning
    )
    fields = dataclasses.asdict(result.scores[0].manifest)
    manifest = "".join(
        f"<tr><td>{name}</td><td class='text'>{html.escape(_shown(value))}</td></tr>"
        for name, value in fields.items()
    )
    step = result.scores[0].step
    at = "" if step is None else f" after {step:,} generator updates"
    return f"""<section id="scores"><p>{fields["n_fake"]:,} generated samples{at}, against
{fields["n_real"] or "the known modes"} {"real ones " if fields["n_real"] else ""}of
{html.escape(fields["dataset"])}.</p>{warned}<table><thead><tr><th>score</th><th>value</th>
<th>95% interval</th><th>better</th><th style="text-align: left">what it is</th></tr></thead><tbody>
{rows}</tbody></table><details><summary>How they were made: scores are ranked only with those of the
same manifest</summary><table>{manifest}</table><p>Intervals say how far the number would move with
other generated samples (FD, KD, CS: bootstrap or subsets) or with other judged ones (shares:
Wilson); the real images are the same for all.</p></details></section>"""


def _shown(value):
    return "not known" if value is None else f"{value:,}" if type(value) is int else str(value)


def samples(result):
    """Generated samples, and real ones beside them."""
    evaluator = result.evaluator
    if not evaluator.is_image:
        drawn = plots.points(evaluator.data.samples[:5000], result.fake)
        return f"<section id='samples'><h2>Samples</h2>{image(drawn, 'points')}</section>"
    # The real ones are sorted as in the data, often by class: take them at random.
    picks = np.random.default_rng(0).permutation(len(evaluator.images))[:GRID]
    pair = [("generated", result.fake[:GRID]), ("real", evaluator.images[picks])]
    drawn = "".join(
        f"<figure>{_picture(some, 10, 480, kind)}<figcaption>{kind}</figcaption></figure>"
        for kind, some in pair
    )
    return f"<section id='samples'><h2>Samples</h2><div class='row'>{drawn}</div></section>"


def _picture(some, columns, width, alt):
    return image(png_uri(images.grid(some, columns, width)), alt)


def neighbours(result):
    """The nearest training images, which tell whether anything is a copy."""
    evaluator = result.evaluator
    if not evaluator.is_image:
        return ""
    found, train = result.memorised, evaluator.reference.values
    order = np.argsort(found.distances, kind="stable")
    groups = [("the nearest of all", order[:PAIRS])]
    rest = np.random.default_rng(0).permutation(len(order))[:PAIRS]
    groups.append(("at random", rest))
    pictures = []
    for title, picks in groups:
        theirs = evaluator.data.samples[evaluator.reference_picks[found.indices[picks]]]
        pair = np.concatenate([images.to_uint8(result.fake[picks]), images.to_uint8(theirs)])
        shown = _picture(pair, len(picks), 760, f"generated images {title}, and neighbours")
        pictures.append(
            f"<figure>{shown}<figcaption>{title}: generated above, its nearest training image "
            "below</figcaption></figure>"
        )
    drawn = image(plots.distances(found.distances, nearest(train)[0]), "distances to neighbours")
    n, total = len(train), len(evaluator.data.samples)
    among = f"all {n:,}" if n == total else f"{n:,} of {total:,}"
    return (
        f"<section id='neighbours'><h2>Nearest training images</h2><p>Among {among} training "
        f"images, in feature space. A generated image is nearer to one of them than a real one is "
        f"to another in <strong>{found.share:.1%}</strong> of all pairs: 50% for fresh images of "
        f"the same kind, 100% for copies, less where samples are bad. "
        f"<strong>{found.copies:.1%}</strong> of the generated images are as near as the nearest "
        f"1% of the real ones.</p>{''.join(pictures)}{drawn}</section>"
    )


def embedding(result):
    """Real and generated features in one plane."""
    if not result.evaluator.is_image:
        return ""
    real = result.evaluator.real
    drawn = plots.embedding(real.values, result.features.values, real.moments)
    return (
        "<section id='embedding'><h2>Real and generated features</h2><p>In the plane in which the "
        "real ones vary most (PCA), drawn twice: grey without blue is what the generator misses, "
        "blue without grey what it makes up.</p>"
        f"{image(drawn, 'features of real and generated images')}</section>"
    )


def classes(result):
    """Which classes are made."""
    rows = result.classes
    if not rows:
        return ""
    shown = rows if len(rows) <= 30 else sorted(rows, key=lambda row: row["coverage"] or 0)[:30]
    cells = "".join(
        f"<tr><td>{html.escape(row['class'])}</td><td>{row['real']:.1%}</td>"
        f"<td>{row['fake']:.1%}</td>"
        f"<td>{'-' if row['coverage'] is None else format(row['coverage'], '.1%')}</td></tr>"
        for row in shown
    )
    made = sum(row["fake"] > 0 for row in rows)
    return (
        f"<section id='classes'><h2>Classes</h2><p>{made} of {len(rows)} classes are made. "
        "Coverage is the share of a class's real images that have a generated one among their "
        "five nearest neighbours.</p>"
        f"{image(plots.classes(shown), 'shares and coverage of the classes')}"
        "<table><thead><tr><th>class</th><th>of the real</th><th>of the generated</th>"
        f"<th>coverage</th></tr></thead><tbody>{cells}</tbody></table></section>"
    )


def history(result):
    """The scores during training, the best state, and how far the end is from it."""
    rows, best = result.rows, result.best
    if len(rows) < 2:
        return (
            "<section id='history'><h2>During training</h2><p>No scores of it are there. "
            "<code>train.py --evaluate_every=1</code> computes them and keeps the best state.</p>"
            "</section>"
        )
    panels, told = {}, []
    for name in (name for name in NAMES if name in rows[0]):
        values = np.array([row[name] for row in rows])
        better = NAMES[name][2]
        ranks = {"lower": values, "higher": -values}.get(better, abs(values - 0.5))
        at = int(ranks.argmin())
        panels[name] = name, at
        told.append(
            f"<tr><td>{name}</td><td>{values[0]:.4g}</td><td>{values[at]:.4g}</td>"
            f"<td>{rows[at]['epoch']:.0f}</td><td>{values[-1]:.4g}</td>"
            f"<td>{_gap(values[at], values[-1], better)}</td></tr>"
        )
    kept = ""
    if best is not None:
        kept = (
            f" The dashed line is the checkpoint in <code>best/</code>, of step {best.step:,}, "
            f"kept by {best.metric} = {best.value:.4g}."
        )
    drawn = plots.curves(rows, panels, None if best is None else best.step)
    return (
        "<section id='history'><h2>During training</h2><p>As <code>Evaluate</code> saw it, with "
        f"its own number of samples. The star is the best value.{kept}</p>"
        f"{image(drawn, 'scores over the epochs')}<table><thead><tr><th>score</th><th>first</th>"
        "<th>best</th><th>at epoch</th><th>last</th><th>best-to-last gap</th></tr></thead><tbody>"
        f"{''.join(told)}</tbody></table></section>"
    )


def _gap(best, last, better):
    """How many times worse the end is than the best; the difference where a ratio says nothing."""
    if min(best, last) > 0 and better in ("lower", "higher"):
        return f"{last / best if better == 'lower' else best / last:.2f} times"
    return f"{abs(last - best):.3g} apart"


SECTIONS = [overview, samples, neighbours, embedding, classes, history]  # functions of a `Result`
