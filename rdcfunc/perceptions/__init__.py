"""Perception: divergences between the source law and the law of its reproduction."""

from rdcfunc.perceptions.base import Divergence
from rdcfunc.perceptions.f_divergences import (
    KL,
    ChiSquared,
    FDivergence,
    Hellinger,
    JensenShannon,
    ReverseKL,
    TotalVariation,
)
from rdcfunc.perceptions.transport import Wasserstein

__all__ = [
    "KL",
    "ChiSquared",
    "Divergence",
    "FDivergence",
    "Hellinger",
    "JensenShannon",
    "ReverseKL",
    "TotalVariation",
    "Wasserstein",
]
