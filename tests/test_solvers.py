"""Who takes what: a refusal names the solver, what it cannot take, and who can."""

import re
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from brackets import assert_honest, assert_overlap, quietly, rate_at, truth
from measure import assert_meets
from problems import COIN, ROWS, Row, named, nonconvex_problem

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, solvers, sources
from rdcfunc.compilation import tabulate
from rdcfunc.solvers import alternation, interior_point
from rdcfunc.solvers.linear import LinearProgram

JUDGED = replace(COIN, classification=classifications.ErrorRate([0, 1], [0, 1]))
LINE = rdc.Problem(sources.uniform(600), distortions.squared_error(np.linspace(0, 1, 600)))

REFUSALS = [
    (solvers.BlahutArimoto(), COIN, {"D": 0.1, "P": 0.1}, "TotalVariation", "solvers.Conic()"),
    (solvers.BlahutArimoto(), nonconvex_problem(True), {"C": 0.4}, "conditional entropy", "solvers.Alternation()"),
    (solvers.BlahutArimoto(), nonconvex_problem(False), {"C": 0.4}, "conditional entropy", "solvers.Alternation()"),
    (solvers.Conic(), nonconvex_problem(True), {"C": 0.4}, "H(S|X̂) <= C", "solvers.Alternation()"),
    (solvers.Conic(), nonconvex_problem(False), {"C": 0.4}, "H(S|X̂) <= C", "solvers.Alternation()"),
    (solvers.InteriorPoint(), nonconvex_problem(True), {"C": 0.4}, "H(S|X̂) <= C", "solvers.Alternation()"),
    (solvers.ClosedForm(), COIN, {"D": 0.1, "P": 0.1}, "TotalVariation", "solver=None"),
    (solvers.ClosedForm(), JUDGED, {"C": 0.1}, "classifier", "solver=None"),
    (solvers.ClosedForm(), LINE, {"D": 0.1}, "Difference distortion", "solver=None"),
    (solvers.Grid(), nonconvex_problem(True), {"C": 0.4}, "conditional entropy", "solver=None"),
    (solvers.Grid(), COIN, {"D": 0.1}, "Hamming distortion", "solver=None"),
    (solvers.Alternation(), COIN, {"D": 0.1}, "conditional entropies", "solver=None"),
    (solvers.ColumnGeneration(), nonconvex_problem(False), {"C": 0.4}, "no such entropy", "solver=None"),
    (solvers.Chords(), nonconvex_problem(False), {"C": 0.4}, "at any rate", "solver=None"),
]


@pytest.mark.parametrize(("solver", "problem", "levels", "party", "cure"), REFUSALS)
def test_refusals_name_both_parties_and_the_cure(
    solver: solvers.Solver, problem: rdc.Problem, levels: dict[str, float], party: str, cure: str
) -> None:
    pattern = f"^{type(solver).__name__} .*{re.escape(party)}.*; use {re.escape(cure)}$"
    with pytest.raises(ValueError, match=pattern):
        rdc.rate(problem, **levels, solver=solver)


def test_the_cure_of_each_refusal_works() -> None:
    for _, problem, levels, _, cure in REFUSALS:
        chosen = None if cure == "solver=None" else eval(cure, {"solvers": solvers})
        assert rdc.rate(problem, **levels, solver=chosen, tol=0.05).gap <= 0.05


def test_a_level_that_is_off_is_no_reason_to_refuse() -> None:
    answer = rdc.rate(COIN, 0.1, solver=solvers.BlahutArimoto())
    assert_honest(answer, truth(named("binary R(D), p=0.3, D=0.1")))
    assert answer.gap <= 1e-6


@pytest.mark.parametrize(
    ("problem", "levels", "picked", "reason"),
    [
        (COIN, {"D": 0.1}, solvers.ClosedForm, "Hamming distortion alone"),
        (
            replace(COIN, distortion=distortions.matrix(1 - np.eye(2))),
            {"D": 0.1},
            solvers.InteriorPoint,
            "linear levels",
        ),
        (LINE, {"D": 0.01}, solvers.Grid, "uniform grid"),
        (COIN, {"D": 0.1, "P": 0.02}, solvers.InteriorPoint, "linear levels and TotalVariation"),
        (JUDGED, {"C": 0.1}, solvers.InteriorPoint, "linear levels"),
        (nonconvex_problem(True), {"D": 0.3, "C": 0.4}, solvers.ColumnGeneration, "letters with tags"),
        (nonconvex_problem(False), {"D": 0.3, "C": 0.4}, solvers.BranchAndBound, "fixed alphabet"),
    ],
)
def test_the_structure_picks_the_solver(
    problem: rdc.Problem, levels: dict[str, float], picked: type[solvers.Solver], reason: str
) -> None:
    chosen = quietly(rdc.rate, problem, **levels, tol=1e-3).solver  # the last one is not convex
    assert isinstance(chosen, solvers.Auto)
    assert isinstance(chosen.picked, picked)
    assert reason in chosen.reason


ENTROPIC = [r for r in ROWS if not r.convex and not r.wide]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("row", ENTROPIC[::4], ids=lambda row: row.name)
def test_any_seed_of_the_alternation_is_honest(row: Row, seed: int) -> None:
    few = solvers.Alternation(starts=1, sweeps=50, seed=seed)
    # One start may stop at a local minimum.
    answer = quietly(rdc.rate, row.problem, row.target.D, C=row.target.C, solver=few)
    assert_honest(answer, truth(row), row.accuracy)


@pytest.mark.parametrize("tagged", [True, False])
def test_a_limit_of_work_ends_the_alternation_with_an_honest_bracket(
    tagged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = named(f"{'tagged' if tagged else 'fixed'} alphabet, {'D=0.3, ' if tagged else ''}C=0.40205")
    sweep, made = alternation.advance, []
    monkeypatch.setattr(alternation, "advance", lambda *given, **options: made.append(1) or sweep(*given, **options))

    def answer(work: int) -> rdc.Solution:
        made.clear()
        return rdc.rate(row.problem, row.target.D, C=row.target.C, solver=solvers.Alternation(work=work))

    with pytest.warns(rdc.WideBracketWarning):
        few = answer(20)
    assert 20 < len(made) <= 22  # and one that ends each of at most two starts
    assert_honest(few, truth(row), row.accuracy)
    with nullcontext() if tagged else pytest.warns(rdc.WideBracketWarning):
        more = answer(2000)
    assert 22 < len(made) < 2000
    assert_honest(more, truth(row), row.accuracy)
    # On the alphabet as it is, the channel that shows the level to be within reach is a good start.
    assert more.upper < few.upper - 1e-3 if tagged else more.upper <= few.upper


def test_the_same_seed_gives_the_same_answer() -> None:
    problem = rdc.Problem(
        sources.Discrete([0.2, 0.3, 0.5]),
        distortions.hamming(3),
        classification=classifications.ConditionalEntropy([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], tagged=True),
    )
    first, second = (rdc.rate(problem, 0.2, C=0.8, solver=solvers.Alternation(seed=3)) for _ in range(2))
    assert (first.lower, first.upper) == (second.lower, second.upper)
    np.testing.assert_array_equal(first.encoder, second.encoder)


@pytest.mark.parametrize("tagged", [True, False])
def test_alternation_takes_a_perception_too(tagged: bool) -> None:
    problem, target = (
        replace(nonconvex_problem(tagged), perception=perceptions.TotalVariation()),
        Target(0.25, 0.02, 0.42),
    )
    ours = rate_at(problem, target, solver=solvers.Alternation(starts=2), tol=1e-4)
    assert_meets(problem, ours, target)
    assert_overlap(ours, rate_at(problem, target, tol=1e-4))
    again = rate_at(problem, target, solver=solvers.Alternation(starts=1), tol=1e-4, start=ours)
    assert again.upper <= ours.upper + 1e-4
    assert ours.upper < np.inf


@pytest.mark.parametrize("tagged", [True, False])
def test_random_starts_do_without_forbidden_pairs(tagged: bool) -> None:
    """A tolerance out of reach has every start tried, and a letter without mass may have no pair at all."""
    table = np.array([[0.0, 0.7], [np.inf, 0.0], [np.inf, np.inf]])
    measure = classifications.ConditionalEntropy([[0.8, 0.2], [0.4, 0.6], [0.5, 0.5]], tagged=tagged)
    problem = rdc.Problem(sources.Discrete([0.45, 0.55, 0.0]), distortions.matrix(table), classification=measure)
    every = rate_at(problem, Target(0.2, C=0.93), solver=solvers.Alternation(sweeps=50), tol=1e-15)
    assert every.channel[1, 0] == 0
    assert np.isfinite(every.upper)
    assert_overlap(every, rate_at(problem, Target(0.2, C=0.93)))


def test_a_backend_that_cannot_solve_a_program_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^'OSQP' cannot solve this program: "):
        rdc.rate(COIN, 0.1, 0.02, solver=solvers.Conic(backend="OSQP"))


def test_without_a_level_nothing_is_sent() -> None:
    (found,) = {id(c): c for c in solvers.BlahutArimoto().solve(tabulate(COIN, [Target()]), 1e-6)}.values()
    np.testing.assert_array_equal(found.channel[0], found.channel[1])


def test_a_letter_that_nothing_may_show_is_no_hindrance() -> None:
    """Tilted to a conic solver's prices, a column that is forbidden for all source letters would have no mass."""
    table, ground = [[0.0, 1.0, np.inf], [1.0, 0.0, np.inf]], np.abs(np.subtract.outer(np.arange(2.0), np.arange(3.0)))
    problem = rdc.Problem(sources.bernoulli(0.4), distortions.matrix(table), perceptions.Wasserstein(ground))
    fewer = replace(problem, distortion=distortions.hamming(2), perception=perceptions.Wasserstein(ground[:, :2]))
    found = rdc.rate(problem, 0.1, 0.05, solver=solvers.Conic())
    assert not found.channel[:, 2].any()
    assert_overlap(found, rdc.rate(fewer, 0.1, 0.05))


@pytest.mark.parametrize("tagged", [True, False])
def test_the_alternation_sharpens_a_classifier_that_the_level_is_out_of_reach_of(tagged: bool) -> None:
    """Beside a perception; at the least entropy there is it ends after a while, and claims no more than is so."""
    labels, p = np.array([[0.0, 1.0], [1e-5, 1 - 1e-5], [1.0, 0.0]]), [0.44, 0.52, 0.04]
    measure = classifications.ConditionalEntropy(labels, tagged=tagged)
    problem = rdc.Problem(sources.Discrete(p), distortions.hamming(3), perceptions.TotalVariation(), measure)
    least = measure.least(problem.source.pmf) / np.log(2)
    near = Target(0.1, 0.05, least * 1.001)
    answer = rate_at(problem, near, solver=solvers.Alternation())
    assert_meets(problem, answer, near)
    assert_overlap(answer, rate_at(problem, near, tol=1e-4))
    exact = rate_at(problem, Target(0.0, 0.0, least), solver=solvers.Alternation(starts=1))
    assert_honest(exact, problem.source.entropy)


def test_an_alternation_without_work_left_finds_no_channel_and_does_not_say_there_is_none() -> None:
    problem = replace(nonconvex_problem(True), perception=perceptions.TotalVariation())
    given = {"R": 0.8, "P": 0.1, "C": 0.3, "tol": 1e-3}
    answer = quietly(rdc.distortion, problem, **given, solver=solvers.Alternation(work=1))
    assert answer.status is rdc.Status.NO_CHANNEL
    assert answer.lower <= rdc.distortion(problem, **given).upper < answer.upper


def test_a_large_alphabet_with_forbidden_pairs_is_taken_by_few_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters join those that were begun with, and each source letter keeps one that it may show.

    After one round of joining the bracket is what it is.
    """
    rng, n, m = np.random.default_rng(0), 40, 800
    d = rng.random((n, m))
    d[rng.random((n, m)) < 0.3] = np.inf
    d[np.arange(n), np.arange(n)] = 0.05
    problem = rdc.Problem(sources.uniform(n), distortions.matrix(d))
    answers = [rdc.rate(problem, 0.06, solver=s) for s in (solvers.InteriorPoint(), solvers.BlahutArimoto())]
    assert_overlap(*answers)
    for answer in answers:
        assert answer.gap <= 1e-6
        assert not answer.channel[np.isinf(d)].any()
    monkeypatch.setattr(interior_point, "_ROUNDS", 1)
    once = quietly(rdc.rate, problem, 0.06, solver=solvers.InteriorPoint())
    assert once.gap > 1e-6
    assert_overlap(once, answers[0])


def test_a_linear_program_without_an_answer_has_no_prices() -> None:
    """Where the solver gives up, or knows no ray, nothing is claimed; where it knows one, Farkas' lemma holds."""
    one = np.ones((1, 1))
    for cost, table, low, high in (([-1.0], one, 0.0, np.inf), ([1.0], 0 * one, 1.0, np.inf)):
        found, prices = LinearProgram(np.array(cost), table, np.array([low]), np.array([high])).solve()
        assert found is None
        assert not prices.any()
    found, prices = LinearProgram(np.array([np.inf]), one, np.array([2.0]), np.array([3.0])).solve()
    assert found is None
    assert prices[0] * 2.0 > 0
