"""Branch and bound over class posteriors: what a column can earn on a cell of the simplex.

With the weights w of source letters that belong to a posterior, ``b = Σ_x w_x L_x``,

    log sup_b f(b) = max_b F(b),   F(b) = max {Σ_x w_x log v_x + H(w) : Σ_x w_x L_x = b} - t H(b),

which is minus infinity outside of the hull of the label rows ``L_x``. Any law β on the classes, with
``w_β(x) ~ v_x Π_s β_s^{t L(x,s)}`` and its own posterior ``m = Σ_x w_β(x) L_x``, bounds it:

    F(b) = log f(β) + t KL(b‖β) - min_w KL(w‖w_β) <= log f(β) + t KL(b‖β) - θ KL(b‖m)

for θ = 1 by data processing, and for a larger θ near m by the strong form of it: the label of a letter tells laws of
letters apart less well than the letters themselves. For ``θ <= t`` the right side is convex in b, hence at most the
largest of its values at the corners of a cell. It is off by the second order of the cell's width, and where
``θ >= t`` it is flat: a cell around a maximum is closed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from rdcfunc.columns.simplices import around, edges
from rdcfunc.information import Array, Indices
from rdcfunc.rounding import EPS

#: Class probabilities below this are raised to it where their logarithm is taken of; any law β gives a bound.
LEAST = 1e-30
#: Multiplications of one search, and entries of one round of it: some five seconds, and 100 MB, at most.
_WORK, _ROUND = 50_000_000, 1_000_000
#: Peaks that cells are bounded from: those this close to the highest, in nats, and the most of them.
_MARGIN, _MOST_PEAKS = 0.1, 200
#: Exponents beyond which the strong form of data processing is not tried.
_STEEP = 50.0
#: Relative rounding of a bound.
_ROUNDING = 16 * EPS


@dataclass(frozen=True, eq=False)
class Seen:
    """What c laws β show: β and its posterior m (c, K), ``log f(β)`` (c,), and the weights ``w_β`` (c, n)."""

    beta: Array
    log_f: Array
    weights: Array
    posterior: Array

    def take(self, which: Indices) -> Seen:
        """Return some of them."""
        return Seen(self.beta[which], self.log_f[which], self.weights[which], self.posterior[which])


@dataclass(frozen=True, eq=False)
class Earner:
    """What columns earn as functions of their posterior: ``log v`` (n, N), rows ``L`` (n, K) all different, and t."""

    log_weights: Array
    rows: Array
    t: float

    @classmethod
    def merged(cls, log_weights: Array, labels: Array, t: float) -> Earner:
        """Return the earner whose source letters with the same class law are one."""
        rows, group = np.unique(labels, axis=0, return_inverse=True)
        if len(rows) == len(labels):
            return cls(log_weights, labels, t)
        merged = np.full((len(rows), log_weights.shape[1]), -np.inf)
        np.logaddexp.at(merged, group.ravel(), log_weights)
        return cls(merged, rows, t)

    @cached_property
    def hull(self) -> Array:
        """Corners (r, K) of a simplex of class laws that holds all label rows."""
        return around(self.rows)

    def look(self, columns: Indices, beta: Array) -> Seen:
        """Return what f and its weights are at laws β (c, K)."""
        terms = self.log_weights[:, columns] + self.t * self.rows @ np.log(beta).T
        top = terms.max(axis=0)
        weights = np.exp(terms - top)
        total = weights.sum(axis=0)
        weights /= total
        return Seen(beta, top + np.log(total), weights.T, weights.T @ self.rows)

    def bound(self, seen: Seen, corners: Array, theta: Array) -> Array:
        """Return the bound of the module's first lines on cells with corners (c, r, K)."""
        slope = theta[:, None] * np.log(np.maximum(seen.posterior, LEAST)) - self.t * np.log(seen.beta)
        curved = (self.t - theta)[:, None] * xlogy(corners, corners).sum(axis=2)
        found: Array = seen.log_f + (curved + np.einsum("crs,cs->cr", corners, slope)).max(axis=1)
        return found

    def theta(self, seen: Seen, corners: Array) -> Array:
        """Return for each cell a θ with ``KL(w‖w_β) >= θ KL(b‖m)`` wherever the posterior b of w is in the cell.

        Donsker and Varadhan's bound with the functional ``y_x = κ Σ_s (L(x,s) - m_s) (b_s - m_s) / m_s`` reads

            KL(w‖w_β) >= κ |b - m|² - log E e^y >= κ |b - m|² - ½ E y² φ(y),   φ(y) = 2 (e^y - 1 - y) / y²,

        with ``|z|² = Σ z_s² / m_s``; φ grows with y, which is largest at a corner. And ``KL(b‖m) <= ½ ψ |b - m|²``.
        """
        root = 1.0 / np.sqrt(np.maximum(seen.posterior, LEAST))[:, None]
        rows = (self.rows - seen.posterior[:, None]) * root
        offsets = (corners - seen.posterior[:, None]) * root
        spread = _spread(rows, seen.weights)
        kappa = 1.0 / np.maximum(spread, 0.5 / self.t)
        y = kappa[:, None] * (rows @ offsets.swapaxes(1, 2)).max(axis=2)
        extra = np.maximum(_phi(np.minimum(y, _STEEP)) - 1.0, 0.0) * (rows**2).sum(axis=2)
        strength = 2 * kappa - kappa**2 * (spread + (seen.weights * extra).sum(axis=1))
        theta = strength / _psi(np.maximum(-(offsets * root).min(axis=(1, 2)), 0.0))
        return np.minimum(np.where(y.max(axis=1) < _STEEP, np.maximum(theta, 1.0), 1.0), self.t)


@dataclass(frozen=True, eq=False)
class Peaks:
    """Local maxima of f: columns (c,), laws (c, K) and ``log f`` (c,)."""

    columns: Indices
    laws: Array
    earned: Array

    def highest(self, margin: float, most: int) -> Peaks:
        """Return those within a margin of the highest, each once."""
        order = np.argsort(-self.earned, kind="stable")
        order = order[self.earned[order] > self.earned.max() - margin]
        keys = np.concatenate([self.columns[order, None], self.laws[order].round(6)], axis=1)
        kept = np.sort(np.unique(keys, axis=0, return_index=True)[1])[:most]
        return Peaks(self.columns[order[kept]], self.laws[order[kept]], self.earned[order[kept]])

    def near(self, columns: Indices, laws: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return the nearest peak of the same column, and whether there is one."""
        apart = ((laws[:, None] - self.laws) ** 2).sum(axis=2)
        apart[columns[:, None] != self.columns] = np.inf
        nearest = apart.argmin(axis=1)
        return self.laws[nearest], np.isfinite(apart[np.arange(columns.size), nearest])


def search(earner: Earner, peaks: Peaks, accuracy: float) -> tuple[Array, Peaks]:
    """Return an upper bound on ``log sup f`` for each column, and the points met that earn more than all before.

    Cells whose bound is no more than ``accuracy`` above the largest value known are closed; of the others, those with
    the largest bounds are cut in two first. The work is limited, by a count and not by a clock.

    Parameters
    ----------
    earner
        What is bounded.
    peaks
        Points known to earn much, local maxima if possible.
    accuracy
        How far above the largest value a bound may be, in nats.
    """
    (n, N), r = earner.log_weights.shape, len(earner.hull)
    bound = np.full(N, -np.inf)
    np.maximum.at(bound, peaks.columns, peaks.earned)
    attained, found = float(peaks.earned.max()), [Peaks(peaks.columns[:0], peaks.laws[:0], peaks.earned[:0])]
    peaks = peaks.highest(_MARGIN, _MOST_PEAKS)
    column, corners, upper = np.arange(N), np.repeat(earner.hull[None], N, axis=0), np.full(N, np.inf)
    work = r * (n + r * r)
    budget, most = _WORK // work + N, _ROUND // work + 64
    while column.size and budget > 0:
        if column.size > most:
            order = np.argpartition(-upper, most)
            taken, left = order[:most], order[most:]
        else:
            taken, left = np.arange(column.size), column[:0]
        budget -= taken.size
        here, cells = column[taken], corners[taken]
        seen, looked = _look(earner, peaks, here, cells, attained + accuracy)
        top = int(seen.log_f.argmax())
        if seen.log_f[top] > attained + accuracy:
            found.append(Peaks(here[[top]], seen.posterior[[top]], seen.log_f[[top]]))
        attained = max(attained, float(seen.log_f[top]))
        looked = np.minimum(looked, upper[taken])
        open_ = looked > attained + accuracy
        np.maximum.at(bound, here[~open_], looked[~open_])
        column, corners, upper = column[left], corners[left], upper[left]
        if open_.any():
            column = np.concatenate([column, here[open_], here[open_]])
            corners = np.concatenate([corners, *_halves(cells[open_])])
            upper = np.concatenate([upper, looked[open_], looked[open_]])
    np.maximum.at(bound, column, upper)
    bound += _ROUNDING * (np.abs(bound) + earner.t * -np.log(LEAST))
    met = zip(*((f.columns, f.laws, f.earned) for f in found), strict=True)
    return bound, Peaks(*(np.concatenate(parts) for parts in met))


def _look(earner: Earner, peaks: Peaks, columns: Indices, corners: Array, enough: float) -> tuple[Seen, Array]:
    """Return what is seen at the centres of cells, and bounds on the cells: from there, or from the nearest peak."""
    seen = earner.look(columns, np.maximum(corners.mean(axis=1), LEAST))
    upper = earner.bound(seen, corners, np.full(columns.size, min(1.0, earner.t)))
    wide = np.flatnonzero(upper > enough)
    if wide.size:
        view, cells = seen.take(wide), corners[wide]
        upper[wide] = np.minimum(upper[wide], earner.bound(view, cells, earner.theta(view, cells)))
        wide = wide[upper[wide] > enough]
    if wide.size:
        near, known = peaks.near(columns[wide], seen.beta[wide])
        beta = np.where(known[:, None], near, seen.posterior[wide])
        view, cells = earner.look(columns[wide], np.maximum(beta, LEAST)), corners[wide]
        upper[wide] = np.minimum(upper[wide], earner.bound(view, cells, earner.theta(view, cells)))
    return seen, upper


def _halves(corners: Array) -> tuple[Array, Array]:
    """Return both halves of each cell, cut across its longest edge as an information sees it."""
    first, second, lengths = edges(corners)
    longest = lengths.argmax(axis=1)
    cell, low, high = np.arange(len(corners)), first[longest], second[longest]
    middle = (corners[cell, low] + corners[cell, high]) / 2
    left, right = corners.copy(), corners.copy()
    left[cell, low], right[cell, high] = middle, middle
    return left, right


def _spread(rows: Array, weights: Array) -> Array:
    """Return at least the largest eigenvalue of ``Σ_x w_x z_x z_xᵀ``, at most K^(1/16) times it, for z (c, n, K)."""
    power = (rows * weights[:, :, None]).swapaxes(1, 2) @ rows
    for _ in range(3):
        power = power @ power
    bound: Array = np.einsum("cij,cij->c", power, power) ** (1 / 16)
    return bound * (1 + _ROUNDING)


def _phi(y: Array) -> Array:
    """Return ``2 (e^y - 1 - y) / y²``, which grows with y, never too small."""
    small = np.abs(y) < 1e-3
    z = np.where(small, 1.0, y)
    found: Array = np.where(small, 1 + y / 3 + y * y, 2 * (np.expm1(z) - z) / z**2)
    return found


def _psi(e: Array) -> Array:
    """Return the least ψ with ``(1+u) log(1+u) - u <= ½ ψ u²`` for u >= -e, e in [0, 1], never too small."""
    small = e < 1e-3
    z = np.where(small, 0.5, np.minimum(e, 1.0))
    found: Array = np.where(small, 1 + e / 3 + e * e, 2 * (xlogy(1 - z, 1 - z) + z) / z**2)
    return found
