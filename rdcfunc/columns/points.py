"""Letters that are points of R^k: the most that any of them earns at given prices.

A letter (y, b) with a class law b earns ``f(y, b) = Σ_x v_x e^{-s |x - y|²} b(c_x)^t``. Over b the supremum has closed
forms: with the sums ``A_c(y)`` over the samples of class c it is ``(Σ_c A_c^{1/(1-t)})^{1-t}`` for t < 1, and the
largest A_c for t >= 1. Either way ``log f(y) + s |y|²`` is convex in y, as it composes logarithms of sums of
exponentials of linear functions. A convex function on a box is at most the mean of its values at the corners with the
weights that have the mean y; and for these the mean of ``|corner|²`` exceeds ``|y|²`` by ``Σ (y_i - l_i)(h_i - y_i)``:

    log f(y) <= largest log f at a corner + s/4 Σ (h_i - l_i)²     on the box  l <= y <= h.

The maximum lies in the box around the samples, since it is a mean of them. Boxes are halved until the bound is tight.
In many dimensions the bound holds with samples projected to a few axes, as distances only shrink; it is then far from
tight, and the supremum is searched instead, which proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import logsumexp

from rdcfunc.information import Array, Indices
from rdcfunc.rounding import EPS

#: Dimensions up to which boxes are cut.
MOST_AXES = 3
#: Exponentials of one search, and of one round of it.
_WORK, _ROUND = 400_000_000, 4_000_000
#: Roundings of one exponent: of coordinates, differences, squares, their sum, prices and the exponential.
_ROUNDINGS = 16
#: Letters kept of each round, of those within a margin of the best, in nats.
_MET, _MARGIN = 64, 0.5


@dataclass(frozen=True, eq=False)
class Earner:
    """What letters earn from weighted samples.

    Attributes
    ----------
    points
        Samples (n, k).
    log_v
        Logarithms of their weights (n,).
    s, t
        Prices in nats.
    classes
        Their classes (n,), or None where the class does not count.
    """

    points: Array
    log_v: Array
    s: float
    t: float = 0.0
    classes: Indices | None = None

    def log_earned(self, y: Array) -> Array:
        """Return ``log sup_b f(y, b)`` for letters (u, k), never too small by more than :attr:`rounding`."""
        if self.classes is None or self.t == 0:
            return self._log_sum(slice(None), y)
        groups = [np.flatnonzero(self.classes == c) for c in np.unique(self.classes)]
        return told(np.stack([self._log_sum(group, y) for group in groups]), self.t)

    def _log_sum(self, which: slice | Indices, y: Array) -> Array:
        x, log_v = self.points[which], self.log_v[which]
        found = np.empty(len(y))
        step = max(1, _ROUND // len(x))
        for at in range(0, len(y), step):
            part = y[at : at + step]
            exponent = np.broadcast_to(log_v[:, None], (len(x), len(part))).copy()
            for i in range(x.shape[1]):
                exponent -= self.s * (x[:, i, None] - part[:, i]) ** 2
            found[at : at + step] = logsumexp(exponent, axis=0)
        return found

    @property
    def rounding(self) -> float:
        """What a value of :meth:`log_earned` may be off by."""
        n, k = self.points.shape
        size = 1.0 + float(np.abs(self.log_v).max())
        # An exponent below that of the largest weight by more than some 40 adds nothing that counts.
        spread = 40.0 + float(np.ptp(self.log_v)) + float(np.log(n))
        return EPS * (n + _ROUNDINGS * (k + 2) * (size + spread))


def told(log_sums: Array, t: float) -> Array:
    """Return the logarithm of the best that a class law makes of the sums of classes, shape (K, u) to (u,)."""
    if t == 0:
        found: Array = logsumexp(log_sums, axis=0)
    elif t >= 1:
        found = log_sums.max(axis=0)
    else:
        found = (1 - t) * logsumexp(log_sums / (1 - t), axis=0)
    return found


def supremum(earner: Earner, accuracy: float) -> tuple[float, Array]:
    """Return an upper bound on ``log sup f`` over all of R^k, k <= 3, and the best letters met, (u, k), best first.

    Parameters
    ----------
    earner
        What letters earn.
    accuracy
        How far above the best value met the bound may be, in nats, where the search ends.

    Notes
    -----
    The work is limited, by a count; where that ends the search the bound is valid, and loose.
    """
    if not earner.points.shape[1]:
        value = float(earner.log_earned(np.zeros((1, 0)))[0])
        return value + earner.rounding, np.zeros((1, 0))
    low, high = earner.points.min(axis=0), earner.points.max(axis=0)
    width = np.maximum(high - low, 0.0) * (1 + 4 * EPS)
    k = low.size
    corners = np.array(list(product((0, 1), repeat=k)))
    cells, level = np.zeros((1, k), dtype=np.int64), 0
    best, bound, work = -np.inf, -np.inf, float(_WORK)
    met = np.zeros((0, k + 1))
    slack, upper = earner.rounding, np.full(1, np.inf)
    while len(cells):
        lattice, place = np.unique((cells[:, None] + corners).reshape(-1, k), axis=0, return_inverse=True)
        cost = float(len(lattice)) * len(earner.points)
        if cost > work:
            bound = max(bound, float(upper.max()))
            break
        work -= cost
        step = width / 2.0**level
        y = low + lattice * step
        values = earner.log_earned(y)
        best = max(best, float(values.max()))
        highest = np.argsort(-values)[:_MET]
        met = np.concatenate([met, np.column_stack([values[highest], y[highest]])])
        met = met[met[:, 0] > best - _MARGIN]
        upper = values[place.reshape(-1, len(corners))].max(axis=1) + earner.s / 4 * float((step**2).sum())
        upper += slack + _ROUNDINGS * EPS * earner.s * float((width * step).sum())
        open_ = upper > best + accuracy
        bound = max(bound, float(upper[~open_].max(initial=-np.inf)))
        # The bound holds with the corners as they are computed: neighbours share them.
        upper = np.repeat(upper[open_], len(corners))
        cells, level = (2 * cells[open_, None] + corners).reshape(-1, k), level + 1
    return bound, met[np.argsort(-met[:, 0])][:, 1:]
