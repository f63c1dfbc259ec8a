"""A linear program whose coefficients change: each solution starts from the basis of the last."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array

from rdcfunc.information import Array

#: What a level may be missed by.
_TOLERANCE = 1e-10


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

    def add(self, columns: Array, values: Array, high: float) -> None:
        """Add the row ``<values, x[columns]> <= high``."""
        self._model.addRow(-np.inf, high, len(columns), columns.astype(np.int32), values)

    def solve(self) -> tuple[Array | None, Array]:
        """Return the solution and the prices of the rows; None and a ray of prices if there is no solution.

        Prices are zero where the solver gave up.
        """
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
