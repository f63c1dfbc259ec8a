"""Any convex program, by a general conic solver."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from rdcfunc.certificate import polished
from rdcfunc.information import Array
from rdcfunc.model import build, solve_quietly
from rdcfunc.program import Candidate, Dual, Output, Program
from rdcfunc.solvers.base import Solver


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
        """Return what the backend found, as it is and polished, or nothing if it found no feasible point."""
        import cvxpy as cp

        model = build(program)
        information, needs = model.information(program)
        constraints: list[Any] = [*model.structure, *needs]
        skipped = len(program.linear) - len(program.limits)
        linear = [value <= c.level for c, value in zip(program.limits, model.linear[skipped:], strict=True)]
        # At level zero a divergence has no multiplier, but the equality it stands for has one.
        outputs = [
            law == program.p if _pinned(program, c) else value <= c.level
            for c, law, value in zip(program.outputs, model.laws, model.outputs, strict=True)
        ]
        budget = [information <= program.rate] if isfinite(program.rate) else []
        objective = information if program.minimises_rate else model.linear[0]
        solved = cp.Problem(cp.Minimize(objective), [*constraints, *linear, *outputs, *budget])
        if not solve_quietly(solved, self.backend) or model.joint.value is None:
            return []
        # With a cost minimised, its multipliers are per unit of cost; prices are per nat of rate.
        nat = max(_dual(budget[0]), 1e-12) if budget else 1.0
        prices = [1.0 / nat] if budget else []
        prices += [max(_dual(c), 0.0) / nat for c in linear]
        ties = []
        for output, level, tie in zip(program.outputs, outputs, model.ties, strict=True):
            g = np.asarray(tie.dual_value, dtype=np.float64) / nat
            pinned = _pinned(program, output)
            ties.append((_PINNED_PRICE * float(np.ptp(g)) if pinned else max(_dual(level), 0.0) / nat, g))
        steps = int(solved.solver_stats.num_iters or 0)
        proposal = Candidate(
            model.channel(program), np.arange(program.size), Dual(np.array(prices), tuple(ties)), steps
        )
        return [proposal, polished(program, proposal, tol)]


#: Price of a divergence held at zero, in units of the spread of the output price; the bound loses its inverse.
_PINNED_PRICE = 1e9


def _pinned(program: Program, output: Output) -> bool:
    return output.level == 0 and output.divergence.vanishes(program.p)


def _dual(constraint: Any) -> float:
    value: Array | None = constraint.dual_value
    return 0.0 if value is None else float(np.asarray(value).reshape(-1)[0])
