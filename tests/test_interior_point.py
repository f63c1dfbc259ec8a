"""The convex core: to 1e-9 bit in few steps, the same as every other method, and both ways between level and rate."""

from dataclasses import replace
from decimal import Decimal, getcontext
from functools import cache

import numpy as np
import pytest
from brackets import assert_honest, assert_overlap, quietly, solved, truth
from hypothesis import assume, given
from hypothesis import strategies as st
from measure import assert_meets
from parts import likely, mean, random_parts
from problems import ROWS, Row
from scipy.optimize import brentq

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources

CORE = solvers.InteriorPoint()
TOL = 1e-9

DIVERGENCES: dict[str, perceptions.Divergence] = {
    "TV": perceptions.TotalVariation(),
    "KL": perceptions.KL(),
    "ReverseKL": perceptions.ReverseKL(),
    "JS": perceptions.JensenShannon(),
    "chi2": perceptions.ChiSquared(),
    "Hellinger": perceptions.Hellinger(),
}
LEVELS = {"TV": 0.05, "KL": 0.03, "ReverseKL": 0.03, "JS": 0.015, "chi2": 0.05, "Hellinger": 0.01}


def gaussian(n: int, reach: float, kind: str | None = None) -> rdc.Problem:
    """N(0, 1) on a uniform grid with squared error."""
    x = np.linspace(-reach, reach, n)
    weights = np.exp(-(x**2) / 2)
    costs = {"W1": np.abs(x[:, None] - x), "W2": (x[:, None] - x) ** 2}
    measure = None if kind is None else perceptions.Wasserstein(costs[kind]) if kind in costs else DIVERGENCES[kind]
    return rdc.Problem(sources.Discrete(weights / weights.sum()), distortions.squared_error(x), measure)


def widest(problem: rdc.Problem) -> float:
    return float((problem.source.pmf @ problem.distortion.values).min())


@cache
def rand(n: int) -> rdc.Problem:
    rng = np.random.default_rng(0)
    d = rng.random((n, n))
    np.fill_diagonal(d, 0.0)
    return rdc.Problem(sources.Discrete(rng.dirichlet(np.ones(n))), distortions.matrix(d))


# To 1e-9 bit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 1e-12, 1e-6, 0.05, 0.3, 0.9, 0.9999, 1 - 1e-12])
@pytest.mark.parametrize("problem", [rand(60), gaussian(150, 5.0)], ids=["random", "Gaussian"])
def test_linear_levels_close_to_1e_9_along_the_whole_curve(problem: rdc.Problem, share: float) -> None:
    answer = rdc.rate(problem, D=share * widest(problem), solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.steps <= 60
    assert_meets(problem, answer, rdc.Target(share * widest(problem)))


@pytest.mark.parametrize("kind", DIVERGENCES)
@pytest.mark.parametrize("n", [20, 100])
def test_f_divergences_close_in_few_steps(kind: str, n: int) -> None:
    problem = gaussian(n, 4.0, kind)
    answer = rdc.rate(problem, D=0.5, P=LEVELS[kind], solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.steps <= 18
    assert_meets(problem, answer, rdc.Target(0.5, LEVELS[kind]))


@pytest.mark.parametrize(("kind", "level"), [("W1", 0.1), ("W1", 0.01), ("W2", 0.02), ("W2", 0.002)])
@pytest.mark.parametrize("reach", [4.0, 6.0])
@pytest.mark.parametrize("n", [20, 50, 100, 200])
def test_transport_does_not_stall(kind: str, level: float, reach: float, n: int) -> None:
    problem = gaussian(n, reach, kind)
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
            target = rdc.Target(0.5 * widest(problem), share * float(p @ cost @ p))
            answer = rdc.rate(problem, target.D, target.P, solver=CORE, tol=TOL)
            assert answer.gap <= TOL
            assert answer.steps <= 30
            assert_meets(problem, answer, target)


@pytest.mark.parametrize("seed", range(3))
def test_transport_closes_where_masses_span_thirty_orders_of_magnitude(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, cost, d = rng.dirichlet(np.full(50, 0.1)), ground("uniform", 50, rng), ground("uniform", 50, rng)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(cost))
    target = rdc.Target(0.5 * widest(problem), 0.01 * float(p @ cost @ p))
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
    target = rdc.Target(0.5 * widest(problem), (0.1 if seed == 2 else 0.01) * float(p @ cost @ p))
    answer = rdc.rate(problem, target.D, target.P, solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.steps <= 30
    assert_meets(problem, answer, target)


@pytest.mark.parametrize("n", [100, 200])
@pytest.mark.parametrize("even", [True, False], ids=["even masses", "uneven masses"])
def test_transport_does_not_stall_among_near_ties(n: int, even: bool) -> None:
    # Plans between unevenly spaced points differ by little: the path bends where letters join and leave.
    rng = np.random.default_rng(0)
    x = np.sort(rng.standard_normal(n))
    d, p = np.square(x[:, None] - x), np.full(n, 1 / n) if even else rng.dirichlet(np.ones(n))
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(d))
    answer = rdc.rate(problem, D=0.3, P=0.05, solver=CORE)
    assert answer.gap <= 1e-6
    assert answer.steps <= 40
    assert_meets(problem, answer, rdc.Target(0.3, 0.05))


@pytest.mark.parametrize("kind", [*DIVERGENCES, "W1", "W2"])
def test_perfect_perception_closes_too_and_is_the_same_for_all(kind: str) -> None:
    answer = rdc.rate(gaussian(30, 4.0, kind), D=0.5, P=0.0, solver=CORE, tol=TOL)
    other = rdc.rate(gaussian(30, 4.0, "TV"), D=0.5, P=0.0, solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert_overlap(answer, other)


def test_a_thousand_letters() -> None:
    problem = rand(1000)
    answer = rdc.rate(problem, D=0.3 * widest(problem), solver=CORE, tol=TOL)
    assert answer.gap <= TOL
    assert answer.encoder.shape[1] < 500  # the support was screened


# The same as every other method --------------------------------------------------------------------------------


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
    kind=st.sampled_from([None, *DIVERGENCES, "W"]),
    judged=st.booleans(),
    loose=st.sampled_from([1.0, 1.3]),
)
def test_generated_problems_agree_with_conic_programs(
    seed: int, n: int, m: int, kind: str | None, judged: bool, loose: float
) -> None:
    rng = np.random.default_rng(seed)
    m = n if kind in DIVERGENCES else m
    p, d, labels = random_parts(seed, n, m)
    d = np.where(rng.random((n, m)) < 0.1, np.inf, d)
    d[np.arange(n), rng.integers(0, m, n)] = 0.0
    measure = None if kind is None else DIVERGENCES.get(kind) or perceptions.Wasserstein(rng.random((n, m)))
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


# Both ways -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [None, *DIVERGENCES, "W1"])
def test_the_rate_at_a_distortion_and_the_distortion_at_that_rate(kind: str | None) -> None:
    problem, P = gaussian(12, 3.0, kind), np.inf if kind is None else 0.04
    forward = rdc.rate(problem, D=0.4, P=P, tol=TOL)
    back = rdc.distortion(problem, R=forward.upper, P=P, tol=1e-8)
    assert back.lower <= 0.4
    assert back.upper == pytest.approx(0.4, abs=1e-8)
    assert back.rate <= forward.upper + 1e-12


@pytest.mark.parametrize("kind", [*DIVERGENCES, "W1", "W2"])
def test_the_least_perception_at_a_rate_and_the_rate_at_that_perception(kind: str) -> None:
    problem = gaussian(12, 3.0, kind)
    R = rdc.rate(problem, D=0.4).upper + 0.03
    least = rdc.perception(problem, R=R, D=0.4, tol=TOL)
    assert least.gap <= TOL
    assert least.lower > 0
    assert_meets(problem, least, rdc.Target(0.4, least.value))
    assert least.rate <= R + 1e-12
    back = rdc.rate(problem, D=0.4, P=least.upper, tol=TOL)
    assert back.lower <= R
    assert back.upper == pytest.approx(R, abs=1e-7)


def test_perception_costs_nothing_where_the_rate_allows_the_source_itself() -> None:
    problem = gaussian(8, 3.0, "TV")
    answer = rdc.perception(problem, R=20.0, D=0.1)
    assert answer.upper <= 1e-6
    assert rdc.perception(problem, R=0.5, D=2.1).value < 1e-12  # nothing need be sent


def test_prices_are_finite_differences() -> None:
    problem = replace(
        gaussian(15, 3.0, "KL"), classification=classifications.ErrorRate([0] * 7 + [1] * 8, [0] * 7 + [1] * 8)
    )
    target = rdc.Target(0.3, 0.02, 0.12)
    answer = rdc.rate(problem, target.D, target.P, target.C, tol=1e-11)
    assert isinstance(answer.prices, rdc.Prices)
    for name, price in (
        ("D", answer.prices.distortion),
        ("P", answer.prices.perception),
        ("C", answer.prices.classification),
    ):
        step = 1e-4 * getattr(target, name)
        low, high = (
            rdc.rate(problem, t.D, t.P, t.C, tol=1e-11)
            for t in (replace(target, **{name: getattr(target, name) + sign * step}) for sign in (-1, 1))
        )
        assert price > 0
        assert price == pytest.approx((low.value - high.value) / (2 * step), rel=1e-5)


def test_the_curve_is_convex_and_falls_within_its_brackets() -> None:
    problem = gaussian(40, 4.0, "TV")
    curve = rdc.trace(problem, D=np.linspace(0.05, 1.2, 24), P=0.05, tol=1e-9)
    assert (curve.upper - curve.lower <= 1e-9).all()
    assert (np.diff(curve.value) <= 1e-9).all()
    assert (np.diff(curve.value, 2) >= -4e-9).all()


# Structure and hostile numbers ---------------------------------------------------------------------------------


def test_a_forbidden_pair_is_the_limit_of_dear_ones() -> None:
    d = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, np.inf], [1.0, 1.0, 0.0]])
    source = sources.Discrete([0.3, 0.4, 0.3])
    barred = rdc.rate(rdc.Problem(source, distortions.matrix(d)), D=0.35, tol=TOL)
    dear = rdc.rate(rdc.Problem(source, distortions.matrix(np.where(np.isinf(d), 1e9, d))), D=0.35, tol=TOL)
    assert barred.channel[1, 2] == 0
    assert barred.upper == pytest.approx(dear.upper, abs=1e-6)
    assert barred.lower >= dear.lower - TOL
    # Where the level is off, nothing is forbidden.
    assert rdc.rate(rdc.Problem(source, distortions.matrix(d))).value < 1e-12


def test_a_letter_without_an_allowed_pair_is_infeasible() -> None:
    problem = rdc.Problem(sources.uniform(2), distortions.matrix([[0.0, 1.0], [np.inf, np.inf]]))
    with pytest.raises(rdc.InfeasibleError, match=r"D is infinite: all pairs of source letter 1"):
        rdc.rate(problem, D=1.0)
    unused = replace(problem, source=sources.Discrete([1.0, 0.0]))
    assert rdc.rate(unused, D=0.0).value < 1e-12


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_distortions_of_any_size_and_spread(unit: float) -> None:
    d = unit * np.array([[0.0, 1.0, 1e-12], [1.0, 0.0, 1.0], [1e-12, 1.0, 0.0]])
    problem = rdc.Problem(sources.Discrete([0.3, 0.3, 0.4]), distortions.matrix(d))
    merged = rdc.Problem(sources.Discrete([0.7, 0.3]), distortions.matrix(unit * (1 - np.eye(2))))
    answer = rdc.rate(problem, D=0.1 * unit, tol=TOL)
    assert answer.gap <= TOL
    assert answer.upper == pytest.approx(rdc.rate(merged, D=0.1 * unit).upper, abs=1e-6)


@given(p=st.floats(0.01, 0.5), share=st.floats(1e-6, 1 - 1e-6))
def test_the_lower_bound_is_below_the_truth_to_the_last_digit(p: float, share: float) -> None:
    """R(D) = h(p) - h(D) for a coin, with fifty digits; the pmf is what the floating-point numbers say."""
    getcontext().prec = 50
    problem = rdc.Problem(sources.bernoulli(p), distortions.hamming(2))
    low = float(problem.source.pmf.min())
    D = share * low
    assume(low > D)

    def h(x: Decimal) -> Decimal:
        return -(x * x.ln() + (1 - x) * (1 - x).ln()) / Decimal(2).ln()

    exact = h(Decimal(low)) - h(Decimal(D))
    answer = rdc.rate(problem, D=D, solver=CORE, tol=1e-10)
    assert Decimal(answer.lower) <= exact
    assert exact <= Decimal(answer.upper) + Decimal("1e-15")


def gaussian_rate(D: float, deviation: float) -> float:
    """R in bits of N(0, 1) and a jointly Gaussian reproduction with this standard deviation, E (X - X̂)² = D."""
    correlation = (1 + deviation**2 - D) / (2 * deviation)
    return float(-0.5 * np.log2(1 - correlation**2))


@pytest.mark.parametrize(
    ("kind", "level", "deviation"),
    [
        # W2² <= P: the deviation is 1 - √P (Zhang et al. 2021, arXiv:2106.10311, theorem 5).
        ("W2", 0.02, 1 - np.sqrt(0.02)),
        # KL <= P nats: log(1/g) + (g² - 1) / 2 = P (Serra, Stavrou and Kountouris 2023, arXiv:2311.09190).
        ("KL", 0.02 / np.log(2), brentq(lambda g: -np.log(g) + (g**2 - 1) / 2 - 0.02, 0.1, 1 - 1e-9)),
    ],
)
def test_a_fine_grid_tends_to_the_gaussian_formula(kind: str, level: float, deviation: float) -> None:
    truth = gaussian_rate(0.5, deviation)
    coarse, fine = (abs(rdc.rate(gaussian(n, 5.0, kind), D=0.5, P=level).value - truth) for n in (40, 120))
    # Second order in the step, down to what cutting the tails off costs.
    assert fine < max(1e-5, coarse / 6)
    assert fine < 1e-3


@pytest.mark.parametrize("R", [0.3, 1.0, 2.0])
def test_the_least_distortion_at_a_rate_is_found_without_help(R: float) -> None:
    least = rdc.distortion(rand(60), R=R, solver=CORE, tol=TOL)
    assert least.gap <= TOL
    assert rdc.rate(rand(60), D=least.upper, solver=CORE, tol=TOL).upper == pytest.approx(R, abs=1e-7)


@pytest.mark.parametrize("levels", [[0.30, 0.31], [0.30, 0.60], [0.60, 0.05]])
def test_a_neighbour_saves_steps_and_a_stranger_costs_none(levels: list[float]) -> None:
    problem = rand(60)
    first, then = (share * widest(problem) for share in levels)
    start = rdc.rate(problem, D=first, solver=CORE)
    cold = rdc.rate(problem, D=then, solver=CORE)
    warm = rdc.rate(problem, D=then, solver=CORE, start=start)
    assert warm.lower <= cold.upper
    assert cold.lower <= warm.upper
    if then < 1.1 * first and first < 1.1 * then:
        assert warm.steps < cold.steps
    else:
        assert warm.steps == cold.steps


@pytest.mark.parametrize("name", ["TotalVariation", "KL", "ReverseKL", "JensenShannon", "ChiSquared", "Hellinger"])
def test_perception_that_costs_nothing_is_left_out(name: str) -> None:
    x = np.linspace(-4, 4, 40)
    p = np.exp(-x * x / 2) / np.exp(-x * x / 2).sum()
    divergence = getattr(perceptions, name)()
    source, d = sources.Discrete(p), distortions.squared_error(x)
    free = rdc.rate(rdc.Problem(source, d), D=0.3, solver=CORE, tol=TOL)
    spent = divergence.value(p, free.output) / divergence.unit
    slack = rdc.rate(rdc.Problem(source, d, divergence), D=0.3, P=1.01 * spent, solver=CORE, tol=TOL)
    assert slack.steps == free.steps
    assert slack.gap <= TOL
    assert slack.prices.perception == 0
    binding = quietly(rdc.rate, rdc.Problem(source, d, divergence), D=0.3, P=0.9 * spent, solver=CORE, tol=TOL)
    assert binding.steps > free.steps  # the answer without perception is over this level, and not taken
    tight = rdc.rate(rdc.Problem(source, d, divergence), D=0.3, P=0.0, solver=CORE, tol=1e-6)
    assert tight.prices.perception > 0
    assert tight.lower > free.upper
