"""Curves and surfaces: what the certified answers on a grid of levels say, as arrays, frames, files and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from rdcfunc.files import keep
from rdcfunc.information import Array
from rdcfunc.solution import Solution

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: The prices of a solution.
_NAMES = ("distortion", "perception", "classification")


@dataclass(frozen=True, eq=False)
class Slopes:
    """Prices along a curve: bits of rate for a unit of each level, arrays of the grid's shape, NaN where infeasible.

    On a curve of the rate these are ``-∂R/∂D``, ``-∂R/∂P`` and ``-∂R/∂C``. Where a level X is minimised at a rate,
    ``-∂X/∂R`` is one over the price of X.
    """

    distortion: Array
    perception: Array
    classification: Array


@dataclass(frozen=True, eq=False)
class Curve:
    """Certified answers on a grid.

    Attributes
    ----------
    lower, upper, value
        Bracket of the quantity minimised at each point, in the grid's shape; inf where no channel meets the
        levels.
    D, P, C, R
        The levels asked for; the array of the quantity that was minimised holds ``value``.
    quantity
        ``"R"``, ``"D"``, ``"P"`` or ``"C"``: what was minimised.
    slopes
        :class:`Slopes`, the prices at each point.
    solutions
        The :class:`Solution` at each point, None where the levels are infeasible.
    """

    lower: Array
    upper: Array
    value: Array
    D: Array
    P: Array
    C: Array
    R: Array
    quantity: str
    slopes: Slopes = field(repr=False)
    solutions: NDArray[np.object_] = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a point: levels, bracket, and what the channel spends and achieves."""
        import pandas as pd

        rows = []
        for index in np.ndindex(self.value.shape):
            row: dict[str, Any] = {name: float(getattr(self, name)[index]) for name in ("D", "P", "C", "R")}
            row |= {name: float(getattr(self, name)[index]) for name in ("lower", "upper", "value")}
            row |= {f"slope_{name}": float(getattr(self.slopes, name)[index]) for name in _NAMES}
            solution = cast("Solution | None", self.solutions[index])
            row["rate"] = inf if solution is None else solution.rate
            row["status"] = "INFEASIBLE" if solution is None else solution.status.name
            rows.append(row)
        return pd.DataFrame(rows)

    def to_csv(self, path: str | PathLike[str] | None = None) -> str:
        """Return the rows of :meth:`to_frame` as CSV text, every digit kept, and write it if a path is given."""
        return keep(self.to_frame().to_csv(index=False), path)

    def to_json(self, path: str | PathLike[str] | None = None) -> str:
        """Return the curve as JSON text, with every channel, and write it if a path is given.

        :func:`rdcfunc.load` reads it back. It holds a table for each point; where bounds are enough, :meth:`to_csv`.
        """
        from rdcfunc.storage import dumps

        return keep(dumps(self), path)

    def plot(self, ax: Axes | None = None, label: str | None = None, color: str | None = None) -> Axes:
        """Draw the band between the bounds and return the axes; see :func:`rdcfunc.plotting.plot_curve`."""
        from rdcfunc.plotting import plot_curve

        return plot_curve(self, ax, label, color)


def collected(found: Sequence[Solution | None], points: Array, shape: tuple[int, ...], quantity: str) -> Curve:
    """Return the curve of the solutions at points (..., 4) of levels R, D, P and C, in the grid's shape."""

    def array(name: str) -> Array:
        return np.array([inf if s is None else getattr(s, name) for s in found]).reshape(shape)

    def slope(name: str) -> Array:
        prices = [np.nan if s is None else getattr(s.prices, name) for s in found]
        return np.array(prices, dtype=np.float64).reshape(shape)

    solutions = np.empty(len(found), dtype=object)
    solutions[:] = found
    value = array("value")
    asked = dict(zip("RDPC", (points[..., i].reshape(shape) for i in range(4)), strict=True)) | {quantity: value}
    return Curve(
        array("lower"),
        array("upper"),
        value,
        asked["D"],
        asked["P"],
        asked["C"],
        asked["R"],
        quantity,
        Slopes(*map(slope, _NAMES)),
        solutions.reshape(shape),
    )
