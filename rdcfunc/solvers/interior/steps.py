"""A step along the central path: where it aims, and how far it goes."""

from __future__ import annotations

from math import inf

import numpy as np

from rdcfunc.information import Array
from rdcfunc.solvers.interior.barrier import Direction, Pair, room
from rdcfunc.solvers.interior.saddle import Saddle

#: Share of the way to the boundary that a step goes, and one that goes less fast where that leads astray.
FAST, CAREFUL = 0.99, 0.5
#: What a step may add to a price (relatively) or an output price.
_GROWTH, _TURN = 2.0, 10.0
#: How far what is missed may lag behind the products, and the part of these that is kept while it does.
_LAG, _HELD = 30.0, 1.0
#: Parts of the mean product to aim at, in turn, until a step is so long.
_BOLD, _TIMID, _FAIR = (0.1, 0.3, 0.6), (0.5, 0.8, 1.0), 0.5
#: Corrections of one step, the step beyond which none is needed, and what one should add.
_CORRECTORS, _FAR, _GAIN = 10, 0.97, 0.01
#: Corrections where pairs are tied, which take turns to be in the way: those that add nothing lead to some that do.
#: Few pairs have had their turns sooner.
_TIED = 40
#: Least product of a pair, in units of the mean; how often a step is shortened for it; and what counts as cut short.
_NEIGHBOURHOOD, _SHORTER, _SHORT = 0.01, 20, 0.2


def advance(saddle: Saddle, pace: float = FAST) -> None:
    """Take a step: predict, correct (Mehrotra 1992), and correct pairs that are in the way again (Gondzio 1996)."""
    saddle.factor()
    still = [-pair.primal * pair.dual for pair in saddle.pairs]
    predicted = saddle.solve(still, 0.0)
    step = min(1.0, _room(saddle, predicted))
    ahead = sum(pair.ahead(d, step) for pair, d in zip(saddle.pairs, predicted, strict=True))
    most = min(1.0, max(ahead / _total(saddle), 1e-8)) ** 3
    # Products far ahead of what is missed would leave it to equations that are all rounding by then.
    least = min(_HELD, saddle.missed * saddle.price() / (_LAG * saddle.mu))
    bent = [still_ - d[0] * d[1] for still_, d in zip(still, predicted, strict=True)]
    bend = -saddle.dy * saddle.dv
    step = _tried(saddle, bent, bend, _BOLD, most, least, pace) if saddle.trust == 1.0 else 0.0
    if step < _SHORT:
        # The path bends too much for a corrector: back towards it first.
        step = _tried(saddle, still, 0.0, _TIMID, max(most, _TIMID[0]), least, pace)
    saddle.move(step)


def _tried(
    saddle: Saddle,
    changes: list[Array],
    bend: Array | float,
    centrings: tuple[float, ...],
    most: float,
    least: float,
    pace: float,
) -> float:
    """Point the direction at smaller parts of the mean product first; return the step to take.

    Corrected, a direction goes further than the prediction says that it may, which aims at the part ``most``.
    """
    step = 0.0
    for centring in centrings:
        step = _corrected(saddle, changes, bend, max(min(centring, most), least), pace)
        if step >= _FAIR or centring >= most:
            break
    return step


def _corrected(saddle: Saddle, changes: list[Array], bend: Array | float, centring: float, pace: float) -> float:
    """Point the direction at a part of the mean product, beside changes of products; return the step to take."""
    goals = [centring * saddle.mu * pair.weight for pair in saddle.pairs]
    aims = [change + goal for change, goal in zip(changes, goals, strict=True)]
    directions = saddle.solve(aims, bend)
    best, step = aims, _room(saddle, directions)
    ahead, tied = step, any(barrier.tied for barrier in saddle.barriers)
    turns = min(_TIED, max(pair.primal.size for pair in saddle.pairs)) if tied else 0
    for _ in range(max(_CORRECTORS, turns)):
        if ahead > _FAR:
            break
        aims = [
            aim + _toward(pair, d, goal, min(1.0, 1.5 * ahead + 0.1))
            for aim, pair, d, goal in zip(aims, saddle.pairs, directions, goals, strict=True)
        ]
        directions = saddle.solve(aims, bend)
        ahead = _room(saddle, directions)
        if ahead > step + _GAIN:
            best, step = aims, ahead
        elif not tied or step > _FAIR:
            break
    if aims is not best:
        saddle.solve(best, bend)
    return _centred(saddle, min(1.0, pace * step, _longest(saddle)))


def _centred(saddle: Saddle, step: float) -> float:
    """Return the step, shortened until no pair is far ahead of the others."""
    total = sum(float(pair.weight.sum()) for pair in saddle.pairs)
    for _ in range(_SHORTER):
        products = [
            (pair.primal + step * d[0]) * (pair.dual + step * d[1])
            for pair, d in zip(saddle.pairs, saddle.directions, strict=True)
        ]
        least = _NEIGHBOURHOOD * sum(float(found.sum()) for found in products) / total
        if all((found >= least * pair.weight).all() for found, pair in zip(products, saddle.pairs, strict=True)):
            break
        step *= 0.8
    return step


def _total(saddle: Saddle) -> float:
    return sum(pair.product() for pair in saddle.pairs)


def _room(saddle: Saddle, directions: list[Direction]) -> float:
    rooms = [pair.room(d) for pair, d in zip(saddle.pairs, directions, strict=True)]
    return min(*rooms, room(saddle.s, saddle.ds))


def _longest(saddle: Saddle) -> float:
    """Return the step beyond which exponents move too far for a linear model."""
    speed = float(np.max(np.abs(saddle.ds / saddle.s), initial=0.0)) / _GROWTH
    for b in saddle.barriers:
        speed = max(speed, b.dt / b.t / _GROWTH, b.speed(), float(np.abs(b.dg).max()) / _TURN)
    return saddle.trust / speed if speed > 0 else inf


def _toward(pair: Pair, direction: Direction, goal: Array, step: float) -> Array:
    """Return the change of products that brings those which a longer step would leave far off nearer to their goal."""
    ahead = (pair.primal + step * direction[0]) * (pair.dual + step * direction[1])
    return np.clip(np.clip(ahead, 0.1 * goal, 10 * goal) - ahead, -10 * goal, 10 * goal)
