"""Readings of tilts under Hamming distortion, in O(n)."""

from __future__ import annotations

import math

import numpy as np

from rdcfunc.distortions import Hamming
from rdcfunc.information import Array
from rdcfunc.structure.kernel import UNIT
from rdcfunc.structure.reading import Reading
from rdcfunc.structure.tilt import Tilt, Tilted


def read(d: Hamming, p: Array, tilt: Tilt) -> Reading:
    r"""Return what any output law and price come to; the dual point is that of the law.

    All sums over the kernel are :math:`\sum_x u_x K_{xj} = r \sum_x u_x + (1 - r) u_j`, :math:`r = e^{-s}`. Pairwise
    sums of up to 2^30 terms err by less than 50 units of the sum of moduli: those of q and of the terms, which err by a
    few units themselves.
    """
    s, q = tilt.price, tilt.q / float(tilt.q.sum())
    r, gain = math.exp(-s), -math.expm1(-s)
    v = r + gain * q
    y = p / v
    logs = p * np.log(v)
    value = -float(logs.sum())
    noise = 120 * UNIT * (float(np.abs(logs).sum()) + 2)
    total = float(y.sum())
    top = (r * total + gain * float(y.max())) * (1 + 120 * UNIT)
    errors = float((y * (1 - q)).sum()) * r
    # 1 - q cancels only for a single letter, whose loss of digits the second term covers.
    spent = errors + 120 * UNIT * (errors + r)
    information = value + noise - s * errors * (1 - 120 * UNIT) + 120 * UNIT * s * r
    law = q * (r * total + gain * y)
    return Reading(value - noise - math.log(top), s, information, spent, Tilted(d, q, s, law / law.sum()))
