"""What the verbs return: a certified bracket, the channel that attains its upper end, and prices."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from os import PathLike

import numpy as np

from rdcfunc import checks
from rdcfunc.candidate import Candidate
from rdcfunc.channels import GaussianChannel
from rdcfunc.files import keep
from rdcfunc.information import Array, Indices
from rdcfunc.passes.channel import PointChannel
from rdcfunc.problem import Target
from rdcfunc.program import shown
from rdcfunc.solvers.base import Solver
from rdcfunc.structure.tilt import Tilted

#: Prices up to this, in bits or relative to the largest of their kind where that is more, count as none.
_PRICED = 1e-3


class WideBracketWarning(UserWarning):
    """The bracket is wider than the tolerance asked for."""


class Status(Enum):
    """How an answer stands; each value is a sentence for the user."""

    CERTIFIED = "The bracket is as narrow as was asked for."
    WIDE = (
        "The bracket holds but is wider than was asked for: the solver stopped at its limit of work or accuracy or, on "
        "samples in many dimensions, the lower bound is half of the cost of perfect perception (Solution.origins)."
    )
    NONCONVEX = (
        "The bracket holds but is wider than was asked for: H(S|X̂) on a fixed alphabet is not convex, and branch and "
        "bound over class posteriors has met its limit of work or would be too large; Solution.origins says what each "
        "bound is from."
    )
    GAUSSIAN = (
        "The bracket holds but is wider than was asked for: the upper bound is the best found of jointly Gaussian "
        "reproductions, which are not proved to be optimal here, and the lower bound that of a relaxation."
    )
    SEARCHED = (
        "The bracket holds but is wider than was asked for: the letter in R^k that earns most is only searched where k "
        "is more than three, and the pairs of samples are more than Particles.products allows. Solution.searched, the "
        "lower bound that holds if the letter was found, is not certified."
    )
    NO_CHANNEL = "The lower bound holds, but no channel that meets every level was found; the upper bound is inf."


@dataclass(frozen=True, eq=False)
class Prices:
    """Bits of rate per unit of each level, the slopes of the surface with their signs turned positive.

    Attributes
    ----------
    distortion, perception, classification
        Prices, at least zero; zero for a constraint that is off or slack. That of perception may be inf at P = 0.
    output
        Output price g (m,) in bits, the subgradient of the perception term, or None without perception.

    Raises
    ------
    ValueError
        If a price is negative or not finite.

    Examples
    --------
    >>> Prices(distortion=2.0).classification
    0.0
    """

    distortion: float = 0.0
    perception: float = 0.0
    classification: float = 0.0
    output: Array | None = None

    def __post_init__(self) -> None:
        for name in ("distortion", "perception", "classification"):
            price = checks.real(getattr(self, name), f"the price of {name}", "give bits per unit of the level")
            # A surface may be vertical where perception becomes perfect.
            if not (0 <= price < np.inf or (name, price) == ("perception", np.inf)):
                raise ValueError(f"the price of {name} must be finite and >= 0 (got {price})")


@dataclass(frozen=True, eq=False)
class Solution:
    """A certified answer.

    Attributes
    ----------
    value, lower, upper
        The least value of the quantity minimised lies in ``[lower, upper]``; ``value = upper`` is achieved.
    rate
        ``I(X; K)`` in bits of the channel, or a bound on it where structure had to mix one.
    achieved
        What the channel achieves on each measure; a tuple with one target a decoder if the question was
        universal.
    sent
        The encoder, or what it is made of where structure made the answer without a table. On a Gaussian source a
        :class:`~rdcfunc.channels.GaussianChannel` to the reproduction, to that of the first decoder if there are
        several, or to the best estimate if there is no common randomness. On samples a
        :class:`~rdcfunc.passes.channel.PointChannel`, which holds the letters.
    letters
        The letter that each decoder shows for each column, shape (N, decoders).
    m
        The number of reproduction letters, or of components of a Gaussian source.
    prices
        The prices behind the lower bound; a tuple, one a decoder, if the question was universal.
    status
        A :class:`Status`.
    solver
        The solver that proposed the channel; None on a Gaussian source, and where the channel was given.
    steps
        Its iterations.
    origins
        What the lower and the upper bound are from, in words; empty on a Gaussian source.
    candidate
        What it proposed: a warm start for a neighbouring level.
    decoder
        ``P(x̂ | z)``, shape (nz, m), if the question was what to make of a fixed encoder; then the columns of
        ``encoder`` are pairs (z, x̂). On a Gaussian source, the channel from Z to the reproduction.
    searched
        On samples in more than three dimensions, a lower bound that is not certified: it would hold if a search has
        found the letter that earns most. None where nothing was searched, or no more was found than ``lower`` proves.
    """

    value: float
    lower: float
    upper: float
    rate: float
    achieved: Target | tuple[Target, ...]
    sent: Array | Tilted | GaussianChannel | PointChannel = field(repr=False)
    letters: Indices = field(repr=False)
    m: int
    prices: Prices | tuple[Prices, ...] = field(repr=False)
    status: Status
    solver: Solver | None
    steps: int
    source: Array = field(repr=False)
    origins: tuple[str, str] = ("", "")
    candidate: Candidate | None = field(repr=False, default=None)
    decoder: Array | GaussianChannel | None = field(repr=False, default=None)
    searched: float | None = None

    @property
    def gap(self) -> float:
        """``upper - lower``."""
        return self.upper - self.lower

    @property
    def priced(self) -> tuple[bool, ...]:
        """Whether a level of each decoder has a price, beyond what an interior point leaves."""
        prices = self.prices if isinstance(self.prices, tuple) else (self.prices,)
        table = np.array([(p.distortion, p.perception, p.classification) for p in prices])
        return tuple((table > _PRICED * np.maximum(table.max(axis=0), 1.0)).any(axis=1).tolist())

    @property
    def active(self) -> int:
        """How many decoders have a level with a price: the others are served for nothing."""
        return sum(self.priced)

    def to_json(self, path: str | PathLike[str] | None = None) -> str:
        """Return the answer as JSON text, with its channel, and write it if a path is given.

        :func:`rdcfunc.load` reads it back.
        """
        from rdcfunc.storage import dumps

        return keep(dumps(self), path)

    @cached_property
    def encoder(self) -> Array:
        """``P(k | x)``, shape (n, N): rows sum to one. A column k is what is sent.

        Raises
        ------
        MemoryError
            If the table has not been formed and would be too large.
        TypeError
            On a Gaussian source, which has no table: see :attr:`sent`.
        """
        if isinstance(self.sent, GaussianChannel):
            raise TypeError("a Gaussian source has no table of a channel; see Solution.sent, its gain and noise")
        return self.sent.table() if isinstance(self.sent, Tilted | PointChannel) else self.sent

    @property
    def channel(self) -> Array:
        """``P(X̂ = j | X = x)``, shape (n, m), or (decoders, n, m) if the question was universal."""
        if isinstance(self.sent, GaussianChannel | Tilted):
            return self.encoder
        channels = np.array([shown(self.encoder, letters, self.m) for letters in self.letters.T])
        return channels[0] if isinstance(self.achieved, Target) else channels

    @property
    def output(self) -> Array:
        """The law of the reproduction, shape (m,), or (decoders, m) if the question was universal.

        On a Gaussian source, the covariance of what is sent.
        """
        if isinstance(self.sent, GaussianChannel):
            return self.sent.output
        law: Array = self.sent.law if isinstance(self.sent, Tilted | PointChannel) else self.source @ self.channel
        return law
