"""Distortions with structure: the special answers are the general ones, at sizes where no table fits."""

import pickle
import warnings
from dataclasses import replace
from decimal import Decimal, localcontext
from math import fsum, inf, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measure import assert_meets
from problems import LN2, assert_honest, assert_overlap

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources
from rdcfunc.compilation import Plain, compile_program
from rdcfunc.distortions import Difference, Distortion, Hamming, Table
from rdcfunc.plain import describe
from rdcfunc.structure import certificate, differences
from rdcfunc.structure.exponential import Exponential
from rdcfunc.structure.kernel import Kernel
from rdcfunc.structure.smooth import Smooth
from rdcfunc.structure.tilt import Tilt
from rdcfunc.structure.toeplitz import Toeplitz, Transforms
from rdcfunc.structure.windows import Windows

TOL = 1e-9
#: Parts of the largest distortion that is worth a bit.
PARTS = (0.9, 0.3, 0.05, 0.005, 1e-5)


def normal(weights: np.ndarray) -> sources.Discrete:
    return sources.Discrete(weights / weights.sum())


def gauss(n: int, width: float = 5.0) -> rdc.Problem:
    x = np.linspace(-width, width, n)
    return rdc.Problem(normal(np.exp(-0.5 * x**2)), distortions.squared_error(x))


def cases(n: int) -> dict[str, rdc.Problem]:
    """Sources with tails, holes and teeth, under distortions that are smooth, kinked, skewed and wide."""
    x = np.linspace(-5, 5, n)
    bell, hole = np.exp(-0.5 * x**2), np.exp(-0.5 * x**2)
    hole[(x > -0.8) & (x < 0.3)] = hole[::7] = 0.0
    squared, absolute, lag = distortions.squared_error(x), distortions.absolute_error(x), np.arange(1.0 - n, n)
    skew = distortions.difference(np.where(lag < 0, 3.0, 1.0) * lag**2)
    made = {
        "gauss": (bell, squared),
        "gauss, absolute": (bell, absolute),
        "laplace, absolute": (np.exp(-np.abs(x)), absolute),
        "holes": (hole, squared),
        "holes, absolute": (hole, absolute),
        "uniform": (np.ones(n), squared),
        "rough": (np.random.default_rng(1).dirichlet(np.ones(n)), squared),
        "wide": (np.exp(-2 * x**2), squared),
        "cauchy": (1 / (1 + (8 * x) ** 2), squared),
        "skew": (bell, skew),
        "power 1.5": (bell, distortions.difference(np.abs(lag) ** 1.5)),
    }
    return {name: rdc.Problem(normal(weights), d) for name, (weights, d) in made.items()}


SMALL = cases(60)
each_case = pytest.mark.parametrize("problem", SMALL.values(), ids=SMALL.keys())


def most(problem: rdc.Problem) -> float:
    """The distortion of the best constant."""
    return float((problem.source.pmf @ problem.distortion.values).min())


def quietly(*args: object, **options: object) -> rdc.Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        return rdc.rate(*args, **options)


# What a distortion states -------------------------------------------------------------------------------------------


def test_no_table_is_formed_until_it_is_asked_for() -> None:
    n = 50_000
    for d in (
        distortions.hamming(10**8),
        distortions.squared_error(np.arange(n)),
        distortions.absolute_error(np.arange(n)),
    ):
        held = sum(value.nbytes for value in vars(d).values() if isinstance(value, np.ndarray))
        assert held <= 48 * n
    problem = gauss(n)
    assert problem.shape == (n, n)
    assert not problem.distortion.forbids
    rdc.rate(problem, D=0.3)
    assert "values" not in vars(problem.distortion)


@given(
    n=st.integers(2, 40),
    start=st.floats(-1e3, 1e3),
    step=st.floats(1e-3, 1e3),
    falling=st.booleans(),
    power=st.sampled_from([1, 2]),
)
def test_lags_are_those_of_the_table_within_the_slack(
    n: int, start: float, step: float, falling: bool, power: int
) -> None:
    x = np.linspace(start, start + step * (n - 1), n)[:: -1 if falling else 1]
    d = (distortions.absolute_error, distortions.squared_error)[power - 1](x)
    table = np.abs(x[:, None] - x) ** power
    np.testing.assert_allclose(d.values, table, rtol=1e-15)
    if isinstance(d, Difference):
        by_lags = d.lags[n - 1 + np.subtract.outer(np.arange(n), np.arange(n))]
        assert (np.abs(d.values - by_lags) <= d.slack * by_lags).all()


def test_structure_is_stated_where_it_is_there() -> None:
    x = np.linspace(-1, 1, 9)
    for d in (distortions.squared_error(x), distortions.absolute_error(x, x.copy()), distortions.difference([1, 0, 1])):
        assert isinstance(d, Difference)
    moved = np.where(np.arange(9) == 4, 1e-6, x)
    for d in (
        distortions.squared_error(moved),
        distortions.squared_error(x, x[1:]),
        distortions.squared_error(x[:, None]),
        distortions.squared_error([2.0]),
        distortions.squared_error([0.0, 0.0]),
        distortions.squared_error([0.0, 1e-200]),
        distortions.matrix(1 - np.eye(3)),
    ):
        assert isinstance(d, Table)
    with pytest.raises(ValueError, match=r"^lags must be an odd number of costs.*\(got 2\)$"):
        distortions.difference([0.0, 1.0])


def test_only_plain_questions_are_asked_of_structure() -> None:
    problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    assert isinstance(compile_program(problem, [rdc.Target(0.1)]), Plain)
    assert not isinstance(compile_program(problem, [rdc.Target(0.1, 0.2)]), Plain)
    assert not isinstance(compile_program(problem, [rdc.Target(0.1), rdc.Target(0.2)]), Plain)
    table = replace(problem, distortion=distortions.matrix(1 - np.eye(2)))
    assert not isinstance(compile_program(table, [rdc.Target(0.1)]), Plain)


# Kernels ------------------------------------------------------------------------------------------------------------


def exactly(lags: np.ndarray, s: float, u: np.ndarray, power: int, row: int) -> Decimal:
    """One component of ``(K ∘ d^power) u`` to forty digits."""
    n = u.size
    costs = [Decimal(float(lags[n - 1 + row - j])) for j in range(n)]
    terms = (
        (-Decimal(s) * c).exp() * (c**power if power else 1) * Decimal(float(x)) for c, x in zip(costs, u, strict=True)
    )
    return sum(terms, Decimal(0))


@pytest.mark.parametrize("kind", [np.float64, np.longdouble])
@pytest.mark.parametrize(("n", "s"), [(40, 1.0), (97, 0.05), (97, 30.0), (97, 3000.0), (512, 0.05), (512, 30.0)])
def test_products_err_by_no_more_than_they_say(n: int, s: float, kind: type) -> None:
    rng = np.random.default_rng(n)
    lags = (np.linspace(-10, 10, 2 * n - 1) ** 2) * rng.uniform(0.5, 1.5, 2 * n - 1)
    lags[n - 1] = 0.0
    u = rng.random(n) ** 8
    kernel = Toeplitz(lags, s, kind)
    with localcontext() as context:
        context.prec = 40
        for power in (0, 1, 2):
            product, adjoint = kernel.times(u, power)[0], kernel.transposed(u, power)[0]
            for row in range(0, n, n // 5):
                for got, turned in ((product, lags), (adjoint, lags[::-1])):
                    error = abs(Decimal(float(got[row])) - exactly(turned, s, u, power, row))
                    assert error <= Decimal(kernel.error(u, power))


ROWS = np.flatnonzero(np.random.default_rng(1).random(150) < 0.8)
LINE = np.linspace(0, 150 * 0.05, 150)


@pytest.mark.parametrize(
    ("make", "power", "accuracy"),
    [
        (lambda d: Windows(d.lags, ROWS, np.arange(0, 150, 3), 3.0), 2, 1e-12),
        (lambda d: Transforms(d.lags, ROWS, np.arange(0, 150, 3), 3.0), 2, 1e-13),
        (lambda d: Exponential(d.unit, 150, ROWS, 3.0), 1, 1e-13),
        (lambda d: Smooth(d.unit, 150, ROWS, 3.0), 2, 1e-8),
    ],
    ids=["Windows", "Transforms", "Exponential", "Smooth"],
)
def test_kernels_are_their_tables(make: object, power: int, accuracy: float) -> None:
    d = (distortions.absolute_error, distortions.squared_error)[power - 1](LINE)
    kernel: Kernel = make(d)
    costs = d.lags[149 + ROWS[:, None] - kernel.letters]
    rng = np.random.default_rng(2)
    q, y, ratio = (
        rng.random(len(kernel.letters)),
        rng.random(len(ROWS)),
        10.0 ** rng.uniform(-6, 3, len(kernel.letters)),
    )
    for s in (3.0, 2.0, 14.0):
        kernel = kernel.at(s)
        table = np.exp(-s * costs)
        for k in (0, 1, 2):
            np.testing.assert_allclose(kernel.times(q, k)[0], (table * costs**k) @ q, rtol=accuracy)
            np.testing.assert_allclose(kernel.transposed(y, k)[0], (table * costs**k).T @ y, rtol=accuracy)
        if not isinstance(kernel, Transforms):
            x = kernel.factor(y, ratio)(q)
            np.testing.assert_allclose(table.T @ (y * (table @ x)) + ratio * x, q, atol=1e-4)
        if not isinstance(kernel, Smooth):
            fine = np.exp(-np.longdouble(s) * costs) * q
            for k, bound in enumerate(kernel.accuracy(q)):
                assert (np.abs(kernel.times(q, k)[0] - (fine * costs**k).sum(axis=1)) <= bound).all()


# Hamming ------------------------------------------------------------------------------------------------------------


def erokhin(p: np.ndarray, D: float) -> float:
    """``H(X) - H(X | X̂)`` in bits to forty digits: given X̂ = j, j has 1 - D, others in use θ, the rest their mass."""
    with localcontext() as context:
        context.prec = 40
        masses = sorted((Decimal(float(x)) for x in p if x > 0), reverse=True)
        total, level = sum(masses), Decimal(D)
        masses = [x / total for x in masses]
        if level >= 1 - masses[0]:
            return 0.0
        for k in range(len(masses), 1, -1):
            theta = (level - sum(masses[k:])) / (k - 1)
            if theta < masses[k - 1]:
                break
        told = sum(x * x.ln() for x in [*masses[:k]])
        left = (1 - level) * (1 - level).ln() + ((k - 1) * theta * theta.ln() if theta > 0 else 0)
        return float((left - told) / Decimal(2).ln())


@st.composite
def pmfs(draw: st.DrawFn) -> np.ndarray:
    """Laws with ties, gaps, zeros and masses of any size."""
    mass = (
        st.sampled_from([0.0, 1.0, 1.0, 2.0, 1e-3, 1e-12])
        | st.floats(1e-9, 1.0)
        | st.floats(-290, 0).map(lambda e: 10.0**e)
    )
    weights = np.array(draw(st.lists(mass, min_size=1, max_size=12)))
    weights[draw(st.integers(0, weights.size - 1))] += 1.0
    return weights / fsum(weights)


@given(p=pmfs(), part=st.floats(0, 1.2) | st.sampled_from([0.0, 1e-300, 1e-12, 1 - 1e-12, 1.0, 1 + 1e-12]))
@settings(max_examples=150)
def test_hamming_brackets_hold_erokhins_formula(p: np.ndarray, part: float) -> None:
    problem = rdc.Problem(sources.Discrete(p), distortions.hamming(p.size))
    D = part * (1 - p.max())
    answer = rdc.rate(problem, D, solver=solvers.ClosedForm(), tol=1e-11)
    assert_honest(answer, erokhin(problem.source.pmf, D), accuracy=1e-14)
    assert_meets(problem, answer, rdc.Target(D))
    if answer.upper > 1e-9:
        back = rdc.distortion(problem, answer.upper, solver=solvers.ClosedForm(), tol=1e-9)
        assert back.lower <= D + 1e-15
        assert back.upper >= D - 1e-11 * (1 + 1 / answer.prices.distortion)
        assert back.rate <= answer.upper + 1e-15


@pytest.mark.parametrize("part", [0.0, 0.01, 0.4, 0.95])
def test_the_closed_form_is_the_general_answer(part: float) -> None:
    p = np.random.default_rng(3).dirichlet(np.full(30, 0.5))
    problem = rdc.Problem(sources.Discrete(p), distortions.hamming(30))
    D = part * (1 - p.max())
    special = rdc.rate(problem, D, solver=solvers.ClosedForm(), tol=TOL)
    general = rdc.rate(problem, D, solver=solvers.InteriorPoint(), tol=TOL)
    assert_overlap(special, general)
    assert special.gap <= general.gap + 1e-12
    np.testing.assert_allclose(special.output, general.output, atol=1e-3)


def test_a_million_letters() -> None:
    n = 10**6
    problem = rdc.Problem(normal(1 / np.arange(1.0, n + 1)), distortions.hamming(n))
    answer = rdc.rate(problem, 0.3, tol=TOL)
    assert answer.gap <= TOL
    assert answer.achieved.D <= 0.3
    assert answer.output.shape == (n,)
    assert answer.solver == solvers.Auto(solvers.ClosedForm(), "Hamming distortion alone")
    assert rdc.distortion(problem, answer.upper, tol=TOL).upper == pytest.approx(0.3, abs=1e-12)


# Grids --------------------------------------------------------------------------------------------------------------


@each_case
@pytest.mark.parametrize("part", PARTS)
def test_grids_are_the_general_answer(problem: rdc.Problem, part: float) -> None:
    D = part * most(problem)
    special = rdc.rate(problem, D, solver=solvers.Grid(), tol=TOL)
    general = quietly(problem, D, solver=solvers.InteriorPoint(), tol=TOL)
    assert special.gap <= TOL
    assert_overlap(special, general)
    assert_meets(problem, special, rdc.Target(D))


@each_case
def test_least_distortions_invert_rates(problem: rdc.Problem) -> None:
    for part in PARTS:
        D = part * most(problem)
        there = rdc.rate(problem, D, solver=solvers.Grid(), tol=TOL)
        price = there.prices.distortion
        back = rdc.distortion(problem, there.upper, solver=solvers.Grid(), tol=3 * TOL / price)
        assert back.gap * price <= 3 * TOL
        assert back.lower <= D * (1 + 1e-12)
        assert back.upper >= D - there.gap / price - 1e-12 * D
        assert_meets(problem, back, rdc.Target(back.upper), slack=1e-12 * D)
        assert back.rate <= there.upper + 1e-12


def information(p: np.ndarray, channel: np.ndarray) -> float:
    """``I`` in bits with more digits than doubles have."""
    joint = p.astype(np.longdouble)[:, None] * channel
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(joint > 0, joint * np.log2(channel / joint.sum(axis=0)), 0).sum())


@pytest.fixture(params=["windows", "transforms"])
def sums(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "transforms":
        monkeypatch.setattr(differences, "_MOST_ENTRIES", 0.0)
        monkeypatch.setattr(differences, "_FINE", 0.0)


@pytest.mark.usefixtures("sums")
@each_case
def test_whatever_is_proposed_the_bracket_holds(problem: rdc.Problem) -> None:
    n, rng, d = problem.shape[0], np.random.default_rng(5), problem.distortion
    assert isinstance(d, Difference)
    for part in (0.7, 0.05, 1e-3):
        D = part * most(problem)
        truth = rdc.rate(problem, D, solver=solvers.Grid(), tol=TOL)
        good = truth.prices.distortion * LN2
        for slope in (good, 0.5 * good, 30 * good, 1e-6 * good, 1e5 * good):
            for alive in (1.0, 0.1, 0.02):
                q = np.where(rng.random(n) < alive, rng.gamma(0.3, size=n), 0.0)
                q[rng.integers(n)] += 0.1
                masses = rng.gamma(1.0, size=n) * problem.source.pmf if alive < 1 else None
                tilt = Tilt(q / q.sum(), slope, masses)
                for plain in (
                    Plain(problem, d, rdc.Target(D)),
                    Plain(problem, d, rdc.Target(), rate=truth.upper * LN2),
                ):
                    answer = describe(plain, [tilt], [""], solvers.Grid(), TOL)
                    if plain.minimises_rate:
                        assert answer.lower <= truth.upper
                        assert answer.upper >= truth.lower
                        spent = float(problem.source.pmf @ (answer.channel * d.values).sum(axis=1))
                        assert spent <= answer.achieved.D + 1e-14 <= D + 2e-14
                        assert (
                            information(problem.source.pmf, answer.channel)
                            <= answer.rate + 1e-12
                            <= answer.upper + 2e-12
                        )
                    else:
                        assert answer.lower <= D * (1 + 1e-12)
                        assert answer.upper >= D * (1 - 1e-9) - 2 * truth.gap / truth.prices.distortion
                        assert information(problem.source.pmf, answer.channel) <= truth.upper + 1e-12


@given(
    p=pmfs(),
    part=st.sampled_from([0.0, 1e-300, 1e-12, 1e-6, 0.2, 0.7, 1 - 1e-12, 1.0, 1 + 1e-12, 2.0]),
    power=st.sampled_from([1, 2]),
)
@settings(max_examples=100)
def test_grids_take_any_law_and_any_level(p: np.ndarray, part: float, power: int) -> None:
    n = p.size
    problem = rdc.Problem(sources.Discrete(p), distortions.difference(np.abs(np.arange(1.0 - n, n)) ** power))
    D = part * most(problem)
    answer = quietly(problem, D, solver=solvers.Grid(), tol=TOL)
    general = quietly(problem, D, solver=solvers.InteriorPoint(), tol=TOL)
    assert_overlap(answer, general)
    assert_meets(problem, answer, rdc.Target(D))
    assert answer.gap <= 1e-8


@pytest.mark.parametrize("solver", [solvers.Grid(), solvers.ClosedForm()], ids=lambda s: type(s).__name__)
def test_ends(solver: solvers.Solver) -> None:
    d: Distortion = distortions.hamming(60) if isinstance(solver, solvers.ClosedForm) else SMALL["gauss"].distortion
    problem = replace(SMALL["gauss"], distortion=d)
    entropy, D_max = problem.source.entropy, most(problem)
    assert_honest(rdc.rate(problem, 0.0, solver=solver, tol=1e-12), entropy)
    for level in (D_max * (1 + 1e-14), 2 * D_max, inf):
        answer = rdc.rate(problem, level, solver=solver, tol=1e-12)
        assert (answer.lower, answer.upper, answer.rate) == (0.0, 0.0, 0.0)
        assert pytest.approx(D_max, rel=1e-14) == answer.achieved.D
    for rate in (entropy + 1e-12, 2 * entropy):
        assert rdc.distortion(problem, rate, solver=solver, tol=1e-12).upper == 0.0
    assert rdc.distortion(problem, 1e-12, solver=solver, tol=1e-6).upper == pytest.approx(D_max, abs=1e-5)


@pytest.mark.parametrize("n", [1000, 1001])
@pytest.mark.parametrize("part", [1e-2, 1e-3, 1e-5, 1e-7])
def test_where_next_to_nothing_is_sent(n: int, part: float) -> None:
    problem = gauss(n)
    answer = rdc.rate(
        problem, (1 - part) * float(problem.source.pmf @ problem.distortion.points**2), solver=solvers.Grid(), tol=TOL
    )
    assert answer.gap <= TOL


def test_lags_without_a_zero_go_to_the_table() -> None:
    n = 300
    lags = 1.0 + np.abs(np.arange(1.0 - n, n))
    problem = rdc.Problem(sources.uniform(n), distortions.difference(lags))
    with pytest.raises(ValueError, match=r"^Grid takes differences with rho\(0\) = 0 .*; use solver=None$"):
        rdc.rate(problem, 30.0, solver=solvers.Grid())
    shifted = rdc.rate(problem, 31.0)
    plain = rdc.rate(replace(problem, distortion=distortions.difference(lags - 1)), 30.0)
    assert_overlap(shifted, plain)
    assert isinstance(shifted.solver, solvers.Auto)
    assert isinstance(shifted.solver.picked, solvers.InteriorPoint)
    assert isinstance(plain.solver, solvers.Auto)
    assert isinstance(plain.solver.picked, solvers.Grid)
    with pytest.raises(rdc.InfeasibleError, match=r"^D = 0.5 is infeasible: the smallest feasible D is 1 "):
        rdc.rate(problem, 0.5)


def test_letters_may_be_confused_for_free() -> None:
    """With rho = 0 up to lag 1, three letters in a row are told apart by less than their entropy."""
    problem = rdc.Problem(sources.uniform(3), distortions.difference([1.0, 0.0, 0.0, 0.0, 1.0]))
    assert rdc.rate(problem, 0.0).upper < 1e-12
    five = rdc.Problem(sources.uniform(5), distortions.difference([4.0, 2.0, 1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 4.0]))
    assert_overlap(rdc.rate(five, 0.0), quietly(five, 0.0, solver=solvers.Grid()))


def test_a_gaussian_on_a_fine_grid_meets_the_shannon_lower_bound() -> None:
    for D in (0.5, 0.1, 0.01):
        errors = []
        for n in (121, 1201):
            answer = rdc.rate(gauss(n, 6.0), D, solver=solvers.Grid(), tol=TOL)
            errors.append(abs(answer.upper - 0.5 * log2(1 / D)))
        assert errors[1] < max(1e-7, 0.1 * errors[0])
        assert errors[1] < 1e-6


def test_twenty_thousand_points() -> None:
    problem = gauss(20_000)
    answer = rdc.rate(problem, 0.05, tol=TOL)
    assert answer.gap <= TOL
    assert answer.achieved.D <= 0.05
    assert answer.output.sum() == pytest.approx(1.0)
    assert isinstance(answer.solver, solvers.Auto)
    assert answer.solver.picked == solvers.Grid()
    assert "values" not in vars(problem.distortion)


# The way that every verb walks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "problem", [gauss(20_000), rdc.Problem(sources.uniform(10**5), distortions.hamming(10**5))], ids=["grid", "hamming"]
)
def test_a_channel_that_is_too_large_is_refused(problem: rdc.Problem) -> None:
    answer = rdc.rate(problem, 0.3)
    n = problem.shape[0]
    for name in ("channel", "encoder"):
        with pytest.raises(
            MemoryError, match=rf"n = {n} times m = {n} numbers, {8 * n * n} bytes; use .output and .prices"
        ):
            getattr(answer, name)
    assert answer.prices.distortion > 0
    assert answer.output.size == n


def test_structure_and_table_start_from_each_other() -> None:
    problem = gauss(300)
    D = 0.2
    special = rdc.rate(problem, D)
    general = rdc.rate(problem, D, solver=solvers.InteriorPoint(), start=special)
    for solver in (solvers.BlahutArimoto(sweeps=200), solvers.InteriorPoint()):
        assert_overlap(general, quietly(problem, D, solver=solver, start=special))
    assert_overlap(special, rdc.rate(problem, D, start=general))
    assert_overlap(special, rdc.rate(problem, D, start=special))
    assert_overlap(pickle.loads(pickle.dumps(special)), general)
    np.testing.assert_allclose(special.source @ special.channel, special.output, atol=1e-12)


def test_curves_and_universal_rates_profit() -> None:
    problem = rdc.Problem(normal(np.ones(10**5)), distortions.hamming(10**5))
    curve = rdc.trace(problem, D=[0.1, 0.5, 1.0])
    assert (np.diff(curve.value) < 0).all()
    back = rdc.trace(problem, R=curve.value[:2])
    np.testing.assert_allclose(back.value, [0.1, 0.5], atol=1e-9)
    single = rdc.universal_rate(problem, [rdc.Target(0.5), rdc.Target(0.7)])
    assert single.value == curve.value[1]


def test_measures_that_are_off_are_told_all_the_same() -> None:
    labels = classifications.ErrorRate(np.arange(4) // 2, np.arange(4) // 2)
    problem = rdc.Problem(sources.Discrete([0.4, 0.3, 0.2, 0.1]), distortions.hamming(4), perceptions.KL(), labels)
    answer = rdc.rate(problem, 0.2)
    assert_meets(problem, answer, rdc.Target(0.2))
    assert 0 < answer.achieved.C < 0.2


def test_what_structure_leaves_open_the_table_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = gauss(300)
    right = rdc.rate(problem, 0.3)
    flat = Tilt(np.full(300, 1 / 300), 1.0)
    monkeypatch.setattr(solvers.Grid, "propose", lambda self, plain, tol: flat)
    answer = rdc.rate(problem, 0.3)
    assert_overlap(answer, right)
    assert answer.status is rdc.Status.CERTIFIED
    assert isinstance(answer.solver, solvers.Auto)
    assert isinstance(answer.solver.picked, solvers.InteriorPoint)
    with pytest.warns(rdc.WideBracketWarning):
        alone = rdc.rate(problem, 0.3, solver=solvers.Grid())
    assert_overlap(alone, right)
    assert isinstance(problem.distortion, Difference)
    assert not isinstance(problem.distortion, Hamming)


@pytest.mark.parametrize(
    "problem", [gauss(300), rdc.Problem(sources.uniform(4), distortions.hamming(4))], ids=["grid", "hamming"]
)
def test_a_bound_that_promises_too_much_crosses_the_other(
    problem: rdc.Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = certificate._lower
    monkeypatch.setattr(certificate, "_lower", lambda *args: right(*args) + 1e-6)
    certificate.bracket.cache_clear()
    with pytest.raises(ArithmeticError, match="bounds cross"):
        rdc.rate(problem, 0.3, tol=TOL)
