"""The best lower and the best upper bound among the candidates offered so far."""

from __future__ import annotations

from math import inf

from rdcfunc.candidate import Candidate
from rdcfunc.certificate import bracket
from rdcfunc.program import Program


class Search:
    """Judge candidates for one program as they come, and say when the bracket is closed to ``tol``."""

    def __init__(self, program: Program, tol: float) -> None:
        self.program, self.tol = program, tol
        self.lower, self.upper = -inf, inf
        self._proof: Candidate | None = None
        self._channel: Candidate | None = None

    def offer(self, *candidates: Candidate) -> None:
        """Keep what improves a bound."""
        for candidate in candidates:
            found = bracket(self.program, candidate)
            if found.lower > self.lower:
                self.lower, self._proof = found.lower, candidate
            if found.upper < self.upper:
                self.upper, self._channel = found.upper, candidate

    @property
    def closed(self) -> bool:
        """Whether the bracket is as narrow as asked for."""
        return self.upper - self.lower <= self.tol

    @property
    def best(self) -> list[Candidate]:
        """The candidates of the upper and of the lower bound."""
        return [c for c in (self._channel, self._proof) if c is not None]
