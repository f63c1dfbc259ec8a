"""Which columns may carry mass, and where a run begins."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from rdcfunc.candidate import Candidate, Waypoint
from rdcfunc.information import Array, Indices
from rdcfunc.perceptions import Wasserstein
from rdcfunc.program import Program
from rdcfunc.solvers.interior.saddle import Point
from rdcfunc.solvers.interior.transport import flattened
from rdcfunc.solvers.projection import project

#: Programs up to this many columns are taken whole; of larger ones a support is screened by some sweeps of EM.
_WHOLE, _SWEEPS, _LIKELY = 120, 24, 0.98
#: Worth in single precision below which a column needs no other.
_CLEARLY = 0.999
#: Products of complementary pairs at the start, in nats: from nowhere, and from a neighbour's path, kept where they
#: fall below this.
COLD, NEAR = 0.1, 1e-3
#: Columns from which those whose kernels turn by less than this angle from one to the next are thinned.
_MANY, _ALIKE = 250, 0.1
#: How far apart, relatively, the levels of neighbours are at most.
_NEIGHBOUR = 0.1
#: Source letters that the first prices are computed on.
_SAMPLE = 64
#: Share of the first weights that is flattened where letters have a transport plan to keep up with.
_SPREAD = 0.1


@dataclass(frozen=True, eq=False)
class Begun:
    """Where a run begins: columns with their weights, prices of the linear levels, and products of pairs in nats."""

    support: Indices
    q: Array
    prices: Array
    mu: float


def begin(core: Program, source: Array, start: Candidate | None = None) -> Begun:
    """Return a first support with weights and prices: a neighbour's prices, and weights on its path.

    Its solution lies at the boundary, where no path begins well. Its path further back lies near ours.
    """
    support = np.arange(core.size)
    if core.forbidden is not None:
        support = np.flatnonzero(~core.forbidden.all(axis=0))
    q = _first_weights(core, source)[support]
    q /= q.sum()
    part = core if support.size == core.size else core.take(support)
    known = None if start is None else start.dual.linear
    fits = known is not None and known.size == len(core.linear) and bool((known > 0).all())
    if start is not None and core.letters.shape[1] > 1:
        # Laws that meet the levels of several decoders are far from uniform, and a channel that does is at hand.
        met = np.bincount(start.columns, source @ start.channel, core.size)[support]
        q = 0.5 * met / met.sum() + 0.5 / met.size
        return Begun(support, q, known if known is not None and fits else _first_prices(part, q), COLD)
    way = _waypoint(core, start) if start is not None and fits else None
    # First prices are good for a level, and rough for a rate.
    prices = _first_prices(part, q) if known is None or not fits or (way is None and core.rate == inf) else known
    path = np.zeros(support.size) if way is None or core.outputs else way.q[support]
    if support.size > _WHOLE and not core.outputs:
        kernel = _kernel(part, prices)
        apart = _apart(kernel)
        law = np.zeros(part.size)
        likely, law[apart] = _screen(kernel[:, apart], part.p, q[apart])
        likely = np.arange(part.size)[apart][likely]
        if core.forbidden is not None or any(
            float(core.p @ c.cost[:, likely].min(axis=1)) > 0.5 * min(c.level, float((core.p @ c.cost).min()))
            for c in part.linear
        ):
            likely = np.union1d(likely, part.total_cost.argmin(axis=1))
        q = np.maximum(law[likely], 1e-6 / part.size)
        support, path = support[likely], path[likely]
        q = q if path.any() else spread(q)
    if not path.any():
        return Begun(support, q, prices, COLD)
    q = np.where(path > 0, path, q)
    return Begun(support, q / q.sum(), prices, NEAR)


def _waypoint(core: Program, start: Candidate) -> Waypoint | None:
    """Return a point on a neighbour's path, or None if it has none, or is none."""
    way, levels = start.waypoint, np.append(core.levels, core.rate)
    if way is None or way.q.size != core.size or way.levels.size != levels.size:
        return None
    return way if np.isclose(way.levels, levels, _NEIGHBOUR, 0.0).all() else None


def spread(q: Array) -> Array:
    """Return weights whose path begins well inside: a tenth is shared by all."""
    return 0.9 * q / q.sum() + 0.1 / q.size


def _kernel(part: Program, prices: Array) -> NDArray[np.float32]:
    """Return ``e^{-c}`` at the prices, up to a factor a row."""
    exponent: NDArray[np.float32] = np.zeros((part.p.size, part.size), dtype=np.float32)
    for price, c in zip(prices, part.linear, strict=True):
        exponent -= np.multiply(c.cost, price, dtype=np.float32)
    if part.forbidden is not None:
        exponent[part.forbidden] = -np.inf
    exponent -= exponent.max(axis=1, keepdims=True)
    return np.exp(exponent, out=exponent)


def _apart(kernel: NDArray[np.float32]) -> Indices | slice:
    """Return all columns, or if these are many, and their order is that of letters, some that every other is near to.

    From one column to a later one the kernel turns by at most the sum of what it turns by in between.
    """
    size = kernel.shape[1]
    if size <= _MANY:
        return slice(None)
    rows = kernel[:: -(-len(kernel) // _SAMPLE)]
    rows = rows / np.maximum(np.sqrt(np.square(rows).sum(axis=0)), np.float32(1e-30))
    turns = np.arccos(np.clip((rows[:, 1:] * rows[:, :-1]).sum(axis=0), -1.0, 1.0))
    cells = np.floor(np.append(0.0, np.cumsum(turns)) / _ALIKE)
    few = np.union1d(np.flatnonzero(np.diff(cells, prepend=-1.0)), size - 1)
    return few if 2 * few.size < size else slice(None)


def _screen(kernel: NDArray[np.float32], p: Array, q: Array) -> tuple[Indices, Array]:
    """Return the columns that may carry mass, and weights of all, by over-relaxed EM in single precision."""
    mass, law = p.astype(np.float32), q.astype(np.float32)
    for _ in range(_SWEEPS):
        gain = (mass / (kernel @ law)) @ kernel
        law = law * gain * np.maximum(gain, np.float32(1e-3))
        law /= law.sum()
    v = kernel @ law
    gain = (mass / v) @ kernel
    likely = (gain > _LIKELY) | (law > 1 / law.size)
    # Letters of little mass, which nearly all of the support is far from, keep the column that serves them best.
    bare = kernel[:, likely] @ law[likely] < 0.5 * v
    likely[(kernel[bare] * law).argmax(axis=1)] = True
    return np.flatnonzero(likely), law.astype(np.float64)


def outlook(core: Program) -> Array:
    """Return about the output law that does best without perception, in a millisecond or so."""
    q = np.full(core.size, 1.0 / core.size)
    return _screen(_kernel(core, _first_prices(core, q)), core.p, q)[1]


def _first_weights(core: Program, source: Array) -> Array:
    """Return weights of all columns: uniform, or with output laws near the source's own."""
    if not core.outputs:
        return np.ones(core.size)
    near = np.exp(-8.0 * core.total_cost)
    q = core.p @ (near / near.sum(axis=1, keepdims=True))
    if source.size == core.m:
        same = (core.letters == core.letters[:, :1]).all(axis=1)
        q = np.where(same, source[core.letters[:, 0]], 0.0) + (0.0 if core.letters.shape[1] == 1 else 1.0) * q
    q = np.maximum(q, 1e-6 / core.size)
    if any(isinstance(o.divergence, Wasserstein) for o in core.outputs):
        q = q / q.sum() + _SPREAD * flattened(q)
    return q


def _first_prices(part: Program, q: Array) -> Array:
    """Return prices at which the channel that the weights suggest meets the levels, roughly, on some letters."""
    count = len(part.linear)
    if count == 0:
        return np.zeros(0)
    rows = np.arange(part.p.size)
    if rows.size > _SAMPLE:
        rows = np.linspace(0, rows.size - 1, _SAMPLE).astype(np.intp)
    p = part.p[rows] / part.p[rows].sum()
    barred = None if part.forbidden is None else part.forbidden[rows]
    costs, levels = [c.cost[rows] for c in part.linear], part.levels
    for i in np.flatnonzero(np.isinf(levels)):
        levels[i] = 0.5 * float(p @ (costs[i] @ q))
    # Down to the least steps of the costs, what is spent is about the inverse of the price.
    steps = np.array([np.median(np.where(cost > 0, cost, inf).min(axis=1)) for cost in costs])
    s = np.clip(0.7 / np.maximum(count * levels, 1e-300), 1.0, np.maximum(1.0, 3.0 / steps))
    found, _ = project(p, q, costs, levels, s, np.full(count, 1e24), 1e-1, barred)
    return np.clip(found, 1e-2, inf)


def earned(core: Program, point: Point) -> Array:
    """Return ``Aᵀ y`` of every column at a point of a part of the program, roughly where it is clearly below one."""
    cost = point.dual.cost(core)
    exponent = np.subtract(point.log_a[:, None], cost, out=cost if cost.flags.writeable else None)
    # What overflows is worth joining all the same.
    with np.errstate(over="ignore"):
        rough = exponent.astype(np.float32)
        worth = (core.p.astype(np.float32) @ np.exp(rough, out=rough)).astype(np.float64)
        near = ~(worth < _CLEARLY)
        worth[near] = core.p @ np.exp(exponent[:, near])
    return worth


def needed(part: Program) -> NDArray[np.bool_]:
    """Return which columns must stay where some go: the cheapest of each source letter that may not show all.

    Where letters have a law to meet, all are there from the beginning, and none joins or goes.
    """
    needed: NDArray[np.bool_] = np.zeros(part.size, dtype=bool)
    if part.forbidden is not None:
        needed[part.total_cost.argmin(axis=1)] = True
    return needed
