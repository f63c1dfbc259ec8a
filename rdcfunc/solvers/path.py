"""The central path of an output law and a price together, on kernels that are applied and not formed."""

from __future__ import annotations

import math

import numpy as np

from rdcfunc.information import Array
from rdcfunc.structure.kernel import Factored

#: Part of the way to the boundary that a step goes, the length of a step below which it is blocked, and the part of
#: the complementarity that a plain step aims at.
_SHORT_OF, _BLOCKED, _LESS = 0.995, 0.05, 0.1
#: A step at most trebles the price, and leaves at least this part of it.
_RISE, _FALL = 2.0, 0.7

Move = tuple[Array, Array, Array, Array, float]


class Path:
    r"""An iterate (q, z, y, s) with :math:`v = K q`.

    The conditions are :math:`y v = p`, :math:`K^T y + z = 1`, :math:`q z = \mu`, and
    :math:`y^T (K \circ d) q = D`; at a given rate D is :math:`(\Phi(s) - R) / s`, whose derivative in s vanishes at the
    solution, so that only the level moves.

    Attributes
    ----------
    kernel
        Between the source letters that count and the reproduction letters in use, at the price of the iterate.
    p
        Masses of the former.
    q, z, y, s, v, g
        The iterate; ``g = (K ∘ d) q``.
    """

    def __init__(self, kernel: Factored, p: Array, s: float, D: float, rate: float) -> None:
        self.p, self.s, self.D, self.rate = p, s, D, rate
        at = kernel.letters
        nearest = np.searchsorted((at[1:] + at[:-1]) // 2, kernel.rows)
        law: Array = np.bincount(nearest, p, len(at)).astype(np.float64)
        self.restart(kernel, 0.9 * law + 0.1 / len(at), 0.05)

    def restart(self, kernel: Factored, q: Array, margin: float) -> None:
        """Start from an output law on these letters, with column sums that stay this margin below one."""
        self.kernel, self.q = kernel.at(self.s), q
        self.v, self.g = self.kernel.times(q, 0, 1)
        y = self.p / self.v
        (c,) = self.kernel.transposed(y, 0)
        top = float(c.max()) * (1 + margin)
        self.y, self.z = y / top, np.maximum(1 - c / top, 0.02 * margin)

    @property
    def gap(self) -> float:
        """The sum of complementary products."""
        return float(self.q @ self.z)

    @property
    def level(self) -> float:
        """The distortion aimed at."""
        if self.rate == math.inf:
            return self.D
        return (math.log(self.q.sum()) - float(self.p @ np.log(self.v)) - self.rate) / self.s

    @property
    def miss(self) -> float:
        """What the distance from the level costs, in nats."""
        return self.s * abs(float((self.p / self.v) @ self.g) - self.level)

    def step(self) -> None:
        """Predict, correct, or centre where that is blocked; then move.

        Raises
        ------
        scipy.linalg.LinAlgError
            If the Newton system has broken down.
        """
        q, z, y, v, g, s = self.q, self.z, self.y, self.v, self.g, self.s
        c, h = self.kernel.transposed(y, 0, 1)
        curvature = float(y @ self.kernel.times(q, 2)[0])
        theta, mu = y / v, self.gap / len(q)
        dual, short = 1 - c - z, self.level - float(y @ g)
        cross = h - self.kernel.transposed(theta * g, 0)[0]
        bend = max(curvature - float(g @ (theta * g)), 1e-12 * curvature)
        inverse = self.kernel.factor(theta, z / q)
        along = inverse(cross)
        scale = float(cross @ along) + bend

        def newton(primal: Array, centre: Array) -> Move:
            w = primal / v
            base = inverse(centre / q - dual + self.kernel.transposed(w, 0)[0])
            ds = (float(cross @ base) - (short - float(g @ w))) / scale
            dq = base - along * ds
            dv = self.kernel.times(dq, 0)[0] - g * ds
            dy = (primal - y * dv) / v
            return dq, dv, dy, dual - self.kernel.transposed(dy, 0)[0] + h * ds, ds

        dq, dv, dy, dz, ds = newton(self.p - y * v, -q * z)
        forward, back = min(_reach(q, dq), _reach(v, dv)), min(_reach(y, dy), _reach(z, dz))
        ahead = max(float((q + forward * dq) @ (z + back * dz)) / len(q), 0.0)
        # Where curvature blocks the corrected step, a plain one; where the boundary blocks that, back to the centre.
        for centre, bent, crossed in ((ahead**3 / mu**2, dy * dv, dq * dz), (_LESS * mu, 0.0, 0.0), (mu, 0.0, 0.0)):
            dq, dv, dy, dz, ds = newton(self.p - y * v - bent, centre - q * z - crossed)
            size = min(1.0, _SHORT_OF * min(_reach(q, dq), _reach(v, dv), _reach(y, dy), _reach(z, dz)))
            if size > _BLOCKED:
                break
        size = min(size, (_RISE if ds > 0 else _FALL) * s / max(abs(ds), 1e-300))
        self.q, self.y, self.z, self.s = q + size * dq, y + size * dy, z + size * dz, s + size * ds
        self.kernel = self.kernel.at(self.s)
        self.v, self.g = self.kernel.times(self.q, 0, 1)


def _reach(x: Array, dx: Array) -> float:
    """Return the longest step, at most one, that keeps x positive."""
    worst = float((dx / x).min())
    return 1.0 if worst >= -1 else -1 / worst
