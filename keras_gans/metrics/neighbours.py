"""Balls around samples that reach to their k-th neighbour, and what lies inside of them."""

import numpy as np

_BLOCK = 512


def squared_radii(features, k):
    """Return the squared distance of each sample to its k-th neighbour, itself not counted.

    Args:
        features: float64 [N, d].
        k: 1 to N - 1.

    Raises:
        ValueError: if k is not.

    Example:
        >>> squared_radii(np.array([[0.0], [1.0], [3.0]]), k=1).tolist()
        [1.0, 1.0, 4.0]
    """
    radii = np.empty(len(features))
    for start, squares, _ in _distances(features, features):
        rows = np.arange(len(squares))
        squares[rows, start + rows] = -1.0  # itself comes first, whatever was rounded
        nearest = np.argpartition(squares, k, axis=1)[:, k]
        radii[start : start + _BLOCK] = _exact(features[start + rows], features[nearest])
    return radii


def count_inside(centres, radii, points):
    """Count points in open balls: those of which a ball's centre is nearer than its radius.

    A point on the edge is outside. Where rounding in a product of matrices could decide, the
    distance is computed from the difference, as the radii are; so a copy of the neighbour that
    made the radius is outside too.

    Args:
        centres: float64 [N, d].
        radii: their squared radii, [N].
        points: float64 [M, d].

    Returns:
        How many balls each point is in, int64 [M], and how many points each ball has, int64 [N].

    Example:
        >>> of_points, of_balls = count_inside(np.zeros([1, 1]), [4.0], np.array([[1.0], [2.0]]))
        >>> of_points.tolist(), of_balls.tolist()
        ([1, 0], [1])
    """
    radii = np.asarray(radii)
    of_points, of_balls = np.zeros(len(points), np.int64), np.empty(len(centres), np.int64)
    for start, squares, error in _distances(centres, points):
        squares -= radii[start : start + _BLOCK, None]
        inside = squares < 0.0
        np.abs(squares, out=squares)
        rows, columns = np.nonzero(squares <= error)
        for i in range(0, len(rows), _BLOCK):
            row, column = rows[i : i + _BLOCK], columns[i : i + _BLOCK]
            exact = _exact(centres[start + row], points[column])
            inside[row, column] = exact < radii[start + row]
        of_points += inside.sum(axis=0)
        of_balls[start : start + _BLOCK] = inside.sum(axis=1)
    return of_points, of_balls


def _distances(x, y):
    """Yield (start, squared distances [block, M], a bound of their error [block, M])."""
    centre = y.mean(axis=0)  # distances stay; what cancels in |a|² + |b|² - 2 a·b becomes small
    y = y - centre
    of_y = np.einsum("ij,ij->i", y, y)
    relative = 4.0 * y.shape[1] * np.finfo(np.float64).eps
    for start in range(0, len(x), _BLOCK):
        block = x[start : start + _BLOCK] - centre
        norms = np.einsum("ij,ij->i", block, block)[:, None] + of_y
        squares = block @ y.T
        squares *= -2.0
        squares += norms
        norms *= relative
        yield start, squares, norms


def _exact(a, b):
    """Return the squared distances of rows, each the same for the same two vectors."""
    return np.square(a - b).sum(axis=1)
