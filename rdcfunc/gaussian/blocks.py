r"""No common randomness, perception judged on long blocks.

The decoder has the message alone. With mean :math:`\tilde X = E[X \mid M]` and at R nats a symbol

- W2²: what M leaves, at least the :math:`E(R)` of reverse water-filling, plus the transport from the law of the means.
  That lives on :math:`e^{nR}` points, so that it is no less than :math:`E(R)` away from the source's law, and
  :math:`D = E + [(\sqrt E - \sqrt P)_+]^2`, which good codes attain, on any number of axes;
- KL, on one axis: a reproduction of variance u whose mean given M has variance :math:`u - \nu` has
  at most the entropies :math:`\tfrac12 \log 2 \pi e u` and :math:`R + \tfrac12 \log 2 \pi e \nu`, so P asks for
  :math:`u \ge \tau_0^2` and :math:`\nu \ge e^{u - 1 - 2P - 2R}`, and :math:`D = 1 + u - 2 c \sqrt{u - \nu}` is
  convex in u.

References
----------
Freirich, Michaeli and Meir, "A theory of the distortion-perception tradeoff in Wasserstein space", 2021,
arXiv:2107.02555; Chen et al., arXiv:2404.04681.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, expm1, inf, sqrt

import numpy as np
import scipy

from rdcfunc.checks import InfeasibleError
from rdcfunc.gaussian import start
from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.deviations import Deviation, Transport
from rdcfunc.gaussian.feasibility import Printed
from rdcfunc.gaussian.outcome import Outcome
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Relative accuracy of a root, and of what is computed from it.
_ROOT, _OFF = 4 * EPS, 1e-13


def solve(question: Question, units: Printed) -> Outcome:
    """Return the answer to a question with one decoder."""
    shape, R, D, P, s2 = question.deviation, question.R, float(question.D[0]), float(question.P[0]), question.variances
    moved = isinstance(shape, Transport)
    if question.goal == "R":
        R = value = _rate_of(s2, _known(D, P)) if moved else _rate(shape, D, P)
    elif question.goal == "D":
        D = value = _moved(_left_at(s2, R), P) if moved else distortion(shape, R, P)
    else:
        P = value = _perception(question, D, units)
    e = np.minimum(1.0, start.water_at(s2, R) / s2) if R > 0 else np.ones_like(s2)
    theta = np.arcsinh(np.sqrt((1 - e) / e))
    point = Axes(theta, -Axes(theta, np.zeros((1, s2.size))).d[None])
    D = _moved(_left_at(s2, R), P) if moved else distortion(shape, R, P)
    values = np.array([R, D, P, float(question.told**2 @ e)])
    off = _OFF * (1 + value) + 4 * question.blur * (s2.size + question.dropped)
    return Outcome(max(0.0, value - off), value + off if value else 0.0, point, values, np.zeros(4), 1)


def _left_at(variances: Array, R: float) -> float:
    """Return ``E(R)``."""
    return float(np.minimum(variances, start.water_at(variances, R)).sum()) if R > 0 else float(variances.sum())


def _rate_of(variances: Array, left: float) -> float:
    """Return the rate at which no more is left."""
    if left >= variances.sum():
        return 0.0
    return float(np.log(np.maximum(1.0, variances / start.water(variances, left))).sum()) / 2


def _moved(left: float, P: float) -> float:
    """Return the distortion when so much is left by the best estimate."""
    return left + max(0.0, sqrt(left) - sqrt(P)) ** 2


def _known(D: float, P: float) -> float:
    """Return what may be left by the best estimate."""
    return D if D <= P or D == inf else ((sqrt(P) + sqrt(2 * D - P)) / 2) ** 2


def distortion(shape: Deviation, R: float, P: float) -> float:
    """Return ``D(R, P)`` for KL on one axis."""
    c2, scale = -expm1(-2 * R), exp(-1 - 2 * min(P, 300.0) - 2 * R)

    def slope(u: float) -> float:
        """Return the derivative of D in u, times what is positive."""
        nu = scale * exp(u)
        return sqrt(max(u - nu, 0.0)) - sqrt(c2) * (1 - nu)

    low = (1 + shape.least(P)) ** 2
    u = low if slope(low) >= 0 else float(scipy.optimize.brentq(slope, low, 1.0, xtol=_ROOT, rtol=_ROOT))
    return 1 + u - 2 * sqrt(c2) * sqrt(max(0.0, u - scale * exp(u)))


def _rate(shape: Deviation, D: float, P: float) -> float:
    """Return the least rate: D falls with it."""
    if D >= distortion(shape, 0.0, P):
        return 0.0
    high = 1.0
    while distortion(shape, high, P) > D:
        high *= 2
    return _root(lambda R: distortion(shape, R, P) - D, 0.0, high)


def _perception(question: Question, D: float, units: Printed) -> float:
    """Return the least perception: D falls as it rises."""
    shape, R = question.deviation, question.R
    left = _left_at(question.variances, R)
    if left > D:
        raise InfeasibleError(
            f"D = {units.public('D', D):.9g} is infeasible at R = {units.public('R', R):.9g}: the smallest feasible D "
            f"is {units.public('D', left):.9g}; raise D to at least that, or R to at least "
            f"{units.public('R', _rate_of(question.variances, D)):.9g}"
        )
    if isinstance(shape, Transport):
        return 0.0 if D == inf else max(0.0, sqrt(left) - sqrt(D - left)) ** 2
    if D == inf or distortion(shape, R, 0.0) <= D:
        return 0.0
    high = 1.0
    while distortion(shape, R, high) > D and high < 300:
        high *= 2
    return _root(lambda P: distortion(shape, R, P) - D, 0.0, high)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(scipy.optimize.brentq(function, low, high, xtol=1e-300, rtol=_ROOT))
