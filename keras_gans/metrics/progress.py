"""A line now and then from work that takes long; nothing from work that is quick."""

import time


class Progress:
    """Print how far a loop is, and how long the rest will take.

    Args:
        what: what is done, such as "features of 10,000 images"; empty prints nothing.
        total: how many things there are.
        every: seconds between lines, and before the first one.

    Example:
        >>> progress = Progress("counting", 3)
        >>> for done in range(3):
        ...     progress.update(done + 1)
    """

    def __init__(self, what, total, every=5.0):
        self.what, self.total, self.every = what, total, every
        self._started = self._shown = time.perf_counter()
        self._begun = None  # (when, how many): the first step compiles and tells little

    def update(self, done):
        """Note that so many are done."""
        now = time.perf_counter()
        if self._begun is None:
            self._begun = now, done
        if not self.what or now - self._shown < self.every or done >= self.total:
            return
        self._shown = now
        since, first = self._begun
        left = (now - since) / max(1, done - first) * (self.total - done)
        print(
            f"{self.what}: {done:,} of {self.total:,} in {now - self._started:.0f} s, about "
            f"{left:.0f} s left",
            flush=True,
        )
