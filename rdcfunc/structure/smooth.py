"""The kernel of the squared error where it is much wider than the grid's step, by interpolation between nodes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import linalg

from rdcfunc.information import Array, Indices
from rdcfunc.structure.kernel import Factored

#: Distance of nodes, in standard deviations of the kernel, and nodes that a point is interpolated from.
_NODES, _STENCIL = 0.25, 20
#: Most nodes: factors are of their number squared.
_MOST_NODES = 720


def nodes_fit(unit: float, n: int, s: float, pitch: int) -> bool:
    """Return whether nodes can lie ``pitch`` steps apart or more, and are not too many."""
    apart = _NODES / math.sqrt(2 * s * unit)
    return apart >= pitch and n / apart + _STENCIL <= _MOST_NODES


class Smooth(Factored):
    r"""Squared error, all letters, through nodes a part of the kernel's width apart; it proposes and bounds nothing.

    With C the (r, n) matrix of local Lagrange interpolation, :math:`K \approx C^T K_c C`, :math:`K_c` the kernel on the
    nodes. Nodes lie a whole number of steps apart, so that all cells share one stencil and C is a small product.
    """

    def __init__(self, unit: float, n: int, rows: Indices, s: float) -> None:
        self.unit, self.n, self.rows, self.letters, self.built = unit, n, rows, np.arange(n), s
        self.pitch = max(1, int(min(n, _NODES / math.sqrt(2 * s * unit))))
        self.cells = -(-n // self.pitch)
        self.r = self.cells + _STENCIL - 1
        at, nodes = np.arange(self.pitch) / self.pitch, np.arange(_STENCIL) - (_STENCIL // 2 - 1.0)
        self.stencil = np.ones((self.pitch, _STENCIL))
        for j in range(_STENCIL):
            for k in range(_STENCIL):
                if k != j:
                    self.stencil[:, j] *= (at - nodes[k]) / (nodes[j] - nodes[k])
        a, b = np.tril_indices(_STENCIL)
        self._pairs = self.stencil[:, a] * self.stencil[:, b]
        cell = np.arange(self.cells)[:, None]
        self._place = ((cell + a) * self.r + cell + b).ravel()
        self.at(s)

    def at(self, s: float) -> Smooth:
        """Move to another price, with other nodes if it is far from theirs."""
        if not 0.6 * self.built <= s <= 1.6 * self.built:
            return Smooth(self.unit, self.n, self.rows, s)
        self.s = s
        self._lags = self.unit * (self.pitch * np.arange(1.0 - self.r, self.r)) ** 2
        self._weights = np.exp(-s * self._lags)
        return self

    def _cells(self, u: Array) -> Array:
        padded = np.zeros(self.cells * self.pitch)
        padded[: self.n] = u
        return padded.reshape(self.cells, self.pitch)

    def _gather(self, u: Array) -> Array:
        local, out = self._cells(u) @ self.stencil, np.zeros(self.r)
        for j in range(_STENCIL):
            out[j : j + self.cells] += local[:, j]
        return out

    def _spread(self, f: Array) -> Array:
        local: Array = np.lib.stride_tricks.sliding_window_view(f, _STENCIL) @ self.stencil.T
        return local.ravel()[: self.n]

    def _apply(self, u: Array, powers: tuple[int, ...]) -> list[Array]:
        f, r = self._gather(u), self.r
        return [self._spread(np.convolve(f, self._weights * self._lags**k)[r - 1 : 2 * r - 1]) for k in powers]

    def _filled(self, y: Array) -> Array:
        if len(y) == self.n:
            return y
        full = np.zeros(self.n)
        full[self.rows] = y
        return full

    def times(self, q: Array, *powers: int) -> list[Array]:
        return [v[self.rows] for v in self._apply(q, powers)]

    def transposed(self, y: Array, *powers: int) -> list[Array]:
        return self._apply(self._filled(y), powers)

    def _gram(self, weights: Array) -> Array:
        local = self._cells(weights) @ self._pairs
        lower = np.bincount(self._place, local.ravel(), self.r**2).astype(np.float64).reshape(self.r, self.r)
        return lower + np.tril(lower, -1).T

    def factor(self, theta: Array, ratio: Array) -> Callable[[Array], Array]:
        """Return the solver, by Woodbury's identity on the nodes and one round of refinement."""
        r, spare = self.r, 1 / ratio
        gram = self._gram(self._filled(theta))
        gram[np.diag_indices(r)] *= 1 + 1e-14
        root = linalg.cholesky(gram + np.diag(np.full(r, 1e-300)), lower=True, check_finite=False).T
        root = root @ linalg.toeplitz(self._weights[r - 1 :])
        inner = root @ self._gram(spare) @ root.T
        inner[np.diag_indices(r)] = (inner.diagonal() * (1 + 1e-14)) + 1
        factor = linalg.cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)

        def once(b: Array) -> Array:
            x = spare * b
            inside = linalg.cho_solve(factor, root @ self._gather(x), check_finite=False)
            return x - spare * self._spread(root.T @ inside)

        def solve(b: Array) -> Array:
            x = once(b)
            return x + once(b - self.transposed(theta * self.times(x, 0)[0], 0)[0] - ratio * x)

        return solve
