"""Levels that no channel can meet, refused with the least value that one can."""

from __future__ import annotations

from math import inf

from rdcfunc.certificate import ROUNDING
from rdcfunc.checks import InfeasibleError
from rdcfunc.information import Array, entropy
from rdcfunc.model import MAX_ENTRIES, least
from rdcfunc.program import Constraint, Posterior, Program


def check_each(program: Program) -> None:
    """Refuse a level below what its measure can reach when it stands alone."""
    for c in program.limits:
        _refuse(c, program.cheapest(c), "by the cheapest letter for each source letter", program)
    for o in (o for o in program.outputs if o.level < inf):
        _refuse(o, o.least, "over all reproduction laws", program)
    for s in (s for s in program.posteriors if s.level < inf):
        _refuse(s, _class_entropy(program.p, s.labels), "by data processing, H(S|X)", program)


def check_together(program: Program) -> None:
    """Refuse levels that clash, naming the first that the others keep out of reach."""
    constraints = [c for c in program.constraints if not isinstance(c, Posterior)]
    if len(constraints) < 2 or program.p.size * program.size > MAX_ENTRIES:
        return
    for constraint in constraints:
        smallest = least(program, constraint)
        _refuse(constraint, smallest, "by a linear or conic program, with the other levels held", program, 1e-7)


def _class_entropy(p: Array, labels: Array) -> float:
    return float(sum(px * entropy(row) for px, row in zip(p, labels, strict=True)))


def _refuse(
    constraint: Constraint,
    smallest: float,
    how: str,
    program: Program,
    slack: float = ROUNDING,
) -> None:
    if smallest - constraint.level <= slack:
        return
    name = constraint.axis.value
    decoder = f" of target {constraint.target}" if program.letters.shape[1] > 1 else ""
    raise InfeasibleError(
        f"{name} = {constraint.level / constraint.unit:.9g}{decoder} is infeasible: the smallest feasible {name} is "
        f"{(smallest + slack) / constraint.unit:.9g} ({how}); raise {name} to at least that"
    )
