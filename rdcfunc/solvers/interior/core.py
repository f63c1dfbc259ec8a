"""The way into the core and out of it: a program without letters that never occur and levels that have no price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from rdcfunc.candidate import Candidate, Dual, Waypoint
from rdcfunc.information import Array, Indices
from rdcfunc.program import Program
from rdcfunc.solvers.interior.barrier import unreachable
from rdcfunc.solvers.interior.saddle import Point


@dataclass(frozen=True, eq=False)
class Core:
    """A program as the method likes it: source letters with mass, and linear costs over the cheapest column's.

    What is spent of such costs falls like e^-s, and nothing cancels near the least level. A level that is the least
    one has no finite price; its pairs that cost more are forbidden instead.

    Attributes
    ----------
    program
        The program on ``live`` letters.
    live
        Which source letters have mass.
    floors
        Costs of the cheapest columns (live letters,) for each linear constraint kept.
    tight
        Excess costs (live letters, N) of the levels that were turned into forbidden pairs, by their place.
    """

    program: Program
    live: NDArray[np.bool_]
    floors: list[Array]
    tight: dict[int, Array]


def enter(program: Program) -> Core:
    """Return the core of a program."""
    live = program.p > 0
    rows = slice(None) if live.all() else live
    p = program.p[rows]
    forbidden = None if program.forbidden is None else program.forbidden[rows]
    for output in program.outputs:
        forbidden = _also(forbidden, unreachable(output, program)[program.letters[:, output.target]][None])
    tight: dict[int, Array] = {}
    linear, floors = [], []
    for i, c in enumerate(program.linear):
        cost = program.barred(c.cost)[rows]
        least = cost.min(axis=1)
        excess = cost - least[:, None] if least.any() else cost
        level = c.level - float(p @ least)
        if level <= 4e-16 * c.level < inf:
            tight[i] = excess
            forbidden = _also(forbidden, excess > 0)
        else:
            finite = excess if program.forbidden is None else np.where(np.isinf(excess), 0.0, excess)
            linear.append(replace(c, cost=finite, level=level))
            floors.append(least)
    if forbidden is not None:
        forbidden = np.broadcast_to(forbidden, (p.size, program.size))
    return Core(replace(program, p=p, linear=tuple(linear), forbidden=forbidden), live, floors, tight)


def _also(forbidden: NDArray[np.bool_] | None, more: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return what is forbidden by either, or None if nothing is."""
    if not more.any():
        return forbidden
    return more if forbidden is None else forbidden | more


def leave(program: Program, core: Core, support: Indices, point: Point, steps: int) -> Candidate:
    """Return channel and prices for the program from a point of its core."""
    live, found = core.live, iter(point.dual.linear)
    prices = np.array([0.0 if i in core.tight else next(found) for i in range(len(program.linear))])
    outputs = []
    for (t, g), output in zip(point.dual.outputs, program.outputs, strict=True):
        outputs.append((output.pinned_price(g) if output.pinned else t, g.copy()))
    dual = Dual(prices, tuple(outputs))
    exponent = -point.dual.cost(core.program.take(support))
    channel = np.exp(exponent - exponent.max(axis=1, keepdims=True)) * point.q
    log_a = np.zeros(program.p.size)
    log_a[live] = point.log_a
    for s, floor in zip(point.dual.linear, core.floors, strict=True):
        log_a[live] += s * floor
    _price_the_unreachable(program, dual, live, log_a)
    for i, excess in core.tight.items():
        prices[i] = _tight_price(program, dual, excess, live, log_a)
        log_a[live] += prices[i] * program.barred(program.linear[i].cost)[live].min(axis=1)
    rows = np.zeros((program.p.size, support.size))
    rows[live] = channel / channel.sum(axis=1, keepdims=True)
    if not live.all():
        rows[~live, _cheapest_columns(program, support)[~live]] = 1.0
    waypoint: Waypoint | None = None
    if point.path is not None:
        waypoint = Waypoint(np.zeros(program.size), np.append(core.program.levels, program.rate))
        waypoint.q[support] = point.path
    return Candidate(rows, support, dual, steps, log_a, waypoint)


def _price_the_unreachable(program: Program, dual: Dual, live: NDArray[np.bool_], log_a: Array) -> None:
    """Give letters that an output may never show the price at which no column with them earns more than it costs."""
    for (_, g), output in zip(dual.outputs, program.outputs, strict=True):
        dead = unreachable(output, program)
        if dead.any():
            log_y = (np.log(program.p[live]) + log_a[live])[:, None]
            earned = logsumexp(log_y - dual.cost(program)[live], axis=0)
            dear = np.full(program.m, -inf)
            np.maximum.at(dear, program.letters[:, output.target], earned)
            g[dead] += np.maximum(dear[dead], 0.0)


def _tight_price(program: Program, dual: Dual, excess: Array, live: NDArray[np.bool_], log_a: Array) -> float:
    """Return a price at which the pairs that a tight level forbids earn nothing."""
    over = excess[np.isfinite(excess) & (excess > 0)]
    if over.size == 0:
        return 0.0
    base = (np.log(program.p[live]) + log_a[live])[:, None] - dual.cost(program)[live]
    price = 40.0 / float(over.min())
    while price * float(over.min()) < 1e3 and logsumexp(base - price * excess, axis=0).max() > 1e-13:
        price *= 2
    return price


def _cheapest_columns(program: Program, support: Indices) -> Indices:
    return program.take(support).total_cost.argmin(axis=1)
