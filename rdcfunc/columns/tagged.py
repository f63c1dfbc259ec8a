"""Columns that carry a class posterior: the best posterior for each letter, certified.

At a price t of the log-loss, the column (k, b) earns

    f_k(b) = Σ_x v(x, k) Π_s b_s^{t L(x, s)},     b a law on the classes,

and a lower bound on a rate needs an upper bound on the supremum over b.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import logsumexp, softmax, xlogy

from rdcfunc.columns.cells import LEAST, Earner, Peaks, search
from rdcfunc.information import Array, Indices

#: Entries (starts times n times K) that one climb may hold, and the most climbs.
_MOST_ENTRIES, _CLIMBS = 2_000_000, 300
#: How far from a label row, towards the middle, a climb starts.
_INWARDS = 0.02


def log_earnings(log_weights: Array, labels: Array, t: float, accuracy: float = 1e-10) -> Array:
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
        How far above the largest supremum of all columns the bounds may be, in nats, where the search ends.

    Notes
    -----
    Deterministic labels have closed forms. Otherwise cells of the simplex are bounded and halved, see
    :mod:`rdcfunc.columns.cells`; only columns that may hold the overall maximum are bounded tightly. The number of
    cells grows like a power K - 1; the bound is valid but may be loose where the work limit ends the search.
    """
    shift = log_weights.max(axis=0)
    v = np.exp(log_weights - shift)
    if t == 0 or labels.shape[1] == 1:
        bound: Array = shift + np.log(v.sum(axis=0))
    elif _deterministic(labels):
        with np.errstate(divide="ignore"):
            classes = np.log(labels.T @ v)
        bound = shift + (classes.max(axis=0) if t >= 1 else (1 - t) * logsumexp(classes / (1 - t), axis=0))
    else:
        bound = best_posteriors(log_weights, labels, t, accuracy)[0]
    return bound


def best_posteriors(
    log_weights: Array, labels: Array, t: float, accuracy: float = 1e-10
) -> tuple[Array, Indices, Array, Array]:
    """Return bounds as :func:`log_earnings` does, and better points than those of :func:`proposals`, if there are."""
    live = log_weights.max(axis=1) > -np.inf
    parts = np.ascontiguousarray(log_weights[live]), np.ascontiguousarray(labels[live])
    return _searched(parts[0].tobytes(), parts[1].tobytes(), int(live.sum()), t, accuracy)


@lru_cache(maxsize=4)
def _searched(
    log_weights: bytes, labels: bytes, n: int, t: float, accuracy: float
) -> tuple[Array, Indices, Array, Array]:
    """Search once for all who ask about one candidate: its solver, its certificate, and the solution's."""
    log_v, laws = np.frombuffer(log_weights).reshape(n, -1), np.frombuffer(labels).reshape(n, -1)
    bound, found = search(Earner.merged(log_v, laws, t), Peaks(*proposals(log_v, laws, t)), accuracy)
    return bound, *_climb(log_v, laws, t, found.columns, found.laws)


def proposals(log_weights: Array, labels: Array, t: float) -> tuple[Indices, Array, Array]:
    """Return columns ``(k, b)`` at local maxima of f, and ``log f``, from a few starts for each k.

    The step ``b_s ~ Σ_x v(x, k) L(x, s) Π b^{tL}`` is EM for the mixture whose posterior b is; it never lowers f.
    Climbs start from the middle and near the label rows whose own terms are largest. Deterministic labels need none:
    f is largest at a vertex, or where its closed form for t < 1 says.

    Returns
    -------
    columns, posteriors, log_earned
        Shapes (c,), (c, K) and (c,).
    """
    (n, N), K = log_weights.shape, labels.shape[1]
    v = np.exp(log_weights - log_weights.max(axis=0))
    classes = np.maximum(v.T @ labels, LEAST)
    if _deterministic(labels):
        columns = np.arange(N) if t < 1 else np.repeat(np.arange(N), K)
        b = softmax(np.log(classes) / (1 - t), axis=1) if t < 1 else np.tile(np.eye(K), (N, 1))
        return columns, b, _log_earned(log_weights, labels, t, columns, b)
    rows = min(n, K + 2)
    middle = classes / classes.sum(axis=1, keepdims=True)
    peaks = log_weights + t * xlogy(labels, labels).sum(axis=1)[:, None]
    near = labels[np.argpartition(-peaks, rows - 1, axis=0)[:rows]]
    b = np.concatenate([middle[None], (1 - _INWARDS) * near + _INWARDS * middle]).reshape(-1, K)
    columns = np.tile(np.arange(N), rows + 1)
    return _climb(log_weights, labels, t, columns, b)


def _climb(log_weights: Array, labels: Array, t: float, columns: Indices, b: Array) -> tuple[Indices, Array, Array]:
    """Return where EM leads from some points, the most promising ones if they are many."""
    room = _MOST_ENTRIES // labels.size + 1
    if columns.size > room:
        kept = np.argpartition(-_log_earned(log_weights, labels, t, columns, b), room)[:room]
        columns, b = columns[kept], b[kept]
    log_v = log_weights[:, columns]
    for _ in range(_CLIMBS):
        before = b
        b = softmax(log_v + t * labels @ np.log(np.maximum(b, LEAST)).T, axis=0).T @ labels
        if np.abs(b - before).max(initial=0.0) < 1e-12:
            break
    return columns, b, _log_earned(log_weights, labels, t, columns, b)


def _deterministic(labels: Array) -> bool:
    return bool(((labels == 0) | (labels == 1)).all())


def _log_earned(log_weights: Array, labels: Array, t: float, columns: Indices, b: Array) -> Array:
    earned: Array = logsumexp(log_weights[:, columns] + t * labels @ np.log(np.maximum(b, LEAST)).T, axis=0)
    return earned
