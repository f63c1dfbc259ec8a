"""W2² between samples and weighted letters: exactly where both are few, and by a coupling that is near the best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rdcfunc.information import Array
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.rows import Rows
from rdcfunc.perceptions import Wasserstein

#: Entries of a cost table for which the transport program is solved.
_SMALL = 100_000
#: Slopes, relative to one over the cost that is known, of the entropic coupling, passes at each, and how many of the
#: last ones see all coordinates.
_SLOPES, _PASSES, _FULL = (2.0, 8.0, 32.0), 6, 2


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
    if exact.total * len(letters) <= _SMALL and exact.machine.size == 1:
        return Transport(_exact(exact, letters, law), 0)
    q = np.maximum(law, 1e-12)
    q /= q.sum()
    scale, log_r, before, passes = 1.0 / max(miss, 1e-300), np.log(q), _SLOPES[0], 0
    for slope in _SLOPES:
        log_r = np.log(q) + (log_r - np.log(q)) * slope / before
        before = slope
        for at in range(_PASSES):
            cloud = Cloud(letters, log_r, np.zeros((len(q), 1)), slope * scale)
            if coarse is None or axes is None or (slope == _SLOPES[-1] and at >= _PASSES - _FULL):
                mass = rows.sweep(cloud).law
            else:
                mass = coarse.sweep(replace(cloud, letters=letters @ axes)).law
            log_r, passes = log_r + np.log(q / np.maximum(mass, 1e-300)), passes + 1
    sums = exact.sweep(Cloud(letters, log_r, np.zeros((len(q), 1)), before * scale))
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
    """Return W2² by the transport program, or in one dimension by the coupling that crosses nothing."""
    x, p = rows.some(rows.order), rows.p
    if rows.k == 1:
        first, second = np.argsort(x[:, 0], kind="stable"), np.argsort(letters[:, 0], kind="stable")
        x, p, letters, law = x[first], p[first], letters[second], law[second]
    cost = ((x[:, None] - letters[None]) ** 2).sum(axis=2)
    return Wasserstein(cost).value(p / p.sum(), law / law.sum())
