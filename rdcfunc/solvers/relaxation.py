"""The relaxed problem on a region of class posteriors: tags are allowed whose posteriors stay in the letters' cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import scipy
from scipy.special import entr

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import region_bound
from rdcfunc.columns import regions
from rdcfunc.columns.regions import nearest
from rdcfunc.information import Array, Indices, entropy
from rdcfunc.program import Linear, Posterior, Program
from rdcfunc.repairs import excess
from rdcfunc.solvers.interior_point import InteriorPoint

#: Least class probability that a convex program is told of, and mass below which a column is idle.
_LEAST, _IDLE = 1e-16, 1e-9
#: What a channel may miss a level by, and the least miss of all channels that is no rounding.
_MISSED, _TOLD = 1e-6, 1e-9
#: Weight of a corner, below zero, at which a source letter is beyond the facet that faces it.
_OUTSIDE = 1e-9
#: Least unit of a loss.
_CLOSE = 1e-9
#: Steps that the start of a convex program counts as.
BEGUN = 20
#: Decimals by which posteriors differ that are worth a column each.
_DECIMALS = 7


@dataclass(frozen=True, eq=False)
class Relaxed:
    """What is known of a region: a lower bound with its proof, and a channel with tags, if one meets the levels.

    Attributes
    ----------
    cells
        Shape (decoders, m, r, K).
    lower, proof
        The bound, and a candidate whose prices prove it on these cells.
    columns, laws, channel
        The channel's columns (c,), the posterior of each decoder on them (c, decoders, K), and itself (n, c).
    steps
        Of the convex programs solved.
    """

    cells: Array
    lower: float
    proof: Candidate
    columns: Indices
    laws: Array
    channel: Array
    steps: int = 0

    @classmethod
    def trivial(cls, program: Program, cells: Array) -> Relaxed:
        """Return what is known before anything is solved."""
        n, N = program.p.size, program.size
        proof = Candidate(np.full((n, N), 1.0 / N), np.arange(N), Dual.zero(program), 0, np.zeros(n))
        none = np.zeros((0, cells.shape[0], cells.shape[3]))
        return cls(cells, -inf, proof, np.arange(0), none, np.zeros((n, 0)))


def relax(known: Relaxed, program: Program, tol: float, enough: float, rounds: int, patient: bool = False) -> Relaxed:
    """Raise the bound of a region until it reaches ``enough``, meets the value, or rounds are over.

    Unless ``patient``, stop when a channel shows that it will not reach ``enough``.

    A column (k, b) has the log-losses of b as further linear costs; what would earn most at its prices joins, as in
    column generation. The first columns hold for each source letter the posteriors that tell it best, so that levels
    which these cannot meet are met by no channel with posteriors in the cells.
    """
    cells, lower, proof = known.cells, known.lower, known.proof
    (columns, laws), value, steps = _first(program, cells, known), inf, 0
    for _ in range(rounds):
        convex, told = with_laws(program, columns, laws, cells), []
        doubted, value = value == inf, inf
        for found, proposal in proposals(program, convex, columns, tol, doubted, cells):
            steps += found.steps + BEGUN
            bound, best = region_bound(program, proposal, cells, tol / 20)
            if best is not None:
                told.append((np.arange(program.size), best))
            if bound > lower:
                lower, proof = bound, proposal
            part = convex.take(found.columns)
            worth = part.objective(found.channel) if excess(part, found.channel, _MISSED) <= _MISSED else inf
            if worth <= value:
                used = program.p @ found.channel > _IDLE
                place, value = found.columns[used], worth
                known = replace(known, columns=columns[place], laws=laws[place], channel=found.channel[:, used])
        known = replace(known, lower=lower, proof=proof, steps=steps)
        if lower >= enough or value - lower <= tol / 4 or not told or (value < enough and not patient):
            break
        # Columns that carry nothing now may help to meet levels that are missed.
        columns, laws = _distinct((columns, laws) if value == inf else (known.columns, known.laws), *told)
    return known


def inherit(whole: Relaxed, program: Program, cells: Array, tol: float) -> Relaxed:
    """Return what a region's proof and channel say of a part of it."""
    bound, told = region_bound(program, whole.proof, cells, tol / 20)
    laws = nearest(shown(program, cells)[whole.columns], whole.laws)
    columns, laws = _distinct((whole.columns, laws), *([] if told is None else [(np.arange(program.size), told)]))
    channel = np.zeros((program.p.size, columns.size))
    return Relaxed(cells, max(bound, whole.lower), whole.proof, columns, laws, channel)


def shown(program: Program, cells: Array) -> Array:
    """Return the cells of what each column shows, shape (N, decoders, r, K)."""
    return np.stack([cells[h, program.letters[:, c.target]] for h, c in enumerate(program.posteriors)], axis=1)


def with_laws(program: Program, columns: Indices, laws: Array, cells: Array | None = None) -> Program:
    """Return the convex program on columns whose classifiers answer with given laws (c, decoders, K).

    With cells, the posterior of each letter, its tags together, lies in the letter's.
    A loss above the least there is, ``E KL(L_X ‖ b) <= C - H(S | X)``, is told relative to its level: labels that
    hardly depend on the source leave levels that differ by little.
    """
    losses = []
    for h, (c, (least, unit)) in enumerate(zip(program.posteriors, _units(program), strict=True)):
        told = c.labels @ -np.log(np.maximum(laws[:, h], _LEAST)).T - least[:, None]
        losses.append(Linear(c.axis, c.target, told.clip(0.0) / unit, _room(program, c, least) / unit, c.unit))
    part = program.take(columns)
    for h, j, normal in [] if cells is None else _facets(program, cells):
        c = program.posteriors[h]
        cost = np.where(part.letters[:, c.target] == j, -(c.labels @ normal)[:, None], 0.0)
        losses.append(Linear(c.axis, c.target, cost, 0.0))
    return replace(part, linear=(*part.linear, *losses), posteriors=())


def _facets(program: Program, cells: Array) -> list[tuple[int, int, Array]]:
    """Return decoder, letter and normal of each facet that some source letters are beyond, by at most one."""
    labels, found = program.posteriors[0].labels[program.p > 0], []
    for h, row in enumerate(regions.facets(cells)):
        for j, normals in enumerate(row):
            for normal, weights in zip(normals, normals @ labels.T, strict=True):
                if weights.min() < -_OUTSIDE:
                    found.append((h, j, normal / np.abs(weights).max()))
    return found


def _units(program: Program) -> list[tuple[Array, float]]:
    """Return what is taken from the losses of each source letter (n,), and their unit; a goal is told as it is."""
    units = []
    for c in program.posteriors:
        least = entr(c.labels).sum(axis=1) if c.level < inf else np.zeros(program.p.size)
        room = _room(program, c, least)
        units.append((least, max(room, _CLOSE) if room < inf else 1.0))
    return units


def _room(program: Program, c: Posterior, least: Array) -> float:
    return max(c.level - float(program.p @ least), 0.0)


def proposals(
    program: Program, convex: Program, columns: Indices, tol: float, doubted: bool, cells: Array | None = None
) -> Iterator[tuple[Candidate, Candidate]]:
    """Yield candidates for the convex program, each with what it proposes for the program itself.

    Where it is ``doubted`` that a channel meets the levels, that is found out first.
    """
    refuted = _refute(convex) if doubted else None
    found = [] if refuted else _solve(convex, tol)
    if not any(excess(convex.take(c.columns), c.channel, _MISSED) <= _MISSED for c in found):
        refuted = refuted or (None if doubted else _refute(convex))
        if refuted is None and not convex.minimises_rate:
            refuted = _overspend(convex, tol)
        found = found if refuted is None else [refuted]
    k, units = len(program.linear), _units(program)
    sides = [] if cells is None else _facets(program, cells)
    for candidate in found:
        prices = candidate.dual.linear[k : k + len(units)] / [unit for _, unit in units]
        walls = None
        if cells is not None and sides:
            walls = np.zeros((*cells.shape[:2], cells.shape[3]))
            for price, (h, j, normal) in zip(candidate.dual.linear[k + len(units) :], sides, strict=True):
                walls[h, j] += price * normal
        dual = Dual(candidate.dual.linear[:k], candidate.dual.outputs, prices, walls)
        log_a = candidate.log_a
        if log_a is not None:
            log_a = log_a + sum(price * least for price, (least, _) in zip(prices, units, strict=True))
        yield candidate, replace(candidate, columns=columns[candidate.columns], dual=dual, log_a=log_a)


def _first(program: Program, cells: Array, known: Relaxed) -> tuple[Indices, Array]:
    """Return the first columns and their laws."""
    region, N = shown(program, cells), program.size
    rows = np.unique(program.posteriors[0].labels[program.p > 0], axis=0)
    near = nearest(region[:, None], rows[None, :, None])
    laws = np.concatenate([region.mean(axis=2)[:, None], near], axis=1)
    every = np.repeat(np.arange(N), laws.shape[1])
    return _distinct((known.columns, known.laws), (every, laws.reshape(-1, *laws.shape[2:])))


def _distinct(*parts: tuple[Indices, Array]) -> tuple[Indices, Array]:
    """Join columns and laws, each once."""
    columns, laws = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    keys = np.concatenate([columns[:, None], laws.reshape(len(laws), -1).round(_DECIMALS)], axis=1)
    kept = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    return columns[kept], laws[kept]


def _solve(convex: Program, tol: float) -> list[Candidate]:
    """Return an interior point's candidates; a cost that no choice changes has no price."""
    idle = [i for i, c in enumerate(convex.linear) if c.level < inf and not np.ptp(c.cost, axis=1).any()]
    part = replace(convex, linear=tuple(c for i, c in enumerate(convex.linear) if i not in idle))
    found = InteriorPoint().solve(part, tol / 10)
    for i in idle:
        found = [replace(c, dual=replace(c.dual, linear=np.insert(c.dual.linear, i, 0.0))) for c in found]
    return found


def _overspend(convex: Program, tol: float) -> Candidate | None:
    """Return prices that show that the levels need more than the rate allowed, if they do.

    The bound on the goal is the excess of the rate over the goal's price, whatever small one.
    """
    free = convex.without_goal
    found = _solve(free, tol)[0]
    over = free.information(found.channel) - convex.rate
    if over <= _TOLD or excess(free.take(found.columns), found.channel, _MISSED) > _MISSED:
        return None
    price = over / (8.0 * min(convex.ceiling, 1e3))
    linear, told = iter(found.dual.linear), iter(found.dual.outputs)
    dual = Dual(
        np.array([next(linear) if c.level < inf else price for c in convex.linear]),
        tuple(next(told) if o.level < inf else (price, np.zeros(convex.m)) for o in convex.outputs),
    )
    return replace(found, dual=dual)


def _refute(convex: Program) -> Candidate | None:
    """Return prices that show that no channel meets the linear levels, if none does: Farkas' lemma.

    The least miss δ of all channels is a linear program, and its dual prices bound the rate by ``σ δ - log N`` at a
    scale σ that is free.
    """
    limits, live = convex.limits, convex.p > 0
    if not limits:
        return None
    cost = [convex.barred(c.cost)[live] for c in limits]
    p, N = convex.p[live], convex.size
    levels = np.array([c.level for c in limits])
    n, k = p.size, len(limits)
    big = [np.where(np.isinf(c), 0.0, c) for c in cost]
    upper = np.hstack([np.array([(p[:, None] * c).ravel() for c in big]), -np.ones((k, 1))])
    rows = np.hstack([np.kron(np.eye(n), np.ones(N)), np.zeros((n, 1))])
    barred = np.zeros((n, N), dtype=bool) if convex.forbidden is None else convex.forbidden[live]
    bounds = np.column_stack([np.zeros(n * N + 1), np.append(np.where(barred.ravel(), 0.0, np.inf), np.inf)])
    aim = np.append(np.zeros(n * N), 1.0)
    solved = scipy.optimize.linprog(aim, A_ub=upper, b_ub=levels, A_eq=rows, b_eq=np.ones(n), bounds=bounds)
    if solved.status != 0 or solved.fun <= _TOLD:
        return None
    weights = np.maximum(-solved.ineqlin.marginals, 0.0)
    most = 2 * (entropy(convex.p) + np.log(N) + 1.0)
    if not convex.minimises_rate:
        most += 2 * (convex.rate + 1.0)
    prices = iter(weights * most / solved.fun)
    linear = np.array([1e-6 if c.level == inf else next(prices) for c in convex.linear])
    dual = Dual(linear, Dual.zero(convex).outputs)
    log_a = dual.cost(convex).min(axis=1)
    log_a[~live] = 0.0
    channel = np.full((convex.p.size, N), 1.0 / N)
    channel[live] = np.maximum(solved.x[:-1].reshape(n, N), 0.0)
    return Candidate(channel / channel.sum(axis=1, keepdims=True), np.arange(N), dual, 1, log_a)
