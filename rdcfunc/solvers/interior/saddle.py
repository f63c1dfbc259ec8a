"""The saddle point behind every convex program: weights of columns against the prices of all levels.

    min_q max_{s, g, t}  -Σ_x p_x log Σ_k q_k e^{-c(x,k)} - Σ_i s_i b_i - Σ {t P + h(g, t)},   c = Σ s_i c_i + Σ g,

with h the support function of a divergence. With ``A = e^{-c}``, ``v = A q`` and ``y = p / v`` its optimum has
``z = 1 - Aᵀy >= 0``, ``q z = 0``, levels met with slack complementary to their price, and output laws that are
gradients of h. The channel is eliminated: Newton's equations are those of the weights of k columns, O(n k² + k³), and
of the prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from rdcfunc.candidate import Dual
from rdcfunc.information import Array
from rdcfunc.perceptions import FDivergence, Wasserstein
from rdcfunc.program import Output, Program
from rdcfunc.solvers.interior.barrier import LEVEL_WEIGHT, Barrier, Direction, EqualityBarrier, Pair
from rdcfunc.solvers.interior.bordered import Border, Bordered
from rdcfunc.solvers.interior.letters import LetterBarrier
from rdcfunc.solvers.interior.transport import TransportBarrier

#: Least share of the longest steps that is trusted.
_LEAST_TRUST = 1 / 64
#: What a miss of a level or of an output law costs at least, a nat a unit, as its repair is not free.
_DEAR = 1.0
#: Least curvature of a letter's price that is divided by, in units of what is subtracted from it.
_SOLID = 0.01


@dataclass(frozen=True, eq=False)
class Point:
    """Weights of columns with their reduced costs, prices, and ``log a`` of source letters in the lower bound.

    ``path`` are weights further back on the central path.
    """

    q: Array
    z: Array
    dual: Dual
    log_a: Array
    path: Array | None = None


class Saddle:
    """One run of the method, from weights ``q`` (N,) and prices ``s`` of the linear levels.

    ``base`` (n, N) is a cost in nats beside those that have a price.

    A goal is a level that moves: at the optimum the information, ``L - s b`` with L the value without the goal's
    term, equals the rate allowed, so each step aims at the level ``b = (L - R) / s``.
    """

    def __init__(
        self,
        program: Program,
        source: Array,
        q: Array,
        s: Array,
        mu: float,
        base: Array | None = None,
    ) -> None:
        self.program, self.p, self.q, self.s, self.base = program, program.p, q, s, base
        self.weight = q / q.sum()
        self.costs, self.levels = [c.cost for c in program.linear], program.levels
        self.held = np.flatnonzero(self.levels < inf)
        self.slack = np.where(self.levels < inf, LEVEL_WEIGHT * mu / s, 0.0)
        self.barriers = [_barrier(o, source, program.law(q, o.target), mu) for o in program.outputs]
        self.mu = mu
        self.trust, self.cap, self.gap, self.least, self.missed = 1.0, 1.0, inf, inf, inf
        self.z = np.zeros(0)
        self.log_y = self.log_p = np.log(self.p)
        self.entropy = -float(self.p @ self.log_p)
        # The unknown prices are (g, t) of each barrier, then s.
        self.size = (program.m + 1) * len(self.barriers) + s.size
        self.letters = [program.letters[:, o.target] for o in program.outputs]
        self.places = [letters + i * (program.m + 1) for i, letters in enumerate(self.letters)]
        self.every = np.arange(q.size)
        # With one output of which each column shows another letter, its prices meet one column each.
        self.alone = len(self.letters) == 1 and np.unique(self.letters[0]).size == q.size
        self.lone = self.places[0] if self.alone else self.every[:0]
        self.broad = np.setdiff1d(np.arange(self.size), self.lone)

    def point(self) -> Point:
        """Return the current point."""
        return Point(self.q, self.z, self._dual(), self.log_a)

    def _dual(self) -> Dual:
        return Dual(self.s, tuple((b.t, b.g) for b in self.barriers))

    def look(self) -> float:
        """Evaluate the current point; return an estimate of how far apart its bounds are."""
        p, q = self.p, self.q
        exponent = -self._dual().cost(self.program)
        if self.base is not None:
            exponent = exponent - self.base
        top = exponent.max(axis=1)
        exponent -= top[:, None]
        self.A = np.exp(exponent, out=exponent)
        self.v = self.A @ q
        self.y = p / self.v
        self.earned = self.y @ self.A
        if not self.z.size:
            self.z = np.maximum(1 - self.earned, self.mu * self.weight / q)
        self.weighted = [self.A * cost for cost in self.costs]
        self.means = [w @ q for w in self.weighted]
        self.spent = np.array([float(self.y @ mean) for mean in self.means])
        shown = q * self.earned
        self.laws = [np.bincount(letters, shown, self.program.m).astype(np.float64) for letters in self.letters]
        supports = [b.prepare() for b in self.barriers]
        log_v = top + np.log(self.v)
        value = -float(p @ log_v)
        self.log_a, floor = -log_v, value - float(np.log(self.earned.max()))
        # Newton's own masses are feasible to first order where p / v is not, and bound more tightly.
        linear = float(p @ (self.log_y - self.log_p)) - float(np.log((np.exp(self.log_y + top) @ self.A).max()))
        if linear > floor:
            self.log_a, floor = self.log_y - self.log_p, linear
        self.top = top
        if self.program.rate < inf:
            self._aim(value - sum(supports))
        # Levels are met on a logarithmic scale, as what is spent is exponential in the price.
        room = np.where(self.levels > self.slack, self.levels - self.slack, self.spent)
        self.ease = np.where(self.levels > self.slack, self.spent / room, 1.0)
        self.left = np.where(
            self.levels > self.slack,
            self.spent * np.log(room / self.spent),
            self.levels - self.spent - self.slack,
        )
        information = value + float(np.log(q.sum())) - float(self.s @ self.spent)
        lower = floor - float(self.s @ self.levels)
        # A level that is missed counts even while its price is still next to nothing.
        over = np.maximum(self.spent - self.levels, 0.0)
        missed = float((self.s + _DEAR) @ over)
        for b, law, h in zip(self.barriers, self.laws, supports, strict=True):
            information -= float(b.g @ law)
            lower -= b.t * b.level + h
            missed += b.miss(law) * max(float(np.ptp(b.g)), _DEAR) + (b.t + _DEAR) * max(b.spent - b.level, 0.0)
        self._pair()
        self.missed = missed / self.price()
        gap = abs(information - lower) / self.price() + self.missed
        # Where the linear model misleads, steps get shorter, and centring comes first.
        if gap > 1.2 * self.gap:
            self.cap = max(0.5 * self.cap, _LEAST_TRUST)
            self.trust = min(0.25 * self.trust, self.cap)
        else:
            self.trust = min(2 * self.trust, self.cap)
        if gap < self.least:
            self.cap, self.least = min(2 * self.cap, 1.0), gap
        self.gap = gap
        # A level is met by mixing in a channel that spends nothing there, which may cost all of the source's entropy.
        dearer = np.maximum(self.entropy * (1 - self.levels / self.spent) - self.s * over, 0.0)
        return gap + float(dearer[self.held].sum())

    def price(self) -> float:
        """Return the price in nats of one unit of what is minimised."""
        goals = [float(s) for s, level in zip(self.s, self.program.levels, strict=True) if level == inf]
        goals += [b.t for b, o in zip(self.barriers, self.program.outputs, strict=True) if o.level == inf]
        return goals[0] if goals else 1.0

    def _aim(self, value: float) -> None:
        """Move the goal's level to where the information equals the rate allowed."""
        rate = self.program.rate
        for i in np.flatnonzero(self.program.levels == inf):
            others = value - float(self.s[self.held] @ self.levels[self.held])
            others -= sum(b.t * b.level for b in self.barriers)
            self.levels[i] = (others - rate) / self.s[i]
        for b, output in zip(self.barriers, self.program.outputs, strict=True):
            if output.level == inf:
                others = value - float(self.s @ self.levels)
                others -= sum(other.t * other.level for other in self.barriers if other is not b)
                b.level, b.slack = (others - rate) / b.t, 0.0

    def _pair(self) -> None:
        held = self.held
        self.pairs = [
            Pair(self.q, self.z, self.weight),
            Pair(self.s[held], self.slack[held], np.full(held.size, LEVEL_WEIGHT)),
        ]
        one = np.array([LEVEL_WEIGHT])
        for b in self.barriers:
            pressed = np.array([b.slack > 0])
            self.pairs += [Pair(np.array([b.t])[pressed], np.array([b.slack])[pressed], one[pressed]), *b.kinks()]
        self.mu = sum(pair.product() for pair in self.pairs) / sum(float(pair.weight.sum()) for pair in self.pairs)

    def factor(self) -> None:
        """Factor the equations of the weights, then what is left of those of the prices."""
        m, theta = self.program.m, self.y / self.v
        scaled = self.A * np.sqrt(theta)[:, None]
        weights = scaled.T @ scaled
        weights[self.every, self.every] += self.z / self.q
        self.tie = self.z + self.earned
        prices = np.zeros((self.size, self.size))
        wide = np.zeros((self.q.size, self.broad.size), order="F")
        for i, (b, place) in enumerate(zip(self.barriers, self.places, strict=True)):
            if not self.alone:
                wide[self.every, place] = self.tie
            block = slice(i * (m + 1), (i + 1) * (m + 1))
            prices[block, block] = b.hessian
            if b.gauge is not None:
                one = slice(i * (m + 1), i * (m + 1) + m)
                prices[one, one] += b.gauge[:, None] * b.gauge
            # The price of a letter that no column shows stands still.
            bare = np.flatnonzero(np.bincount(self.letters[i], minlength=m) == 0) + i * (m + 1)
            prices[bare, bare] += 1.0
            for other in self.places:
                np.subtract.at(prices, (place, other), self.tie * self.q)
        first, rest = self.size - self.s.size, self.broad.size - self.s.size
        for i, (w, mean) in enumerate(zip(self.weighted, self.means, strict=True)):
            wide[:, rest + i] = self.y @ w - (theta * mean) @ self.A
            for j in range(i + 1):
                bend = float(self.y @ ((w * self.costs[j]) @ self.q)) - float(mean @ (theta * self.means[j]))
                prices[first + i, first + j] = prices[first + j, first + i] = bend
            prices[first + i, first + i] += self.ease[i] * self.slack[i] / self.s[i]
        tie = self.tie if self.alone else self.tie[:0]
        solid = np.zeros(tie.size, dtype=bool)
        if self.alone and self.barriers[0].diagonal:
            solid = prices[self.lone, self.lone] > _SOLID * tie * self.q
        border = Border(wide, self.broad, tie, self.every[: tie.size], self.lone)
        self.system = Bordered(weights, prices, border, solid)

    def solve(self, aims: list[Array], corrected: Array | float) -> list[Direction]:
        """Return the direction of each pair, for changes of products to aim at."""
        q, s, m = self.q, self.s, self.program.m
        short = 1 - self.earned - self.z
        bent = corrected / self.v
        side = aims[0] / q - short + bent @ self.A if np.ndim(bent) else aims[0] / q - short
        right = np.zeros(self.size)
        levels = np.zeros(s.size)
        levels[self.held] = aims[1]
        shown = aims[0] - q * short
        rest = iter(aims[2:])
        for i, (b, law, letters) in enumerate(zip(self.barriers, self.laws, self.letters, strict=True)):
            aim = next(rest)
            kinks = [next(rest) for _ in b.kinks()]
            told = b.right_side(law, float(aim[0]) if aim.size else 0.0, kinks)
            told[:m] -= np.bincount(letters, shown, m)
            right[i * (m + 1) : (i + 1) * (m + 1)] += told
        first = self.size - s.size
        for i, mean in enumerate(self.means):
            left = self.left[i] - self.ease[i] * levels[i] / s[i]
            right[first + i] -= left - (float(mean @ bent) if np.ndim(bent) else 0.0)
        tilted, moves = self.system.solve(side, right)
        self.ds = moves[first:]
        self.d_slack = (levels - self.slack * self.ds) / s
        self.dq = tilted.copy()
        directions: list[Direction] = []
        for i, (b, letters) in enumerate(zip(self.barriers, self.letters, strict=True)):
            dg, dt = moves[i * (m + 1) : (i + 1) * (m + 1) - 1], float(moves[(i + 1) * (m + 1) - 1])
            self.dq += q * dg[letters]
            kinks_directions = b.direct(dg, dt)
            pressed = np.array([b.slack > 0])
            directions += [(np.array([b.dt])[pressed], np.array([b.d_slack])[pressed]), *kinks_directions]
        self.dz = (aims[0] - self.z * self.dq) / q
        self.dv = self.A @ tilted - sum(mean * d for mean, d in zip(self.means, self.ds, strict=True))
        self.dy = (corrected - self.y * self.dv) / self.v
        held = self.held
        self.directions = [(self.dq, self.dz), (self.ds[held], self.d_slack[held]), *directions]
        return self.directions

    def move(self, step: float) -> None:
        """Take so much of the last direction."""
        self.log_y = np.log(np.maximum(self.y + step * self.dy, 0.1 * self.y)) - self.top
        self.q = self.q + step * self.dq
        self.z = self.z + step * self.dz
        self.s, self.slack = self.s + step * self.ds, self.slack + step * self.d_slack
        for b in self.barriers:
            b.move(step)


def _barrier(output: Output, p: Array, law: Array, mu: float) -> Barrier:
    """Return the barrier of an output at its starting point: a reproduction law, and pairs with products μ."""
    divergence = output.divergence
    if output.level == 0 and divergence.vanishes(p):
        return EqualityBarrier(p)
    if isinstance(divergence, FDivergence):
        return LetterBarrier(divergence, p, output.level, law, mu)
    assert isinstance(divergence, Wasserstein)
    return TransportBarrier(divergence.cost[p > 0], p[p > 0], output.level, law, mu)
