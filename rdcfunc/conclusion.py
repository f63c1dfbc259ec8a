"""From candidates to a solution: the best of their certified bounds, and nats become bits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import Bracket, bracket, lower_bound
from rdcfunc.checks import InfeasibleError
from rdcfunc.classifications import ConditionalEntropy, FixedClassifier
from rdcfunc.feasibility import check_together
from rdcfunc.information import NATS_PER_BIT, Array, Indices, class_joint, conditional_entropy
from rdcfunc.lift import Lift
from rdcfunc.model import FILTERS
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Program, shown
from rdcfunc.rounding import refuse_crossing
from rdcfunc.solution import Prices, Solution, Status, WideBracketWarning
from rdcfunc.solvers.base import Solver


@dataclass(frozen=True, eq=False)
class Weighed:
    """The best bounds that some candidates have, in nats or units of the goal.

    Attributes
    ----------
    lower, proof
        The best lower bound, and the candidate whose prices prove it.
    top, best
        The bracket with the best upper bound, and the candidate whose channel attains it.
    steps
        The iterations of all candidates.
    """

    lower: float
    proof: Candidate
    top: Bracket
    best: Candidate
    steps: int


@np.errstate(all="ignore")
def weigh(
    program: Program | Lift, found: Sequence[Candidate], proofs: Sequence[Candidate] = (), enough: float = 0.0
) -> Weighed:
    """Return the best bounds of some candidates; ``proofs`` give lower ones only.

    No bracket need be narrower than ``enough``.

    Raises
    ------
    InfeasibleError
        If no candidate meets the levels, and they are seen to clash.
    """
    found = [c if c.dual.sound else replace(c, dual=Dual.zero(program), log_a=None, tree=None) for c in found]
    brackets = [bracket(program, candidate, enough) for candidate in found]
    if min((b.upper for b in brackets), default=inf) == inf:
        check_together(program)
    if not brackets:
        columns = np.arange(min(program.size, program.m))
        nothing = np.full((program.p.size, columns.size), 1.0 / columns.size)
        found = [Candidate(nothing, columns, Dual.zero(program), 0, origin="nothing known")]
        brackets = [bracket(program, found[0], enough)]
    best = int(np.argmin([b.upper for b in brackets]))
    bounds = [b.lower for b in brackets] + [lower_bound(program, c) for c in proofs]
    proof = int(np.argmax(bounds))
    refuse_crossing(bounds[proof], brackets[best].upper)
    steps = sum(candidate.steps for candidate in found)
    return Weighed(bounds[proof], [*found, *proofs][proof], brackets[best], found[best], steps)


@np.errstate(all="ignore")
def conclude(
    problem: Problem, program: Program | Lift, weighed: Weighed, solver: Solver | None, tol: float
) -> Solution:
    """Return the solution that the bounds make, in public units.

    Raises
    ------
    InfeasibleError
        If the lower bound is above all that a channel may need.
    """
    top, proof = weighed.top, weighed.proof
    if isinstance(program, Program) and weighed.lower > program.ceiling:
        raise InfeasibleError(_clash(program))
    scale = unit(program)
    lower, upper = float(min(weighed.lower, top.upper)) / scale, float(top.upper) / scale
    if upper == inf:
        status = Status.NO_CHANNEL
    elif upper - lower <= tol:
        status = Status.CERTIFIED
    elif program.posteriors and not program.posteriors[0].tagged:
        status = Status.NONCONVEX
    else:
        status = Status.WIDE
    part = program.take(top.columns)
    levels = tuple(achieved(problem, part.p, top.channel, shows) for shows in part.letters.T)
    prices = tuple(_prices(program, proof.dual, k) for k in range(len(levels)))
    single = len(levels) == 1
    return Solution(
        value=upper,
        lower=lower,
        upper=upper,
        rate=part.information(top.channel) / NATS_PER_BIT,
        achieved=levels[0] if single else levels,
        sent=top.channel,
        letters=part.letters,
        m=program.m,
        prices=prices[0] if single else prices,
        status=status,
        solver=solver,
        steps=weighed.steps,
        source=program.p,
        origins=(proof.origin, weighed.best.origin),
        candidate=weighed.best,
    )


def _clash(program: Program) -> str:
    """Return why a lower bound above all that a channel may need refuses levels."""
    names = {f"{c.axis.value} = {c.level / c.unit:.9g}": None for c in reversed(program.constraints)}
    least = " and ".join(names)
    return (
        f"{least} clash: no channel to the {program.m} letters meets them together (by branch and bound over class "
        "posteriors); raise one of them, or let a tag tell the class with tagged=True"
    )


def unit(program: Program | Lift) -> float:
    """Return what one public unit of the minimised quantity is inside."""
    return NATS_PER_BIT if program.goal is None else program.goal.unit


def achieved(problem: Problem, p: Array, channel: Array, letters: Indices) -> Target:
    """Return what a decoder that shows these letters (N,) for the columns of an encoder (n, N) achieves."""
    shows = shown(channel, letters, problem.shape[1])
    C = classified(problem, p, channel, shows)
    divergence = problem.perception
    P = inf if divergence is None else divergence.value(p, p @ shows) / divergence.unit
    d = problem.distortion.values[:, letters]
    if problem.distortion.forbids:
        d = np.where((channel > 0) & (p > 0)[:, None], d, 0.0)
    D = float(p @ np.einsum("xk,xk->x", channel, d))
    return Target(D, max(P, 0.0), max(C, 0.0))


def classified(problem: Problem, p: Array, channel: Array, letter: Array) -> float:
    """Return the classification level of a channel and of the letters that it shows; inf without a measure."""
    measure = problem.classification
    if isinstance(measure, FixedClassifier):
        return float(p @ (letter * measure.cost).sum(axis=1)) / measure.unit
    if isinstance(measure, ConditionalEntropy):
        told = channel if measure.tagged else letter
        return conditional_entropy(class_joint(p, told, measure.labels)) / measure.unit
    return inf


def _prices(program: Program | Lift, dual: Dual, k: int) -> Prices:
    found = {"D": 0.0, "P": 0.0, "C": 0.0}
    output: Array | None = None
    for s, c in zip(dual.linear, program.linear, strict=True):
        found[c.axis.value] += float(s) * c.unit / NATS_PER_BIT if c.target == k else 0.0
    for t, h in zip(dual.posteriors, program.posteriors, strict=True):
        found["C"] += float(t) * h.unit / NATS_PER_BIT if h.target == k else 0.0
    for (t, g), o in zip(dual.outputs, program.outputs, strict=True):
        if o.target == k:
            found["P"], output = t * o.unit / NATS_PER_BIT, g / NATS_PER_BIT
    return Prices(found["D"], found["P"], found["C"], output)


def warn_if_wide(solution: Solution, tol: float, depth: int) -> None:
    """Warn, ``depth`` frames up, of a bracket wider than was asked for."""
    if solution.status is not Status.CERTIFIED:
        _warn(
            f"{solution.status.value} It is [{solution.lower:.9g}, {solution.upper:.9g}], of width "
            f"{solution.gap:.2g}; tol = {tol:.2g}.",
            depth,
        )


def warn_if_some_wide(found: Sequence[Solution | None], tol: float, where: str, depth: int) -> None:
    """Warn once, ``depth`` frames up, of all brackets wider than was asked for; ``where`` says where they are seen."""
    wide = sum(s is not None and s.status is not Status.CERTIFIED for s in found)
    if wide:
        _warn(f"{wide} of {len(found)} brackets are wider than tol = {tol:.2g}; see {where}", depth)


def _warn(message: str, depth: int) -> None:
    with FILTERS:  # Another thread may have silenced all warnings meanwhile.
        warnings.warn(message, WideBracketWarning, stacklevel=depth + 1)
