"""Laws on points: what a cell, or a point, has of the mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from rdcfunc import checks
from rdcfunc.information import Array


def rising(points: ArrayLike) -> Array:
    """Return points on a line, checked."""
    x = checks.finite(points, "points", 1)
    if x.size < 2 or not (x[1:] > x[:-1]).all():
        raise ValueError("points must rise, and be two at least, for a scalar source; np.unique(points) sorts them")
    return x


def placed(points: ArrayLike, n: int) -> Array:
    """Return points in n dimensions, checked."""
    x = checks.finite(points, "points", 2)
    if x.shape[1] != n:
        raise ValueError(f"points must have shape (m, {n}) like the source (got {x.shape})")
    return x


class Law(Protocol):
    """A law on the line that knows its tails, as SciPy's frozen distributions do."""

    def cdf(self, x: Array) -> Array:
        """Return the mass up to x."""

    def sf(self, x: Array) -> Array:
        """Return the mass beyond x."""


@dataclass(frozen=True)
class Normal:
    """``N(mean, deviation²)``."""

    mean: float
    deviation: float

    def cdf(self, x: Array) -> Array:
        """Return the mass up to x."""
        return ndtr(_standard(x - self.mean, self.deviation))

    def sf(self, x: Array) -> Array:
        """Return the mass beyond x."""
        return ndtr(_standard(self.mean - x, self.deviation))


def _standard(distance: Array, deviation: float) -> Array:
    with np.errstate(over="ignore"):  # beyond all tails
        return distance / deviation


def masses(x: Array, law: Law) -> Array:
    """Return the masses of the cells around points, each tail computed from its own end."""
    ends = x[1:] / 2 + x[:-1] / 2
    below, above = np.concatenate([[0.0], law.cdf(ends), [1.0]]), np.concatenate([[1.0], law.sf(ends), [0.0]])
    return np.where(below[1:] < 0.5, np.diff(below), -np.diff(above))


def density(x: Array, mean: Array, covariance: Array) -> Array:
    """Return masses in proportion to the density at points."""
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), (x - mean).T)
    with np.errstate(over="ignore", invalid="ignore"):
        far = (whitened**2).sum(axis=0) / 2
    if not np.isfinite(far.min()):
        raise ValueError("points must lie where the law has some density (got none); move or rescale them")
    density = np.exp(far.min() - far)
    return density / density.sum()
