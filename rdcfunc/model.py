"""A program without class posteriors as a cvxpy model: the joint law, its levels, and its information."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import inf, isfinite
from threading import Lock
from typing import Any

import numpy as np
import scipy

from rdcfunc.information import Array
from rdcfunc.program import Linear, Output, Program

#: Entries of the joint law beyond which a search for an inner point is not tried.
MAX_ENTRIES = 40_000


@dataclass(frozen=True, eq=False)
class Model:
    """Variables and expressions of one program.

    Attributes
    ----------
    joint
        ``P(x, k)``, a variable (n, N).
    laws, ties
        For each output, the law of its letter as a variable, and the equation that ties it to ``joint``.
    linear, outputs
        Expressions for the left side of each constraint.
    structure
        Constraints that make the above laws.
    """

    joint: Any
    laws: tuple[Any, ...]
    ties: tuple[Any, ...]
    linear: tuple[Any, ...]
    outputs: tuple[Any, ...]
    structure: tuple[Any, ...]

    def channel(self, program: Program) -> Array:
        """Return the channel (n, N) of the solved model, rows cleaned of the solver's negative dust."""
        joint = np.maximum(np.asarray(self.joint.value, dtype=np.float64), 0.0)
        mass = joint.sum(axis=1, keepdims=True)
        spread = np.full_like(joint, 1.0 / program.size)
        return np.where(mass > 0, joint / np.where(mass > 0, mass, 1.0), spread)

    def information(self, program: Program) -> tuple[Any, list[Any]]:
        """Return an expression for ``I(X; K)`` and the constraints that it needs.

        The reference law is free: its best value is the output law, and n·N separate cones are cheaper to
        solve than cones that share the sums of columns.
        """
        import cvxpy as cp

        live = np.flatnonzero(program.p)
        reference = cp.Variable((1, program.size), nonneg=True)
        product = program.p[live][:, None] @ reference
        return cp.sum(cp.rel_entr(self.joint[live], product)), [cp.sum(reference) == 1]


def build(program: Program) -> Model:
    """Return the cvxpy model of a program that has no class posteriors."""
    import cvxpy as cp

    joint = cp.Variable((program.p.size, program.size), nonneg=True)
    column_law = cp.sum(joint, axis=0)
    structure: list[Any] = [cp.sum(joint, axis=1) == program.p]
    if program.forbidden is not None:
        structure.append(cp.sum(joint[program.forbidden & (program.p > 0)[:, None]]) == 0)
    laws, ties, outputs = [], [], []
    for output in program.outputs:
        law = cp.Variable(program.m, nonneg=True)
        shown = program.letters[:, output.target]
        pick = scipy.sparse.csr_array(
            (np.ones(program.size), (shown, np.arange(program.size))), (program.m, program.size)
        )
        laws.append(law)
        ties.append(pick @ column_law == law)
        value, needs = output.divergence.conic(output.reference, law)
        outputs.append(value)
        structure += needs
    linear = tuple(cp.sum(cp.multiply(c.cost, joint)) for c in program.linear)
    return Model(joint, tuple(laws), tuple(ties), linear, tuple(outputs), (*structure, *ties))


def least(program: Program, constraint: Linear | Output) -> float:
    """Return the least value of one constraint's left side under the other levels (inf if they clash)."""
    import cvxpy as cp

    model = build(program)
    pairs = _limits(program, model)
    objective = next(value for c, value in pairs if c is constraint)
    levels = [value <= c.level for c, value in pairs if c is not constraint]
    solved = cp.Problem(cp.Minimize(objective), [*model.structure, *levels])
    if not solve_quietly(solved) or solved.value is None:
        return inf
    return float(solved.value)


def inner_point(program: Program) -> Array | None:
    """Return a channel that meets every level with room to spare, or None if none is found."""
    import cvxpy as cp

    if program.p.size * program.size > MAX_ENTRIES:
        return None
    model = build(program)
    room = cp.Variable()
    constraints: list[Any] = [*model.structure, room <= 1]
    for c, value in _limits(program, model):
        constraints.append(value + room * max(c.level, 1e-3) <= c.level)
    if isfinite(program.rate):
        information, needs = model.information(program)
        constraints += [*needs, information + room * max(program.rate, 1e-3) <= program.rate]
    if not solve_quietly(cp.Problem(cp.Maximize(room), constraints)) or model.joint.value is None:
        return None
    return model.channel(program)


#: Tolerances below the backends' own, where these are known: prices are as accurate as the gap.
_TIGHT: dict[str, dict[str, Any]] = {
    "CLARABEL": {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11},
    "HIGHS": {"highs_options": {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}},
}

#: Warning filters belong to the process, so threads take turns in changing them.
FILTERS = Lock()


def solve_quietly(problem: Any, backend: str | None = None) -> bool:
    """Solve a cvxpy problem without its warnings; return whether the backend came back at all.

    Raises
    ------
    ValueError
        If the backend is not installed or has no exponential cones.
    """
    import cvxpy as cp

    if backend is not None and backend not in cp.installed_solvers():
        raise ValueError(f"{backend!r} is no installed cvxpy solver; installed are {cp.installed_solvers()}")
    with FILTERS, warnings.catch_warnings():
        # What is inaccurate shows in the bracket.
        warnings.simplefilter("ignore")
        for settings in (_TIGHT.get(backend or "", {}), {}):
            try:
                problem.solve(solver=backend, **settings)
            except cp.SolverError as error:
                if "do not support" in str(error) or "cannot solve this problem" in str(error):
                    raise ValueError(f"{backend!r} cannot solve this program: {error}") from error
                continue
            return True
    return False


def pairs(program: Program, model: Model) -> list[tuple[Linear | Output, Any]]:
    """Return the constraints and the goal, each with its expression."""
    linear: list[tuple[Linear | Output, Any]] = list(zip(program.linear, model.linear, strict=True))
    return linear + list(zip(program.outputs, model.outputs, strict=True))


def _limits(program: Program, model: Model) -> list[tuple[Linear | Output, Any]]:
    """Return the constraints whose level counts, each with its expression."""
    return [(c, value) for c, value in pairs(program, model) if c.level < inf]
