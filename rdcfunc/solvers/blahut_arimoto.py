"""Blahut and Arimoto's alternation, hitting levels rather than slopes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from rdcfunc.information import Array, Indices
from rdcfunc.program import Candidate, Dual, Program
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.projection import project
from rdcfunc.solvers.search import Search


@dataclass(frozen=True)
class BlahutArimoto(Solver):
    """Alternate between the channel nearest to an output law within the levels, and its output law.

    Each sweep solves ``min_W D(W ‖ q)`` s.t. ``E c_i <= b_i`` by Newton on the few prices, then sets
    ``q = p W``; both steps lower the same function, and any linear levels are met at every sweep. A sweep costs
    O(n m) a Newton step. Convergence is geometric when few letters are used and O(1/k) on fine grids.

    Parameters
    ----------
    sweeps
        The most sweeps.

    References
    ----------
    Blahut, "Computation of channel capacity and rate-distortion functions", 1972; Csiszár and Tusnády,
    "Information geometry and alternating minimization procedures", 1984.

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
        """Return one candidate, whose bracket is at most ``tol`` nats wide, or that of the last sweep."""
        state, search, look = begin(program, start), Search(program, tol), 10
        for sweep in range(1, self.sweeps + 1):
            state = advance(program, state, accuracy=1e-13 if sweep == look else 1e-7)
            if sweep == look:
                search.offer(state.candidate(program, sweep))
                look += max(10, sweep // 5)
                if search.closed:
                    return search.best
        search.offer(advance(program, state, accuracy=1e-13).candidate(program, self.sweeps))
        return search.best


@dataclass(frozen=True, eq=False)
class State:
    """One point of the alternation: output law, prices, channel, and the level of a minimised cost."""

    q: Array
    prices: Array
    channel: Array
    goal: float
    #: ``D(W ‖ q)`` in nats of the last projection, an upper bound on the channel's information.
    divergence: float = inf

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
    goal = inf if program.minimises_rate else program.value(program.linear[0], channel)
    return State(program.p @ channel, prices, channel, goal)


def advance(program: Program, state: State, limit: Array | float = inf, accuracy: float = 1e-7) -> State:
    """Return the next state: project on the levels at this output law, then take the output law.

    Conditional entropies are replaced by the log-loss of the Bayes classifier of the state's channel, which is
    never smaller; ``limit`` bounds the prices, ``accuracy`` what levels may be missed by. When a cost is minimised,
    its level moves so that ``D(W ‖ q)`` tends to the rate allowed.
    """
    if not program.linear and not program.posteriors:
        return replace(state, channel=np.broadcast_to(state.q, state.channel.shape).copy(), divergence=0.0)
    costs = [c.cost for c in program.linear] + [program.log_loss(c, state.channel) for c in program.posteriors]
    levels = np.concatenate([program.levels, [c.level for c in program.posteriors]])
    goal = state.goal
    if not program.minimises_rate:
        levels[0] = goal
    prices, now = project(
        program.p, state.q, costs, levels, state.prices, np.broadcast_to(limit, levels.shape), accuracy
    )
    divergence = now.value - float(prices @ np.minimum(now.gradient, 0.0))
    if not program.minimises_rate:
        # Dinkelbach's step on the ratio (divergence - rate) / price, kept inside the range of the cost.
        cheapest = float(program.p @ costs[0].min(axis=1))
        step = (divergence - program.rate) / float(prices[0]) if prices[0] > 0 else -inf
        goal = max(goal + step, 0.5 * (goal + cheapest))
    return State(program.p @ now.channel, prices, now.channel, goal, divergence)
