"""Simplices of class laws: the one around given laws, and the edges along which an entropy changes most."""

from __future__ import annotations

import numpy as np

from rdcfunc.information import Array, Indices
from rdcfunc.rounding import EPS

#: Lengths are divided by no less than this.
_LEAST = 1e-300


def around(laws: Array) -> Array:
    """Return corners (r, K) whose hull holds all laws (n, K), each of them once.

    Few laws are corners themselves; many are held by the simplex ``{b : b_s >= min_x L(x, s)}``, a hair larger than
    it is, as sums are rounded.
    """
    K = laws.shape[1]
    if len(laws) <= K:
        return laws
    least = laws.min(axis=0)
    corners: Array = least + (1 - least.sum() + 8 * K * EPS) * np.eye(K)
    return corners


def edges(corners: Array) -> tuple[Indices, Indices, Array]:
    """Return both ends (e,) of each edge of simplices (..., r, K), and its squared length (..., e).

    Lengths are those that an information sees, ``Σ_s (a_s - b_s)² / (a_s + b_s)``.
    """
    low, high = np.triu_indices(corners.shape[-2], 1)
    a, b = corners[..., low, :], corners[..., high, :]
    return low, high, ((a - b) ** 2 / np.maximum(a + b, _LEAST)).sum(axis=-1)
