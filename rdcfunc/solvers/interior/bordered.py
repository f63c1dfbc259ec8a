"""Newton's equations: the weights of columns, bordered by the prices.

    [  M   B ] [x]   [a]
    [ -Bᵀ  P ] [y] = [b]

M (k, k) and the Schur complement ``P + Bᵀ M⁻¹ B`` are positive definite, P need not be. Prices are *broad*, or *lone*:
these meet one column each, no two the same. A lone price that meets no other in P either, and whose own entry there is
positive, is eliminated at the cost of a term on the diagonal of M. The columns of lone prices that stay come last, as
the Schur complement needs of M's inverse only the block that belongs to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rdcfunc.information import Array, Indices
from rdcfunc.solvers.interior import algebra


@dataclass(frozen=True, eq=False)
class Border:
    """The matrix B: columns (k, broad) of broad prices, and for lone prices their ``columns`` and entries there.

    ``broad`` and ``lone`` are the places of the prices.
    """

    wide: Array
    broad: Indices
    tie: Array
    columns: Indices
    lone: Indices


class Bordered:
    """A factorisation of the equations, which overwrites M; ``solid`` tells which lone prices are eliminated."""

    def __init__(self, M: Array, P: Array, border: Border, solid: NDArray[np.bool_]) -> None:
        wide, self.broad = border.wide, border.broad
        self.gone, self.at = border.lone[solid], border.columns[solid]
        self.kept, self.tie = border.lone[~solid], border.tie[~solid]
        corner = P[self.broad[:, None], self.broad]
        if self.gone.size:
            own, tie = P[self.gone, self.gone], border.tie[solid]
            self.own, self.slope = own, tie / own
            self.cross = P[self.gone[:, None], self.broad]
            M[self.at, self.at] += self.slope * tie
            wide = wide.copy()
            wide[self.at] -= self.slope[:, None] * self.cross
            corner -= self.cross.T @ (self.cross / own[:, None])
        self.order, self.first = None, len(M) - self.kept.size
        if self.kept.size:
            last = border.columns[~solid]
            first = np.ones(len(M), dtype=bool)
            first[last] = False
            self.order = np.concatenate([np.flatnonzero(first), last])
            M, wide = M[self.order[:, None], self.order], wide[self.order]
        self.root = algebra.root(M)
        self.wide = algebra.forward(self.root, wide)
        corner += self.wide.T @ self.wide
        if self.kept.size:
            self.tail = np.asfortranarray(self.root[self.first :, self.first :])
            lone = self.tie[:, None] * algebra.inverse(self.tail) * self.tie
            side = self.tie[:, None] * algebra.backward(self.tail, self.wide[self.first :])
            lone += P[self.kept[:, None], self.kept]
            side += P[self.kept[:, None], self.broad]
            corner = np.block([[lone, side], [side.T, corner]])
        self.schur = algebra.root(corner)

    def solve(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Return x and y."""
        y, right = np.empty_like(b), b[self.broad]
        if self.gone.size:
            a = a.copy()
            a[self.at] -= self.slope * b[self.gone]
            right -= self.cross.T @ (b[self.gone] / self.own)
        half = algebra.forward(self.root, a if self.order is None else a[self.order])
        right += self.wide.T @ half
        if self.kept.size:
            alone = b[self.kept] + self.tie * algebra.backward(self.tail, half[self.first :])
            right = np.concatenate([alone, right])
        found = algebra.solve(self.schur, right)
        y[self.kept], y[self.broad] = found[: self.kept.size], found[self.kept.size :]
        half -= self.wide @ y[self.broad]
        if self.kept.size:
            half[self.first :] -= algebra.forward(self.tail, self.tie * y[self.kept])
        x = algebra.backward(self.root, half)
        if self.order is not None:
            ordered, x = x, np.empty_like(x)
            x[self.order] = ordered
        if self.gone.size:
            y[self.gone] = b[self.gone] / self.own + self.slope * x[self.at] - self.cross @ y[self.broad] / self.own
        return x, y
