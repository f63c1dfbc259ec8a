"""Interior point: the convex core, weights on columns and the prices of all levels at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.special import logsumexp

from rdcfunc.information import Array, Indices
from rdcfunc.perceptions import FDivergence, Wasserstein
from rdcfunc.program import Candidate, Dual, Linear, Output, Program
from rdcfunc.solvers.barriers import unreachable
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.projection import project
from rdcfunc.solvers.saddle import Point, Saddle

#: Products of complementary pairs at the start, in nats: from nowhere, and from a neighbour's solution.
_COLD, _WARM = 0.1, 1e-3
#: Programs up to this many columns are taken whole; of larger ones a support is screened by some sweeps of EM.
_WHOLE, _SWEEPS, _LIKELY = 120, 12, 0.98
#: Rounds of pricing the columns outside of the support.
_ROUNDS = 20
#: Steps without progress, of the gap or along the path, that end a run.
_PATIENCE = 30
#: Source letters that the first prices are computed on.
_SAMPLE = 64
#: Largest price of a divergence held at zero, in units of the spread of the output price, and what it may cost.
_PINNED_PRICE, _PINNED_LOSS = 1e13, 1e-12


@dataclass(frozen=True)
class InteriorPoint(Solver):
    """Follow the central path of the weights of columns and of the prices of all levels together.

    The channel is eliminated, so that a step costs O(n k² + k³) for k columns that may carry mass; these are
    screened, and every column is priced at the end. Some ten to twenty steps reach 1e-9 bit. It takes any number
    of linear levels and any f-divergence or Wasserstein distance, for rates and for levels that are minimised.

    Parameters
    ----------
    steps
        The most Newton steps on one support.

    References
    ----------
    Mehrotra, "On the implementation of a primal-dual interior point method", 1992; Kim, Carbonetto, Stephens and
    Anitescu, "A fast algorithm for maximum likelihood estimation of mixture proportions", 2020.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, perceptions, solvers
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> answer = rdc.rate(problem, D=0.1, P=0.02, solver=solvers.InteriorPoint(), tol=1e-9)
    >>> round(answer.value, 6), answer.gap < 1e-9
    (0.417674, True)
    """

    steps: int = 80

    def __post_init__(self) -> None:
        at_least_one(self, "steps")

    def refusal(self, program: Program) -> str | None:
        """Name a conditional entropy, which is not convex, or a divergence of which only a conic form is known."""
        if program.posteriors:
            return (
                "InteriorPoint solves convex programs and H(S|X̂) <= C is not convex in the channel; "
                "use solvers.Alternation()"
            )
        for output in program.outputs:
            if not isinstance(output.divergence, FDivergence | Wasserstein):
                name = type(output.divergence).__name__
                return (
                    f"InteriorPoint takes f-divergences and Wasserstein distances and the target bounds {name}; "
                    "use solvers.Conic()"
                )
        return None

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return the candidate of the first start, and where it leaves a gap, those of others."""
        core = _core(program)
        near = None if core.tight else _near(core.program, program, start)
        if near is not None:
            support, point, steps, gap = self._rounds(core.program, program.p, *near, tol)
            if gap <= tol:
                return [_candidate(program, core, support, point, steps)]
        support, point, steps, gap = self._rounds(core.program, program.p, *_begin(core.program, program.p), tol)
        found = [_candidate(program, core, support, point, steps)]
        if gap > tol and program.outputs and program.goal not in program.outputs:
            found += self._relaxed(program, core, tol)
        if gap > tol and program.goal is not None:
            found += self._end(program, tol)
        return found

    def _end(self, program: Program, tol: float) -> list[Candidate]:
        """Return a candidate whose goal is at the least that it can be at any rate, if that is known."""
        goal = program.goal
        if isinstance(goal, Output) and not goal.divergence.vanishes(program.p):
            return []
        least = replace(goal, level=program.cheapest(goal) if isinstance(goal, Linear) else 0.0)
        linear = tuple(least if c is goal else c for c in program.linear)
        outputs = tuple(least if c is goal else c for c in program.outputs)
        free = self.solve(replace(program, linear=linear, outputs=outputs, rate=inf), tol)[0]
        return [replace(free, dual=Dual.zero(program), log_a=None)]

    def _relaxed(self, program: Program, core: _Core, tol: float) -> list[Candidate]:
        """Return candidates that do without perception, and that start from there."""
        linear = replace(program, outputs=())
        if not linear.constraints:
            return []
        free = self.solve(linear, tol)[-1]
        silent = tuple((0.0, np.zeros(program.m)) for _ in program.outputs)
        found = [replace(free, dual=Dual(free.dual.linear, silent))]
        support, q, prices = _begin(core.program, program.p)
        law = np.bincount(free.columns, program.p @ free.channel, program.size)[support]
        q = 0.5 * (q + law / law.sum())
        support, point, steps, _ = self._rounds(core.program, program.p, support, q, prices, tol)
        return [*found, _candidate(program, core, support, point, steps)]

    def _rounds(
        self, core: Program, source: Array, support: Indices, q: Array, prices: Array, tol: float
    ) -> tuple[Indices, Point, int, float]:
        """Solve on a support, let the columns that earn more than they cost join, and repeat; return also the gap."""
        mu, steps = _COLD, 0
        for _ in range(_ROUNDS):
            part = core.take(support)
            # A run that breaks down shows in its gap.
            with np.errstate(all="ignore"):
                taken, gap, point = self._run(Saddle(part, source, q, prices, mu), tol / 50)
            steps += taken
            earned = _earned(core, point)
            most = float(earned.max())
            earned[support] = 0.0
            joining = np.flatnonzero(earned > 1 + tol / 8)
            if joining.size == 0 or not gap < 1e3 * tol:
                break
            joining = joining[np.argsort(-earned[joining])][: max(30, support.size // 2)]
            kept = (point.q > 1e-9) | (point.z < 1e-3) | _needed(part)
            q = np.concatenate([np.maximum(point.q[kept], 1e-6), np.full(joining.size, 1e-3 / joining.size)])
            support, prices, mu = np.concatenate([support[kept], joining]), point.dual.linear, _WARM
        return support, point, steps, gap + max(float(np.log(most)), 0.0)

    def _run(self, saddle: Saddle, tol: float) -> tuple[int, float, Point]:
        """Step until the bounds meet or nothing improves; return the steps taken, and gap and point of the best."""
        best, centre, idle = inf, inf, 0
        for taken in range(self.steps):
            gap = saddle.look()
            if not np.isfinite(gap) and taken:
                break
            idle = 0 if gap < 0.5 * best or saddle.mu < 0.7 * centre else idle + 1
            centre = min(centre, saddle.mu)
            if gap < best or taken == 0:
                best, point = gap, saddle.point()
            if best <= tol or idle > _PATIENCE:
                break
            try:
                saddle.step()
            except LinAlgError:
                break
        return taken, best, point


@dataclass(frozen=True, eq=False)
class _Core:
    """A program as the method likes it: source letters with mass, and linear costs over the cheapest column's.

    What is spent of such costs falls like e^-s, and nothing cancels near the least level. A level that is the least
    one has no finite price; its pairs that cost more are forbidden instead.

    Attributes
    ----------
    program
        The program on ``live`` letters.
    live
        Which source letters have mass.
    floors
        Costs of the cheapest columns (live letters,) for each linear constraint kept.
    tight
        Excess costs (live letters, N) of the levels that were turned into forbidden pairs, by their place.
    """

    program: Program
    live: NDArray[np.bool_]
    floors: list[Array]
    tight: dict[int, Array]


def _core(program: Program) -> _Core:
    live = program.p > 0
    forbidden = np.zeros((program.p.size, program.size), dtype=bool)
    if program.forbidden is not None:
        forbidden |= program.forbidden
    for output in program.outputs:
        forbidden |= unreachable(output, program)[program.letters[:, output.target]]
    forbidden = forbidden[live]
    tight: dict[int, Array] = {}
    linear, floors = [], []
    p = program.p[live]
    for i, c in enumerate(program.linear):
        cost = program.barred(c.cost)[live]
        least = cost.min(axis=1)
        excess = cost - least[:, None]
        level = c.level - float(p @ least)
        if level <= 4e-16 * c.level:
            tight[i] = excess
            forbidden = forbidden | (excess > 0)
        else:
            linear.append(replace(c, cost=np.where(np.isinf(excess), 0.0, excess), level=level))
            floors.append(least)
    barred = forbidden if forbidden.any() else None
    return _Core(replace(program, p=p, linear=tuple(linear), forbidden=barred), live, floors, tight)


def _near(core: Program, program: Program, start: Candidate | None) -> tuple[Indices, Array, Array] | None:
    """Return support, weights and prices of a neighbour's solution, if it fits the program."""
    if start is None or start.log_a is None or core.outputs or core.forbidden is not None:
        return None
    fits = start.channel.shape[0] == program.p.size and start.columns.max() < core.size
    if not fits or start.dual.linear.size != len(core.linear) or not (start.dual.linear > 0).all():
        return None
    law = program.p @ start.channel
    return start.columns, 0.9 * law + 0.1 / law.size, start.dual.linear


def _begin(core: Program, source: Array) -> tuple[Indices, Array, Array]:
    """Return a first support, weights on it, and prices of the linear levels."""
    support = np.arange(core.size)
    if core.forbidden is not None:
        support = np.flatnonzero(~core.forbidden.all(axis=0))
    q = _first_weights(core, source)[support]
    q /= q.sum()
    if support.size <= _WHOLE or core.outputs:
        return support, q, _first_prices(core.take(support), q)
    part = core if support.size == core.size else core.take(support)
    prices = _first_prices(part, q)
    likely, q = _screen(part, q, prices)
    if core.forbidden is not None or any(
        float(core.p @ c.cost[:, likely].min(axis=1)) > 0.5 * min(c.level, float((core.p @ c.cost).min()))
        for c in part.linear
    ):
        likely = np.union1d(likely, part.total_cost.argmin(axis=1))
    q = np.maximum(q[likely], 1e-6 / part.size)
    return support[likely], 0.9 * q / q.sum() + 0.1 / q.size, prices


def _screen(part: Program, q: Array, prices: Array) -> tuple[Indices, Array]:
    """Return the columns that may carry mass, and weights of all, by over-relaxed EM in single precision."""
    exponent = np.zeros((part.p.size, part.size), dtype=np.float32)
    for price, c in zip(prices, part.linear, strict=True):
        exponent -= np.multiply(c.cost, price, dtype=np.float32)
    if part.forbidden is not None:
        exponent[part.forbidden] = -np.inf
    exponent -= exponent.max(axis=1, keepdims=True)
    kernel, p, law = np.exp(exponent, out=exponent), part.p.astype(np.float32), q.astype(np.float32)
    for _ in range(_SWEEPS):
        gain = (p / (kernel @ law)) @ kernel
        law = law * gain * np.maximum(gain, np.float32(1e-3))
        law /= law.sum()
    v = kernel @ law
    gain = (p / v) @ kernel
    likely = (gain > _LIKELY) | (law > 1 / part.size)
    # Letters of little mass, which nearly all of the support is far from, keep the column that serves them best.
    bare = kernel[:, likely] @ law[likely] < 0.5 * v
    likely[(kernel[bare] * law).argmax(axis=1)] = True
    return np.flatnonzero(likely), law.astype(np.float64)


def _first_weights(core: Program, source: Array) -> Array:
    """Return weights of all columns: uniform, or with output laws near the source's own."""
    if not core.outputs:
        return np.ones(core.size)
    near = np.exp(-8.0 * core.total_cost)
    q = core.p @ (near / near.sum(axis=1, keepdims=True))
    if source.size == core.m:
        same = (core.letters == core.letters[:, :1]).all(axis=1)
        q = np.where(same, source[core.letters[:, 0]], 0.0) + (0.0 if core.letters.shape[1] == 1 else 1.0) * q
    return np.maximum(q, 1e-6 / core.size)


def _first_prices(part: Program, q: Array) -> Array:
    """Return prices at which the channel that the weights suggest meets the levels, roughly, on some letters."""
    count = len(part.linear)
    if count == 0:
        return np.zeros(0)
    rows = np.arange(part.p.size)
    if rows.size > _SAMPLE:
        rows = np.linspace(0, rows.size - 1, _SAMPLE).astype(np.intp)
    p = part.p[rows] / part.p[rows].sum()
    barred = None if part.forbidden is None else part.forbidden[rows]
    costs, levels = [c.cost[rows] for c in part.linear], part.levels
    s = np.ones(count)
    for i in np.flatnonzero(np.isinf(levels)):
        levels[i] = 0.5 * float(p @ (costs[i] @ q))
    found, _ = project(p, q, costs, levels, s, np.full(count, 1e24), 1e-1, barred)
    return np.clip(found, 1e-2, inf)


def _earned(core: Program, point: Point) -> Array:
    """Return ``Aᵀ y`` of every column at a point of a part of the program."""
    exponent = np.subtract(point.log_a[:, None], point.dual.cost(core))
    return np.asarray(core.p @ np.exp(exponent, out=exponent))


def _needed(part: Program) -> NDArray[np.bool_]:
    """Return which columns must stay: the cheapest of each source letter, and all where letters have a law to meet."""
    needed: NDArray[np.bool_] = np.zeros(part.size, dtype=bool)
    if part.outputs:
        needed[:] = True
    elif part.forbidden is not None:
        needed[part.total_cost.argmin(axis=1)] = True
    return needed


def _candidate(program: Program, core: _Core, support: Indices, point: Point, steps: int) -> Candidate:
    """Return channel and prices for the program from a point of its core."""
    live, found = core.live, iter(point.dual.linear)
    prices = np.array([0.0 if i in core.tight else next(found) for i in range(len(program.linear))])
    outputs = []
    for (t, g), output in zip(point.dual.outputs, program.outputs, strict=True):
        pinned = output.level == 0 and output.divergence.vanishes(program.p)
        outputs.append((_pinned_price(output, program.p, g) if pinned else t, g.copy()))
    dual = Dual(prices, tuple(outputs))
    exponent = -point.dual.cost(core.program.take(support))
    channel = np.exp(exponent - exponent.max(axis=1, keepdims=True)) * point.q
    log_a = np.zeros(program.p.size)
    log_a[live] = point.log_a
    for s, floor in zip(point.dual.linear, core.floors, strict=True):
        log_a[live] += s * floor
    _price_the_unreachable(program, dual, live, log_a)
    for i, excess in core.tight.items():
        prices[i] = _tight_price(program, dual, excess, live, log_a)
        log_a[live] += prices[i] * program.barred(program.linear[i].cost)[live].min(axis=1)
    rows = np.zeros((program.p.size, support.size))
    rows[live] = channel / channel.sum(axis=1, keepdims=True)
    if not live.all():
        rows[~live, _cheapest_columns(program, support)[~live]] = 1.0
    return Candidate(rows, support, dual, steps, log_a)


def _pinned_price(output: Output, p: Array, g: Array) -> float:
    """Return a price of a divergence at which its support function is ``<g, p>``, or nearly."""
    spread, mean = float(np.ptp(g)), float(p @ g)
    price = spread / (output.divergence.scale or 1.0)
    while price < _PINNED_PRICE * spread and output.divergence.support(g, p, price) > mean + _PINNED_LOSS * spread:
        price *= 4.0
    return price


def _price_the_unreachable(program: Program, dual: Dual, live: NDArray[np.bool_], log_a: Array) -> None:
    """Give letters that an output may never show the price at which no column with them earns more than it costs."""
    for (_, g), output in zip(dual.outputs, program.outputs, strict=True):
        dead = unreachable(output, program)
        if dead.any():
            log_y = (np.log(program.p[live]) + log_a[live])[:, None]
            earned = logsumexp(log_y - dual.cost(program)[live], axis=0)
            dear = np.full(program.m, -inf)
            np.maximum.at(dear, program.letters[:, output.target], earned)
            g[dead] += np.maximum(dear[dead], 0.0)


def _tight_price(program: Program, dual: Dual, excess: Array, live: NDArray[np.bool_], log_a: Array) -> float:
    """Return a price at which the pairs that a tight level forbids earn nothing."""
    over = excess[np.isfinite(excess) & (excess > 0)]
    if over.size == 0:
        return 0.0
    base = (np.log(program.p[live]) + log_a[live])[:, None] - dual.cost(program)[live]
    price = 40.0 / float(over.min())
    while price * float(over.min()) < 1e3 and logsumexp(base - price * excess, axis=0).max() > 1e-13:
        price *= 2
    return price


def _cheapest_columns(program: Program, support: Indices) -> Indices:
    return program.take(support).total_cost.argmin(axis=1)
