"""Blahut and Arimoto's alternation, hitting levels rather than prices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.information import Array, Indices, entropy
from rdcfunc.program import Program
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.projection import project
from rdcfunc.solvers.search import Search


@dataclass(frozen=True)
class BlahutArimoto(Solver):
    """Alternate between the channel nearest to an output law within the levels, and its output law.

    Newton's method on the few prices solves ``min_W D(W ‖ q)`` s.t. ``E c_i <= b_i`` for the output law q. At these
    prices the kernel ``e^{-c}`` stands still for a block of sweeps ``q <- q (Kᵀ p / (K q))``, two products of a matrix
    and a vector each, which Anderson's mixing of ``log q`` accelerates; the channel is formed at the end. Convergence
    is geometric when few letters are used and slower on fine grids.

    Parameters
    ----------
    sweeps
        The most sweeps.

    References
    ----------
    Blahut, "Computation of channel capacity and rate-distortion functions", 1972; Csiszár and Tusnády,
    "Information geometry and alternating minimization procedures", 1984; Walker and Ni, "Anderson acceleration for
    fixed-point iterations", 2011.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, solvers
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2))
    >>> round(rdc.rate(problem, D=0.1, solver=solvers.BlahutArimoto()).value, 6)
    0.412295
    """

    sweeps: int = 20_000

    def __post_init__(self) -> None:
        at_least_one(self, "sweeps")

    def refusal(self, program: Program) -> str | None:
        """Name a perception or conditional-entropy level, which this solver cannot meet."""
        if program.outputs:
            name = type(program.outputs[0].divergence).__name__
            return f"BlahutArimoto meets linear levels only and the target bounds {name}; use solvers.Conic()"
        if program.posteriors:
            return (
                "BlahutArimoto meets linear levels only and the target bounds a conditional entropy; "
                "use solvers.Alternation()"
            )
        return None

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return the candidates of the best bounds, or none if the levels clash."""
        state, search, done, look = begin(program, start), Search(program, tol), 0, 1
        while True:
            least = state.q[state.q > 0].min()
            looks = done >= look or done >= self.sweeps
            law = state.q
            # A level that is minimised takes some steps to find its place at this output law.
            for _ in range(1 if program.goal is None else _AIMS):
                state = replace(state, q=law, stride=1.0, merit=inf)
                state = advance(program, state, accuracy=1e-13 if looks else 1e-7)
            if program.minimises_rate and state.merit > 1 - np.log(least):
                return []
            if looks:
                search.offer(state.candidate(program, done))
                look = done + max(_BLOCK, done // 5)
                if search.closed or done >= self.sweeps:
                    return search.best
            count = min(_BLOCK, self.sweeps - done)
            law = _swept(program, state, count)
            if entropy(law) > min(program.rate, _LITTLE):
                state, done = replace(state, q=law, merit=inf), done + count
            else:
                # At these prices it is best to send nothing, or less than allowed: one plain sweep, and look again.
                state, done = replace(state, q=program.p @ state.channel, merit=inf), done + 1


#: Sweeps at one kernel, how many past ones are mixed, and steps towards a goal's level.
_BLOCK, _MEMORY, _AIMS = 30, 10, 6
#: Entropy in nats of an output law that counts as none.
_LITTLE = 1e-3
#: Least weight after a block, in units of the largest.
_FLOOR = 1e-10


def _swept(program: Program, state: State, count: int) -> Array:
    """Return the output law after some sweeps at the state's prices, mixed by Anderson's method on ``log q``."""
    exponent = -Dual(state.prices).cost(program)
    exponent -= exponent.max(axis=1, keepdims=True)
    kernel, p = np.exp(exponent, out=exponent), program.p
    x, best = np.log(np.maximum(state.q, 1e-300)), inf
    points: list[Array] = []
    moves: list[Array] = []
    plain = x
    for _ in range(count):
        q = np.exp(x - x.max())
        q /= q.sum()
        v = np.maximum(kernel @ q, 1e-250)
        value = -float(p @ np.log(v))
        if value > best + 1e-15 * abs(best):
            # Mixed too boldly: forget, and go on from the plain sweep, which never goes up.
            points, moves, x, best = [], [], plain, inf
            continue
        best, x = value, np.log(np.maximum(q, 1e-300))
        move = np.log(np.maximum((p / v) @ kernel, 1e-300))
        plain = x + move
        points, moves = [*points[-_MEMORY:], x], [*moves[-_MEMORY:], move]
        x = plain
        if len(moves) > 1:
            weight = np.sqrt(q)
            d_moves, d_points = np.diff(moves, axis=0), np.diff(points, axis=0)
            share = np.linalg.lstsq((d_moves * weight).T, move * weight, rcond=1e-10)[0]
            x = plain - share @ (d_points + d_moves)
    # Prices may still change what is worth its weight: nothing falls so low that it could not come back.
    law = np.maximum(np.exp(plain - plain.max()), _FLOOR)
    return np.asarray(law / law.sum())


#: Growth of the stride in a sweep that succeeds, and the longest stride.
_GROWTH, _LONGEST = 1.1, 50.0


@dataclass(frozen=True, eq=False)
class State:
    """One point of the alternation.

    Attributes
    ----------
    q
        The reference law (N,) of the next projection: the output law, taken a little further than it moved.
    prices, channel
        Those of the last projection.
    goal
        The level of a cost that is minimised.
    merit
        What both steps lower: ``D(W ‖ q)`` in nats, or the goal.
    stride
        How far the reference law goes, in units of its plain step; 1 is Blahut and Arimoto's.
    """

    q: Array
    prices: Array
    channel: Array
    goal: float
    merit: float = inf
    stride: float = 1.0

    def candidate(self, program: Program, steps: int, columns: Indices | None = None) -> Candidate:
        """Return the state as a candidate for the program it was computed on."""
        k = len(program.linear)
        dual = Dual(self.prices[:k], (), self.prices[k:])
        return Candidate(self.channel, np.arange(program.size) if columns is None else columns, dual, steps)


def begin(program: Program, start: Candidate | None = None, channel: Array | None = None) -> State:
    """Return the first state: a neighbour's, a channel's, or the uniform output law."""
    n, N = program.p.size, program.size
    prices = np.ones(len(program.linear) + len(program.posteriors))
    if channel is None:
        channel = np.full((n, N), 1.0 / N)
    if start is not None and start.channel.shape == (n, N):
        # A neighbour's support may be too small; a little of every column keeps all of them reachable.
        channel = 0.99 * start.channel + 0.01 / N
        prices = np.concatenate([start.dual.linear, start.dual.posteriors])
    goal = inf if program.goal is None else program.value(program.goal, channel)
    return State(program.p @ channel, prices, channel, goal)


def advance(program: Program, state: State, limit: Array | float = inf, accuracy: float = 1e-7) -> State:
    """Return the next state: project on the levels at this output law, then take the output law.

    Conditional entropies are replaced by the log-loss of the Bayes classifier of the state's channel, which is
    never smaller; ``limit`` bounds the prices, ``accuracy`` what levels may be missed by. When a cost is minimised,
    its level moves so that ``D(W ‖ q)`` tends to the rate allowed.
    """
    if not program.linear and not program.posteriors:
        return replace(state, channel=np.broadcast_to(state.q, state.channel.shape).copy(), merit=0.0)
    costs = [c.cost for c in program.linear] + [program.log_loss(c, state.channel) for c in program.posteriors]
    levels = np.concatenate([program.levels, [c.level for c in program.posteriors]])
    goal = state.goal
    first = np.isinf(levels).argmax()
    if not program.minimises_rate:
        levels[first] = goal
    prices, now = project(
        program.p,
        state.q,
        costs,
        levels,
        state.prices,
        np.broadcast_to(limit, levels.shape),
        accuracy,
        program.forbidden,
    )
    merit = divergence = now.value - float(prices @ np.minimum(now.gradient, 0.0))
    if not program.minimises_rate:
        # Dinkelbach's step on the ratio (divergence - rate) / price, kept inside the range of the cost.
        cheapest = float(program.p @ program.barred(costs[first]).min(axis=1))
        step = (divergence - program.rate) / float(prices[first]) if prices[first] > 0 else -inf
        merit = goal = max(goal + step, 0.5 * (goal + cheapest))
    stuck = not program.minimises_rate and prices[first] == 0
    if state.stride > 1 and (merit > state.merit + 1e-14 or stuck):
        # Too far: fall back on the plain step, which never goes up.
        plain = replace(state, q=program.p @ state.channel, stride=1.0, merit=inf)
        return advance(program, plain, limit, accuracy)
    law = program.p @ now.channel
    stride = min(_GROWTH * state.stride, _LONGEST)
    further = law * np.clip(np.divide(law, state.q, out=np.ones_like(law), where=state.q > 0), 1e-3, 1e3) ** (
        stride - 1
    )
    return State(further / further.sum(), prices, now.channel, goal, merit, stride)
