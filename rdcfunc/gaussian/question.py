"""A question on a Gaussian source in its own axes, and what proposers and the certificate exchange."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, pi

import numpy as np
from numpy.typing import NDArray

from rdcfunc.gaussian.deviations import Deviation
from rdcfunc.information import Array

#: Levels of the variance of a label, per entropy: h = ½ log(2πe v).
_TWO_PI_E = 2 * pi * exp(1.0)


@dataclass(frozen=True, eq=False)
class Question:
    """Levels in nats and in units of the largest variance, for K decoders on k axes.

    Attributes
    ----------
    variances
        Shape (k,), falling, the first one 1.
    deviation
        The perception between axes.
    R
        Level of the rate in nats.
    D, P
        Levels for each decoder, shape (K,).
    V
        Level of the label's variance that is left of what the source tells, ``aᵀ Δ a``.
    label
        ``a`` in these axes, shape (k,); or (k, q), if V bounds what is left of the variances of q numbers in all.
    goal
        The level that is minimised, ``"R"``, ``"D"``, ``"P"`` or ``"V"``; it is inf above.
    blur
        How far rounding may have moved a variance.
    dropped
        Axes left out, as rounding cannot tell their variance from zero.
    """

    variances: Array
    deviation: Deviation
    R: float
    D: Array
    P: Array
    V: float
    label: Array
    goal: str
    blur: float = 0.0
    dropped: int = 0

    @property
    def told(self) -> Array:
        """How much each axis tells of the label, ``|a_i s_i|``."""
        return np.sqrt((self.tells**2).sum(1))

    @property
    def tells(self) -> Array:
        """The same for each number of the label, shape (k, q)."""
        return np.sqrt(self.variances)[:, None] * self.label.reshape(self.variances.size, -1)

    @property
    def levels(self) -> Array:
        """``(R, D_1.., P_1.., V)``, shape (2 + 2K,)."""
        return np.concatenate([[self.R], self.D, self.P, [self.V]])

    @property
    def goals(self) -> int:
        """The place of the goal among the levels."""
        return {"R": 0, "D": 1, "P": 1 + self.D.size, "V": 1 + 2 * self.D.size}[self.goal]

    @property
    def pinned(self) -> NDArray[np.bool_]:
        """Decoders whose reproduction must have the source's own law."""
        return self.P == 0

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Decoders whose perception counts."""
        return (self.P < inf) | (self.goal == "P")


def variance(entropy: float) -> float:
    """Return the variance of a Gaussian law with an entropy in nats."""
    return inf if entropy > 350 else exp(2 * entropy) / _TWO_PI_E


def entropy(variance: float) -> float:
    """Return the entropy in nats of a Gaussian law with a variance."""
    return -inf if variance <= 0 else log(_TWO_PI_E * variance) / 2
