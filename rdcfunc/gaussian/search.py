r"""The search for the best reproduction under a label of several numbers, and its bracket.

A tangent of the label's entropy makes a convex program, whose solution makes the next tangent. These steps never get
worse, and where they stay nothing is better; they are made shorter in number by Anderson's mixing of the last ones, in
logarithms of G.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import cast

import numpy as np
import scipy

from rdcfunc.checks import InfeasibleError
from rdcfunc.gaussian import pivots, start
from rdcfunc.gaussian.bottleneck import bottleneck
from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.feasibility import FINEST, Printed, too_fine
from rdcfunc.gaussian.interior import maximise
from rdcfunc.gaussian.labels import Determinant
from rdcfunc.gaussian.outcome import JUST, MOST, Outcome, Point, bracketed, loosened, shown, widened
from rdcfunc.gaussian.outcome import solve as plain
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.several import Several, left_of
from rdcfunc.gaussian.tangents import Tangents, symmetric
from rdcfunc.information import Array
from rdcfunc.rounding import ROUNDING, refuse_crossing

#: Steps at most, how many of the last ones are mixed, the bracket at which they end, how much
#: worse one may be, and after how many without progress it ends.
_STEPS, _MIXED, _END, _WORSE, _STALE = 60, 12, 1e-11, 1e-9, 10


def solve(question: Question, label: Several, level: float, units: Printed) -> Outcome:
    """Return the bracket of a question with a label of several numbers, whose entropy is at most ``level`` inside."""
    _check(question, label, level, units)
    if question.variances.size > MOST and question.judged.any():
        raise ValueError(
            f"a label told by several axes together with perception is offered for up to {MOST} axes (got "
            f"{question.variances.size}): a step takes their sixth power; leave out axes of little variance, or a level"
        )
    return _solve(question, label, level)


def _solve(question: Question, label: Several, level: float) -> Outcome:
    found = _free(question, label, level)
    if found is not None:
        return found
    found = _mixed(question, label, level, _first(question, label, level))
    if question.goal == "R" or found.upper - found.lower <= JUST:
        return found
    # Where the rate is only just enough, what takes the least is all that there is; wider levels bound the goal.
    q = question
    point = _only(q, label, inf if q.goal == "V" else level)
    left = left_of(point, q.variances.size)
    linear = label.linear(q, _inverse(label.within(left)), level)
    met = _met(linear, label, point, found.prices, found.steps)
    upper = label.mean(met.upper) if q.goal == "V" else met.upper
    wider = [_mixed(loosened(q, by), label, level + by, left).lower for by in (JUST, 1e3 * JUST)]
    lower = max(found.lower, *wider)
    best = replace(met, upper=upper) if upper < found.upper else found
    return replace(best, lower=min(lower, best.upper))


def _only(question: Question, label: Several, level: float) -> Point:
    """Return what takes the least rate: where that is only just enough it is all that there is."""
    point = _solve(replace(question, goal="R", R=inf), label, level).point
    return point if isinstance(point, Axes) or not question.judged.any() else shown(question, point)


def _check(question: Question, label: Several, level: float, units: Printed) -> None:
    """Refuse a level, or a rate, that is out of reach with the others."""
    q, same = question, np.eye(question.variances.size)

    def public(entropy: float) -> str:
        return f"{units.public('V', label.mean(entropy)):.9g} bits"

    if q.goal == "V":
        return
    if level <= (limit := label.entropy(0 * same)):
        raise InfeasibleError(
            f"C = {public(level)} is infeasible at any finite rate: the limit is C_min = h(S|X) = {public(limit)}; "
            "raise C above that"
        )
    if level < label.entropy(FINEST * same):
        raise too_fine()
    if q.R == inf:
        return
    alone = replace(q, D=np.full(1, inf), P=np.full(1, inf))
    least = _solve(replace(alone, goal="V"), label, inf)
    least_C = _entropy(label, least.upper)
    if level < _entropy(label, least.lower):
        raise InfeasibleError(
            f"C = {public(level)} is infeasible at R = {units.public('R', q.R):.9g}: the smallest feasible C is "
            f"C_min(R) = {public(least_C)}; raise C to at least that, or R"
        )
    if q.goal != "P" or q.D[0] == inf:
        return
    needed = _solve(replace(q, goal="R", R=inf, P=np.full(1, inf)), label, level).lower
    if needed > q.R * (1 + ROUNDING):
        nearest = _solve(replace(alone, goal="D"), label, level).upper
        raise InfeasibleError(
            f"D = {units.public('D', float(q.D[0])):.9g} is infeasible at R = {units.public('R', q.R):.9g} and C = "
            f"{public(level)}: the smallest feasible D is {units.public('D', nearest):.9g}; raise D to at least that, "
            f"or R to at least {units.public('R', needed):.9g}"
        )


def _entropy(label: Several, mean: float) -> float:
    """Return the entropy of independent numbers of a variance."""
    return inf if mean == inf else float(len(label.told) / 2 * np.log(mean)) if mean > 0 else -inf


def _free(question: Question, label: Several, level: float) -> Outcome | None:
    """Return the answer if the label, or perception, asks for nothing that the others do not."""
    q, k = question, question.variances.size
    if q.goal == "P":
        perfect = replace(q, goal="R", R=inf, P=np.zeros(1))
        found = _solve(perfect, label, level)
        if found.upper <= q.R:
            return replace(found, lower=0.0, upper=0.0, prices=np.zeros_like(found.prices))
    if q.goal != "V":
        found = plain(q)
        if found.upper < inf and label.entropy(left_of(found.point, k)) <= level:
            return found
    if q.goal == "P":
        return None
    one = replace(q, D=q.D.min(keepdims=True), P=np.full(1, inf))
    simpler = [one] if q.judged.any() else []
    if q.goal != "D" and q.D.min() < inf:
        simpler.append(replace(one, D=np.full(1, inf)))
    for simple in simpler:
        found = _solve(simple, label, level)
        if found.upper < inf:
            point = shown(q, found.point) if q.judged.any() else found.point
            values = point.values(q)
            met = q.levels.copy()
            met[q.goals] = found.upper if q.goal != "V" else inf
            if (values <= met).all():
                return replace(found, point=point, values=values, prices=widened(q, found.prices))
    return None


def _first(question: Question, label: Several, level: float) -> Array:
    """Return something left of the source, for the first tangent, that meets the levels but for rounding."""
    q, k, s2 = question, question.variances.size, question.variances
    if q.goal == "P":
        both = replace(q, goal="R", R=inf, P=np.full(1, inf))
        return left_of(_solve(both, label, level).point, k)
    D, told = float(q.D.min()), bottleneck(label, level, q.R)
    if D == inf and q.goal == "R":
        return told
    blind = replace(q, D=np.full(1, D if q.goal == "R" else inf), P=np.full(1, inf), V=inf)
    seen = left_of(plain(blind if q.goal == "R" else replace(blind, goal="D")).point, k)
    if q.goal == "R":
        tries = [_scaled(label, level, D, s2, _way(seen, told, t)) for t in (0.0, 0.5, 0.8, 0.95, 1.0)]
        return max(tries, key=lambda left: float(np.linalg.slogdet(left)[1]))
    # At one rate, all the way: as near to the other goal as the level allows.
    if q.goal == "D":
        return _way(told, seen, _most(lambda t: label.entropy(_way(told, seen, t)) - level))
    return _way(seen, told, _most(lambda t: float(s2 @ np.diag(_way(seen, told, t))) - D))


def _scaled(label: Several, level: float, D: float, variances: Array, left: Array) -> Array:
    """Return as much of a matrix as meets the distortion and the label."""
    left = left * min(1.0, D / float(variances @ np.diag(left)))
    if label.entropy(left) <= level:
        return left
    u = scipy.optimize.brentq(lambda u: label.entropy(np.exp(u) * left) - level, 2 * np.log(FINEST), 0.0)
    return left * float(np.exp(u))


def _most(over: Callable[[float], float]) -> float:
    """Return the largest part of the way at which nothing is over."""
    if over(1.0) <= 0:
        return 1.0
    return 0.0 if over(0.0) >= 0 else float(scipy.optimize.brentq(over, 0.0, 1.0))


def _way(A: Array, B: Array, t: float) -> Array:
    """Return the point at t of the geodesic from A to B, positive matrices."""
    values, turn = scipy.linalg.eigh(B, A)
    back = np.linalg.inv(turn)
    return np.asarray((back.T * np.maximum(values, 1e-300) ** t) @ back)


def _mixed(question: Question, label: Several, level: float, left: Array) -> Outcome:
    """Return the bracket that steps from tangent to tangent lead to."""
    q, basis = question, symmetric(len(label.told))
    seen: list[tuple[Array, Array]] = []
    last: dict[int, Array] = {}
    gaps: list[float] = []
    best: Outcome | None = None
    lower, reached, steps = -inf, inf, 0
    at = plainly = _logarithm(_inverse(label.within(left)), basis)
    for _ in range(_STEPS):
        linear, value = label.linear(q, _exponential(at, basis), level), inf
        if linear.V > 0:
            oracle = Tangents(linear, dict(last)) if q.judged.any() else Determinant(linear)
            w = start.prices(linear)
            found = maximise(oracle, w, linear.levels, np.flatnonzero((linear.levels < inf) & (w > 0)))
            steps += found.steps
            point = cast("Point", found.point)
            left = left_of(point, q.variances.size)
            value = label.entropy(left) if q.goal == "V" else float(found.values[q.goals])
        if not value <= reached + _WORSE * (1 + abs(reached)):
            if at is plainly:
                break
            far = float(np.abs(at - plainly).max()) > 8 * float(np.abs(seen[-1][1]).max()) if seen else False
            at, seen = (plainly + (at - plainly) / 8, seen) if far else (plainly, seen[-1:])
            continue
        reached, Y = value, found.prices[1 : 1 + q.D.size, None, None] * np.diag(q.variances)
        if isinstance(oracle, Tangents):
            last, Y = oracle.last, oracle.tangents(found.prices)
        lower = max(lower, _proved(q, label, level, found.prices, Y, left))
        met = _met(linear, label, point, found.prices, steps)
        if best is None or met.upper < best.upper:
            best = met
        narrow = 0.9 * gaps[-_STALE] if len(gaps) >= _STALE else inf
        gaps.append(best.upper - lower)
        if gaps[-1] <= _END * (1 + abs(best.upper)) or gaps[-1] > narrow:
            break
        plainly = _logarithm(_inverse(label.within(left)), basis)
        seen = [*seen[-_MIXED:], (at, plainly - at)]
        at = _anderson(seen)
    if best is None:
        silent = start.silent(q)
        best = Outcome(lower, inf, silent, silent.values(q), np.zeros(q.levels.size), steps)
    refuse_crossing(lower, best.upper)
    lower, upper = min(lower, best.upper), best.upper
    if q.goal == "V":
        lower, upper = label.mean(lower), label.mean(upper)
    return replace(best, lower=max(0.0, lower), upper=upper, steps=steps)


def _met(linear: Question, label: Several, point: Point, w: Array, steps: int) -> Outcome:
    """Return a point within its levels and what it costs, the label's entropy if that is the goal."""
    found = bracketed(linear, 0.0, point, w, steps)
    if found.upper == inf:
        return found
    left = left_of(found.point, linear.variances.size)
    off, upper = label.rounding(left), found.upper
    if linear.goal == "V":
        # What was added for rounding is in units of the tangent, twice those of the entropy.
        upper = label.entropy(left) + off + (upper - float(found.values[-1])) / 2
    else:
        upper += 2 * float(w[-1]) * off
    prices = w.copy()
    prices[-1] /= label.mean(label.entropy(left))
    return replace(found, upper=upper, prices=prices)


def _proved(question: Question, label: Several, level: float, w: Array, Y: Array, left: Array) -> float:
    """Return the best bound of prices as they are, or without those that were left near zero."""
    K = question.D.size
    still = np.diag(question.variances)
    blind, alone, equal = w.copy(), w.copy(), w.copy()
    blind[1 + K : 1 + 2 * K] = 0.0
    alone[1 : 1 + 2 * K] = 0.0
    # Without noise the label's entropy has at most the price of rate, which it may miss by rounding.
    equal[-1] = min(w[-1], w[0] / 2)
    found = max(pivots.lower_bound(question, label, level, v, Y, left) for v in (w, equal))
    for v in (blind, alone):
        if v[question.goals] > 0:
            found = max(found, pivots.lower_bound(question, label, level, v, v[1 : 1 + K, None, None] * still, left))
    return found


def _anderson(seen: list[tuple[Array, Array]]) -> Array:
    """Return the mixture of the last points and moves at which the move would vanish, were it linear."""
    at, move = seen[-1]
    if len(seen) == 1:
        return at + move
    moves = np.array([move - earlier for _, earlier in seen[:-1]]).T
    turns = np.array([at - earlier for earlier, _ in seen[:-1]]).T
    mixed = np.linalg.lstsq(moves, move, rcond=1e-10)[0]
    return np.asarray(at + move - (turns + moves) @ mixed)


def _logarithm(G: Array, basis: Array) -> Array:
    values, axes = np.linalg.eigh((G + G.T) / 2)
    return basis.T @ ((axes * np.log(values)) @ axes.T).ravel()


def _inverse(A: Array) -> Array:
    return np.asarray(np.linalg.inv(A), dtype=np.float64)


def _exponential(x: Array, basis: Array) -> Array:
    n = int(np.sqrt(len(basis)))
    values, axes = np.linalg.eigh((basis @ x).reshape(n, n))
    return (axes * np.exp(values)) @ axes.T
