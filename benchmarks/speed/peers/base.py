"""What a peer is: a task in, a channel and its prices out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import rdcfunc as rdc

Array = NDArray[np.float64]

#: Rates are in bits, and what is minimised is in nats.
NATS_PER_BIT = float(np.log(2.0))


@dataclass(frozen=True, eq=False)
class Task:
    """``min I(X; X̂)`` s.t. ``E d <= D`` and, with a perception, ``div(p, q) <= P``.

    Attributes
    ----------
    p, d
        The source (n,) and its distortions (n, m).
    D, P
        Levels; that of KL is in nats.
    tol
        The accuracy asked for, in bits.
    perception
        ``"TV"``, ``"KL"`` or ``"W"``, or nothing.
    cost
        The ground cost (n, m) of ``"W"``.
    slope
        What a peer that cannot be given D is given: -dR/dD in bits per unit.
    seconds
        When an iteration returns what it has.
    """

    p: Array
    d: Array
    D: float
    tol: float = 1e-6
    perception: str = ""
    P: float = inf
    cost: Array | None = None
    slope: float = 0.0
    seconds: float = inf


class Answer(NamedTuple):
    """A channel (n, m), prices in bits, and what the peer says about them."""

    channel: Array
    prices: rdc.Prices
    note: str = ""


@dataclass(frozen=True)
class Peer(ABC):
    """Something that takes a task and returns a channel with prices, whatever these are worth."""

    name: str

    @property
    def label(self) -> str:
        """The name in tables and figures."""
        return self.name

    @property
    def needs_slope(self) -> bool:
        """Whether it solves for a slope instead of a distortion."""
        return False

    def missing(self) -> bool:
        """Return whether it is not installed."""
        return False

    def takes(self, perception: str) -> bool:
        """Return whether it can impose a perception."""
        return not perception

    @abstractmethod
    def __call__(self, task: Task) -> Answer:
        """Solve the task."""


def rows(table: Array) -> Array:
    """Return a table's rows as laws: without negative dust, and uniform where nothing is left."""
    table = np.maximum(np.asarray(table, dtype=np.float64), 0.0)
    mass = table.sum(axis=1, keepdims=True)
    rows: Array = np.where(mass > 0, table / np.where(mass > 0, mass, 1.0), 1.0 / table.shape[1])
    return rows
