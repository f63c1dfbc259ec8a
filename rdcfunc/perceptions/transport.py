"""Optimal transport between laws, on one alphabet or on two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import Array
from rdcfunc.perceptions.base import Divergence
from rdcfunc.rounding import EPS


@dataclass(frozen=True, eq=False)
class Wasserstein(Divergence):
    """Optimal transport ``min_π Σ π(x, j) cost(x, j)`` over couplings of p and q.

    The level bounds the transport cost itself: an absolute difference as cost gives W1, a squared one W2².
    Without a cost this is W2² between laws on R^n, for Gaussian sources and samples.

    Parameters
    ----------
    cost
        Ground cost (n, m), finite and non-negative, or None.

    Examples
    --------
    >>> w = Wasserstein([[0.0, 1.0], [1.0, 0.0]])
    >>> w.value(np.array([0.7, 0.3]), np.array([0.5, 0.5])).__round__(12)
    0.2
    """

    cost: Array

    def __init__(self, cost: ArrayLike | None = None) -> None:
        table = np.zeros((0, 0)) if cost is None else checks.nonnegative(cost, "Wasserstein cost", 2)
        object.__setattr__(self, "cost", table)

    @property
    def continuous(self) -> bool:
        """Whether this is W2² between laws on R^n, for want of a cost."""
        return not self.cost.size

    def value(self, p: Array, q: Array) -> float:
        return self._monotone(p, q) if self._monge else self._program(p, q)

    @cached_property
    def _monge(self) -> bool:
        """Whether ``c(i, j) + c(i+1, j+1) <= c(i, j+1) + c(i+1, j)``: convex costs of a difference, on a line."""
        step = np.diff(self.cost, axis=1)
        return bool((step[1:] <= step[:-1] + 8 * EPS * self.cost.max()).all())

    def _monotone(self, p: Array, q: Array) -> float:
        """Return the cost of the coupling that crosses nothing, which is best where the cost is Monge's."""
        P, Q = np.cumsum(p), np.cumsum(q)
        ends = np.sort(np.concatenate([P[:-1], Q[:-1], [max(P[-1], Q[-1])]]))
        starts = np.concatenate([[0.0], ends[:-1]])
        x, j = np.searchsorted(P[:-1], starts, side="right"), np.searchsorted(Q[:-1], starts, side="right")
        return float((ends - starts) @ self.cost[x, j])

    def _program(self, p: Array, q: Array) -> float:
        """Return the cost of the plan that the network simplex finds, made a coupling."""
        import ot

        plan = np.maximum(
            ot.emd(p, q * (p.sum() / q.sum()), self.cost, numItermax=10_000_000, check_marginals=False), 0.0
        )
        plan *= np.divide(p, plan.sum(axis=1), out=np.zeros_like(p), where=p > 0)[:, None]
        # What is left over travels the longest way, so that this is never below the transport cost.
        return float((plan * self.cost).sum() + np.maximum(q - plan.sum(axis=0), 0.0).sum() * self.cost.max())

    def support(self, g: Array, p: Array, t: float) -> float:
        # A coupling sends each source letter where g, less the fare, is largest.
        return float(p @ (g - t * self.cost).max(axis=1))

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        plan = cp.Variable(self.cost.shape, nonneg=True)
        return cp.sum(cp.multiply(self.cost, plan)), [cp.sum(plan, axis=1) == p, cp.sum(plan, axis=0) == q]

    def scaled(self) -> tuple[Divergence, float]:
        # A power of two rounds nothing.
        unit = 2.0 ** -np.frexp(self.cost.max())[1]
        return (self, 1.0) if unit == 1 else (Wasserstein(self.cost * unit), unit)

    @property
    def scale(self) -> float:
        return float(self.cost.max())

    def least(self, p: Array) -> float:
        return float(p @ self.cost.min(axis=1))

    def vanishes(self, p: Array) -> bool:
        n, m = self.cost.shape
        return n == m and bool((np.diag(self.cost)[p > 0] == 0).all())

    def check(self, n: int, m: int) -> None:
        if self.continuous:
            raise ValueError(
                f"Wasserstein() without a cost is for Gaussian sources and samples; give a cost of shape ({n}, {m}), "
                "for W2² that of distortions.squared_error(points).values"
            )
        if self.cost.shape != (n, m):
            raise ValueError(
                f"the Wasserstein cost must have shape ({n}, {m}) like the distortion (got {self.cost.shape})"
            )
