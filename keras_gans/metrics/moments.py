"""Mean and covariance of more features than fit in memory, from batches and from many workers."""

import numpy as np

from keras_gans.metrics.checks import check_features, check_whole


class RunningMoments:
    """The mean and the covariance of features that come in batches, in float64.

        mean    <- mean + n_b / (n + n_b) δ,                         δ = mean_b - mean
        scatter <- scatter + scatter_b + n n_b / (n + n_b) δ δᵀ,     covariance = scatter / (n - 1)

    Memory is that of a few [d, d] matrices and one batch, whatever the number of batches. Features
    far from 0 lose nothing, as they would in sums of squares.

    Args:
        dimensions: d, the features' width, >= 1.

    Example:
        >>> moments = RunningMoments(1)
        >>> moments.update([[0.0]])
        >>> moments.update([[1.0], [5.0]])
        >>> moments.count, moments.mean.tolist(), moments.covariance.tolist()
        (3, [2.0], [[7.0]])

    Reference: Chan, Golub and LeVeque, 1979, "Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances", equation 2.1.
    """

    def __init__(self, dimensions):
        self.dimensions = check_whole(dimensions, "dimensions", 1)
        self.count = 0
        self.mean = np.zeros(self.dimensions)
        self.scatter = np.zeros([self.dimensions] * 2)

    def update(self, features):
        """Add a batch of features [B, d], B >= 1.

        Raises:
            ValueError: if they are not finite, or not of this width.
        """
        features = check_features(features, least=1)
        self._check_width(features.shape[1])
        mean = features.mean(axis=0)
        centred = features - mean
        self._add(len(features), mean, centred.T @ centred)

    def merge(self, other):
        """Add what another one has seen, such as that of another worker.

        Raises:
            ValueError: if it is of another width.
        """
        self._check_width(other.dimensions)
        if other.count:
            self._add(other.count, other.mean, other.scatter)

    @property
    def covariance(self):
        """The covariance [d, d], divided by N - 1.

        Raises:
            ValueError: if there are fewer than two samples.
        """
        if self.count < 2:
            raise ValueError(f"a covariance needs at least two samples, found {self.count}")
        return self.scatter / (self.count - 1)

    def get_state(self):
        """Return the state as a dict of arrays, for `np.savez(file, **state)`."""
        return {"count": np.int64(self.count), "mean": self.mean, "scatter": self.scatter}

    def set_state(self, state):
        """Take over a state, such as `np.load(file)` gives.

        Raises:
            ValueError: if it is no state of this width.

        Example:
            >>> moments = RunningMoments(2)
            >>> moments.set_state(RunningMoments.from_state(moments.get_state()).get_state())
        """
        missing = {"count", "mean", "scatter"} - set(state.keys())
        if missing:
            raise ValueError(f"the state lacks {', '.join(sorted(missing))}")
        mean, scatter = (np.array(state[name], np.float64) for name in ("mean", "scatter"))
        d = self.dimensions
        if mean.shape != (d,) or scatter.shape != (d, d):
            raise ValueError(
                f"a state of {d} dimensions is expected, found a mean of shape {mean.shape} and a "
                f"scatter of shape {scatter.shape}"
            )
        self.count, self.mean, self.scatter = int(state["count"]), mean, scatter

    @classmethod
    def from_state(cls, state):
        """Make one from the arrays of `get_state`."""
        moments = cls(np.shape(state["mean"])[-1])
        moments.set_state(state)
        return moments

    def _check_width(self, width):
        if width != self.dimensions:
            raise ValueError(
                f"features of {self.dimensions} dimensions are expected, as before, found {width}"
            )

    def _add(self, count, mean, scatter):
        total = self.count + count
        difference = mean - self.mean
        self.scatter += scatter
        self.scatter += np.outer(difference * (self.count * count / total), difference)
        self.mean += difference * (count / total)
        self.count = total
