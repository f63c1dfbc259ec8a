r"""A label of several numbers, :math:`S = A X + N(0, W)`.

With Δ what is left of the source it asks for :math:`\tfrac12 \log\det 2 \pi e (A \Delta A^T + W) \le C`. That is
concave in Δ, but convex along the geodesics of positive matrices, as rate, distortion and :math:`\Delta \preceq 1`
are: so nothing but the best has no better neighbour. For any positive G

.. math:: \log\det(A \Delta A^T + W) \le \operatorname{tr} G (A \Delta A^T + W) - \log\det G - q,

and equal for the inverse G, so that programs with a label of which :math:`\operatorname{tr} G A \Delta A^T` is bounded
meet the level and lead to the best one: :mod:`rdcfunc.gaussian.search` finds it and :mod:`rdcfunc.gaussian.pivots`
proves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, inf, log, pi

import numpy as np

from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.outcome import Outcome, Point
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: A singular value of A, relative to the largest, that rounding cannot tell from zero; the noise it needs beside it.
_NOTHING, _BESIDE = 1e-15, 1e-10


@dataclass(frozen=True, eq=False)
class Several:
    """The label on the axes of the source, in units of the largest deviation.

    Attributes
    ----------
    told
        A in units of the axes, shape (q, k), of rank q unless q is one.
    noise
        W, shape (q, q).
    extra
        The entropy in nats of what was left out of the label as the source tells nothing of it.
    """

    told: Array
    noise: Array
    extra: float = 0.0

    def within(self, left: Array) -> Array:
        """Return ``A Δ Aᵀ + W``."""
        total = self.told @ left @ self.told.T + self.noise
        return (total + total.T) / 2

    def entropy(self, left: Array) -> float:
        """Return ``h(S | X̂)`` less ``½ q log 2πe`` and what is extra, in nats."""
        return float(np.linalg.slogdet(self.within(left))[1]) / 2

    def rounding(self, left: Array) -> float:
        """Return how far rounding may have moved the entropy."""
        total = self.within(left)
        size = np.sqrt(np.maximum(np.diag(total), 1e-300))
        least = float(np.linalg.eigvalsh(total / np.outer(size, size))[0])
        return 64 * len(total) * EPS / least if least > 0 else inf

    def level(self, C: float, top: float) -> float:
        """Return the level of :meth:`entropy` that belongs to C nats, for a largest variance of the source."""
        return C - self.extra - len(self.told) * log(2 * pi * exp(1.0) * top) / 2

    def mean(self, entropy: float) -> float:
        """Return the variance of each of q independent numbers that have this entropy."""
        return exp(2 * entropy / len(self.told)) if entropy > -inf else 0.0

    def linear(self, question: Question, G: Array, level: float) -> Question:
        """Return the question with the tangent at ``G⁻¹`` for the label."""
        half = np.linalg.cholesky(G)
        rows = (self.told.T @ half) / np.sqrt(question.variances)[:, None]
        room = 2 * level + float(np.linalg.slogdet(G)[1]) + len(G) - float((G * self.noise).sum())
        return replace(question, label=rows, V=inf if question.goal == "V" else room)


def reduced(told: Array, noise: Array) -> Several:
    """Return a label with the numbers that the source tells, given the others, and the entropy of these.

    Raises
    ------
    ValueError
        If there is next to no noise in these others.
    """
    q = len(told)
    turn, size, _ = np.linalg.svd(told)
    r = max(1, int(np.count_nonzero(size > _NOTHING * max(told.shape) * size[0]))) if size[0] > 0 else 1
    if r == q:
        return Several(told, noise)
    one, other = turn[:, :r], turn[:, r:]
    rest, cross = other.T @ noise @ other, one.T @ noise @ other
    if not np.linalg.eigvalsh(rest)[0] > _BESIDE * max(float(size[0]) ** 2, float(np.abs(noise).max()) * EPS):
        raise ValueError(
            "a label of several numbers needs independent ones on the source, or noise of their own; leave out what "
            "others tell"
        )
    given = one.T @ noise @ one - cross @ np.linalg.solve(rest, cross.T)
    extra = (float(np.linalg.slogdet(rest)[1]) + (q - r) * log(2 * pi * exp(1.0))) / 2
    return Several(one.T @ told, (given + given.T) / 2, extra)


def left_of(point: Point, k: int) -> Array:
    """Return what a point leaves of the source, shape (k, k)."""
    if not isinstance(point, Axes):
        return point.left
    return np.diag(point.e) if point.e.size == k else np.eye(k)


def told(outcome: Outcome, label: Several) -> Outcome:
    """Return the outcome with what is left of the label, as the variance of independent numbers."""
    left = left_of(outcome.point, label.told.shape[1])
    return replace(outcome, values=np.concatenate([outcome.values[:-1], [label.mean(label.entropy(left))]]))
