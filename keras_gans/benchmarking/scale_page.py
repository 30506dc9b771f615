"""The page of scale on paper: what was measured, how far the formula is off, where it leads."""

import html

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from keras_gans import files
from keras_gans.benchmarking.scale_model import fit_line, fit_link, predict
from keras_gans.pages import image, page, styled

REPLICAS = tuple(2**i for i in range(11))
LINKS = {  # bytes a second, seconds a message: round figures of such hardware, none measured here
    "1 Gbit/s Ethernet": (1.25e8, 50e-6),
    "10 Gbit/s Ethernet": (1.25e9, 30e-6),
    "100 Gbit/s InfiniBand": (1.25e10, 5e-6),
    "300 GB/s between GPUs": (3e11, 5e-6),
}
COLORS = matplotlib.color_sequences["tab10"]


class Game:
    """One workload's measurements, and what the formula makes of them.

    Args:
        made: the entry of `measure()["workloads"]`.
    """

    def __init__(self, made):
        self.made, self.batch, self.k = made, made["batch"], made["discriminator_steps"]
        alone = {int(batch): found["seconds"] for batch, found in made["alone"].items()}
        self.alone, self.one = alone, alone[self.batch]
        fixed, _ = fit_line(list(alone), list(alone.values()))
        self.fixed = min(max(fixed, 0.0), self.one)
        facts = made["alone"][str(self.batch)]
        self.gradient_bytes, self.scalars = facts["gradient_bytes"], facts["scalars"]

    @property
    def images(self):
        """Real images that one replica's discriminator sees in a step."""
        return self.k * self.batch

    def predict(self, replicas, link, strong=False, step=None, fixed=None):
        """Return the `Prediction` over a link (bytes a second, latency)."""
        return predict(
            *(self.one if step is None else step, self.gradient_bytes, replicas, *link),
            discriminator_steps=self.k,
            scalars=self.scalars,
            fixed_seconds=(self.fixed if fixed is None else fixed) if strong else None,
        )

    def rate(self, prediction):
        """Return the images a second of a prediction."""
        return prediction.speedup * self.images / self.one


def write_page(path, measurements, links=None, replicas=REPLICAS):
    """Write the page, one HTML file that needs no network; return its path.

    Args:
        path: the file.
        measurements: what `measure` returned.
        links: {name: (bytes per second, latency in seconds)} to predict for; None takes `LINKS`.
        replicas: the numbers of replicas to predict for.
    """
    games = {name: Game(made) for name, made in measurements["workloads"].items()}
    links = links or LINKS
    body = [_ABOUT, "<h2>What was measured on this machine</h2>"]
    here = None
    if measurements["link"]:
        sizes = {int(size): seconds for size, seconds in measurements["link"].items()}
        here = fit_link(list(sizes), list(sizes.values()))
        body += [_link(sizes, here), _verdict(games, measurements["workers"], here)]
    body += [_measured(name, game, measurements["workers"], here) for name, game in games.items()]
    body.append("<h2>What is predicted</h2>" + image(curves(games, links, replicas), "throughput"))
    body += [_predicted(name, game, links, replicas) for name, game in games.items()]
    return files.write(path, page("Scale on paper", "\n".join(body)))


@styled
def curves(games, links, replicas):
    """Draw images a second over replicas: a row for each workload, weak and strong scaling.

    Args:
        games: {name: Game}.
        links: see `write_page`.
        replicas: the numbers of replicas.
    """
    figure = Figure(figsize=(9.5, 3.4 * len(games)), layout="constrained")
    rows = figure.subplots(len(games), 2, squeeze=False)
    for (name, game), panels in zip(games.items(), rows, strict=True):
        for panel, strong in zip(panels, (False, True), strict=True):
            one = game.images / game.one
            panel.plot(replicas, one * np.array(replicas), "--", color="0.6", lw=1, label="n times")
            for color, (link, numbers) in zip(COLORS, links.items(), strict=False):
                rates = [game.rate(game.predict(n, numbers, strong)) for n in replicas]
                panel.plot(replicas, rates, color=color, lw=1.4, label=link)
            how = f"batch {game.batch} in all" if strong else f"batch {game.batch} on each replica"
            panel.plot(1, one, "ko", ms=4, label="measured here")
            if "job" in game.made:
                panel.plot(2, _job_rate(game, strong), "ko", ms=4)
            panel.set(xscale="log", yscale="log", title=f"{name}, {how}", xlabel="replicas")
            panel.set_xticks(replicas, [f"{n:,}" for n in replicas], rotation=45)
            panel.minorticks_off()
        panels[0].set_ylabel("images / s")
    handles, labels = rows[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _job_rate(game, strong):
    """Return the images a second that two workers reached."""
    batch = game.batch // 2 if strong else game.batch
    return 2 * game.k * batch / game.made["job"][str(batch)]["seconds"]


def _link(sizes, here):
    rows = [
        (_bytes(size), f"{1e3 * seconds:.2f} ms", f"{1e3 * (size / here[0] + 2 * here[1]):.2f} ms")
        for size, seconds in sorted(sizes.items())
    ]
    return (
        "<p>The strategy's own sum of a tensor over two processes, each on a core of its own, "
        f"through the machine's loopback, and the line fitted to it: {here[0] / 1e6:,.0f} MB/s and "
        f"{1e6 * here[1]:,.0f} &micro;s a message.</p>" + _table(("tensor", "took", "fitted"), rows)
    )


def _verdict(games, workers, here):
    """Say how far the formula is off over all that was measured."""
    errors = [
        game.predict(workers, here, strong).seconds / game.made["job"][str(batch)]["seconds"] - 1
        for game in games.values()
        for strong, batch in ((False, game.batch), (True, game.batch // workers))
    ]
    low, high = (f"{100 * error:+.0f}%" for error in (min(errors), max(errors)))
    return (
        f"<p><strong>From one worker and the link, the formula says the step of {workers} workers "
        f"to within {low} to {high}.</strong> Where it says too little, the job has costs that "
        "the formula leaves out. Likely ones, not measured apart: the sums take processor time "
        "from the networks, and each worker waits for the slower one.</p>"
    )


def _measured(name, game, workers, here):
    """Return the table of one worker and of several, beside what the formula says."""
    made, batch = game.made, str(game.batch)
    rows = [
        _row("one process, no strategy", made["plain"][batch]),
        _row("one worker under the strategy", made["alone"][batch]),
    ]
    text = (
        f"<p>Gradients of {' and '.join(map(_bytes, game.gradient_bytes))} (discriminator, "
        f"generator), {game.k} discriminator steps, {game.scalars:.1f} numbers to show in a step, "
        f"each of them a sum of its own. Cost against batch: "
        f"{1e3 * game.fixed:.2f} ms + {1e6 * (game.one - game.fixed) / game.batch:.0f} &micro;s "
        f"an image of a batch, from batches of {', '.join(map(str, sorted(game.alone)))}.</p>"
    )
    if here:  # there were several workers
        for strong in (False, True):
            each = str(game.batch // workers) if strong else batch
            apart = made["strangers"]
            how = f"batch {each} on each of {workers} workers"
            found = made["job"][each]
            rows.append(_row(f"{workers} processes that share nothing, batch {each}", apart[each]))
            first = game.predict(workers, here, strong).seconds
            second = game.predict(workers, here, step=apart[each]["seconds"]).seconds
            rows.append((*_row(f"one job, {how}", found)[:3], *_off(first, second, found)))
    heads = ("", "a step", "5% to 95%", "predicted from one alone", "off by")
    heads += ("predicted from both at once", "off by")
    return f"<h3>{html.escape(name)}</h3>{text}{_table(heads, rows)}"


def _row(title, found):
    spread = f"{1e3 * found['low']:.1f} to {1e3 * found['high']:.1f}"
    return (title, f"{1e3 * found['seconds']:.2f} ms", spread, "", "", "", "")


def _off(first, second, found):
    """Return two predictions, each with its error against what was measured."""
    for value in (first, second):
        yield f"{1e3 * value:.2f} ms"
        yield f"{100 * (value / found['seconds'] - 1):+.0f}%"


def _predicted(name, game, links, replicas):
    """Return the tables of images a second and efficiency."""
    parts = [f"<h3>{html.escape(name)}</h3>"]
    for strong in (False, True):
        rows = []
        for n in replicas:
            made = [game.predict(n, numbers, strong) for numbers in links.values()]
            cells = [f"{game.rate(p):,.0f} ({100 * p.efficiency:.0f}%)" for p in made]
            rows.append((f"{n:,}", *cells))
        how = (
            f"a batch of {game.batch} divided among all (strong scaling)"
            if strong
            else f"a batch of {game.batch} on each (weak scaling)"
        )
        parts.append(f"<p>Images a second, and the share of n times one replica: {how}.</p>")
        parts.append(_table(("replicas", *links), rows))
    return "\n".join(parts)


def _table(heads, rows):
    head = "".join(f"<th>{text}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _bytes(size):
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} B"


_ABOUT = """<p>A step of the game is k discriminator updates and one generator update. Each update
waits until the gradients of all replicas are summed, since the next one starts from the weights
that it leaves: computing and sending do not overlap. On n replicas in a ring, over links of a
bandwidth and a latency,</p>
<p><code>t(n) = compute(n) + k&middot;ring(discriminator) + ring(generator) +
scalars&middot;ring(4 bytes)</code>,
<code>ring(size) = 2(n-1)/n &middot; size / bandwidth + 2(n-1) &middot; latency</code>.</p>
<p>With the same batch on each replica (weak scaling) compute(n) is the step of one. With a batch
that is divided (strong scaling) it is the part that no batch makes smaller, and an n-th of the
rest.</p>
<p>Left out: that some replicas are slower than others at times, that a ring over many hosts shares
its switches, that libraries use trees where messages are small (there the latency counts
2&middot;log n times rather than 2(n-1)), and the input pipeline. Nothing was
measured beyond the workers below: the more replicas, the more are these orders of magnitude.</p>"""
