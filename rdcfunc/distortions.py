"""Distortions: what it costs to show reproduction letter j when the source said x."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import Array, Indices

_UNIT = 2.0**-53
#: Largest slack of a grid, and smallest step: beyond, points are not uniform and squares not normal numbers.
_MOST_SLACK, _LEAST_STEP, _MOST_WIDTH = 1e-9, 1e-140, 1e140
#: Largest coordinate of a point.
_MOST = 1e150
#: Least cost of a table that is not zero, so that prices per unit of it are numbers.
_LEAST_COST = 1e-300
#: What to do about a table that cannot be formed.
_SMALLER = "give D alone, which needs no table, or use fewer letters"


class Distortion(ABC):
    """Costs ``d(x, j) >= 0`` of n source and m reproduction letters; subclasses state their structure.

    Attributes
    ----------
    points, letters
        Source points (n,) or (n, k) and reproduction points (m,) or (m, k), else None.
    """

    points: Array | None = None
    letters: Array | None = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """``(n, m)``: the numbers of source and of reproduction letters."""

    @property
    @abstractmethod
    def values(self) -> Array:
        """``d(x, j)``, shape (n, m); inf forbids a pair wherever a distortion level is on."""

    @property
    def forbids(self) -> bool:
        """Whether some pair costs infinity."""
        return False


@dataclass(frozen=True, eq=False)
class Table(Distortion):
    """A table of costs without further structure.

    Raises
    ------
    ValueError
        If the table is not two-dimensional, holds NaN, or is negative somewhere.
    """

    costs: Array
    points: Array | None = None
    letters: Array | None = None

    def __post_init__(self) -> None:
        costs = checks.nonnegative(self.costs, "distortion", 2, infinite=True)
        top = float(np.where(np.isinf(costs), 0.0, costs).max())
        if 0 < top < _LEAST_COST:
            raise ValueError(f"distortion must have a cost of at least {_LEAST_COST} (got {top} at most); rescale it")
        object.__setattr__(self, "costs", costs)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, m)``: the numbers of source and of reproduction letters."""
        n, m = self.costs.shape
        return n, m

    @property
    def values(self) -> Array:
        """The table itself."""
        return self.costs

    @cached_property
    def forbids(self) -> bool:
        """Whether some pair costs infinity."""
        return bool(np.isinf(self.costs).any())


@dataclass(frozen=True, eq=False)
class Hamming(Distortion):
    """``d(x, j) = 1`` if ``x != j`` else 0; the table is formed when it is asked for."""

    n: int

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, n)``."""
        return self.n, self.n

    @cached_property
    def values(self) -> Array:
        """``1 - I``, shape (n, n)."""
        checks.affordable(self.n, self.n, "the Hamming distortion", _SMALLER)
        return checks.frozen(1.0 - np.eye(self.n))


@dataclass(frozen=True, eq=False)
class Difference(Distortion):
    r"""``d(x, j) = rho(x - j)`` on the points of a uniform grid; the table is formed when it is asked for.

    Attributes
    ----------
    lags
        ``lags[n - 1 + x - j] = rho(x - j)``, shape (2 n - 1,), finite.
    power
        1 or 2 if ``rho(l)`` is ``unit`` times this power of ``|l|``, to four roundings, else None.
    unit
        ``rho(1)``.
    slack
        The table, computed from the points, is within ``rho (1 ± slack)``.
    """

    lags: Array
    power: int | None = None
    slack: float = 0.0
    points: Array | None = None
    letters: Array | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, n)``."""
        n = (self.lags.size + 1) // 2
        return n, n

    @property
    def unit(self) -> float:
        """``rho(1)``, or zero on a single point."""
        return float(self.lags[self.shape[0]]) if self.lags.size > 1 else 0.0

    @cached_property
    def values(self) -> Array:
        """``rho(x - j)``, shape (n, n), from the points where there are some."""
        checks.affordable(*self.shape, "the distortion", _SMALLER)
        return checks.frozen(self.columns(np.arange(self.shape[0])))

    def columns(self, letters: Indices) -> Array:
        """Return the table's columns of some letters."""
        if self.points is not None:
            return _power(self.points, self.points[letters], self.power or 1)
        n = self.shape[0]
        return self.lags[n - 1 + np.arange(n)[:, None] - letters]


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


_NO_TABLE = "squared_error() without points has no table; give the points of a discrete source"


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
    return Table(checks.array(d, "distortion"))


def hamming(n: int) -> Distortion:
    """Return ``d(x, j) = 1`` if ``x != j`` else 0, on n letters.

    Examples
    --------
    >>> hamming(2).values
    array([[0., 1.],
           [1., 0.]])
    """
    return Hamming(checks.count(n, "n", "give the number of letters"))


def difference(lags: ArrayLike) -> Distortion:
    """Return ``d(x, j) = rho(x - j)`` on n letters in a row, reproduced as themselves.

    Parameters
    ----------
    lags
        ``rho(1 - n), ..., rho(0), ..., rho(n - 1)``, an odd number of finite costs.

    Examples
    --------
    >>> difference([1.0, 0.0, 3.0]).values
    array([[0., 1.],
           [3., 0.]])
    """
    costs = checks.nonnegative(lags, "lags", 1)
    if costs.size % 2 == 0:
        raise ValueError(f"lags must be an odd number of costs, rho(1 - n) to rho(n - 1) (got {costs.size})")
    return Difference(costs)


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
    return on_a_grid(x, y, 2) or Table(_power(x, y, 2), x, y)


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
    return on_a_grid(x, y, 1) or Table(_power(x, y, 1), x, y)


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


def _power(x: Array, y: Array, power: int) -> Array:
    """Return the table of absolute differences, or of squared ones summed over coordinates."""
    if power == 1:
        checks.affordable(len(x), len(y), "the distortion", "use fewer points or letters")
        return np.abs(x[:, None] - y[None, :])
    columns = (slice(None), None) if x.ndim == 1 else (slice(None),)
    a, b = x[columns], y[columns]
    checks.affordable(len(a), len(b), "the distortion", "use fewer points or letters")
    # Chunks bound the memory of the (n, m, k) difference; |a|²+|b|²-2ab would cancel where it matters most.
    rows = max(1, 2**22 // max(1, b.size))
    return np.concatenate([((a[i : i + rows, None] - b[None]) ** 2).sum(-1) for i in range(0, a.shape[0], rows)])


def on_a_grid(x: Array, y: Array, power: int) -> Difference | None:
    """Return the distortion by lags if scalar points lie at equal distances and are reproduced as themselves."""
    n = len(x)
    if x.ndim != 1 or n < 2 or not (x is y or np.array_equal(x, y)):
        return None
    width = abs(float(x[-1] - x[0]))
    step = width / (n - 1)
    if not (step > _LEAST_STEP and width < _MOST_WIDTH):
        return None
    index = np.arange(n)
    ideal = x[0] + (x[-1] - x[0]) * (index / (n - 1))
    # A distance is off by at most two displacements, and all distances but zero are at least a step.
    displaced = float(np.abs(x - ideal).max()) + 4 * _UNIT * float(np.abs(x).max() + width)
    slack = 2.01 * power * displaced / step + 16 * _UNIT
    if slack > _MOST_SLACK:
        return None
    lags = (step * np.abs(np.arange(1.0 - n, n))) ** power
    return Difference(checks.frozen(lags), power, slack, x, y)
