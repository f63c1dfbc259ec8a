r"""Readings of tilts of difference distortions on uniform grids.

With :math:`v = K q` and any :math:`a > 0`,

.. math:: \sum_x p_x \ln a_x - \ln \max_j \sum_x p_x a_x e^{-s d(x,j)} - s D \le R(D) \le -\sum_x p_x \ln v_x - s E d

where the right side belongs to the channel ``K ∘ q / v``, its price moved until the level fits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from rdcfunc.distortions import Difference
from rdcfunc.information import Array, Indices
from rdcfunc.structure.exponential import Exponential
from rdcfunc.structure.kernel import CUT, UNIT, Bounded
from rdcfunc.structure.reading import Reading
from rdcfunc.structure.tilt import Tilt, Tilted
from rdcfunc.structure.toeplitz import Toeplitz, Transforms
from rdcfunc.structure.windows import Windows

#: Masses below this are answered by the nearest letter: products with them would underflow, and they weigh nothing.
TINY = 1e-200
#: Entries of windows beyond which transforms in 80 bits are faster.
_MOST_ENTRIES = 3e5
#: Bound on a transform's error, relative to column sums of one, beyond which it is repeated in 80 bits.
_FINE = 2e-11
#: Where rounding may be this part of a row's sum, the row is answered by the nearest letter.
_DROWNED = 1e-3
#: Prices tried to meet the level, and how far inside it they aim: relative to a distortion, and in nats.
_TRIES, _ROOM, _RATE_ROOM = 4, 1e-12, 1e-13


def read(d: Difference, p: Array, tilt: Tilt, D: float, rate: float) -> Reading:
    """Return what a tilt comes to, its channel's price moved to meet the distortion D, or the rate if that is finite.

    Distortions are those of the table, whose entries are those of the lags to within the slack.
    """
    most = (1 + d.slack) * (1 + 8 * UNIT)
    with np.errstate(all="ignore"):  # What breaks down is not finite, and bounds nothing.
        spent = _fitted(d, p, tilt, D / most * (1 - 8 * UNIT), rate)
        floor, price = _floor(d, p, tilt), tilt.price / (1 - d.slack) * (1 + 8 * UNIT)
        return Reading(floor, price, spent.information, spent.loss * most, spent.channel(d, p, tilt.q))


def live(p: Array) -> Indices:
    """Return the source letters whose mass counts."""
    return np.flatnonzero(p > TINY)


def tamed(lags: Array, s: float, y: Array) -> tuple[Array, Array, Toeplitz]:
    """Return column sums of ``y``, and y divided, where sums near it pass one, by the largest of them.

    The sums of the second are nearly at most one. A common factor would cost the largest violation; this costs each
    violation times the mass around it.
    """
    kernel, n = Toeplitz(lags, s), (len(lags) + 1) // 2
    (c,) = kernel.transposed(y, 0)
    near = np.flatnonzero(s * lags <= CUT / 2) - (n - 1)
    size = 2 * min(int(max(-near[0], near[-1])), n - 1) + 1
    return c, y / scipy.ndimage.maximum_filter1d(np.maximum(c, 1.0), size, mode="nearest"), kernel


def _floor(d: Difference, p: Array, tilt: Tilt) -> float:
    """Return the dual value without its level, whatever the masses."""
    n, s = len(p), tilt.price
    masses = p if tilt.masses is None else np.where((tilt.masses > 0) & (p > TINY), tilt.masses, p)
    _, y, kernel = tamed(d.lags, s, masses)
    if d.power == 1:
        every = Exponential(d.unit, n, np.arange(n), s)
        top = float((every.times(y, 0)[0] + every.accuracy(y)[0]).max())
    else:
        if kernel.error(y) > _FINE:
            kernel = Toeplitz(d.lags, s, np.longdouble)
        top = (float(kernel.transposed(y, 0)[0].max()) + kernel.error(y)) * (1 + 2 * UNIT)
    occurs = p > 0
    logs = p[occurs] * np.log(y[occurs] / p[occurs])
    slack = 4 * UNIT * (float(np.abs(logs).sum()) + 1)
    return math.fsum(logs) - slack - math.log(top) - 8 * UNIT


@dataclass(frozen=True, eq=False)
class _Spent:
    """What the channel at one price spends, the derivative of its loss by the price, and how it answers each row.

    ``sums`` are those of the rows of the kernel that are tilted, the others go ``straight`` to their ``answers``.
    """

    kernel: Bounded
    price: float
    information: float
    loss: float
    doubt: float
    curvature: float
    tilted: NDArray[np.bool_]
    sums: Array
    straight: Indices
    answers: Indices

    def channel(self, d: Difference, p: Array, q: Array) -> Tilted:
        """Return the channel with its output law."""
        y = np.where(self.tilted, p[self.kernel.rows] / self.sums, 0.0)
        law, letters = np.zeros(len(p)), self.kernel.letters
        law[letters] = q[letters] * np.maximum(self.kernel.at(self.price).transposed(y, 0)[0], 0.0)
        law += np.bincount(self.answers, p[self.straight], len(p))
        return Tilted(d, q, self.price, law / law.sum(), self.kernel.reach, self.straight, self.answers)


def _fitted(d: Difference, p: Array, tilt: Tilt, D: float, rate: float) -> _Spent:
    """Return the dearest channel found within the level, or else the last one tried."""
    s, best = tilt.price, None
    kernel = _kernel(d, live(p), np.flatnonzero(tilt.q > 0), s)
    for _ in range(_TRIES):
        kernel = kernel.at(s)
        found = _spend(kernel, s, d, p, tilt.q)
        if rate == math.inf:
            excess, room, bend = found.loss - D, D * _ROOM, found.curvature
        else:
            excess, room, bend = found.information - rate, _RATE_ROOM, -s * found.curvature
        if excess <= 0:
            best = found
            if excess >= -20 * room - 3 * found.doubt:
                break
        price = max(s + (excess + room) / bend, 0.3 * s) if abs(bend) > 0 else math.nan
        if not math.isfinite(price):
            break
        s = price
    return best or found


def _kernel(d: Difference, rows: Indices, support: Indices, s: float) -> Bounded:
    """Return windows, which cut the channel and sum it but for rounding, or transforms where these are faster."""
    n = d.shape[0]
    if d.power == 1:
        return Exponential(d.unit, n, rows, s)
    near = np.flatnonzero(s * d.lags <= CUT)
    share = min(1.0, 1.25 * float(near[-1] - near[0]) / n)
    return (Transforms if len(rows) * len(support) * share > _MOST_ENTRIES else Windows)(d.lags, rows, support, s)


def _spend(kernel: Bounded, s: float, d: Difference, p: Array, q: Array) -> _Spent:
    """Return bounds on what the channel at this price spends."""
    rows, weights = kernel.rows, q[kernel.letters]
    v, g, h = kernel.times(weights, 0, 1, 2)
    thin, thick = kernel.accuracy(weights)
    total, mass = math.fsum(weights), p[rows]
    tilted = thin < _DROWNED * v
    row, v1, mean, error = mass[tilted], v[tilted], (g / v)[tilted], 1.001 * (thin / v)[tilted]
    logs, terms = row * (np.log(v1) - math.log(total)), row * mean
    doubt = 1.01 * float((row * (thick / v)[tilted]).sum()) + float((np.abs(terms) * (1.01 * error + 8 * UNIT)).sum())
    loss = math.fsum(terms)
    value = -math.fsum(logs) + 4 * UNIT * float(np.abs(logs).sum()) + 1.01 * float((row * error).sum())
    occurs = p > 0
    occurs[rows[tilted]] = False
    straight = np.flatnonzero(occurs)
    support = np.flatnonzero(q > 0)
    answers = support[np.searchsorted((support[1:] + support[:-1]) // 2, straight)]
    told = -math.fsum(p[straight] * (np.log(q[answers]) - math.log(total))) * (1 + 8 * UNIT)
    lost = math.fsum(p[straight] * d.lags[len(p) - 1 + straight - answers]) * (1 + 8 * UNIT)
    information = value + told - s * (loss - doubt) + 8 * UNIT * (2 + abs(value))
    curvature = float((row * ((h / v)[tilted] - mean**2)).sum())
    sums = np.where(tilted, v, 1.0)
    return _Spent(kernel, s, information, loss + doubt + lost, doubt, curvature, tilted, sums, straight, answers)
