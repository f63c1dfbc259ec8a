r"""The certificate where neither a label told by several axes nor perception can be left out.

Prices and a positive Y a decoder bound the goal from below, whoever found them: see
:mod:`rdcfunc.gaussian.tangents` for the terms.
"""

from __future__ import annotations

import numpy as np

from rdcfunc.gaussian.certificate import blurred
from rdcfunc.gaussian.deviations import Transport
from rdcfunc.gaussian.labels import spectrum
from rdcfunc.gaussian.question import Question
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Roundings of a term for each row, generously.
_ROUNDINGS = 64


def best_bound(question: Question, w: Array, Y: Array) -> tuple[float, Array]:
    """Return the best lower bound of prices as they are, or without those that were left near zero."""
    K, s2 = question.D.size, question.variances
    blind, label = w.copy(), w.copy()
    blind[1 + K : 1 + 2 * K] = 0.0
    label[1 : 1 + 2 * K] = 0.0
    bounds = [(lower_bound(question, w, Y), w)]
    bounds += [(lower_bound(question, v, v[1 : 1 + K, None, None] * np.diag(s2)), v) for v in (blind, label)]
    return max(bounds, key=lambda pair: pair[0])


def lower_bound(question: Question, w: Array, Y: Array) -> float:
    """Return a lower bound on the goal, for any prices and positive matrices (K, k, k); zero if they prove nothing."""
    q, goal = question, float(w[question.goals])
    if not goal > 0 or not w[0] > 0:
        return 0.0
    # The goal's price is the unit: squares of tiny ones are lost.
    w, Y = w / goal, Y / goal
    rho = float(w[0])
    try:
        total, lost, factors = shown_bounds(q, w, Y)
    except np.linalg.LinAlgError:
        return 0.0
    factors.append(np.sqrt(w[-1]) * q.tells)
    beta = spectrum(np.concatenate(factors, axis=1))[1] / rho
    earned = rho * (np.log(np.maximum(1.0, 2 * beta)) / 2 + np.minimum(beta, 0.5))
    # Roots are known up to roundings of the largest.
    moved = rho * float(np.sqrt(beta.max() / np.maximum(0.25, beta)).sum())
    paid = np.multiply(w, q.levels, out=np.zeros_like(w), where=w > 0)
    paid[q.goals] = 0.0
    size = lost + moved + float(np.abs(earned).sum()) + float(paid.sum())
    total += float(earned.sum()) - float(paid.sum()) - _ROUNDINGS * beta.size * EPS * size - blurred(q, w)
    return max(0.0, total)


def shown_bounds(q: Question, w: Array, Y: Array) -> tuple[float, float, list[Array]]:
    """Return the sums of :func:`shown_bound` over the decoders that prices count, and their factors."""
    K, total, lost, factors = q.D.size, 0.0, 0.0, []
    for j in np.flatnonzero(w[1 : 1 + K] > 0):
        value, off, factor = shown_bound(q, bool(q.pinned[j]), (w[1 + j], w[1 + K + j]), (Y[j] + Y[j].T) / 2)
        total, lost = total + value, lost + off
        factors.append(factor)
    return total, lost, factors


def shown_bound(q: Question, pinned: bool, prices: tuple[float, float], Y: Array) -> tuple[float, float, Array]:
    """Return the least over what is shown, the size of what it is summed from, and a factor of Y.

    Raises
    ------
    numpy.linalg.LinAlgError
        If Y proves nothing at these prices.
    """
    price, dear = prices
    s2, n = q.variances, q.variances.size
    S, spread = float(s2.sum()), float(np.trace(Y))
    factor: Array = np.asarray(np.linalg.cholesky(Y), dtype=np.float64)
    size = price * S + spread
    if not pinned and dear == 0:
        if not np.array_equal(Y, price * np.diag(s2)):
            raise np.linalg.LinAlgError("what is shown has no price, so that Y = λ S is the only choice")
        return 0.0, size, factor
    if pinned or isinstance(q.deviation, Transport):
        # trace S A⁻¹ S <= 2 trace X S - trace X A X + |S - A X|² / least eigenvalue of A, for any X.
        part, other = (0.0, 1.0) if pinned else (price / (price + dear), dear / (price + dear))
        A = Y - price * part * np.diag(s2)
        inverse, least = _inverse(A, np.diag(Y))
        X = inverse * s2
        rest = np.diag(s2) - A @ X
        bounds = np.abs(X) * s2[:, None], np.abs(X) * (np.abs(A) @ np.abs(X))
        over = float((rest**2).sum()) / least
        most = 2 * float(s2 @ np.diag(X)) - float((X * (A @ X)).sum()) + over
        share = (price * other) ** 2
        value = price * (1 + other) * S - spread - share * most
        return value, size + share * (2 * float(bounds[0].sum()) + float(bounds[1].sum())), factor
    inverse, least = _inverse(Y, np.diag(Y))
    bent = s2[:, None] * inverse * s2
    N = np.eye(n) + 2 * price / dear * (np.diag(s2) - price * bent)
    values = np.linalg.eigvalsh((N + N.T) / 2)
    coarse_norm = float(np.abs(np.eye(n) + 2 * price / dear * (np.diag(s2) + price * np.abs(bent))).sum(1).max())
    # An error of the inverse grows with the condition of Y, balanced.
    coarse_norm *= 1 + 1 / float(np.linalg.eigvalsh(_balanced(Y)[0])[0])
    if values[0] <= _ROUNDINGS * n * EPS * coarse_norm:
        raise np.linalg.LinAlgError("the tangent is too steep for its prices")
    value = price * S - spread + dear / 2 * float(np.log(values).sum())
    return value, size + dear / 2 * float((coarse_norm / values).sum() + np.abs(np.log(values)).sum()), factor


def _balanced(A: Array) -> tuple[Array, Array]:
    size = np.sqrt(np.maximum(np.diag(A), 0.0))
    if not size.all():
        raise np.linalg.LinAlgError("a diagonal entry is not positive")
    return A / np.outer(size, size), size


def _inverse(A: Array, coarse: Array) -> tuple[Array, float]:
    """Return an inverse, and a lower bound on the least eigenvalue; ``coarse`` is what the diagonal was summed from."""
    even, size = _balanced(A)
    least = float(np.linalg.eigvalsh(even)[0])
    noise = _ROUNDINGS * len(A) * EPS * float((np.abs(coarse) / size**2).max())
    if least <= 2 * noise:
        raise np.linalg.LinAlgError("the tangent is too flat for its prices")
    return np.linalg.inv(even) / np.outer(size, size), (least - noise) * float(size.min()) ** 2
