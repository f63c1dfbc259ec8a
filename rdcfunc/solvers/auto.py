"""The solvers for users who do not want to choose."""

from __future__ import annotations

from rdcfunc.program import Program
from rdcfunc.solvers.alternation import Alternation
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.blahut_arimoto import BlahutArimoto
from rdcfunc.solvers.column_generation import ColumnGeneration, is_small
from rdcfunc.solvers.conic import Conic

#: Entries (n times columns) of a linear program's cones that Conic takes over when Blahut and Arimoto are slow.
_MAX_CONES = 10_000


def choices(program: Program) -> tuple[Solver, ...]:
    """Return the solvers for a program, to be tried in order until the bracket is closed.

    Tagged entropies generate columns while small, and alternate where that leaves the bracket open, as other entropies
    do; perception is conic; linear levels are Blahut and Arimoto's, and conic where these are slow and the program is
    small.
    """
    if program.posteriors and program.posteriors[0].tagged and is_small(program):
        return ColumnGeneration(), Alternation()
    if program.posteriors:
        return (Alternation(),)
    if program.outputs:
        return (Conic(),)
    if program.p.size * program.size <= _MAX_CONES:
        return BlahutArimoto(sweeps=2_000), Conic()
    return (BlahutArimoto(),)
