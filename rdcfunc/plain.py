"""From a plain question to a solution without its table: structure proposes, its certificate disposes."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from operator import attrgetter

import numpy as np

from rdcfunc.compilation import Plain
from rdcfunc.conclusion import classified
from rdcfunc.information import NATS_PER_BIT
from rdcfunc.problem import Target
from rdcfunc.rounding import refuse_crossing
from rdcfunc.solution import Prices, Solution, Status
from rdcfunc.solvers.auto import Auto, told, why
from rdcfunc.solvers.base import Solver, Structured
from rdcfunc.structure.certificate import bracket, ends
from rdcfunc.structure.tilt import Tilt


def by_structure(plain: Plain, chosen: Solver, tol: float) -> Solution | None:
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
        solution = describe(plain, tilts, origins, told(chosen, None, reason), tol)
        if solution.status is Status.CERTIFIED:
            return solution
    tilts.append(picked.propose(plain, tol * (NATS_PER_BIT if plain.minimises_rate else 1.0)))
    origins.append(type(picked).__name__)
    return describe(plain, tilts, origins, told(chosen, picked, why(plain, picked, True)), tol)


@np.errstate(all="ignore")
def describe(plain: Plain, tilts: Sequence[Tilt], origins: Sequence[str], solver: Solver, tol: float) -> Solution:
    """Turn tilts into a solution without a table: the best lower and upper bound of them all."""
    brackets = [bracket(plain, tilt) for tilt in tilts]
    proof, top = max(brackets, key=attrgetter("lower")), min(brackets, key=attrgetter("upper"))
    named = tuple(origins[brackets.index(b)] for b in (proof, top))
    refuse_crossing(proof.lower, top.upper)
    unit = NATS_PER_BIT if plain.minimises_rate else 1.0
    lower, upper = min(proof.lower, top.upper) / unit, top.upper / unit
    problem, n = plain.problem, plain.p.size
    divergence, C = problem.perception, inf
    P = inf if divergence is None else divergence.value(plain.p, top.channel.law) / divergence.unit
    if problem.classification is not None:
        channel = top.channel.table()
        C = classified(problem, plain.p, channel, channel)
    return Solution(
        value=upper,
        lower=lower,
        upper=upper,
        rate=top.rate / NATS_PER_BIT,
        achieved=Target(top.distortion, max(P, 0.0), max(C, 0.0)),
        sent=top.channel,
        letters=np.arange(n)[:, None],
        m=n,
        prices=Prices(proof.price / NATS_PER_BIT),
        status=Status.CERTIFIED if upper - lower <= tol else Status.WIDE,
        solver=solver,
        steps=sum(tilt.steps for tilt in tilts),
        source=plain.p,
        origins=(named[0], named[1]),
    )
