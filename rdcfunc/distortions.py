"""Distortions: what it costs to show reproduction letter j when the source said x."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import Array


@dataclass(frozen=True, eq=False)
class Distortion:
    """A table ``d`` (n, m) of non-negative costs, with the points behind it where it has some.

    Attributes
    ----------
    values
        ``d(x, j)``, shape (n, m); inf forbids a pair wherever a distortion level is on.
    points, letters
        Source points (n,) or (n, k) and reproduction points (m,) or (m, k), else None.

    Raises
    ------
    ValueError
        If the table is not two-dimensional, holds NaN, or is negative somewhere.
    """

    values: Array
    points: Array | None = None
    letters: Array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", checks.nonnegative(self.values, "distortion", 2, infinite=True))

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, m)``: the numbers of source and of reproduction letters."""
        n, m = self.values.shape
        return n, m

    @cached_property
    def forbids(self) -> bool:
        """Whether some pair costs infinity."""
        return bool(np.isinf(self.values).any())


def matrix(d: ArrayLike) -> Distortion:
    """Return the distortion given by a table (n, m), where inf forbids a pair.

    Raises
    ------
    ValueError
        If the table is not two-dimensional, holds NaN, or is negative somewhere.

    Examples
    --------
    >>> matrix([[0.0, 1.0, 0.3], [1.0, 0.0, 0.3]]).shape
    (2, 3)
    """
    return Distortion(np.asarray(d))


def hamming(n: int) -> Distortion:
    """Return ``d(x, j) = 1`` if ``x != j`` else 0, on n letters.

    Examples
    --------
    >>> hamming(2).values
    array([[0., 1.],
           [1., 0.]])
    """
    if n < 1:
        raise ValueError(f"n must be >= 1 (got {n}); an alphabet needs a letter")
    return matrix(1.0 - np.eye(n))


def squared_error(points: ArrayLike, letters: ArrayLike | None = None) -> Distortion:
    """Return ``d(x, j) = |points[x] - letters[j]|²``, the sum over coordinates.

    Parameters
    ----------
    points, letters
        Shapes (n,) or (n, k) and (m,) or (m, k); ``letters=None`` reproduces on the points themselves.

    Examples
    --------
    >>> squared_error([0.0, 3.0]).values
    array([[0., 9.],
           [9., 0.]])
    """
    x, y = _points(points, letters)
    columns = (slice(None), None) if x.ndim == 1 else (slice(None),)
    a, b = x[columns], y[columns]
    # Chunks bound the memory of the (n, m, k) difference; |a|²+|b|²-2ab would cancel where it matters most.
    rows = max(1, 2**22 // max(1, b.size))
    values = np.concatenate([((a[i : i + rows, None] - b[None]) ** 2).sum(-1) for i in range(0, a.shape[0], rows)])
    return Distortion(values, x, y)


def absolute_error(points: ArrayLike, letters: ArrayLike | None = None) -> Distortion:
    """Return ``d(x, j) = |points[x] - letters[j]|`` for scalar points (n,) and letters (m,).

    Examples
    --------
    >>> absolute_error([0.0, 3.0], [1.0]).values
    array([[1.],
           [2.]])
    """
    x, y = _points(points, letters)
    if x.ndim != 1:
        raise ValueError(f"points must have one axis for the absolute error (got shape {x.shape})")
    return Distortion(np.abs(x[:, None] - y[None, :]), x, y)


def _points(points: ArrayLike, letters: ArrayLike | None) -> tuple[Array, Array]:
    x = checks.finite(points, "points", 1 if np.ndim(points) == 1 else 2)
    if letters is None:
        return x, x
    y = checks.finite(letters, "letters", x.ndim)
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(f"points and letters must have one dimension (got shapes {x.shape} and {y.shape})")
    return x, y
