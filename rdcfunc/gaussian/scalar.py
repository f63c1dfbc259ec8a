r"""Closed forms for one axis of unit variance, one decoder and unlimited common randomness.

A jointly Gaussian reproduction of deviation τ and correlation c costs :math:`-\tfrac12 \log(1 - c^2)` nats and has
distortion :math:`1 + \tau^2 - 2 \tau c`. Perception asks for :math:`\tau \ge \tau_0(P)`, a label for
:math:`1 - c^2 \le v`. So with :math:`\tau = \max(c, \tau_0)`

.. math:: R(D, P) = -\tfrac12 \log \frac{(D - (1 - \tau_0)^2) ((1 + \tau_0)^2 - D)}{4 \tau_0^2}
          \text{ if } \tau_0^2 > 1 - D, \text{ else } \tfrac12 \log^+ \frac1D,

and ``R(D, P, C)`` is the larger of this and :math:`-\tfrac12 \log v`: both are met by one correlation.
"""

from __future__ import annotations

from math import asinh, expm1, log, sqrt

import numpy as np

from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array


def of_rate(R: float) -> float:
    """Return θ, the inverse hyperbolic tangent of the correlation that a rate in nats can tell."""
    return 2 * asinh(sqrt(expm1(R) / 2)) if R < 300 else R + log(2.0)


def of_rest(e: float) -> float:
    """Return θ of what is not told, ``e = 1 - c²``."""
    return 0.0 if e >= 1 else asinh(sqrt((1 - e) / e))


def of_distortion(D: float, least: float) -> float:
    """Return θ of the least rate at a distortion and at a ratio of deviations of at least ``1 + least``."""
    ratio = 1 + least
    if D >= 1 + ratio**2:
        return 0.0
    if ratio**2 <= 1 - D:
        return of_rest(D)
    rest = (D - least**2) * ((1 + ratio) ** 2 - D) / (4 * ratio**2)
    return asinh((1 + ratio**2 - D) / (2 * ratio * sqrt(rest)))


def propose(question: Question, least: Array) -> tuple[Axes, Array]:
    """Return the reproductions that the formulas give, for ratios of deviations of at least ``1 + least``, and prices.

    One encoder serves all decoders: the dearest one's correlation is enough for the others. At the prices
    ``(ρ, λ.., μ.., ν)``, that of the goal being one, the reproduction of the dearest is optimal.
    """
    told = float(question.told[0]) ** 2
    needs = [of_distortion(float(D), float(x)) for D, x in zip(question.D, least, strict=True)]
    k = int(np.argmax(needs))
    label = of_rest(question.V / told) if told > 0 else 0.0
    theta = max(needs[k], label) if question.goal == "R" else of_rate(question.R)
    point = Axes(np.array([theta]), np.zeros((1, 1)))
    e, d = float(point.e[0]), float(point.d[0])
    x = np.maximum(-d, least)
    if question.goal == "P":
        x = np.array([min(0.0, sqrt(max(0.0, float(question.D[0]) - e)) - d)])
    by_label = question.goal == "V" or (question.goal == "R" and label > needs[k])
    w = _prices(question, k, e, d, float(x[k]), told if by_label else 0.0)
    return Axes(point.theta, x[:, None]), w


def _prices(question: Question, k: int, e: float, d: float, x: float, told: float) -> Array:
    """Return the prices at which decoder k is the dearest, or the label if it tells something."""
    K = question.D.size
    w = np.zeros(2 + 2 * K)
    w[0] = 1.0
    if told > 0:
        w[-1] = 1 / (2 * e * told)
    elif d < 1:
        w[1 + k] = (1 - d) / (2 * e * (1 + x))
        # Stationarity of λ (x² + 2 (1 + x) d) + μ cost(x).
        slope = float(question.deviation.slope(np.array(x)))
        w[1 + K + k] = -2 * w[1 + k] * (x + d) / slope if x < 0 < x + d else 0.0
    goal = float(w[question.goals])
    return w / goal if goal > 0 else np.zeros_like(w)
