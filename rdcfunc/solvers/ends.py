"""The ends of a curve: where nothing needs to be sent, and where the rate is ample."""

from __future__ import annotations

from math import inf

import numpy as np
import scipy
from numpy.typing import NDArray

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.information import Array
from rdcfunc.lift import Lift
from rdcfunc.program import Linear, Program
from rdcfunc.tuples import coupled

#: Halvings, on a logarithmic scale, of the range in which a price is sought.
_HALVINGS = 60


def silent(program: Program | Lift) -> Candidate | None:
    """Return a candidate that sends nothing, if one law of columns may meet every level, else None."""
    if isinstance(program, Lift):
        alone = [silent(program.single(k)) for k in range(program.targets)]
        channels = [candidate.channel for candidate in alone if candidate is not None]
        if len(channels) < program.targets:
            return None
        columns, channel = coupled(program, channels)
        return Candidate(channel, columns, Dual.zero(program), 0)
    if any(
        c.level < program.value(c, _constant(program, np.full(program.size, 1.0 / program.size)))
        for c in program.posteriors
    ):
        return None
    law = _law(program)
    if law is None:
        return None
    origin = "nothing need be sent"
    return Candidate(_constant(program, law), np.arange(program.size), Dual.zero(program), 0, origin=origin)


def ample(program: Program) -> tuple[float, Dual]:
    """Return the least of a linear goal at any rate, and prices that prove it, where at most one level counts.

    With a price σ on the level each source letter takes its cheapest column; the best σ is where those meet the level.
    """
    goal, limits = next(c for c in program.linear if c.level == inf), program.limits
    cost, p = program.barred(goal.cost), program.p
    extra, level = (limits[0].cost, limits[0].level) if limits else (np.zeros_like(goal.cost), 0.0)

    def at(price: float) -> tuple[float, float]:
        total = cost + price * extra
        chosen = total.argmin(axis=1)
        rows = np.arange(p.size)
        spent = float(p @ np.where(p > 0, extra[rows, chosen], 0.0))
        return float(p @ np.where(p > 0, total[rows, chosen], 0.0)) - price * level, spent

    prices = [0.0]
    if at(0.0)[1] > level:
        low, high = 1e-9, 1e9
        for _ in range(_HALVINGS):
            middle = np.sqrt(low * high)
            low, high = (middle, high) if at(middle)[1] > level else (low, middle)
        prices = [low, high]
    best = max(prices, key=lambda price: at(price)[0])
    return at(best)[0], Dual(np.array([1.0 if c is goal else best for c in program.linear]))


def _constant(program: Program, law: Array) -> Array:
    return np.tile(law, (program.p.size, 1))


def _law(program: Program) -> Array | None:
    """Return a law of columns that meets every level whatever the source says, at the goal's least if there is one."""
    N, goal = program.size, program.goal
    costs = np.array([program.p @ c.cost for c in program.limits]).reshape(-1, N)
    levels = np.array([c.level for c in program.limits])
    barred: NDArray[np.bool_] = np.zeros(N, dtype=bool)
    if program.forbidden is not None:
        barred |= program.forbidden[program.p > 0].any(axis=0)
    if program.outputs:
        # The source's own law on every decoder's letter has perfect perception on a common alphabet.
        if not all(output.vanishes for output in program.outputs):
            return None
        same = (program.letters == program.letters[:, :1]).all(axis=1)
        law = np.where(same, program.outputs[0].reference[program.letters[:, 0]], 0.0)
        return law if (costs @ law <= levels).all() and not law[barred].any() else None
    aim = program.p @ goal.cost if isinstance(goal, Linear) else np.zeros(N)
    if len(levels) + isinstance(goal, Linear) <= 1:
        means = np.where(barred, inf, costs[0] if len(levels) else aim)
        best = int(means.argmin())
        law = np.eye(1, N, best)[0]
        return law if means[best] < inf and (costs @ law <= levels).all() else None
    bounds = np.column_stack([np.zeros(N), np.where(barred, 0.0, 1.0)])
    solved = scipy.optimize.linprog(aim, A_ub=costs, b_ub=levels, A_eq=np.ones((1, N)), b_eq=[1.0], bounds=bounds)
    if solved.status != 0:
        return None
    law = np.maximum(solved.x, 0.0)
    return law / law.sum()
