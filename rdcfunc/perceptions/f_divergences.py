"""Divergences ``Σ p f(q / p)`` that compare laws letter by letter."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, ClassVar

import numpy as np
from scipy.special import kl_div

from rdcfunc.information import NATS_PER_BIT, Array
from rdcfunc.perceptions.base import Divergence
from rdcfunc.rounding import EPS

#: The least share of the source's law that a law is searched to need, and how finely.
_LEAST_SHARE, _FINE_SHARE = 1e-15, 1e-3


class FDivergence(Divergence):
    """``div(p, q) = Σ p f(q / p)`` of a convex f with ``f(1) = f'(1) = 0``; where ``p = 0`` it costs ``q f'(∞)``.

    Dual methods know f by its conjugate ``f*(w) = sup_{u >= 0} u w - f(u)``. The normalisation makes
    ``f*(w) = w + O(w²)``, so that ``w = 0`` belongs to ``q = p``.
    """

    #: Where f* is finite and increasing: below this open interval f* is constant, its upper end is ``f'(∞)``.
    domain: ClassVar[tuple[float, float]]

    @abstractmethod
    def conjugate(self, w: Array) -> tuple[Array, Array, Array]:
        """Return ``f*(w)`` and its first two derivatives, for w in the domain; the first is the best ``q / p``."""

    @abstractmethod
    def slope(self, u: Array) -> Array:
        """Return a w at which ``u w - f(u)`` is ``f*(w)``, for ratios ``u > 0``: a slope of f."""

    def share(self, p: Array, q: Array, level: float) -> float:
        # Letters without mass may cost much, or all, of a divergence, and next to no mass makes up for them.
        low, high = _LEAST_SHARE, super().share(p, q, level)
        while high > low * (1 + _FINE_SHARE) and level > 0:
            middle = (low * high) ** 0.5
            within = self.value(p, (1 - middle) * q + middle * p) <= level
            low, high = (low, middle) if within else (middle, high)
        return high

    def support(self, g: Array, p: Array, t: float) -> float:
        # The dual, inf_λ λ + t Σ p f*((g - λ) / t), bounds the supremum at every λ that keeps g - λ <= t f'(∞).
        lower, upper = self.domain
        live = p > 0
        best = float(g.max() if t == 0 or isfinite(upper) else g[live].max())
        p, g = p[live], g[live]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            gap = (best - g) / t
            spread = float(gap.max())
            if not spread < 1e300:
                return best
            # With w = (g - λ) / t this is the mean of g plus t Σ p (f*(w) - w), which cancels nothing for large t.
            mean, bound = best - float(p @ (best - g)), best
            low, high = 0.0, min(spread, upper * (1 - 4 * EPS))
            top = low
            for _ in range(200):
                w = top - gap
                value, ratio, slope = self.conjugate(np.maximum(w, lower))
                bound = min(bound, mean + t * float(p @ (value - w)))
                excess = float(p @ ratio) - 1.0
                low, high = (top, high) if excess < 0 else (low, top)
                if abs(excess) * (high - low) <= EPS * spread:
                    break
                newton = float(top - excess / (p @ (slope * (w > lower))))
                top = newton if low < newton < high else (low + high) / 2
        return bound


@dataclass(frozen=True)
class TotalVariation(FDivergence):
    """``TV(p, q) = ½ Σ |q - p|``, between 0 and 1.

    Examples
    --------
    >>> TotalVariation().value(np.array([0.7, 0.3]), np.array([0.6, 0.4])).__round__(12)
    0.1
    """

    domain: ClassVar[tuple[float, float]] = (-0.5, 0.5)

    def value(self, p: Array, q: Array) -> float:
        return float(0.5 * np.abs(q - p).sum())

    def conjugate(self, w: Array) -> tuple[Array, Array, Array]:
        return w, np.ones_like(w), np.zeros_like(w)

    def slope(self, u: Array) -> Array:
        return 0.5 * np.sign(u - 1)

    def support(self, g: Array, p: Array, t: float) -> float:
        # Moving mass from a letter to the best letter gains the difference of g and pays t.
        return float(p @ np.maximum(g, g.max() - t))

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        return 0.5 * cp.norm1(q - p), []


@dataclass(frozen=True)
class KL(FDivergence):
    """``KL(q ‖ p) = Σ q log(q / p)`` of the reproduction law q from the source law p; levels in bits.

    Examples
    --------
    >>> (KL().value(np.array([0.5, 0.5]), np.array([1.0, 0.0])) / NATS_PER_BIT).__round__(12)
    1.0
    """

    unit: ClassVar[float] = NATS_PER_BIT
    domain: ClassVar[tuple[float, float]] = (-inf, inf)

    def value(self, p: Array, q: Array) -> float:
        return _relative_entropy(q, p)

    def conjugate(self, w: Array) -> tuple[Array, Array, Array]:
        return np.expm1(w), np.exp(w), np.exp(w)

    def slope(self, u: Array) -> Array:
        return np.asarray(np.log(u))

    def support(self, g: Array, p: Array, t: float) -> float:
        # Donsker and Varadhan's t log Σ p e^{g/t}; letters with p = 0 are out of reach once t > 0.
        if t == 0:
            return float(g.max())
        mean = float(p @ g)
        with np.errstate(over="ignore"):
            excess = (g - mean) / t
        largest = np.abs(excess).max()
        if largest < 1:
            # Σ p excess = 0, but for its rounding.
            return mean + t * float(np.log1p(p @ (np.expm1(excess) - excess)))
        if largest > 1e300:
            return float(g[p > 0].max())
        live = p > 0
        top = float(excess[live].max())
        return mean + t * (top + float(np.log(p[live] @ np.exp(excess[live] - top))))

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        live, absent = _split(p, q)
        return cp.sum(cp.rel_entr(q[live], p[live])), absent


@dataclass(frozen=True)
class ReverseKL(FDivergence):
    """``KL(p ‖ q) = Σ p log(p / q)`` of the source law p from the reproduction law q; levels in bits.

    Examples
    --------
    >>> (ReverseKL().value(np.array([1.0, 0.0]), np.array([0.5, 0.5])) / NATS_PER_BIT).__round__(12)
    1.0
    """

    unit: ClassVar[float] = NATS_PER_BIT
    domain: ClassVar[tuple[float, float]] = (-inf, 1.0)

    def value(self, p: Array, q: Array) -> float:
        return _relative_entropy(p, q)

    def conjugate(self, w: Array) -> tuple[Array, Array, Array]:
        ratio = 1 / (1 - w)
        return -np.log1p(-w), ratio, ratio**2

    def slope(self, u: Array) -> Array:
        return 1 - 1 / u

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        live = np.flatnonzero(p)
        return cp.sum(cp.rel_entr(p[live], q[live])), []


@dataclass(frozen=True)
class JensenShannon(FDivergence):
    """``JS(p, q) = ½ KL(q ‖ m) + ½ KL(p ‖ m)`` with ``m = (p + q) / 2``; levels in bits, between 0 and 1.

    Examples
    --------
    >>> (JensenShannon().value(np.array([1.0, 0.0]), np.array([0.0, 1.0])) / NATS_PER_BIT).__round__(12)
    1.0
    """

    unit: ClassVar[float] = NATS_PER_BIT
    domain: ClassVar[tuple[float, float]] = (-inf, NATS_PER_BIT / 2)

    def value(self, p: Array, q: Array) -> float:
        both = p + q  # Twice the mean, as half of the least number is none.
        return 0.25 * (_relative_entropy(2 * q, both) + _relative_entropy(2 * p, both))

    def conjugate(self, w: Array) -> tuple[Array, Array, Array]:
        power = np.expm1(2 * w)
        rest = 1 - power
        return -0.5 * np.log1p(-power), np.exp(2 * w) / rest, 4 * np.exp(2 * w) / rest**2

    def slope(self, u: Array) -> Array:
        return np.asarray(0.5 * np.log(2 * u / (1 + u)))

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        live, middle = np.flatnonzero(p), (p + q) / 2
        return 0.5 * (cp.sum(cp.rel_entr(q, middle)) + cp.sum(cp.rel_entr(p[live], middle[live]))), []


@dataclass(frozen=True)
class ChiSquared(FDivergence):
    """``χ²(q ‖ p) = Σ (q - p)² / p``, between 0 and ``1 / min p - 1``.

    Examples
    --------
    >>> ChiSquared().value(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    1.0
    """

    domain: ClassVar[tuple[float, float]] = (-2.0, inf)

    def value(self, p: Array, q: Array) -> float:
        with np.errstate(divide="ignore", over="ignore"):
            return float(np.divide((q - p) ** 2, p, out=np.zeros_like(p), where=q != p).sum())

    def conjugate(self, w: Array) -> tuple[Array, Array, Array]:
        return w + w**2 / 4, 1 + w / 2, np.full_like(w, 0.5)

    def slope(self, u: Array) -> Array:
        return 2 * (u - 1)

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        live, absent = _split(p, q)
        return cp.sum_squares(cp.multiply(p[live] ** -0.5, q[live] - p[live])), absent


@dataclass(frozen=True)
class Hellinger(FDivergence):
    """Squared Hellinger distance ``H²(p, q) = ½ Σ (√q - √p)² = 1 - Σ √(pq)``, between 0 and 1.

    Examples
    --------
    >>> Hellinger().value(np.array([0.5, 0.5]), np.array([0.98, 0.02])).__round__(12)
    0.2
    """

    domain: ClassVar[tuple[float, float]] = (-inf, 0.5)

    def value(self, p: Array, q: Array) -> float:
        # √q - √p, whose roundings would cancel near q = p.
        sums = np.sqrt(q) + np.sqrt(p)
        return 0.5 * float((np.divide(q - p, sums, out=np.zeros_like(sums), where=sums > 0) ** 2).sum())

    def conjugate(self, w: Array) -> tuple[Array, Array, Array]:
        root = 1 / (1 - 2 * w)
        return w * root, root**2, 4 * root**3

    def slope(self, u: Array) -> Array:
        return 0.5 * (1 - 1 / np.sqrt(u))

    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        return 1 - np.sqrt(p) @ cp.sqrt(q), []


def _relative_entropy(a: Array, b: Array) -> float:
    """Return ``Σ a log(a / b) - a + b``, which is ``KL(a ‖ b)`` of laws."""
    # Near a = b the logarithm cancels the rest, up to a square; log1p leaves the digits of that square.
    near = np.abs(b - a) < 0.5 * a
    r = np.divide(b - a, a, out=np.zeros_like(a), where=near)
    return float(np.where(near, a * (r - np.log1p(r)), kl_div(a, b)).sum())


def _split(p: Array, q: Any) -> tuple[Any, list[Any]]:
    """Return the letters with ``p > 0``, and the constraints that keep the cvxpy variable q off the others."""
    return np.flatnonzero(p), [q[dead] == 0 for dead in np.flatnonzero(p == 0)]
