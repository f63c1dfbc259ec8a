"""The barrier of an f-divergence, which compares laws letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from typing import ClassVar

import numpy as np

from rdcfunc.information import Array
from rdcfunc.perceptions import FDivergence
from rdcfunc.solvers.interior.barrier import LEVEL_WEIGHT, Barrier, Direction, Pair

#: Weight of a letter that has no mass.
_LITTLE = 1e-20
#: What the logarithm of a ratio may change by in a step.
_TURN = 2.0


class LetterBarrier(Barrier):
    """An f-divergence, ``h = t Σ p f*(g / t)``, with pairs where ``g / t`` may meet the ends of f*'s domain."""

    diagonal: ClassVar[bool] = True

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
        mass = self.law + sum(self.duals)
        self.bent = np.divide(bend, mass, out=np.zeros_like(bend), where=mass > 0)
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
        # The ratio q / p that an argument w = g / t of f* asks for may change by so much, in logarithms.
        change = float(np.abs(self.bent * (self.dg - self.g / self.t * self.dt)).max())
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
