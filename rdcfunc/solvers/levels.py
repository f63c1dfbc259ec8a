"""A level that is minimised, by way of rates: the level whose least rate is the rate allowed.

The least rate R(L) at a level L of the goal is convex and falls with L, so that a tangent at any level meets the rate
allowed below the level sought, and a chord above it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import bracket, lower_bound
from rdcfunc.columns.regions import Branch
from rdcfunc.program import Program
from rdcfunc.solvers.ends import ample

#: Most levels tried, and what one must leave of the interval of levels, or the next halves it.
_LEVELS, _LEFT = 40, 0.5
#: Accuracies in nats of the first, of finer, and of the last brackets of rates.
_FIRST, _FINER, _LAST = 1e-4, 1e-8, 1e-11
#: Least share of the interval at whose inner ends a level is tried, and least price of a goal.
_SHARE, _LITTLE = 0.02, 1e-6


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
        found = solve(program.with_goal_at(level), tol / 10)[0]
        return found, program.take(found.columns).information(found.channel), float(found.dual.linear[place])

    free = solve(program.without_goal, tol / 10)[0]
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


def _worth(dual: Dual, place: int) -> Dual:
    """Return prices at which the goal is worth something."""
    linear = dual.linear.copy()
    linear[place] = max(linear[place], _LITTLE)
    return replace(dual, linear=linear)


def _every(tree: Branch[Candidate] | Candidate, place: int) -> Branch[Candidate] | Candidate:
    """Return a tree of regions in all of which the goal is worth something."""
    if isinstance(tree, Branch):
        low, high = tree.parts
        return replace(tree, parts=(_every(low, place), _every(high, place)))
    return replace(tree, dual=_worth(tree.dual, place))


def by_brackets(
    program: Program, tol: float, solve: Callable[[Program, float, int], list[Candidate]], work: int
) -> list[Candidate]:
    """Return candidates for a linear goal where the least rate falls with its level without being convex.

    Brackets of the rate at two levels hold the level sought between them. The prices that prove a rate at one level
    prove a level at the rate allowed.

    Parameters
    ----------
    tol
        In units of the goal.
    solve
        Solves programs that minimise the rate, to a tolerance in nats and in some steps at most.
    work
        The most steps of all programs.
    """
    goal = next(c for c in program.linear if c.level == inf)
    place = program.linear.index(goal)
    free = program.without_goal
    for accuracy in (_FIRST, _FINER):
        best = solve(free, accuracy, work)[0]
        work = max(work - best.steps, 1)
        there = bracket(free, best)
        if there.upper <= program.rate:
            break
    else:
        return []
    part = program.take(there.columns)
    low, high = program.cheapest(goal), part.value(part.linear[place], there.channel)
    # Its prices are those of a program without the goal.
    best = replace(
        best,
        channel=there.channel,
        columns=there.columns,
        dual=Dual.zero(program),
        log_a=None,
        tree=None,
        waypoint=None,
    )
    proof, sides = best, {low: inf, high: there.upper}
    for _ in range(_LEVELS):
        if high - low <= tol or work <= 1:
            break
        dear, cheap = sides.get(low, inf), sides[high]
        share = (dear - program.rate) / (dear - cheap) if dear < inf else 0.5
        level = low + min(max(share, _SHARE), 1 - _SHARE) * (high - low)
        least = program.with_goal_at(level)
        found = solve(least, accuracy, work)[0]
        work = max(work - found.steps, 1)
        here = bracket(least, found)
        told = replace(found, dual=_worth(found.dual, place), tree=_every(found.tree or found, place))
        bound = lower_bound(program, told)
        if bound > low:
            low, proof = bound, told
            sides[low] = here.lower if here.lower > program.rate else inf
        if here.upper <= program.rate:
            part = program.take(here.columns)
            high = min(high, part.value(part.linear[place], here.channel))
            best, sides[high] = replace(found, channel=here.channel, columns=here.columns), here.upper
        elif here.lower <= program.rate:
            if accuracy <= _LAST:
                break
            accuracy /= 8
    return [best, proof]
