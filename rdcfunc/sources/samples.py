"""Samples: the empirical law of data, points of R^k that are reproduced by free points of R^k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import Array


@dataclass(frozen=True, eq=False)
class Samples:
    """The empirical law of n samples in R^k, to be reproduced by any points of R^k.

    With ``distortions.squared_error()``, which is the sum over coordinates; with ``perceptions.Wasserstein()``, which
    is W2² from the samples; and with ``classifications.ConditionalEntropy(labels, tagged=True)`` for n integers.

    Parameters
    ----------
    points
        Shape (n,) or (n, k).
    weights
        Probabilities (n,), or None for 1/n each.

    Raises
    ------
    ValueError
        If a point is not finite, or the weights are no law on n points.

    Examples
    --------
    >>> Samples([[0.0, 0.0], [1.0, 2.0]]).points.shape
    (2, 2)
    >>> Samples([3.0, 4.0, 4.0]).pmf
    array([0.33333333, 0.33333333, 0.33333333])
    """

    points: Array
    pmf: Array

    def __init__(self, points: ArrayLike, weights: ArrayLike | None = None) -> None:
        table = checks.finite(points, "points", 1, 2)
        table = checks.frozen(table.reshape(len(table), -1))
        object.__setattr__(self, "points", table)
        pmf = np.full(len(table), 1.0 / len(table)) if weights is None else checks.laws(weights, "weights", 1)
        if pmf.shape != (len(table),):
            raise ValueError(f"weights must have one entry for each of the {len(table)} points (got {pmf.size})")
        object.__setattr__(self, "pmf", checks.frozen(pmf))

    @property
    def n(self) -> int:
        """The number of samples."""
        return len(self.points)

    @property
    def k(self) -> int:
        """The dimension of a sample."""
        return self.points.shape[1]
