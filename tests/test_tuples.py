"""Tuples of letters: what they earn is bounded for all of them, and few are ever formed."""

import tracemalloc
from collections.abc import Callable
from itertools import product

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
from rdcfunc.lift import Lift
from rdcfunc.program import Axis, Linear
from rdcfunc.solvers import tuple_generation


def made(seed: int, n: int, K: int, m: int | None = None) -> tuple[Lift, Dual, np.ndarray]:
    """Return a lift with a distortion and a total variation each, with random prices."""
    rng = np.random.default_rng(seed)
    m = m or n
    d = rng.random((n, m))
    if seed % 2:
        d[rng.random((n, m)) < 0.2] = np.inf
        d[np.arange(n), rng.integers(0, m, n)] = 0.0
    perception = perceptions.TotalVariation() if n == m else None
    problem = rdc.Problem(sources.Discrete(rng.dirichlet(np.ones(n))), distortions.matrix(d), perception)
    lifted = lift(problem, [Target(0.3, 0.1 if perception else np.inf)] * K)
    outputs = tuple((1.0, rng.normal(size=m)) for _ in lifted.outputs)
    return lifted, Dual(rng.exponential(4.0, len(lifted.linear)), outputs), rng.normal(size=n)


def brute(lifted: Lift, dual: Dual, log_a: np.ndarray) -> float:
    """Return the logarithm of the most that a tuple earns, one tuple after another."""
    best = 0.0
    for letters in product(range(lifted.m), repeat=lifted.targets):
        cost = np.zeros(lifted.p.size)
        for s, c in zip(dual.linear, lifted.linear, strict=True):
            cost += s * c.cost[:, letters[c.target]]
        for (_, g), o in zip(dual.outputs, lifted.outputs, strict=True):
            cost += g[letters[o.target]]
        for k, barred in enumerate(lifted.forbidden):
            if barred is not None:
                cost[barred[:, letters[k]]] = np.inf
        best = max(best, float(lifted.p @ np.exp(log_a - cost)))
    return float(np.log(best))


SIZES = [(2, 2, 2), (3, 3, 4), (4, 3, 3), (5, 4, 2), (3, 5, 4), (6, 2, 6)]


@pytest.mark.parametrize(("table", "block"), [(1, 1), (1, 1_000_000), (40, 1_000_000), (40_000, 1_000_000)])
@pytest.mark.parametrize("seed", range(6))
def test_the_most_that_a_tuple_earns(seed: int, table: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many components are branched on, many at once, and however many are listed, the bound is tight."""
    monkeypatch.setattr(tuples, "_TABLE", table)
    monkeypatch.setattr(tuples, "_BLOCK", block)
    n, K, m = SIZES[seed]
    lifted, dual, log_a = made(seed, n, K, m)
    truth = brute(lifted, dual, log_a)
    earnings = tuples.Earnings(lifted, dual, log_a)
    found = earnings.most(np.zeros((1, K), dtype=np.intp))
    assert truth <= found.bound <= truth + 1e-9
    assert np.log(earnings.of(found.tuples[:1])[0]) == pytest.approx(truth, abs=1e-12)
    climbed = earnings.climb(np.zeros((1, K), dtype=np.intp))
    assert earnings.of(climbed)[0] >= earnings.of(np.zeros((1, K), dtype=np.intp))[0]


@pytest.mark.parametrize("seed", range(6))
def test_a_search_cut_short_still_bounds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuples, "_TABLE", 1)
    monkeypatch.setattr(tuples, "_WORK", 0)
    n, K, m = SIZES[seed]
    lifted, dual, log_a = made(seed, n, K, m)
    found = tuples.Earnings(lifted, dual, log_a).most(np.zeros((1, K), dtype=np.intp))
    assert brute(lifted, dual, log_a) <= found.bound


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


def test_a_long_climb_ends_early_and_higher() -> None:
    """Stairs: of two decoders each letter has a better answer, one step on, so that a climb takes as many as letters.

    It is one start of many, and a few steps will do; the search finds the top.
    """
    m = 60
    worth = np.full((m, m), 1e-6)
    worth[np.arange(m), np.arange(m)] = np.linspace(0.5, 0.9, m)
    worth[np.arange(1, m), np.arange(m - 1)] = np.linspace(0.5, 0.9, m)[:-1] + 0.2 / m
    costs = [600.0 * (1 - np.eye(m)), -np.log(worth)]
    linear = tuple(Linear(Axis.D, k, cost, 1.0) for k, cost in enumerate(costs))
    lifted = Lift(np.full(m, 1 / m), m, 2, linear, (), (), np.inf, (None, None))
    earnings = tuples.Earnings(lifted, Dual(np.ones(2)), np.zeros(m))
    start, top = np.array([[0, 0]]), np.array([[m - 1, m - 1]])
    led = earnings.climb(start)
    assert earnings.of(start) < earnings.of(led) < earnings.of(top)
    assert (earnings.climb(np.array([[m - 5, m - 5]])) == top).all()
    assert (earnings.most(led).tuples[0] == top[0]).all()


@pytest.mark.parametrize("seed", range(4))
def test_channels_are_coupled_on_few_tuples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m, K = 3, 4, 3
    lifted, _, _ = made(2 * seed, m, K)
    channels = [rng.dirichlet(np.ones(m), size=m) for _ in range(K)]
    channels[0][0] = np.eye(m)[0]
    channels[1][1] = [0.7, 0.2, 0.1, 0.0]  # sums to less than one, as computers add
    columns, channel = tuples.coupled(lifted, channels)
    assert np.unique(columns).size == columns.size
    np.testing.assert_allclose(channel.sum(axis=1), 1.0, atol=1e-14)
    assert ((channel > 0).sum(axis=1) <= K * (m - 1) + 1).all()
    for k, given in enumerate(channels):
        shown = np.zeros((m, m))
        np.add.at(shown.T, lifted.tuples(columns)[:, k], channel.T)
        np.testing.assert_allclose(shown, given, atol=1e-14)
        assert not shown[given == 0].any()
    assert n < m


@pytest.mark.parametrize("seed", range(4))
def test_output_laws_are_moved_to_their_levels(seed: int) -> None:
    """Each law comes to its level, exactly where that is the source's own, and little mass moves."""
    rng = np.random.default_rng(seed)
    n, K = 4, 3
    problem = rdc.Problem(
        sources.Discrete(rng.dirichlet(np.ones(n))), distortions.hamming(n), perceptions.TotalVariation()
    )
    lifted = lift(problem, [Target(0.3), Target(0.3, 0.05), Target(0.3, 0.0)])
    columns = rng.choice(lifted.size, 20, replace=False)
    channel = rng.dirichlet(np.ones(20), size=n)
    together, moved = tuples.moved(lifted, columns, channel)
    np.testing.assert_allclose(moved.sum(axis=1), 1.0, atol=1e-14)
    laws = [np.bincount(letters, lifted.p @ moved, n) for letters in lifted.tuples(together).T]
    before = [np.bincount(letters, lifted.p @ channel, n) for letters in lifted.tuples(columns).T]
    gaps = [float(np.abs(law - lifted.p).sum()) / 2 for law in laws]
    assert gaps[1] <= 0.05 + 1e-12
    assert gaps[2] <= 1e-14
    stayed = np.minimum(moved[:, np.searchsorted(together, columns)], channel).sum(axis=1)
    assert float(lifted.p @ (1 - stayed)) <= sum(np.abs(law - lifted.p).sum() / 2 for law in before[1:]) + 1e-12
    assert together.size <= 20 + n * (K * (n - 1) + 1)


@pytest.mark.parametrize(
    ("channel", "moves"),
    [
        # Letter 0 may give up letter 1 for letter 0 alone, and there is some of it lacking.
        ([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]], True),
        # It may not, and none is lacking: only letter 2, which it is kept from.
        ([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], False),
    ],
)
def test_output_laws_are_moved_by_allowed_pairs_or_left(channel: list[list[float]], moves: bool) -> None:
    d = 1 - np.eye(3)
    d[0, 2] = np.inf
    problem = rdc.Problem(sources.Discrete([0.4, 0.2, 0.4]), distortions.matrix(d), perceptions.TotalVariation())
    lifted = lift(problem, [Target(0.9), Target(0.9, 0.0)])
    columns, given = tuples.coupled(lifted, [np.eye(3), np.array(channel)])
    together, moved = tuples.moved(lifted, columns, given)
    letters = lifted.tuples(together)[:, 1]
    assert not moved[0, letters == 2].any()
    np.testing.assert_allclose(moved.sum(axis=1), 1.0, atol=1e-14)
    if moves:
        np.testing.assert_allclose(np.bincount(letters, lifted.p @ moved, 3), lifted.p, atol=1e-9)
    else:
        np.testing.assert_array_equal(moved, given)


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


@pytest.mark.parametrize("make", [random_question, judged_question])
@pytest.mark.parametrize(("seed", "n", "K"), [(1, 3, 3), (2, 4, 2), (3, 4, 3)])
def test_generated_tuples_agree_with_all_of_them(
    make: Callable[[int, int, int], tuple[rdc.Problem, list[Target]]], seed: int, n: int, K: int
) -> None:
    problem, theta = make(seed, n, K)
    every = rdc.universal_rate(problem, theta)
    assert isinstance(every.solver, solvers.Auto)
    assert not isinstance(every.solver.picked, solvers.TupleGeneration)
    some = rdc.universal_rate(problem, theta, solver=solvers.TupleGeneration())
    assert max(every.lower, some.lower) <= min(every.upper, some.upper) + 1e-12
    assert some.gap <= 1e-6
    assert some.solver == solvers.TupleGeneration()


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
    problem = rdc.Problem(problem.source, problem.distortion, measure)
    every = rdc.universal_rate(problem, theta)
    assert isinstance(every.solver, solvers.Auto)
    assert not isinstance(every.solver.picked, solvers.TupleGeneration)
    some = rdc.universal_rate(problem, theta, solver=solvers.TupleGeneration())
    assert max(every.lower, some.lower) <= min(every.upper, some.upper) + 1e-12
    assert some.gap <= 1e-6


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
