"""Continua of targets: a box, which its corner implies, and a curve of equal rate, between two finite sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from math import inf
from typing import Any

import numpy as np

from rdcfunc.answer import solve
from rdcfunc.checks import level, rate
from rdcfunc.classifications import ConditionalEntropy
from rdcfunc.information import NATS_PER_BIT
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Axis
from rdcfunc.solution import Prices, Solution
from rdcfunc.solvers.base import Solver

Range = tuple[float, float]

#: What a line loses to the rounding of its slope, relative to its values.
_ROUNDING = 1e-12
#: Distance, as a part of the range, below which two points count as one.
_NEAR = 1e-6
#: Part of an interval that a point inside keeps from its ends.
_INSIDE = 1 / 8


def _range(bounds: object, name: str) -> Range:
    """Return two levels in order."""
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise ValueError(f"{name} must be a pair (least, largest) of levels (got {bounds!r})")
    low, high = (level(bound, name) for bound in bounds)
    if low > high:
        raise ValueError(f"{name} must be a pair (least, largest) of levels (got {bounds!r}); exchange the two")
    return low, high


@dataclass(frozen=True)
class Box:
    """All targets with each level in a range.

    The target of the least levels is one of them, and a decoder that meets it meets all others. So ``R(Θ)`` is the
    rate of this corner alone, exactly, and the penalty is zero: no tradeoff is asked for.

    Parameters
    ----------
    D, P, C
        Pairs (least, largest); off unless given.

    Raises
    ------
    ValueError
        If a range is no pair of levels in order.

    Examples
    --------
    >>> Box(D=(0.1, 0.2), P=(0.05, 0.3)).corner
    Target(D=0.1, P=0.05, C=inf)
    """

    D: Range = (inf, inf)
    P: Range = (inf, inf)
    C: Range = (inf, inf)

    def __post_init__(self) -> None:
        for name in "DPC":
            object.__setattr__(self, name, _range(getattr(self, name), name))

    @property
    def corner(self) -> Target:
        """The target that implies all others."""
        return Target(self.D[0], self.P[0], self.C[0])


@dataclass(frozen=True)
class IsoRate:
    r"""All targets :math:`(D(R, P), P)`, or :math:`(D(R, C), C)`, on a curve of equal rate.

    Each of them alone takes R bits, or fewer where the distortion is at its least, so the penalty is what one encoder
    for the whole curve takes beyond that.

    Parameters
    ----------
    R
        The rate in bits.
    P, C
        The range of levels (least, largest), of one of the two.

    Raises
    ------
    ValueError
        If the rate is not finite and positive, or there is not one range of levels in order.

    Examples
    --------
    >>> IsoRate(R=0.4, P=(0.0, 0.1))
    IsoRate(R=0.4, P=(0.0, 0.1), C=None)
    """

    R: float
    P: Range | None = None
    C: Range | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "R", rate(self.R))
        if (self.P is None) == (self.C is None):
            raise ValueError(f"give the range of P or that of C (got P = {self.P}, C = {self.C})")
        object.__setattr__(self, self.axis, _range(getattr(self, self.axis), self.axis))

    @property
    def axis(self) -> str:
        """The name of the level that runs along the curve."""
        return "C" if self.P is None else "P"


class Pencil:
    """Points of a curve of equal rate, with targets that the curve implies and targets that imply it.

    ``D(R, P)`` never grows with P. A point is known by its bracket: its upper end is a weaker target than the curve's,
    its lower end a stronger one.

    - The points, at their upper ends, are implied by the curve: a lower bound on its rate.
    - Where the problem is convex, duality gives a line below the whole curve at each point. Decoders for two targets,
      one or the other by lot, serve every mixture of the two, as divergences are convex; so one encoder that serves
      the corners of the polygon of these lines serves the curve: an upper bound, off by the square of the spacing.
    - Where it need not be convex, the steps of the curve serve, which have the distortion of the right end and the
      level of the left end of each interval. With tags one step is exact, as any decoder may be handed all of Z.
    """

    def __init__(
        self,
        problem: Problem,
        curve: IsoRate,
        solver: Solver | None,
        tol: float,
        spread: Callable[..., Iterable[Any]] = map,
    ) -> None:
        self.problem, self.curve, self.tol, self.spread = problem, curve, tol, spread
        self.solve = partial(_solve, problem, curve, solver, tol)
        problem.check(Target(), curve.axis)
        self.points: dict[float, Solution] = {}
        self.convex = curve.axis == "P" or not isinstance(problem.classification, ConditionalEntropy)
        self.low, high = curve.P or curve.C or (0.0, inf)
        # Beyond what the best channel achieves anyway, the curve is flat.
        achieved = self.solve(inf).achieved
        assert isinstance(achieved, Target)
        self.high = max(self.low, min(high, getattr(achieved, curve.axis)))
        self.add([self.low, self.high])

    def add(self, places: Iterable[float]) -> list[float]:
        """Solve for more points, except where one is near; return those added."""
        new: list[float] = []
        for at in places:
            if all(abs(at - other) > _NEAR * (self.high - self.low) for other in [*self.points, *new]):
                new.append(at)
        self.points.update(zip(new, self.spread(self.solve, new), strict=True))
        return new

    def split(self, target: Target) -> float:
        """Return where to add a point so that this one of the stronger targets is needed no more."""
        places = np.array(sorted(self.points))
        at: float = getattr(target, self.curve.axis)
        after = int(np.searchsorted(places[1:-1], at, side="right")) + 1
        left, right = float(places[after - 1]), float(places[min(after, places.size - 1)])
        return min(max(at, left + _INSIDE * (right - left)), right - _INSIDE * (right - left))

    def weaker(self, at: float) -> Target:
        """Return a target that the curve implies."""
        return _target(self.curve, at, self.points[at].upper)

    def stronger(self) -> list[Target]:
        """Return targets that imply the curve."""
        places = sorted(self.points)
        if not self.convex:
            pairs = zip(places, places[1:] or places, strict=False)
            return [_target(self.curve, left, self.points[right].lower) for left, right in pairs]
        lines = np.array([self._line(at) for at in places] + [(self._least, 0.0)])
        starts, slopes = lines.T
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (starts[:, None] - starts) / (slopes - slopes[:, None])
        at = np.unique(np.append(at[(at > self.low) & (at < self.high)], [self.low, self.high]))
        heights = (starts + slopes * at[:, None]).max(axis=1)
        # Near corners are merged into the stronger target, and what lies on a chord is no corner.
        kept: list[tuple[float, float]] = []
        for place, height in zip(at.tolist(), heights.tolist(), strict=True):
            if kept and place - kept[-1][0] <= _NEAR * (self.high - self.low):
                kept[-1] = (kept[-1][0], height)
                continue
            while len(kept) > 1 and _straight(kept[-2], kept[-1], (place, height)):
                kept.pop()
            kept.append((place, height))
        over = float((np.interp(at, [place for place, _ in kept], [height for _, height in kept]) - heights).max())
        return [_target(self.curve, place, max(self._least, height - max(over, 0.0))) for place, height in kept]

    @cached_property
    def _least(self) -> float:
        """The least distortion that there is."""
        return float(self.problem.source.pmf @ self.problem.distortion.values.min(axis=1))

    def _line(self, at: float) -> tuple[float, float]:
        """Return height at zero and slope of a line below the curve, by the prices at one of its points."""
        point, prices = self.points[at], self.points[at].prices
        assert isinstance(prices, Prices)
        start, slope = point.lower, 0.0
        # At the least distortion that there is, the bound comes from no prices.
        if prices.distortion > 0 and point.lower > self._least:
            slope = -(prices.perception if self.curve.axis == "P" else prices.classification) / prices.distortion
            if self.curve.axis == "P" and at == 0 and prices.output is not None:
                start, slope = self._gentler(start, slope, prices)
        lost = _ROUNDING * (abs(start) - slope * (self.high + at))
        return start - slope * at - lost, slope

    def _gentler(self, start: float, slope: float, prices: Prices) -> tuple[float, float]:
        """Return a line from the point at P = 0 that falls less steeply and starts hardly lower.

        Where the output law is the source's own, any price of perception will do that is high enough.
        """
        divergence, p = self.problem.perception, self.problem.source.pmf
        assert divergence is not None
        assert prices.output is not None
        g, s = prices.output * NATS_PER_BIT, prices.distortion * NATS_PER_BIT
        mean = float(p @ g)
        price = max(float(np.ptp(g)), _ROUNDING) / divergence.scale
        while price * divergence.unit < -slope * s:
            lost = divergence.support(g, p, price) - mean + _ROUNDING * float(np.abs(g).sum())
            if lost <= self.tol * s:
                return start - lost / s, -price * divergence.unit / s
            price *= 2.0
        return start, slope


def _target(curve: IsoRate, at: float, D: float) -> Target:
    return Target(D, P=at) if curve.axis == "P" else Target(D, C=at)


def _solve(problem: Problem, curve: IsoRate, solver: Solver | None, tol: float, at: float) -> Solution:
    """Return the least distortion on the curve at one level."""
    return solve(problem, [_target(curve, at, inf)], solver, tol, R=curve.R, goal=Axis.D)


def _straight(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    """Return whether three points lie on a line, up to rounding."""
    along = (middle[0] - left[0]) / (right[0] - left[0])
    return left[1] + along * (right[1] - left[1]) - middle[1] <= _ROUNDING * (1 + abs(middle[1]))
