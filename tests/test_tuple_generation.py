"""Many decoders by tuples that are generated: the same as by all of them, without a table."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from brackets import assert_overlap, quietly
from measure import divergence, information
from parts import random_parts

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, model, perceptions, solvers, sources, tuples
from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import lower_bound
from rdcfunc.compilation import lift
from rdcfunc.solvers import tuple_generation


@pytest.mark.parametrize("entries", [0, 40_000])
def test_targets_without_a_channel_that_has_room(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is looked for, the best channels of the targets alone are where repairs start."""
    monkeypatch.setattr(model, "MAX_ENTRIES", entries)
    problem, theta = judged_question(2, 4, 2)
    error = problem.classification.cost / problem.classification.unit
    least = float(problem.source.pmf @ error.min(axis=1))
    theta = [theta[0], Target(C=least * (1 + 1e-6), P=0.3)]
    some = rdc.universal_rate(problem, theta, solver=solvers.TupleGeneration())
    assert some.gap <= 1e-6
    assert_overlap(some, rdc.universal_rate(problem, theta))


def random_question(seed: int, n: int, K: int) -> tuple[rdc.Problem, list[Target]]:
    """Return targets that trade distortion for perception, none of which implies another."""
    rng = np.random.default_rng(seed)
    d = rng.random((n, n))
    np.fill_diagonal(d, 0.0)
    p = rng.dirichlet(np.full(n, 2.0))
    most = float((p @ d).min())
    theta = [Target(most * (0.3 + 0.5 * k / K), 0.1 * (K - 1 - k) / K if k else np.inf) for k in range(K)]
    return rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.TotalVariation()), theta


def judged_question(seed: int, n: int, K: int) -> tuple[rdc.Problem, list[Target]]:
    """Return targets of a fixed classifier among others, with pairs that are forbidden; witnesses meet them."""
    rng = np.random.default_rng(seed)
    p, d, labels = random_parts(seed, n, n)
    np.fill_diagonal(d, 0.0)
    barred = rng.random((n, n)) < 0.2
    np.fill_diagonal(barred, False)
    decision = rng.integers(0, 2, n)
    problem = rdc.Problem(
        sources.Discrete(p),
        distortions.matrix(np.where(barred, np.inf, d)),
        perceptions.TotalVariation(),
        classifications.ErrorRate(labels, decision),
    )
    error, theta = 1 - labels[:, decision], []
    for k in range(K):
        W = np.where(barred, 0.0, np.exp(-6 * (d * (1.0, 0.3, 0.6)[k % 3] + error * (0.0, 1.0, 0.5)[k % 3])))
        W = 0.7 * W / W.sum(axis=1, keepdims=True) + 0.3 * np.eye(n)
        levels = (float(p @ (W * cost).sum(axis=1)) for cost in (d, error))
        D, C = (level if on else np.inf for level, on in zip(levels, (True, k % 3), strict=True))
        theta.append(Target(D, divergence(perceptions.TotalVariation(), p, p @ W) if k % 2 else np.inf, C))
    return problem, theta


def assert_agrees(problem: rdc.Problem, theta: list[Target]) -> None:
    """Assert that generated tuples close, and that all tuples, which are formed where they are few, agree."""
    every = rdc.universal_rate(problem, theta)
    assert isinstance(every.solver, solvers.Auto)
    assert not isinstance(every.solver.picked, solvers.TupleGeneration)
    some = rdc.universal_rate(problem, theta, solver=solvers.TupleGeneration())
    assert max(every.lower, some.lower) <= min(every.upper, some.upper) + 1e-12
    assert some.gap <= 1e-6
    assert some.solver == solvers.TupleGeneration()


@pytest.mark.parametrize("make", [random_question, judged_question])
@pytest.mark.parametrize(("seed", "n", "K"), [(1, 3, 3), (2, 4, 2), (3, 4, 3)])
def test_generated_tuples_agree_with_all_of_them(
    make: Callable[[int, int, int], tuple[rdc.Problem, list[Target]]], seed: int, n: int, K: int
) -> None:
    assert_agrees(*make(seed, n, K))


@pytest.mark.parametrize(
    "measure",
    [
        perceptions.KL(),
        perceptions.ReverseKL(),
        perceptions.JensenShannon(),
        perceptions.ChiSquared(),
        perceptions.Hellinger(),
        perceptions.Wasserstein(np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))),
    ],
    ids=lambda measure: type(measure).__name__,
)
def test_every_divergence(measure: perceptions.Divergence) -> None:
    problem, theta = random_question(5, 4, 3)
    assert_agrees(replace(problem, perception=measure), theta)


@pytest.mark.parametrize("seed", range(3))
def test_random_prices_never_beat_the_upper_bound(seed: int) -> None:
    """Weak duality holds at any prices and any factors, with every tuple priced."""
    rng = np.random.default_rng(seed)
    problem, theta = random_question(seed, 4, 3)
    upper = rdc.universal_rate(problem, theta).upper * np.log(2)
    lifted = lift(problem, theta)
    columns, best = np.array([0]), 0.0
    for _ in range(200):
        scale = rng.exponential(3.0)
        outputs = []
        for _ in lifted.outputs:
            g = rng.normal(size=4) * rng.random() ** 3
            outputs.append((float(np.ptp(g)) * rng.uniform(0.5, 1.5), g))
        dual = Dual(scale * rng.dirichlet(np.ones(len(lifted.linear))), tuple(outputs))
        log_a = scale * 0.1 * rng.random(4) - np.log(lifted.p) * rng.random()
        lower = lower_bound(lifted, Candidate(np.ones((4, 1)), columns, dual, 0, log_a))
        best = max(best, lower)
        assert lower <= upper + 1e-12
    assert best > 0


class Halved(perceptions.Divergence):
    """Total variation of which only a conic form is known."""

    def value(self, p: np.ndarray, q: np.ndarray) -> float:
        return float(np.abs(p - q).sum() / 2)

    def support(self, g: np.ndarray, p: np.ndarray, t: float) -> float:
        return perceptions.TotalVariation().support(g, p, t)

    def conic(self, p: np.ndarray, q: cp.Variable) -> tuple[cp.Expression, list[cp.Constraint]]:
        return cp.norm1(q - p) / 2, []


def test_a_conic_master_serves_divergences_with_a_conic_form_alone() -> None:
    problem, theta = random_question(0, 6, 3)
    known = rdc.universal_rate(problem, theta)
    conic = rdc.universal_rate(rdc.Problem(problem.source, problem.distortion, Halved()), theta, tol=1e-5)
    assert isinstance(conic.solver, solvers.Auto)
    assert conic.solver.picked == solvers.TupleGeneration(master=solvers.Conic())
    assert max(known.lower, conic.lower) <= min(known.upper, conic.upper) + 1e-12
    assert conic.gap <= 1e-5


def test_five_targets_on_eight_letters_without_a_table_of_all_tuples() -> None:
    problem, theta = random_question(0, 8, 5)
    rdc.universal_rate(problem, theta[:2])  # what is loaded once does not count
    tracemalloc.start()
    answer = rdc.universal_rate(problem, theta)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    n, m = problem.shape
    assert peak < n * m**5 * 8
    assert answer.gap <= 1e-6
    assert answer.encoder.shape[1] < 500
    p = problem.source.pmf
    assert information(p, answer.encoder) == pytest.approx(answer.rate, abs=1e-9)
    for target, W in zip(theta, answer.channel, strict=True):
        assert float(p @ (W * problem.distortion.values).sum(axis=1)) <= target.D + 1e-12
        assert divergence(perceptions.TotalVariation(), p, p @ W) <= target.P + 1e-12
    more = rdc.universal_rate(problem, theta[:4])
    assert more.lower <= answer.upper + 1e-12


def test_masters_that_are_blocked_start_from_other_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: every one counts as blocked, and the best of all its answers is none the worse."""
    problem, theta = random_question(1, 3, 2)
    free = rdc.universal_rate(problem, theta, solver=solvers.TupleGeneration())
    monkeypatch.setattr(tuple_generation, "_BLOCKED", -1.0)
    blocked = rdc.universal_rate(problem, theta, solver=solvers.TupleGeneration())
    assert blocked.steps > 2 * free.steps
    assert blocked.gap <= 1e-6
    assert_overlap(blocked, free)


def test_generation_refuses_what_has_no_tuples() -> None:
    problem, theta = random_question(0, 3, 2)
    with pytest.raises(ValueError, match=r"^TupleGeneration .* use solver=None$"):
        rdc.rate(problem, theta[0].D, theta[0].P, solver=solvers.TupleGeneration())


def test_a_bound_from_some_tuples_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate would come out too large if only the tuples in use were priced."""
    problem, theta = random_question(8, 4, 3)
    solver = solvers.TupleGeneration(rounds=1)
    truth = rdc.universal_rate(problem, theta, solver=solvers.InteriorPoint()).upper

    def lower() -> float:
        return quietly(rdc.universal_rate, problem, theta, solver=solver).lower

    assert lower() <= truth + 1e-9
    monkeypatch.setattr(
        tuples.Earnings, "most", lambda self, listed, count=64: tuples.Most(0.0, listed, self.of(listed))
    )
    assert lower() > truth + 1e-4
