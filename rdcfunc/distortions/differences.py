"""Costs of the difference alone, ``rho(x - j)`` on a uniform grid, which products with the table can use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.distortions.base import SMALLER, Distortion
from rdcfunc.information import Array, Indices

_UNIT = 2.0**-53
#: Largest slack of a grid, and smallest step: beyond, points are not uniform and squares not normal numbers.
_MOST_SLACK, _LEAST_STEP, _MOST_WIDTH = 1e-9, 1e-140, 1e140


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
        checks.affordable(*self.shape, "the distortion", SMALLER)
        return checks.frozen(self.columns(np.arange(self.shape[0])))

    def columns(self, letters: Indices) -> Array:
        """Return the table's columns of some letters."""
        if self.points is not None:
            return powers(self.points, self.points[letters], self.power or 1)
        n = self.shape[0]
        return self.lags[n - 1 + np.arange(n)[:, None] - letters]


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


def powers(x: Array, y: Array, power: int) -> Array:
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
