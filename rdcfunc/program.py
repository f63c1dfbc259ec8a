"""The one core: weights on columns that minimise mutual information under levels.

A column is what the encoder sends: a reproduction letter, or a tuple with one letter for each decoder. Every
question on finite alphabets compiles to

    min I(X; K)   s.t.   E c_i(X, K) <= b_i,   div_g(p, law of letter g of K) <= P_g,   H(S | group of K) <= C_h

or to the least of one left side under the other levels and a rate. Everything here is in nats.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from rdcfunc.columns.regions import Branch
from rdcfunc.information import (
    NATS_PER_BIT,
    Array,
    Indices,
    class_joint,
    conditional_entropy,
    entropy,
    mutual_information,
)
from rdcfunc.perceptions import Divergence

if TYPE_CHECKING:
    from rdcfunc.lift import Lift

#: Beyond this a log-loss counts as impossible; e^-700 is still a normal number.
MAX_LOSS = 700.0
#: Largest price of a divergence held at zero, in units of the spread of the output price, and what it may cost.
_PINNED_PRICE, _PINNED_LOSS = 1e13, 1e-12


class Axis(Enum):
    """The levels of a target; the value is the level's name."""

    D = "D"
    P = "P"
    C = "C"


@dataclass(frozen=True, eq=False)
class Linear:
    """``E cost(X, K) <= level``: distortion, or the loss of a fixed classifier.

    ``unit`` is what one unit of the public level is here. Costs are finite: a pair that costs infinity is
    forbidden by the program.
    """

    axis: Axis
    target: int
    cost: Array
    level: float
    unit: float = 1.0


@dataclass(frozen=True, eq=False)
class Output:
    """``div(reference, law of the target's letter) <= level``; the reference is the law of the source itself.

    ``unit`` is what one unit of the public level is here.
    """

    target: int
    divergence: Divergence
    level: float
    reference: Array
    unit: float = 1.0
    axis: Axis = Axis.P

    @property
    def least(self) -> float:
        """The least that the left side can be."""
        return self.divergence.least(self.reference)

    @property
    def vanishes(self) -> bool:
        """Whether the reference itself, shown by a decoder, has divergence zero."""
        return self.divergence.vanishes(self.reference)

    @property
    def pinned(self) -> bool:
        """Whether the level leaves no law but the reference."""
        return self.level == 0 and self.vanishes

    def pinned_price(self, g: Array) -> float:
        """Return a price at which the support function of a pinned output is ``<g, reference>``, or nearly."""
        spread, mean = float(np.ptp(g)), float(self.reference @ g)
        price, top = spread / (self.divergence.scale or 1.0), _PINNED_PRICE * spread
        while price < top and self.divergence.support(g, self.reference, price) > mean + _PINNED_LOSS * spread:
            price *= 4.0
        return price


@dataclass(frozen=True, eq=False)
class Posterior:
    """``H(S | X̂) <= level`` of the target's letter, or of the whole column where it is ``tagged``."""

    target: int
    labels: Array
    level: float
    tagged: bool
    axis: Axis = Axis.C
    unit: float = NATS_PER_BIT


Constraint = Linear | Output | Posterior


@dataclass(frozen=True, eq=False)
class Program:
    """The core problem on N columns; see the module's first lines.

    Attributes
    ----------
    p
        Source pmf (n,).
    letters
        The letter that each target's decoder shows for each column, shape (N, targets).
    m
        The number of reproduction letters.
    linear, outputs, posteriors
        The constraints. One whose level is inf is the goal: its left side is minimised under ``I <= rate``.
    rate
        Where nothing is a goal, inf: the mutual information is minimised.
    forbidden
        Pairs (n, N) that no channel may use, or None if all are allowed.
    """

    p: Array
    letters: Indices
    m: int
    linear: tuple[Linear, ...] = ()
    outputs: tuple[Output, ...] = ()
    posteriors: tuple[Posterior, ...] = ()
    rate: float = inf
    forbidden: NDArray[np.bool_] | None = None

    @property
    def size(self) -> int:
        """The number of columns."""
        return len(self.letters)

    @property
    def minimises_rate(self) -> bool:
        """Whether the mutual information is what is minimised."""
        return self.goal is None

    @property
    def every(self) -> tuple[Constraint, ...]:
        """The constraints and the goal, in the order of the prices of a :class:`Dual`."""
        return cast("tuple[Constraint, ...]", (*self.linear, *self.outputs, *self.posteriors))

    @property
    def goal(self) -> Constraint | None:
        """The constraint whose left side is minimised, if it is not the mutual information."""
        return next((c for c in self.every if c.level == inf), None)

    @property
    def limits(self) -> tuple[Linear, ...]:
        """The linear constraints whose level counts."""
        return tuple(c for c in self.linear if c.level < inf)

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """Every constraint whose level counts."""
        return tuple(c for c in self.every if c.level < inf)

    @property
    def levels(self) -> Array:
        """Levels of ``linear`` (the goal's is inf)."""
        return np.array([c.level for c in self.linear])

    @property
    def total_cost(self) -> Array:
        """The sum (n, N) of all linear costs, each at most one: cheap columns are likely ones."""
        total = np.zeros((self.p.size, self.size))
        for c in self.linear:
            total += c.cost
        return self.barred(total)

    def barred(self, cost: Array) -> Array:
        """Return a cost (n, N) with inf at forbidden pairs."""
        return cost if self.forbidden is None else np.where(self.forbidden, inf, cost)

    def cheapest(self, constraint: Linear) -> float:
        """Return the least that a linear left side can be."""
        return float(self.p @ np.where(self.p > 0, self.barred(constraint.cost).min(axis=1), 0.0))

    @property
    def ceiling(self) -> float:
        """The most that a channel which meets every level can need of what is minimised; a larger bound proves none."""
        goal = self.goal
        if goal is None:
            most = entropy(self.p)
        elif isinstance(goal, Linear):
            most = float(np.where(self.barred(goal.cost) < inf, goal.cost, 0.0).max())
        else:
            most = inf if isinstance(goal, Output) else entropy(self.p @ goal.labels)
        return most * (1 + 1e-9) + 1e-9

    def take(self, columns: Indices) -> Program:
        """Return the program on these columns; a column taken twice is a clone that can carry a tag."""
        return replace(
            self,
            letters=self.letters[columns],
            linear=tuple(replace(c, cost=c.cost[:, columns]) for c in self.linear),
            forbidden=None if self.forbidden is None else self.forbidden[:, columns],
        )

    def law(self, q: Array, target: int) -> Array:
        """Return the law (m,) of the target's letter when columns have the law ``q`` (N,)."""
        return np.bincount(self.letters[:, target], q, self.m).astype(np.float64)

    def groups(self, constraint: Posterior) -> Indices:
        """Return for each column the index of what the classifier is shown."""
        return np.arange(self.size) if constraint.tagged else self.letters[:, constraint.target]

    def class_laws(self, constraint: Posterior, channel: Array) -> Array:
        """Return the joint law of what the classifier is shown and of the label, shape (groups, K)."""
        joint = class_joint(self.p, channel, constraint.labels)
        if constraint.tagged:
            return joint
        grouped = np.zeros((self.m, joint.shape[1]))
        np.add.at(grouped, self.groups(constraint), joint)
        return grouped

    def log_loss(self, constraint: Posterior, channel: Array) -> Array:
        """Return the loss (n, N) in nats of the Bayes classifier that belongs to this channel."""
        joint = self.class_laws(constraint, channel)
        mass = joint.sum(axis=1, keepdims=True)
        prior = (self.p @ constraint.labels)[None, :]
        laws = np.where(mass > 0, joint / np.where(mass > 0, mass, 1.0), prior)
        loss = np.minimum(-np.log(np.maximum(laws, 1e-320)), MAX_LOSS)
        return (constraint.labels @ loss.T)[:, self.groups(constraint)]

    def value(self, constraint: Constraint, channel: Array) -> float:
        """Return what a channel (n, N) achieves on the left of a constraint."""
        if isinstance(constraint, Linear):
            return float(self.p @ np.einsum("xk,xk->x", channel, constraint.cost))
        if isinstance(constraint, Output):
            return constraint.divergence.value(constraint.reference, self.law(self.p @ channel, constraint.target))
        return conditional_entropy(self.class_laws(constraint, channel))

    def objective(self, channel: Array) -> float:
        """Return what is minimised: the information of a channel, or the goal's left side."""
        goal = self.goal
        return self.information(channel) if goal is None else self.value(goal, channel)

    def information(self, channel: Array) -> float:
        """Return ``I(X; K)`` in nats."""
        return mutual_information(self.p, channel)


def shown(encoder: Array, letters: Indices, m: int) -> Array:
    """Return the channel (n, m) to the letters that a decoder shows for the columns of an encoder (n, N)."""
    channel = np.zeros((encoder.shape[0], m))
    np.add.at(channel.T, letters, encoder.T)
    return channel


@dataclass(frozen=True, eq=False)
class Dual:
    """Prices in nats: one for each linear constraint and posterior, a price and an output price for each output.

    On a region of class posteriors, ``slopes`` (decoders, m, K) are what the posterior of each letter is paid to stay
    in its cell, per class probability; None is nothing.
    """

    linear: Array
    outputs: tuple[tuple[float, Array], ...] = ()
    posteriors: Array = field(default_factory=lambda: np.zeros(0))
    slopes: Array | None = None

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
