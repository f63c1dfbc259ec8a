"""From a question to a solution, the way that every verb walks: compiled, proposed by a solver, certified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from operator import attrgetter
from typing import cast

import numpy as np

from rdcfunc import checks
from rdcfunc.candidate import Candidate
from rdcfunc.checks import InfeasibleError
from rdcfunc.compilation import GaussianProgram, Plain, SamplesProgram, compile_program
from rdcfunc.conclusion import conclude, unit, weigh
from rdcfunc.empirical.answer import answer as answer_on_samples
from rdcfunc.feasibility import check_each
from rdcfunc.gaussian.answer import answer as answer_gaussian
from rdcfunc.information import NATS_PER_BIT, entropy
from rdcfunc.lift import Lift
from rdcfunc.plain import by_structure
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Axis, Program
from rdcfunc.reach import reachable
from rdcfunc.solution import Solution, Status
from rdcfunc.solvers.auto import Auto, told, why
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.ends import silent
from rdcfunc.solvers.particles import Particles

#: Entries of a table that may be formed to narrow what structure has left wide.
_AFFORDABLE = 4_000_000


@np.errstate(all="ignore")
def solve(
    problem: Problem,
    targets: Sequence[Target],
    solver: Solver | None,
    tol: float,
    start: Solution | None = None,
    *,
    R: float = inf,
    goal: Axis | None = None,
) -> Solution:
    """Return the least rate at the targets, or the least of a goal at the only target and a rate of R bits.

    A plain question is asked by its structure, and by its table if the solver takes no other or leaves a gap. What
    overflows on the way is not finite, and such a proposal proves nothing: NumPy need not say so.
    """
    program = compile_program(problem, targets, R * NATS_PER_BIT, goal)
    checks.tolerance(tol)
    checks.kind(start, Solution | None, "start", "a Solution of a neighbouring question, or None")
    if solver is not None and not isinstance(solver, Solver):
        raise TypeError(f"solver must be a value from rdcfunc.solvers such as Conic(), or None (got {solver!r})")
    chosen = Auto() if solver is None else solver
    if isinstance(program, GaussianProgram):
        if not isinstance(chosen, Auto):
            raise ValueError(f"{type(solver).__name__} takes discrete sources; use solver=None for a Gaussian one")
        return answer_gaussian(program, tol)
    if isinstance(program, SamplesProgram):
        if not isinstance(chosen, Auto | Particles):
            raise ValueError(f"{type(solver).__name__} takes fixed letters; use solvers.Particles() for samples")
        return answer_on_samples(program, chosen if isinstance(chosen, Particles) else Particles(), tol, start)
    if not isinstance(program, Plain):
        return _by_table(problem, program, targets, chosen, tol, start)
    known = by_structure(program, chosen, tol)
    if known is not None and not _may_narrow(known, chosen):
        return known
    return _narrower(_by_table(problem, program.program, targets, chosen, tol, start), known, tol)


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

    def concluded(found: Sequence[Candidate], picked: Solver | None, reason: str) -> Solution:
        weighed = weigh(program, found, enough=tol * unit(program))
        if weighed.top.upper == inf:
            _check_rate(problem, program, targets)
        return conclude(problem, program, weighed, told(chosen, picked, reason), tol)

    picks = chosen.choices(taken) if isinstance(chosen, Auto) else (chosen,)
    near = None if start is None else start.candidate
    known, reason = silent(program), "nothing need be sent"
    if known is None and isinstance(program, Program):
        known, reason = reachable(program), "all that tells of the class must be sent"
        near = near or known
    found = [] if known is None else [known]
    if found:
        solution = concluded(found, None, reason)
        if solution.status is Status.CERTIFIED:
            return solution
    for place, picked in enumerate(picks):
        proposed = picked.solve(taken, tol * unit(program), near)
        found += [replace(c, origin=c.origin or type(picked).__name__) for c in proposed]
        solution = concluded(found, picked, why(program, picked, place == 0))
        if solution.status is Status.CERTIFIED:
            break
    return solution


def _check_rate(problem: Problem, program: Program | Lift, targets: Sequence[Target]) -> None:
    """Refuse a rate at which the other levels cannot be met."""
    if program.rate == inf:
        return
    least = solve(problem, targets, None, 1e-6)
    if least.lower * NATS_PER_BIT > program.rate:
        raise InfeasibleError(
            f"R = {program.rate / NATS_PER_BIT:.9g} is infeasible: the smallest feasible R is {least.upper:.9g} "
            "(by solving for the rate at these levels); raise R to at least that"
        )


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
