"""The convex core: to 1e-9 bit in few steps, and the same as every other method."""

import numpy as np
import pytest
from brackets import assert_honest, assert_overlap, quietly, solved, truth
from divergences import F_DIVERGENCES
from hypothesis import given
from hypothesis import strategies as st
from lines import gauss
from measure import assert_meets
from parts import likely, mean, most, random_parts, random_square
from problems import ROWS, Row

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources

CORE = solvers.InteriorPoint()
TOL = 1e-9
LEVELS = {"TV": 0.05, "KL": 0.03, "reverse KL": 0.03, "JS": 0.015, "chi squared": 0.05, "Hellinger": 0.01}
#: Of the level that rates alone would reach.
SHARES = {"KL": 0.99, "Hellinger": 0.99}


@pytest.mark.parametrize("share", [0.0, 1e-12, 1e-6, 0.05, 0.3, 0.9, 0.9999, 1 - 1e-12])
@pytest.mark.parametrize("problem", [random_square(60), gauss(150, 5.0)], ids=["random", "Gaussian"])
def test_linear_levels_close_to_1e_9_along_the_whole_curve(problem: rdc.Problem, share: float) -> None:
    answer = rdc.rate(problem, D=share * most(problem), solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.steps <= 60
    assert_meets(problem, answer, rdc.Target(share * most(problem)))


@pytest.mark.parametrize("kind", F_DIVERGENCES)
@pytest.mark.parametrize("n", [20, 100])
def test_f_divergences_close_in_few_steps(kind: str, n: int) -> None:
    problem = gauss(n, 4.0, kind)
    answer = rdc.rate(problem, D=0.5, P=LEVELS[kind], solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.steps <= 18
    assert_meets(problem, answer, rdc.Target(0.5, LEVELS[kind]))


@pytest.mark.parametrize("kind", F_DIVERGENCES)
@pytest.mark.parametrize("seed", range(4))
def test_perception_that_hardly_binds_closes_too(kind: str, seed: int) -> None:
    """Letters that rates alone would not use are then shown next to never, at prices far from those of the others."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 8))
    p, d = rng.dirichlet(np.ones(n)), rng.random((n, n))
    np.fill_diagonal(d, 0.0)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), F_DIVERGENCES[kind])
    D = 0.5 * most(problem)
    free = rdc.rate(problem, D=D).achieved.P
    P = SHARES.get(kind, 0.9) * free if free < np.inf else 1.0
    answer = rdc.rate(problem, D=D, P=P, solver=CORE, tol=1e-6)
    assert answer.gap <= 1e-6
    assert_meets(problem, answer, rdc.Target(D, P))
    assert_overlap(answer, rdc.rate(problem, D=D, P=P, solver=solvers.Conic(), tol=1e-5))


@pytest.mark.parametrize("kind", [*F_DIVERGENCES, "W1", "W2"])
def test_perfect_perception_closes_too_and_is_the_same_for_all(kind: str) -> None:
    answer = rdc.rate(gauss(30, 4.0, kind), D=0.5, P=0.0, solver=CORE, tol=TOL)
    other = rdc.rate(gauss(30, 4.0, "TV"), D=0.5, P=0.0, solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert_overlap(answer, other)


def test_a_thousand_letters() -> None:
    problem = random_square(1000)
    answer = rdc.rate(problem, D=0.3 * most(problem), solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.encoder.shape[1] < 500  # the support was screened


@pytest.mark.parametrize("row", [r for r in ROWS if r.convex], ids=lambda row: row.name)
def test_the_table_is_solved_as_others_solve_it(row: Row) -> None:
    answer = rdc.rate(row.problem, row.target.D, row.target.P, row.target.C, solver=CORE, tol=TOL)
    assert_honest(answer, truth(row), row.accuracy)
    assert answer.gap <= TOL
    assert_overlap(answer, solved(row, solvers.Conic()))
    assert_meets(row.problem, answer, row.target)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 5),
    m=st.integers(1, 5),
    kind=st.sampled_from([None, *F_DIVERGENCES, "W"]),
    judged=st.booleans(),
    loose=st.sampled_from([1.0, 1.3]),
)
def test_generated_problems_agree_with_conic_programs(
    seed: int, n: int, m: int, kind: str | None, judged: bool, loose: float
) -> None:
    rng = np.random.default_rng(seed)
    m = n if kind in F_DIVERGENCES else m
    p, d, labels = random_parts(seed, n, m)
    d = np.where(rng.random((n, m)) < 0.1, np.inf, d)
    d[np.arange(n), rng.integers(0, m, n)] = 0.0
    measure = None if kind is None else F_DIVERGENCES.get(kind) or perceptions.Wasserstein(rng.random((n, m)))
    judge = classifications.CrossEntropy(labels, rng.dirichlet(np.ones(2), m)) if judged else None
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), measure, judge)
    witness = likely(d)
    finite = np.where(np.isinf(d), 0.0, d)
    target = rdc.Target(
        loose * mean(p, witness, finite),
        np.inf if measure is None else loose * measure.value(p, p @ witness) / measure.unit,
        np.inf if judge is None else loose * mean(p, witness, judge.cost) / judge.unit,
    )
    answer = rdc.rate(problem, target.D, target.P, target.C, tol=1e-6)
    # Levels met by one channel only are hard on it.
    other = quietly(rdc.rate, problem, target.D, target.P, target.C, solver=solvers.Conic())
    assert_overlap(answer, other)
    assert answer.gap <= 1e-6
    assert not answer.channel[np.isinf(d) & (p > 0)[:, None]].any()
