"""The benchmark's results as one HTML file that needs no network, and as two tables."""

import csv
import html

import numpy as np

from keras_gans.pages import image, page
from keras_gans.stability import plots, strengths
from keras_gans.stability.cell import PROBED
from keras_gans.stability.methods import METHODS
from keras_gans.stability.statistics import scores, summarize, summarize_cell


def write(cells, config, folder):
    """Write `report.html`, `cells.csv` and `summary.csv` into a folder.

    Args:
        cells: {(method, problem, seed): run}, as `benchmark.load` returns; what is missing is left
            out.
        config: the `config.Benchmark` that they are of.
        folder: a `pathlib.Path`.

    Raises:
        ValueError: if there is no run at all.
    """
    runs = {key: cell for key, cell in cells.items() if _is_run(key)}
    if not runs:
        raise ValueError(f"{folder} holds no finished run to report on")
    rows = [summarize_cell(cell) for cell in runs.values()]
    summary = [
        summarize([row for row in rows if (row["method"], row["problem"]) == pair])
        for pair in dict.fromkeys((row["method"], row["problem"]) for row in rows)
    ]
    _write_csv(folder / "cells.csv", rows)
    _write_csv(folder / "summary.csv", summary)
    results = Results(cells, config, {(row["method"], row["problem"]): row for row in summary})
    body = "\n".join(section(results) for section in SECTIONS)
    (folder / "report.html").write_text(page("Which GANs converge", body))


def _is_run(key):
    """Whether a cell is a run of a method: neither a Dirac-GAN nor one of a swept strength."""
    return key[1] != "dirac" and "@" not in key[0]


class Results:
    """What a section of the report is made from.

    Args:
        cells: {(method, problem, seed): run}.
        config: the options.
        summary: {(method, problem): row of `summary.csv`}.
    """

    def __init__(self, cells, config, summary):
        self.cells, self.config, self.summary = cells, config, summary

    @property
    def methods(self):
        """The methods that have a run, in the order asked for."""
        found = {key[0] for key in self.cells}
        return [method for method in self.config.method_names if method in found]

    def runs(self, method, problem):
        """Return the runs of all seeds, by seed."""
        keys = sorted(key for key in self.cells if key[:2] == (method, problem))
        return [self.cells[key] for key in keys]


def _write_csv(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def introduction(results):
    """Say what was run, and what each number and picture means."""
    config = results.config
    done = sum(map(_is_run, results.cells))
    asked = len(config.method_names) * len(config.problem_names) * config.seeds
    missing = "" if done == asked else f" <strong>{asked - done} of them are missing here.</strong>"
    problems = ", ".join(config.problem_names)
    return f"""<p>{len(config.method_names)} methods on toy densities whose modes are known
({problems}), with {config.seeds} seeds each: {asked} runs.{missing} All have the same
networks (MLPs with {config.depth} hidden layers of {config.width} units), batches of
{config.batch_size}, and {config.steps:,} generator updates; a method with several discriminator
updates to one of the generator computes more. Each run was measured {config.evaluations + 1} times
on 2,500 samples.</p>
<details open><summary>How to read this</summary><dl>
<dt>Modes, high quality</dt><dd>A sample is of high quality if it lies within three standard
deviations of a mode; a mode is found if it has such a sample. ± is the 95% confidence interval of
the mean over seeds (Student's t).</dd>
<dt>Score, best-to-last gap</dt><dd>The score is the share of modes found times the share of high
quality. The gap is the score at its best over the score at the end: 1 is a run that ends at its
best, 2 one that has lost half of it, infinite one that has lost everything. The median over
seeds.</dd>
<dt>Collapsed, converged, diverged</dt><dd>Collapsed: at the end of the run, and since the step
given, fewer than half as many modes are found as at its best. Converged: at each of the last
quarter of the evaluations all modes are found, at least 90% of the samples are of high quality, and
that share swings by 5 points at most. Diverged: a sample or a gradient was not finite; such a run
counts as zero from there on.</dd>
<dt>Dirac-GAN</dt><dd>The smallest GAN: the data are at 0, the generator is a point theta, the
discriminator a slope psi. An eigenvalue of its gradient field left of the imaginary axis draws the
two in; on the axis they circle, and the steps of gradient descent make an outward spiral of it;
right of it they fly apart. Methods that change the steps and not the field (extra-gradient,
optimism, lookahead, unrolling) can have eigenvalues on the axis and a path that comes in. With
alternating updates the circles stay circles near (0, 0), and far from it the curvature of the loss
may draw them in for a while. The path is one of gradient descent, not of Adam.</dd>
<dt>Spectrum</dt><dd>The leading eigenvalues of the same kind for the trained networks of seed 0 at
the end, on {PROBED} real samples, found by ARPACK; those that it did not find in time are
left out. Tinted: what drives the players away. Far from an equilibrium some of it is usual.</dd>
<dt>Gradient norms</dt><dd>Of both players on a fixed batch. In a game that comes to rest they fall
or level out; norms that grow, or a generator's that vanishes while samples are bad, tell of a game
that does not.</dd></dl></details>"""


def overview(results):
    """One table and one picture of all methods."""
    head = "".join(
        f"<th>{name}</th>"
        for name in (
            *("method", "problem", "modes", "high quality", "score", "best score"),
            *("best-to-last gap", "converged", "collapsed", "(at step)", "diverged", "s a run"),
        )
    )
    rows = []
    for (method, problem), row in results.summary.items():
        collapse, good = row["median_collapse_step"], row["converged_share"]
        tone = ' class="good"' if good == 1 else ' class="bad"' if good == 0 else ""
        cells = [
            f"<td>{_interval(row, 'modes', '{:.1f}')} of {row['total_modes']}</td>",
            f"<td>{_interval(row, 'high_quality', '{:.1%}')}</td>",
            f"<td>{_interval(row, 'score', '{:.2f}')}</td>",
            f"<td>{_interval(row, 'best_score', '{:.2f}')}</td>",
            f"<td>{_gap(row['median_gap'])}</td>",
            f"<td{tone}>{good:.0%}</td>",
            f"<td>{row['collapsed_share']:.0%}</td>",
            f"<td>{'' if collapse is None else f'{collapse:,.0f}'}</td>",
            f"<td>{row['diverged_share']:.0%}</td>",
            f"<td>{row['seconds']:.0f}</td>",
        ]
        link = f'<a href="#{method}">{html.escape(METHODS[method].title)}</a>'
        rows.append(f"<tr><td>{link}</td><td>{problem}</td>{''.join(cells)}</tr>")
    curves = {}
    for method, problem in results.summary:
        runs = results.runs(method, problem)
        steps = max((run["curves"]["step"] for run in runs), key=len)
        values = [plots.padded(_score(run), len(steps)) for run in runs]
        curves.setdefault(problem, {})[method] = steps, values
    return (
        f'<section id="overview"><h2>All methods</h2><table><thead><tr>{head}</tr></thead><tbody>'
        f"{''.join(rows)}</tbody></table>"
        f"{image(plots.overview(curves), 'score over the steps, for all methods')}</section>"
    )


def _score(run):
    curves = run["curves"]
    return scores(curves["modes"], curves["high_quality"], run["total_modes"]).tolist()


def each_method(results):
    """A section for each method."""
    return "\n".join(_method(results, method) for method in results.methods)


def _method(results, name):
    method = METHODS[name]
    parts = [
        f'<section id="{name}"><h2>{html.escape(method.title)} <code>{name}</code></h2>',
        f"<p>{html.escape(method.idea)} <span class='paper'>{html.escape(method.paper)}</span></p>",
    ]
    if dirac := results.runs(name, "dirac"):
        parts.append(_dirac(dirac[0]))
    for problem in results.config.problem_names:
        if runs := results.runs(name, problem):
            parts.append(_problem(runs, results.summary[name, problem]))
    return "\n".join([*parts, "</section>"])


def _dirac(made):
    values = " and ".join(
        f"{real:+.3f} {imaginary:+.3f}i"
        for real, imaginary in zip(*made["eigenvalues"], strict=True)
    )
    distances = np.linalg.norm(made["path"], axis=1)
    steps = len(distances) - 1
    way = (
        f"starts at a distance of {distances[0]:.2f} and is at {distances[steps // 2]:.2g} after "
        f"{steps // 2} and at {distances[-1]:.2g} after {steps} steps"
    )
    said = f"its field {made['verdict']} (largest real part {made['rate']:+.2g})"
    return (
        f"<h3>The smallest GAN</h3><p>Eigenvalues {values}: {said}. The path by the method's own "
        f"steps {way}.</p>"
        + image(plots.dirac(made), "the path, and the eigenvalues in the complex plane")
    )


def _problem(runs, row):
    problem, first = runs[0]["problem"], runs[0]
    gif = ""
    if first["seed"] == 0:
        picture = plots.samples_gif(first["samples"], first["real"], first["curves"]["step"])
        gif = image(picture, f"samples on {problem} over time, seed 0; the data in grey")
    drawn = plots.runs(runs, first.get("spectrum"))
    alt = f"modes, quality, gradient norms and spectrum on {problem}"
    return (
        f"<h3>{problem}</h3><p>{_told(row)}</p><div class='row'>{gif}"
        f"<div class='plots'>{image(drawn, alt)}</div></div>"
    )


def _told(row):
    """Put a row of the summary into a sentence or two."""
    n = row["seeds"]
    text = (
        f"{round(row['converged_share'] * n)} of {n} seeds converged. At the end "
        f"{_interval(row, 'modes', '{:.1f}')} of {row['total_modes']} modes are found and "
        f"{_interval(row, 'high_quality', '{:.1%}')} of the samples are of high quality; the score "
        f"at its best is {_gap(row['median_gap'])} times that at the end."
    )
    if row["collapsed_share"]:
        text += (
            f" {round(row['collapsed_share'] * n)} collapsed, around step "
            f"{row['median_collapse_step']:,.0f}."
        )
    if row["diverged_share"]:
        text += f" {round(row['diverged_share'] * n)} diverged."
    return text


def _interval(row, name, form):
    mean, half = row[name], row[f"{name}_interval"]
    return form.format(mean) + ("" if np.isnan(half) else f" ± {form.format(half)}")


def _gap(value):
    return "-" if np.isnan(value) else "∞" if np.isinf(value) else f"{value:.2f}"


def automatic_strength(results):
    """Compare automatic strengths with a swept grid of them, if that was asked for."""
    compared = strengths.compare(results.cells)
    if not compared:
        return ""
    seeds = {problem: set() for _, problem in compared}
    for method, problem, seed in results.cells:
        if "@" in method and problem in seeds:
            seeds[problem].add(seed)
    means = ", ".join(f"{min(of)} to {max(of)} on {problem}" for problem, of in seeds.items())
    parts = [
        '<section id="automatic"><h2>The automatic strength of penalties</h2><p>'
        '<code>R1("auto")</code> and <code>GradientPenalty("auto")</code> measure the '
        "discriminator once, before the first step, and divide the Dirac-GAN's critical strength "
        "by its curvature. Here they stand against fixed strengths, with the same networks and "
        "steps, R1 with the non-saturating loss, the gradient penalty with Wasserstein's; means of "
        f"the seeds {means}, on which neither the rules nor the settings "
        f"were chosen. The score is the mean of {strengths.LOOKS} looks at equal distances: it "
        "tells how good and how soon. Points are scored as above, digits by minus "
        "the logarithm of the Fréchet distance of pixels.</p><table><thead><tr><th>penalty</th>"
        "<th>problem</th><th>auto</th><th>score</th><th>at the end</th><th>best fixed</th>"
        "<th>score</th><th>at the end</th><th>fixed ones that did better</th></tr></thead><tbody>"
    ]
    for (penalty, problem), (rows, rank, swept) in compared.items():
        auto = next(row for row in rows if row[0] == "auto")
        best = next(row for row in rows if row[0] != "auto")
        cells = [
            *(f"{value:.3g}" for value in auto[1:]),
            *(f"{value:.3g}" for value in best[1:]),
            f"{rank - 1} of {swept}, "
            + ("in" if strengths.within_best_third(rank, swept) else "not in")
            + " the best third",
        ]
        told = "".join(f"<td>{cell}</td>" for cell in cells)
        parts.append(f"<tr><td>{penalty}</td><td>{problem}</td>{told}</tr>")
    drawn = plots.strengths({" on ".join(key): rows for key, (rows, _, _) in compared.items()})
    figure = image(drawn, "score over the strength")
    return "".join([*parts, "</tbody></table>", figure, "</section>"])


SECTIONS = [
    introduction,
    overview,
    automatic_strength,
    each_method,
]  # functions of `Results`; add one here
