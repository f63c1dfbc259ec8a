"""Hamming distortion: Erokhin's water-filling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rdcfunc.compilation import Plain
from rdcfunc.distortions import Distortion, Hamming
from rdcfunc.information import Array
from rdcfunc.solvers.base import Structured
from rdcfunc.structure.certificate import lawful
from rdcfunc.structure.tilt import Tilt, constant

#: Largest price in nats, where e^-s is still a normal number, and the one of a water level that rounds to zero.
_MOST_PRICE, _DRY_PRICE = 700.0, 36.0
#: Newton steps on the level of a rate.
_STEPS = 100


@dataclass(frozen=True)
class ClosedForm(Structured):
    r"""Hamming distortion alone, in O(n log n): letters lose a common mass, and those that had less are not used.

    With the k likeliest letters in use :math:`q_j \propto (p_j - \theta)_+`,
    :math:`D = \sum_{j > k} p_j + (k - 1) \theta` and :math:`e^s - 1 = \sum_j (p_j - \theta)_+ / \theta`; a rate is
    inverted by Newton's method with the exact derivative.

    References
    ----------
    Erokhin, "Epsilon-entropy of a discrete random variable", 1958.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, solvers
    >>> problem = rdc.Problem(sources.Discrete([0.5, 0.3, 0.2]), distortions.hamming(3))
    >>> answer = rdc.rate(problem, D=0.1, solver=solvers.ClosedForm(), tol=1e-12)
    >>> round(answer.value, 6), answer.gap < 1e-12
    (0.91648, True)
    """

    def takes(self, distortion: Distortion) -> str | None:
        """Name a distortion that is not Hamming's."""
        if isinstance(distortion, Hamming):
            return None
        return f"takes distortions.hamming and the problem has a {type(distortion).__name__} distortion"

    def propose(self, plain: Plain, tol: float) -> Tilt:
        """Return the optimal tilt, up to rounding."""
        p = lawful(plain)
        order = np.argsort(-p, kind="stable")
        water = _Water(p[order[: np.count_nonzero(p)]])
        n, used = len(p), order[: len(water.p)]
        if len(used) == 1:
            return constant(n, int(used[0]))
        D = plain.target.D if plain.minimises_rate else water.invert(plain.rate)
        theta, count, price = water.level(D)
        q = np.zeros(n)
        q[used[:count]] = np.maximum(water.p[:count] - theta, 0.0)
        mass = float(q.sum())
        if not mass > 0:
            return constant(n, int(used[0]))
        return Tilt(q / mass, min(price, _MOST_PRICE), steps=1)


@dataclass(frozen=True, eq=False)
class _Water:
    """Masses in falling order, all positive, and the water level at a distortion."""

    p: Array

    @cached_property
    def tail(self) -> Array:
        """What the letters after the k-th have together, small terms added first."""
        return np.concatenate((np.cumsum(self.p[::-1])[::-1][1:], [0.0]))

    @cached_property
    def heads(self) -> Array:
        """``Σ p log p`` of the letters up to the k-th."""
        return np.cumsum(self.p * np.log(self.p))

    @cached_property
    def full(self) -> Array:
        """The distortion just before the level reaches the k-th mass, at which its letter leaves."""
        return self.tail + np.arange(len(self.p)) * self.p

    def level(self, D: float) -> tuple[float, int, float]:
        """Return the water level, the number of letters above it, and the price.

        D rises with the level and falls with the number k of letters in use, so k is the one for which
        ``p[k] <= theta < p[k - 1]``.
        """
        count = max(2, int(np.searchsorted(-self.full, -D, side="left")))
        theta = max(0.0, (D - float(self.tail[count - 1])) / (count - 1))
        total = float((self.p[:count] - theta).sum())
        if theta == 0:
            return theta, count, _DRY_PRICE
        return theta, count, math.log1p(max(0.0, total) / theta)

    def rate(self, D: float) -> tuple[float, float]:
        """Return ``R(D) = -Σ p log v - s D`` in nats and s; ``v = p (1 - e^-s) / Σ q`` on the letters in use."""
        theta, k, s = self.level(D)
        rest = float(self.tail[k - 1])
        used = 1 - rest
        total = max(used - k * theta, 5e-324)
        value = -float(self.heads[k - 1]) - used * math.log(-math.expm1(-s) / total) + rest * s - s * D
        return value, s

    def invert(self, rate: float) -> float:
        """Return the distortion at which the rate (nats) is reached."""
        low, high = 0.0, float(self.tail[0])
        D = 0.5 * high
        for _ in range(_STEPS):
            value, s = self.rate(D)
            low, high = (D, high) if value > rate else (low, D)
            move = D + (value - rate) / s if s > 0 else high
            new = move if low < move < high else 0.5 * (low + high)
            if abs(new - D) <= 2.0**-52 * D:
                break
            D = new
        return D
