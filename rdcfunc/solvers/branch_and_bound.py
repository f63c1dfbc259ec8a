"""The fixed alphabet solved: branch and bound over the class posteriors of letters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from math import inf

import numpy as np
from scipy.special import entr

from rdcfunc.certificate import bracket
from rdcfunc.columns import regions
from rdcfunc.columns.regions import Branch
from rdcfunc.information import Array
from rdcfunc.program import Candidate, Dual, Program
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.interior_point import InteriorPoint
from rdcfunc.solvers.relaxation import Relaxed, inherit, proposals, relax, with_laws

#: Most convex programs of the first region, of each other one, and of one descent.
_FIRST, _ROUNDS, _DESCENT = 20, 6, 8
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

    Parameters
    ----------
    nodes
        The most regions that are bounded; the bracket is open where they do not suffice.

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

    nodes: int = 400

    def __post_init__(self) -> None:
        at_least_one(self, "nodes")

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
        search = _Search(program, tol)
        if start is not None and start.channel.shape == (program.p.size, program.size):
            search.descend(start.channel)
        labels = program.posteriors[0].labels
        region = regions.whole(program.p, labels, len(program.posteriors), program.m)
        made = [_Node(search.bound(Relaxed.trivial(program, region), _FIRST))]
        open_ = [(made[0].relaxed.lower, 0)]
        while open_ and len(made) + 2 <= self.nodes and open_[0][0] < search.upper - tol:
            node = made[heappop(open_)[1]]
            node.cut = _place(program, node.relaxed)
            if node.cut is None:
                break
            for cells in regions.cut(node.relaxed.cells, *node.cut):
                part = search.bound(inherit(node.relaxed, program, cells, tol), _ROUNDS)
                node.parts.append(len(made))
                heappush(open_, (part.lower, len(made)))
                made.append(_Node(part))
        origin = f"branch and bound over class posteriors, {len(made)} regions"
        return [replace(search.best, steps=search.steps, tree=_tree(made), origin=origin)]


@dataclass(eq=False)
class _Node:
    """A region, where it was cut, and the places of its parts among all nodes."""

    relaxed: Relaxed
    cut: tuple[int, int, tuple[int, int], float] | None = None
    parts: list[int] = field(default_factory=list)


class _Search:
    """The best channel so far, and bounds on regions."""

    def __init__(self, program: Program, tol: float) -> None:
        n, N = program.p.size, program.size
        self.program, self.tol, self.upper, self.steps = program, tol, inf, 0
        self.best = Candidate(np.full((n, N), 1.0 / N), np.arange(N), Dual.zero(program), 0)

    def bound(self, region: Relaxed, rounds: int) -> Relaxed:
        """Bound a region, and descend from its relaxed channel where the bound does not close it."""
        program, tol = self.program, self.tol
        if region.lower >= self.upper - tol:
            return region
        first = rounds == _FIRST
        region = relax(region, program, tol, self.upper - tol, rounds, patient=first)
        self.steps += region.steps
        if region.lower < self.upper - tol and region.channel.any():
            merged = np.zeros((program.p.size, program.size))
            np.add.at(merged.T, region.columns, region.channel.T)
            self.descend(merged)
        return region

    def descend(self, channel: Array) -> None:
        """Alternate between a channel and the class posteriors that belong to it, as long as that pays."""
        program, every = self.program, np.arange(self.program.size)
        before = inf
        for _ in range(_DESCENT):
            laws = np.stack([_posteriors(program, h, channel) for h in range(len(program.posteriors))], axis=1)
            convex = with_laws(program, every, laws)
            if any(convex.cheapest(c) > c.level for c in convex.limits):
                # Out of reach of this classifier: sharpen it and try again.
                channel = channel**2 / (channel**2).sum(axis=1, keepdims=True)
                continue
            found, proposal = next(proposals(program, convex, every, self.tol))
            self.steps += 1
            channel = np.zeros_like(channel)
            channel[:, found.columns] = found.channel
            quiet = replace(proposal.dual, posteriors=np.zeros(len(program.posteriors)))
            upper = bracket(program, Candidate(channel, every, quiet, 0, found.log_a)).upper
            if upper < self.upper:
                self.upper, self.best = upper, Candidate(channel, every, proposal.dual, 0)
            if before - upper < self.tol or upper > self.upper + 10 * self.tol:
                break
            before = upper


def _posteriors(program: Program, decoder: int, channel: Array) -> Array:
    """Return the posterior that a decoder's letter leaves of the class for each column, shape (N, K)."""
    c = program.posteriors[decoder]
    joint = program.class_laws(c, channel)
    mass = joint.sum(axis=1, keepdims=True)
    laws = np.where(mass > 1e-14, joint / np.where(mass > 1e-14, mass, 1.0), program.p @ c.labels)
    return np.asarray(laws[program.groups(c)])


def _place(program: Program, region: Relaxed) -> tuple[int, int, tuple[int, int], float] | None:
    """Return where to cut: the cell in which tags save most entropy, across its longest edge, at the letter's own
    posterior; the largest cell where tags save nothing; or None where cells are points.
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
        h, j = np.unravel_index(lengths.argmax(), lengths.shape)
        place, mean = (int(h), int(j)), cells[h, j].mean(axis=0)
        if lengths.max() <= _SHORTEST:
            return None
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


def _tree(made: list[_Node]) -> Branch[Candidate] | Candidate:
    """Return the tree of all regions' proofs; parts were made after what they are parts of."""
    built: dict[int, Branch[Candidate] | Candidate] = {}
    for place in reversed(range(len(made))):
        node = made[place]
        if node.cut is None:
            built[place] = node.relaxed.proof
        else:
            built[place] = Branch(*node.cut, (built[node.parts[0]], built[node.parts[1]]))
    return built[0]
