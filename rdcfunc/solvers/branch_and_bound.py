"""The fixed alphabet solved: branch and bound over the class posteriors of letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from scipy.special import entr

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import bracket
from rdcfunc.columns import regions
from rdcfunc.information import Array
from rdcfunc.program import Linear, Program
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.best_first import Cut, Tree
from rdcfunc.solvers.chords import Chords
from rdcfunc.solvers.interior_point import InteriorPoint
from rdcfunc.solvers.levels import by_brackets
from rdcfunc.solvers.relaxation import BEGUN, Relaxed, inherit, proposals, relax, with_laws

#: Most convex programs of the first region, of each other one, and of one descent.
_FIRST, _ROUNDS, _DESCENT = 20, 6, 8
#: Most freedom of all posteriors, corners of a cell, and entries (n times columns) for which this is picked.
_MOST_FREEDOM, _MOST_CORNERS, _MOST_ENTRIES = 16, 4, 2_000
#: Most regions and linear programs of a search for the least goal at any rate.
_ANY_RATE = 100, 500
#: Change of all posteriors below which a descent stands still.
_STILL = 1e-6
#: Share of an edge that a cut leaves at least on each side, and the shortest edge that is cut.
_MARGIN, _SHORTEST = 0.1, 1e-9


@dataclass(frozen=True)
class BranchAndBound(Solver):
    """Solve ``H(S | X̂) <= C`` on the alphabet as it is, by bounds on regions of class posteriors.

    A region confines the posterior of each letter to a cell, a simplex. Its bound is that of the tagged problem whose
    tags stay in the cells, a convex program with columns (letter, posterior): where tags do not pay inside of the
    cells, it is the value itself. Elsewhere the cell is cut where the letter would be told apart by tags. From each
    region the alternation of channel and class posteriors descends to an upper bound. Regions whose bound is within the
    tolerance of it are closed; the rest are cut, least bound first.

    A region costs one to six convex programs of some tens of steps. Random problems with n, m <= 8 and two or three
    classes take from 1 to some 80 regions for 1e-6 bit, as the freedom ``m (K - 1)`` hardly counts where tags do not
    pay; a limit of work is met where they pay nearly everywhere, or where levels are barely within reach.

    Parameters
    ----------
    nodes
        The most regions that are bounded; the bracket is open where they do not suffice.
    starts
        Descents from source letters assigned to letters at random, if the first region leaves the bracket open.
    work
        The most steps of all convex programs together, each of which counts as twenty more. Where they are over, the
        bracket stands as it is; a region that has been begun is finished.

    References
    ----------
    Horst and Tuy, "Global optimization: deterministic approaches", 1996.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, classifications, solvers
    >>> classes = classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]])
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), classification=classes)
    >>> answer = rdc.rate(problem, D=0.3, C=0.40205, solver=solvers.BranchAndBound())
    >>> round(answer.value, 5), answer.gap < 1e-6
    (0.14705, True)
    """

    nodes: int = 200
    starts: int = 4
    work: int = 10_000

    def __post_init__(self) -> None:
        at_least_one(self, "nodes", "starts", "work")

    def refusal(self, program: Program) -> str | None:
        """Name a conditional entropy that is missing or tagged, or a divergence of which only a conic form is known."""
        if not program.posteriors or program.posteriors[0].tagged:
            return (
                "BranchAndBound solves ConditionalEntropy(labels) on the alphabet as it is and the target bounds no "
                "such entropy; use solver=None"
            )
        return InteriorPoint().refusal(replace(program, posteriors=()))

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return the candidate of the best channel, and of the tree that proves the lower bound."""
        free = replace(program, rate=inf)
        if program.goal is not None and Chords().refusal(free) is None:
            ample = Chords(*_ANY_RATE).solve(free, tol)[0]
            known = bracket(program, ample)
            if known.upper - known.lower <= tol:
                return [ample]
        if isinstance(program.goal, Linear):
            found = by_brackets(program, tol, lambda p, fine, work: replace(self, work=work).solve(p, fine), self.work)
            if found:
                return found
        search = _Search(program, tol, self.work)
        if start is not None and start.channel.shape == (program.p.size, program.size):
            search.descend(_posteriors(program, start.channel))
        labels = program.posteriors[0].labels
        region = regions.whole(program.p, labels, len(program.posteriors), program.m)
        tree = Tree(search.bound(Relaxed.trivial(program, region), _FIRST))
        for laws in _starts(program, self.starts if tree.least.lower < search.enough() else 0):
            search.descend(laws)

        def part(whole: Relaxed, cells: Array) -> Relaxed:
            return search.bound(inherit(whole, program, cells, tol), _ROUNDS)

        tree.grow(self.nodes, search.enough, lambda region: _place(program, region), part)
        origin = f"branch and bound over class posteriors, {len(tree)} regions"
        return [replace(search.best, steps=search.steps, tree=tree.proof, origin=origin)]


def is_few(program: Program) -> bool:
    """Return whether the class posteriors of letters have so few dimensions that regions of them can be enumerated."""
    cells = regions.whole(program.p, program.posteriors[0].labels, len(program.posteriors), program.m)
    decoders, m, r, _ = cells.shape
    entries = program.p.size * program.size
    return decoders * m * (r - 1) <= _MOST_FREEDOM and r <= _MOST_CORNERS and entries <= _MOST_ENTRIES


class _Search:
    """The best channel so far, and bounds on regions."""

    def __init__(self, program: Program, tol: float, work: int) -> None:
        n, N = program.p.size, program.size
        self.program, self.tol, self.work, self.upper, self.steps = program, tol, work, inf, 0
        self.best = Candidate(np.full((n, N), 1.0 / N), np.arange(N), Dual.zero(program), 0)

    def enough(self) -> float:
        """Return the bound that closes a region by now: any, where the work is over."""
        return -inf if self.steps >= self.work else min(self.upper - self.tol, self.program.ceiling)

    def bound(self, region: Relaxed, rounds: int) -> Relaxed:
        """Bound a region, and descend from its relaxed channel where the bound does not close it."""
        program = self.program
        if region.lower >= self.enough():
            return region
        region = relax(region, program, self.tol, self.enough(), rounds, patient=rounds == _FIRST)
        self.steps += region.steps
        if region.lower < self.enough() and region.channel.any():
            merged = np.zeros((program.p.size, program.size))
            np.add.at(merged.T, region.columns, region.channel.T)
            if not self.descend(_posteriors(program, merged)):
                self.descend(_heaviest(program, region))
        return region

    def descend(self, laws: Array) -> bool:
        """Alternate between channel and class posteriors from laws (N, decoders, K), as long as that pays.

        Return whether classifiers with these laws are within reach.
        """
        program, every, before = self.program, np.arange(self.program.size), inf
        for step in range(_DESCENT):
            convex = with_laws(program, every, laws)
            if self.steps >= self.work or any(convex.cheapest(c) > c.level for c in convex.limits):
                return step > 0
            if not program.minimises_rate:
                # A rate that is missed by rounding is dear to mend.
                convex = replace(convex, rate=program.rate - self.tol / 10)
            found, proposal = next(proposals(program, convex, every, self.tol / 5, before == inf))
            self.steps += found.steps + BEGUN
            channel = np.zeros((program.p.size, program.size))
            channel[:, found.columns] = found.channel
            quiet = replace(proposal.dual, posteriors=np.zeros(len(program.posteriors)))
            upper = bracket(program, Candidate(channel, every, quiet, 0, found.log_a)).upper
            if upper < self.upper:
                self.upper, self.best = upper, Candidate(channel, every, proposal.dual, 0)
            told = _posteriors(program, channel)
            if before - upper < self.tol or upper > self.upper + 10 * self.tol or np.abs(told - laws).max() < _STILL:
                break
            before, laws = upper, told
        return True


def _starts(program: Program, starts: int) -> Iterator[Array]:
    """Yield class posteriors of channels that tell source letters apart: by their cheapest columns, then at random."""
    rng, n, N = np.random.default_rng(0), program.p.size, program.size
    for k in range(starts):
        chosen = rng.permutation(np.resize(rng.permutation(N), n)) if k else program.total_cost.argmin(axis=1)
        yield _posteriors(program, np.eye(N)[chosen])


def _posteriors(program: Program, channel: Array) -> Array:
    """Return the posterior of each column's letters, shape (N, decoders, K)."""
    laws = []
    for c in program.posteriors:
        joint = program.class_laws(c, channel)
        mass = joint.sum(axis=1, keepdims=True)
        told = np.where(mass > 1e-14, joint / np.where(mass > 1e-14, mass, 1.0), program.p @ c.labels)
        laws.append(told[program.groups(c)])
    return np.stack(laws, axis=1)


def _heaviest(program: Program, region: Relaxed) -> Array:
    """Return for each column the tags that carry most mass on its letters, or the middles of the letters' cells."""
    mass = program.p @ region.channel
    laws = region.cells.mean(axis=2)
    for h, c in enumerate(program.posteriors):
        # The heaviest comes last.
        for place in np.argsort(mass, kind="stable"):
            laws[h, program.letters[region.columns[place], c.target]] = region.laws[place, h]
    return np.stack([laws[h, program.groups(c)] for h, c in enumerate(program.posteriors)], axis=1)


def _place(program: Program, region: Relaxed) -> Cut | None:
    """Return where to cut: decoder, letter, edge and the place on it; None where cells are points.

    It is the cell in which tags save most entropy, or the largest one where they save none, across its longest edge,
    at the posterior of the letter without tags.
    """
    cells, mass = region.cells, program.p @ region.channel
    best, place, mean = 0.0, None, cells[0, 0, 0]
    for h, c in enumerate(program.posteriors):
        letters = program.letters[region.columns, c.target]
        for j in range(program.m):
            here = letters == j
            weight = float(mass[here].sum())
            if weight <= 0:
                continue
            laws = region.laws[here, h]
            own = mass[here] @ laws / weight
            saved = weight * float(entr(own).sum()) - float(mass[here] @ entr(laws).sum(axis=1))
            if saved > best and _longest(cells[h, j])[1] > _SHORTEST:
                best, place, mean = saved, (h, j), own
    if place is None:
        lengths = np.array([[_longest(cell)[1] for cell in row] for row in cells])
        if lengths.max() <= _SHORTEST:
            return None
        widest = divmod(int(lengths.argmax()), program.m)
        place, mean = widest, cells[widest].mean(axis=0)
    cell = cells[place]
    (low, high), _ = _longest(cell)
    weights = mean @ np.linalg.pinv(cell)
    both = float(weights[low] + weights[high])
    at = float(weights[high]) / both if both > 0 else 0.5
    return *place, (low, high), min(max(at, _MARGIN), 1 - _MARGIN)


def _longest(cell: Array) -> tuple[tuple[int, int], float]:
    """Return the corners of a cell's longest edge, and its length."""
    low, high = np.triu_indices(len(cell), 1)
    lengths = np.sqrt(((cell[low] - cell[high]) ** 2).sum(axis=1))
    if not lengths.size:
        return (0, 0), 0.0
    longest = int(lengths.argmax())
    return (int(low[longest]), int(high[longest])), float(lengths[longest])
