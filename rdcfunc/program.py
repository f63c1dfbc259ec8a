"""The one core: weights on columns that minimise mutual information under levels.

A column is what the encoder sends: a reproduction letter, or a tuple with one letter for each decoder. Every
question on finite alphabets compiles to

    min I(X; K)   s.t.   E c_i(X, K) <= b_i,   div_g(p, law of letter g of K) <= P_g,   H(S | group of K) <= C_h

or to the least of one left side under the other levels and a rate. Everything here is in nats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import inf
from typing import cast

import numpy as np
from numpy.typing import NDArray

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
    def targets(self) -> int:
        """The number of decoders."""
        return self.letters.shape[1]

    @property
    def minimises_rate(self) -> bool:
        """Whether the mutual information is what is minimised."""
        return self.goal is None

    @property
    def every(self) -> tuple[Constraint, ...]:
        """The constraints and the goal, in the order of the prices of a :class:`rdcfunc.candidate.Dual`."""
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

    @property
    def without_goal(self) -> Program:
        """The program that minimises the rate at the same levels."""
        outputs = tuple(o for o in self.outputs if o.level < inf)
        posteriors = tuple(c for c in self.posteriors if c.level < inf)
        return replace(self, linear=self.limits, outputs=outputs, posteriors=posteriors, rate=inf)

    def with_goal_at(self, level: float) -> Program:
        """Return the program that minimises the rate with a linear goal held at a level."""
        linear = tuple(replace(c, level=level) if c.level == inf else c for c in self.linear)
        return replace(self, linear=linear, rate=inf)

    def take(self, columns: Indices) -> Program:
        """Return the program on these columns; a column taken twice is a clone that can carry a tag."""
        return replace(
            self,
            letters=self.letters[columns],
            linear=tuple(replace(c, cost=c.cost[:, columns]) for c in self.linear),
            forbidden=None if self.forbidden is None else self.forbidden[:, columns],
        )

    def single(self, k: int) -> Program:
        """Return the levels of one target alone, on letters; its decoder may show what any column may."""
        letters, barred = self.letters[:, k], self.forbidden
        first = np.unique(letters, return_index=True)[1]
        if barred is not None:
            barred = np.stack([barred[:, letters == j].all(axis=1) for j in range(self.m)], axis=1)
        return Program(
            self.p,
            np.arange(self.m)[:, None],
            self.m,
            tuple(replace(c, target=0, cost=c.cost[:, first]) for c in self.limits if c.target == k),
            tuple(replace(o, target=0) for o in self.outputs if o.target == k and o.level < inf),
            tuple(replace(c, target=0) for c in self.posteriors if c.target == k and c.level < inf),
            forbidden=barred,
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
