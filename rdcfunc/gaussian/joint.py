r"""A label told by several axes, and perception too: a convex program in matrices, for a conic solver.

On the axes of the source S, with Δ what is left and :math:`K_j` the reproductions' covariances, distortions are
:math:`\operatorname{tr} S + \operatorname{tr} K_j - 2 F(S - \Delta, K_j)`, W2² the same with Δ = 0. As
:math:`2 F(A, K) = \min_Z \operatorname{tr} Z A + \operatorname{tr} Z^{-1} K`, a positive matrix :math:`Z_j` a decoder
bounds the priced program from below by the max-det program of :mod:`rdcfunc.gaussian.labels` and by a least over K that
is explicit: with :math:`G = (\lambda + \mu) I - \lambda Z^{-1}` for W2² and
:math:`H = \lambda (I - Z^{-1}) + \tfrac\mu2 S^{-1}` for KL it is

.. math:: \mu \operatorname{tr} S - \mu^2 \operatorname{tr} G^{-1} S
          \quad\text{and}\quad \tfrac\mu2 \log\det \tfrac2\mu S^{1/2} H S^{1/2}.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from rdcfunc.certificate import EPS
from rdcfunc.gaussian.deviations import Transport
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array
from rdcfunc.model import solve_quietly

#: What the conic solver may leave of a distance from singular matrices.
_FLOOR = 1e-12


@dataclass(frozen=True, eq=False)
class Matrices:
    """What is left, in units of the axes, and the reproductions' covariances on the axes.

    Attributes
    ----------
    left, outputs
        Shapes (k, k) and (K, k, k).
    """

    left: Array
    outputs: Array

    def values(self, question: Question) -> Array:
        """Return ``(R, D.., P.., V)``."""
        S = np.diag(question.variances)
        D = [float(np.trace(S + K)) - 2 * fidelity(self.known(question), K) for K in self.outputs]
        P = [perceived(question, K) for K in self.outputs]
        rate = -np.linalg.slogdet(self.left)[1] / 2
        return np.array([rate, *D, *P, question.told @ self.left @ question.told])

    def known(self, question: Question) -> Array:
        """Return the covariance of the best estimate."""
        s = np.sqrt(question.variances)
        return s[:, None] * (np.eye(s.size) - self.left) * s

    def repaired(self, question: Question) -> Matrices | None:
        """Return matrices that meet every level, or None if they are not found."""
        point, K = self, self.outputs.shape[0]
        S = np.diag(question.variances)
        for _ in range(60):
            values, levels = point.values(question), question.levels
            over = np.maximum((values - levels) / np.maximum(values, 1e-300), 0.0)
            if not over.any():
                return point
            left, outputs = point.left, point.outputs.copy()
            for j in range(K):
                # Perception is convex in the covariance, and zero at the source's.
                part = min(1.0, 2 * over[1 + K + j])
                outputs[j] = (1 - part) * outputs[j] + part * S
            if over[0] > 0:
                values, axes = np.linalg.eigh(left)
                left = (axes * values ** (1 - 2 * over[0])) @ axes.T
            else:
                left = left * (1 - min(0.9, 2 * max(*over[1 : 1 + K], over[-1])))
            point = Matrices(left, outputs)
        return None

    def mixed(self, inner: Matrices, question: Question) -> Matrices | None:
        """Return a mixture with another point that meets every level, since all values are convex."""
        part = 1e-12
        while part < 1:
            left = (1 - part) * self.left + part * inner.left
            point = Matrices(left, (1 - part) * self.outputs + part * inner.outputs)
            if (point.values(question) <= question.levels).all():
                return point
            part *= 2
        return None


def root(A: Array) -> Array:
    """Return the positive root of a positive semidefinite matrix."""
    values, axes = np.linalg.eigh(A)
    return (axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T


def fidelity(A: Array, K: Array) -> float:
    """Return the trace of ``(A^½ K A^½)^½``."""
    return float(np.linalg.svd(root(A) @ root(K), compute_uv=False).sum())


def transport(A: Array, K: Array) -> Array:
    """Return the Z that takes a vector of covariance A to one of covariance K, both positive."""
    half = root(A)
    back = np.linalg.inv(half)
    return back @ root(half @ K @ half) @ back


def perceived(question: Question, K: Array) -> float:
    """Return the perception of a Gaussian law of covariance K."""
    s = np.sqrt(question.variances)
    if isinstance(question.deviation, Transport):
        return max(0.0, float(s @ s) + float(np.trace(K)) - 2 * fidelity(np.diag(s**2), K))
    ratio = np.linalg.eigvalsh(K / np.outer(s, s))
    with np.errstate(divide="ignore"):
        return float((ratio - 1 - np.log(np.maximum(ratio, 0.0))).sum()) / 2


def propose(question: Question) -> tuple[Matrices, Array, Array] | None:
    """Return matrices, prices and tangents Z from a conic solver, or None if it fails."""
    import cvxpy as cp

    q, n, K = question, question.variances.size, question.D.size
    s2, unity = q.variances, np.eye(n)
    # In units of the axes, and of the levels, so that nothing is far from one.
    unit = np.where((q.levels > 0) & (q.levels < inf), q.levels, 1.0)
    unit[q.goals] = 1.0
    left = cp.Variable((n, n), PSD=True)
    structure: list[Any] = [unity - left >> 0]
    outputs: list[Any] = []
    distances, perceptions = [], []
    for j in range(K):
        output = unity if q.pinned[j] else cp.Variable((n, n), PSD=True)
        outputs.append(output)
        spread = s2 @ (1 + cp.diag(output))
        distances.append(spread - 2 * s2 @ _cross(cp, unity - left, output, structure))
        if q.pinned[j] or not q.judged[j]:
            perceptions.append(cp.Constant(0.0))
        elif isinstance(q.deviation, Transport):
            perceptions.append(spread - 2 * s2 @ _cross(cp, unity, output, structure))
        else:
            perceptions.append((cp.trace(output) - n - cp.log_det(output)) / 2)
    values = [-cp.log_det(left) / 2, *distances, *perceptions, q.told @ left @ q.told]
    limits = {i: values[i] / unit[i] <= 1 for i, level in enumerate(q.levels) if 0 < level < inf}
    problem = cp.Problem(cp.Minimize(values[q.goals]), [*structure, *limits.values()])
    if not solve_quietly(problem, "CLARABEL") or left.value is None:
        return None
    w = np.zeros(q.levels.size)
    w[q.goals] = 1.0
    for i, limit in limits.items():
        w[i] = max(0.0, float(limit.dual_value)) / unit[i]
    parts, axes = np.linalg.eigh((left.value + left.value.T) / 2)
    told = (axes * np.clip(parts, _FLOOR, 1 - _FLOOR)) @ axes.T
    scale = np.sqrt(np.outer(s2, s2))
    found = np.array([scale * (unity if q.pinned[j] else _positive(outputs[j].value)) for j in range(K)])
    point = Matrices(told, found)
    return point, w, np.array([transport(point.known(q), output) for output in found])


def _cross(cp: Any, A: Any, K: Any, structure: list[Any]) -> Any:
    """Return the diagonal of a covariance that vectors of covariances A and K may have."""
    cross = cp.Variable(A.shape)
    structure.append(cp.bmat([[A, cross], [cross.T, K]]) >> 0)
    return cp.diag(cross)


def _positive(A: Array) -> Array:
    values, axes = np.linalg.eigh((A + A.T) / 2)
    return (axes * np.maximum(values, _FLOOR)) @ axes.T


def best_bound(question: Question, w: Array, Z: Array) -> tuple[float, Array]:
    """Return the best lower bound of prices as they are, or without those that the solver left near zero."""
    K, n = question.D.size, question.variances.size
    blind, label = w.copy(), w.copy()
    blind[1 + K : 1 + 2 * K] = 0.0
    label[1 : 1 + 2 * K] = 0.0
    ones = np.broadcast_to(np.eye(n), Z.shape)
    bounds = [(lower_bound(question, v, z), v) for v, z in ((w, Z), (blind, ones), (label, ones))]
    return max(bounds, key=lambda pair: pair[0])


def lower_bound(question: Question, w: Array, Z: Array) -> float:
    """Return a lower bound on the goal, for any prices and positive matrices; zero if they prove nothing."""
    q, n, K = question, question.variances.size, question.D.size
    goal, rho = float(w[q.goals]), float(w[0])
    if not goal > 0 or not rho > 0:
        return 0.0
    s = np.sqrt(q.variances)
    S = np.diag(q.variances)
    B = w[-1] * np.outer(q.label, q.label)
    terms, size = [], 0.0
    for j in range(K):
        price, dear = w[1 + j], w[1 + K + j]
        if price == 0:
            continue
        B = B + price * Z[j]
        back = np.linalg.inv(Z[j])
        terms.append(price * float(np.trace(S) - np.trace(Z[j] @ S)))
        size += price * float(np.trace(Z[j] @ S))
        if q.pinned[j]:
            terms.append(price * float(np.trace(S) - np.trace(back @ S)))
            size += price * float(np.trace(back @ S))
        elif dear == 0:
            # Without a price of perception K is free, and Z = I the only choice.
            if not np.array_equal(Z[j], np.eye(n)):
                return 0.0
        elif isinstance(q.deviation, Transport):
            G = (price + dear) * np.eye(n) - price * back
            least = float(np.linalg.eigvalsh(G)[0])
            if least <= 64 * n * EPS * (price + dear):
                return 0.0
            paid = dear**2 * float(np.trace(np.linalg.inv(G) @ S))
            terms.append(dear * float(np.trace(S)) - paid)
            size += paid * (1 + (price + dear) / least * EPS)
        else:
            H = price * (np.eye(n) - back) * np.outer(s, s) * 2 / dear + np.eye(n)
            values = np.linalg.eigvalsh(H)
            if values[0] <= 64 * n * EPS * values[-1]:
                return 0.0
            terms.append(dear / 2 * float(np.log(values).sum()))
            size += dear / 2 * n * float(values[-1] / values[0])
    beta = np.maximum(np.linalg.eigvalsh(s[:, None] * B * s) / rho, 0.0)
    terms.append(rho * float((np.log(np.maximum(1.0, 2 * beta)) / 2 + np.minimum(beta, 0.5)).sum()))
    size += rho * n * float(beta.max()) * float((1 / np.maximum(1.0, 2 * beta)).sum())
    paid = np.multiply(w, q.levels, out=np.zeros_like(w), where=w > 0)
    paid[q.goals] = 0.0
    size += sum(map(abs, terms)) + float(paid.sum())
    lost = 64 * n * EPS * size + q.blur * 4 * (n + q.dropped) * float(w[1 : 1 + 2 * K].sum())
    return max(0.0, (sum(terms) - float(paid.sum()) - lost) / goal)
