r"""A label of several numbers, :math:`S = A X + N(0, W)`: a reverse-convex constraint, hence a bracket.

Write Δ for what is left of the source, :math:`M = A \Delta A^T`, q for the label's numbers. Gaussian reproductions
meet :math:`\tfrac12 \log\det 2 \pi e (M + W) \le C`, which is concave in Δ: its tangents make convex programs whose
solutions meet it and improve from step to step, from several starts. That is the upper bound. For the lower one, by the
entropy power inequality :math:`h(A X | \hat X) \le \tfrac q2 \log 2 \pi e v` with
:math:`v = e^{2C/q} / 2 \pi e - (\det W)^{1/q}`, so that for the Δ of any reproduction

.. math:: R \ge \tfrac12 \log \frac{\det\Sigma}{\det\Delta} + \Bigl(\tfrac12 \log \frac{\det M}{v^q}\Bigr)_+,

the larger of two convex functions. Both meet where M is a multiple of W, and so for one number; and where W = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, inf, log, pi

import numpy as np

from rdcfunc.checks import InfeasibleError
from rdcfunc.gaussian import start
from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.labels import Left
from rdcfunc.gaussian.outcome import Outcome
from rdcfunc.gaussian.outcome import solve as plain
from rdcfunc.gaussian.question import Question, variance
from rdcfunc.information import NATS_PER_BIT, Array
from rdcfunc.model import solve_quietly
from rdcfunc.rounding import EPS

#: Starts of the search, its steps, and what a step must gain.
_STARTS, _STEPS, _GAIN = 4, 30, 1e-9


@dataclass(frozen=True, eq=False)
class Several:
    """The label on the axes of the source.

    Attributes
    ----------
    told
        A in units of the axes, shape (q, k).
    noise
        W, shape (q, q), in units of the largest variance.
    """

    told: Array
    noise: Array

    def entropy(self, left: Array) -> float:
        """Return ``h(S | X̂)`` less ``½ q log 2πe``, in nats."""
        return float(np.linalg.slogdet(self.told @ left @ self.told.T + self.noise)[1]) / 2


def solve(question: Question, label: Several, top: float, C: float) -> Outcome:
    """Return the bracket of the least rate at a distortion and a label's entropy of C bits."""
    q, k = label.told.shape
    if question.goal != "R" or question.judged.any() or question.D.size > 1:
        raise ValueError(
            "a label of several numbers is offered for the rate, with levels D and C; leave out the others"
        )
    if np.linalg.matrix_rank(label.told) < q:
        raise ValueError("a label of several numbers needs independent ones on the source; leave out what others tell")
    # Entropies here are those of the label over the largest deviation, less ½ q log 2πe.
    level = C * NATS_PER_BIT - q * log(2 * pi * exp(1.0) * top) / 2
    free = plain(replace(question, V=inf))
    quiet = np.diag(free.point.e) if isinstance(free.point, Axes) else np.eye(k)
    if level >= label.entropy(quiet):
        return free
    v = exp(2 * level / q) - float(np.linalg.det(label.noise)) ** (1 / q)
    if not v > 0:
        least = (label.entropy(np.zeros((k, k))) + q * log(2 * pi * exp(1.0) * top) / 2) / NATS_PER_BIT
        raise InfeasibleError(
            f"C = {C:.9g} is infeasible at any finite rate: the limit is C_min = h(S|X) = {least:.9g} bits; "
            "raise C above that"
        )
    relaxed, lower = _relaxation(question, label, v)
    rng, best, value = np.random.default_rng(0), None, inf
    for trial in range(_STARTS):
        bent = np.eye(k) if trial == 0 else _spread(rng, k)
        found = _descend(question, label, level, bent @ relaxed @ bent.T)
        if found is not None and (rate := -float(np.linalg.slogdet(found)[1]) / 2) < value:
            best, value = found, rate
    w = np.zeros(4)
    if best is None:
        silent = start.silent(question)
        return Outcome(max(lower, free.lower), inf, silent, silent.values(question), w, _STARTS)
    parts, axes = np.linalg.eigh(best)
    point = Left(np.clip(parts, 1e-300, 1.0), axes)
    value *= 1 + 64 * k * EPS
    return Outcome(min(max(lower, free.lower), value), value, point, point.values(question), w, _STARTS)


def told(outcome: Outcome, label: Several, top: float) -> Outcome:
    """Return the outcome with the label's entropy, as the variance of one number that is as uncertain."""
    point, k = outcome.point, label.told.shape[1]
    left = np.eye(k) if isinstance(point, Axes) else point.left
    if isinstance(point, Axes) and point.e.size == k:
        left = np.diag(point.e)
    nats = label.entropy(left) + len(label.told) * log(2 * pi * exp(1.0) * top) / 2
    return replace(outcome, values=np.concatenate([outcome.values[:-1], [variance(nats) / top]]))


def _spread(rng: np.random.Generator, k: int) -> Array:
    Q = np.linalg.qr(rng.normal(size=(k, k)))[0]
    return (Q * np.exp(rng.normal(size=k))) @ Q.T


def _relaxation(question: Question, label: Several, v: float) -> tuple[Array, float]:
    """Return what is left in the convex relaxation, and a lower bound on the rate by its tangent and its prices."""
    import cvxpy as cp

    (q, k), s2 = label.told.shape, question.variances
    # In a basis whose first axes tell the label, the others given these are a Schur complement.
    Q, R = np.linalg.qr(label.told.T, mode="complete")
    spent = float(np.linalg.slogdet(R[:q])[1]) - q * log(v) / 2
    left = cp.Variable((k, k), PSD=True)
    rate, limits = cp.Variable(), [np.eye(k) - left >> 0]
    turned = Q @ left @ Q.T
    both = spent
    if q < k:
        rest = cp.Variable((k - q, k - q), PSD=True)
        limits.append(left - cp.bmat([[np.zeros((q, q)), np.zeros((q, k - q))], [np.zeros((k - q, q)), rest]]) >> 0)
        both = spent - cp.log_det(rest) / 2
    larger = [rate >= -cp.log_det(left) / 2, rate >= both]
    within = [] if question.D[0] == inf else [s2 @ cp.diag(turned) / question.D[0] <= 1]
    problem = cp.Problem(cp.Minimize(rate), [*limits, *larger, *within])
    if not solve_quietly(problem, "CLARABEL") or left.value is None:
        return np.eye(k) / 2, 0.0
    share = float(np.clip(larger[1].dual_value, 0.0, 1.0))
    price = max(0.0, float(within[0].dual_value)) / float(question.D[0]) if within else 0.0
    parts, axes = np.linalg.eigh(Q @ left.value @ Q.T)
    at = (axes * np.clip(parts, 1e-12, 1.0)) @ axes.T
    M = label.told @ at @ label.told.T
    # The larger is at least any mean; a convex function lies above its tangent on 0 <= Δ <= 1.
    slope = -np.linalg.inv(at) / 2 + share / 2 * label.told.T @ np.linalg.inv(M) @ label.told + price * np.diag(s2)
    value = -np.linalg.slogdet(at)[1] / 2 + share * (np.linalg.slogdet(M)[1] - q * log(v)) / 2
    value += price * (float(s2 @ np.diag(at)) - (question.D[0] if within else 0.0))
    fall = float((slope * at).sum() - np.minimum(np.linalg.eigvalsh(slope), 0.0).sum())
    size = abs(value) + k / 2 + float(np.abs(slope).sum()) + price * float(s2.sum())
    return at, max(0.0, float(value) - fall - 64 * k * EPS * size)


def _descend(question: Question, label: Several, level: float, left: Array) -> Array | None:
    """Return what is left after convex programs on tangents of the label's entropy, which meets every level."""
    import cvxpy as cp

    k, value = left.shape[0], inf
    unknown = cp.Variable((k, k), PSD=True)
    weight, room = cp.Parameter((k, k), PSD=True), cp.Parameter()
    limits = [np.eye(k) - unknown >> 0, cp.trace(weight @ unknown) <= room]
    if question.D[0] < inf:
        limits.append(question.variances @ cp.diag(unknown) / question.D[0] <= 1)
    problem = cp.Problem(cp.Minimize(-cp.log_det(unknown) / 2), limits)
    found: Array | None = None
    left = _met(question, label, level, np.minimum(1.0, 1 / np.linalg.eigvalsh(left)[-1]) * left)
    for _ in range(_STEPS):
        inverse = np.linalg.inv(label.told @ left @ label.told.T + label.noise)
        weight.value = label.told.T @ inverse @ label.told
        weight.value = (weight.value + weight.value.T) / 2
        room.value = float((weight.value * left).sum()) + 2 * (level - label.entropy(left))
        if not solve_quietly(problem, "CLARABEL") or unknown.value is None:
            break
        parts, axes = np.linalg.eigh((unknown.value + unknown.value.T) / 2)
        left = _met(question, label, level, (axes * np.clip(parts, 1e-12, 1.0)) @ axes.T)
        rate = -float(np.linalg.slogdet(left)[1]) / 2
        if found is None or rate < value:
            found = left
        if value - rate < _GAIN * (1 + abs(rate)):
            break
        value = rate
    return found


def _met(question: Question, label: Several, level: float, left: Array) -> Array:
    """Return as much of a matrix as meets the distortion and the label."""
    part, down = 1.0, 1e-10
    while (
        question.variances @ np.diag(part * left) > question.D[0] * (1 - EPS)
        or label.entropy(part * left) > level - EPS
    ):
        part, down = part * (1 - down), min(0.5, 2 * down)
    return part * left
