"""A program over tuples of letters, told by its letters and never formed as a whole.

With K decoders a column is a tuple (j_1, ..., j_K), the letter that each of them shows. Every cost is one of a single
letter, so m letters tell the m^K columns, and a program on some of them is formed when a solver asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from rdcfunc.information import Array, Indices
from rdcfunc.program import Constraint, Linear, Output, Posterior, Program

#: Most columns that may be enumerated.
MAX_COLUMNS = 200_000


@dataclass(frozen=True, eq=False)
class Lift:
    """The program over tuples; column number ``Σ_k j_k m^(K-k)`` is the tuple (j_1, ..., j_K).

    Attributes
    ----------
    p
        Source pmf (n,).
    m, targets
        The numbers of reproduction letters and of decoders K.
    linear, outputs, posteriors
        The constraints; a linear cost has shape (n, m), that of the letter of its target.
    rate
        As of :class:`rdcfunc.program.Program`.
    forbidden
        For each target the pairs (n, m) that its decoder's channel may not use, or None if all are allowed.
    """

    p: Array
    m: int
    targets: int
    linear: tuple[Linear, ...]
    outputs: tuple[Output, ...]
    posteriors: tuple[Posterior, ...]
    rate: float
    forbidden: tuple[NDArray[np.bool_] | None, ...]

    @property
    def size(self) -> int:
        """The number of columns."""
        return self.m**self.targets

    @property
    def every(self) -> tuple[Constraint, ...]:
        """The constraints and the goal, in the order of the prices of a :class:`rdcfunc.candidate.Dual`."""
        return (*self.linear, *self.outputs, *self.posteriors)

    @property
    def goal(self) -> Constraint | None:
        """The constraint whose left side is minimised, if it is not the mutual information."""
        return next((c for c in self.every if c.level == inf), None)

    @property
    def minimises_rate(self) -> bool:
        """Whether the mutual information is what is minimised."""
        return self.goal is None

    def tuples(self, columns: Indices) -> Indices:
        """Return the letters (N, K) of columns (N,)."""
        powers = self.m ** np.arange(self.targets - 1, -1, -1)
        return (columns[:, None] // powers) % self.m

    def columns(self, tuples: Indices) -> Indices:
        """Return the columns (N,) of letters (N, K)."""
        number = np.zeros(len(tuples), dtype=np.intp)
        for letters in tuples.T:
            number = number * self.m + letters
        return number

    def take(self, columns: Indices) -> Program:
        """Return the program on these columns; a column taken twice is a clone that can carry a tag."""
        return self._on(self.tuples(columns))

    @cached_property
    def program(self) -> Program:
        """The program on all columns, in order.

        Raises
        ------
        ValueError
            If they are too many to enumerate.
        """
        if self.size > MAX_COLUMNS:
            raise ValueError(
                f"{self.targets} targets on {self.m} letters need {self.m}^{self.targets} = {self.size} columns, more "
                f"than the {MAX_COLUMNS} that are enumerated; use fewer targets or a coarser reproduction alphabet, or "
                "solver=None without conditional entropies"
            )
        if self.targets > 1:
            return self.take(np.arange(self.size))
        letters = np.arange(self.m)[:, None]
        return Program(
            self.p, letters, self.m, self.linear, self.outputs, self.posteriors, self.rate, self.forbidden[0]
        )

    def single(self, k: int) -> Program:
        """Return the program of one target alone, on letters."""
        return Program(
            self.p,
            np.arange(self.m)[:, None],
            self.m,
            tuple(replace(c, target=0) for c in self.linear if c.target == k),
            tuple(replace(o, target=0) for o in self.outputs if o.target == k),
            forbidden=self.forbidden[k],
        )

    def _on(self, letters: Indices) -> Program:
        forbidden: NDArray[np.bool_] | None = None
        for k, barred in enumerate(self.forbidden):
            if barred is not None:
                told = barred[:, letters[:, k]]
                forbidden = told if forbidden is None else forbidden | told
        linear = tuple(replace(c, cost=c.cost[:, letters[:, c.target]]) for c in self.linear)
        return Program(self.p, letters, self.m, linear, self.outputs, self.posteriors, self.rate, forbidden)
