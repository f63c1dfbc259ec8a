"""Cvxpy with a conic solver: exponential cones for the rate, its own modelling for the divergences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

import rdcfunc as rdc
from benchmarks.speed.peers.base import NATS_PER_BIT, Answer, Array, Peer, Task, rows


@dataclass(frozen=True)
class Cones(Peer):
    """Cvxpy and one of its solvers, on n·m separate exponential cones: ``min Σ p W log(W / r)`` with a free law r.

    The best r is the output law; that it is free keeps the cones apart, which is 10 to 20 times faster than cones that
    share the sums of columns. The channel W is the more accurate unknown and the joint law p W the more robust one, so
    that is tried next where the first fails.
    """

    @property
    def label(self) -> str:
        """The name in tables and figures."""
        return f"cvxpy, {self.name}"

    def missing(self) -> bool:
        """Return whether the solver is not installed."""
        import cvxpy as cp

        return self.name not in cp.installed_solvers()

    def takes(self, perception: str) -> bool:
        """Return True: divergences are conic."""
        return True

    def __call__(self, task: Task) -> Answer:
        """Solve the task, with prices from the multipliers."""
        import cvxpy as cp

        try:
            return self._solve(task, np.ones_like(task.p))
        except (cp.SolverError, RuntimeError):
            return self._solve(task, task.p)

    def _solve(self, task: Task, mass: Array) -> Answer:
        """Solve for a table whose rows have these masses; levels are scaled to one, which solvers depend on."""
        import cvxpy as cp

        weight = (task.p / mass)[:, None] * np.ones_like(task.d)
        table, r = cp.Variable(task.d.shape, nonneg=True), cp.Variable((1, task.d.shape[1]), nonneg=True)
        distortion = cp.sum(cp.multiply(weight * task.d / task.D, table)) <= 1
        constraints: list[Any] = [cp.sum(table, axis=1) == mass, cp.sum(r) == 1, distortion]
        if task.perception:
            # The output law once more: its multiplier is the output price.
            q = cp.Variable(task.d.shape[1], nonneg=True)
            divergence, needs = _divergence(task, q)
            perception, tie = divergence / task.P <= 1, weight[:, 0] @ table == q
            constraints += [*needs, tie, perception]
        information = cp.sum(cp.multiply(weight, cp.rel_entr(table, mass[:, None] @ r)))
        problem = cp.Problem(cp.Minimize(information), constraints)
        problem.solve(solver=self.name, **self._settings(task))
        if table.value is None or distortion.dual_value is None:
            raise RuntimeError(f"status {problem.status}, no values")
        prices = rdc.Prices(_price(distortion) / task.D / NATS_PER_BIT)
        if task.perception:
            # A level in nats has a price in nats of rate per nat, which is bits per bit.
            unit = 1.0 if task.perception == "KL" else NATS_PER_BIT
            g = np.asarray(tie.dual_value, dtype=np.float64) / NATS_PER_BIT
            prices = replace(prices, perception=_price(perception) / task.P / unit, output=g)
        says = [] if problem.status == "optimal" else [str(problem.status)]
        says += [] if np.isfinite(problem.value) else [f"value {problem.value}"]
        return Answer(rows(table.value), prices, ", ".join(says))

    def _settings(self, task: Task) -> dict[str, Any]:
        eps = 1e-10
        if self.name == "CLARABEL":
            return {"tol_gap_abs": eps, "tol_gap_rel": eps, "tol_feas": eps}
        if self.name == "ECOS":
            return {"abstol": eps, "reltol": eps, "feastol": eps, "max_iters": 500}
        if self.name == "SCS":
            limit = {"time_limit_secs": task.seconds} if task.seconds < inf else {}
            return {"eps_abs": task.tol / 100, "eps_rel": task.tol / 100, "max_iters": 10**7, **limit}
        if self.name == "MOSEK":
            names = ("REL_GAP", "PFEAS", "DFEAS")
            return {"mosek_params": {f"MSK_DPAR_INTPNT_CO_TOL_{name}": eps for name in names}}
        return {}


def _divergence(task: Task, q: Any) -> tuple[Any, list[Any]]:
    """Return a cvxpy expression for ``div(p, q)`` and the constraints that it needs."""
    import cvxpy as cp

    if task.perception == "TV":
        return 0.5 * cp.norm1(q - task.p), []
    if task.perception == "KL":
        return cp.sum(cp.rel_entr(q, task.p)), []
    assert task.cost is not None
    plan = cp.Variable(task.cost.shape, nonneg=True)
    return cp.sum(cp.multiply(task.cost, plan)), [cp.sum(plan, axis=1) == task.p, cp.sum(plan, axis=0) == q]


def _price(constraint: Any) -> float:
    return max(float(constraint.dual_value), 0.0)
