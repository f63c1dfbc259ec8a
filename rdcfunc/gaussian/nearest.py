r"""The law within a KL level of the source that is nearest to a given Gaussian law in W2²: a convex program.

On axes shared with the source it is one price for all axes. Else, with S the variances, κ what is shown and K a factor
of what is known in units of the axes, as many columns as the encoder tells, at a price μ and for any M > 0

.. math:: D + \mu KL \ge \operatorname{tr} S - \operatorname{tr} M^{-1}
   + \tfrac\mu2 \log\det N, \qquad N = 1 + \tfrac2\mu (S - S K M K^T S),

where N is positive: :math:`2 \operatorname{tr} (S^{1/2} K K^T S \kappa S^{1/2})^{1/2}`, the overlap of both, is at most
:math:`\operatorname{tr} M^{-1} + \operatorname{tr} M K^T S \kappa S K`, and the least over κ is that of
:math:`\kappa = N^{-1}`. It is concave in M; Newton's method finds the best one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
import scipy

from rdcfunc.gaussian.deviations import Priced
from rdcfunc.gaussian.matrices import Matrices, apart, perceived
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.tangents import solve_positive, symmetric
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Logarithms of prices between which the price is sought, and Newton steps.
_LOW, _HIGH, _STEPS = -26.0, 40.0, 100
#: A level of next to none, and a part of the way to the source's law.
_LEAST, _PART = 1e-16, 1e-6


def within(question: Question, point: Matrices, P: float) -> tuple[float, Array]:
    """Return a lower bound on the distortion, and a factor of what is shown."""
    s2, known, same = question.variances, point.known, np.eye(question.variances.size)
    least = float(s2 @ (point.axes**2 @ point.parts))
    # All of the way, a part of it that costs next to nothing, or none: what is left is priced.
    if P < _LEAST:
        # Nothing within P of the source is farther from it: W2² is at most 2 s² KL, by Talagrand's inequality.
        far = sqrt(apart(s2, known, same))
        return least + max(0.0, far - sqrt(2 * P * float(s2.max()))) ** 2, same
    for part in (0.0, _PART):
        shown = point.drawn(s2, 0, same, part).shown[0]
        if perceived(question, shown) <= P:
            return least, shown
    table = known @ known.T
    if np.array_equal(table, np.diag(np.diag(table))):
        return _on_axes(question, np.sqrt(np.diag(table)), P)
    return _off_axes(question, point, P)


def _on_axes(question: Question, c: Array, P: float) -> tuple[float, Array]:
    shape, s2, d = question.deviation, question.variances, 1 - c
    assert isinstance(shape, Priced)

    def at(log_price: float) -> tuple[float, Array]:
        x = shape.best(s2, np.full_like(s2, exp(log_price)), d)[0]
        return float(shape.cost(x).sum()) - P, x

    u = scipy.optimize.brentq(lambda y: at(y)[0], -_HIGH, _HIGH, xtol=1e-15, rtol=4 * EPS)
    over, x = at(u)
    lower = float((s2 * (x * x + 2 * (1 + x) * d)).sum()) + exp(u) * over
    while float(shape.cost(x).sum()) > P:
        x = x * (1 - 4 * EPS)
    return lower - 64 * EPS * len(x) * (float(s2.sum()) + exp(u) * P), np.diag(1 + x)


@dataclass(frozen=True, eq=False)
class _Tangent:
    """What a tangent M proves at a price, and what it shows."""

    price: float
    value: float
    size: float
    inverse: Array
    turned: Array
    kappa: Array
    shown: Array


def _tangent(variances: Array, reach: Array, price: float, M: Array) -> _Tangent | None:
    """Return what M proves with the rows ``S K`` of what is known, or None if that is nothing."""
    n = variances.size
    try:
        half = np.linalg.inv(np.linalg.cholesky(M))
    except np.linalg.LinAlgError:
        return None
    N = np.eye(n) + 2 / price * (np.diag(variances) - reach @ M @ reach.T)
    values, axes = np.linalg.eigh((N + N.T) / 2)
    coarse = 1 + 2 / price * float(variances.max() + np.linalg.norm(reach @ np.linalg.cholesky(M)) ** 2)
    if not values[0] > 64 * n * EPS * coarse:
        return None
    inverse = half.T @ half
    bent, spread = price / 2 * float(np.log(values).sum()), float(np.trace(inverse))
    size = float(variances.sum()) + spread + price / 2 * float((coarse / values).sum() + np.abs(np.log(values)).sum())
    kappa = (axes / values) @ axes.T
    value = float(variances.sum()) - spread + bent
    return _Tangent(price, value, size, inverse, reach.T @ kappa @ reach, kappa, axes / np.sqrt(values))


def _off_axes(question: Question, point: Matrices, P: float) -> tuple[float, Array]:
    s2, n = question.variances, question.variances.size
    reach = s2[:, None] * point.known[:, point.parts < 1]
    first = np.diag(0.5 / np.maximum((reach**2 / s2[:, None]).sum(0), 1e-300)) / reach.shape[1]
    last = [first]

    def at(log_price: float) -> _Tangent:
        price = exp(log_price)
        state = _tangent(s2, reach, price, last[0])
        if state is None:
            last[0] = first
            state = _tangent(s2, reach, price, first)
        assert state is not None
        last[0], state = _best(s2, reach, price, last[0], state)
        return state

    def over(log_price: float) -> float:
        return perceived(question, at(log_price).shown) - P

    low, high = -2.0, 2.0
    while over(low) <= 0 and low > _LOW:
        low -= 6
    while over(high) >= 0 and high < _HIGH:
        high += 6
    if over(low) <= 0 or over(high) >= 0:
        state = at(low if over(low) <= 0 else high)
    else:
        state = at(float(scipy.optimize.brentq(over, low, high, xtol=1e-13)))
    bound = state.value - state.price * P - 64 * n * EPS * (state.size + state.price * P)
    found, part = Matrices(point.parts, point.axes, state.shown[None]), 0.0
    while perceived(question, found.shown[0]) > P:
        part = max(EPS, 2 * part)
        found = found.drawn(s2, 0, np.eye(n), min(1.0, part))
    return max(bound, float(s2 @ np.diag(point.left))), found.shown[0]


def _best(variances: Array, reach: Array, price: float, M: Array, state: _Tangent) -> tuple[Array, _Tangent]:
    """Return the tangent that proves most, by Newton's method from M on."""
    r = len(M)
    basis = symmetric(r)
    for _ in range(_STEPS):
        once, H = state.inverse, state.turned
        twice = once @ once
        gradient = basis.T @ (twice - H).ravel()
        bend = np.kron(once, twice) + np.kron(twice, once) + 2 / price * np.kron(H, H)
        step = solve_positive(basis.T @ bend @ basis, gradient)
        decrement, part = float(gradient @ step), 1.0
        move, found = (basis @ step).reshape(r, r), None
        while part > 1e-12:
            found = _tangent(variances, reach, price, M + part * move)
            if found is not None and found.value >= state.value + 1e-4 * part * decrement - 1e-14 * variances.sum():
                break
            part, found = part / 2, None
        if found is None:
            break
        M, state = M + part * move, found
        if decrement <= 1e-24 * variances.sum():
            break
    return M, state
