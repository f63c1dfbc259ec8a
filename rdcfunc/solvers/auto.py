"""The solver for users who do not want to choose."""

from __future__ import annotations

from dataclasses import dataclass

from rdcfunc.candidate import Candidate
from rdcfunc.compilation import Plain
from rdcfunc.distortions import Hamming
from rdcfunc.lift import Lift
from rdcfunc.perceptions import FDivergence, Wasserstein
from rdcfunc.program import Program
from rdcfunc.solvers.alternation import Alternation
from rdcfunc.solvers.base import Solver, Structured
from rdcfunc.solvers.blahut_arimoto import BlahutArimoto
from rdcfunc.solvers.branch_and_bound import BranchAndBound, is_few
from rdcfunc.solvers.closed_form import ClosedForm
from rdcfunc.solvers.column_generation import ColumnGeneration, is_small
from rdcfunc.solvers.conic import Conic
from rdcfunc.solvers.grid import Grid
from rdcfunc.solvers.interior_point import InteriorPoint
from rdcfunc.solvers.tuple_generation import TupleGeneration

#: Entries (n times columns) of a program's cones that Conic takes over when the interior point leaves a gap.
_MAX_CONES = 10_000
#: Tuples from which it pays to generate them.
_MANY_TUPLES = 200
#: Points of a grid from which its structure pays.
_MANY = 250


@dataclass(frozen=True)
class Auto(Solver):
    """Pick solvers by the structure of the program, and try them in order until the bracket is closed.

    Attributes
    ----------
    picked, reason
        In :attr:`rdcfunc.Solution.solver`: the solver that was tried last, and why. Left empty by the user.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2))
    >>> rdc.rate(problem, D=0.1).solver
    Auto(picked=ClosedForm(), reason='Hamming distortion alone')
    """

    picked: Solver | None = None
    reason: str = ""

    def refusal(self, program: Program) -> str | None:
        """Return None: there is a solver for every program."""
        return None

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return what the first choice proposes."""
        return self.choices(program)[0].solve(program, tol, start)

    def structured(self, plain: Plain) -> Structured | None:
        """Return the solver that needs no table, if there is one and it pays."""
        if isinstance(plain.distortion, Hamming):
            return ClosedForm()
        grid = Grid()
        return grid if plain.p.size >= _MANY and grid.refusal(plain) is None else None

    def lifts(self, lift: Lift) -> bool:
        """Return whether the tuples are more than a few."""
        return lift.size > _MANY_TUPLES

    def choices(self, program: Program | Lift) -> tuple[Solver, ...]:
        """Return the solvers to try in order; the reason for each is :func:`why`."""
        if isinstance(program, Lift):
            divergences = [o.divergence for o in program.outputs]
            conic = any(not isinstance(d, FDivergence | Wasserstein) for d in divergences)
            return (TupleGeneration(master=Conic()) if conic else TupleGeneration(),)
        if program.posteriors and program.posteriors[0].tagged and is_small(program):
            return ColumnGeneration(), Alternation()
        if program.posteriors:
            few = is_few(program) and BranchAndBound().refusal(program) is None
            return (BranchAndBound(),) if few else (Alternation(),)
        if any(not isinstance(o.divergence, FDivergence | Wasserstein) for o in program.outputs):
            return (Conic(),)
        few = program.p.size * program.size <= _MAX_CONES
        if few:
            return InteriorPoint(), Conic()
        return (InteriorPoint(),) if program.outputs else (InteriorPoint(), BlahutArimoto())


def why(program: Program | Plain | Lift, solver: Solver, first: bool) -> str:
    """Return what about a program speaks for a solver."""
    if isinstance(program, Lift):
        return f"{program.targets} targets on {program.m} letters"
    if isinstance(program, Plain):
        return (
            "Hamming distortion alone" if isinstance(program.distortion, Hamming) else "differences on a uniform grid"
        )
    if not first:
        return "the bracket was still open"
    if program.posteriors:
        return (
            f"an entropy of the class on {'letters with tags' if program.posteriors[0].tagged else 'a fixed alphabet'}"
        )
    if isinstance(solver, Conic):
        return "a divergence with a conic form alone"
    names = [type(o.divergence).__name__ for o in program.outputs]
    return " and ".join(["linear levels"] * bool(program.linear) + names)


def told(chosen: Solver, picked: Solver | None, reason: str) -> Solver:
    """Return the solver as users are told of it: what was picked for them, and why."""
    return Auto(picked, reason) if isinstance(chosen, Auto) else chosen
