"""What a tilt comes to: a dual value, and what its channel spends, each rounded to its safe side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rdcfunc.information import Array
from rdcfunc.structure.kernel import UNIT
from rdcfunc.structure.tilt import Tilted


@dataclass(frozen=True, eq=False)
class Reading:
    """Numbers in nats and units of distortion.

    Attributes
    ----------
    floor, price
        ``R(D) >= floor - price D`` for every D.
    information, spent
        Bounds on the mutual information and on the distortion of the channel.
    channel
        The channel.
    """

    floor: float
    price: float
    information: float
    spent: float
    channel: Tilted


def entropy_bound(p: Array) -> tuple[float, float]:
    """Return the entropy in nats and a bound on its error, that of a pmf rounded to doubles included."""
    terms = p[p > 0] * np.log(p[p > 0])
    value = -float(terms.sum())
    return value, 50 * UNIT * (abs(value) + 1)
