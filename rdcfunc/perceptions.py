"""Perception: divergences between the source law and the law of its reproduction.

A divergence states three things: its value, its support function ``sup_q <g, q> - t div(p, q)`` over pmfs q
(which is what a lower bound needs) and its conic form (which is what a convex program needs).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from scipy.sparse import eye_array, kron, vstack
from scipy.special import logsumexp, rel_entr

from rdcfunc import checks
from rdcfunc.information import NATS_PER_BIT, Array


class Divergence(ABC):
    """A divergence ``div(p, q)``, convex in ``q``, of the reproduction law ``q`` from the source law ``p``."""

    #: What one unit of the public level is inside: nats per bit for information divergences, else 1.
    unit: ClassVar[float] = 1.0

    @abstractmethod
    def value(self, p: Array, q: Array) -> float:
        """Return ``div(p, q)``, in nats where it is an information."""

    @abstractmethod
    def support(self, g: Array, p: Array, t: float) -> float:
        """Return ``sup_q <g, q> - t div(p, q)`` over pmfs q, for ``g`` (m,) and ``t >= 0``."""

    @abstractmethod
    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        """Return a cvxpy expression for ``div(p, q)`` of a cvxpy variable q, and the constraints it needs."""

    @property
    def scale(self) -> float:
        """The size of the terms whose rounding errors a value carries."""
        return 1.0

    def least(self, p: Array) -> float:
        """Return ``min_q div(p, q)``; zero, at ``q = p``, unless the two laws live on different alphabets."""
        return 0.0

    def vanishes(self, p: Array) -> bool:
        """Return whether ``div(p, p) = 0``, so that the source's own law has perfect perception."""
        return True

    def check(self, n: int, m: int) -> None:
        """Refuse alphabets that this divergence cannot compare."""
        if n != m:
            raise ValueError(
                f"{type(self).__name__} compares laws on one alphabet, but the source has {n} letters and the "
                f"reproduction {m}; use perceptions.Wasserstein(cost) with a cost of shape ({n}, {m})"
            )


@dataclass(frozen=True)
class TotalVariation(Divergence):
    """``TV(p, q) = ½ Σ |q - p|``, between 0 and 1.

    Examples
    --------
    >>> TotalVariation().value(np.array([0.7, 0.3]), np.array([0.6, 0.4])).__round__(12)
    0.1
    """

    def value(self, p: Array, q: Array) -> float:
        return float(0.5 * np.abs(q - p).sum())

    def support(self, g: Array, p: Array, t: float) -> float:
        # Moving mass from a letter to the best letter gains the difference of g and pays t.
        return float(p @ np.maximum(g, g.max() - t))

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        return 0.5 * cp.norm1(q - p), []


@dataclass(frozen=True)
class KL(Divergence):
    """``KL(q ‖ p) = Σ q log(q / p)`` of the reproduction law q from the source law p; levels in bits.

    Examples
    --------
    >>> (KL().value(np.array([0.5, 0.5]), np.array([1.0, 0.0])) / NATS_PER_BIT).__round__(12)
    1.0
    """

    unit: ClassVar[float] = NATS_PER_BIT

    def value(self, p: Array, q: Array) -> float:
        return float(rel_entr(q, p).sum())

    def support(self, g: Array, p: Array, t: float) -> float:
        # Donsker and Varadhan's t log Σ p e^{g/t}; letters with p = 0 are out of reach once t > 0.
        if t == 0:
            return float(g.max())
        mean = float(p @ g)
        with np.errstate(over="ignore"):
            excess = (g - mean) / t
        largest = np.abs(excess).max()
        if largest < 1:
            return mean + t * float(np.log1p(p @ np.expm1(excess)))
        if largest > 1e300:
            return float(g[p > 0].max())
        return mean + t * float(logsumexp(excess, b=p))

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        live = np.flatnonzero(p)
        return cp.sum(cp.rel_entr(q[live], p[live])), [q[dead] == 0 for dead in np.flatnonzero(p == 0)]


@dataclass(frozen=True, eq=False)
class Wasserstein(Divergence):
    """Optimal transport ``min_π Σ π(x, j) cost(x, j)`` over couplings of p and q.

    The level bounds the transport cost itself: an absolute difference as cost gives W1, a squared one W2².

    Parameters
    ----------
    cost
        Ground cost (n, m), finite and non-negative.

    Examples
    --------
    >>> w = Wasserstein([[0.0, 1.0], [1.0, 0.0]])
    >>> w.value(np.array([0.7, 0.3]), np.array([0.5, 0.5])).__round__(12)
    0.2
    """

    cost: Array

    def __init__(self, cost: ArrayLike) -> None:
        object.__setattr__(self, "cost", checks.nonnegative(cost, "Wasserstein cost", 2))

    def value(self, p: Array, q: Array) -> float:
        n, m = self.cost.shape
        top = float(self.cost.max())
        if top == 0:
            return 0.0
        marginals = vstack([kron(eye_array(n), np.ones((1, m))), kron(np.ones((1, n)), eye_array(m))])
        # The solver meets equations to 1e-7, whatever their size; large masses make that small.
        mass = np.concatenate([p, q * (p.sum() / q.sum())]) * 1e7
        solved = linprog(self.cost.ravel() / top, A_eq=marginals.tocsr(), b_eq=mass, method="highs-ds")
        plan = np.maximum(solved.x.reshape(n, m), 0.0)
        plan *= np.divide(p, plan.sum(axis=1), out=np.zeros_like(p), where=p > 0)[:, None]
        # What is left over travels the longest way, so that this is never below the transport cost.
        return float((plan * self.cost).sum() + np.maximum(q - plan.sum(axis=0), 0.0).sum() * top)

    def support(self, g: Array, p: Array, t: float) -> float:
        # A coupling sends each source letter where g, less the fare, is largest.
        return float(p @ (g - t * self.cost).max(axis=1))

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        plan = cp.Variable(self.cost.shape, nonneg=True)
        return cp.sum(cp.multiply(self.cost, plan)), [cp.sum(plan, axis=1) == p, cp.sum(plan, axis=0) == q]

    @property
    def scale(self) -> float:
        return float(self.cost.max())

    def least(self, p: Array) -> float:
        return float(p @ self.cost.min(axis=1))

    def vanishes(self, p: Array) -> bool:
        n, m = self.cost.shape
        return n == m and bool((np.diag(self.cost)[p > 0] == 0).all())

    def check(self, n: int, m: int) -> None:
        if self.cost.shape != (n, m):
            raise ValueError(
                f"the Wasserstein cost must have shape ({n}, {m}) like the distortion (got {self.cost.shape})"
            )
