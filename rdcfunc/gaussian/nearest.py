r"""The law within a KL level of the source that is nearest to a given Gaussian law in W2²: a convex program.

On axes shared with the source it is one price for all axes. Else a tangent bounds it as in
:mod:`rdcfunc.gaussian.tangents`, with what is left of the source fixed.
"""

from __future__ import annotations

from math import exp

import numpy as np
from scipy.optimize import brentq

from rdcfunc.gaussian.deviations import Priced
from rdcfunc.gaussian.joint import shown_bound
from rdcfunc.gaussian.matrices import Matrices, perceived
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.shown import Bent
from rdcfunc.gaussian.tangents import solve_positive, symmetric
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Logarithms of prices between which the price is sought, Newton steps, and what a singular estimate is made up to.
_LOW, _HIGH, _STEPS, _FLOOR = -40.0, 40.0, 100, 1e-12


def within(question: Question, point: Matrices, P: float) -> tuple[float, Array]:
    """Return a lower bound on the distortion, and a factor of what is shown."""
    known = point.known
    if perceived(question, known) <= P:
        return float(question.variances @ (point.axes**2 @ point.parts)), known
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

    u = brentq(lambda y: at(y)[0], _LOW, _HIGH, xtol=1e-15, rtol=4 * EPS)
    over, x = at(u)
    lower = float((s2 * (x * x + 2 * (1 + x) * d)).sum()) + exp(u) * over
    while float(shape.cost(x).sum()) > P:
        x = x * (1 - 4 * EPS)
    return lower - 64 * EPS * len(x) * (float(s2.sum()) + exp(u) * P), np.diag(1 + x)


def _off_axes(question: Question, point: Matrices, P: float) -> tuple[float, Array]:
    s2, n = question.variances, question.variances.size
    basis, left = symmetric(n), point.left - _FLOOR * np.eye(n)
    last: list[Array] = [np.zeros((n, n))]

    def at(log_price: float) -> Bent:
        w = np.array([0.0, 1.0, exp(log_price), 0.0])
        X = last[0]
        state = _made(question, w, X) or _made(question, w, np.zeros((n, n)))
        assert state is not None
        for _ in range(_STEPS):
            gradient = state.scale * basis.T @ (state.W - np.eye(n) + left).ravel()
            step = solve_positive(-state.curvature(basis), gradient)
            decrement, value = float(gradient @ step), _value(state, left)
            part, found = 1.0, None
            while part > 1e-12:
                found = _made(question, w, state.X + part * (basis @ step).reshape(n, n))
                if found is not None and _value(found, left) >= value + 1e-4 * part * decrement - 1e-14 * s2.sum():
                    break
                part, found = part / 2, None
            if found is None:
                break
            state = found
            if decrement <= 1e-24 * s2.sum():
                break
        last[0] = state.X
        return state

    def over(log_price: float) -> float:
        return perceived(question, next(at(log_price).outputs())[1]) - P

    u = float(brentq(over, -12.0, 12.0, xtol=1e-13)) if over(-12.0) > 0 > over(12.0) else 12.0
    state = at(u)
    shown = next(state.outputs())[1]
    try:
        value, size, _ = shown_bound(question, False, (1.0, exp(u)), state.Y)
        bound = value + float((state.Y * point.left).sum()) - exp(u) * P
        bound -= 64 * n * EPS * (size + float(np.abs(state.Y).sum()) + exp(u) * P)
    except np.linalg.LinAlgError:
        bound = 0.0
    found = Matrices(point.parts, point.axes, shown[None])
    part = 0.0
    while perceived(question, found.shown[0]) > P:
        part = max(EPS, 2 * part)
        found = found.drawn(s2, 0, np.eye(n), min(1.0, part))
    return max(bound, float(s2 @ np.diag(point.left))), found.shown[0]


def _made(question: Question, w: Array, X: Array) -> Bent | None:
    try:
        return Bent(question, w, 0, [0], X)
    except np.linalg.LinAlgError:
        return None


def _value(state: Bent, left: Array) -> float:
    return state.value + float((state.Y * left).sum())
