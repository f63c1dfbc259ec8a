r"""Prices in, lower bound out: weak duality of the Gaussian programs.

No reproduction does better than the jointly Gaussian one of its second moments: that has less information, the same
distortion and no more W2² (Gelbrich's bound) or KL (of given second moments the Gaussian law has the most entropy).
With Σ the source, Δ what is left of it and K the reproduction, distortion is at least
:math:`\operatorname{tr} \Sigma + \operatorname{tr} K - 2 F(\Sigma - \Delta, K)` and W2² is the same with Δ = 0, where
F, the trace of :math:`(A^{1/2} K A^{1/2})^{1/2}`, is concave in both. A label takes one step more: where laws that are
not Gaussian know it better than Δ says, Δ may be lowered in its direction at the same rate, by the entropy power
inequality. On the axes of Σ, at prices w over that of rate and at any tangent point c, what each axis adds besides
rate is at least linear in :math:`e = 1 - c^2`, with slopes b; and

.. math:: \min_{0 < \Delta \preceq I} -\tfrac12 \log\det\Delta + \operatorname{tr} \Delta B
          = \sum_i \tfrac12 \log\max(1, 2 \beta_i) + \min(\beta_i, \tfrac12)

over the eigenvalues β of :math:`B = \operatorname{diag}(b) + \nu a a^T`, a label's price on what is left of it.
"""

from __future__ import annotations

import numpy as np

from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.deviations import Priced
from rdcfunc.gaussian.labels import factor, spectrum
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Roundings of a term, generously.
_ROUNDINGS = 64
#: Least ``atanh`` of a correlation at which a tangent is taken.
_LEAST_TANGENT = 1e-8


def lower_bound(question: Question, w: Array, point: Axes) -> float:
    """Return a lower bound on the goal, for prices ``w >= 0`` and any tangent point."""
    goal = float(w[question.goals])
    if not goal > 0 or not w[0] > 0:
        return 0.0
    levels = question.levels
    paid = np.multiply(w, levels, out=np.zeros_like(w), where=w > 0)
    paid[question.goals] = 0.0
    terms, lost = _least(question, w, point)
    lost += blurred(question, w, point)
    size = float(np.abs(terms).sum()) + float(paid.sum())
    total = float(terms.sum()) - float(paid.sum()) - lost - EPS * (_ROUNDINGS + terms.size) * size
    return max(0.0, total / goal)


def blurred(question: Question, w: Array, point: Axes | None = None) -> float:
    """Return what the priced program may change by when variances move by the blur.

    By the envelope theorem a variance moves it by its priced distortion (and W2²), twice that where the blur is far
    below the variance; an axis near it, or left out, or without a point, has at most four times its variance of
    distortion.
    """
    q, K = question, question.D.size
    if not q.blur > 0:
        return 0.0
    label = 4 * w[-1] * (q.label**2).sum()
    if point is None:
        return float(q.blur * (4 * (q.variances.size + q.dropped) * w[1 : 1 + 2 * K].sum() + label))
    known = q.variances > 1e3 * q.blur
    shares = np.where(known, np.minimum(2 * (point.x**2 + 2 * (1 + point.x) * point.d), 4.0), 4.0)
    moved = np.where(known, 2 * point.x**2, 1.0)
    by = w[1 : 1 + K] @ (shares.sum(1) + 4 * q.dropped) + w[1 + K : 1 + 2 * K] @ (moved.sum(1) + q.dropped)
    return float(q.blur * (by + label))


def _least(question: Question, w: Array, point: Axes) -> tuple[Array, float]:
    """Return terms whose sum bounds the priced program from below, and what may be lost to rounding."""
    q, shape, K = question, question.deviation, question.D.size
    assert isinstance(shape, Priced)
    A = w[1 : 1 + K, None] / w[0] * q.variances
    M = w[1 + K : 1 + 2 * K, None] / w[0] * shape.weights(q.variances)
    # A tangent point at zero would be vertical; where distortion alone is priced any will do.
    point = Axes(np.maximum(point.theta, _LEAST_TANGENT), point.x)
    d = np.broadcast_to(point.d, A.shape)
    x = np.where(q.pinned[:, None], 0.0, shape.best(A, M, d)[0])
    cost = M * shape.cost(np.where(M > 0, x, 0.0))
    rest = A * (x * x + 2 * (1 + x) * d) + cost
    slopes = np.where((M > 0) | q.pinned[:, None], A * (1 + x) / (1 - d), A)
    b = slopes.sum(0)
    price = w[-1] / w[0]
    told = price * (q.tells**2).sum(1)
    one = q.label.ndim == 1 and np.count_nonzero(told) <= 1
    beta = b + told if one else spectrum(factor(b, price, q.tells))[1]
    earned = np.log(np.maximum(1.0, 2 * beta)) / 2 + np.minimum(beta, 0.5)
    off = 0.0 if one else 4 * EPS * beta.size * float(np.sqrt(beta.max() / np.maximum(0.25, beta)).sum())
    return w[0] * np.concatenate([rest.ravel(), -b * point.e, earned]), w[0] * off
