"""What else computes R(D) and R(D, P), each in its best form: a task in, a channel and its prices out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from math import inf
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import rdcfunc as rdc

Array = NDArray[np.float64]

_NATS_PER_BIT = float(np.log(2.0))


@dataclass(frozen=True, eq=False)
class Task:
    """``min I(X; X̂)`` s.t. ``E d <= D`` and, with a perception, ``div(p, q) <= P``.

    Attributes
    ----------
    p, d
        The source (n,) and its distortions (n, m).
    D, P
        Levels; that of KL is in nats.
    tol
        The accuracy asked for, in bits.
    perception
        ``"TV"``, ``"KL"`` or ``"W"``, or nothing.
    cost
        The ground cost (n, m) of ``"W"``.
    slope
        What a peer that cannot be given D is given: -dR/dD in bits per unit.
    seconds
        When an iteration returns what it has.
    """

    p: Array
    d: Array
    D: float
    tol: float = 1e-6
    perception: str = ""
    P: float = inf
    cost: Array | None = None
    slope: float = 0.0
    seconds: float = inf


class Answer(NamedTuple):
    """A channel (n, m), prices in bits, and what the peer says about them."""

    channel: Array
    prices: rdc.Prices
    note: str = ""


@dataclass(frozen=True)
class Peer(ABC):
    """Something that takes a task and returns a channel with prices, whatever these are worth."""

    name: str

    @property
    def label(self) -> str:
        """The name in tables and figures."""
        return self.name

    @property
    def needs_slope(self) -> bool:
        """Whether it solves for a slope instead of a distortion."""
        return False

    def missing(self) -> bool:
        """Return whether it is not installed."""
        return False

    def takes(self, perception: str) -> bool:
        """Return whether it can impose a perception."""
        return not perception

    @abstractmethod
    def __call__(self, task: Task) -> Answer:
        """Solve the task."""


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
        prices = rdc.Prices(_price(distortion) / task.D / _NATS_PER_BIT)
        if task.perception:
            # A level in nats has a price in nats of rate per nat, which is bits per bit.
            unit = 1.0 if task.perception == "KL" else _NATS_PER_BIT
            g = np.asarray(tie.dual_value, dtype=np.float64) / _NATS_PER_BIT
            prices = replace(prices, perception=_price(perception) / task.P / unit, output=g)
        says = [] if problem.status == "optimal" else [str(problem.status)]
        says += [] if np.isfinite(problem.value) else [f"value {problem.value}"]
        return Answer(_rows(table.value), prices, ", ".join(says))

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


@dataclass(frozen=True)
class Dit(Peer):
    """The Blahut-Arimoto iteration of dit, from its first start: it takes no D, so it is given the slope."""

    @property
    def label(self) -> str:
        """The name in tables and figures."""
        return f"{self.name} (slope given)"

    @property
    def needs_slope(self) -> bool:
        """Return True."""
        return True

    def missing(self) -> bool:
        """Return whether dit is not installed."""
        return find_spec("dit") is None

    def __call__(self, task: Task) -> Answer:
        """Solve at the slope given."""
        dit = import_module("dit.rate_distortion.blahut_arimoto")
        _, joint = dit.blahut_arimoto(task.p, task.slope, lambda p, q: task.d, max_iters=10**7, restarts=1)
        return Answer(_rows(joint), rdc.Prices(task.slope))


@dataclass(frozen=True)
class Bisection(Peer):
    """Blahut-Arimoto at one slope after another, each from the last one's law, bisected until ``E d = D``."""

    def __call__(self, task: Task) -> Answer:
        """Solve the task, or return the last channel when time is up."""
        stop, accuracy = perf_counter() + task.seconds, task.tol * _NATS_PER_BIT / 4
        q = np.full(task.d.shape[1], 1.0 / task.d.shape[1])
        low, high, s = 0.0, inf, 1.0 / task.D
        while True:
            E = np.exp(-s * task.d)
            # Letters that another slope has all but dropped would take as many sweeps to come back.
            q = 0.999 * q + 0.001 / q.size
            while True:
                kernel_sum = E @ q
                gain = (task.p / kernel_sum) @ E
                if _open(q, gain) < accuracy:
                    break
                if perf_counter() > stop:
                    return Answer(_rows(E * q), rdc.Prices(s / _NATS_PER_BIT), "stopped by time")
                q = q * gain
            excess = float((task.p / kernel_sum) @ ((E * task.d) @ q)) - task.D
            if s * abs(excess) < accuracy or not low < s < high:
                return Answer(_rows(E * q), rdc.Prices(s / _NATS_PER_BIT))
            low, high = (s, high) if excess > 0 else (low, s)
            s = 2 * s if high == inf else (low + high) / 2


@dataclass(frozen=True)
class Constrained(Peer):
    """Blahut-Arimoto that finds the slope of ``E d = D`` by Newton's method before every sweep."""

    def __call__(self, task: Task) -> Answer:
        """Solve the task, or return the last channel when time is up."""
        stop, accuracy = perf_counter() + task.seconds, task.tol * _NATS_PER_BIT / 2
        q, s = np.full(task.d.shape[1], 1.0 / task.d.shape[1]), 1.0 / task.D
        while True:
            s, E = _slope(task, q, s)
            gain = (task.p / (E @ q)) @ E
            late = perf_counter() > stop
            if late or _open(q, gain) < accuracy:
                note = "stopped by time" if late else ""
                return Answer(_rows(E * q), rdc.Prices(s / _NATS_PER_BIT), note)
            q = q * gain


#: Everything that rdcfunc is compared with.
PEERS: tuple[Peer, ...] = (
    *(Cones(name) for name in ("CLARABEL", "ECOS", "SCS", "MOSEK", "COPT")),
    Dit("dit"),
    Bisection("Blahut-Arimoto, bisection"),
    Constrained("constrained Blahut-Arimoto"),
)


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


def _open(q: Array, gain: Array) -> float:
    """Return the gap in nats at one slope, from a sweep's factors of q."""
    law = q * gain
    return float(np.log(gain.max()) - law[law > 0] @ np.log(gain[law > 0]))


def _slope(task: Task, q: Array, s: float) -> tuple[float, Array]:
    """Return the slope at which the channel tilted from q has ``E d = D``, and its kernel."""
    low, high = 0.0, inf
    for _ in range(60):
        E = np.exp(-s * task.d)
        mass, cost = E @ q, E * task.d
        mean = (cost @ q) / mass
        excess = float(task.p @ mean) - task.D
        if abs(excess) < 1e-12 * task.D:
            break
        low, high = (s, high) if excess > 0 else (low, s)
        cost *= task.d
        spread = float(task.p @ ((cost @ q) / mass - mean**2))
        newton = s + excess / spread if spread > 0 else inf
        s = newton if low < newton < min(high, 4 * s) else (2 * s if high == inf else (low + high) / 2)
    return s, E


def _rows(table: Array) -> Array:
    """Return a table's rows as laws: without negative dust, and uniform where nothing is left."""
    table = np.maximum(np.asarray(table, dtype=np.float64), 0.0)
    mass = table.sum(axis=1, keepdims=True)
    rows: Array = np.where(mass > 0, table / np.where(mass > 0, mass, 1.0), 1.0 / table.shape[1])
    return rows
