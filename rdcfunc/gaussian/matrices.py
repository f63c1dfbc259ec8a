r"""Reproductions that share no axes with the source: what is left of it, and what is shown, in units of its axes.

With S the variances of the source, :math:`\Delta = Q p Q^T` what is left and :math:`\kappa = M M^T` what is shown, any
orthonormal U couples them: :math:`D = \operatorname{tr} S \Delta + |S^{1/2} (Q (1 - p)^{1/2} - M U)|^2` for the best U,
a sum of squares that loses no digits, and W2² the same with Δ = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rdcfunc.gaussian.deviations import Transport, excess
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Tries to meet the levels, each of which goes further than the excess asks for.
_TRIES = 60


@dataclass(frozen=True, eq=False)
class Matrices:
    """What is left, and what each decoder shows.

    Attributes
    ----------
    parts, axes
        Eigenvalues in (0, 1] and orthonormal eigenvectors of what is left, shapes (k,) and (k, k).
    shown
        A factor M of each decoder's covariance in units of the axes, shape (K, k, k).
    """

    parts: Array
    axes: Array
    shown: Array

    @property
    def left(self) -> Array:
        """What is left, shape (k, k)."""
        return (self.axes * self.parts) @ self.axes.T

    @property
    def known(self) -> Array:
        """A factor of what is known, shape (k, k)."""
        return self.axes * np.sqrt(1 - self.parts)

    def values(self, question: Question) -> Array:
        """Return ``(R, D.., P.., V)``."""
        s2 = question.variances
        lost, known = float(s2 @ (self.axes**2 @ self.parts)), self.known
        D = [lost + apart(s2, known, M) for M in self.shown]
        P = [perceived(question, M) if judged else 0.0 for M, judged in zip(self.shown, question.judged, strict=True)]
        told = self.axes.T @ question.tells
        return np.array([-np.log(self.parts).sum() / 2, *D, *P, self.parts @ (told**2).sum(1)])

    def repaired(self, question: Question) -> Matrices | None:
        """Return matrices that meet every level, or None if they are not found."""
        point, K = self, self.shown.shape[0]
        for _ in range(_TRIES):
            values, levels = point.values(question), question.levels
            asked = levels < np.inf
            over = np.zeros_like(levels)
            over[asked] = np.maximum((values[asked] - levels[asked]) / np.maximum(values[asked], 1e-300), 0.0)
            if not over.any():
                return point
            for j in np.flatnonzero(over[1 + K : 1 + 2 * K] > 0).tolist():
                # Perception is convex, and zero at the source's covariance.
                point = point.drawn(
                    question.variances, j, np.eye(len(point.parts)), min(1.0, 2 * over[1 + K + j] + EPS)
                )
            if question.goal == "P" and over[1] > 0:
                # Distortion is least at the best estimate.
                least = float(question.variances @ (point.axes**2 @ point.parts))
                spare = values[1] - least
                part = min(1.0, 2 * over[1] * values[1] / spare + EPS) if spare > 0 else 1.0
                point = point.drawn(question.variances, 0, point.known, part)
                over[1] = 0.0
            most = max(*over[1 : 1 + K], over[-1])
            if most > 0 and over[0] > 0:
                return None
            if over[0] > 0:
                point = replace(point, parts=point.parts ** max(0.0, 1 - 2 * over[0] - EPS))
            elif most > 0:
                point = replace(point, parts=point.parts * (1 - min(0.9, 2 * most + EPS)))
        return None

    def drawn(self, variances: Array, j: int, towards: Array, part: float) -> Matrices:
        """Return these matrices with what decoder j shows on the way to another law, by the least W2²."""
        s, shown = np.sqrt(variances)[:, None], self.shown.copy()
        turned = towards if part == 1 else towards @ turn(s * towards, s * shown[j])
        shown[j] = (1 - part) * shown[j] + part * turned
        return replace(self, shown=shown)


def turn(A: Array, B: Array) -> Array:
    """Return the orthonormal U that brings ``A U`` nearest to B."""
    left, _, right = np.linalg.svd(A.T @ B)
    return np.asarray(left @ right)


def apart(variances: Array, A: Array, B: Array) -> float:
    """Return the least ``|S^½ (A - B U)|²``: W2² between the laws of covariances ``S^½ A Aᵀ S^½`` and that of B."""
    s = np.sqrt(variances)[:, None]
    U = turn(s * B, s * A)
    return float((variances @ (A - B @ U) ** 2).sum())


def perceived(question: Question, shown: Array) -> float:
    """Return the perception of a Gaussian law from a factor of its covariance in units of the axes."""
    if np.array_equal(shown, np.eye(len(shown))):
        return 0.0
    if isinstance(question.deviation, Transport):
        return apart(question.variances, np.eye(len(shown)), shown)
    ratio: Array = np.asarray(np.linalg.svd(shown, compute_uv=False) ** 2, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return float(excess(ratio - 1).sum()) / 2
