"""Tilted channels: an output law and a price say it all, so that a channel is formed only when someone asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rdcfunc.checks import affordable
from rdcfunc.distortions import Difference, Hamming
from rdcfunc.information import Array, Indices


@dataclass(frozen=True, eq=False)
class Tilt:
    """What a solver of structure proposes: an output law, a price, and a point of the dual.

    Attributes
    ----------
    q
        Output law (n,).
    price
        Nats per unit of distortion: 0 for one letter that answers everything, inf for the identity.
    masses
        ``p a`` (n,) of the lower bound; None takes what belongs to the law.
    steps
        Iterations spent.
    """

    q: Array
    price: float
    masses: Array | None = None
    steps: int = 0


def identity(p: Array) -> Tilt:
    """Return the tilt without distortion."""
    return Tilt(p, np.inf)


def constant(n: int, letter: int) -> Tilt:
    """Return the tilt that sends nothing."""
    q = np.zeros(n)
    q[letter] = 1.0
    return Tilt(q, 0.0)


@dataclass(frozen=True, eq=False)
class Tilted:
    """The channel ``q_j e^{-s d(x, j)} / v_x``.

    Attributes
    ----------
    distortion, q, price
        What the channel is made of.
    law
        The law (n,) of its output.
    reach
        Costs beyond this are left out.
    straight, answers
        Rows that are answered by one letter each, and these letters.
    share, other
        Share of all rows that is answered by the letter ``other``, or by the row's own if None.
    """

    distortion: Hamming | Difference
    q: Array
    price: float
    law: Array
    reach: float = np.inf
    straight: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    answers: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    share: float = 0.0
    other: int | None = None

    def table(self) -> Array:
        """Return the channel (n, n).

        Raises
        ------
        MemoryError
            If it would be too large.
        """
        n, m = self.distortion.shape
        cure = "use .output and .prices, which need no table, or a coarser alphabet"
        affordable(n, m, "the channel", cure, tables=2)  # of exponents and of the channel
        channel = self._tilted()
        channel[self.straight] = 0.0
        channel[self.straight, self.answers] = 1.0
        if self.share > 0:
            channel *= 1 - self.share
            channel[np.arange(n), np.arange(n) if self.other is None else self.other] += self.share
        return channel

    def _tilted(self) -> Array:
        n = self.distortion.shape[0]
        if self.price == np.inf:
            return np.eye(n)
        if isinstance(self.distortion, Hamming):
            channel = np.tile(np.exp(-self.price) * self.q, (n, 1))
            np.fill_diagonal(channel, self.q)
        else:
            # Row x holds the lags x, x - 1, ..., without a copy.
            costs = np.lib.stride_tricks.sliding_window_view(self.distortion.lags, n)[:, ::-1]
            with np.errstate(divide="ignore"):
                channel = np.log(self.q) - self.price * costs
            channel[costs > self.reach] = -np.inf
            # Rows without mass may reach no letter.
            lost = np.isneginf(channel.max(axis=1))
            channel[lost] = -costs[lost]
            channel -= channel.max(axis=1, keepdims=True)
            np.exp(channel, out=channel)
        channel /= channel.sum(axis=1, keepdims=True)
        return channel
