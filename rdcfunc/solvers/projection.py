"""The channel nearest to a given output law among those that meet linear levels.

For a reference law q of columns, ``min_W D(W ‖ q)`` s.t. ``E c_i <= b_i`` is solved by
``W(k|x) ~ q_k exp(-Σ s_i c_i(x, k))`` with the prices s >= 0 that maximise the concave

    G(s) = -Σ_x p_x log Σ_k q_k e^{-Σ s_i c_i(x,k)} - Σ s_i b_i,

of which there are few: a projected Newton method finds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rdcfunc.information import Array


@dataclass(frozen=True, eq=False)
class Projected:
    """A tilted channel with its value, gradient and curvature of G."""

    channel: Array
    value: float
    gradient: Array
    curvature: Array


def tilt(p: Array, log_q: Array, costs: list[Array], levels: Array, s: Array) -> Projected:
    """Return the channel tilted by the prices ``s`` and the derivatives of ``G`` there.

    ``log_q`` has shape (N,), or (n, N) with -inf where a pair is forbidden.
    """
    exponent = np.array(np.broadcast_to(log_q, (p.size, log_q.shape[-1])))
    for price, cost in zip(s, costs, strict=True):
        if price > 0:
            exponent -= price * cost
    top = exponent.max(axis=1, keepdims=True)
    exponent -= top
    channel = np.exp(exponent, out=exponent)
    mass = channel.sum(axis=1, keepdims=True)
    channel /= mass
    value = -float(p @ (top + np.log(mass))[:, 0]) - float(s @ levels)
    gradient, curvature, means = -levels, np.empty((s.size, s.size)), []
    for i, cost in enumerate(costs):
        weighted = channel * cost
        means.append(weighted.sum(axis=1))
        gradient[i] += float(p @ means[i])
        weighted *= p[:, None]
        for j in range(i + 1):
            second = float(np.vdot(weighted, costs[j])) - float(p @ (means[i] * means[j]))
            curvature[i, j] = curvature[j, i] = second
    return Projected(channel, value, gradient, curvature)


def project(
    p: Array,
    q: Array,
    costs: list[Array],
    levels: Array,
    s: Array,
    limit: Array,
    accuracy: float = 1e-10,
    forbidden: NDArray[np.bool_] | None = None,
) -> tuple[Array, Projected]:
    """Return the prices that maximise ``G`` and the tilted channel, from the prices ``s``.

    Levels that no channel meets send ``G`` to infinity; the climb ends where it proves that.

    Parameters
    ----------
    limit
        Largest prices allowed, shape (k,); levels that cannot be reached would send them to infinity.
    accuracy
        How far levels may be missed, relative to the level.
    forbidden
        Pairs (n, N) that no channel may use.
    """
    with np.errstate(divide="ignore"):
        log_q = np.log(q)
    if forbidden is not None:
        # A letter without mass may have no pair at all.
        log_q = np.where(forbidden & (p > 0)[:, None], -np.inf, log_q)
    missed = accuracy * np.maximum(levels, 1e-15)
    s = np.minimum(s, limit)
    now = tilt(p, log_q, costs, levels, s)
    # A channel within the levels has D(W ‖ q) <= -log min q, and G is a lower bound on it.
    unreachable = -float(np.log(q[q > 0].min())) + 1.0
    for _ in range(_STEPS):
        if now.value > unreachable:
            break
        free = ((s > 0) | (now.gradient > 0)) & ((s < limit) | (now.gradient < 0))
        if (np.abs(now.gradient[free]) <= missed[free]).all():
            break
        for direction in _directions(now, free):
            # Far out the curvature may vanish; a price grows at most eightfold in a step.
            step = np.clip(direction, -s, 8 * np.maximum(s, 1.0))
            trial, new = _line_search(p, log_q, costs, levels, s, step, limit, now)
            if new is not None:
                break
        if new is None or (trial == s).all():
            break
        s, now = trial, new
    return s, now


#: Newton steps of one projection, and halvings of one step.
_STEPS, _HALVINGS = 60, 30


def _directions(now: Projected, free: NDArray[np.bool_]) -> Iterator[Array]:
    """Yield Newton's direction on the free prices, then a scaled gradient, uphill even when clipped."""
    H, g = now.curvature[np.ix_(free, free)], now.gradient[free]
    diagonal = np.diag(H) + 1e-14 * np.trace(H) + 1e-300
    for solved in (np.linalg.lstsq(H, g)[0], g / diagonal):
        direction = np.zeros_like(now.gradient)
        direction[free] = solved
        yield direction


def _line_search(
    p: Array,
    log_q: Array,
    costs: list[Array],
    levels: Array,
    s: Array,
    step: Array,
    limit: Array,
    now: Projected,
) -> tuple[Array, Projected | None]:
    """Return the longest halving of a step that raises ``G`` enough, and None if there is none."""
    for halving in range(_HALVINGS):
        trial = np.clip(s + step / 2**halving, 0.0, limit)
        promised = float(now.gradient @ (trial - s))
        if promised < 0:
            continue
        new = tilt(p, log_q, costs, levels, trial)
        if new.value >= now.value + 1e-4 * promised - 1e-15 * abs(now.value):
            return trial, new
    return s, None
