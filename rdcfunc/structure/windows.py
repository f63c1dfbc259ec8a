"""Kernels of any difference distortion, cut to windows within which they are more than rounding."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy import linalg

from rdcfunc.information import Array, Indices
from rdcfunc.structure.kernel import CUT, UNIT, Bounded, Factored


class Windows(Bounded, Factored):
    r"""Sorted rows in blocks, each meeting the letters within reach of it: batched products and a banded factor.

    Entries with :math:`s \rho >` ``CUT`` at the price of construction, costs beyond the ``reach``, are left out. What
    is left is the kernel of a channel in its own right, and all sums over it are of non-negative terms, so that
    rounding is relative.
    """

    def __init__(self, lags: Array, rows: Indices, letters: Indices, s: float) -> None:
        self.lags, self.rows, self.letters, self.built = lags, rows, letters, s
        n, k = (len(lags) + 1) // 2, len(letters)
        self.reach = CUT / s
        near = np.flatnonzero(lags <= self.reach) - (n - 1)
        low, high = int(near[0]), int(near[-1])
        # Blocks a quarter of a window wide meet few letters in vain and are few.
        count = max(1, round((rows[-1] - rows[0] + 1) / max((high - low) // 4, 8)))
        width = -(-len(rows) // count)
        count = -(-len(rows) // width)
        at = rows[np.minimum(np.arange(count * width), len(rows) - 1)].reshape(count, width)
        first = np.searchsorted(letters, at[:, 0] - high)
        self.breadth = max(1, int((np.searchsorted(letters, at[:, -1] - low, side="right") - first).max()))
        self._first = np.minimum(first, k - self.breadth)
        self.index = self._first[:, None] + np.arange(self.breadth)
        self.distances = lags[n - 1 + at[:, :, None] - letters[self.index][:, None, :]]
        self._beyond = self.distances > self.reach
        self.at(s)

    @cached_property
    def _place(self) -> Indices:
        """Where an entry of a block belongs in the band below the diagonal; past its end if above."""
        a, b = np.indices((self.breadth, self.breadth))
        place = (a - b) * len(self.letters) + self._first[:, None, None] + b
        return np.where(a >= b, place, self.breadth * len(self.letters)).ravel()

    def at(self, s: float) -> Windows:
        """Move to another price, with windows of another width if it is far from theirs."""
        if not 0.7 * self.built <= s <= 4 * self.built:
            return Windows(self.lags, self.rows, self.letters, s)
        self.s = s
        self._kernels = [np.where(self._beyond, 0.0, np.exp(-s * self.distances))]
        return self

    def _kernel(self, power: int) -> Array:
        while len(self._kernels) <= power:
            self._kernels.append(self._kernels[-1] * self.distances)
        return self._kernels[power]

    def _blocks(self, y: Array) -> Array:
        out = np.zeros(self.distances.shape[:2])
        out.ravel()[: len(y)] = y
        return out

    def times(self, q: Array, *powers: int) -> list[Array]:
        local = q[self.index][:, :, None]
        return [np.matmul(self._kernel(k), local).ravel()[: len(self.rows)] for k in powers]

    def transposed(self, y: Array, *powers: int) -> list[Array]:
        local, place = self._blocks(y)[:, None, :], self.index.ravel()
        sums = (np.matmul(local, self._kernel(k)).ravel() for k in powers)
        return [np.bincount(place, t, len(self.letters)).astype(np.float64) for t in sums]

    def factor(self, theta: Array, ratio: Array) -> Callable[[Array], Array]:
        kernel, k = self._kernel(0), len(self.letters)
        products = np.matmul(kernel.transpose(0, 2, 1), self._blocks(theta)[:, :, None] * kernel)
        size = self.breadth * k
        band = np.bincount(self._place, products.ravel(), minlength=size)[:size].reshape(self.breadth, k)
        band[0] += ratio + 1e-15 * band[0]
        factor = linalg.cholesky_banded(band, lower=True, overwrite_ab=True, check_finite=False)

        def solve(b: Array) -> Array:
            x: Array = linalg.cho_solve_banded((factor, True), b, check_finite=False)
            return x

        return solve

    def accuracy(self, q: Array) -> tuple[Array, Array]:
        """Bound the errors: of exponentials of rounded products, then of a product and a sum a term."""
        v, g = self.times(q, 0, 1)
        relative = 1.01 * UNIT * (self.s * float(self.distances.max()) + 6 + self.breadth)
        # Gradual underflow spoils relative bounds.
        return np.where(v > 1e-280, relative * v, np.inf), relative * g + 1e-290

    def joined(self, new: Indices) -> Windows:
        """Return the same with more letters."""
        return Windows(self.lags, self.rows, np.union1d(self.letters, new), self.s)
