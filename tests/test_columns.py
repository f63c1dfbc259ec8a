"""The certified maximum over class posteriors: never below the supremum, and at it for the best column."""

import brackets
import measure
import numpy as np
import oracles
import parts
import pytest
from scipy.optimize import minimize

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources
from rdcfunc.columns import cells, regions, tagged
from rdcfunc.columns.tagged import best_posteriors, log_earnings

#: What ``log_earnings`` promises by default, and what the local search that it is held against finds, in nats.
ACCURACY = 1e-9

DETERMINISTIC = np.eye(3)[[0, 0, 1, 2, 2]]
TWO = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [1.0, 0.0], [0.03, 0.97]])
THREE = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])

RNG = np.random.default_rng(7)
FOUR, FIVE = RNG.dirichlet(np.ones(4), 6), RNG.dirichlet(np.full(5, 0.5), 5)
NEAR = 0.96 * np.eye(4)[[0, 1, 2, 3, 0]] + 0.01
FLAT = np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [0.2, 0.25, 0.55]])

CASES = [(DETERMINISTIC, t) for t in (1e-6, 0.3, 0.97, 1.0, 2.5, 40.0)]
CASES += [(L, t) for L in (TWO, THREE) for t in (1e-6, 0.3, 0.9, 1.0, 1.01, 1.7, 5.0, 60.0)]
CASES += [(L, t) for L in (FOUR, FIVE, NEAR, FLAT) for t in (0.9, 1.05, 4.0, 15.0)]


def supremum(log_v: np.ndarray, labels: np.ndarray, t: float) -> float:
    """log sup_b Σ_x v_x Π_s b_s^{t L(x,s)} by local search from many starts, vertices included."""
    K = labels.shape[1]
    rng = np.random.default_rng(0)

    def log_f(log_b: np.ndarray) -> float:
        terms = log_v + t * labels @ log_b
        return float(terms.max() + np.log(np.exp(terms - terms.max()).sum()))

    def minus(z: np.ndarray) -> float:
        return -log_f(z - z.max() - np.log(np.exp(z - z.max()).sum()))

    starts = [np.log(rng.dirichlet(np.ones(K))) for _ in range(5)] + [20 * row for row in np.eye(K)]
    starts += [np.log(row + 1e-6) for row in labels]
    found = max(-minimize(minus, z, tol=1e-12).fun for z in starts)
    vertices = [log_f(np.log(np.maximum(row, 1e-300))) for row in np.eye(K)]
    return max(found, *vertices)


def weights(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=2.0, size=(n, 3))


@pytest.mark.parametrize(("labels", "t"), CASES)
def test_bound_holds_for_each_column_and_is_the_supremum_of_the_best(labels: np.ndarray, t: float) -> None:
    log_v = weights(1, len(labels))
    bound = log_earnings(log_v, labels, t)
    attained = np.array([supremum(column, labels, t) for column in log_v.T])
    assert (bound >= attained - 1e-12).all()
    assert bound.max() <= attained.max() + 2 * ACCURACY


@pytest.mark.parametrize("labels", [DETERMINISTIC, TWO, THREE])
def test_a_free_log_loss_leaves_the_plain_sum(labels: np.ndarray) -> None:
    log_v = weights(2, len(labels))
    np.testing.assert_allclose(log_earnings(log_v, labels, 0.0), np.log(np.exp(log_v).sum(axis=0)), atol=1e-12)


@pytest.mark.parametrize(("labels", "t"), [(DETERMINISTIC, 0.5), (TWO, 0.5), (TWO, 3.0), (THREE, 3.0)])
def test_scaling_the_weights_shifts_the_bound(labels: np.ndarray, t: float) -> None:
    log_v = weights(3, len(labels))
    shifted = log_earnings(log_v - 500.0, labels, t)
    np.testing.assert_allclose(shifted, log_earnings(log_v, labels, t) - 500.0, atol=1e-9)


def test_bound_holds_on_a_grid_of_all_posteriors() -> None:
    steps = np.arange(201)
    i, j = np.meshgrid(steps, steps, indexing="ij")
    grid = np.stack([i, j, 200 - i - j], axis=-1)[i + j <= 200] / 200
    for seed in range(5):
        rng = np.random.default_rng(seed)
        labels, log_v, t = rng.dirichlet(np.full(3, 4.0), 5), rng.normal(size=(5, 2)), 3.0
        terms = log_v[None] + t * (np.log(np.maximum(grid, 1e-30)) @ labels.T)[:, :, None]
        largest = np.log(np.exp(terms).sum(axis=1)).max(axis=0)
        bound = log_earnings(log_v, labels, t)
        assert (bound >= largest).all()
        assert bound.max() <= largest.max() + 1e-3  # what a step of 1/200 may miss


def cell(seed: int) -> tuple[cells.Earner, np.ndarray, np.ndarray, np.ndarray, float]:
    """A column, a law β, the corners of a cell, and F at a posterior inside of it."""
    rng = np.random.default_rng(seed)
    n, K, t = 6, int(rng.integers(2, 5)), float(rng.choice([1.2, 3.0, 12.0]))
    rows, log_v = rng.dirichlet(np.ones(K), n), rng.normal(size=(n, 1))
    w, share = rng.dirichlet(np.full(n, 0.5)), rng.dirichlet(np.ones(K))
    b = w @ rows
    corners = b + 0.5 * 10 ** rng.uniform(-3, 0) * (rng.dirichlet(np.ones(K), K) - 1 / K) * b.min()
    corners += b - share @ corners
    beta = b if seed % 2 else rng.dirichlet(np.ones(K))
    value = w @ log_v[:, 0] - w @ np.log(w) + t * b @ np.log(b)
    return cells.Earner(log_v, rows, t), beta[None], corners[None], share, float(value)


@pytest.mark.parametrize("strong", [False, True])
def test_no_law_of_source_letters_passes_the_bound_of_its_cell(strong: bool) -> None:
    at_work = 0
    for seed in range(400):
        earner, beta, corners, _, value = cell(seed)
        seen = earner.look(np.array([0]), beta)
        theta = earner.theta(seen, corners) if strong else np.ones(1)
        at_work += bool(theta[0] > 1)
        assert earner.bound(seen, corners, theta)[0] >= value - 1e-12
    assert not strong or at_work > 50


def test_too_strong_a_data_processing_is_caught() -> None:
    passed = 0
    for seed in range(400):
        earner, beta, corners, _, value = cell(seed)
        seen = earner.look(np.array([0]), beta)
        passed += bool(earner.bound(seen, corners, np.array([earner.t]))[0] < value - 1e-9)
    assert passed > 0


def test_bound_holds_where_the_work_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    log_v = weights(4, len(FOUR))
    exact = log_earnings(log_v, FOUR, 20.0)
    monkeypatch.setattr(cells, "_WORK", 1_000)
    loose = log_earnings(log_v, FOUR, 20.0, accuracy=2e-10)  # asked for differently, so computed anew
    assert loose.max() > exact.max() + 1e-3
    assert (loose >= [supremum(column, FOUR, 20.0) for column in log_v.T]).all()


def test_a_search_and_climbs_of_little_memory_still_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few cells at a time, and of the starts the most promising."""
    log_v = np.random.default_rng(4).normal(scale=2.0, size=(len(FOUR), 100))
    exact = log_earnings(log_v, FOUR, 6.0)
    monkeypatch.setattr(cells, "_ROUND", 0)
    monkeypatch.setattr(tagged, "_MOST_ENTRIES", 2 * FOUR.size)
    small = log_earnings(log_v, FOUR, 6.0, accuracy=2e-10)  # asked for differently, so computed anew
    np.testing.assert_allclose(small.max(), exact.max(), atol=1e-9)
    assert (small[:3] >= [supremum(column, FOUR, 6.0) - 1e-12 for column in log_v.T[:3]]).all()
    assert len(tagged.proposals(log_v, FOUR, 6.0)[0]) == 3


@pytest.mark.parametrize("rounds", [1, 400])
def test_cells_that_are_left_open_are_bounded(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "_ROUNDS", rounds)
    log_v, labels = weights(4, len(TWO)), TWO
    region = regions.whole(np.ones(len(TWO)), labels, 1, 3)
    bound, laws = regions.log_earned(log_v, labels, np.array([4.0]), region[0][:, None])
    truth = np.array([supremum(column, labels, 4.0) for column in log_v.T])
    assert bound.max() >= truth.max() - 1e-12
    seen = log_v + 4.0 * labels @ np.log(np.maximum(laws[:, 0], 1e-300)).T
    assert (np.log(np.exp(seen).sum(axis=0)) <= bound + 1e-12).all()
    assert (bound.max() <= truth.max() + 1e-6) == (rounds == 400)


def test_a_claim_of_concavity_everywhere_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells.Earner, "theta", lambda self, seen, corners: np.full(len(corners), self.t))
    # One peak that the climbs are kept from: only the search can tell.
    log_v, labels, t = np.array([[0.0], [1.0]]), np.array([[0.95, 0.05], [0.05, 0.95]]), 8.0
    low = cells.Earner(log_v, labels, t).look(np.array([0]), labels[:1])
    peaks = cells.Peaks(np.array([0]), labels[:1], low.log_f)
    bound, _ = cells.search(cells.Earner(log_v, labels, t), peaks, 1e-10)
    assert bound[0] < supremum(log_v[:, 0], labels, t) - 0.1
    monkeypatch.undo()
    bound, _ = cells.search(cells.Earner(log_v, labels, t), peaks, 1e-10)
    assert bound[0] >= supremum(log_v[:, 0], labels, t)


def test_search_finds_what_climbs_miss() -> None:
    log_v = weights(5, len(FIVE))
    _, columns, laws, earned = best_posteriors(log_v, FIVE, 6.0)
    assert columns.shape == earned.shape == laws.shape[:1]
    assert (earned <= [supremum(log_v[:, k], FIVE, 6.0) + ACCURACY for k in columns]).all()


# Column generation -----------------------------------------------------------------------------------------------


def question(seed: int, n: int, m: int, K: int, sharp: float, measure_: perceptions.Divergence | None = None):
    """A random problem with noisy labels, and levels between what is free and what is least."""
    p, d, _ = parts.random_parts(seed, n, m)
    labels = np.random.default_rng(seed + 50).dirichlet(np.full(K, sharp), n)
    problem = rdc.Problem(
        sources.Discrete(p),
        distortions.matrix(d),
        measure_,
        classifications.ConditionalEntropy(labels, tagged=True),
    )
    free, least = oracles.h(*(p @ labels)), float(p @ [oracles.h(*row) for row in labels])
    return problem, 0.5 * float((p @ d).min()), least + 0.4 * (free - least)


@pytest.mark.parametrize(("n", "m", "K", "sharp"), [(6, 4, 2, 1.0), (6, 4, 3, 1.0), (6, 4, 3, 0.3), (6, 4, 4, 1.0)])
def test_noisy_labels_are_certified(n: int, m: int, K: int, sharp: float) -> None:
    problem, D, C = question(1, n, m, K, sharp)
    found = rdc.rate(problem, D=D, C=C, solver=solvers.ColumnGeneration())
    assert found.gap <= 1e-6
    measure.assert_meets(problem, found, rdc.Target(D, C=C))
    other = rdc.rate(problem, D=D, C=C, tol=1e-8, solver=solvers.ColumnGeneration())
    assert other.gap <= 1e-8
    brackets.assert_overlap(found, other)


@pytest.mark.parametrize(
    "divergence", [perceptions.TotalVariation(), perceptions.KL(), perceptions.Wasserstein(parts.abs_cost(4))]
)
def test_tags_and_perception_are_certified_together(divergence: perceptions.Divergence) -> None:
    problem, D, C = question(0, 4, 4, 2, 1.0, divergence)
    found = rdc.rate(problem, D=3 * D, P=0.1, C=C, solver=solvers.ColumnGeneration())
    assert found.gap <= 1e-6
    measure.assert_meets(problem, found, rdc.Target(3 * D, 0.1, C))
    assert found.upper >= rdc.rate(problem, D=3 * D, C=C).lower


def test_labels_that_tell_nothing_cost_nothing() -> None:
    p, d, _ = parts.random_parts(2, 5, 4)
    plain = rdc.rate(rdc.Problem(sources.Discrete(p), distortions.matrix(d)), D=0.1)
    blind = classifications.ConditionalEntropy(np.tile([0.3, 0.7], (5, 1)), tagged=True)
    told = rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=blind)
    for C in (oracles.h(0.3), 1.0):
        brackets.assert_overlap(plain, rdc.rate(told, D=0.1, C=C))


def test_letters_with_the_same_label_law_are_one_where_only_labels_count() -> None:
    p = np.array([0.1, 0.2, 0.3, 0.4])
    labels = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])
    merged = p.reshape(2, 2).sum(axis=1), labels[::2]
    found = [
        rdc.rate(
            rdc.Problem(
                sources.Discrete(pmf),
                distortions.hamming(len(pmf)),
                classification=classifications.ConditionalEntropy(table, tagged=True),
            ),
            C=0.7,
        )
        for pmf, table in ((p, labels), merged)
    ]
    assert found[0].gap <= 1e-6
    brackets.assert_overlap(*found)


def test_columns_that_no_climb_finds_join_by_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """And after one round of all, the bracket that there is holds."""
    labels = np.random.default_rng(1).dirichlet(np.full(3, 0.3), 4)
    measure = classifications.ConditionalEntropy(labels, tagged=True)
    problem = rdc.Problem(sources.uniform(4), distortions.hamming(4), classification=measure)
    asked = {"D": 0.3, "C": measure.least(problem.source.pmf) / np.log(2) * 1.1}
    whole = rdc.rate(problem, **asked)
    once = brackets.quietly(rdc.rate, problem, **asked, solver=solvers.ColumnGeneration(rounds=1))
    brackets.assert_overlap(once, whole)
    monkeypatch.setattr(tagged, "_CLIMBS", 0)
    searched = rdc.rate(problem, **asked)
    assert searched.gap <= 1e-6
    brackets.assert_overlap(searched, whole)
