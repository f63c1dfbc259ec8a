"""Interior point: the convex core, weights on columns and the prices of all levels at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from scipy.linalg import LinAlgError

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.information import Array, Indices
from rdcfunc.perceptions import FDivergence, Wasserstein
from rdcfunc.program import Linear, Output, Program
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.interior.core import Core, enter, leave
from rdcfunc.solvers.interior.saddle import Point, Saddle
from rdcfunc.solvers.interior.steps import CAREFUL, FAST, advance
from rdcfunc.solvers.interior.support import COLD, NEAR, Begun, begin, earned, needed, outlook, spread
from rdcfunc.solvers.levels import by_rates

#: Products of complementary pairs, in nats, after columns have joined.
_JOINED = 1e-2
#: Rounds of pricing the columns outside of the support.
_ROUNDS = 20
#: Steps without progress, of the gap or along the path, that end a run.
_PATIENCE = 30
#: The part of ``tol`` that an estimate of the gap is to reach, and that misses may take of it where it prices their
#: repair roughly: those of more than linear levels.
_AIM, _FINE = 0.25, 0.1
#: Gap, in units of ``tol``, of a run that was led astray.
_ASTRAY = 1e3
#: A guessed divergence, in units of its level, from which on perception is not idle.
_CLEARLY = 2.0
#: Most columns for which the best channel at given prices is sought.
_TILTED = 1_000


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
        if (idle := self._idle(program, tol)) is not None:
            return [idle]
        core, steps = enter(program), 0
        for neighbour, pace in dict.fromkeys(((start, FAST), (None, FAST), (None, CAREFUL))):
            begun = begin(core.program, program.p, neighbour)
            support, point, taken, gap = self._rounds(core.program, program.p, begun, tol, pace)
            steps += taken
            if gap <= tol or (neighbour is None and gap <= _ASTRAY * tol):
                break
        found = [leave(program, core, support, point, steps)]
        if gap > tol and program.outputs and program.goal not in program.outputs:
            found += self._relaxed(program, core, tol)
        if gap > tol and program.goal is not None:
            found = [*self._end(program, tol), *found]
        return found

    def _idle(self, program: Program, tol: float) -> Candidate | None:
        """Return the answer without perception if its output laws are within their levels: prices then tend to zero."""
        judged, without = (
            [o for o in program.outputs if isinstance(o.divergence, FDivergence)],
            replace(program, outputs=()),
        )
        core = enter(without).program
        if not judged or len(judged) < len(program.outputs) or not program.minimises_rate or not core.linear:
            return None
        guess = outlook(core)
        if any(o.divergence.value(o.reference, program.law(guess, o.target)) > _CLEARLY * o.level for o in judged):
            return None
        free = self.solve(without, tol)[0]
        law = np.asarray(np.bincount(free.columns, program.p @ free.channel, program.size), dtype=np.float64)
        for o in judged:
            if not o.divergence.value(o.reference, program.law(law, o.target)) <= o.level:
                return None
        return replace(free, dual=Dual(free.dual.linear, tuple((0.0, np.zeros(program.m)) for _ in program.outputs)))

    def _end(self, program: Program, tol: float) -> list[Candidate]:
        """Return candidates by way of rates, or whose goal is the least that it can be at any rate."""
        goal = program.goal
        if isinstance(goal, Linear) and not program.outputs and len(program.limits) <= 1:
            return by_rates(program, tol, self.solve)
        if isinstance(goal, Output) and goal.vanishes:
            outputs = tuple(replace(o, level=0.0) if o is goal else o for o in program.outputs)
            free = self.solve(replace(program, outputs=outputs, rate=inf), tol)[0]
            return [replace(free, dual=Dual.zero(program), log_a=None)]
        return []

    def _relaxed(self, program: Program, core: Core, tol: float) -> list[Candidate]:
        """Return candidates that do without perception, and that start from there."""
        linear = replace(program, outputs=())
        if not linear.constraints:
            return []
        free = self.solve(linear, tol)[-1]
        silent = tuple((0.0, np.zeros(program.m)) for _ in program.outputs)
        found = [replace(free, dual=Dual(free.dual.linear, silent))]
        begun = begin(core.program, program.p)
        law = np.bincount(free.columns, program.p @ free.channel, program.size)[begun.support]
        begun = replace(begun, q=0.5 * (begun.q + law / law.sum()))
        support, point, steps, _ = self._rounds(core.program, program.p, begun, tol)
        return [*found, leave(program, core, support, point, steps)]

    def _rounds(
        self, core: Program, source: Array, begun: Begun, tol: float, pace: float = FAST
    ) -> tuple[Indices, Point, int, float]:
        """Solve on a support, let the columns that earn more than they cost join, and repeat; return also the gap."""
        support, q, prices, mu, steps, rounds = begun.support, begun.q, begun.prices, begun.mu, 0, 0
        finest = _AIM if core.minimises_rate and not core.outputs else _FINE
        while True:
            part, rounds = core.take(support), rounds + 1
            # A run that breaks down shows in its gap.
            with np.errstate(all="ignore"):
                taken, gap, point = self.run(Saddle(part, source, q, prices, mu), _AIM * tol, finest * tol, pace)
            steps += taken
            worth = earned(core, point)
            most = float(worth.max())
            worth[support] = 0.0
            joining = np.flatnonzero(worth > 1 + tol / 8)
            if joining.size == 0 or rounds == _ROUNDS or not gap < _ASTRAY * tol:
                break
            joining = joining[np.argsort(-worth[joining])][: max(30, support.size // 2)]
            kept = (point.q > 1e-9) | (point.z < 1e-3) | needed(part)
            support = np.concatenate([support[kept], joining])
            q = spread(np.concatenate([point.q[kept], np.zeros(joining.size)]))
            prices, mu = point.dual.linear, _JOINED
        return support, point, steps, gap + max(float(np.log(most)), 0.0)

    def run(self, saddle: Saddle, aim: float, miss: float, pace: float = FAST) -> tuple[int, float, Point]:
        """Step until the gap is the aim and misses cost so little of it, or nothing improves.

        Return the steps taken, and gap and point of the best.
        """
        best, centre, idle = inf, inf, 0
        path: Array | None = None
        for taken in range(self.steps):
            gap = saddle.look()
            if not np.isfinite(gap) and taken:
                break
            idle = 0 if gap < 0.5 * best or saddle.mu < 0.7 * centre else idle + 1
            centre = min(centre, saddle.mu)
            path = saddle.q if path is None and saddle.mu < NEAR else path
            if gap < best or taken == 0:
                best, point = gap, saddle.point()
            if (gap <= aim and saddle.missed <= miss) or idle > _PATIENCE:
                break
            try:
                advance(saddle, pace)
            except LinAlgError:
                break
        return taken, best, replace(point, path=path)


def tilted(program: Program, proposal: Candidate, tol: float) -> Candidate:
    """Return the proposal with the channel, and the factors of the lower bound, that are best at its prices.

    Prices that are wrong by ε give a bound that is wrong by about ε², once all else fits them.
    """
    live = program.p > 0
    cost = proposal.dual.cost(program)[live]
    least = cost.min(axis=1)
    base = cost - least[:, None]
    free = replace(program, p=program.p[live], linear=(), outputs=(), posteriors=(), rate=inf, forbidden=None)
    if program.size > _TILTED or not np.isfinite(base).any(axis=0).all():
        return proposal
    saddle = Saddle(free, free.p, np.full(program.size, 1.0 / program.size), np.zeros(0), COLD, base)
    with np.errstate(all="ignore"):
        taken, _, point = InteriorPoint().run(saddle, 0.5 * _FINE * tol, inf)
    channel = np.array(proposal.channel)
    rows = np.exp(-base) * point.q
    channel[live] = rows / rows.sum(axis=1, keepdims=True)
    log_a = np.zeros(program.p.size)
    log_a[live] = point.log_a + least
    return replace(proposal, channel=channel, steps=proposal.steps + taken, log_a=log_a)
