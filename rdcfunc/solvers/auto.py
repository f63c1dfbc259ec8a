"""The solver for users who do not want to choose."""

from __future__ import annotations

from dataclasses import dataclass

from rdcfunc.program import Candidate, Program
from rdcfunc.solvers.alternation import Alternation
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.blahut_arimoto import BlahutArimoto
from rdcfunc.solvers.column_generation import ColumnGeneration, is_small
from rdcfunc.solvers.conic import Conic


@dataclass(frozen=True)
class Auto(Solver):
    """Pick by structure.

    Tagged entropies generate columns while small, other entropies alternate, perception is conic, and linear levels
    are Blahut and Arimoto's.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2))
    >>> rdc.rate(problem, D=0.1).solver
    BlahutArimoto(sweeps=20000)
    """

    def pick(self, program: Program) -> Solver:
        """Return the solver for this program."""
        if program.posteriors and program.posteriors[0].tagged and is_small(program):
            return ColumnGeneration()
        if program.posteriors:
            return Alternation()
        if program.outputs:
            return Conic()
        return BlahutArimoto()

    def refusal(self, program: Program) -> str | None:
        """Take any program."""
        return None

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Solve by what :meth:`pick` returns."""
        return self.pick(program).solve(program, tol, start)
