r"""The dual of a convex program with a few levels, by an interior point in the prices.

Values :math:`v(w)` that are the gradient of a concave function of the prices w, the goal's price being one, are to meet
levels: :math:`v_j(w) + z_j = b_j` with slacks :math:`z_j \ge 0` and :math:`w_j z_j = t \to 0`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from rdcfunc.information import Array, Indices

Point = TypeVar("Point", covariant=True)
P = TypeVar("P")

#: Steps of Newton's method, what is left of a product w z in the end, and a small miss, relative to the goal.
_STEPS, _END, _NEAR = 120, 1e-16, 1e-9


class Oracle(Protocol[Point]):
    """What answers prices with the least of the priced program."""

    def best(self, w: Array) -> tuple[Point, Array, Array]:
        """Return the least at prices, its values, and the derivatives of these in the prices."""


@dataclass(frozen=True, eq=False)
class Answer(Generic[P]):
    """Prices, and the point and values that belong to them."""

    prices: Array
    point: P
    values: Array
    steps: int


def maximise(oracle: Oracle[P], w: Array, levels: Array, live: Indices) -> Answer[P]:
    """Return the prices at which the values of the ``live`` constraints meet their levels; others keep theirs."""
    w = w.copy()
    z = levels[live].copy()
    point, values, slopes = oracle.best(w)
    t, part = float((w[live] * z).mean()) if live.size else 0.0, 0.5
    steps, last = 0, np.inf
    for _ in range(_STEPS):
        if not live.size:
            break
        y = w[live]
        miss = levels[live] - values[live] - z
        size = float(np.abs(w[w > 0] * values[w > 0]).sum())
        off = float((np.abs(miss) * y).max())
        # At the end a miss that no longer falls is rounding.
        if t <= _END * size and (off <= 16 * _END * size or last / 2 < off < _NEAR * size):
            break
        last = off
        # A step that had to be cut short says that the prices are far away yet.
        t = max(float((y * z).mean()) * max(0.1, 1 - part), 1e-2 * _END * size)
        inner = -slopes[np.ix_(live, live)]
        # In units of the prices themselves the matrix is well scaled.
        matrix = inner * np.outer(y, y) + np.diag(z * y)
        right = y * (t / y - z - miss)
        move = np.linalg.lstsq(matrix, right, rcond=1e-15)[0]
        part = min(1.0, 0.9 / max(1e-300, float(-move.min())), 9.0 / max(1e-300, float(move.max())))
        slack = (t - z * y - z * y * move) / y
        down = slack < 0
        if down.any():
            part = min(part, float((-0.99 * z[down] / slack[down]).min()))
        w[live] = y * (1 + part * move)
        z = z + part * slack
        steps += 1
        point, values, slopes = oracle.best(w)
    return Answer(w, point, values, steps)
