"""Distortions: what it costs to show reproduction letter j when the source said x."""

from rdcfunc.distortions.base import Distortion, Hamming, Table, hamming, matrix
from rdcfunc.distortions.differences import Difference, difference
from rdcfunc.distortions.points import SquaredError, absolute_error, squared_error

__all__ = [
    "Difference",
    "Distortion",
    "Hamming",
    "SquaredError",
    "Table",
    "absolute_error",
    "difference",
    "hamming",
    "matrix",
    "squared_error",
]
