"""What a solver proposes: a channel to some of a program's columns, and prices; nothing of it is a claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

import numpy as np

from rdcfunc.columns.regions import Branch
from rdcfunc.information import Array, Indices
from rdcfunc.lift import Lift
from rdcfunc.program import Program


@dataclass(frozen=True, eq=False)
class Dual:
    """Prices in nats: one for each linear constraint and posterior, a price and an output price for each output.

    On a region of class posteriors, ``walls`` (decoders, m, K) are what the posterior of each letter is paid to stay
    in its cell, per class probability; None is nothing.
    """

    linear: Array
    outputs: tuple[tuple[float, Array], ...] = ()
    posteriors: Array = field(default_factory=lambda: np.zeros(0))
    walls: Array | None = None

    @classmethod
    def zero(cls, program: Program | Lift) -> Dual:
        """Return prices that are all zero."""
        outputs = tuple((0.0, np.zeros(program.m)) for _ in program.outputs)
        return cls(np.zeros(len(program.linear)), outputs, np.zeros(len(program.posteriors)))

    @property
    def sound(self) -> bool:
        """Whether the prices are numbers; that of an output may be infinite."""
        tables = (self.linear, self.posteriors, *(g for _, g in self.outputs))
        return all(bool(np.isfinite(table).all()) for table in tables) and not any(np.isnan(t) for t, _ in self.outputs)

    def price(self, program: Program | Lift) -> float:
        """Return the price in nats of one unit of what is minimised."""
        return next((price for c, price in zip(program.every, self.prices, strict=True) if c.level == inf), 1.0)

    @property
    def prices(self) -> list[float]:
        """The prices of linear costs, outputs and posteriors."""
        return [*map(float, self.linear), *(t for t, _ in self.outputs), *map(float, self.posteriors)]

    def cost(self, program: Program) -> Array:
        """Return ``Σ s_i c_i(x, k) + Σ g(letter of k)``, shape (n, N); inf where a pair is forbidden."""
        told = np.zeros(program.size)
        for (_, g), output in zip(self.outputs, program.outputs, strict=True):
            told += g[program.letters[:, output.target]]
        total = np.broadcast_to(told, (program.p.size, program.size))
        for k, (s, constraint) in enumerate(zip(self.linear, program.linear, strict=True)):
            total = s * constraint.cost + total if k or program.outputs else s * constraint.cost
        return program.barred(total)


@dataclass(frozen=True, eq=False)
class Waypoint:
    """Weights (N,) of columns on the way to a solution, zero at those left out, and the levels that it was sought for.

    Levels are those of linear constraints, over what the cheapest columns spend, and the rate.
    """

    q: Array
    levels: Array


@dataclass(frozen=True, eq=False)
class Candidate:
    """What a solver proposes: a channel to some of a program's columns (clones allowed), and prices.

    ``log_a`` (n,) are the logarithms of the source letters' factors in the lower bound; None derives them from the
    channel's output law. ``waypoint`` is where a neighbour's solver may start. With a ``tree`` of regions of class
    posteriors the lower bound is the least of its leaves', each a candidate whose ``dual`` and ``log_a`` hold on its
    region alone; where the rate does not count, its ``lines`` (decoders, m, K), linear functions of class laws below
    the priced entropies, take the place of ``log_a``. ``origin`` tells users where it is from.
    """

    channel: Array
    columns: Indices
    dual: Dual
    steps: int
    log_a: Array | None = None
    waypoint: Waypoint | None = None
    tree: Branch[Candidate] | Candidate | None = None
    lines: Array | None = None
    origin: str = ""
