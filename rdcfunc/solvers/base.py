"""What a solver is: a frozen value that proposes a candidate for a program and claims nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod

from rdcfunc.program import Candidate, Program


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
