"""Any convex program, by a general conic solver."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.information import Array
from rdcfunc.model import build, pairs, solve_quietly
from rdcfunc.program import Output, Program
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.interior_point import tilted


@dataclass(frozen=True)
class Conic(Solver):
    """Hand the program to cvxpy, and read the prices off the dual variables.

    It takes every convex program (any divergence that states its conic form), at the cost of n·m exponential
    cones: seconds at n = m = 100. Its levels are met to about 1e-9 and repaired by the certificate.

    Parameters
    ----------
    backend
        The name of an installed cvxpy solver that handles exponential cones.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, perceptions, solvers
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> round(rdc.rate(problem, D=0.1, P=0.02, solver=solvers.Conic()).value, 5)
    0.41767
    """

    backend: str = "CLARABEL"

    def refusal(self, program: Program) -> str | None:
        """Name a conditional-entropy level, which is not convex in the channel."""
        if program.posteriors:
            return (
                "Conic solves convex programs and H(S|X̂) <= C is not convex in the channel; use solvers.Alternation()"
            )
        return None

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return what the backend found, as it is and tilted to its prices; nothing if it found no feasible point."""
        import cvxpy as cp

        model, goal = build(program), program.goal
        free = goal is not None and program.rate == inf
        information: Any = None
        constraints: list[Any] = [*model.structure]
        if not free:
            information, needs = model.information(program)
            constraints += needs
        named = pairs(program, model)
        laws = {id(output): law for output, law in zip(program.outputs, model.laws, strict=True)}
        # At level zero a divergence has no multiplier, but the equality it stands for has one.
        levels = {
            id(c): laws[id(c)] == c.reference if isinstance(c, Output) and c.pinned else value <= c.level
            for c, value in named
            if c.level < inf
        }
        budget = [] if goal is None or free else [information <= program.rate]
        objective = information if goal is None else next(value for c, value in named if c is goal)
        solved = cp.Problem(cp.Minimize(objective), [*constraints, *levels.values(), *budget])
        # A linear program has a solver of its own, whose answer is a vertex.
        backends = ("HIGHS", self.backend) if free and solved.is_lp() else (self.backend,)
        if not any(solve_quietly(solved, backend) and model.joint.value is not None for backend in backends):
            return []
        # With a goal, multipliers are per unit of it; prices are per nat of rate.
        nat = max(_dual(budget[0]), 1e-12) if budget else 1.0
        prices = np.array([1.0 / nat if c is goal else max(_dual(levels[id(c)]), 0.0) / nat for c in program.linear])
        ties = []
        for output, tie in zip(program.outputs, model.ties, strict=True):
            g = np.asarray(tie.dual_value, dtype=np.float64) / nat
            if output is goal:
                price = 1.0 / nat
            else:
                price = output.pinned_price(g) if output.pinned else max(_dual(levels[id(output)]), 0.0) / nat
            ties.append((price, g))
        steps = int(solved.solver_stats.num_iters or 0)
        proposal = Candidate(model.channel(program), np.arange(program.size), Dual(prices, tuple(ties)), steps)
        return [proposal] if free else [proposal, tilted(program, proposal, tol)]


def _dual(constraint: Any) -> float:
    value: Array | None = constraint.dual_value
    return 0.0 if value is None else float(np.asarray(value).reshape(-1)[0])
