"""The barrier of optimal transport, whose multipliers are the plan.

The method is quick where the weights of complementary pairs are of one size, and a step from a law to a law is short
where they are masses. Masses of a plan span twenty orders of magnitude, so its pairs weigh as a coupling does and, as
much again in all, as a product of flattened laws, which spares rare letters to be far less central than frequent ones.
Near letters make many plans almost as good, and the path bends: weights follow the products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from rdcfunc.information import Array
from rdcfunc.solvers.interior.barrier import LEVEL_WEIGHT, Barrier, Direction, Pair

#: Blurs of the couplings that weigh a transport plan's pairs, in units of the cost of the independent one.
_SCALES = (0.5, 0.1, 0.02, 0.004)
#: Power to which laws are flattened where only their order of magnitude should tell.
_FLAT = 0.1
#: How fast weights follow the products, and the part of the first ones that they keep.
_FOLLOWED, _KEPT = 0.3, 0.1


class TransportBarrier(Barrier):
    """Optimal transport, ``h = min Σ p φ`` s.t. ``φ_x + t c(x, j) - g_j >= 0``, whose multipliers are the plan."""

    tied: ClassVar[bool] = True

    def __init__(self, cost: Array, p: Array, level: float, law: Array, mu: float) -> None:
        self.cost, self.p, self.level = cost, p, level
        couplings, rest = _couplings(cost, p, law), flattened(p)[:, None] * flattened(law)
        self.weight = self.first = 0.5 * (couplings + rest)
        self.g, self.potential = np.zeros(law.size), np.full(p.size, mu)
        self.t = 0.5 / max(float(np.vdot(couplings, cost)), 1e-12 * float(cost.max()))
        # Where the weights exceed a coupling, the plan begins centred instead of costing far more than its level.
        self.plan = 0.5 * (couplings + rest * mu / (mu + self.t * cost))
        self.slack = LEVEL_WEIGHT * mu / self.t
        self.gap = self.potential[:, None] + self.t * self.cost

    def kinks(self) -> list[Pair]:
        return [Pair(self.plan, self.gap, self.weight)]

    def prepare(self) -> float:
        stiff = self.stiff = self.plan / self.gap
        self.rows = stiff.sum(axis=1)
        self.share = stiff / self.rows[:, None]
        # Rows of the hessian in g sum to zero, as those of a Laplacian, which spares its diagonal all cancellation.
        m, self.gauge = self.g.size, self.plan.sum(axis=0)
        self.fare = (self.share * self.cost).sum(axis=1)
        dearer = self.cost - self.fare[:, None]
        ties = stiff.T @ self.share
        np.fill_diagonal(ties, 0.0)
        self.hessian = np.zeros((m + 1, m + 1))
        self.hessian[:m, :m] = np.diag(ties.sum(axis=1)) - ties
        self.hessian[:m, m] = self.hessian[m, :m] = -(stiff * dearer).sum(axis=0)
        self.hessian[m, m] = np.vdot(stiff * dearer, dearer) + self.slack / self.t
        return float(self.p @ self.potential)

    def right_side(self, law: Array, aim: float, aims: Sequence[Array]) -> Array:
        self.aim, self.change = aim, aims[0]
        change = self.change / self.gap
        self.left = change.sum(axis=1) - self.p + self.plan.sum(axis=1)
        after = self.plan + change
        in_g = law - after.sum(axis=0) + self.share.T @ self.left
        in_t = float(np.vdot(self.cost, after)) + aim / self.t - self.level + self.slack
        return np.append(in_g, in_t - float(self.fare @ self.left))

    def direct(self, dg: Array, dt: float) -> list[Direction]:
        self._direct(dg, dt)
        self.d_potential = self.left / self.rows - self.fare * dt + self.share @ dg
        self.d_gap = self.d_potential[:, None] + dt * self.cost - dg
        self.d_plan = (self.change - self.plan * self.d_gap) / self.gap
        return [(self.d_plan, self.d_gap)]

    def move(self, step: float) -> None:
        super().move(step)
        self.potential, self.plan = self.potential + step * self.d_potential, self.plan + step * self.d_plan
        self.gap = self.gap + step * self.d_gap
        products = self.plan * self.gap
        weight = (1 - _FOLLOWED) * self.weight + _FOLLOWED * products / products.sum()
        weight = np.maximum(weight, _KEPT * self.first)
        self.weight = weight / weight.sum()

    @property
    def spent(self) -> float:
        return float(np.vdot(self.cost, self.plan))

    def miss(self, law: Array) -> float:
        rows, columns = self.plan.sum(axis=1) - self.p, self.plan.sum(axis=0) - law
        return float(np.abs(rows).sum() + np.abs(columns).sum())


def flattened(law: Array) -> Array:
    """Return a law that ranges over less."""
    flat = law**_FLAT
    return flat / flat.sum()


def _couplings(cost: Array, p: Array, law: Array) -> Array:
    """Return a mixture of blurred plans from p, from independent ones to ones that go to the nearest letters."""
    mean = max(float(p @ cost @ law), 1e-12 * float(cost.max()))
    total = np.tile(law, (p.size, 1))
    for scale in _SCALES:
        plan = law * np.exp((cost.min(axis=1, keepdims=True) - cost) / (scale * mean))
        total += plan / plan.sum(axis=1, keepdims=True)
    return p[:, None] * total / (len(_SCALES) + 1)
