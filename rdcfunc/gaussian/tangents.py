r"""Perception and a label told by several axes: at given prices, the best tangents of all distortions.

With Δ what is left of the source in units of its axes, S their variances and κ a reproduction in the same units,
distortion is at least :math:`\operatorname{tr} S (1 + \kappa) - \operatorname{tr} Z (1 - \Delta) - \operatorname{tr}
Z^{-1} S \kappa S` for any positive Z, and equal for the best one. So at prices ρ, λ, μ, ν and with :math:`Y = \lambda Z`
the priced program is the largest value of

.. math:: \psi_\lambda(\mu, Y) + \rho\,\varphi(B / \rho), \qquad B = Y + \nu a a^T,

which is concave in prices and Y together: φ is the max-det program of :mod:`rdcfunc.gaussian.labels`, and ψ the least
over κ, at

.. math:: T = \tfrac{\mu}{\lambda + \mu} (1 + \lambda^2 Q^{-1} S), \quad Q = (\lambda + \mu) Y - \lambda^2 S, \quad
          \kappa = T T^T \qquad \text{for W2², and} \qquad
          \kappa = (1 + \tfrac{2 \lambda}{\mu} (S - \lambda S Y^{-1} S))^{-1} \qquad \text{for KL.}

Newton's method finds Y. Nothing here has the size of the least variance, or of its inverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import block_diag, cho_factor, cho_solve

from rdcfunc.gaussian.components import Components
from rdcfunc.gaussian.deviations import Transport
from rdcfunc.gaussian.labels import bend, factor, spectrum
from rdcfunc.gaussian.matrices import Matrices
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array

#: Newton steps at given prices, halvings of one, and decrements at which it ends and is near.
_STEPS, _HALVINGS, _END, _NEAR = 60, 40, 1e-29, 1e-14


class Shown:
    """The least over one decoder's reproduction at prices λ and μ and a tangent Y: derivatives, and the reproduction."""

    def __init__(self, question: Question, pinned: bool, prices: tuple[float, float], Y: Array) -> None:
        price, dear = prices
        s2 = question.variances
        n = s2.size
        self.s2, self.Y, self.price, self.dear, self.pinned = s2, Y, price, dear, pinned
        self.moves = isinstance(question.deviation, Transport)
        if pinned:
            self.E = _inverse(Y)
            self.W = price**2 * (self.E * s2**2) @ self.E
            self.shown = np.eye(n)
        elif self.moves:
            self.E = _inverse((price + dear) * Y - price**2 * np.diag(s2))
            self.W = (price * dear) ** 2 * (self.E * s2**2) @ self.E
            self.shown = dear / (price + dear) * (np.eye(n) + price**2 * self.E * s2)
        else:
            self.E = _inverse(Y)
            bent = self.E * s2
            self.N = np.diag(price * s2) - price**2 * bent.T @ (s2[:, None] * np.eye(n)) + dear / 2 * np.eye(n)
            values, axes = np.linalg.eigh((self.N + self.N.T) / 2)
            if not values[0] > 0:
                raise np.linalg.LinAlgError("the tangent is too steep for its prices")
            self.kappa = (axes * (dear / 2 / values)) @ axes.T
            self.W = price**2 * bent @ self.kappa @ bent.T
            self.shown = (axes * np.sqrt(dear / 2 / values)) @ axes.T
            self.logdet = float(np.log(2 * values / dear).sum())

    @property
    def value(self) -> float:
        """ψ."""
        price, dear, S = self.price, self.dear, float(self.s2.sum())
        told = price * S - float(np.trace(self.Y))
        if self.pinned:
            return told + price * S - price**2 * float(self.s2**2 @ np.diag(self.E))
        if self.moves:
            share = price * dear / (price + dear)
            return told + share * S - share * price * dear * float(self.s2**2 @ np.diag(self.E))
        return told + dear / 2 * self.logdet

    def curvature(self, basis: Array) -> Array:
        """Return the second derivative in Y, in a basis of symmetric matrices (n², m)."""
        E, W = self.E, self.W
        scale = self.price + self.dear if self.moves and not self.pinned else 1.0
        both = np.kron(scale * E, W)
        both = both + np.kron(W, scale * E)
        if not self.moves and not self.pinned:
            both = both + 2 / self.dear * np.kron(W, W)
        return np.asarray(-basis.T @ both @ basis)

    def by_prices(self) -> tuple[Array, Array, Array]:
        """Return the second derivatives in (λ, μ), and those in Y and λ, and in Y and μ."""
        price, dear, s2, E, W = self.price, self.dear, self.s2, self.E, self.W
        n, S = s2.size, np.diag(s2)
        if self.pinned:
            least = -2 * float(s2**2 @ np.diag(E))
            return np.diag([least, 0.0]), 2 / price * W, np.zeros((n, n))
        if self.moves:
            Q1, Q2 = self.Y - 2 * price * S, self.Y
            V = (E * s2**2) @ E
            q = float(s2**2 @ np.diag(E))
            first = np.array([-np.sum(V * Q1), -np.sum(V * Q2)])
            second = np.array([[2 * np.sum(V * (Y1 @ E @ Y2)) for Y2 in (Q1, Q2)] for Y1 in (Q1, Q2)])
            second[0, 0] += 2 * float(s2 @ np.diag(V))
            both = price + dear
            f = price * dear / both
            f1 = np.array([dear**2, price**2]) / both**2
            f2 = np.array([[-(dear**2), price * dear], [price * dear, -(price**2)]]) * 2 / both**3
            turn = np.array([dear, price])
            c, c1 = price * dear * f, turn * f + price * dear * f1
            c2 = np.outer(turn, f1) + np.outer(f1, turn) + price * dear * f2 + f * np.array([[0, 1], [1, 0]])
            plain = float(s2.sum()) * f2 - c2 * q - np.outer(c1, first) - np.outer(first, c1) - c * second
            mixed = [2 * W / p - (price * dear) ** 2 * (E @ Qp @ V + V @ Qp @ E) for p, Qp in ((price, Q1), (dear, Q2))]
            return plain, mixed[0], mixed[1]
        slope = S - 2 * price * (s2[:, None] * E * s2)
        by_price = -2 / dear * self.kappa @ slope @ self.kappa
        by_dear = (self.kappa - self.kappa @ self.kappa) / dear
        plain = np.array(
            [
                [np.sum(by_price * slope) - 2 * np.sum(self.kappa * (s2[:, None] * E * s2)), np.sum(by_dear * slope)],
                [np.sum(by_dear * slope), -np.sum((self.kappa - np.eye(n)) ** 2) / (2 * dear)],
            ]
        )
        bent = price * E * s2
        return plain, 2 / price * W + bent @ by_price @ bent.T, bent @ by_dear @ bent.T


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


@dataclass(eq=False)
class Tangents:
    """The program at prices ``w = (ρ, λ.., μ.., ν)``, from the last tangents on."""

    question: Question
    last: tuple[Array, Array] | None = None

    @cached_property
    def basis(self) -> Array:
        """Orthonormal symmetric matrices, as columns (n², n (n + 1) / 2)."""
        n = self.question.variances.size
        rows, columns = np.triu_indices(n)
        basis = np.zeros((n, n, rows.size))
        each = np.arange(rows.size)
        basis[rows, columns, each] = basis[columns, rows, each] = np.where(rows == columns, 1.0, np.sqrt(0.5))
        return basis.reshape(n * n, -1)

    def best(self, w: Array) -> tuple[Matrices, Array, Array]:
        """Return the least at these prices, its values, and their derivatives in the prices."""
        q, K = self.question, self.question.D.size
        moved = [j for j in range(K) if q.judged[j] and w[1 + j] > 0]
        Y = self._first(w, moved)
        state, last = self._state(w, moved, Y), np.inf
        for _ in range(_STEPS):
            value, gradient, curvature, *_ = state
            step = _solve(-curvature, gradient)
            decrement = float(gradient @ step)
            # Once near, a decrement that no longer falls is rounding.
            if decrement <= _END * (1 + abs(value)) or last / 4 < decrement < _NEAR * (1 + abs(value)):
                break
            last = decrement
            part, found = 1.0, None
            for _ in range(_HALVINGS):
                try:
                    found = self._state(w, moved, Y + part * self._matrices(step, len(moved)))
                except np.linalg.LinAlgError:
                    found = None
                flat = 1e-13 * (1 + abs(value))
                if found is not None and found[0] >= value + 1e-4 * part * decrement - flat:
                    break
                part, found = part / 2, None
            if found is None:
                break
            state, Y = found, Y + part * self._matrices(step, len(moved))
        self.last = w.copy(), Y
        return self._answer(w, moved, state)

    def tangents(self, w: Array) -> Array:
        """Return Y for each decoder, (K, n, n): the last ones, and λ S where perception does not count."""
        q, K = self.question, self.question.D.size
        all_of_them = w[1 : 1 + K, None, None] * np.diag(q.variances)
        moved = [j for j in range(K) if q.judged[j] and w[1 + j] > 0]
        if self.last is not None and moved:
            all_of_them[moved] = self.last[1]
        return np.asarray(all_of_them)

    def _first(self, w: Array, moved: list[int]) -> Array:
        """Return tangents to start from: the last ones at these prices, or those without a label."""
        q, n = self.question, self.question.variances.size
        if not moved:
            return np.zeros((0, n, n))
        blind = w.copy()
        blind[-1] = 0.0
        point = Components(q).best(blind)[0]
        tries = [np.array([np.diag(w[1 + j] * q.variances * (1 + point.x[j]) / (1 - point.d)) for j in moved])]
        if self.last is not None:
            tries.insert(0, self.last[1] * (w[1:][moved] / self.last[0][1:][moved])[:, None, None])
        for Y in tries:
            try:
                self._state(w, moved, Y)
            except np.linalg.LinAlgError:
                continue
            return Y
        return np.array([w[1 + j] * np.diag(q.variances) for j in moved])

    def _state(self, w: Array, moved: list[int], Y: Array) -> tuple[float, Array, Array, list[Shown], Array, Array]:
        """Return value, gradient and curvature in Y, what is shown, and the spectrum of B."""
        q, K, n = self.question, self.question.D.size, self.question.variances.size
        shown = [Shown(q, bool(q.pinned[j]), (w[1 + j], w[1 + K + j]), Y[i]) for i, j in enumerate(moved)]
        still = float(sum(w[1 + j] for j in range(K) if j not in moved)) * q.variances
        axes, beta = spectrum(np.concatenate([factor(still, w[-1], q.tells), *map(np.linalg.cholesky, Y)], axis=1))
        # With perception something is told of every axis, so that 2 β > ρ at the best Y: no kink on the way.
        least = 0.0 if moved else 1.0
        part = 1 / np.maximum(least, 2 * beta / w[0])
        earned = w[0] * float((np.log(1 / part) / 2).sum()) + float(part @ beta)
        left = (axes * part) @ axes.T
        slopes = [s.W - np.eye(n) + left for s in shown]
        gradient = np.concatenate([self.basis.T @ g.ravel() for g in slopes]) if moved else np.zeros(0)
        told = self._bend(axes, bend(beta / w[0], least) / w[0])
        inner = np.tile(told, (len(moved), len(moved)))
        if moved:
            inner = inner + block_diag(*[s.curvature(self.basis) for s in shown])
        return sum(s.value for s in shown) + earned, gradient, inner, shown, axes, beta

    def _bend(self, axes: Array, slopes: Array) -> Array:
        turned = np.kron(axes, axes).T @ self.basis
        return np.asarray(turned.T @ (slopes.ravel()[:, None] * turned))

    def _matrices(self, step: Array, count: int) -> Array:
        n = self.question.variances.size
        return np.array([(self.basis @ part).reshape(n, n) for part in np.split(step, count)]) if count else step

    def _answer(
        self, w: Array, moved: list[int], state: tuple[float, Array, Array, list[Shown], Array, Array]
    ) -> tuple[Matrices, Array, Array]:
        q, K, n = self.question, self.question.D.size, self.question.variances.size
        _, _, inner, shown, axes, beta = state
        rho = float(w[0])
        part = 1 / np.maximum(1.0, 2 * beta / rho)
        outputs = np.tile(np.eye(n), (K, 1, 1))
        for i, j in enumerate(moved):
            outputs[j] = shown[i].shown
        known = axes * np.sqrt(1 - part)
        for j in range(K):
            if not q.judged[j]:
                outputs[j] = known
        point = Matrices(part, axes, outputs)
        # Second derivatives in the prices alone, and in these and Y.
        least = 0.0 if moved else 1.0
        live, slopes = 2 * beta > least * rho, bend(beta / rho, least) / rho
        half = np.divide(0.5, beta, out=np.zeros_like(beta), where=live)
        directions = {j + 1: np.diag(q.variances) for j in range(K) if j not in moved}
        directions[1 + 2 * K] = q.tells @ q.tells.T
        J, mixed = np.zeros((2 + 2 * K, 2 + 2 * K)), np.zeros((inner.shape[0], 2 + 2 * K))
        size = self.basis.shape[1]
        eased = {}
        for i, X in directions.items():
            eased[i] = axes @ (slopes * (axes.T @ X @ axes)) @ axes.T
            mixed[:, i] = np.tile(self.basis.T @ eased[i].ravel(), len(moved))
        for i, X in directions.items():
            for k in directions:
                J[i, k] = np.sum(X * eased[k])
            J[i, 0] = J[0, i] = np.sum(X * ((axes * half) @ axes.T))
        J[0, 0] = -np.count_nonzero(live) / (2 * rho)
        mixed[:, 0] = np.tile(self.basis.T @ ((axes * half) @ axes.T).ravel(), len(moved))
        for i, j in enumerate(moved):
            plain, by_price, by_dear = shown[i].by_prices()
            at = [1 + j, 1 + K + j]
            J[np.ix_(at, at)] += plain
            rows = slice(i * size, (i + 1) * size)
            mixed[rows, 1 + j] += self.basis.T @ by_price.ravel()
            mixed[rows, 1 + K + j] += self.basis.T @ by_dear.ravel()
        if moved:
            J = J + mixed.T @ _solve(-inner, mixed)
        return point, point.values(q), J


def _solve(A: Array, b: Array) -> Array:
    """Return ``A⁻¹ b`` for a positive semidefinite A, balanced first."""
    size = np.sqrt(np.maximum(np.diag(A), 1e-300))
    even = A / np.outer(size, size)
    scaled = b / (size if b.ndim == 1 else size[:, None])
    try:
        found = cho_solve(cho_factor(even), scaled)
    except np.linalg.LinAlgError:
        found = np.linalg.lstsq(even, scaled, rcond=1e-14)[0]
    return np.asarray(found / (size if b.ndim == 1 else size[:, None]))
