"""What a solver is: a frozen value that proposes a candidate for a program and claims nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod

from rdcfunc.candidate import Candidate
from rdcfunc.compilation import Plain
from rdcfunc.distortions import Distortion
from rdcfunc.lift import Lift
from rdcfunc.program import Axis, Program
from rdcfunc.structure.tilt import Tilt


def at_least_one(solver: Solver, *names: str) -> None:
    """Refuse a solver whose counts are not positive integers."""
    for name in names:
        count = getattr(solver, name)
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"{type(solver).__name__}: {name} must be an integer >= 1 (got {count!r})")


class Solver(ABC):
    """A method with its settings. :func:`rdcfunc.certify` turns what it proposes into bounds."""

    @abstractmethod
    def refusal(self, program: Program) -> str | None:
        """Return why this solver cannot take the program and what to do instead, or None if it can."""

    @abstractmethod
    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return channels with prices, aiming at a bracket of ``tol`` nats, from a neighbour's if given.

        The best lower and the best upper bound may come from different candidates.
        """

    def lifts(self, lift: Lift) -> bool:
        """Return whether this solver takes a program over tuples as it is, and needs no table of them all."""
        return False


class Structured(Solver):
    """A solver of plain questions, rate against distortion alone, by the structure that the distortion states."""

    @abstractmethod
    def takes(self, distortion: Distortion) -> str | None:
        """Return what speaks against a distortion, as the end of a sentence, or None if nothing does."""

    @abstractmethod
    def propose(self, plain: Plain, tol: float) -> Tilt:
        """Return a tilt, aiming at a bracket of ``tol`` nats, or units of distortion where it is minimised."""

    def refusal(self, program: Program | Plain) -> str | None:
        """Name what is no distortion level, or the distortion."""
        name = type(self).__name__
        if isinstance(program, Plain):
            reason = self.takes(program.distortion)
            return None if reason is None else f"{name} {reason}; use solver=None"
        others = [type(o.divergence).__name__ for o in program.outputs]
        others += ["a conditional entropy"] * bool(program.posteriors)
        others += ["the loss of a classifier"] * any(c.axis is Axis.C for c in program.linear)
        if program.targets > 1:
            party = "there are several targets"
        elif others:
            party = f"the target bounds {others[0]}"
        else:
            party = "the distortion is a table"
        return f"{name} takes a level of a structured distortion alone and {party}; use solver=None"

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Raise the refusal: a program is a table already."""
        raise ValueError(self.refusal(program))
