"""Tilt in, bracket out: the only place where a bound on a plain question is claimed without its table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf

import numpy as np

from rdcfunc.compilation import Plain
from rdcfunc.distortions import Difference, Hamming
from rdcfunc.information import Array
from rdcfunc.structure import differences, hamming
from rdcfunc.structure.kernel import UNIT
from rdcfunc.structure.reading import Reading, entropy_bound
from rdcfunc.structure.tilt import Tilt, Tilted, constant, identity
from rdcfunc.structure.toeplitz import Toeplitz

#: A few roundings at the end.
_UP, _DOWN = 1 + 8 * UNIT, 1 - 8 * UNIT


@dataclass(frozen=True, eq=False)
class Bracket:
    """Bounds in nats (or units of distortion, where it is minimised), and the channel that attains the upper one.

    Attributes
    ----------
    lower, upper
        The bracket.
    rate, distortion
        What the channel spends.
    price
        Nats per unit of distortion behind the lower bound; zero where it is trivial.
    channel
        The channel.
    """

    lower: float
    upper: float
    rate: float
    distortion: float
    price: float
    channel: Tilted


def lawful(plain: Plain) -> Array:
    """Return the source's pmf, its mass one up to a rounding of each letter."""
    return plain.p / math.fsum(plain.p)


def best_constant(d: Hamming | Difference, p: Array) -> tuple[int, float]:
    """Return the best single letter and a bound on its mean distortion."""
    if isinstance(d, Hamming):
        j = int(p.argmax())
        return j, math.fsum(np.delete(p, j)) * _UP
    j = int(Toeplitz(d.lags, 0.0).transposed(p, 1)[0].argmin())
    return j, math.fsum(p * d.columns(np.array([j]))[:, 0]) * _UP


def ends(plain: Plain) -> list[tuple[Tilt, str]]:
    """Return the tilts that may answer a question without work, and when they do."""
    p = lawful(plain)
    silent = constant(len(p), best_constant(plain.distortion, p)[0])
    return [(silent, "nothing need be sent"), (identity(p), "everything must be sent")]


@lru_cache(maxsize=8)  # Solvers look at the bracket before they stop.
def bracket(plain: Plain, tilt: Tilt) -> Bracket:
    """Return certified bounds from a tilt, rounding included, whatever the tilt.

    A channel that misses its level is mixed with the identity, or with the best constant where a rate is the level.
    """
    d, p, D, rate = plain.distortion, lawful(plain), plain.target.D, plain.rate
    reading = _read(d, p, tilt, D, rate)
    if not reading.information + reading.spent < inf:
        reading = replace(_identity(d, p), floor=reading.floor, price=reading.price)
    lower = _lower(reading, D, rate)
    price = reading.price if lower > 0 else 0.0
    spent, information = reading.spent * _UP, max(0.0, reading.information) * _UP
    if plain.minimises_rate:
        share = 0.0 if spent <= D else min(1.0, (1 - D / spent) * _UP + 4 * UNIT)
        entropy = sum(entropy_bound(p))
        upper = ((1 - share) * information + share * entropy) * _UP
        told = min(upper, (1 - share) * _told(reading) + share * entropy)
        return Bracket(lower, upper, told, (1 - share) * spent, price, _mixed(reading.channel, share, None, p))
    j, most = best_constant(d, p)
    share = 0.0 if information <= rate else min(1.0, (1 - rate / information) * _UP + 4 * UNIT)
    upper = ((1 - share) * spent + share * most) * _UP
    told = min(rate, (1 - share) * _told(reading))
    return Bracket(lower, upper, told, upper, price, _mixed(reading.channel, share, j, p))


def _read(d: Hamming | Difference, p: Array, tilt: Tilt, D: float, rate: float) -> Reading:
    if tilt.price == 0:
        j, spent = best_constant(d, p)
        q = constant(len(p), j).q
        return Reading(0.0, 0.0, 0.0, spent, Tilted(d, q, 0.0, q))
    if tilt.price == inf:
        return _identity(d, p)
    if isinstance(d, Hamming):
        return hamming.read(d, p, tilt)
    return differences.read(d, p, tilt, D, rate)


def _identity(d: Hamming | Difference, p: Array) -> Reading:
    """Return the reading of the channel without distortion.

    With ``a = 1 / p`` column sums are at most ``1 + n e^{-s c}`` if c is the least cost of a confusion, so that at a
    price with ``n e^{-s c} = e^-40`` the dual value is the entropy.
    """
    value, error = entropy_bound(p)
    n = len(p)
    others = np.ones(1) if isinstance(d, Hamming) else np.delete(d.lags, n - 1) * (1 - d.slack)
    least = float(others.min(initial=inf))
    price = (40.0 + math.log(n)) / least if least > 1e-300 else 0.0
    floor = value - error - 4 * UNIT if price > 0 else 0.0
    return Reading(floor, price, value + error, 0.0, Tilted(d, p, inf, p))


def _lower(reading: Reading, D: float, rate: float) -> float:
    """Return the lower bound on what is minimised: the rate if it is given as inf, or else the distortion."""
    floor, price = reading.floor, reading.price
    if not (floor > 0 and price > 0):
        return 0.0
    if rate == inf:
        charged = price * D * _UP
        return max(0.0, floor - charged - 4 * UNIT * (floor + charged)) * _DOWN
    return max(0.0, (floor - rate - 4 * UNIT * (floor + rate)) / price) * _DOWN


def _mixed(channel: Tilted, share: float, other: int | None, p: Array) -> Tilted:
    """Return the channel mixed with the identity, or with the constant ``other``."""
    if share == 0:
        return channel
    law = (1 - share) * channel.law
    if other is None:
        law += share * p
    else:
        law[other] += share
    return replace(channel, law=law, share=share, other=other)


def _told(reading: Reading) -> float:
    """Return the mutual information of the channel: the bound, less the divergence of the output law from q."""
    q, law = reading.channel.q, reading.channel.law
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = float(np.where(law > 0, law * np.log(law * q.sum() / q), 0.0).sum())
    return max(0.0, reading.information - max(0.0, apart))
