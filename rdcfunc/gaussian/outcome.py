"""From a question to a bracket: a proposer for each shape of question, and one certificate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import scipy

from rdcfunc.gaussian import joint, moments, scalar, start
from rdcfunc.gaussian.certificate import blurred, lower_bound
from rdcfunc.gaussian.components import Axes, Components
from rdcfunc.gaussian.deviations import Priced
from rdcfunc.gaussian.interior import maximise
from rdcfunc.gaussian.labels import Determinant, Left
from rdcfunc.gaussian.matrices import Matrices, perceived
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.repair import repaired
from rdcfunc.gaussian.tangents import Tangents
from rdcfunc.information import Array
from rdcfunc.rounding import EPS, ROUNDING, refuse_crossing

#: The most axes whose tangents are sought.
MOST = 48
#: How much wider, relative to them, levels may be that are met: two may pull what is left opposite ways.
_LOOSER = (ROUNDING, 16 * ROUNDING, 256 * ROUNDING)
#: The same where no prices are found.
JUST = 1e-9

Point = Axes | Left | Matrices


@dataclass(frozen=True, eq=False)
class Outcome:
    """A bracket of the goal in the units of the question, the reproduction of its upper end, and prices.

    Attributes
    ----------
    lower, upper
        The bracket.
    point
        The reproduction.
    values
        What it spends and achieves, ``(R, D.., P.., V)``.
    prices
        ``(ρ, λ.., μ.., ν)``, that of the goal being one; all zero where the lower bound is trivial.
    steps
        Iterations.
    """

    lower: float
    upper: float
    point: Point
    values: Array
    prices: Array
    steps: int


def solve(question: Question) -> Outcome:
    """Return the bracket of a question that is feasible."""
    if not question.variances.any():
        point = Axes(np.zeros(1), np.zeros((question.D.size, 1)))
        return Outcome(0.0, 0.0, point, point.values(question), np.zeros(question.levels.size), 0)
    if question.goal == "P":
        # Perfect perception needs no price, if the rate is enough for it.
        perfect = solve(replace(question, goal="R", R=inf, P=np.zeros(1)))
        if perfect.upper <= question.R:
            return replace(perfect, lower=0.0, upper=0.0, prices=np.zeros_like(perfect.prices))
    if question.goal == "R" and isinstance(question.deviation, Priced):
        quiet = start.silent(question)
        if (quiet.values(question) <= question.levels).all():
            return Outcome(0.0, 0.0, quiet, quiet.values(question), np.zeros(question.levels.size), 0)
    if question.goal == "V" and not question.told.any():
        found = solve(replace(question, goal="R", R=inf))
        return replace(found, lower=0.0, upper=0.0, prices=np.zeros_like(found.prices))
    found = _scalar(question) if question.variances.size == 1 else _vector(question)
    if found.upper == inf and question.goal != "R":
        # Where the rate is only just enough, what takes the least is all that there is; wider levels bound the goal.
        only = solve(replace(question, goal="R", R=inf)).point
        if not isinstance(only, Axes) and question.judged.any():
            only = shown(question, only)
        lower = max(found.lower, _vector(loosened(question, JUST)).lower)
        return bracketed(question, lower, only, found.prices, found.steps)
    return found


def _scalar(question: Question) -> Outcome:
    """Return what the closed forms give: a reproduction, and its prices for the certificate."""
    shape = question.deviation
    point, w = scalar.propose(question, np.array([shape.least(float(P)) for P in question.P]))
    if isinstance(shape, Priced):
        lower = lower_bound(question, w, point)
    else:
        lower = _by_moments(question, point)
    return bracketed(question, lower, point, w, 1)


def _by_moments(question: Question, point: Axes) -> float:
    """Return a lower bound for a divergence that other laws of these second moments may undercut."""
    if question.goal == "P":
        return moments.divergence(question.deviation, 1 + float(point.x[0, 0]))
    least = np.array([moments.least(question.deviation, float(P)) for P in question.P])
    value = scalar.propose(question, least)[0].values(question)[question.goals]
    return float(value) * (1 - ROUNDING)


def _vector(question: Question) -> Outcome:
    plain = not question.judged.any() and question.D.size == 1
    if plain and question.V == inf and question.goal in "RD":
        point, w = start.filled(question)
        return bracketed(question, lower_bound(question, w, point), point, w, 1)
    told = question.goal == "V" or question.V < inf
    if np.count_nonzero(question.told) * told <= 1:
        return _by_axes(question)
    if not question.judged.any():
        return _by_label(question)
    return _by_matrices(question)


def _by_axes(question: Question) -> Outcome:
    w = start.prices(question)
    live = np.flatnonzero((question.levels < inf) & (w > 0))
    found = maximise(Components(question), w, question.levels, live)
    lower = lower_bound(question, found.prices, found.point)
    return bracketed(question, lower, found.point, found.prices, found.steps)


def _by_label(question: Question) -> Outcome:
    w = start.prices(question)
    live = np.flatnonzero((question.levels < inf) & (w > 0))
    found = maximise(Determinant(question), w, question.levels, live)
    lower = lower_bound(question, found.prices, _anywhere(question))
    return bracketed(question, lower, found.point, found.prices, found.steps)


def _by_matrices(question: Question) -> Outcome:
    """Return the answer where a label told by several axes and perception meet."""
    known = [0.0]
    if question.goal != "V":
        simple = solve(replace(question, V=inf))
        if simple.upper < inf and isinstance(simple.point, Axes) and simple.point.e @ question.told**2 <= question.V:
            return simple
        known.append(simple.lower)
    for simple in _without_perception(question):
        if simple.upper < inf:
            point = shown(question, simple.point)
            values = point.values(question)
            # What is shown must not cost more of the goal than was found without perception.
            if (values <= question.levels).all() and values[question.goals] <= simple.upper:
                return replace(simple, point=point, values=values, prices=widened(question, simple.prices))
        known.append(simple.lower)
    if question.variances.size > MOST:
        raise ValueError(
            f"a label told by several axes together with perception is offered for up to {MOST} axes (got "
            f"{question.variances.size}): a step takes their sixth power; leave out axes of little variance, or a level"
        )
    w = start.prices(question)
    live = np.flatnonzero((question.levels < inf) & (w > 0))
    oracle = Tangents(question)
    found = maximise(oracle, w, question.levels, live)
    lower, prices = joint.best_bound(question, found.prices, oracle.tangents(found.prices))
    return bracketed(question, max(lower, *known), found.point, prices, found.steps)


def _without_perception(question: Question) -> Iterator[Outcome]:
    """Return the answers without perception, and without distortion besides, where that is left."""
    q = question
    if q.goal != "P":
        one = replace(q, D=q.D.min(keepdims=True), P=np.full(1, inf))
        yield solve(one)
        if q.goal != "D":
            yield solve(replace(one, D=np.full(1, inf)))


def shown(question: Question, point: Point) -> Matrices:
    """Return what decoders show of an estimate, brought as near to the source's law as they are asked for."""
    q = question
    if isinstance(point, Axes):
        point = Left(point.e, np.eye(q.variances.size))
    known = point.axes * np.sqrt(1 - point.parts)
    found = Matrices(point.parts, point.axes, np.tile(known, (q.D.size, 1, 1)))
    for j in np.flatnonzero(q.judged).tolist():
        found = _nearer(q, found, j)
    return found


def _nearer(question: Question, point: Matrices, j: int) -> Matrices:
    """Return the point with decoder j's reproduction as near to the source's law as it is asked for."""
    q, same = question, np.eye(question.variances.size)

    def over(part: float) -> float:
        return perceived(q, point.drawn(q.variances, j, same, part).shown[j]) - float(q.P[j])

    part = 0.0 if over(0.0) <= 0 else 1.0
    if part and q.P[j] > 0:
        part = min(1.0, float(scipy.optimize.brentq(over, 0.0, 1.0)) * (1 + 1e-9))
    return point.drawn(q.variances, j, same, part)


def widened(question: Question, w: Array) -> Array:
    """Return prices of all decoders from those of one, that of the dearest distortion."""
    K = question.D.size
    wide = np.zeros(2 + 2 * K)
    wide[0], wide[-1], wide[1 + int(np.argmin(question.D))] = w[0], w[-1], w[1]
    return wide if w.size < wide.size else w


def _anywhere(question: Question) -> Axes:
    """Return a tangent point for programs that are linear in what is left."""
    return Axes(np.full(question.variances.size, 300.0), np.zeros((1, question.variances.size)))


def bracketed(question: Question, lower: float, point: Point, w: Array, steps: int) -> Outcome:
    """Bring the reproduction within the levels, and say what it costs."""
    met = _repaired(question, point)
    for by in _LOOSER:
        met = met or _repaired(loosened(question, by), point)
    if met is None:
        return Outcome(lower, inf, point, point.values(question), w, steps)
    values = met.values(question)
    value, goal = float(values[question.goals]), question.goals
    over = np.maximum(values - question.levels, 0.0)
    # What rounding and the blur of the variances may hide is paid for at its price.
    hidden = EPS * (64 + question.variances.size) * values
    over[goal] = 0.0
    more = float(w @ (hidden + over)) + blurred(question, w, met if isinstance(met, Axes) else None)
    refuse_crossing(lower, value + more)
    return Outcome(min(lower, value), value + more, met, values, w, steps)


def _repaired(question: Question, point: Point) -> Point | None:
    return repaired(question, point) if isinstance(point, Axes) else point.repaired(question)


def loosened(question: Question, by: float) -> Question:
    """Return the question with levels that are a little wider."""
    more = 1 + by
    return replace(question, R=question.R * more, D=question.D * more, P=question.P * more, V=question.V * more)
