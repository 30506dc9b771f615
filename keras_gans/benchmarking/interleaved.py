"""Times of several contestants that take turns, and what may be read from them."""

import numpy as np


def interleave(contestants, seconds, rounds, report=lambda text: None):
    """Let contestants take turns (A B C A B C ...), so that all see the machine as it is then.

    Args:
        contestants: {name: object with `run(steps)`}, warmed up by its first step; `run` returns a
            dict with `seconds` and `steps`.
        seconds: how long a turn is to last, about.
        rounds: turns of each.
        report: called with a line of text after each round.

    Returns:
        {name: [answer of each turn]}; a contestant that fails is {name: its error}.
    """
    turns, steps = {}, {}
    for name, contestant in contestants.items():
        try:
            steps[name] = _steps(contestant, seconds)
            turns[name] = []
        except RuntimeError as error:
            turns[name] = error
    for i in range(rounds):
        for name, contestant in contestants.items():
            if isinstance(turns[name], Exception):
                continue
            try:
                turns[name].append(contestant.run(steps[name]))
            except RuntimeError as error:
                turns[name] = error
        report(f"round {i + 1} of {rounds}")
    return turns


def _steps(contestant, seconds):
    """Return how many steps last about so long, by steps that warm it up."""
    steps = 1
    while True:
        answer = contestant.run(steps)
        each = max(answer["seconds"], 1e-6) / answer["steps"]
        if answer["seconds"] >= seconds / 4:
            return max(1, round(seconds / each))
        steps = max(2 * steps, round(seconds / 3 / each))


def spread(values):
    """Return the median of some numbers with the least and the greatest, a dict.

    Example:
        >>> spread([3.0, 1.0, 2.0, 9.0, 2.5])
        {'median': 2.5, 'least': 1.0, 'greatest': 9.0}
    """
    values = np.asarray(values, np.float64)
    return {
        "median": float(np.median(values)),
        "least": float(values.min()),
        "greatest": float(values.max()),
    }


def ratios(values, others):
    """Return the spread of values[i] / others[i]: of what was measured in the same round.

    Example:
        >>> ratios([2.0, 4.0, 9.0], [1.0, 2.0, 3.0])["median"]
        2.0
    """
    return spread(np.asarray(values, np.float64) / np.asarray(others, np.float64))


def exponent(sizes, costs):
    """Return p of cost = c size^p, fitted by least squares to the logarithms.

    Args:
        sizes: two or more different positive numbers.
        costs: as many positive numbers.

    Raises:
        ValueError: if there are less than two different sizes.

    Example:
        >>> round(exponent([1, 2, 4], [3.0, 12.0, 48.0]), 6)
        2.0
    """
    if len(set(sizes)) < 2:
        raise ValueError(f"an exponent needs two different sizes or more, found {list(sizes)}")
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
