"""A level that is minimised, by way of rates: the level whose least rate is the rate allowed.

The least rate R(L) at a level L of the goal is convex and falls with L, so that a tangent at any level meets the rate
allowed below the level sought, and a chord above it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf

from rdcfunc.program import Candidate, Program
from rdcfunc.solvers.ends import ample

#: Most levels tried, and what one must leave of the interval of levels, or the next halves it.
_LEVELS, _LEFT = 40, 0.5


def by_rates(program: Program, tol: float, solve: Callable[[Program, float], list[Candidate]]) -> list[Candidate]:
    """Return candidates for a linear goal under at most one more level, or none where the rate is too small for it.

    Parameters
    ----------
    tol
        In units of the goal.
    solve
        Solves programs that minimise the rate, to a tolerance in nats.
    """
    goal = next(c for c in program.linear if c.level == inf)
    place = program.linear.index(goal)

    def at(level: float) -> tuple[Candidate, float, float]:
        linear = tuple(replace(c, level=level) if c is goal else c for c in program.linear)
        found = solve(replace(program, linear=linear, rate=inf), tol / 10)[0]
        return found, program.take(found.columns).information(found.channel), float(found.dual.linear[place])

    free = solve(replace(program, linear=program.limits, rate=inf), tol / 10)[0]
    part = program.take(free.columns)
    high, spent_high = part.value(part.linear[place], free.channel), part.information(free.channel)
    if spent_high > program.rate:
        return []
    least, dual = ample(program)
    level = least + tol / 2
    found, spent, price = at(level)
    if spent <= program.rate:
        return [replace(found, dual=dual, log_a=None)]
    low, left, spent_left = level, level, spent
    for _ in range(_LEVELS):
        before = high - low
        if price > 0:
            low = max(low, level + (spent - program.rate) / price)
        if spent > program.rate:
            left, spent_left = level, spent
        else:
            high, spent_high = level, spent
        chord = left + (high - left) * (spent_left - program.rate) / max(spent_left - spent_high, 1e-300)
        if chord - low <= tol / 4:
            # A channel at the chord's end keeps to the rate.
            return [at(chord)[0]]
        level = low if high - low < _LEFT * before else (low + chord) / 2
        found, spent, price = at(level)
    return [at(chord)[0], found]
