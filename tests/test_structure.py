"""Distortions with structure: the special answers are the general ones, at sizes where no table fits."""

from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
from brackets import assert_honest, assert_overlap, quietly
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import TOL, gauss, normal, pmfs
from measure import assert_meets

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources
from rdcfunc.compilation import Plain, compile_program
from rdcfunc.distortions import Difference, Hamming, Table
from rdcfunc.structure import certificate
from rdcfunc.structure.tilt import Tilt


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


@pytest.mark.parametrize(
    "problem", [gauss(20_000), rdc.Problem(sources.uniform(10**5), distortions.hamming(10**5))], ids=["grid", "hamming"]
)
def test_a_channel_that_is_too_large_is_refused(problem: rdc.Problem) -> None:
    answer = rdc.rate(problem, 0.3)
    n = problem.shape[0]
    for name in ("channel", "encoder"):
        with pytest.raises(MemoryError, match=rf"a table of {n} times {n} numbers, .* GB; use .output and .prices"):
            getattr(answer, name)
    assert answer.prices.distortion > 0
    assert answer.output.size == n


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


def test_the_closed_form_at_its_ends() -> None:
    """One letter alone, or a level beyond the last, needs nothing; at zero everything is sent."""

    def tilt(p: list[float], D: float) -> Tilt:
        problem = rdc.Problem(sources.Discrete(p), distortions.hamming(len(p)))
        return solvers.ClosedForm().propose(compile_program(problem, [rdc.Target(D)]), 1e-9)

    for p, D in (([0.0, 1.0], 0.0), ([0.0, 1.0], 0.3), ([0.5, 0.5], 0.7), ([0.2, 0.2, 0.6], 2.0)):
        assert (tilt(p, D).price, tilt(p, D).q.argmax()) == (0.0, int(np.argmax(p)))
        assert np.count_nonzero(tilt(p, D).q) == 1
    np.testing.assert_allclose(tilt([0.3, 0.7], 0.0).q, [0.3, 0.7])


def test_a_rate_a_hair_below_the_entropy_ends_the_search_for_its_distortion() -> None:
    """Letters of 1e-31 and less leave the rate flat, where Newton's method has nothing to go by."""
    p = [0.9809739396075554, 0.019026060392444633, 3.085810376882631e-31, 2.56e-117, 3.1e-156]
    problem = rdc.Problem(sources.Discrete(p), distortions.hamming(5))
    answer = quietly(rdc.distortion, problem, 0.09422412300050835 / np.log(2), tol=1e-20)
    assert 0 <= answer.lower <= answer.upper <= 1e-14
    assert answer.rate <= 0.09422412300050835 / np.log(2)


@pytest.mark.parametrize("q", [[np.nan, 0.5, 0.5], [np.inf, 0.0, 0.0], [1e-320, 0.0, 0.0]])
@pytest.mark.parametrize("price", [1e-300, 1.0, 1e308, np.inf])
def test_a_tilt_that_broke_down_proves_nothing_wrong(q: list[float], price: float) -> None:
    """The identity takes its place where its channel is none."""
    problem = rdc.Problem(sources.Discrete([0.2, 0.3, 0.5]), distortions.absolute_error([0.0, 1.0, 2.0]))
    truth = rdc.rate(problem, 0.3, tol=1e-9)
    with np.errstate(all="ignore"):
        found = certificate.bracket(compile_program(problem, [rdc.Target(0.3)]), Tilt(np.array(q), price))
    assert 0 <= found.lower <= truth.upper * np.log(2)
    assert truth.lower * np.log(2) <= found.upper <= problem.source.entropy * np.log(2) + 1e-9
