"""Cholesky's factors by LAPACK itself: steps of small programs are mostly overhead."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs, dtrtrs

from rdcfunc.information import Array

#: Relative lifts of a diagonal that are tried.
_LIFTS = (0.0, 1e-13, 1e-10)


def root(matrix: Array) -> Array:
    """Return U with ``UᵀU`` the symmetric matrix, of which the lower triangle is read.

    Near the end rounding may cost a matrix its definiteness, which a little of its own diagonal gives back.
    """
    if not matrix.size:
        return matrix
    diagonal = np.arange(len(matrix))
    for lift in _LIFTS:
        matrix[diagonal, diagonal] *= 1 + lift
        factor, info = dpotrf(matrix.T, lower=0, overwrite_a=0, clean=0)
        if info == 0:
            return np.asarray(factor)
    raise LinAlgError("the matrix is not positive definite")


def forward(factor: Array, side: Array) -> Array:
    """Return ``U⁻ᵀ side``."""
    return np.asarray(dtrtrs(factor, side, lower=0, trans=1)[0])


def backward(factor: Array, side: Array) -> Array:
    """Return ``U⁻¹ side``."""
    return np.asarray(dtrtrs(factor, side, lower=0)[0])


def solve(factor: Array, side: Array) -> Array:
    """Return ``(UᵀU)⁻¹ side``."""
    return np.asarray(dpotrs(factor, side, lower=0)[0]) if side.size else side


def inverse(factor: Array) -> Array:
    """Return ``(UᵀU)⁻¹``, of which the lower triangle alone counts, as for :func:`root`."""
    return np.asarray(dpotri(factor, lower=0)[0].T)
