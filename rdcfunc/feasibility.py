"""Levels that no channel can meet, refused with the least value that one can."""

from __future__ import annotations

from math import inf

from rdcfunc.checks import InfeasibleError
from rdcfunc.information import Array, entropy
from rdcfunc.lift import Lift
from rdcfunc.model import MAX_ENTRIES, least
from rdcfunc.program import Constraint, Posterior, Program
from rdcfunc.rounding import ROUNDING


def check_each(program: Program | Lift, decoder: str = "") -> None:
    """Refuse a level below what its measure can reach when it stands alone."""
    if isinstance(program, Lift) or program.targets > 1:
        for k in range(program.targets):
            check_each(program.single(k), f" of target {k}")
        return
    _refuse_bans(program, decoder)
    for c in program.limits:
        _refuse(c, program.cheapest(c), "by the cheapest letter for each source letter", decoder)
    for o in (o for o in program.outputs if o.level < inf):
        _refuse(o, o.least, "over all reproduction laws", decoder)
    for s in (s for s in program.posteriors if s.level < inf):
        _refuse(s, _class_entropy(program.p, s.labels), "by data processing, H(S|X)", decoder)


def check_together(program: Program | Lift, decoder: str = "") -> None:
    """Refuse levels that clash, naming the first that the others keep out of reach.

    Several targets can only clash with themselves, as each is imposed on its own letter.
    """
    if isinstance(program, Lift) or program.targets > 1:
        for k in range(program.targets):
            check_together(program.single(k), f" of target {k}")
        return
    constraints = [c for c in program.constraints if not isinstance(c, Posterior)]
    if len(constraints) + (program.forbidden is not None) < 2 or program.p.size * program.size > MAX_ENTRIES:
        return
    how = "by a linear or conic program, with the other levels held"
    found = [(least(program, constraint), constraint) for constraint in constraints]
    # One that nothing helps is kept out of reach by others that clash.
    for smallest, constraint in sorted(found, key=lambda pair: pair[0] == inf):
        _refuse(constraint, smallest, how, decoder, 1e-7)


def _refuse_bans(program: Program, decoder: str) -> None:
    """Refuse a source letter that may show nothing at all."""
    if program.forbidden is None:
        return
    barred = program.forbidden.all(axis=1) & (program.p > 0)
    if barred.any():
        x = int(barred.argmax())
        raise InfeasibleError(
            f"D{decoder} is infinite: all pairs of source letter {x} cost infinity, and it occurs with probability "
            f"{program.p[x]:.9g}; make one of its costs finite"
        )


def _class_entropy(p: Array, labels: Array) -> float:
    return float(sum(px * entropy(row) for px, row in zip(p, labels, strict=True)))


def _refuse(
    constraint: Constraint,
    smallest: float,
    how: str,
    decoder: str,
    slack: float = ROUNDING,
) -> None:
    if smallest - constraint.level <= slack:
        return
    name = constraint.axis.value
    raise InfeasibleError(
        f"{name} = {constraint.level / constraint.unit:.9g}{decoder} is infeasible: the smallest feasible {name} is "
        f"{(smallest + slack) / constraint.unit:.9g} ({how}); raise {name} to at least that"
    )
