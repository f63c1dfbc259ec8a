"""Costs of distances between points: squared and absolute error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.distortions.base import Distortion, Table
from rdcfunc.distortions.differences import on_a_grid, powers
from rdcfunc.information import Array

#: Largest coordinate of a point.
_MOST = 1e150
_NO_TABLE = "squared_error() without points has no table; give the points of a discrete source"


@dataclass(frozen=True)
class SquaredError(Distortion):
    """``|x - x̂|²`` of a continuous source, which has no table."""

    @property
    def shape(self) -> tuple[int, int]:
        """Refuse: there is none."""
        raise TypeError(_NO_TABLE)

    @property
    def values(self) -> Array:
        """Refuse: there are none."""
        raise TypeError(_NO_TABLE)


def squared_error(points: ArrayLike | None = None, letters: ArrayLike | None = None) -> Distortion:
    """Return ``d(x, j) = |points[x] - letters[j]|²``, the sum over coordinates.

    Without points it is that of :class:`rdcfunc.sources.Gaussian`.

    Parameters
    ----------
    points, letters
        Shapes (n,) or (n, k) and (m,) or (m, k); ``letters=None`` reproduces on the points themselves. Scalar points
        at equal distances that are reproduced as themselves make a :class:`Difference`.

    Examples
    --------
    >>> squared_error([0.0, 3.0]).values
    array([[0., 9.],
           [9., 0.]])
    """
    if points is None:
        if letters is not None:
            raise ValueError("letters were given without points; squared_error() takes neither for a Gaussian source")
        return SquaredError()
    x, y = _points(points, letters)
    return on_a_grid(x, y, 2) or Table(powers(x, y, 2), x, y)


def absolute_error(points: ArrayLike, letters: ArrayLike | None = None) -> Distortion:
    """Return ``d(x, j) = |points[x] - letters[j]|`` for scalar points (n,) and letters (m,).

    As for :func:`squared_error`, points at equal distances make a :class:`Difference`.

    Examples
    --------
    >>> absolute_error([0.0, 3.0], [1.0]).values
    array([[1.],
           [2.]])
    """
    x, y = _points(points, letters)
    if x.ndim != 1:
        raise ValueError(f"points must have one axis for the absolute error (got shape {x.shape})")
    return on_a_grid(x, y, 1) or Table(powers(x, y, 1), x, y)


def _points(points: ArrayLike, letters: ArrayLike | None) -> tuple[Array, Array]:
    x = checks.finite(points, "points", 1, 2)
    if letters is None:
        _within(x, x)
        return x, x
    y = checks.finite(letters, "letters", x.ndim)
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(f"points and letters must have one dimension (got shapes {x.shape} and {y.shape})")
    _within(x, y)
    return x, y


def _within(x: Array, y: Array) -> None:
    """Refuse points whose squared distances are no numbers."""
    far = max(float(np.abs(x).max()), float(np.abs(y).max()))
    if far > _MOST:
        raise ValueError(
            f"points must lie within {_MOST} of zero (got {far:.9g}), or their squares overflow; rescale them"
        )
