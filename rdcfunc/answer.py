"""From a program to a solution: solvers propose, the certificate disposes, and nats become bits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from operator import attrgetter, itemgetter
from typing import cast

import numpy as np

from rdcfunc import checks
from rdcfunc.certificate import bracket, lower_bound
from rdcfunc.checks import InfeasibleError
from rdcfunc.classifications import ConditionalEntropy, FixedClassifier
from rdcfunc.compilation import GaussianProgram, Plain, SamplesProgram
from rdcfunc.empirical.answer import answer as answer_on_samples
from rdcfunc.feasibility import check_each, check_together
from rdcfunc.gaussian.answer import answer
from rdcfunc.information import NATS_PER_BIT, Array, Indices, class_joint, conditional_entropy, entropy
from rdcfunc.lift import Lift
from rdcfunc.model import FILTERS
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Candidate, Dual, Program, shown
from rdcfunc.reach import reachable
from rdcfunc.solution import Prices, Solution, Status, WideBracketWarning
from rdcfunc.solvers.auto import Auto, why
from rdcfunc.solvers.base import Solver, Structured
from rdcfunc.solvers.ends import silent
from rdcfunc.solvers.particles import Particles
from rdcfunc.structure import certificate as structure
from rdcfunc.structure.certificate import ends
from rdcfunc.structure.tilt import Tilt

#: Bounds that cross by more than this, relative to their size, cannot be rounding.
_CROSSING = 1e-12
#: Entries of a table that may be formed to narrow what structure has left wide.
_AFFORDABLE = 4_000_000


@np.errstate(all="ignore")
def solve(
    problem: Problem,
    program: Program | Plain | Lift | GaussianProgram | SamplesProgram,
    targets: Sequence[Target],
    solver: Solver | None,
    tol: float,
    start: Solution | None,
    warn: bool = True,
    depth: int = 5,
) -> Solution:
    """Propose by a solver, dispose by the certificate: the way that every verb walks.

    A plain question is asked by its structure, and by its table if the solver takes no other or leaves a gap. A
    warning points ``depth`` frames up, one of them NumPy's, at the caller of the verb. What overflows on the way is not
    finite, and such a proposal proves nothing: NumPy need not say so.
    """
    check_tol(tol)
    checks.kind(start, Solution | None, "start", "a Solution of a neighbouring question, or None")
    if solver is not None and not isinstance(solver, Solver):
        raise TypeError(f"solver must be a value from rdcfunc.solvers such as Conic(), or None (got {solver!r})")
    if isinstance(program, GaussianProgram):
        if not isinstance(solver, Auto | None):
            raise ValueError(f"{type(solver).__name__} takes discrete sources; use solver=None for a Gaussian one")
        told = answer(program, tol)
        if warn:
            warn_if_wide(told, tol, depth)
        return told
    if isinstance(program, SamplesProgram):
        if not isinstance(solver, Auto | Particles | None):
            raise ValueError(f"{type(solver).__name__} takes fixed letters; use solvers.Particles() for samples")
        particles = solver if isinstance(solver, Particles) else Particles()
        told = answer_on_samples(program, particles, tol, start)
        if warn:
            warn_if_wide(told, tol, depth)
        return told
    chosen = Auto() if solver is None else solver
    solution = _by_structure(program, chosen, tol) if isinstance(program, Plain) else None
    if solution is None or _may_narrow(solution, chosen):
        table = program.program if isinstance(program, Plain) else program
        solution = _narrower(_by_table(problem, table, targets, chosen, tol, start), solution, tol)
    if warn:
        warn_if_wide(solution, tol, depth)
    return solution


def _by_structure(plain: Plain, chosen: Solver, tol: float) -> Solution | None:
    """Return the answer to a plain question without its table, or None where the solver needs it."""
    picked = chosen.structured(plain) if isinstance(chosen, Auto) else chosen
    if not isinstance(picked, Structured):
        return None
    refusal = picked.refusal(plain)
    if refusal is not None:
        raise ValueError(refusal)
    tilts: list[Tilt] = []
    origins: list[str] = []
    for tilt, reason in ends(plain):
        tilts.append(tilt)
        origins.append(reason)
        solution = describe(plain, tilts, origins, _told(chosen, None, reason), tol)
        if solution.status is Status.CERTIFIED:
            return solution
    tilts.append(picked.propose(plain, tol * (NATS_PER_BIT if plain.minimises_rate else 1.0)))
    origins.append(type(picked).__name__)
    return describe(plain, tilts, origins, _told(chosen, picked, why(plain, picked, True)), tol)


def _by_table(
    problem: Problem,
    program: Program | Lift,
    targets: Sequence[Target],
    chosen: Solver,
    tol: float,
    start: Solution | None,
) -> Solution:
    """Return the answer of the solvers of programs, tried in order until the bracket is closed."""
    check_each(program)
    if isinstance(chosen, Auto) and isinstance(program, Program):
        # No letter tells less than nothing: a larger entropy asks for nothing.
        asks = tuple(c for c in program.posteriors if c.level == inf or c.level < entropy(program.p @ c.labels))
        program = replace(program, posteriors=asks)
    if isinstance(program, Lift) and not chosen.lifts(program):
        program = program.program
    taken = cast("Program", program)  # A lift only where the solver takes lifts.
    refusal = chosen.refusal(taken)
    if refusal is not None:
        raise ValueError(refusal)
    picks = chosen.choices(taken) if isinstance(chosen, Auto) else (chosen,)
    near = None if start is None else start.candidate
    known, reason = silent(program), "nothing need be sent"
    if known is None and isinstance(program, Program):
        known, reason = reachable(program), "all that tells of the class must be sent"
        near = near or known
    found = [] if known is None else [known]
    if found:
        solution = conclude(problem, program, targets, found, _told(chosen, None, reason), tol)
        if solution.status is Status.CERTIFIED:
            return solution
    for place, picked in enumerate(picks):
        proposed = picked.solve(taken, tol * _unit(program), near)
        found += [replace(c, origin=c.origin or type(picked).__name__) for c in proposed]
        solution = conclude(
            problem, program, targets, found, _told(chosen, picked, why(program, picked, place == 0)), tol
        )
        if solution.status is Status.CERTIFIED:
            break
    return solution


def _may_narrow(solution: Solution, chosen: Solver) -> bool:
    """Return whether a wide answer by structure may be narrowed by solvers of programs."""
    n, m = solution.source.size, solution.m
    return solution.status is not Status.CERTIFIED and isinstance(chosen, Auto) and n * m <= _AFFORDABLE


def _narrower(solution: Solution, other: Solution | None, tol: float) -> Solution:
    """Return the solution with the better channel and the better lower bound of two to one question."""
    if other is None:
        return solution
    proof, best = max(solution, other, key=attrgetter("lower")), min(solution, other, key=attrgetter("upper"))
    status = Status.CERTIFIED if best.upper - proof.lower <= tol else best.status
    origins = (proof.origins[0], best.origins[1])
    return replace(best, lower=min(proof.lower, best.upper), prices=proof.prices, status=status, origins=origins)


@np.errstate(all="ignore")
def describe(plain: Plain, tilts: Sequence[Tilt], origins: Sequence[str], solver: Solver, tol: float) -> Solution:
    """Turn tilts into a solution without a table: the best lower and upper bound of them all."""
    brackets = [structure.bracket(plain, tilt) for tilt in tilts]
    proof, top = max(brackets, key=attrgetter("lower")), min(brackets, key=attrgetter("upper"))
    told = tuple(origins[brackets.index(b)] for b in (proof, top))
    refuse_crossing(proof.lower, top.upper)
    unit = NATS_PER_BIT if plain.minimises_rate else 1.0
    lower, upper = min(proof.lower, top.upper) / unit, top.upper / unit
    problem, n = plain.problem, plain.p.size
    divergence, C = problem.perception, inf
    P = inf if divergence is None else divergence.value(plain.p, top.channel.law) / divergence.unit
    if problem.classification is not None:
        channel = top.channel.table()
        C = _shown_to_a_classifier(problem, plain.p, channel, channel)
    return Solution(
        value=upper,
        lower=lower,
        upper=upper,
        rate=top.rate / NATS_PER_BIT,
        achieved=Target(top.distortion, max(P, 0.0), max(C, 0.0)),
        sent=top.channel,
        letters=np.arange(n)[:, None],
        m=n,
        prices=Prices(proof.slope / NATS_PER_BIT),
        status=Status.CERTIFIED if upper - lower <= tol else Status.WIDE,
        solver=solver,
        steps=sum(tilt.steps for tilt in tilts),
        source=plain.p,
        origins=(told[0], told[1]),
    )


@np.errstate(all="ignore")
def conclude(
    problem: Problem,
    program: Program | Lift,
    targets: Sequence[Target],
    found: Sequence[Candidate],
    solver: Solver | None,
    tol: float,
    proofs: Sequence[Candidate] = (),
) -> Solution:
    """Turn candidates into a solution: the best lower and upper bound of them all; ``proofs`` give lower ones only."""
    found = [c if c.dual.sound else replace(c, dual=Dual.zero(program), log_a=None, tree=None) for c in found]
    brackets = [bracket(program, candidate) for candidate in found]
    if not brackets or min(b.upper for b in brackets) == inf:
        check_together(program)
        _check_rate(problem, program, targets)
    if not brackets:
        columns = np.arange(min(program.size, program.m))
        nothing = np.full((program.p.size, columns.size), 1.0 / columns.size)
        found = [Candidate(nothing, columns, Dual.zero(program), 0, origin="nothing known")]
        brackets = [bracket(program, found[0])]
    best = int(np.argmin([b.upper for b in brackets]))
    bounds = [*((b.lower, c) for b, c in zip(brackets, found, strict=True))]
    bounds += [(lower_bound(program, c), c) for c in proofs]
    (lower, proof), top = max(bounds, key=itemgetter(0)), brackets[best]
    refuse_crossing(lower, top.upper)
    if isinstance(program, Program) and lower > program.ceiling:
        raise InfeasibleError(_clash(program))
    unit = _unit(program)
    lower, upper = float(min(lower, top.upper)) / unit, float(top.upper) / unit
    if upper == inf:
        status = Status.NO_CHANNEL
    elif upper - lower <= tol:
        status = Status.CERTIFIED
    elif program.posteriors and not program.posteriors[0].tagged:
        status = Status.NONCONVEX
    else:
        status = Status.WIDE
    part = program.take(top.columns)
    single = len(targets) == 1
    levels = tuple(achieved(problem, part.p, top.channel, shows) for shows in part.letters.T)
    prices = tuple(_prices(program, proof.dual, k) for k in range(len(targets)))
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
        steps=sum(candidate.steps for candidate in found),
        source=program.p,
        origins=(proof.origin, found[best].origin),
        candidate=found[best],
    )


def _clash(program: Program) -> str:
    """Return why a lower bound above all that a channel may need refuses levels."""
    names = {f"{c.axis.value} = {c.level / c.unit:.9g}": None for c in reversed(program.constraints)}
    least = " and ".join(names)
    return (
        f"{least} clash: no channel to the {program.m} letters meets them together (by branch and bound over class "
        "posteriors); raise one of them, or let a tag tell the class with tagged=True"
    )


def refuse_crossing(lower: float, upper: float) -> None:
    """Refuse bounds that cross by more than rounding."""
    if lower > upper + _CROSSING * (1.0 + abs(upper)):
        raise ArithmeticError(
            f"the certified bounds cross ({lower!r} > {upper!r}); this is a defect of rdcfunc, please report it"
        )


def warn_if_wide(solution: Solution, tol: float, depth: int) -> None:
    """Warn, ``depth`` frames up, of a bracket wider than was asked for."""
    if solution.status is not Status.CERTIFIED:
        with FILTERS:  # Another thread may have silenced all warnings meanwhile.
            warnings.warn(
                f"{solution.status.value} It is [{solution.lower:.9g}, {solution.upper:.9g}], of width "
                f"{solution.gap:.2g}; tol = {tol:.2g}.",
                WideBracketWarning,
                stacklevel=depth,
            )


def _told(chosen: Solver, picked: Solver | None, reason: str) -> Solver:
    """Return the solver as users are told of it: what was picked for them, and why."""
    return Auto(picked, reason) if isinstance(chosen, Auto) else chosen


def check_tol(tol: float) -> None:
    """Refuse a tolerance that no bracket can have."""
    if not checks.real(tol, "tol", "it is the bracket asked for") > 0:
        raise ValueError(f"tol must be > 0 (got {tol}); it is the bracket asked for")


def _unit(program: Program | Lift) -> float:
    """Return what one public unit of the minimised quantity is inside."""
    return NATS_PER_BIT if program.goal is None else program.goal.unit


def _check_rate(problem: Problem, program: Program | Lift, targets: Sequence[Target]) -> None:
    """Refuse a rate at which the other levels cannot be met."""
    if isinstance(program, Lift) or program.rate == inf:
        return
    free = replace(
        program,
        linear=program.limits,
        outputs=tuple(o for o in program.outputs if o.level < inf),
        posteriors=tuple(c for c in program.posteriors if c.level < inf),
        rate=inf,
    )
    least = solve(problem, free, targets, None, 1e-6, None, warn=False)
    if least.lower * NATS_PER_BIT > program.rate:
        raise InfeasibleError(
            f"R = {program.rate / NATS_PER_BIT:.9g} is infeasible: the smallest feasible R is {least.upper:.9g} "
            "(by solving for the rate at these levels); raise R to at least that"
        )


def achieved(problem: Problem, p: Array, channel: Array, letters: Indices) -> Target:
    """Return what a decoder that shows these letters (N,) for the columns of an encoder (n, N) achieves."""
    shows, C = shown(channel, letters, problem.shape[1]), inf
    if problem.classification is not None:
        C = _shown_to_a_classifier(problem, p, channel, shows)
    divergence = problem.perception
    P = inf if divergence is None else divergence.value(p, p @ shows) / divergence.unit
    d = problem.distortion.values[:, letters]
    if problem.distortion.forbids:
        d = np.where((channel > 0) & (p > 0)[:, None], d, 0.0)
    D = float(p @ np.einsum("xk,xk->x", channel, d))
    return Target(D, max(P, 0.0), max(C, 0.0))


def _shown_to_a_classifier(problem: Problem, p: Array, channel: Array, letter: Array) -> float:
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
