"""Perception inside an interior-point method: what a divergence adds to the Newton system of the prices.

In the saddle problem ``min_q max_{s, g, t}`` a divergence is its support function alone, ``-t P - h(g, t)`` with
``h = sup_q <g, q> - t div(p, q)``. Its kinks are complementary pairs, whose products are driven to μ times a weight.
The weights of a pair are probabilities: letters of little mass then stay as central as heavy ones, however fine
the alphabet, and Newton's steps stay long.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rdcfunc.information import Array
from rdcfunc.perceptions import FDivergence
from rdcfunc.program import Output, Program

#: Weight of the one pair (price, slack of its level) beside letters whose weights sum to one.
LEVEL_WEIGHT = 0.1


@dataclass
class Pair:
    """Two non-negative arrays whose product tends to ``μ weight``."""

    primal: Array
    dual: Array
    weight: Array

    def product(self) -> float:
        """Return the sum of products."""
        return float(np.vdot(self.primal, self.dual))

    def ahead(self, direction: Direction, step: float) -> float:
        """Return the sum of products after a step."""
        return float(np.vdot(self.primal + step * direction[0], self.dual + step * direction[1]))

    def room(self, direction: Direction) -> float:
        """Return the longest step that keeps both non-negative."""
        return min(room(self.primal, direction[0]), room(self.dual, direction[1]))


#: Directions of a pair's two arrays.
Direction = tuple[Array, Array]


def room(x: Array, dx: Array) -> float:
    """Return the longest step along ``dx`` that keeps ``x > 0`` non-negative."""
    steepest = -float((dx / x).min()) if x.size else 0.0
    return 1.0 / steepest if steepest > 0 else inf


class Barrier(ABC):
    """One divergence in the Newton system: unknowns are its output price g (m,) and its price t.

    Attributes
    ----------
    g, t
        Output price and price.
    level, slack
        The level P, which moves if it is the goal, and what is left of it.
    hessian
        Of ``h`` and its barriers in (g, t), shape (m + 1, m + 1).
    gauge
        Weights (m,) whose mean of g is at choice, or None: where ``h(g + c) = h(g) + c`` nothing else fixes it.
    diagonal
        Whether the hessian is diagonal in g.
    tied
        Whether many of its pairs are as good as others.
    """

    g: Array
    t: float
    level: float
    slack: float
    hessian: Array
    gauge: Array | None = None
    diagonal: ClassVar[bool] = False
    tied: ClassVar[bool] = False
    #: Change of the product of price and slack that the current direction aims at.
    aim: float

    @abstractmethod
    def kinks(self) -> list[Pair]:
        """Return the complementary pairs, other than price and slack of the level."""

    @abstractmethod
    def prepare(self) -> float:
        """Compute the hessian at the current point and return ``h``."""

    @abstractmethod
    def right_side(self, law: Array, aim: float, aims: Sequence[Array]) -> Array:
        """Return the right side (m + 1,) for a reproduction law and the changes of products to aim at.

        The first is that of ``t · slack``, the others of the kinks.
        """

    @abstractmethod
    def direct(self, dg: Array, dt: float) -> list[Direction]:
        """Keep the direction and return it for each kink."""

    @property
    @abstractmethod
    def spent(self) -> float:
        """The divergence of the law that these prices ask for."""

    @abstractmethod
    def miss(self, law: Array) -> float:
        """Return how far the reproduction law is from the one that these prices ask for."""

    def speed(self) -> float:
        """Return the inverse of the longest step that a linear model of ``h`` can be trusted for."""
        return -self.dt / self.t

    def move(self, step: float) -> None:
        """Go a step along the direction."""
        self.g, self.t = self.g + step * self.dg, self.t + step * self.dt
        self.slack += step * self.d_slack

    def _direct(self, dg: Array, dt: float) -> None:
        self.dg, self.dt, self.d_slack = dg, dt, (self.aim - self.slack * dt) / self.t


class EqualityBarrier(Barrier):
    """A divergence held at zero: the law must be p, ``h = <g, p>``, and t is beside the point."""

    def __init__(self, p: Array) -> None:
        self.p, self.g, self.t, self.slack, self.level = p, np.zeros(p.size), 1.0, 0.0, 0.0
        self.gauge = p
        self.hessian = np.zeros((p.size + 1, p.size + 1))
        self.hessian[-1, -1] = 1.0

    def kinks(self) -> list[Pair]:
        return []

    def prepare(self) -> float:
        return float(self.g @ self.p)

    def right_side(self, law: Array, aim: float, aims: Sequence[Array]) -> Array:
        self.aim = 0.0
        # Masses are exponential in their prices, so that they are compared on a logarithmic scale.
        live = (law > 0) & (self.p > 0)
        ratio = np.divide(law, self.p, out=np.ones_like(law), where=live)
        return np.append(np.where(live, law * np.log(ratio), law - self.p), 0.0)

    def direct(self, dg: Array, dt: float) -> list[Direction]:
        self._direct(dg, 0.0)
        return []

    @property
    def spent(self) -> float:
        return 0.0

    def miss(self, law: Array) -> float:
        return float(np.abs(law - self.p).sum())


def unreachable(output: Output, program: Program) -> NDArray[np.bool_]:
    """Return which letters (m,) an output can never show: those without mass where that costs infinity."""
    divergence = output.divergence
    pinned = output.level == 0 and divergence.vanishes(program.p)
    if pinned or (isinstance(divergence, FDivergence) and divergence.domain[1] == inf):
        return program.p == 0
    return np.zeros(program.m, dtype=bool)
