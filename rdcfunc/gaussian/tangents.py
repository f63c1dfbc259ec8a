r"""Perception and a label told by several axes: at given prices, the best tangents of all distortions.

With Δ what is left of the source in units of its axes, S their variances and κ a reproduction in the same units,
distortion is at least :math:`\operatorname{tr} S (1 + \kappa) - \operatorname{tr} Z (1 - \Delta) - \operatorname{tr}
Z^{-1} S \kappa S` for any positive Z, and equal for the best one. So with :math:`Y_j = \lambda_j Z_j` the program at
prices ρ, λ, μ, ν is the largest value over Y of

.. math:: \sum_j \psi_j(Y_j) + \rho\,\varphi(B / \rho), \qquad B = \sum_j Y_j + \nu a a^T,

which is concave: φ is the max-det program of :mod:`rdcfunc.gaussian.labels`, and ψ the least over κ, for which see
:mod:`rdcfunc.gaussian.shown`. Newton's method finds Y. Nothing has the size of the least variance, or of its inverse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.linalg import block_diag, cho_factor, cho_solve

from rdcfunc.gaussian.components import Axes, Components
from rdcfunc.gaussian.deviations import Transport
from rdcfunc.gaussian.labels import bend, factor, spectrum
from rdcfunc.gaussian.matrices import Matrices
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.shown import Alike, Bent, Moved
from rdcfunc.information import Array

#: Newton steps at given prices, halvings of one, and decrements at which it ends and is near.
_STEPS, _HALVINGS, _END, _NEAR = 60, 40, 1e-29, 1e-14


@dataclass(frozen=True, eq=False)
class State:
    """Where the search is: value, gradient and curvature, and the spectrum of B."""

    shown: list[Alike]
    value: float
    gradient: Array
    curvature: Array
    axes: Array
    beta: Array


@dataclass(eq=False)
class Tangents:
    """The program at prices ``w = (ρ, λ.., μ.., ν)``, from the last tangents on."""

    question: Question
    last: dict[int, Array] = field(default_factory=dict)
    state: State | None = None

    @cached_property
    def basis(self) -> Array:
        """Orthonormal symmetric matrices, as columns (n², n (n + 1) / 2)."""
        return symmetric(self.question.variances.size)

    def best(self, w: Array) -> tuple[Matrices, Array, Array]:
        """Return the least at these prices, its values, and their derivatives in the prices."""
        state, last = self._first(w), np.inf
        for _ in range(_STEPS):
            step = solve_positive(-state.curvature, state.gradient)
            decrement = float(state.gradient @ step)
            # Once near, a decrement that no longer falls is rounding.
            size = 1 + abs(state.value)
            if not decrement > _END * size or last / 4 < decrement < _NEAR * size:
                break
            last, part, found = decrement, 1.0, None
            for _ in range(_HALVINGS):
                found = self._moved(w, state, part * step)
                if found is not None and found.value >= state.value + 1e-4 * part * decrement - 1e-13 * size:
                    break
                part, found = part / 2, None
            if found is None:
                break
            state = found
        self.last, self.state = {s.place: s.X for s in state.shown}, state
        return self._answer(w, state)

    def tangents(self, w: Array) -> Array:
        """Return Y for each decoder, (K, n, n), at the last prices."""
        K = self.question.D.size
        every = w[1 : 1 + K, None, None] * np.diag(self.question.variances)
        for s in self.state.shown if self.state is not None else ():
            for j, Y in s.tangents():
                every[j] = Y
        return np.asarray(every)

    def _kinds(self, w: Array) -> list[tuple[type[Alike], int, list[int]]]:
        """Return what has tangents of its own: its kind, its place, and its decoders."""
        q, K = self.question, self.question.D.size
        priced = [j for j in range(K) if w[1 + j] > 0 and q.judged[j] and (q.pinned[j] or w[1 + K + j] > 0)]
        moved = [j for j in priced if q.pinned[j] or isinstance(q.deviation, Transport)]
        kinds: list[tuple[type[Alike], int, list[int]]] = [(Bent, j, [j]) for j in priced if j not in moved]
        return [(Moved, -1, moved), *kinds] if moved else kinds

    def _first(self, w: Array) -> State:
        """Return tangents to start from: the last ones, or those without a label."""
        kinds = self._kinds(w)
        blind = w.copy()
        blind[-1] = 0.0
        point: Axes = Components(self.question).best(blind)[0]
        tries = [[kind.start(self.question, w, js, point) for kind, _, js in kinds]]
        if all(place in self.last for _, place, _ in kinds):
            tries.insert(0, [self.last[place] for _, place, _ in kinds])
        tries.append([kind.safe(self.question, w, js) for kind, _, js in kinds])
        for X in tries:
            state = self._at(w, X)
            if state is not None:
                return state
        raise ArithmeticError("no tangents to start from; this is a defect of rdcfunc, please report it")

    def _moved(self, w: Array, state: State, step: Array) -> State | None:
        n = self.question.variances.size
        steps = np.split(step, len(state.shown)) if state.shown else []
        moves = [(self.basis @ part).reshape(n, n) for part in steps]
        return self._at(w, [s.X + move for s, move in zip(state.shown, moves, strict=True)])

    def _at(self, w: Array, X: list[Array]) -> State | None:
        """Return the state at tangents, or None where they prove nothing."""
        q, n = self.question, self.question.variances.size
        try:
            shown = [kind(q, w, place, js, x) for (kind, place, js), x in zip(self._kinds(w), X, strict=True)]
            factors = [factor(self._still(w), w[-1], q.tells), *(np.linalg.cholesky(s.Y) for s in shown)]
        except np.linalg.LinAlgError:
            return None
        axes, beta = spectrum(np.concatenate(factors, axis=1))
        # With perception something is told of every axis, so that 2 β > ρ at the best Y: no kink on the way.
        least = 0.0 if shown else 1.0
        part = 1 / np.maximum(least, 2 * beta / w[0])
        earned = float(w[0] * (np.log(1 / part) / 2).sum() + part @ beta)
        left = (axes * part) @ axes.T
        slopes = bend(beta / w[0], least) / w[0]
        turned = np.kron(axes, axes).T @ self.basis
        told = turned.T @ (slopes.ravel()[:, None] * turned)
        scales = np.array([s.scale for s in shown])
        curvature = np.kron(np.outer(scales, scales), told)
        gradient = [s.scale * self.basis.T @ (s.W - np.eye(n) + left).ravel() for s in shown]
        if shown:
            curvature = curvature + block_diag(*(s.curvature(self.basis) for s in shown))
        value = sum(s.value for s in shown) + earned
        return State(shown, value, np.concatenate(gradient or [np.zeros(0)]), curvature, axes, beta)

    def _still(self, w: Array) -> Array:
        """Return what decoders without tangents of their own add to B."""
        moved = [j for _, _, js in self._kinds(w) for j in js]
        K = self.question.D.size
        return float(sum(w[1 + j] for j in range(K) if j not in moved)) * self.question.variances

    def _answer(self, w: Array, state: State) -> tuple[Matrices, Array, Array]:
        q, K, n = self.question, self.question.D.size, self.question.variances.size
        shown, axes, rho, least = state.shown, state.axes, float(w[0]), 0.0 if state.shown else 1.0
        part = np.minimum(1.0, 1 / np.maximum(least, 2 * state.beta / rho))
        outputs = np.tile(np.eye(n), (K, 1, 1))
        outputs[~q.judged] = axes * np.sqrt(1 - part)
        # How B moves with each price, and how Δ follows it.
        by = np.zeros((2 + 2 * K, n, n))
        by[-1] = q.tells @ q.tells.T
        moved = [j for s in shown for j in s.decoders]
        for j in range(K):
            if j not in moved:
                by[1 + j] = np.diag(q.variances)
        J, mixed = np.zeros((2 + 2 * K, 2 + 2 * K)), []
        for s in shown:
            for j, M in s.outputs():
                outputs[j] = M
            own, plain, of_W = s.by_prices((axes * part) @ axes.T)
            at = [i for j in s.decoders for i in (1 + j, 1 + K + j)]
            by[at] += own
            J[np.ix_(at, at)] += plain
            rows = np.zeros((2 + 2 * K, n, n))
            rows[at] = of_W
            mixed.append(rows)
        slopes = bend(state.beta / rho, least) / rho
        eased = np.array([axes @ (slopes * (axes.T @ X @ axes)) @ axes.T for X in by])
        live = 2 * state.beta > least * rho
        half = np.divide(0.5, state.beta, out=np.zeros_like(state.beta), where=live)
        eased[0] = (axes * half) @ axes.T
        J += np.einsum("iab,kab->ik", by, eased)
        J[0] = J[:, 0]
        J[0, 0] = -np.count_nonzero(live) / (2 * rho)
        if shown:
            turned = np.concatenate(
                [
                    s.scale * (rows + eased).reshape(2 + 2 * K, -1) @ self.basis
                    for s, rows in zip(shown, mixed, strict=True)
                ],
                axis=1,
            )
            J = J + turned @ solve_positive(-state.curvature, turned.T)
        point = Matrices(part, axes, outputs)
        return point, point.values(q), J


def symmetric(n: int) -> Array:
    """Return orthonormal symmetric matrices, as columns (n², n (n + 1) / 2)."""
    rows, columns = np.triu_indices(n)
    basis = np.zeros((n, n, rows.size))
    each = np.arange(rows.size)
    basis[rows, columns, each] = basis[columns, rows, each] = np.where(rows == columns, 1.0, np.sqrt(0.5))
    return basis.reshape(n * n, -1)


def solve_positive(A: Array, b: Array) -> Array:
    """Return ``A⁻¹ b`` for a positive semidefinite A, balanced first."""
    size = np.sqrt(np.maximum(np.diag(A), 1e-300))
    even = A / np.outer(size, size)
    scaled = b / (size if b.ndim == 1 else size[:, None])
    try:
        found = cho_solve(cho_factor(even), scaled)
    except np.linalg.LinAlgError:
        found = np.linalg.lstsq(even, scaled, rcond=1e-14)[0]
    return np.asarray(found / (size if b.ndim == 1 else size[:, None]))
