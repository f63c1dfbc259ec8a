r"""The certificate of a label of several numbers: prices and a guess of what is left prove a lower bound.

Let :math:`x' = L x` be such that its last q entries are :math:`T A x`, with :math:`T W T^T` of pivots ω, the variances
of a number of the noise given the later ones. By the chain rule and the entropy power inequality, for any law of X
given the reproduction and any :math:`0 \le p_k \le 1`,

.. math:: h(T S) \ge \sum_k h(T_k A X + T_k N \mid T_{>k} A X, T_{>k} N)
   \ge \sum_k p_k \bigl(h(x'_k \mid x'_{>k}) - \tfrac12 \log p_k\bigr)
   + (1 - p_k) \tfrac12 \log \frac{2 \pi e\, \omega_k}{1 - p_k},

and :math:`h(x') = \sum_j h(x'_j \mid x'_{>j})`, each at most that of a Gaussian law of the variance v left of
:math:`x'_j`. All else is at least :math:`\operatorname{tr} B \Delta = \operatorname{tr} B' \Delta' \ge \sum_j b_j
v_j` with the pivots b of :math:`B' = L^{-T} B L^{-1}`. So at prices ρ of rate and μ of the label

.. math:: -\rho\, h(x) + \mu\, h(S) + \operatorname{tr} B \Delta \ge \text{const} +
   \sum_j \min_v \bigl(b_j v - \tfrac12 (\rho - \mu p_j) \log v\bigr).

At the best Δ all these matrices are diagonal in one basis, and nothing is lost.
"""

from __future__ import annotations

from math import inf, log

import numpy as np
import scipy

from rdcfunc.gaussian.certificate import blurred
from rdcfunc.gaussian.joint import shown_bounds
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.several import Several
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Roundings of a term for each row, generously.
_ROUNDINGS = 64


def lower_bound(question: Question, label: Several, level: float, w: Array, Y: Array, left: Array) -> float:
    r"""Return a lower bound on the goal, for any prices, positive matrices (K, k, k) and what may be left.

    The price of the label is that of :math:`\operatorname{tr} G A \Delta A^T`, half of that of its entropy. If
    nothing is proved, the bound is zero, or the label's entropy given the source.
    """
    q = question
    least = label.entropy(np.zeros_like(left)) if q.goal == "V" else 0.0
    goal = float(w[q.goals])
    if not goal > 0 or not w[0] > 0 or not w[-1] > 0:
        return least
    w, Y = w / goal, Y / goal
    rho, mu = float(w[0]), 2 * float(w[-1])
    try:
        total, lost, factors = shown_bounds(q, w, Y)
        told, off = _told(label, rho, mu, factors, left)
    except (np.linalg.LinAlgError, ValueError):
        return least
    levels = q.levels
    levels[-1] = 0.0 if q.goal == "V" else 2 * level
    paid = np.multiply(w, levels, out=np.zeros_like(w), where=w > 0)
    paid[q.goals] = 0.0
    size = lost + off + float(np.abs(paid).sum())
    total += told - float(paid.sum()) - _ROUNDINGS * len(left) * EPS * size - blurred(q, w)
    return max(least, total / 2 if q.goal == "V" else total)


def _told(label: Several, rho: float, mu: float, factors: list[Array], left: Array) -> tuple[float, float]:
    """Return the least of ``-ρ h(x) + μ h(S) + tr BΔ`` less ``½ log 2πe`` for each, and the size of its terms."""
    A, (q, k) = label.told, label.told.shape
    total = label.within(left)
    scale = 1 / np.sqrt(np.diag(total))
    T = scipy.linalg.eigh(scale[:, None] * label.noise * scale, scale[:, None] * total * scale)[1].T * scale
    # Where the label is worth all of the rate nothing bounds a number: such ones come last and move no other.
    T = T[::-1]
    inverse = np.linalg.inv(left)
    L = np.concatenate([scipy.linalg.null_space(T @ A).T @ inverse, T @ A])
    # In units of what is left at the guess all sums are of the size of one.
    units = ((L @ left) * L).sum(1)
    L /= np.sqrt(units)[:, None]
    # What Δ <= 1 costs at the guess.
    bound = rho / 2 * inverse - sum(f @ f.T for f in factors) - mu / 2 * A.T @ np.linalg.solve(total, A)
    values, axes = np.linalg.eigh((bound + bound.T) / 2)
    values = np.maximum(values, 0.0)
    stack = np.concatenate([*(f.T for f in factors), np.sqrt(values)[:, None] * axes.T])
    rows = np.linalg.solve(L.T, stack.T).T
    norms = (rows**2).sum(0)
    b = np.diag(np.linalg.qr(rows, mode="r")) ** 2 - _ROUNDINGS * k * EPS * norms
    omega = np.maximum(_pivots(T @ label.noise @ T.T), 0.0)
    volume, turned = float(np.linalg.slogdet(L)[1]), float(np.linalg.slogdet(T)[1])
    terms = [_least(v, rho) for v in b[: k - q]]
    terms += [_best(*each, rho, mu) for each in zip(b[k - q :], units[k - q :], omega, strict=True)]
    skew = np.linalg.cond(L / np.sqrt((L**2).sum(1))[:, None])
    size = rho * (abs(volume) + k * skew) + mu * (
        abs(turned) + q / float(np.linalg.eigvalsh(total * np.outer(scale, scale))[0])
    )
    size += float(np.abs(terms).sum() + norms.sum() + values.sum())
    return float(sum(terms)) + rho * volume - mu * turned - float(values.sum()), size


def _pivots(A: Array) -> Array:
    """Return the variances of each number given the later ones, shape (q,)."""
    given = np.array(A[::-1, ::-1])
    found = np.zeros(len(A))
    for i in range(len(A)):
        found[i] = given[i, i]
        if given[i, i] > 0:
            given[i + 1 :, i + 1 :] -= np.outer(given[i + 1 :, i], given[i, i + 1 :]) / given[i, i]
    return found[::-1]


def _least(b: float, rho: float) -> float:
    """Return the least of ``b v - ½ ρ log v``."""
    if rho <= 0:
        return 0.0
    return rho / 2 * (1 - log(rho / (2 * b))) if b > 0 else -inf


def _best(b: float, unit: float, omega: float, rho: float, mu: float) -> float:
    """Return the term of a number of the label, for the better of two p."""
    found = -inf
    for p, spare in ((min(1.0, unit), rho - mu * min(1.0, unit)), (min(1.0, rho / mu), max(0.0, rho - mu))):
        if spare < 0 or (p < 1 and omega == 0):
            continue
        rest = (1 - p) * log(omega / (1 - p)) if p < 1 else 0.0
        found = max(found, _least(b, spare) + mu / 2 * (rest + p * log(unit / p)))
    return found
