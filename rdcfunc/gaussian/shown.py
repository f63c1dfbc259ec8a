r"""What decoders show at given prices and tangents: the least over reproductions, and its derivatives.

- W2²: with :math:`\sigma = \lambda \mu / (\lambda + \mu)` the least is :math:`\sigma (2 \operatorname{tr} S -
  \operatorname{tr} X - \operatorname{tr} S X^{-1} S)` at :math:`Y = \sigma X + (\lambda - \sigma) S`, and what is shown
  lies between the source's law and the estimate, :math:`\kappa = T T^T` with :math:`T = (\mu + \lambda X^{-1} S) /
  (\lambda + \mu)`. One X serves all decoders, those of the source's own law too, for which σ = λ.
- KL: with :math:`Y = \lambda S + \mu X` it is :math:`- \mu \operatorname{tr} X + \tfrac\mu2 \log\det \kappa^{-1}`,
  :math:`\kappa^{-1} = 1 + 2 \lambda S Y^{-1} X`.

In these X nothing is lost where a price is small.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array


class Alike(ABC):
    """Decoders that share a tangent X.

    Attributes
    ----------
    Y
        What they add to B, shape (n, n).
    value
        The sum of their ψ.
    scale, W
        Its derivative in X is ``scale (W - 1)``, that of Y is ``scale``.
    """

    Y: Array
    value: float
    scale: float
    W: Array

    @abstractmethod
    def __init__(self, question: Question, w: Array, place: int, decoders: Sequence[int], X: Array) -> None:
        self.s2, self.X, self.place, self.decoders = question.variances, X, place, list(decoders)
        K = question.D.size
        self.price = w[1 + np.array(self.decoders)]
        self.dear = np.where(question.pinned[self.decoders], np.inf, w[1 + K + np.array(self.decoders)])

    @staticmethod
    @abstractmethod
    def start(question: Question, w: Array, decoders: Sequence[int], point: Axes) -> Array:
        """Return the X of a reproduction on the axes."""

    @staticmethod
    @abstractmethod
    def safe(question: Question, w: Array, decoders: Sequence[int]) -> Array:
        """Return an X that always proves something."""

    @abstractmethod
    def curvature(self, basis: Array) -> Array:
        """Return the second derivative of ψ in X, in a basis of symmetric matrices (n², m)."""

    @abstractmethod
    def by_prices(self, left: Array) -> tuple[Array, Array, Array]:
        """Return derivatives in ``(λ, μ)`` of each decoder, X fixed: of Y, the second ones of ψ + tr ΔY, and of W."""

    @abstractmethod
    def tangents(self) -> Iterator[tuple[int, Array]]:
        """Return each decoder and its Y."""

    @abstractmethod
    def outputs(self) -> Iterator[tuple[int, Array]]:
        """Return each decoder and a factor of κ."""


class Moved(Alike):
    """Decoders judged by W2², or that show the source's own law."""

    def __init__(self, question: Question, w: Array, place: int, decoders: Sequence[int], X: Array) -> None:
        super().__init__(question, w, place, decoders, X)
        self.both = self.price + self.dear
        # The source's part of what is shown, one where that is its own law.
        self.share = 1 - self.price / self.both
        self.scale = float((self.price * self.share).sum())
        self.E = _inverse(X)
        self.W = (self.E * self.s2**2) @ self.E
        self.apart = float(2 * self.s2.sum() - np.trace(X) - self.s2**2 @ np.diag(self.E))
        self.value = self.scale * self.apart
        self.Y = self.scale * X + (float(self.price.sum()) - self.scale) * np.diag(self.s2)

    @staticmethod
    def start(question: Question, w: Array, decoders: Sequence[int], point: Axes) -> Array:
        return np.diag(question.variances / (1 - point.d))

    @staticmethod
    def safe(question: Question, w: Array, decoders: Sequence[int]) -> Array:
        return np.diag(question.variances)

    def curvature(self, basis: Array) -> Array:
        both = np.kron(self.E, self.W)
        return np.asarray(-self.scale * basis.T @ (both + np.kron(self.W, self.E)) @ basis)

    def by_prices(self, left: Array) -> tuple[Array, Array, Array]:
        S, n, count = np.diag(self.s2), self.s2.size, len(self.decoders)
        away = self.X - S
        # How far the estimate is from the source in W2².
        apart = self.apart + float((left * away).sum())
        by, plain = np.zeros((2 * count, n, n)), np.zeros((2 * count, 2 * count))
        for i, share in enumerate(self.share):
            by[2 * i] = S + share**2 * away
            if np.isfinite(self.dear[i]):
                by[2 * i + 1] = (1 - share) ** 2 * away
                turn = np.array([share, -(1 - share)])
                plain[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = -2 * apart / self.both[i] * np.outer(turn, turn)
        return by, plain, np.zeros((2 * count, n, n))

    def tangents(self) -> Iterator[tuple[int, Array]]:
        for j, price, share in zip(self.decoders, self.price, self.share, strict=True):
            yield j, price * (share * self.X + (1 - share) * np.diag(self.s2))

    def outputs(self) -> Iterator[tuple[int, Array]]:
        for j, share in zip(self.decoders, self.share, strict=True):
            yield j, share * np.eye(self.s2.size) + (1 - share) * self.E * self.s2


class Bent(Alike):
    """One decoder judged by KL."""

    def __init__(self, question: Question, w: Array, place: int, decoders: Sequence[int], X: Array) -> None:
        super().__init__(question, w, place, decoders, X)
        price, dear, n = float(self.price[0]), float(self.dear[0]), self.s2.size
        self.scale = dear
        self.Y = price * np.diag(self.s2) + dear * X
        self.E = _inverse(self.Y)
        self.F = self.s2[:, None] * self.E
        inverse = np.eye(n) + 2 * price * self.F @ X
        self.values, self.axes = np.linalg.eigh((inverse + inverse.T) / 2)
        if not self.values[0] > 0:
            raise np.linalg.LinAlgError("the tangent is too steep for its prices")
        self.kappa = (self.axes / self.values) @ self.axes.T
        self.W = price**2 * self.F.T @ self.kappa @ self.F
        self.value = dear * float(np.log(self.values).sum() / 2 - np.trace(X))

    @staticmethod
    def start(question: Question, w: Array, decoders: Sequence[int], point: Axes) -> Array:
        j, K = decoders[0], question.D.size
        extra = (point.x[j] + point.d) / (1 - point.d)
        return np.diag(w[1 + j] / w[1 + K + j] * question.variances * extra)

    @staticmethod
    def safe(question: Question, w: Array, decoders: Sequence[int]) -> Array:
        return np.zeros((question.variances.size, question.variances.size))

    def curvature(self, basis: Array) -> Array:
        E, W = self.scale * self.E, self.W
        both = np.kron(E, W)
        both = both + np.kron(W, E) + 2 * np.kron(W, W)
        return np.asarray(-self.scale * basis.T @ both @ basis)

    def by_prices(self, left: Array) -> tuple[Array, Array, Array]:
        price, dear = float(self.price[0]), float(self.dear[0])
        E, F, X, S, kappa = self.E, self.F, self.X, np.diag(self.s2), self.kappa
        H = F @ X @ E @ X
        H = (H + H.T) / 2
        spread, both = kappa @ H @ kappa, float((kappa * H).sum())
        # Derivatives of tr κH, through κ and through H.
        by_price = -2 * dear * float((spread * H).sum()) - float(
            (kappa * (F @ S @ E @ X @ E @ X + F @ X @ E @ S @ E @ X)).sum()
        )
        by_dear = 2 * price * float((spread * H).sum()) - 2 * float((kappa * (F @ X @ E @ X @ E @ X)).sum())
        cross = 2 * dear * both + dear**2 * by_dear
        plain = np.array([[dear**2 * by_price, cross], [cross, -2 * price * both - price * dear * by_dear]])
        turned = E @ X @ self.W
        turned, bent = turned + turned.T, 2 * price**2 * F.T @ spread @ F
        of_W = np.array([dear / price * turned - dear * bent, -turned + price * bent])
        return np.array([S, X]), plain, of_W

    def tangents(self) -> Iterator[tuple[int, Array]]:
        yield self.decoders[0], self.Y

    def outputs(self) -> Iterator[tuple[int, Array]]:
        yield self.decoders[0], self.axes / np.sqrt(self.values)


def _inverse(A: Array) -> Array:
    """Return the inverse of a positive matrix, balanced first.

    Raises
    ------
    numpy.linalg.LinAlgError
        If it is not positive.
    """
    size = np.sqrt(np.maximum(np.diag(A), 0.0))
    if not size.all():
        raise np.linalg.LinAlgError("a diagonal entry is not positive")
    even = A / np.outer(size, size)
    inverse = cho_solve(cho_factor((even + even.T) / 2), np.eye(len(A))) / np.outer(size, size)
    return (inverse + inverse.T) / 2
