"""Tuples of letters: what they earn is bounded for all of them, and few are ever formed."""

from itertools import product

import numpy as np
import pytest

import rdcfunc as rdc
from rdcfunc import Target, distortions, perceptions, sources, tuples
from rdcfunc.candidate import Dual
from rdcfunc.compilation import lift
from rdcfunc.lift import Lift
from rdcfunc.program import Axis, Linear


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
