"""Transport on any ground cost: the convex core closes its brackets in few steps and does not stall."""

import numpy as np
import pytest
from lines import gauss
from measure import assert_meets
from parts import most

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, solvers, sources

CORE = solvers.InteriorPoint()
TOL = 1e-9


@pytest.mark.parametrize(("kind", "level"), [("W1", 0.1), ("W1", 0.01), ("W2", 0.02), ("W2", 0.002)])
@pytest.mark.parametrize("reach", [4.0, 6.0])
@pytest.mark.parametrize("n", [20, 50, 100, 200])
def test_transport_does_not_stall(kind: str, level: float, reach: float, n: int) -> None:
    problem = gauss(n, reach, kind)
    answer = rdc.rate(problem, D=0.5, P=level, solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.steps <= 30
    assert_meets(problem, answer, rdc.Target(0.5, level))


def heavy_or_light(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    x = np.linspace(-1, 1, n)
    weights = {
        "Gaussian": np.exp(-8 * x**2),
        "Cauchy": 1 / (1 + 400 * x**2),
        "Zipf": 1 / np.arange(1.0, n + 1) ** 2,
        "Dirichlet": rng.dirichlet(np.ones(n)),
    }[kind]
    return weights / weights.sum()


def ground(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    points = rng.standard_normal((n, 3))
    metric = np.sqrt(((points[:, None] - points) ** 2).sum(axis=-1))
    spread = np.exp(2 * rng.standard_normal((n, n)))
    costs = {"metric": metric, "squared": metric**2, "uniform": rng.random((n, n)), "lognormal": spread}
    cost = {**costs, "few values": np.floor(4 * costs["uniform"])}[kind]
    np.fill_diagonal(cost, 0.0)
    return cost


@pytest.mark.parametrize("law", ["Gaussian", "Dirichlet", "Cauchy", "Zipf"])
@pytest.mark.parametrize("kind", ["metric", "squared", "uniform", "lognormal", "few values"])
@pytest.mark.parametrize("share", [0.01, 0.1])
def test_transport_does_not_stall_on_any_ground_cost(law: str, kind: str, share: float) -> None:
    for seed, n in enumerate([20, 50]):
        rng = np.random.default_rng(seed)
        p, cost, x = heavy_or_light(law, n, rng), ground(kind, n, rng), np.linspace(-4, 4, n)
        for d in (np.square(x[:, None] - x), rng.random((n, n)) * (1 - np.eye(n))):
            problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(cost))
            target = rdc.Target(0.5 * most(problem), share * float(p @ cost @ p))
            answer = rdc.rate(problem, target.D, target.P, solver=CORE, tol=TOL)
            assert answer.gap <= TOL
            assert answer.steps <= 30
            assert_meets(problem, answer, target)


@pytest.mark.parametrize("seed", range(3))
def test_transport_closes_where_masses_span_thirty_orders_of_magnitude(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, cost, d = rng.dirichlet(np.full(50, 0.1)), ground("uniform", 50, rng), ground("uniform", 50, rng)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(cost))
    target = rdc.Target(0.5 * most(problem), 0.01 * float(p @ cost @ p))
    answer = rdc.rate(problem, target.D, target.P, solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.steps <= 30


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["metric", "squared", "uniform", "lognormal", "few values"])
def test_transport_does_not_stall_where_masses_span_thirty_orders_of_magnitude(kind: str, seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    p, cost, x = rng.dirichlet(np.full(40, 0.1)), ground(kind, 40, rng), np.linspace(-4, 4, 40)
    d = np.square(x[:, None] - x) if seed % 2 else rng.random((40, 40)) * (1 - np.eye(40))
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(cost))
    target = rdc.Target(0.5 * most(problem), (0.1 if seed == 2 else 0.01) * float(p @ cost @ p))
    answer = rdc.rate(problem, target.D, target.P, solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.steps <= 30
    assert_meets(problem, answer, target)


@pytest.mark.parametrize("n", [100, 200])
@pytest.mark.parametrize("law", ["even", "uneven", "gamma"])
def test_transport_does_not_stall_among_near_ties(n: int, law: str) -> None:
    # Plans between unevenly spaced points differ by little: the path bends where letters join and leave.
    rng = np.random.default_rng(1 if law == "gamma" else 0)
    x = np.sort(rng.gamma(2, size=n) if law == "gamma" else rng.standard_normal(n))
    d, p = np.square(x[:, None] - x), rng.dirichlet(np.ones(n)) if law == "uneven" else np.full(n, 1 / n)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(d))
    target = rdc.Target(0.5, 0.1) if law == "gamma" else rdc.Target(0.3, 0.05)
    answer = rdc.rate(problem, target.D, target.P, solver=CORE)
    assert answer.gap <= 1e-6
    assert answer.steps <= 30
    assert_meets(problem, answer, target)
