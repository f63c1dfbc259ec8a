"""Decoders of a fixed encoder: branch and bound over class posteriors, by linear programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.special import entr

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import region_bound
from rdcfunc.columns import chords, regions
from rdcfunc.columns.simplices import edges
from rdcfunc.information import Array, conditional_entropy
from rdcfunc.program import Linear, Posterior, Program
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.best_first import Cut, Tree
from rdcfunc.solvers.linear import LinearProgram, Supports

#: Most linear programs of one descent.
_DESCENT = 20
#: How far inside of its level an entropy is sought, in nats, and mass below which an entry is dust.
_INSIDE, _DUST = 1e-9, 1e-12
#: Most rounds of cuts of one relaxation, and of a linear program whose channel is to meet perception.
_CUTS, _ALL_CUTS = 6, 60
#: Share of an edge that a cut leaves at least on each side, and what tags must save for one.
_MARGIN, _SAVED = 0.1, 1e-15


@dataclass(frozen=True)
class Chords(Solver):
    """Minimise a distortion under ``H(S | X̂) <= C``, or this entropy, where the rate is no matter: a fixed encoder's.

    The entropy that a letter leaves open is concave in its joint law with the class. With the posterior of each letter
    confined to a cell, chords bound these entropies from below and a linear program the distortion, off by the second
    order of the cells' width; its multipliers are the proof. A region is cut where its channel's mass lies on corners
    far from each other. From each region's channel one descends: the entropy is replaced by the log-loss of the
    current posteriors, which is never below it, and the linear program solved again.

    A region costs about a millisecond. Random problems with two classes take from 1 to some 700 regions for 1e-6, up to
    ten source letters and five letters; with three classes, thousands may not suffice.

    Parameters
    ----------
    nodes
        The most regions that are bounded; the bracket is open where they do not suffice.
    work
        The most linear programs of all regions together; a region that has been begun is finished.

    References
    ----------
    Horst and Tuy, "Global optimization: deterministic approaches", 1996; Falk and Soland, "An algorithm for separable
    nonconvex programming problems", 1969.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, classifications
    >>> classes = classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]])
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), classification=classes)
    >>> answer = rdc.decode(problem, [[0.9, 0.1], [0.4, 0.6]], C=0.4)
    >>> answer.solver, answer.gap < 1e-6
    (Chords(nodes=4000, work=20000), True)
    """

    nodes: int = 4000
    work: int = 20_000

    def __post_init__(self) -> None:
        at_least_one(self, "nodes", "work")

    def refusal(self, program: Program) -> str | None:
        """Name what is there beside what is minimised, other linear levels, perception and one entropy."""
        entropies = program.posteriors
        if program.rate < inf or not isinstance(program.goal, Linear | Posterior) or program.targets > 1:
            return "Chords solves for the least distortion or entropy of one decoder at any rate; use solver=None"
        if len(entropies) != 1 or entropies[0].tagged:
            return "Chords takes H(S|X̂) of the letter alone; use solver=None"
        return None

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return the candidate of the best channel, and of the tree that proves the lower bound."""
        return [self.towards(program, tol, -inf, [] if start is None else [start])]

    def towards(self, program: Program, tol: float, aim: float, starts: Sequence[Candidate] = ()) -> Candidate:
        """Return what :meth:`solve` does, or leave off at a channel whose goal is no more than an aim.

        Whether there is one is found out however close the least is to it, as far as regions suffice.
        """
        search = _Search(program)
        for start in starts:
            if start.channel.shape == (program.p.size, program.m):
                search.descend(program.p[:, None] * start.channel, tol)

        def enough() -> float:
            over = search.upper <= aim or search.steps >= self.work
            return -inf if over else min(max(search.upper - tol, aim + _INSIDE * tol), program.ceiling)

        tree = Tree(search.bound(regions.whole(program.p, search.labels, 1, program.m), None, tol))
        tree.grow(self.nodes, enough, _place, lambda whole, cells: search.bound(cells, whole, tol))
        origin = f"chords of entropies, {len(tree)} regions"
        channel, dual = search.best / np.maximum(program.p, 1e-300)[:, None], tree.least.proof.dual
        return Candidate(channel, np.arange(program.m), dual, search.steps, tree=tree.proof, origin=origin)


@dataclass(eq=False)
class _Region:
    """A region with its bound, the proof of it, and masses on the corners of its cells."""

    cells: Array
    lower: float
    proof: Candidate
    corners: Array


class _Search:
    """The best joint law of source letter and reproduction letter so far, and bounds on regions."""

    def __init__(self, program: Program) -> None:
        goal, (posterior,), limits = program.goal, program.posteriors, program.limits
        self.program, self.labels, self.steps = program, posterior.labels, 0
        self.cost = program.barred(goal.cost if isinstance(goal, Linear) else np.zeros((program.p.size, program.size)))
        # An entropy that is minimised has no level, and the least there is, by data processing, leaves no room inside.
        room = posterior.level - float(program.p @ entr(self.labels).sum(axis=1))
        self.minimised, self.level = posterior is goal, posterior.level - np.clip(room / 2, 0.0, _INSIDE)
        (n, m), K = self.cost.shape, self.labels.shape[1]
        self.best, self.upper = np.repeat(program.p[:, None] / m, m, axis=1), inf
        self.corners = r = len(regions.whole(program.p, self.labels, 1, m)[0, 0])
        # Levels of costs that are at most one, and met as they are only if there is no other way.
        self.scales = np.array([max(float(c.cost.max()), _DUST) for c in limits])
        self.limits = [c.cost / scale for c, scale in zip(limits, self.scales, strict=True)]
        room = np.array([c.level - program.cheapest(c) for c in limits]) / self.scales
        self.levels = np.array([c.level for c in limits]) / self.scales - np.clip(room / 2, 0.0, _INSIDE)
        # Variables are the joint law (n, m); sources its rows, and then come masses on the corners of cells.
        joint, masses = np.kron(np.eye(n), np.ones(m)), np.zeros((m * K, n * m))
        for j in range(m):
            masses[j * K : (j + 1) * K, j : n * m : m] = self.labels.T
        spent = np.array([c.ravel() for c in self.limits]).reshape(-1, n * m)
        told = [np.zeros(n * m), *spent]
        fixed, most = np.concatenate([program.p, np.zeros(m * K)]), [self.level, *self.levels]
        low = np.full(len(told), -inf)
        table = np.pad(np.vstack([joint, masses, *told]), ((0, 0), (0, m * r)))
        cost = np.pad(self.cost.ravel(), (0, m * r))
        self.relaxed = LinearProgram(cost, table, np.append(fixed, low), np.append(fixed, most))
        table = np.vstack([joint, *told])
        self.judged = LinearProgram(self.cost.ravel(), table, np.append(program.p, low), np.append(program.p, most))
        self.supports = [Supports(output, n, (self.relaxed, self.judged)) for output in program.outputs]

    def bound(self, cells: Array, whole: _Region | None, tol: float) -> _Region:
        """Bound the part of a region that has these cells, and descend from its channel where it is not closed."""
        program, (n, m), K = self.program, self.cost.shape, self.labels.shape[1]
        places, most = n * m + np.arange(m * self.corners).reshape(m, -1), chords.entropies(cells[0])
        end = n + m * K
        for j, i in np.ndindex(places.shape):
            for s in range(K):
                self.relaxed.put(n + j * K + s, int(places[j, i]), -float(cells[0, j, i, s]))
            self._tell(self.relaxed, end, int(places[j, i]), float(most[j, i]))
        found, prices = self._solve(self.relaxed, _CUTS)
        proof = self._proof(prices, cells, found is None)
        lower = region_bound(program, proof, cells)[0]
        if whole is not None and whole.lower >= lower:
            lower, proof = whole.lower, whole.proof
        corners = np.zeros(places.shape) if found is None else found[places]
        if found is not None and lower < self.upper - tol:
            self.descend(found[: n * m].reshape(n, m), tol)
        return _Region(cells, lower, proof, corners)

    def _proof(self, prices: Array, cells: Array, missed: bool) -> Candidate:
        """Return the candidate whose bound on the region is that of the prices of the relaxed program's rows."""
        program, (n, m), K = self.program, self.cost.shape, self.labels.shape[1]
        end = n + m * K
        lines, t = -prices[n:end].reshape(m, K), max(0.0, -float(prices[end]))
        spend = np.maximum(-prices[end + 1 : end + 1 + len(self.limits)], 0.0)
        outputs = tuple(support.priced(prices) for support in self.supports)
        scale = 1.0
        if missed:
            # Farkas: at these prices every channel of the region costs something even if what is minimised is free.
            told = self.labels @ chords.below(lines, t, cells[0]).T + sum(g for _, g in outputs)
            told = told + sum(price * c for price, c in zip(spend, self.limits, strict=True))
            over = float(program.p @ np.where(np.isinf(self.cost), inf, told).min(axis=1)) - spend @ self.levels
            over -= 0.0 if self.minimised else t * self.level
            for (price, g), output in zip(outputs, program.outputs, strict=True):
                over -= price * output.level + output.divergence.support(g, output.reference, price)
            scale = 2 * program.ceiling / over if over > 0 else 0.0
        left = iter(scale * spend / self.scales)
        linear = np.array([1.0 if c.level == inf else next(left) for c in program.linear])
        told_outputs = tuple((scale * s, scale * g) for s, g in outputs)
        dual = Dual(linear, told_outputs, np.array([1.0 if self.minimised else scale * t]))
        return Candidate(np.zeros((n, m)), np.arange(m), dual, 0, lines=scale * lines[None])

    def descend(self, joint: Array, tol: float) -> None:
        """Alternate between joint law and posteriors, from a law that may miss the level, as long as that pays."""
        before = self._keep(joint)
        for _ in range(_DESCENT):
            loss = self._loss(joint)
            found = self._judge(loss)
            if found is None:
                if before < inf:
                    break
                # Out of reach of these posteriors: tell the class as well as they can.
                barred = np.where(np.isinf(self.cost), inf, loss)
                joint = np.eye(len(loss.T))[barred.argmin(axis=1)] * self.program.p[:, None]
                if np.abs(self._loss(joint) - loss).max() <= _INSIDE:
                    break
                continue
            joint = found
            value = self._keep(joint)
            if before - value < tol / 10:
                break
            before = value

    def _judge(self, loss: Array) -> Array | None:
        """Return the joint law of the least goal whose log-loss takes the place of the entropy, if there is one."""
        n, m = loss.shape
        for place, value in enumerate(loss.ravel()):
            self._tell(self.judged, n, place, float(value))
        found, _ = self._solve(self.judged, _ALL_CUTS)
        return None if found is None else found.reshape(n, m)

    def _tell(self, model: LinearProgram, row: int, column: int, value: float) -> None:
        """Set what a variable adds to the entropy: to its row, or to the aim."""
        if self.minimised:
            model.price(column, value)
        else:
            model.put(row, column, value)

    def _solve(self, model: LinearProgram, cuts: int) -> tuple[Array | None, Array]:
        """Return the solution and prices of a linear program whose laws of letters meet perception, or nearly."""
        n, m = self.cost.shape
        for _ in range(cuts):
            found, prices = model.solve()
            self.steps += 1
            if found is None or not any(s.cut(found[: n * m].reshape(n, m).sum(axis=0)) for s in self.supports):
                break
        return found, prices

    def _keep(self, joint: Array) -> float:
        """Return the distortion of a joint law, inf if it misses the level, and keep it if it is the best."""
        joint = np.where(joint > _DUST, joint, 0.0)
        joint *= (self.program.p / np.maximum(joint.sum(axis=1), 1e-300))[:, None]
        law = joint.sum(axis=0)
        entropy = conditional_entropy(joint.T @ self.labels)
        spent = np.array([float((joint * cost).sum()) for cost in self.limits])
        missed = (spent > self.levels + _INSIDE).any() or entropy > self.program.posteriors[0].level
        if missed or any(s.missed(law) for s in self.supports):
            return inf
        value = entropy if self.minimised else float((joint * np.where(joint > 0, self.cost, 0.0)).sum())
        if value < self.upper:
            self.upper, self.best = value, joint
        return value

    def _loss(self, joint: Array) -> Array:
        """Return the log-loss (n, m) of the posteriors of a joint law; a letter without mass answers with the prior."""
        told = joint.T @ self.labels
        mass = told.sum(axis=1, keepdims=True)
        laws = np.where(mass > _DUST, told / np.where(mass > _DUST, mass, 1.0), self.program.p @ self.labels)
        found: Array = self.labels @ -np.log(np.maximum(laws, 1e-30)).T
        return found


def _place(region: _Region) -> Cut | None:
    """Return where to cut: decoder, letter, edge and the place on it; None where no cell leaves a gap.

    It is the edge with most mass at both ends, weighed by its length as an information sees it: so much entropy would
    tags save.
    """
    cells, mass = region.cells[0], region.corners
    low, high, lengths = edges(cells)
    if not low.size:
        return None
    both = mass[:, low] * mass[:, high] / np.maximum(mass.sum(axis=1, keepdims=True), _DUST)
    saved = lengths * both
    letter, edge = divmod(int(saved.argmax()), low.size)
    if saved[letter, edge] <= _SAVED:
        return None
    ends = int(low[edge]), int(high[edge])
    at = float(mass[letter, ends[1]] / mass[letter, list(ends)].sum())
    return 0, letter, ends, min(max(at, _MARGIN), 1 - _MARGIN)
