"""One class, one place: verbs, certificates, traces and plots take up what users add, and are not told of it."""

import inspect
import pickle
from dataclasses import dataclass
from itertools import product
from typing import Any

import cvxpy as cp
import matplotlib as mpl
import numpy as np
import pytest
from brackets import assert_honest, assert_overlap

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, plotting, solvers, sources
from rdcfunc.candidate import Candidate, Dual
from rdcfunc.program import Program

mpl.use("agg")


@dataclass(frozen=True)
class Energy(perceptions.Divergence):
    """A divergence that states value, support function and conic form, and no conjugate: ``½ Σ (q - p)²``."""

    def value(self, p: np.ndarray, q: np.ndarray) -> float:
        return float(0.5 * ((q - p) ** 2).sum())

    def support(self, g: np.ndarray, p: np.ndarray, t: float) -> float:
        # sup over all q with total mass one, positive or not: an upper bound that is enough.
        return float(g.max()) if t == 0 else float(p @ g + ((g - g.mean()) ** 2).sum() / (2 * t))

    def conic(self, p: np.ndarray, q: Any) -> tuple[Any, list[Any]]:
        return 0.5 * cp.sum_squares(q - p), []


@dataclass(frozen=True, eq=False)
class Lee(distortions.Distortion):
    """Steps around a circle of n letters: ``d(x, j) = min(|x - j|, n - |x - j|)``."""

    n: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.n, self.n

    @property
    def values(self) -> np.ndarray:
        apart = np.abs(np.subtract.outer(np.arange(self.n), np.arange(self.n)))
        return np.minimum(apart, self.n - apart).astype(np.float64)


@dataclass(frozen=True, eq=False, init=False)
class Zipf(sources.Discrete):
    """Letters by rank: ``p_k ~ 1 / k^s`` for k = 1..n; s = 0 is the uniform source."""

    def __init__(self, n: int, s: float = 1.0) -> None:
        weights = np.arange(1.0, n + 1) ** -s
        super().__init__(weights / weights.sum())


@dataclass(frozen=True)
class Sweeps(solvers.Solver):
    """Blahut's alternation at the price that just meets one linear level, found by halving."""

    sweeps: int = 300

    def refusal(self, program: Program) -> str | None:
        plain = len(program.every) == len(program.limits) == 1
        return None if plain else "Sweeps takes a rate at one linear level; use solver=None"

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        (level,) = program.limits
        low, high = 0.0, 1e3
        for _ in range(60):
            s = (low + high) / 2
            channel = self._at(program, s * level.cost)
            low, high = (s, high) if program.value(level, channel) > level.level else (low, s)
        every = np.arange(program.size)
        return [Candidate(self._at(program, high * level.cost), every, Dual(np.array([high])), 60 * self.sweeps)]

    def _at(self, program: Program, cost: np.ndarray) -> np.ndarray:
        q = np.full(program.size, 1.0 / program.size)
        for _ in range(self.sweeps):
            joint = q * np.exp(-cost)
            channel = joint / joint.sum(axis=1, keepdims=True)
            q = program.p @ channel
        return channel


class Liar(Sweeps):
    """The same with a channel and prices that have nothing to do with the question."""

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        (found,) = super().solve(program, tol, start)
        return [Candidate(found.channel[::-1], found.columns, Dual(3.0 + 5.0 * found.dual.linear), 1)]


SOURCES = [Zipf(5), Zipf(5, 0.0), sources.Discrete([0.3, 0.1, 0.2, 0.15, 0.25])]
DISTORTIONS = [Lee(5), distortions.hamming(5)]
SOLVERS = [Sweeps(), None]


def lee(n: int, D: float) -> float:
    """R(D) in bits of the uniform source: n letters less the noise of the most entropy around the circle."""
    steps = Lee(n).values[0]
    low, high = 0.0, 1e3
    for _ in range(200):
        s = (low + high) / 2
        noise = np.exp(-s * steps)
        noise /= noise.sum()
        low, high = (s, high) if noise @ steps > D else (low, s)
    return float(np.log2(n) + noise @ np.log2(noise))


@pytest.mark.parametrize("added", [Energy, Lee, Zipf, Sweeps])
def test_one_class_of_less_than_forty_lines(added: type) -> None:
    assert len(inspect.getsource(added).splitlines()) < 40


@pytest.mark.parametrize(("source", "distortion", "solver"), list(product(SOURCES, DISTORTIONS, SOLVERS)))
def test_new_and_old_go_together(
    source: sources.Discrete, distortion: distortions.Distortion, solver: solvers.Solver | None
) -> None:
    problem = rdc.Problem(source, distortion)
    found = rdc.rate(problem, D=0.4, solver=solver, tol=1e-4)
    assert found.gap <= 1e-4
    table = rdc.Problem(sources.Discrete(source.pmf), distortions.matrix(distortion.values))
    assert_overlap(found, rdc.rate(table, D=0.4, solver=solvers.Conic(), tol=1e-4))
    checked = rdc.certify(problem, found.channel, found.prices, D=0.4, tol=1e-4)
    assert_overlap(found, checked)
    assert checked.gap <= 1e-4
    # The way back and the lift walk the same road.
    assert rdc.distortion(problem, R=found.value).value == pytest.approx(0.4, abs=1e-3)
    assert_overlap(found, rdc.universal_rate(problem, [rdc.Target(0.4), rdc.Target(0.5)], solver=solver, tol=1e-4))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_distortion_of_ones_own_meets_the_formula(solver: solvers.Solver | None) -> None:
    for D in (0.1, 0.7):
        found = rdc.rate(rdc.Problem(Zipf(5, 0.0), Lee(5)), D=D, solver=solver)
        assert_honest(found, lee(5, D))
        assert found.gap <= 1e-6


def test_curves_and_figures_take_what_is_new() -> None:
    problem = rdc.Problem(Zipf(5), Lee(5), Energy())
    by_rate = rdc.trace(rdc.Problem(Zipf(5), Lee(5)), D=[0.2, 0.4, 0.6], solver=Sweeps(), tol=1e-4)
    assert all(isinstance(solution.solver, Sweeps) for solution in by_rate.solutions)
    assert (np.diff(by_rate.value) < 0).all()
    surface = rdc.trace(problem, D=[0.2, 0.4, 0.6], P=[[0.0], [0.01]])
    assert (surface.upper - surface.lower <= 1e-6).all()
    assert (surface.upper[0] >= surface.lower[1]).all()
    assert (surface.upper[1] >= by_rate.lower).all()
    for drawn in (by_rate.plot(), plotting.plot_surface(surface)):
        assert drawn.get_xlabel() == "distortion $D$"
    assert pickle.loads(pickle.dumps(by_rate)).value.tolist() == by_rate.value.tolist()


@pytest.mark.parametrize("t", [0.0, 0.3, 20.0])
def test_the_support_function_is_no_less_than_any_law_earns(t: float) -> None:
    rng, div = np.random.default_rng(3), Energy()
    p, g = rng.dirichlet(np.ones(4)), rng.normal(size=4)
    q = cp.Variable(4, nonneg=True)
    away, needs = div.conic(p, q)
    most = cp.Problem(cp.Maximize(g @ q - t * away), [cp.sum(q) == 1, *needs]).solve(solver=cp.CLARABEL)
    assert div.support(g, p, t) >= most - 1e-7
    assert t < 1 or div.support(g, p, t) <= most + 1e-7
    assert all(div.support(g, p, t) >= g @ law - t * div.value(p, law) for law in rng.dirichlet(np.ones(4), 200))


def test_a_divergence_of_ones_own_is_conic_and_certified() -> None:
    known = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    problem = rdc.Problem(known.source, known.distortion, Energy())
    answer = rdc.rate(problem, D=0.1, P=0.0004)
    assert answer.gap <= 1e-6
    # On two letters, half the squared distance of the laws is the squared total variation.
    assert_overlap(answer, rdc.rate(known, D=0.1, P=0.02))
    assert isinstance(answer.solver, solvers.Auto)
    assert isinstance(answer.solver.picked, solvers.Conic)
    with pytest.raises(ValueError, match=r"bounds Energy; use solvers.Conic\(\)"):
        rdc.rate(problem, D=0.1, P=0.0004, solver=solvers.InteriorPoint())


def test_a_solver_that_is_wrong_makes_a_wide_bracket_and_no_wrong_one() -> None:
    with pytest.warns(rdc.WideBracketWarning):
        found = rdc.rate(rdc.Problem(Zipf(5, 0.0), Lee(5)), D=0.7, solver=Liar())
    assert_honest(found, lee(5, 0.7))
    assert found.gap > 0.1
    with pytest.raises(ValueError, match="use solver=None"):
        rdc.rate(rdc.Problem(Zipf(5), Lee(5), Energy()), D=0.2, P=0.1, solver=Sweeps())
