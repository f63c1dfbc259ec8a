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
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from rdcfunc.information import Array
from rdcfunc.perceptions import FDivergence, Wasserstein
from rdcfunc.program import Output, Program

#: Weight of the one pair (price, slack of its level) beside letters whose weights sum to one.
LEVEL_WEIGHT = 0.1
#: Weight of a letter that has no mass.
_LITTLE = 1e-20
#: What the argument of a conjugate may change by in a step.
_TURN = 2.0
#: Blurs of the couplings that weigh a transport plan's pairs, in units of the cost of the independent one.
_SCALES = (0.5, 0.1, 0.02)


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
    """

    g: Array
    t: float
    level: float
    slack: float
    hessian: Array
    gauge: Array | None = None
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


class LetterBarrier(Barrier):
    """An f-divergence, ``h = t Σ p f*(g / t)``, with pairs where ``g / t`` may meet the ends of f*'s domain."""

    def __init__(self, divergence: FDivergence, p: Array, level: float, law: Array, mu: float) -> None:
        self.divergence, self.p, self.level = divergence, p, level
        # Letters that no column may show have no mass, and their price stands still.
        self.idle = ((p == 0) & (divergence.domain[1] == inf)).astype(np.float64)
        self.weight = law = np.where(self.idle, _LITTLE, law)
        self.g, self.t, self.slack = np.zeros(p.size), 1.0, LEVEL_WEIGHT * mu
        self.ends = [(sign, end) for sign, end in zip((1.0, -1.0), divergence.domain, strict=True) if isfinite(end)]
        self.duals = [mu * law / abs(end) for _, end in self.ends]
        self.live = p > 0

    def _room(self, sign: float, end: float) -> Array:
        return sign * (self.g - end * self.t)

    def kinks(self) -> list[Pair]:
        return [Pair(dual, self._room(*end), self.weight) for end, dual in zip(self.ends, self.duals, strict=True)]

    def prepare(self) -> float:
        w = np.where(self.live, self.g / self.t, 0.0)
        value, first, second = self.divergence.conjugate(w)
        self.law, bend = self.p * first, self.p * second
        self.slope = float(self.p @ (value - w * first))
        in_g, mixed = bend / self.t + self.idle, -bend * w / self.t
        in_t = float(bend @ w**2) / self.t + self.slack / self.t
        self.rooms = [self._room(*end) for end in self.ends]
        for (_, end), dual, gap in zip(self.ends, self.duals, self.rooms, strict=True):
            stiff = dual / gap
            in_g = in_g + stiff
            mixed = mixed - end * stiff
            in_t += end**2 * float(stiff.sum())
        m = self.p.size
        self.hessian = np.zeros((m + 1, m + 1))
        self.hessian[np.arange(m), np.arange(m)] = in_g
        self.hessian[:m, m] = self.hessian[m, :m] = mixed
        self.hessian[m, m] = in_t
        return self.t * float(self.p @ value)

    def right_side(self, law: Array, aim: float, aims: Sequence[Array]) -> Array:
        self.aim, self.aims = aim, aims
        in_g = law - self.law
        in_t = -(self.level + self.slope - self.slack) + aim / self.t
        for (sign, end), dual, gap, change in zip(self.ends, self.duals, self.rooms, aims, strict=True):
            push = sign * (dual + change / gap)
            in_g = in_g + push
            in_t -= end * float(push.sum())
        return np.append(in_g, in_t)

    def direct(self, dg: Array, dt: float) -> list[Direction]:
        self._direct(dg, dt)
        d_rooms = [sign * (dg - end * dt) for sign, end in self.ends]
        self.d_duals = [
            (change - dual * d_gap) / gap
            for change, dual, gap, d_gap in zip(self.aims, self.duals, self.rooms, d_rooms, strict=True)
        ]
        return list(zip(self.d_duals, d_rooms, strict=True))

    def move(self, step: float) -> None:
        super().move(step)
        self.duals = [dual + step * change for dual, change in zip(self.duals, self.d_duals, strict=True)]

    def speed(self) -> float:
        # The argument w = g / t of f* may change by so much.
        change = float(np.abs(np.where(self.live, self.dg - self.g / self.t * self.dt, 0.0)).max())
        return (change / _TURN - self.dt) / self.t

    @property
    def spent(self) -> float:
        # By Young's equality f(u) = w u - f*(w) at u = f*'(w), and linearly beyond the ends.
        beyond = (sign * end * float(dual.sum()) for (sign, end), dual in zip(self.ends, self.duals, strict=True))
        return -self.slope - sum(beyond)

    def miss(self, law: Array) -> float:
        told = law - self.law
        for (sign, _), dual in zip(self.ends, self.duals, strict=True):
            told = told + sign * dual
        return float(np.abs(told).sum())


class TransportBarrier(Barrier):
    """Optimal transport, ``h = min Σ p φ`` s.t. ``φ_x + t c(x, j) - g_j >= 0``, whose multipliers are the plan."""

    def __init__(self, cost: Array, p: Array, level: float, law: Array, mu: float) -> None:
        self.cost, self.p, self.level = cost, p, level
        self.weight = _couplings(cost, p, law)
        self.plan = self.weight
        self.g, self.potential = np.zeros(law.size), np.full(p.size, mu)
        self.t = 0.5 / max(float(np.vdot(self.plan, cost)), 1e-12 * float(cost.max()))
        self.slack = LEVEL_WEIGHT * mu / self.t
        self.gauge = law

    def kinks(self) -> list[Pair]:
        return [Pair(self.plan, self.gap, self.weight)]

    def prepare(self) -> float:
        self.gap = self.potential[:, None] + self.t * self.cost - self.g
        stiff = self.stiff = self.plan / self.gap
        fares = stiff * self.cost
        self.rows, self.fares = stiff.sum(axis=1), fares.sum(axis=1)
        self.share = stiff / self.rows[:, None]
        m = self.g.size
        self.hessian = np.zeros((m + 1, m + 1))
        self.hessian[:m, :m] = -(stiff.T @ self.share)
        self.hessian[np.arange(m), np.arange(m)] += stiff.sum(axis=0)
        mixed = self.share.T @ self.fares - fares.sum(axis=0)
        self.hessian[:m, m] = self.hessian[m, :m] = mixed
        self.hessian[m, m] = np.vdot(fares, self.cost) - self.fares @ (self.fares / self.rows) + self.slack / self.t
        return float(self.p @ self.potential)

    def right_side(self, law: Array, aim: float, aims: Sequence[Array]) -> Array:
        self.aim, self.change = aim, aims[0]
        change = self.change / self.gap
        self.left = change.sum(axis=1) - self.p + self.plan.sum(axis=1)
        after = self.plan + change
        in_g = law - after.sum(axis=0) + self.share.T @ self.left
        in_t = float(np.vdot(self.cost, after)) + aim / self.t - self.level + self.slack
        return np.append(in_g, in_t - float((self.fares / self.rows) @ self.left))

    def direct(self, dg: Array, dt: float) -> list[Direction]:
        self._direct(dg, dt)
        self.d_potential = (self.left - self.fares * dt + self.stiff @ dg) / self.rows
        d_gap = self.d_potential[:, None] + dt * self.cost - dg
        self.d_plan = (self.change - self.plan * d_gap) / self.gap
        return [(self.d_plan, d_gap)]

    def move(self, step: float) -> None:
        super().move(step)
        self.potential, self.plan = self.potential + step * self.d_potential, self.plan + step * self.d_plan

    @property
    def spent(self) -> float:
        return float(np.vdot(self.cost, self.plan))

    def miss(self, law: Array) -> float:
        rows, columns = self.plan.sum(axis=1) - self.p, self.plan.sum(axis=0) - law
        return float(np.abs(rows).sum() + np.abs(columns).sum())


def _couplings(cost: Array, p: Array, law: Array) -> Array:
    """Return a mixture of blurred plans from p, from independent ones to ones that go to the nearest letters."""
    mean = max(float(p @ cost @ law), 1e-12 * float(cost.max()))
    total = np.tile(law, (p.size, 1))
    for scale in _SCALES:
        plan = law * np.exp((cost.min(axis=1, keepdims=True) - cost) / (scale * mean))
        total += plan / plan.sum(axis=1, keepdims=True)
    return p[:, None] * total / (len(_SCALES) + 1)


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


def barrier(output: Output, p: Array, law: Array, mu: float) -> Barrier:
    """Return the barrier of an output at its starting point: a reproduction law, and pairs with products μ."""
    divergence = output.divergence
    if output.level == 0 and divergence.vanishes(p):
        return EqualityBarrier(p)
    if isinstance(divergence, FDivergence):
        return LetterBarrier(divergence, p, output.level, law, mu)
    assert isinstance(divergence, Wasserstein)
    return TransportBarrier(divergence.cost[p > 0], p[p > 0], output.level, law, mu)


def unreachable(output: Output, program: Program) -> NDArray[np.bool_]:
    """Return which letters (m,) an output can never show: those without mass where that costs infinity."""
    divergence = output.divergence
    pinned = output.level == 0 and divergence.vanishes(program.p)
    if pinned or (isinstance(divergence, FDivergence) and divergence.domain[1] == inf):
        return program.p == 0
    return np.zeros(program.m, dtype=bool)
