"""Gaussian sources: numbers and vectors, known by their covariance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import Array
from rdcfunc.rounding import EPS

#: Part of the largest variance below which a component counts as constant.
_LEAST = 2.0**-300
#: Largest entry of a covariance, so that sums of a few are numbers.
_MOST = 1e300


@dataclass(frozen=True)
class Spectrum:
    """A covariance in its own axes: ``Σ = axes diag(variances) axesᵀ``.

    Attributes
    ----------
    variances
        The variances that count as positive, falling, shape (k,).
    axes
        Orthonormal columns, shape (n, k).
    blur
        How far a computed variance may be from a true one, by rounding.
    """

    variances: Array
    axes: Array
    blur: float


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A Gaussian source: a number with a variance, or a vector (n,) with a covariance (n, n).

    The mean plays no part: a reproduction shares it. A covariance may be singular. Eigenvalues that rounding cannot
    tell from zero, below ``n`` roundings of the largest, count as zero.

    Raises
    ------
    ValueError
        If the covariance is not finite, not symmetric, or has a negative eigenvalue.

    Examples
    --------
    >>> Gaussian(4.0).covariance
    array([[4.]])
    >>> Gaussian([[2.0, 1.0], [1.0, 2.0]]).spectrum.variances.round(12)
    array([3., 1.])
    """

    covariance: Array

    def __init__(self, covariance: ArrayLike) -> None:
        if checks.array(covariance, "covariance").ndim == 1:
            raise ValueError("covariance must be a variance or a square matrix (got a row); use np.diag(variances)")
        raw = checks.finite(covariance, "covariance", 0, 2)
        table = np.array(raw, ndmin=2)
        if table.shape[0] != table.shape[1]:
            raise ValueError(f"covariance must be a variance or a square matrix (got shape {table.shape})")
        size = float(np.abs(table).max())
        if size > _MOST:
            raise ValueError(f"covariance must hold numbers of at most {_MOST} (got {size:.6g}); rescale it")
        skew = float(np.abs(table - table.T).max())
        if skew > checks.SILENT_MASS * size:
            raise ValueError(f"covariance must be symmetric (got entries {skew:.3g} apart); use (A + A.T) / 2")
        object.__setattr__(self, "covariance", checks.frozen(table / 2 + table.T / 2))
        least = float(np.diag(table).min() if self.n == 1 else np.linalg.eigvalsh(self.covariance)[0])
        if least < -checks.SILENT_MASS * size or (self.n == 1 and least < 0):
            raise ValueError(f"covariance must be positive semidefinite (got the eigenvalue {least:.6g})")

    @property
    def n(self) -> int:
        """The number of components."""
        return self.covariance.shape[0]

    @property
    def pmf(self) -> Array:
        """Refuse: there is none.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("a Gaussian source has no pmf; sources.discretise makes one on a grid")

    @cached_property
    def spectrum(self) -> Spectrum:
        """The covariance in its own axes, without those of no variance."""
        diagonal = np.diag(self.covariance)
        if np.array_equal(np.diag(diagonal), self.covariance):
            order = np.argsort(-diagonal, kind="stable")
            order = order[diagonal[order] > _LEAST * float(diagonal.max())]
            return Spectrum(diagonal[order], np.eye(self.n)[:, order], 0.0)
        variances, axes = np.linalg.eigh(self.covariance)
        variances, axes = variances[::-1], axes[:, ::-1]
        blur = self.n * EPS * float(variances[0])
        return Spectrum(variances[variances > blur], axes[:, variances > blur], blur)
