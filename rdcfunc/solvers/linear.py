"""A linear program whose coefficients change, each solution from the basis of the last, and cuts for perception."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array

from rdcfunc.information import Array
from rdcfunc.model import solve_quietly
from rdcfunc.perceptions import FDivergence
from rdcfunc.program import Output

#: What a level may be missed by, and how far inside of a divergence's level cuts are, at most and in its units.
_TOLERANCE = 1e-10
_INSIDE, _SHARE = 1e-8, 1e-3
#: Ratios of laws of letters are taken for no larger than this, and no smaller than its inverse.
_RATIO = 1e9
#: Most half spaces at a time.
_MOST = 120
#: Halvings in search of where a divergence meets its level.
_HALVINGS = 30


class LinearProgram:
    """``min <cost, x>`` over ``x >= 0`` with ``low <= A x <= high``, for HiGHS's simplex method.

    Parameters
    ----------
    cost
        Shape (N,); inf bars a variable.
    table
        ``A``, shape (R, N).
    low, high
        Shape (R,).
    """

    def __init__(self, cost: Array, table: Array, low: Array, high: Array) -> None:
        import highspy

        self._model: Any = highspy.Highs()
        for name, value in {
            "output_flag": False,
            "presolve": "off",
            "solver": "simplex",
            "primal_feasibility_tolerance": _TOLERANCE,
            "dual_feasibility_tolerance": _TOLERANCE,
        }.items():
            self._model.setOptionValue(name, value)
        self._optimal, self._infeasible = highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible
        told, columns = highspy.HighsLp(), csc_array(table)
        told.num_row_, told.num_col_ = table.shape
        told.col_cost_ = np.where(np.isinf(cost), 0.0, cost)
        told.col_lower_, told.col_upper_ = np.zeros(cost.size), np.where(np.isinf(cost), 0.0, np.inf)
        told.row_lower_, told.row_upper_ = low, high
        told.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        told.a_matrix_.start_, told.a_matrix_.index_ = columns.indptr, columns.indices
        told.a_matrix_.value_ = columns.data
        self._model.passModel(told)

    def put(self, row: int, column: int, value: float) -> None:
        """Change a coefficient."""
        self._model.changeCoeff(row, column, value)

    def price(self, column: int, value: float) -> None:
        """Change the cost of a variable."""
        self._model.changeColCost(column, value)

    def add(self, values: Array, low: float, high: float) -> int:
        """Add the row ``low <= <values, x> <= high`` of the first variables, and return its place."""
        self._model.addRow(low, high, len(values), np.arange(len(values), dtype=np.int32), values)
        return int(self._model.getNumRow()) - 1

    def remove(self, rows: list[int]) -> None:
        """Remove rows; those after them move up."""
        self._model.deleteRows(len(rows), np.array(rows, dtype=np.int32))

    def solve(self) -> tuple[Array | None, Array]:
        """Return the solution and the prices of the rows; None and a ray of prices if there is no solution.

        Prices are zero where the solver gave up.
        """
        self._model.run()
        status = self._model.getModelStatus()
        if status not in (self._optimal, self._infeasible):
            # A basis may be too far from the next one's.
            self._model.clearSolver()
            self._model.run()
            status = self._model.getModelStatus()
        if status == self._optimal:
            found = self._model.getSolution()
            return np.maximum(np.array(found.col_value), 0.0), np.array(found.row_dual)
        if status == self._infeasible:
            _, known, ray = self._model.getDualRay()
            if known:
                return None, np.array(ray)
        return None, np.zeros(self._model.getNumRow())


class Supports:
    """``div(reference, q) <= level`` of the law q of letters, by half spaces that hold all such laws.

    With ``g`` a slope of the divergence at some law, ``<g, q> <= support(g; t) + t level`` for t = 1. The half spaces
    are rows of linear programs whose first variables are a joint law (n, m); their prices add up to those of the bound.
    At level zero the law is the reference. The half spaces that have had no price for longest make room for others.
    """

    def __init__(self, output: Output, n: int, models: tuple[LinearProgram, ...]) -> None:
        self._output, self._n, self._models = output, n, models
        self._slopes: list[Array] = []
        self._rows: list[int] = []
        self._used: list[int] = []
        self._clock = 0
        self._conic: Any = None
        self._inside = min(_INSIDE, _SHARE * output.level)
        if output.pinned:
            for g, mass in zip(np.eye(output.reference.size), output.reference, strict=True):
                self._add(g, float(mass), float(mass))

    def _add(self, g: Array, low: float, high: float) -> None:
        self._slopes.append(g)
        rows = [model.add(np.tile(g, self._n), low, high) for model in self._models]
        self._rows.append(rows[0])
        self._apart = [row - rows[0] for row in rows]
        self._used.append(self._clock)

    def _drop(self, idle: set[int]) -> None:
        gone = sorted(self._rows[k] for k in idle)
        for model, apart in zip(self._models, self._apart, strict=True):
            model.remove([row + apart for row in gone])
        kept = [k for k in range(len(self._slopes)) if k not in idle]
        self._slopes, self._used = [self._slopes[k] for k in kept], [self._used[k] for k in kept]
        self._rows = [min(self._rows) + place for place in range(len(kept))]

    def missed(self, law: Array) -> bool:
        """Return whether a law misses the level."""
        output = self._output
        if output.pinned:
            return bool(np.abs(law - output.reference).sum() > _TOLERANCE)
        return output.divergence.value(output.reference, law) > output.level

    def cut(self, law: Array) -> bool:
        """Cut off a law that misses the level, or is no further inside than rounding; return whether it was."""
        output = self._output
        if output.pinned or output.divergence.value(output.reference, law) <= output.level - self._inside / 2:
            return False
        g = self._slope(self._boundary(law / law.sum()))
        most = output.divergence.support(g, output.reference, 1.0) + output.level - self._inside
        if float(g @ law) <= most + _TOLERANCE:
            return False
        self._add(g, -np.inf, most)
        return True

    def _boundary(self, law: Array) -> Array:
        """Return where the way from the reference, which is well inside, to a law outside leaves the level."""
        output, (low, high) = self._output, (0.0, 1.0)
        if not output.vanishes:
            return law
        for _ in range(_HALVINGS):
            share = (low + high) / 2
            inside = output.divergence.value(output.reference, self._between(share, law)) <= output.level
            low, high = (share, high) if inside else (low, share)
        return self._between(high, law)

    def _between(self, share: float, law: Array) -> Array:
        return (1 - share) * self._output.reference + share * law

    def _slope(self, law: Array) -> Array:
        """Return a slope of the divergence at a law: of its function of ratios, or a multiplier of its conic form."""
        output = self._output
        if isinstance(output.divergence, FDivergence):
            p = output.reference
            ratio = np.divide(law, p, out=np.full_like(p, _RATIO), where=p > 0)
            return output.divergence.slope(np.clip(ratio, 1 / _RATIO, _RATIO))
        import cvxpy as cp

        if self._conic is None:
            q, at = cp.Variable(law.size, nonneg=True), cp.Parameter(law.size)
            value, needs = output.divergence.conic(output.reference, q)
            self._conic = cp.Problem(cp.Minimize(value), [q == at, *needs])
        self._conic.parameters()[0].value = law
        solve_quietly(self._conic, "CLARABEL")
        return -np.asarray(self._conic.constraints[0].dual_value, dtype=np.float64)

    def priced(self, prices: Array) -> tuple[float, Array]:
        """Return price and output price that the prices of the first program's rows add up to; call it once each."""
        # Cuts made since then have no price.
        weights = -prices[[row for row in self._rows if row < prices.size]]
        g = np.zeros(self._output.reference.size)
        for weight, slope in zip(weights, self._slopes, strict=False):
            g += weight * slope
        if self._output.pinned:
            return self._output.pinned_price(g), g
        self._clock += 1
        self._used[: weights.size] = np.where(weights > 0, self._clock, self._used[: weights.size]).tolist()
        if len(self._slopes) > _MOST:
            self._drop(set(np.argsort(self._used, kind="stable")[: -_MOST // 2].tolist()))
        return float(weights.sum()), g
