"""Letters as a cloud of points with weights, and what the channel to them spends and achieves."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.special import xlogy

from rdcfunc.information import Array, Indices, conditional_entropy


@dataclass(frozen=True, eq=False)
class Cloud:
    """The channel ``w(j|x) ~ r_j e^{-s |x - y_j|²} b_j(c_x)^t`` from samples x of class c_x to m letters.

    Attributes
    ----------
    letters
        Points y_j, shape (m, k).
    log_r
        Logarithms of weights r_j (m,) that sum to one.
    log_b
        Logarithms of class laws b_j, shape (m, K); K = 1 without labels.
    s, t
        Prices in nats for a unit of distortion and for a nat of ``H(S | X̂, T)``.
    reveal
        Share of the time at which the class itself is told along with the letter.
    """

    letters: Array
    log_r: Array
    log_b: Array
    s: float
    t: float = 0.0
    reveal: float = 0.0

    @property
    def m(self) -> int:
        """The number of letters."""
        return len(self.letters)

    def take(self, kept: Indices) -> Cloud:
        """Return the cloud of some letters, their weights renormalised."""
        log_r = self.log_r[kept]
        log_r = log_r - np.log(np.exp(log_r).sum())
        return Cloud(self.letters[kept], log_r, self.log_b[kept], self.s, self.t, self.reveal)

    def bias(self) -> Array:
        """Return what is added to ``2 s <x, y_j>`` for a sample of class c, shape (K, m)."""
        told = self.t * self.log_b.T if self.t > 0 else np.zeros((self.log_b.shape[1], self.m))
        return self.log_r - self.s * (self.letters**2).sum(axis=1) + told


@dataclass(frozen=True, eq=False)
class Sums:
    """What one pass of a cloud over all samples gives.

    Attributes
    ----------
    mass
        ``Σ_x p_x w(j|x)`` for each class, shape (K, m).
    moments
        ``Σ_x p_x w(j|x) x``, shape (m, k).
    log_z
        ``Σ_x p_x log Σ_j r_j e^{-s |x - y_j|²} b_j(c_x)^t``.
    energy
        ``Σ_x p_x |x|²``.
    """

    mass: Array
    moments: Array
    log_z: float
    energy: float

    @property
    def law(self) -> Array:
        """The law q (m,) of the letter."""
        total: Array = self.mass.sum(axis=0)
        return total

    @property
    def means(self) -> Array:
        """The best letters (m, k) on this channel: conditional means."""
        return self.moments / np.maximum(self.law, 1e-300)[:, None]

    @property
    def distortion(self) -> float:
        """``E |X - X̂|²`` when each letter is the mean of its samples."""
        return max(0.0, self.energy - float((self.moments**2).sum(axis=1) @ (1 / np.maximum(self.law, 1e-300))))

    @property
    def entropy(self) -> float:
        """``H(S | J)`` in nats."""
        return conditional_entropy(self.mass.T)

    @property
    def log_posteriors(self) -> Array:
        """Logarithms of the class laws of the letters, shape (m, K), none below -700."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(self.mass.T / self.law[:, None])
        return np.maximum(np.nan_to_num(logs, nan=0.0), -700.0)

    def spent(self, cloud: Cloud) -> float:
        """Return ``I(X; J)`` in nats of the cloud's channel."""
        return self.coded(cloud) - self.mismatch(cloud)

    def coded(self, cloud: Cloud) -> float:
        """Return ``E log w(J|X) / r_J`` in nats: the rate of a code whose letters have the law r."""
        q = self.law
        miss = self.energy - 2 * float((self.moments * cloud.letters).sum())
        miss += float(q @ (cloud.letters**2).sum(axis=1))
        loss = -float((self.mass * cloud.log_b.T)[self.mass > 0].sum()) if cloud.t > 0 else 0.0
        return -self.log_z - cloud.s * miss - cloud.t * loss

    def mismatch(self, cloud: Cloud) -> float:
        """Return ``KL(q‖r)`` in nats."""
        q = self.law
        return float((xlogy(q, q) - q * cloud.log_r).sum() - q.sum() * np.log(q.sum()))


@dataclass(frozen=True)
class Achieved:
    """Rate, distortion and entropy of the class, in nats and units of the distortion, at a share ``reveal``."""

    R: float
    D: float
    C: float
    reveal: float = 0.0


def achieved(cloud: Cloud, sums: Sums, C: float = inf, R: float = inf) -> Achieved:
    """Return what a cloud achieves when the class is told just as often as a level C, or a rate R, asks for.

    Telling the class a share λ of the time costs ``λ H(S|J)`` nats and leaves ``(1 - λ) H(S|J)``: a straight piece.
    """
    rate, told = sums.spent(cloud), sums.entropy
    share = 0.0
    if inf > R and told > 0:
        share = min(1.0, max(0.0, (R - rate) / told))
    elif told > C:
        share = 1 - C / told
    return Achieved(rate + share * told, sums.distortion, (1 - share) * told, share)
