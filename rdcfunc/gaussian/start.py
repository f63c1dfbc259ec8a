"""Where to start: reverse water-filling, and reproductions that take no rate."""

from __future__ import annotations

import numpy as np
import scipy

from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.deviations import Priced
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array


def water(variances: Array, D: float) -> float:
    r"""Return the level θ with :math:`\sum_i \min(\theta, s_i^2) = D`, for falling variances."""
    k = np.arange(1, variances.size + 1)
    # With the k-th axis just covered: what is below it, plus k times its variance.
    full = np.cumsum(variances[::-1])[::-1] - variances + k * variances
    count = max(1, int(np.searchsorted(-full, -D, side="left")))
    return min(float(variances[0]), (D - float(variances[count:].sum())) / count)


def water_at(variances: Array, R: float) -> float:
    r"""Return the level θ with :math:`\sum_i \tfrac12 \log^+(s_i^2 / \theta) = R`."""
    k = np.arange(1, variances.size + 1)
    heads = np.cumsum(np.log(variances))
    full = heads / 2 - k * np.log(variances) / 2
    count = max(1, int(np.searchsorted(full, R, side="left")))
    return float(np.exp((heads[count - 1] - 2 * R) / count))


def filled(question: Question) -> tuple[Axes, Array]:
    """Return reverse water-filling at a level of the distortion or of the rate, and its prices."""
    s2 = question.variances
    level = water(s2, float(question.D[0])) if question.goal == "R" else water_at(s2, question.R)
    e = np.minimum(1.0, level / s2)
    point = Axes(np.arcsinh(np.sqrt((1 - e) / e)), np.zeros((1, s2.size)))
    w = np.array([2 * level, 1.0, 0.0, 0.0])
    return Axes(point.theta, -point.d[None]), w / w[question.goals]


def silent(question: Question) -> Axes:
    """Return the reproductions of least distortion that meet the perception levels and are told nothing."""
    q, rows = question, []
    for P in q.P:
        x = -np.ones_like(q.variances)
        if P == 0:
            x = np.zeros_like(q.variances)
        elif P < np.inf:
            x = _shrunk(q, float(P))
        rows.append(x)
    return Axes(np.zeros_like(q.variances), np.array(rows))


def _shrunk(q: Question, P: float) -> Array:
    """Return the ratios, less one, of least variance at a perception level."""
    shape, s2 = q.deviation, q.variances
    assert isinstance(shape, Priced)
    weights, d = shape.weights(s2), np.ones_like(s2)

    def cost(log_price: float) -> tuple[float, Array]:
        x = shape.best(s2, np.exp(log_price) * weights, d)[0]
        return float(shape.cost(x) @ weights) - P, x

    low, high = -60.0, 60.0
    if cost(low)[0] <= 0:
        return cost(low)[1]
    if cost(high)[0] > 0:
        return np.zeros_like(s2)
    x = cost(float(scipy.optimize.brentq(lambda y: cost(y)[0], low, high, xtol=1e-14)))[1]
    while shape.cost(x) @ weights > P:
        x = x * (1 - 1e-15)
    return x


def prices(question: Question) -> Array:
    """Return prices of the right size to start from, that of the goal being one."""
    q, K, s2 = question, question.D.size, question.variances
    n, total = s2.size, float(s2.sum())
    finite = q.D[q.D < min(total, np.inf)]
    if q.R < np.inf:
        level = water_at(s2, q.R)
    else:
        level = water(s2, float(finite.min())) if finite.size else float(s2[0])
    w = np.zeros(2 + 2 * K)
    w[0] = 1.0
    price = 1 / (2 * level)
    w[1 : 1 + K] = np.where((q.D < np.inf) | (q.goal == "D"), price / K, 0.0)
    share = float(q.deviation.weights(s2).sum())
    near = np.sqrt(share / np.maximum(np.minimum(q.P, share), 1e-30))
    w[1 + K : 1 + 2 * K] = np.where((q.P < np.inf) & (q.P > 0) | (q.goal == "P"), price * total / share * near / K, 0.0)
    left = min(q.V, float(q.told @ q.told)) if q.V < np.inf else float(q.told @ q.told) * np.exp(-2 * min(q.R, 300) / n)
    w[-1] = 1 / (2 * left) if (q.V < np.inf or q.goal == "V") and left > 0 else 0.0
    return w / w[q.goals]
