"""Columns that carry a class posterior: the best posterior for each letter, certified.

At a price t of the log-loss, the column (k, b) earns

    f_k(b) = Σ_x v(x, k) Π_s b_s^{t L(x, s)},     b a law on the classes,

and a lower bound on a rate needs an upper bound on the supremum over b.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, softmax

from rdcfunc.information import Array, Indices

#: How often a cell's width may be halved, and the most entries (n times cells) that a round may hold.
_HALVINGS, _MOST_ENTRIES = 30, 400_000


def log_earnings(log_weights: Array, labels: Array, t: float, accuracy: float = 1e-8) -> Array:
    """Return an upper bound on ``log sup_b f_k(b)`` for each column k.

    Parameters
    ----------
    log_weights
        ``log v``, shape (n, N).
    labels
        ``L(x, s) = P(S = s | X = x)``, shape (n, K).
    t
        Price of the log-loss, at least zero.
    accuracy
        How far above the supremum the bound may be, in nats, where a search finds it.

    Notes
    -----
    Deterministic labels have closed forms. For t <= 1, f is concave in b, and a gradient bounds it. Beyond, cells
    of the simplex are bounded and halved; only columns that may hold the overall maximum are bounded tightly. The
    bound is valid but may be loose when its work limit ends it, which more than three or four classes do.
    """
    shift = log_weights.max(axis=0)
    v = np.exp(log_weights - shift)
    if t == 0 or labels.shape[1] == 1:
        return shift + np.log(v.sum(axis=0))
    if ((labels == 0) | (labels == 1)).all():
        with np.errstate(divide="ignore"):
            classes = np.log(labels.T @ v)
        bound = classes.max(axis=0) if t >= 1 else (1 - t) * logsumexp(classes / (1 - t), axis=0)
    elif t <= 1:
        bound = _concave(v, labels, t)
    else:
        return _branch_and_bound(log_weights, labels, t, accuracy)
    result: Array = shift + bound
    return result


def proposals(log_weights: Array, labels: Array, t: float, climbs: int = 200) -> tuple[Indices, Array, Array]:
    """Return columns ``(k, b)`` at local maxima of f, and ``log f``, from a few starts for each k.

    The step ``b_s ~ Σ_x v(x, k) L(x, s) Π b^{tL}`` is EM for the mixture whose posterior b is; it never lowers f.

    Returns
    -------
    columns, posteriors, log_earned
        Shapes (c,), (c, K) and (c,).
    """
    N, K = log_weights.shape[1], labels.shape[1]
    shift = log_weights.max(axis=0)
    v = np.exp(log_weights - shift)
    middle = (v.T @ labels) / v.sum(axis=0)[:, None]
    corners = np.repeat((0.9 * np.eye(K) + 0.1 / K)[None], N, axis=0)
    b = np.concatenate([middle[:, None], corners], axis=1).reshape(-1, K) + 1e-12
    columns = np.repeat(np.arange(N), K + 1)
    if t < 1 and ((labels == 0) | (labels == 1)).all():
        b, columns, climbs = (
            softmax(np.log(np.maximum(v.T @ labels, 1e-300)) / (1 - t), axis=1),
            np.arange(N),
            0,
        )
    b = np.maximum(b, 1e-300)
    b /= b.sum(axis=1, keepdims=True)
    weights = v[:, columns]
    for _ in range(climbs):
        before = b
        b = np.maximum((weights * np.exp(t * labels @ np.log(b).T)).T @ labels, 1e-300)
        b /= b.sum(axis=1, keepdims=True)
        if np.abs(b - before).max() < 1e-12:
            break
    earned = logsumexp(log_weights[:, columns] + t * labels @ np.log(b).T, axis=0)
    return columns, b, earned


def _concave(v: Array, labels: Array, t: float) -> Array:
    """Bound a concave f by its tangent: f <= max_s f_s(b) + (1 - t) f(b), f homogeneous of degree t."""
    K = labels.shape[1]
    b = np.full((v.shape[1], K), 1.0 / K)
    best = np.full(v.shape[1], np.inf)
    for _ in range(500):
        terms = v * np.exp(t * labels @ np.log(b).T)
        slopes = t * (terms.T @ labels) / b
        f = terms.sum(axis=0)
        best = np.minimum(best, np.log(slopes.max(axis=1) + (1 - t) * f))
        if (best - np.log(f)).max() < 1e-12:
            break
        # The fixed point b_s ~ Σ_x terms L(x, s) is the stationarity condition; EM for the best posterior.
        b = np.maximum(b * slopes, 1e-300)
        b /= b.sum(axis=1, keepdims=True)
    return best


def _branch_and_bound(log_weights: Array, labels: Array, t: float, accuracy: float) -> Array:
    """Bound f on simplicial cells, and halve those that may hold a larger value than the largest found.

    Each product is log-concave in b, so it lies below the exponential of its tangent at the cell's centre; a sum
    of such exponentials is convex, hence largest at a corner. The excess is of second order in the width of the
    cell, so that few cells stay open.
    """
    N, K = log_weights.shape[1], labels.shape[1]
    first, _, earned = proposals(log_weights, labels, t)
    attained = float(earned.max())
    bound = np.full(N, -np.inf)
    np.maximum.at(bound, first, earned)
    column, corners = np.arange(N), np.repeat(np.eye(K)[None], N, axis=0)
    for _ in range(_HALVINGS * (K - 1)):
        upper, value = _tangent_bounds(log_weights, labels, t, column, corners)
        attained = max(attained, float(value.max()))
        open_ = upper > attained + accuracy
        np.maximum.at(bound, column[~open_], upper[~open_])
        column, corners, upper = column[open_], corners[open_], upper[open_]
        if column.size == 0:
            return bound
        if column.size * labels.shape[0] > _MOST_ENTRIES:
            break
        column, corners = np.concatenate([column, column]), _bisected(corners)
    np.maximum.at(bound, column[: upper.size], upper)
    return bound


def _tangent_bounds(
    log_weights: Array, labels: Array, t: float, column: Indices, corners: Array
) -> tuple[Array, Array]:
    """Return ``log`` of an upper bound of f on each cell (c, K, K), and ``log f`` at its centre."""
    centre = corners.mean(axis=1)
    exponent = log_weights[:, column] + t * labels @ np.log(centre).T
    slope = t * labels[:, None, :] / centre[None]
    swing = np.einsum("xcs,cvs->vxc", slope, corners - centre[:, None])
    upper: Array = logsumexp(exponent + swing, axis=1).max(axis=0)
    return upper, logsumexp(exponent, axis=0)


def _bisected(corners: Array) -> Array:
    """Return both halves of each cell, cut across its longest edge."""
    c, K, _ = corners.shape
    i, j = np.triu_indices(K, 1)
    longest = ((corners[:, i] - corners[:, j]) ** 2).sum(axis=2).argmax(axis=1)
    cell, low, high = np.arange(c), i[longest], j[longest]
    middle = (corners[cell, low] + corners[cell, high]) / 2
    left, right = corners.copy(), corners.copy()
    left[cell, low], right[cell, high] = middle, middle
    return np.concatenate([left, right])
