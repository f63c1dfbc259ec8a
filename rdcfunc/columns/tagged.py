"""Columns that carry a class posterior: the best posterior for each letter, certified.

At a price t of the log-loss, the column (k, b) earns

    f_k(b) = Σ_x v(x, k) Π_s b_s^{t L(x, s)},     b a law on the classes,

and a lower bound on a rate needs an upper bound on the supremum over b.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from rdcfunc.information import Array

#: Cells of the search for two classes, and how often the best are halved.
_CELLS, _HALVINGS = 64, 40


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
    Deterministic labels and t <= 0 have closed forms. For t < 1, f is concave in b, and a gradient bounds it. For
    t > 1 and two classes, cells of [0, 1] are bounded and the best are halved until the bound is within
    ``accuracy``. For t > 1 and more classes the bound is valid but not tight: each product is replaced by a power
    of a weighted mean, which is convex in b and so largest at a vertex.
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
    elif labels.shape[1] == 2:
        bound = _two_classes(v, labels, t, accuracy)
    else:
        bound = _vertices(v, labels, t)
    result: Array = shift + bound
    return result


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


def _two_classes(v: Array, labels: Array, t: float, accuracy: float) -> Array:
    """Bound f on cells of b = P(S = 0): each product is unimodal in b, with its peak at b = L(x, 0)."""
    peak = labels[:, 0]

    def log_product(b: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            first = np.where(peak[:, None] > 0, peak[:, None] * np.log(b), 0.0)
            second = np.where(peak[:, None] < 1, (1 - peak[:, None]) * np.log1p(-b), 0.0)
        return t * (first + second)

    bounds = np.empty(v.shape[1])
    for k in range(v.shape[1]):
        low, high = np.linspace(0, 1, _CELLS + 1)[:-1], np.linspace(0, 1, _CELLS + 1)[1:]
        attained, settled = 0.0, 0.0
        for _ in range(_HALVINGS):
            inside = np.clip(peak[:, None], low, high)
            upper = v[:, k] @ np.exp(log_product(inside))
            attained = max(attained, float((v[:, k] @ np.exp(log_product((low + high) / 2))).max()))
            open_ = upper > attained * np.exp(accuracy)
            settled = max(settled, float(upper[~open_].max(initial=0.0)))
            low, high, upper = low[open_], high[open_], upper[open_]
            if low.size == 0:
                break
            middle = (low + high) / 2
            low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        remaining = upper.max() if low.size else 0.0
        bounds[k] = np.log(max(settled, remaining, attained))
    return bounds


def _vertices(v: Array, labels: Array, t: float) -> Array:
    """Bound f by Π b^L <= (Π β^L) Σ_s L b_s / β_s for a reference law β, here the class law of the column."""
    beta = np.maximum((v.T @ labels) / v.sum(axis=0)[:, None], 1e-12)
    bounds = []
    for reference in (beta, np.full_like(beta, 1.0 / labels.shape[1])):
        log_scale = t * labels @ np.log(reference).T
        vertex = [
            (v * np.exp(log_scale) * (labels[:, [s]] / reference[:, s]) ** t).sum(axis=0)
            for s in range(labels.shape[1])
        ]
        bounds.append(np.log(np.max(vertex, axis=0)))
    best: Array = np.min(bounds, axis=0)
    return best
