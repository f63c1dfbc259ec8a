"""The end of a curve where nothing needs to be sent."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from rdcfunc.information import Array
from rdcfunc.program import Candidate, Dual, Program


def silent(program: Program) -> Candidate | None:
    """Return a candidate that sends nothing, if one law of columns may meet every level, else None."""
    if any(
        c.level < program.value(c, _constant(program, np.full(program.size, 1.0 / program.size)))
        for c in program.posteriors
    ):
        return None
    law = _law(program)
    if law is None:
        return None
    return Candidate(_constant(program, law), np.arange(program.size), Dual.zero(program), 0)


def _constant(program: Program, law: Array) -> Array:
    return np.tile(law, (program.p.size, 1))


def _law(program: Program) -> Array | None:
    N = program.size
    costs = np.array([program.p @ c.cost for c in program.limits]).reshape(-1, N)
    levels = np.array([c.level for c in program.limits])
    aim = np.zeros(N) if program.minimises_rate else program.p @ program.linear[0].cost
    if program.outputs:
        # The source's own law on every decoder's letter has perfect perception on a common alphabet.
        if not all(output.divergence.vanishes(program.p) for output in program.outputs):
            return None
        same = (program.letters == program.letters[:, :1]).all(axis=1)
        law = np.where(same, program.p[program.letters[:, 0]], 0.0)
        return law if (costs @ law <= levels).all() else None
    if len(levels) + (not program.minimises_rate) <= 1:
        best = int((costs[0] if len(levels) else aim).argmin())
        law = np.eye(1, N, best)[0]
        return law if (costs @ law <= levels).all() else None
    solved = linprog(aim, A_ub=costs, b_ub=levels, A_eq=np.ones((1, N)), b_eq=[1.0])
    if solved.status != 0:
        return None
    law = np.maximum(solved.x, 0.0)
    return law / law.sum()
