"""Conditional entropy: alternate channel, output law and class posteriors from many starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.information import Array, Indices
from rdcfunc.program import Linear, Program
from rdcfunc.repairs import excess
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.blahut_arimoto import State, advance, begin
from rdcfunc.solvers.column_generation import ColumnGeneration, is_small
from rdcfunc.solvers.interior_point import InteriorPoint
from rdcfunc.solvers.search import Search

#: Most entries (n times columns) that clones may bring a program to.
_MAX_ENTRIES = 400_000
#: Largest price of an entropy; a level out of reach of the current classifier would send it to infinity.
_MAX_PRICE = 1e4
#: What a convex program may miss a level by before it counts as out of reach.
_MISSED = 1e-4
#: Convex programs from one start, with perception, and how many of them may be out of reach.
_CONVEX, _MISSES = 30, 3
#: Cost beyond which columns are alike to a start; forbidden ones cost infinity.
_DEAREST = 30.0
#: Most sweeps to a bound at a total entropy price of one.
_AT_ONE = 500


@dataclass(eq=False)
class _Work:
    """Sweeps that may still be made."""

    left: int


@dataclass(frozen=True)
class Alternation(Solver):
    """Replace ``H(S|X̂)`` by the log-loss of the current Bayes classifier, solve, and take the new classifier.

    The log-loss is never below the entropy, so levels stay met and the rate only falls. The tagged problem is
    solved first, on clones of each letter; its prices give the lower bound. On a fixed alphabet the alternation
    stops at local minima, hence the many starts, and hence a bracket that may stay open. Without perception a
    sweep is one of Blahut and Arimoto's, O(n m) a Newton step; with it, a convex program, which counts as many sweeps
    as it takes steps.

    Parameters
    ----------
    starts
        The most channels to start from, for the tagged and for the fixed alphabet each.
    sweeps
        The most sweeps from each start.
    tags
        Clones of each letter for the tagged problem; None takes one for each class while memory allows.
    seed
        Of the random starts.
    work
        The most sweeps of all starts together, for the tagged and for the fixed alphabet each. Where they are over,
        the bracket stands as it is; a convex program that has been begun is finished.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, classifications
    >>> classes = classifications.ConditionalEntropy([0, 1], tagged=True)
    >>> problem = rdc.Problem(sources.uniform(2), distortions.hamming(2), classification=classes)
    >>> round(rdc.rate(problem, C=0.5).value, 6)
    0.5
    """

    starts: int = 4
    sweeps: int = 2_000
    tags: int | None = None
    seed: int = 0
    work: int = 10_000

    def __post_init__(self) -> None:
        at_least_one(self, "starts", "sweeps", "work")

    def refusal(self, program: Program) -> str | None:
        """Name the solvers for programs that have no conditional entropy."""
        if not program.posteriors:
            return "Alternation is for conditional entropies and the target bounds none; use solver=None"
        return None

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return the candidates of the best lower and of the best upper bound."""
        rng = np.random.default_rng(self.seed)
        # Whatever its decoders show, a column tells the class at least as well as the tightest level asks.
        tightest = int(np.argmin([c.level for c in program.posteriors]))
        relaxed = replace(program, posteriors=(replace(program.posteriors[tightest], tagged=True),))
        tagged = Search(relaxed, tol)
        if not program.posteriors[0].tagged and is_small(program):
            tagged.offer(*ColumnGeneration().solve(relaxed, tol, start))
        else:
            self._solve_tagged(tagged, start, rng)
        if program.posteriors[0].tagged:
            return tagged.best
        fixed = Search(program, tol)
        for candidate in tagged.best:
            prices = np.zeros(len(program.posteriors))
            prices[tightest] = candidate.dual.posteriors[0]
            dual = replace(candidate.dual, posteriors=prices)
            fixed.offer(replace(candidate, dual=dual, origin="tagged relaxation"))
        near = [start] if start is not None and start.channel.shape[0] == program.p.size else []
        work = _Work(self.work)
        for state in self._fixed_starts(program, [*near, *tagged.best], rng):
            if fixed.closed or work.left <= 0:
                break
            self._settle(fixed, program, state, np.arange(program.size), work)
        return fixed.best

    def _solve_tagged(self, tagged: Search, start: Candidate | None, rng: np.random.Generator) -> None:
        columns = np.repeat(np.arange(tagged.program.size), self._tags(tagged.program))
        clones, work = tagged.program.take(columns), _Work(self.work)
        if start is not None and start.channel.shape == (clones.p.size, columns.size):
            self._settle(tagged, clones, begin(clones, start), columns, work)
        for state in self._tagged_starts(clones, columns, rng):
            if tagged.closed or work.left <= 0:
                break
            self._settle(tagged, clones, state, columns, work)

    def _tags(self, program: Program) -> int:
        if self.tags is not None:
            return self.tags
        room = _MAX_ENTRIES // (program.p.size * program.size)
        return max(1, min(program.posteriors[0].labels.shape[1], room))

    def _tagged_starts(self, clones: Program, columns: Indices, rng: np.random.Generator) -> Iterator[State]:
        """Yield states: tags that tell the label with some noise, then random ones."""
        tag = np.arange(columns.size) - np.searchsorted(columns, columns)
        labels = clones.posteriors[0].labels
        told = labels[:, tag % labels.shape[1]] + 0.1
        for k in range(self.starts):
            noise = 1.0 if k == 0 else rng.gamma(0.5, size=told.shape) + 1e-6
            yield begin(clones, channel=_normalised(told * noise * _near(clones, k)))

    def _fixed_starts(self, program: Program, told: list[Candidate], rng: np.random.Generator) -> Iterator[State]:
        """Yield states: a neighbour's and the tagged solutions without their tags, then random ones."""
        for candidate in told:
            merged = np.zeros((program.p.size, program.size))
            np.add.at(merged.T, candidate.columns, candidate.channel.T)
            yield begin(program, channel=_normalised(merged + 1e-3 * rng.random(merged.shape)))
        for k in range(self.starts):
            noise = rng.gamma(0.5, size=(program.p.size, program.size)) + 1e-6
            yield begin(program, channel=_normalised(noise * _near(program, k)))

    def _settle(self, search: Search, part: Program, state: State, columns: Indices, work: _Work) -> None:
        """Follow one start until it stands still, the bracket is closed or the work is over."""
        if part.outputs:
            self._settle_convex(search, part, state, columns, work)
            return
        k, tol, look, still = len(part.linear), search.tol, 20, 0
        limit = np.full(k + len(part.posteriors), np.inf)
        for sweep in range(1, min(self.sweeps, work.left) + 1):
            work.left -= 1
            # Prices of the entropies at most double: a level out of reach anneals the classifier.
            limit[k:] = np.clip(2 * state.prices[k:], 1.0, _MAX_PRICE)
            before, state = state, advance(part, state, limit)
            dearer = np.abs(state.prices - before.prices) / before.prices.clip(1.0)
            moved = float(np.abs(state.q - before.q).sum() + dearer.max())
            still = still + 1 if moved < 1e-3 * tol else 0
            if still == 3:
                break
            if sweep == look:
                search.offer(state.candidate(part, sweep, columns))
                if search.closed:
                    return
                look = look * 3 // 2
        state = advance(part, state, limit, accuracy=1e-14)
        search.offer(state.candidate(part, sweep, columns))
        if not search.closed and state.prices[k:].sum() > 1 and part.posteriors[0].labels.shape[1] > 2:
            sweeps = min(_AT_ONE, work.left)
            work.left -= sweeps
            search.offer(_convex_bound(part, state, columns, sweeps))

    def _settle_convex(self, search: Search, part: Program, state: State, columns: Indices, work: _Work) -> None:
        channel, before, missed, k = state.channel, np.inf, 0, len(part.linear)
        for sweep in range(1, _CONVEX + 1):
            losses = tuple(
                Linear(c.axis, c.target, part.log_loss(c, channel), c.level, c.unit) for c in part.posteriors
            )
            convex = replace(part, linear=(*part.linear, *losses), posteriors=())
            found = np.zeros_like(channel)
            reached = all(convex.cheapest(c) <= c.level for c in convex.limits)
            if reached:
                solved = InteriorPoint().solve(convex, search.tol)[0]
                work.left -= solved.steps
                found[:, solved.columns] = solved.channel
            if not reached or excess(convex, found, _MISSED) > _MISSED:
                # Out of reach of this classifier: sharpen it and try again, a few times where that takes solving.
                missed += reached
                if missed == _MISSES or work.left <= 0:
                    return
                channel = _normalised(channel**2)
                continue
            prices = solved.dual.linear
            dual = Dual(prices[:k], solved.dual.outputs, prices[k:])
            search.offer(Candidate(found, columns, dual, sweep, solved.log_a))
            channel = found
            value = part.objective(channel)
            if search.closed or before - value < search.tol / 4 or work.left <= 0:
                return
            before = value


def _convex_bound(part: Program, state: State, columns: Indices, sweeps: int) -> Candidate:
    """Return a candidate at a total entropy price of one, where the Lagrangian is convex in the channel."""
    k = len(part.linear)
    limit = np.concatenate([np.full(k, np.inf), state.prices[k:] / state.prices[k:].sum()])
    state = replace(state, prices=np.minimum(state.prices, limit))
    for _ in range(sweeps):
        state = advance(part, state, limit)
    return state.candidate(part, sweeps, columns)


def _near(program: Program, k: int) -> Array:
    """Return weights (n, N) that prefer cheap columns, for every other start; none is zero."""
    return np.asarray(np.exp(-10.0 * ((k + 1) % 2) * np.minimum(program.total_cost, _DEAREST)))


def _normalised(channel: Array) -> Array:
    rows: Array = channel / channel.sum(axis=1, keepdims=True)
    return rows
