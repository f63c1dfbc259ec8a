"""W2² between samples and weighted letters: exactly where both are few, and by a coupling that is near the best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rdcfunc.information import Array
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.rows import Rows
from rdcfunc.perceptions import Wasserstein

#: Entries of a cost table for which the transport program is solved.
_SMALL = 400_000
#: Prices, relative to one over the cost that is known, of the entropic coupling, passes at each, and how many of the
#: last ones see all coordinates.
_PRICES, _PASSES, _FULL = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0), 5, 2


@dataclass(frozen=True)
class Transport:
    """A coupling of samples with letters: its cost, which W2² is at most, and the passes it took."""

    cost: float
    passes: int


def transport(
    plan: tuple[Rows | None, Rows, Rows], axes: Array | None, letters: Array, law: Array, miss: float
) -> Transport:
    """Return a coupling of all samples with letters (m, k) that have a law (m,), at most at cost ``miss``.

    Many letters are coupled by sweeps: the law of the letter that is sent at price s is brought to the given one by
    their weights, while s grows. What mass is left over then is coupled independently, so that the cost is achieved.

    Parameters
    ----------
    plan
        The samples along ``axes`` for most sweeps, or None; all coordinates for a few, and in double precision for the
        last, whose cost is returned.
    letters, law
        Points about the samples' mean, and their probabilities.
    """
    coarse, rows, exact = plan
    alone = exact.machine.size == 1
    if alone and exact.k == 1:
        return Transport(_on_a_line(exact, letters, law), 0)
    if alone and exact.total * len(letters) <= _SMALL:
        return Transport(_exact(exact, letters, law), 0)
    q = np.maximum(law, 1e-12)
    q /= q.sum()
    scale, log_r, before, passes = 1.0 / max(miss, 1e-300), np.log(q), _PRICES[0], 0
    start = rows if coarse is None or axes is None else coarse
    y = letters if coarse is None or axes is None else letters @ axes
    best, least = Cloud(letters, log_r, np.zeros((len(q), 1)), before * scale), np.inf
    for price in _PRICES:
        log_r = np.log(q) + (log_r - np.log(q)) * price / before
        before = price
        for _ in range(_PASSES):
            sums = start.sweep(Cloud(y, log_r, np.zeros((len(q), 1)), price * scale))
            mass, passes = np.maximum(sums.law, 1e-300), passes + 1
            cost = _cost(start.energy, sums.moments, mass, y, q)
            if cost < least:
                best, least = replace(best, log_r=log_r, s=price * scale), cost
            log_r = log_r + np.log(q / mass)
    for _ in range(_FULL if start is not rows else 0):
        mass, passes = np.maximum(rows.sweep(best).law, 1e-300), passes + 1
        best = replace(best, log_r=best.log_r + np.log(q / mass))
    sums = exact.sweep(best)
    cost = _cost(exact.energy, sums.moments, np.maximum(sums.law, 1e-300), letters, q)
    # The law that was coupled is the given one but for letters of no weight.
    lost = float(np.abs(q - law / law.sum()).sum()) * 4 * float((letters**2).sum(axis=1).max() + exact.norms.max())
    return Transport(min(cost + lost, miss), passes + 1)


def _cost(energy: float, moments: Array, mass: Array, y: Array, q: Array) -> float:
    """Return the cost of the coupling of a sweep, cut to the law q, with the rest coupled independently."""
    share = np.minimum(1.0, q / mass)
    left, lacking = (1 - share) @ moments, np.maximum(q - share * mass, 0.0)
    product = float(share @ np.einsum("jk,jk->j", moments, y))
    if lacking.sum() > 0:
        product += float(left @ (lacking @ y)) / float(lacking.sum())
    return energy + float(q @ (y**2).sum(axis=1)) - 2 * product


def _exact(rows: Rows, letters: Array, law: Array) -> float:
    """Return W2² by the transport program."""
    cost = sum((rows.some(rows.order)[:, None, i] - letters[:, i]) ** 2 for i in range(rows.k))
    return Wasserstein(cost).value(rows.p / rows.p.sum(), law / law.sum())


def _on_a_line(rows: Rows, letters: Array, law: Array) -> float:
    """Return W2² of numbers by the coupling that crosses nothing."""
    x, y = rows.some(rows.order)[:, 0], letters[:, 0]
    first, second = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    P, Q = np.cumsum(rows.p[first]), np.cumsum(law[second])
    P, Q = P / P[-1], Q / Q[-1]
    ends = np.sort(np.concatenate([P, Q[:-1]]))
    starts = np.concatenate([[0.0], ends[:-1]])
    at, to = (np.searchsorted(c[:-1], starts, side="right") for c in (P, Q))
    return float((ends - starts) @ (x[first][at] - y[second][to]) ** 2)
