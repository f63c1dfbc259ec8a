"""First prices for difference distortions: of the Shannon lower bound, and of a coarse grid."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rdcfunc.distortions import Difference
from rdcfunc.information import Array, entropy
from rdcfunc.structure.certificate import best_constant
from rdcfunc.structure.tilt import Tilt, constant
from rdcfunc.structure.toeplitz import Toeplitz

#: Points of the coarse grid, and sweeps on it at a given distortion and at a given rate.
_COARSE, _SWEEPS, _RATE_SWEEPS = 256, 12, 60
#: Relative distance from the end where nothing is sent, in distortion and in nats, at which its price is a help.
_NEAR, _FEW = 0.1, 0.1


def last_tilt(d: Difference, p: Array, D: float, rate: float) -> Tilt:
    """Return the best constant at about the price at which nothing is sent any more, or at zero far from that end.

    It is the least of all prices, and the largest at which the constant j is optimal: no column sum of
    ``p_x e^{s (d(x, j) - d(x, k))}`` is above one.
    """
    j, most = best_constant(d, p)
    n = len(p)
    if (1 - _NEAR) * most > D or _FEW < rate < math.inf:
        return constant(n, j)
    costs = d.lags[n - 1 - j : 2 * n - 1 - j]
    # Rounding, or what costs a least distortion no more than the rate itself does.
    spare = max(1e-13, min(rate, 1e-9) if rate < math.inf else 0.0)
    low, high = 0.0, 1.0 / float(d.lags[d.lags > 0].min(initial=math.inf))
    for _ in range(200):
        s = 0.5 * high if low == 0 else math.sqrt(low * high)
        sums = Toeplitz(d.lags, s).transposed(p * np.exp(s * costs), 0)[0]
        low, high = (s, high) if sums.max() <= 1 + spare else (low, s)
        if high < 1.0001 * low:
            break
    s = 0.999 * low
    return replace(constant(n, j), price=s, masses=p * np.exp(s * costs))


def first_price(d: Difference, p: Array, D: float, rate: float) -> float:
    """Return a price to start from: that of the Shannon bound, unless q = p, on a coarse grid, asks for far less."""
    s, n = _shannon(d.lags, entropy(p), D, rate), len(p)
    stride = -(-n // _COARSE)
    p = np.add.reduceat(p, np.arange(0, n, stride))
    lags = d.lags[n - 1 + stride * np.arange(1 - len(p), len(p))]
    rough, q = s, 0.9 * p + 0.1 / len(p)
    for _ in range(_SWEEPS if rate == math.inf else _RATE_SWEEPS):
        kernel = Toeplitz(lags, rough)
        v, g, h = kernel.times(q, 0, 1, 2)
        v = np.maximum(v, kernel.error(q))
        loss, bend = float(p @ (g / v)), float(p @ (h / v - (g / v) ** 2))
        if not bend > 0:
            return s  # The coarse kernel is the identity: so small a distortion meets the Shannon bound.
        if rate == math.inf:
            step = (loss - D) / bend
        else:
            step = (rate + float(p @ np.log(v)) + rough * loss) / (rough * bend)
            q = q * kernel.transposed(p / v, 0)[0]
            q /= q.sum()
        rough = min(max(rough + step, rough / 2), 2 * rough)
    return min(s, 1.5 * rough) if rate == math.inf else rough


def _shannon(lags: Array, entropy: float, D: float, rate: float) -> float:
    """Return the price of the Shannon lower bound at this distortion or rate."""
    low, high, s = 0.0, math.inf, 1.0 / (float(np.median(lags)) or float(lags.max()))
    for _ in range(200):
        w = np.exp(-s * lags)
        total = float(w.sum())
        mean = float(w @ lags) / total
        spare = mean - D if rate == math.inf else rate - entropy + math.log(total) + s * mean
        low, high = (s, high) if spare > 0 else (low, s)
        if high < 1.001 * low:
            break
        s = 4 * s if high == math.inf else (s / 4 if low == 0 else math.sqrt(low * high))
    return s
