"""The kernel of the absolute error on a uniform grid, by recursions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy
from scipy import linalg

from rdcfunc.information import Array, Indices
from rdcfunc.structure.kernel import UNIT, Bounded, Factored

#: Where the diagonal of a Newton system outweighs this part of the rest, x is read off it; elsewhere it would cancel.
_BALANCE = 0.5
#: Rounds of iterative refinement.
_REFINEMENTS = 2


class Exponential(Bounded, Factored):
    r"""Absolute error, :math:`\rho(l) = h |l|`: all letters at once by recursion, Newton systems by a band.

    The kernel :math:`r^{|i-j|}` has the tridiagonal inverse T, so that with E the diagonal of ``ratio``
    :math:`(K \Theta K + E)^{-1} = T (\Theta + T E T)^{-1} T`.
    """

    def __init__(self, step: float, n: int, rows: Indices, s: float) -> None:
        self.step, self.n, self.rows, self.letters = step, n, rows, np.arange(n)
        self.at(s)

    def at(self, s: float) -> Exponential:
        self.s, self.r = s, math.exp(-s * self.step)
        return self

    def _sums(self, u: Array, power: int) -> Array:
        r, total = self.r, np.zeros(self.n)
        for turn in (slice(None), slice(None, None, -1)):
            f = scipy.signal.lfilter([1.0], [1.0, -r], u[turn])
            if power == 0:
                total[turn] += f if turn.step is None else f - u[turn]
                continue
            g = scipy.signal.lfilter([0.0, r], [1.0, -r], f)
            if power == 2:
                g = scipy.signal.lfilter([0.0, r], [1.0, -r], 2 * g + f)
            total[turn] += self.step**power * g
        return total

    def _filled(self, y: Array) -> Array:
        full = np.zeros(self.n)
        full[self.rows] = y
        return full

    def times(self, q: Array, *powers: int) -> list[Array]:
        return [self._sums(q, k)[self.rows] for k in powers]

    def transposed(self, y: Array, *powers: int) -> list[Array]:
        u = self._filled(y)
        return [self._sums(u, k) for k in powers]

    def _inverse(self, x: Array) -> Array:
        # Differences of neighbours before scaling, as the sums would cancel.
        r, rise = self.r, np.diff(x)
        out = (1 - r) ** 2 * x
        out[0], out[-1] = (1 - r) * x[0], (1 - r) * x[-1]
        out[:-1] -= r * rise
        out[1:] += r * rise
        return out / ((1 - r) * (1 + r))

    def factor(self, theta: Array, ratio: Array) -> Callable[[Array], Array]:
        """Return the solver: ``w = K x`` and ``m = K theta w`` in one band of seven diagonals.

        The equations are ``T w + m / ratio = b / ratio`` and ``T m = theta w``, T scaled by ``(1 - r)(1 + r)``.
        """
        n, r = self.n, self.r
        scale = (1 - r) * (1 + r)
        main = np.full(n, 1 + r * r)
        main[[0, -1]] = 1.0
        band = np.zeros((7, 2 * n))
        band[1, 2::2] = band[1, 3::2] = band[5, 0:-2:2] = band[5, 1:-2:2] = -r
        band[3, 0::2] = band[3, 1::2] = main
        band[2, 1::2] = scale / ratio
        band[4, 0::2] = -scale * self._filled(theta)

        def once(b: Array) -> Array:
            right = np.zeros(2 * n)
            right[0::2] = scale * b / ratio
            both = linalg.solve_banded((3, 3), band, right, check_finite=False)
            w, m = both[0::2], both[1::2]
            heavy = ratio > _BALANCE * float(np.abs(b).max()) * scale / float(np.abs(w).max())
            return np.where(heavy, (b - m) / ratio, self._inverse(w))

        def solve(b: Array) -> Array:
            x = once(b)
            for _ in range(_REFINEMENTS):
                x = x + once(b - self.transposed(theta * self.times(x, 0)[0], 0)[0] - ratio * x)
            return x

        return solve

    def accuracy(self, q: Array) -> tuple[Array, Array]:
        """Bound the errors: a term of lag l has met l products and l sums with an r that errs by ``s h + 3`` units.

        Lags are ``h |l|`` to four units, so that their exponentials err by ``4 s h |l|`` more.
        """
        v, g, h = self.times(q, 0, 1, 2)
        each = (5 + 5 * self.s * self.step) / self.step
        return 1.01 * UNIT * (8 * v + each * g) + 1e-290, 1.01 * UNIT * (12 * g + each * h) + 1e-290
