"""Entropies of a letter's class bounded from below by linear functions, over a region of class posteriors.

What a letter leaves open of the class is ``h(u) = -Σ_s u_s log(u_s / Σ u)`` of its joint law ``u = P(X̂ = j, S = ·)``,
concave and homogeneous. On the cone over a cell of posteriors with corners ``v_i`` a linear function is below ``t h``
if it is at the corners, and the best of them is the chord through the corners, off by the second order of the width.
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Roundings of a corner that is the middle of middles, and of its entropy, generously.
_ROUNDINGS = 512 * EPS


def entropies(laws: Array) -> Array:
    """Return the homogeneous entropy of laws (..., K), which need not sum to one."""
    found: Array = np.maximum(entr(laws).sum(axis=-1) - entr(laws.sum(axis=-1)), 0.0)
    return found


def below(lines: Array, t: float, cells: Array) -> Array:
    """Return linear functions (m, K) of class laws moved until they touch ``t h`` from below on cells (m, r, K).

    They are moved along with the mass of the letter, which is what a constant is on class laws.
    """
    told, most = np.einsum("jrs,js->jr", cells, lines), t * entropies(cells)
    over = (told - most).max(axis=1)
    size = t * (1.0 + np.log(cells.shape[2])) + np.abs(lines).max(axis=1)
    found: Array = lines - (over + _ROUNDINGS * (1.0 + size))[:, None]
    return found
