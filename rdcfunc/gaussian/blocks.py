r"""One axis without common randomness, perception judged on long blocks.

The decoder has the message alone. With mean :math:`\tilde X = E[X \mid M]` and at R nats a symbol

- W2²: what M leaves, :math:`e^{-2R}`, plus the transport from the law of the means, which a rate of R keeps
  :math:`e^{-2R}` away from the source's: :math:`D = e^{-2R} + [(e^{-R} - \sqrt P)_+]^2`;
- KL: a reproduction of variance u whose mean given M has variance :math:`u - \nu` has at most the entropies
  :math:`\tfrac12 \log 2 \pi e u` and :math:`R + \tfrac12 \log 2 \pi e \nu`, so P asks for :math:`u \ge \tau_0^2` and
  :math:`\nu \ge e^{u - 1 - 2P - 2R}`, and :math:`D = 1 + u - 2 c \sqrt{u - \nu}` is convex in u.

References
----------
Freirich, Michaeli and Meir, "A theory of the distortion-perception tradeoff in Wasserstein space", 2021,
arXiv:2107.02555; Chen et al., arXiv:2404.04681.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, expm1, inf, log, sqrt

import numpy as np
import scipy

from rdcfunc.certificate import EPS
from rdcfunc.checks import InfeasibleError
from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.deviations import Deviation, Transport
from rdcfunc.gaussian.feasibility import Printed
from rdcfunc.gaussian.outcome import Outcome
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.scalar import of_rate

#: Relative accuracy of a root, and of what is computed from it.
_ROOT, _OFF = 4 * EPS, 1e-13


def solve(question: Question, units: Printed) -> Outcome:
    """Return the answer to a question on one axis with one decoder."""
    shape, R, D, P = question.deviation, question.R, float(question.D[0]), float(question.P[0])
    if question.goal == "R":
        R = _rate(shape, D, P)
        value = R
    elif question.goal == "D":
        D = value = distortion(shape, R, P)
    else:
        P = value = _perception(shape, R, D, units)
    d = 2 / (1 + exp(2 * min(of_rate(R), 350.0)))
    point = Axes(np.array([of_rate(R)]), np.array([[-d]]))
    values = np.array([R, distortion(shape, R, P), P, question.told[0] ** 2 * exp(-2 * R)])
    off = _OFF * (1 + value)
    return Outcome(max(0.0, value - off), value + off if value else 0.0, point, values, np.zeros(4), 1)


def distortion(shape: Deviation, R: float, P: float) -> float:
    """Return ``D(R, P)``."""
    rest = exp(-2 * R)
    if isinstance(shape, Transport):
        return rest + max(0.0, exp(-R) - sqrt(P)) ** 2
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


def _perception(shape: Deviation, R: float, D: float, units: Printed) -> float:
    """Return the least perception: D falls as it rises."""
    if exp(-2 * R) > D:
        raise InfeasibleError(
            f"D = {units.public('D', D):.9g} is infeasible at R = {units.public('R', R):.9g}: the smallest feasible D "
            f"is {units.public('D', exp(-2 * R)):.9g}; raise D to at least that, or R to at least "
            f"{units.public('R', -log(D) / 2):.9g}"
        )
    if D == inf or distortion(shape, R, 0.0) <= D:
        return 0.0
    if isinstance(shape, Transport):
        return (exp(-R) - sqrt(D - exp(-2 * R))) ** 2
    high = 1.0
    while distortion(shape, R, high) > D and high < 300:
        high *= 2
    return _root(lambda P: distortion(shape, R, P) - D, 0.0, high)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(scipy.optimize.brentq(function, low, high, xtol=1e-300, rtol=_ROOT))
