"""Several decoders: tuples of letters, generated as prices ask for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from rdcfunc.certificate import INSIDE, ROUNDING, bracket, excess, lower_bound
from rdcfunc.columns.tuples import Earnings, coupled, merged, moved
from rdcfunc.information import Array, Indices
from rdcfunc.lift import Lift
from rdcfunc.model import inner_point
from rdcfunc.program import Candidate, Dual, Program
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.interior_point import InteriorPoint
from rdcfunc.solvers.search import Search

#: A column stays while it carries this mass, or earns this share of what it costs.
_MASS, _EARNING = 1e-9, 0.9
#: Least price from which a master starts.
_LEAST = 0.1
#: What a master is solved to more finely where the bracket stays open, and the finest, in units of the tolerance.
_FINER, _FINEST = 0.02, 1e-4
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
        alone = [self._alone(program.single(k), tol) for k in range(program.targets)]
        if any(channel is None for channel, _ in alone):
            return []
        first = coupled(program, [channel for channel, _ in alone])
        roomy = coupled(program, [room for _, room in alone])
        fixed = np.unique(np.concatenate([_letters(program), roomy[0]]))
        columns = np.union1d(fixed, first[0])
        best, steps, accuracy = Candidate(first[1], first[0], Dual.zero(program), 0), 0, tol / 4
        search = Search(program, tol)
        for _ in range(self.rounds):
            part = program.take(columns)
            start = replace(best, columns=np.searchsorted(columns, best.columns))
            if steps:
                start = replace(start, dual=Dual(np.maximum(start.dual.linear, _LEAST), start.dual.outputs))
            found = self.master.solve(part, accuracy, start)
            if not found:
                break
            steps += sum(candidate.steps for candidate in found)
            best = max(found, key=partial(lower_bound, part))
            best = replace(best, columns=columns[best.columns], steps=steps)
            earnings = Earnings(program, best.dual, best.log_a)
            tuples = earnings.climb(program.tuples(columns))
            worth = earnings.of(tuples)
            if worth.max() <= 1 + tol / 8:
                most = earnings.most(tuples, _JOINING)
                tuples, worth = most.tuples, most.earned
            joining = (worth > 1 + tol / 8) & ~np.isin(program.columns(tuples), columns)
            if not joining.any():
                search.offer(self._repaired(program, best, roomy))
                if search.closed or accuracy < _FINEST * tol:
                    break
                # A level whose price is small may be missed by much at little cost, and its repair is not cheap.
                accuracy *= _FINER
                continue
            tuples = tuples[joining][np.argsort(-worth[joining])][:_JOINING]
            staying = (program.p @ best.channel > _MASS) | (earnings.of(program.tuples(best.columns)) > _EARNING)
            columns = np.unique(np.concatenate([fixed, best.columns[staying], program.columns(tuples)]))
            best = replace(best, columns=best.columns[staying], channel=best.channel[:, staying])
        if not search.best:
            search.offer(self._repaired(program, best, roomy))
        return list(dict.fromkeys(search.best))

    def _alone(self, single: Program, tol: float) -> tuple[Array | None, Array | None]:
        """Return the best channel (n, m) of one target, and one with room in its levels, if there is one."""
        brackets = [bracket(single, found) for found in self.master.solve(single, tol)]
        best = min(brackets, key=lambda b: b.upper)
        channel = np.zeros((single.p.size, single.size))
        np.add.at(channel.T, best.columns, best.channel.T)
        if not best.upper < np.inf:
            return None, None
        cheapest = np.eye(single.m)[single.total_cost.argmin(axis=1)]
        if excess(single, cheapest, -0.01) <= 0:
            return channel, cheapest
        room = inner_point(single)
        return channel, channel if room is None else room

    def _repaired(self, lift: Lift, candidate: Candidate, roomy: tuple[Indices, Array]) -> Candidate:
        """Return the candidate with output laws moved to their levels, and as much room as other levels need."""
        columns, channel = moved(lift, candidate.columns, candidate.channel)
        columns, (channel, room) = merged((columns, channel), roomy)
        part = lift.take(columns)
        for slack in (-INSIDE, ROUNDING):
            share = 0.0
            for c in part.constraints:
                level = c.level * (1 + slack)
                here, there = part.value(c, channel), part.value(c, room)
                if here > level > there:
                    share = max(share, (here - level) / (here - there))
            for more in (0.0, 1e-9, 1e-6, 1e-3):
                mixture = (1 - share * (1 + more)) * channel + share * (1 + more) * room
                if excess(part, mixture, slack) <= 0:
                    return replace(candidate, columns=columns, channel=mixture)
        return candidate


def _letters(lift: Lift) -> Indices:
    """Return columns that show every letter of every decoder, and every source letter's cheapest."""
    every = np.repeat(np.arange(lift.m)[:, None], lift.targets, axis=1)
    found = [lift.columns(every)]
    if lift.linear:
        cheapest = np.zeros((lift.p.size, lift.targets), dtype=np.intp)
        for k in range(lift.targets):
            cheapest[:, k] = lift.single(k).total_cost.argmin(axis=1)
        found.append(lift.columns(cheapest))
    return np.unique(np.concatenate(found))
