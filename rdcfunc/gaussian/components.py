r"""Rate, distortion and perception on the axes of the source: a convex program in each axis at given prices.

On an axis of variance s² let :math:`c = \tanh\theta` be the correlation that is told, at :math:`\log\cosh\theta` nats,
and :math:`1 + x_j` the ratio of decoder j's deviation to the source's. With :math:`d = 1 - c` its distortion is
:math:`s^2 (x^2 + 2 (1 + x) d)`. At prices :math:`\lambda_j, \mu_j` the best x are explicit and θ solves

.. math:: \tfrac12 \sinh 2\theta = 2 s^2 \sum_j \lambda_j (1 + x_j(\theta)) + 2 \nu a^2 s^2 \tanh\theta.

In :math:`e = 1 - c^2` and :math:`(1 + x)^2` everything is jointly convex, since :math:`\sqrt{(1 - e) (1 + x)^2}` is
concave; so prices prove a lower bound. All axes share one set of prices: they sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rdcfunc.gaussian.deviations import Priced
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Newton steps on θ, of which some six are used.
_STEPS = 80


@dataclass(frozen=True, eq=False)
class Axes:
    """A reproduction for each of K decoders on the axes of the source, from one encoder.

    Attributes
    ----------
    theta
        ``atanh`` of the correlations told, shape (k,).
    x
        Ratios of deviations less one, shape (K, k).
    """

    theta: Array
    x: Array

    @property
    def e(self) -> Array:
        """``1 - c²``, the part of each variance that is not told."""
        return 1 / np.cosh(np.minimum(self.theta, 350.0)) ** 2

    @property
    def d(self) -> Array:
        """``1 - c``."""
        return 2 / (1 + np.exp(2 * np.minimum(self.theta, 350.0)))

    def values(self, question: Question) -> Array:
        """Return ``(R, D_1.., P_1.., V)`` of the decoders, P being zero where it is not judged."""
        s2 = question.variances
        weights = question.deviation.weights(s2)
        P = np.zeros(question.P.size)
        if question.judged.any():
            P[question.judged] = question.deviation.cost(self.x[question.judged]) @ weights
        return np.concatenate(
            [
                [rates(self.theta).sum()],
                (self.x**2 + 2 * (1 + self.x) * self.d) @ s2,
                P,
                [self.e @ question.told**2],
            ]
        )


def rates(theta: Array) -> Array:
    """Return ``log cosh θ``."""
    small = np.minimum(theta, 350.0)
    return np.log1p(2 * np.sinh(small / 2) ** 2) + (theta - small)


@dataclass(frozen=True, eq=False)
class Components:
    """The program in each axis, at prices ``w = (ρ, λ_1.., μ_1.., ν)`` of rate, distortions, perceptions, label.

    The label is told by one axis at most: :class:`rdcfunc.gaussian.labels.Determinant` takes the others.
    """

    question: Question

    def best(self, w: Array) -> tuple[Axes, Array, Array]:
        """Return the least at these prices, its values, and their derivatives in the prices."""
        q = self.question
        shape = q.deviation
        assert isinstance(shape, Priced)
        K, s2, free = q.D.size, q.variances, ~q.pinned[:, None]
        share = shape.weights(s2)
        A = w[1 : 1 + K, None] / w[0] * s2
        M = w[1 + K : 1 + 2 * K, None] / w[0] * share
        N = w[-1] / w[0] * q.told**2

        def at(theta: Array) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
            d = 2 / (1 + np.exp(2 * theta))
            e = d * (2 - d)
            x, by_A, by_M, by_d = (np.where(free, y, 0.0) for y in shape.best(A, M, np.broadcast_to(d, A.shape)))
            miss = np.sinh(2 * theta) / 2 - 2 * (A * (1 + x)).sum(0) - 2 * N * (1 - d)
            slope = np.cosh(2 * theta) + 2 * e * (A * by_d).sum(0) - 2 * N * e
            return x, by_A, by_M, by_d, d, miss, slope

        high = np.minimum(np.arcsinh(4 * (A.sum(0) + N)) / 2, 350.0)
        low, theta = np.zeros_like(high), high
        for _ in range(_STEPS):
            *_, miss, slope = at(theta)
            high, low = np.where(miss > 0, theta, high), np.where(miss > 0, low, theta)
            with np.errstate(divide="ignore", invalid="ignore"):
                newton = theta - miss / slope
            step = np.where((newton >= low) & (newton <= high) & (slope > 0), newton, (low + high) / 2)
            done = np.abs(step - theta) <= 4 * EPS * theta
            theta = step
            if done.all():
                break
        x, by_A, by_M, by_d, d, _, slope = at(theta)
        point = Axes(theta, x)
        return point, point.values(q), self._derivatives(w, point, A, (by_A, by_M, by_d), d, slope)

    def _derivatives(
        self,
        w: Array,
        point: Axes,
        A: Array,
        by: tuple[Array, Array, Array],
        d: Array,
        slope: Array,
    ) -> Array:
        """Return the symmetric matrix of derivatives of the values in the prices."""
        q, x = self.question, point.x
        by_A, by_M, by_d = by
        shape = q.deviation
        assert isinstance(shape, Priced)
        K, s2 = q.D.size, q.variances
        share, e = shape.weights(s2), d * (2 - d)
        slope = np.where(slope > 0, slope, np.inf)
        # θ and x by prices over ρ, axis by axis.
        turn = np.concatenate(
            [
                2 * s2 * (1 + x + A * by_A) / slope,
                2 * share * A * by_M / slope,
                (2 * q.told**2 * (1 - d) / slope)[None],
            ]
        )
        result = np.zeros((2 + 2 * K, 2 + 2 * K))
        result[0, 1:] = turn @ (1 - d)
        result[-1, 1:] = turn @ (-2 * (1 - d) * e * q.told**2)
        for j in range(K):
            moved = -e * by_d[j] * turn
            moved[j] += by_A[j] * s2
            moved[K + j] += by_M[j] * share
            result[1 + j, 1:] = (2 * (x[j] + d) * moved - 2 * (1 + x[j]) * e * turn) @ s2
            if q.judged[j]:
                result[1 + K + j, 1:] = (shape.slope(x[j]) * moved) @ share
        result[:, 1:] /= w[0]
        # Values depend on ratios of prices alone.
        result[:, 0] = -result[:, 1:] @ w[1:] / w[0]
        return result
