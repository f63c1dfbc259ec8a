"""Gaussian laws on points: what a cell, or a point, has of the mass."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from rdcfunc import checks
from rdcfunc.information import Array


def rising(points: ArrayLike) -> Array:
    """Return points on a line, checked."""
    x = checks.finite(points, "points", 1)
    if x.size < 2 or not (np.diff(x) > 0).all():
        raise ValueError("points must rise, and be two at least, for a scalar source")
    return x


def placed(points: ArrayLike, n: int) -> Array:
    """Return points in n dimensions, checked."""
    x = checks.finite(points, "points", 2)
    if x.shape[1] != n:
        raise ValueError(f"points must have shape (m, {n}) like the source (got {x.shape})")
    return x


def masses(x: Array, mean: float, variance: float) -> Array:
    """Return the masses of the cells around points, each tail computed from its own end."""
    ends = ((x[1:] + x[:-1]) / 2 - mean) / np.sqrt(variance)
    below, above = np.concatenate([[0.0], ndtr(ends), [1.0]]), np.concatenate([[1.0], ndtr(-ends), [0.0]])
    left = np.concatenate([ends, [np.inf]]) < 0
    return np.where(left, np.diff(below), -np.diff(above))


def density(x: Array, mean: Array, covariance: Array) -> Array:
    """Return masses in proportion to the density at points."""
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), (x - mean).T)
    density = np.exp(-(whitened**2).sum(axis=0) / 2)
    return density / density.sum()
