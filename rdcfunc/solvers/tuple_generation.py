"""Several decoders: tuples of letters, generated as prices ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from math import inf
from operator import attrgetter, itemgetter

import numpy as np

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import bracket, log_factors, lower_bound
from rdcfunc.information import Array, Indices, mutual_information
from rdcfunc.lift import Lift
from rdcfunc.model import inner_point
from rdcfunc.program import Program
from rdcfunc.repairs import excess
from rdcfunc.rounding import INSIDE, ROUNDING
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.interior_point import InteriorPoint
from rdcfunc.tuples import Channel, Earnings, coupled, merged, moved

#: A column stays while it carries this mass, or earns this share of what it costs.
_MASS, _EARNING = 1e-9, 0.9
#: What a master is solved to more finely where the bracket stays open, and the finest, in units of the tolerance.
_FINER, _FINEST = 0.02, 1e-2
#: Prices from which a master starts, in nats per unit of a scaled cost, and the gap that sends it to the next of them.
_ALIKE, _BLOCKED = (1.0, 0.3, 4.0), 1e-3
#: Nats by which repairs may differ and count as the same.
_SAME = 1e-12
#: Most tuples that join at once.
_JOINING = 60


@dataclass(frozen=True)
class TupleGeneration(Solver):
    """Solve the program over tuples of letters, one for each decoder, on the tuples that its prices ask for.

    The first tuples couple the best channels of each target alone, so that all levels can be met. A master program
    is solved on the current tuples; those that would earn more than they cost at its prices join, found by changing
    one letter after another, and by branch and bound where that finds none; idle ones leave. Few tuples ever carry
    mass, so that time grows with the letters of all decoders and not with their product.

    Parameters
    ----------
    rounds
        The most master programs.
    master
        The solver of the master program.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, perceptions, solvers
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> theta = [rdc.Target(D=0.1), rdc.Target(D=0.11, P=0.0)]
    >>> round(rdc.universal_rate(problem, theta, solver=solvers.TupleGeneration()).value, 4)
    0.4204
    """

    rounds: int = 60
    master: Solver = field(default_factory=InteriorPoint)

    def __post_init__(self) -> None:
        at_least_one(self, "rounds")

    def refusal(self, program: Program | Lift) -> str | None:
        """Name a single target, a conditional entropy, or what the master refuses."""
        if not isinstance(program, Lift):
            return (
                "TupleGeneration solves for several targets without a conditional entropy and there is one target, or "
                "an entropy; use solver=None"
            )
        return self.master.refusal(program.take(np.zeros(1, dtype=np.intp)))

    def lifts(self, lift: Lift) -> bool:
        """Return True: tuples are formed as they are asked for."""
        return True

    def solve(self, program: Program | Lift, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return the candidate of the last prices, or none where a target alone has no channel."""
        assert isinstance(program, Lift)
        pairs = [self._alone(program.single(k), tol) for k in range(program.targets)]
        alone = [pair for pair in pairs if pair is not None]
        if len(alone) < program.targets:
            return []
        first = coupled(program, [channel for channel, _ in alone])
        roomy = coupled(program, [room for _, room in alone])
        fixed = np.unique(np.concatenate([_letters(program), roomy[0]]))
        columns = np.union1d(fixed, first[0])
        best, steps, accuracy = Candidate(first[1], first[0], Dual.zero(program), 0), 0, tol / 4
        offered: list[Candidate] = []
        for _ in range(self.rounds):
            part = program.take(columns)
            found = self._found(part, accuracy, replace(best, columns=np.searchsorted(columns, best.columns)))
            if not found:
                break
            best, steps = found[0], steps + sum(candidate.steps for candidate in found)
            earnings = Earnings(program, best.dual, log_factors(part, best))
            best = replace(best, columns=columns[best.columns])
            tuples = earnings.climb(program.tuples(columns))
            worth = earnings.of(tuples)
            if worth.max() <= 1 + tol / 8:
                most = earnings.most(tuples, _JOINING)
                tuples, worth = most.tuples, most.earned
            joining = (worth > 1 + tol / 8) & ~np.isin(program.columns(tuples), columns)
            if not joining.any():
                proposals = [replace(c, columns=columns[c.columns], steps=0) for c in found]
                offered += [self._repaired(program, c, (roomy, first)) for c in proposals]
                brackets = [bracket(program, candidate) for candidate in offered]
                gap = min(b.upper for b in brackets) - max(b.lower for b in brackets)
                if gap <= tol or accuracy < _FINEST * tol:
                    break
                # A level whose price is small may be missed by much at little cost, and its repair is not cheap.
                accuracy *= _FINER
                continue
            tuples = tuples[joining][np.argsort(-worth[joining])][:_JOINING]
            staying = (program.p @ best.channel > _MASS) | (earnings.of(program.tuples(best.columns)) > _EARNING)
            columns = np.unique(np.concatenate([fixed, best.columns[staying], program.columns(tuples)]))
            best = replace(best, columns=best.columns[staying], channel=best.channel[:, staying])
        offered = offered or [self._repaired(program, best, (roomy, first))]
        return [replace(offered[0], steps=steps), *offered[1:]]

    def _found(self, part: Program, accuracy: float, start: Candidate) -> list[Candidate]:
        """Return what the master makes of a part, from prices that are all alike, the best prices first.

        Such prices leave a long way to go, but none of it along the boundary; where it is blocked, others may do.
        """
        every: list[Candidate] = []
        for price in _ALIKE:
            found = self.master.solve(part, accuracy, replace(start, dual=Dual(np.full(len(part.linear), price))))
            every += found
            if all(abs(mutual_information(part.p, c.channel) - lower_bound(part, c)) <= _BLOCKED for c in found[:1]):
                break
        return sorted(every, key=partial(lower_bound, part), reverse=True)

    def _alone(self, single: Program, tol: float) -> tuple[Array, Array] | None:
        """Return the best channel (n, m) of one target, and one with room in its levels, or what was found of these."""
        brackets = [bracket(single, found) for found in self.master.solve(single, tol)]
        best = min(brackets, key=attrgetter("upper"), default=None)
        if best is None or best.upper == inf:
            return None
        channel = np.zeros((single.p.size, single.size))
        np.add.at(channel.T, best.columns, best.channel.T)
        cheapest = np.eye(single.m)[single.total_cost.argmin(axis=1)]
        same = np.eye(single.m) if single.m == single.p.size else cheapest
        for room in (cheapest, same):
            if excess(single, room, -0.01) <= 0:
                return channel, room
        inner = inner_point(single)
        if inner is None:
            return channel, channel
        # Conic solvers leave dust on forbidden pairs.
        inner = np.where(np.isinf(single.barred(inner)), 0.0, inner)
        return channel, inner / inner.sum(axis=1, keepdims=True)

    def _repaired(self, lift: Lift, candidate: Candidate, anchors: Sequence[Channel]) -> Candidate:
        """Return the candidate with a channel that meets every level, mixed with as little of another as does.

        Output laws are moved to their levels first, where that helps, and the last resort is the last anchor.
        """
        given = (candidate.columns, candidate.channel)
        once = moved(lift, *given)
        for slack in (-INSIDE, ROUNDING):
            found = []
            for near, anchor in product((once, moved(lift, *once), given, anchors[-1]), anchors):
                columns, (channel, other) = merged(near, anchor)
                part = lift.take(columns)
                mixture = _mixture(part, channel, other, slack)
                if mixture is not None:
                    used = mixture.any(axis=0)
                    found.append((part.information(mixture), columns[used], mixture[:, used]))
            if found:
                least = min(found, key=itemgetter(0))[0]
                _, columns, channel = min((f for f in found if f[0] <= least + _SAME), key=lambda f: f[1].size)
                return replace(candidate, columns=columns, channel=channel)
        return candidate


def _mixture(part: Program, channel: Array, anchor: Array, slack: float) -> Array | None:
    """Return the mixture with the least share of an anchor that meets every convex level, if one does."""
    share = 0.0
    for c in part.constraints:
        level = c.level * (1 + slack)
        here, there = part.value(c, channel), part.value(c, anchor)
        if here > level > there:
            share = max(share, (here - level) / (here - there))
    # What rounding adds is little, and the anchor alone is the last resort.
    for weight in (share, share * (1 + 1e-9), share * (1 + 1e-6), share * (1 + 1e-3), 1.0):
        mixture = channel + min(1.0, weight) * (anchor - channel)
        if excess(part, mixture, slack) <= 0:
            return mixture
    return None


def _letters(lift: Lift) -> Indices:
    """Return columns that show every letter of every decoder, and every source letter's cheapest."""
    every = np.repeat(np.arange(lift.m)[:, None], lift.targets, axis=1)
    cheapest = np.stack([lift.single(k).total_cost.argmin(axis=1) for k in range(lift.targets)], axis=1)
    return np.unique(np.concatenate([lift.columns(every), lift.columns(cheapest)]))
