r"""A label told by several axes: a max-det program in what is left of the source.

With Δ what is left, in units of each axis, at prices w over that of rate,

.. math:: \min_{0 < \Delta \preceq I} -\tfrac12 \log\det\Delta + \operatorname{tr} \Delta B,
          \qquad B = \lambda \operatorname{diag}(s^2) + \nu a a^T,

has the eigenvectors of B and the eigenvalues :math:`\min(1, 1 / 2\beta)`: two multipliers are all that is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array


@dataclass(frozen=True, eq=False)
class Left:
    """What is left of the source, in units of its axes; the reproduction is the best estimate.

    Attributes
    ----------
    parts, axes
        Eigenvalues in (0, 1] and orthonormal eigenvectors, shapes (k,) and (k, k).
    """

    parts: Array
    axes: Array

    @property
    def left(self) -> Array:
        """The matrix, shape (k, k)."""
        return (self.axes * self.parts) @ self.axes.T

    def values(self, question: Question) -> Array:
        """Return ``(R, D, P, V)``; nobody asks for P."""
        S = (self.axes**2).T @ question.variances
        told = self.axes.T @ question.tells
        return np.array([-np.log(self.parts).sum() / 2, self.parts @ S, 0.0, self.parts @ (told**2).sum(1)])

    def repaired(self, question: Question) -> Left | None:
        """Return what is left when every level is met, or None if that is not found."""
        parts = self.parts
        for _ in range(60):
            point = Left(parts, self.axes)
            values, levels = point.values(question), question.levels
            over = np.maximum((values - levels) / np.maximum(values, 1e-300), 0.0)
            if not over.any():
                return point
            if over[0] > 0:
                parts = parts ** (1 - 2 * over[0])
            else:
                parts = parts * (1 - min(0.9, 2 * over.max()))
        return None


def spectrum(factor: Array) -> tuple[Array, Array]:
    """Return eigenvectors and eigenvalues of ``F Fᵀ``, by the singular values of F, shape (k, N) with N >= k.

    These are known up to roundings of the largest root, so that small eigenvalues keep more of their digits.
    """
    axes, roots, _ = np.linalg.svd(factor, full_matrices=False)
    return axes, roots**2


def factor(b: Array, price: float, tells: Array) -> Array:
    """Return a factor of ``diag(b) + price A Aᵀ``."""
    return np.concatenate([np.diag(np.sqrt(b)), np.sqrt(price) * tells], axis=1)


def bend(beta: Array, least: float = 1.0) -> Array:
    """Return the differences of ``1 / max(least, 2β)`` between eigenvalues over theirs, shape (k, k): derivatives."""
    part = 1 / np.maximum(least, 2 * beta)
    gap = beta[:, None] - beta
    near = np.abs(gap) <= 1e-7 * np.maximum(np.abs(beta[:, None]), np.abs(beta))
    slope = np.where(2 * beta > least, -2 * part**2, 0.0)
    middle = (slope[:, None] + slope) / 2
    return np.where(near, middle, np.divide(part[:, None] - part, np.where(near, 1.0, gap)))


@dataclass(frozen=True, eq=False)
class Determinant:
    """The program at prices ``w = (ρ, λ, μ, ν)``; μ is zero."""

    question: Question

    def best(self, w: Array) -> tuple[Left, Array, Array]:
        """Return the least at these prices, its values, and their derivatives in the prices."""
        q = self.question
        axes, beta = spectrum(factor(w[1] / w[0] * q.variances, w[-1] / w[0], q.tells))
        point, slopes = Left(1 / np.maximum(1.0, 2 * beta), axes), bend(beta)
        told = axes.T @ q.tells
        turned = ((axes.T * q.variances) @ axes, told @ told.T)
        J = np.zeros((4, 4))
        for i, left in zip((1, 3), turned, strict=True):
            for j, right in zip((1, 3), turned, strict=True):
                J[i, j] = float((slopes * left * right).sum()) / w[0]
        # Values depend on ratios of prices alone, and their derivatives are symmetric.
        J[:, 0] = -(J[:, 1:] @ w[1:]) / w[0]
        J[0] = J[:, 0]
        J[0, 0] = -(J[0, 1:] @ w[1:]) / w[0]
        return point, point.values(q), J
