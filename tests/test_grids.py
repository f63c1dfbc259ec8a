"""Differences on uniform grids: the special answers are the general ones, at sizes where no table fits."""

import pickle
from dataclasses import replace
from math import inf, log2
from typing import Any

import numpy as np
import pytest
from brackets import assert_honest, assert_overlap, quietly
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import TOL, gauss, normal, pmfs
from measure import assert_meets
from oracles import LN2
from parts import most

import rdcfunc as rdc
from rdcfunc import distortions, solvers, sources
from rdcfunc.compilation import Plain
from rdcfunc.distortions import Difference, Distortion
from rdcfunc.plain import describe
from rdcfunc.solvers import interior_point
from rdcfunc.solvers.grid import _Walk as walk
from rdcfunc.solvers.interior import support
from rdcfunc.solvers.interior.support import Begun
from rdcfunc.structure import certificate, differences
from rdcfunc.structure.tilt import Tilt

#: Parts of the largest distortion that is worth a bit.
PARTS = (0.9, 0.3, 0.05, 0.005, 1e-5)


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


@each_case
@pytest.mark.parametrize("part", PARTS)
def test_grids_are_the_general_answer(problem: rdc.Problem, part: float) -> None:
    D = part * most(problem)
    special = rdc.rate(problem, D, solver=solvers.Grid(), tol=TOL)
    general = quietly(rdc.rate, problem, D, solver=solvers.InteriorPoint(), tol=TOL)
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
        for price in (good, 0.5 * good, 30 * good, 1e-6 * good, 1e5 * good):
            for alive in (1.0, 0.1, 0.02):
                q = np.where(rng.random(n) < alive, rng.gamma(0.3, size=n), 0.0)
                q[rng.integers(n)] += 0.1
                masses = rng.gamma(1.0, size=n) * problem.source.pmf if alive < 1 else None
                tilt = Tilt(q / q.sum(), price, masses)
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
    answer = quietly(rdc.rate, problem, D, solver=solvers.Grid(), tol=TOL)
    general = quietly(rdc.rate, problem, D, solver=solvers.InteriorPoint(), tol=TOL)
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
    assert_overlap(rdc.rate(five, 0.0), quietly(rdc.rate, five, 0.0, solver=solvers.Grid()))


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


def test_structure_and_table_start_from_each_other() -> None:
    problem = gauss(300)
    D = 0.2
    special = rdc.rate(problem, D)
    general = rdc.rate(problem, D, solver=solvers.InteriorPoint(), start=special)
    for solver in (solvers.BlahutArimoto(sweeps=200), solvers.InteriorPoint()):
        assert_overlap(general, quietly(rdc.rate, problem, D, solver=solver, start=special))
    assert_overlap(special, rdc.rate(problem, D, start=general))
    assert_overlap(special, rdc.rate(problem, D, start=special))
    assert_overlap(pickle.loads(pickle.dumps(special)), general)
    np.testing.assert_allclose(special.source @ special.channel, special.output, atol=1e-12)


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


@pytest.mark.parametrize("ordered", [True, False])
def test_of_many_letters_in_order_few_are_taken_first(ordered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, sizes = np.random.default_rng(0), []
    x, p = np.sort(rng.normal(size=600)), rng.dirichlet(np.ones(600))
    y = x if ordered else rng.permutation(x)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix((x[:, None] - y) ** 2))

    def begin(*given: Any) -> Begun:
        begun = support.begin(*given)
        sizes.append(begun.support.size)
        return begun

    monkeypatch.setattr(interior_point, "begin", begin)
    some = rdc.rate(problem, D=0.3, tol=1e-7)
    monkeypatch.setattr(support, "_MANY", 600)
    every = rdc.rate(problem, D=0.3, tol=1e-7)
    assert_overlap(some, every)
    assert max(some.gap, every.gap) <= 1e-7
    assert (3 * sizes[0] < sizes[-1]) == ordered


def test_letters_that_would_earn_more_join_those_that_were_begun_with(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(-5, 5, 394)
    lag = np.arange(-393, 394) * (x[1] - x[0])
    problem = rdc.Problem(gauss(394).source, distortions.difference(np.abs(lag) ** 1.5))
    asked = {"D": 0.2 * most(problem), "solver": solvers.Grid(), "tol": TOL}
    found = rdc.rate(problem, **asked)
    assert_overlap(found, rdc.rate(problem, asked["D"], solver=solvers.InteriorPoint()))
    monkeypatch.setattr(walk, "_add", lambda *given: None)
    few = quietly(rdc.rate, problem, **asked)
    assert few.gap > TOL >= found.gap
    assert few.upper > found.upper
