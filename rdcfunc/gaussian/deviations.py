r"""Perception between Gaussian laws of one axis: what it costs that the reproduction's deviation is not the source's.

With :math:`\tau = 1 + x` the ratio of the deviations, W2² costs :math:`s^2 x^2` and KL :math:`\tfrac12 (\tau^2 - 1) -
\log \tau`. On axes shared by all covariances both add up over components.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import expm1, inf, log, log1p, sqrt

import numpy as np
import scipy

from rdcfunc.information import Array
from rdcfunc.perceptions import KL, Divergence, Hellinger, JensenShannon, ReverseKL, Wasserstein
from rdcfunc.rounding import EPS

#: Below this, ``x - log(1 + x)`` is summed as a series.
_SMALL = 0.02


def excess(x: Array) -> Array:
    """Return ``x - log(1 + x)`` to a relative accuracy of some roundings."""
    small = np.abs(x) < _SMALL
    y = np.where(small, x, 0.0)
    series = np.zeros_like(y)
    for k in range(11, 1, -1):
        series = (1 / k if k % 2 == 0 else -1 / k) + y * series
    return np.where(small, y * y * series, x - np.log1p(np.where(small, 0.0, x)))


class Deviation(ABC):
    """The cost of a ratio of deviations on one axis."""

    #: Whether no reproduction, Gaussian or not, with these second moments costs less.
    exact = True

    @abstractmethod
    def weights(self, variances: Array) -> Array:
        """Return what the cost of an axis is multiplied by."""

    @abstractmethod
    def cost(self, x: Array) -> Array:
        """Return the cost of the ratio ``1 + x``."""

    @abstractmethod
    def least(self, level: float) -> float:
        """Return the x of the least ratio, at most one, that costs no more than the level."""

    def slope(self, x: Array) -> Array:
        """Return the derivative of the cost."""
        step = 1e-6 * (1 + x)
        return (self.cost(x + step) - self.cost(x - step)) / (2 * step)


class Priced(Deviation):
    """A cost whose sum with a priced distortion has an explicit least."""

    @abstractmethod
    def best(self, A: Array, M: Array, d: Array) -> tuple[Array, Array, Array, Array]:
        """Return the x that makes ``A (x² + 2 (1 + x) d) + M cost(x)`` least, and its slopes in A, M and d."""


@dataclass(frozen=True)
class Transport(Priced):
    """W2²: by Gelbrich's bound no laws with these second moments are closer than the Gaussian ones."""

    def weights(self, variances: Array) -> Array:
        return variances

    def cost(self, x: Array) -> Array:
        return x * x

    def slope(self, x: Array) -> Array:
        return 2 * x

    def best(self, A: Array, M: Array, d: Array) -> tuple[Array, Array, Array, Array]:
        both = A + M
        live = both > 0
        share = np.divide(A, both, out=np.zeros_like(both), where=live)
        rest = np.divide(M, both, out=np.zeros_like(both), where=live)
        inverse = np.divide(d, both, out=np.zeros_like(both), where=live)
        return -share * d, -rest * inverse, share * inverse, -share

    def least(self, level: float) -> float:
        return -sqrt(min(level, 1.0))


@dataclass(frozen=True)
class Relative(Priced):
    """KL of the reproduction from the source: of given second moments the Gaussian law has the most entropy."""

    def weights(self, variances: Array) -> Array:
        return np.ones_like(variances)

    def cost(self, x: Array) -> Array:
        return x * x / 2 + excess(x)

    def slope(self, x: Array) -> Array:
        return x * (2 + x) / (1 + x)

    def best(self, A: Array, M: Array, d: Array) -> tuple[Array, Array, Array, Array]:
        middle = M + A + A * d
        root = np.sqrt((A * (1 - d)) ** 2 + M * (M + 2 * A))
        with np.errstate(invalid="ignore", divide="ignore"):
            x = np.where(A > 0, -2 * A * d / (middle + root), 0.0)
            # Where nothing is told and nothing is priced the best ratio is zero, which KL keeps away from.
            slopes = -(1 + x) * (x + d) / root, -x * (1 + x / 2) / root, -A * (1 + x) / root
        by_A, by_M, by_d = (np.where(root > 0, s, 0.0) for s in slopes)
        return x, by_A, by_M, by_d

    def least(self, level: float) -> float:
        if level in (0.0, inf):
            return -1.0 if level else 0.0
        # Newton from the left on u = log τ, where the cost is convex and falling: every step stays left.
        u, step = -(level + sqrt(level)), inf
        # Of the cost of a small u no digits are left; but there the start is as near as its root is small.
        while u < -1e-8 and step > 1e-9 * -u:
            step = -(expm1(2 * u) / 2 - u - level) / expm1(2 * u)
            u += step
        x = np.array(expm1(u))
        for _ in range(3):
            x = x - (self.cost(x) - level) / self.slope(x) if x > -1 else x
        return max(float(x), -1.0)


@dataclass(frozen=True)
class Reverse(Deviation):
    """KL of the source from the reproduction."""

    exact = False

    def weights(self, variances: Array) -> Array:
        return np.ones_like(variances)

    def cost(self, x: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(x > -1, excess(-x * (2 + x) / (1 + x) ** 2) / 2, inf)

    def least(self, level: float) -> float:
        if level in (0.0, inf):
            return -1.0 if level else 0.0
        # The cost at τ = e^-v is (y - log(1 + y)) / 2 >= v² with y = e^2v - 1; Newton from the right.
        v, step = min(sqrt(level), log1p(2 * level) / 2 + 1), inf
        while step > EPS / 2 * v:
            y = expm1(2 * v)
            step = (float(excess(np.array(y))) / 2 - level) / y
            v -= step
        return expm1(-v)


@dataclass(frozen=True)
class Squared(Deviation):
    """Squared Hellinger distance ``1 - sqrt(2 τ / (1 + τ²))``."""

    exact = False

    def weights(self, variances: Array) -> Array:
        return np.ones_like(variances)

    def cost(self, x: Array) -> Array:
        # 1 - sqrt(1 - y) = y / (1 + sqrt(1 - y)) with y = (1 - τ)² / (1 + τ²).
        y = x * x / (1 + (1 + x) ** 2)
        return y / (1 + np.sqrt(1 - y))

    def least(self, level: float) -> float:
        if level >= 1:
            return -1.0
        # With (1 - P)² = 2 τ / (1 + τ²) = 1 - y.
        y = level * (2 - level)
        root = sqrt(y * (2 - y))
        return -(y + root) / (1 + root)


@dataclass(frozen=True)
class Mean(Deviation):
    """Jensen-Shannon, by the trapezoidal rule on a logarithmic scale, which converges geometrically."""

    exact = False

    def weights(self, variances: Array) -> Array:
        return np.ones_like(variances)

    def cost(self, x: Array) -> Array:
        return np.vectorize(self._value, otypes=[np.float64])(x)

    def _value(self, x: float) -> float:
        tau = 1.0 + x
        if tau <= 0:
            return log(2.0)
        step = 0.05
        y = np.exp(np.arange(log(tau) - 38, log(max(tau, 1.0)) + 3, step))
        p, q = np.exp(-y * y / 2), np.exp(-((y / tau) ** 2) / 2) / tau
        told = np.logaddexp(0.0, (y * y - (y / tau) ** 2) / 2 - log(tau))
        back = np.logaddexp(0.0, (y * y * (1 / tau**2 - 1)) / 2 + log(tau))
        loss = float((p * y) @ told + (q * y) @ back) * step * sqrt(2 / np.pi) / 2
        return max(0.0, log(2.0) - loss)

    def least(self, level: float) -> float:
        if level >= log(2.0):
            return -1.0
        if level == 0:
            return 0.0
        low = -1.0
        while self._value(expm1(low)) < level and low > -700:
            low *= 2
        u = float(scipy.optimize.brentq(lambda u: self._value(expm1(u)) - level, low, 0.0, xtol=1e-16, rtol=1e-15))
        return expm1(u)


_TABLE: dict[type[Divergence], Deviation] = {
    Wasserstein: Transport(),
    KL: Relative(),
    ReverseKL: Reverse(),
    Hellinger: Squared(),
    JensenShannon: Mean(),
}


def deviation(divergence: Divergence | None) -> Deviation:
    """Return the divergence between Gaussian laws; without one, that of which nothing is asked."""
    return Transport() if divergence is None else _TABLE[type(divergence)]
