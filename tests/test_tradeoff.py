"""The verbs: ends of the curves, one surface seen from two axes, and slopes."""

from dataclasses import replace

import numpy as np
import pytest
from brackets import assert_honest, quietly, solved, truth
from measure import assert_meets
from oracles import fixed_binary, h
from parts import random_parts
from problems import COIN, LABELS, ROWS, Row, named, nonconvex_problem

import rdcfunc as rdc
from rdcfunc import classifications, distortions, solvers, sources

LABELLED = replace(COIN, classification=classifications.CrossEntropy([0, 1], [[0.9, 0.1], [0.1, 0.9]]))
#: Closed forms in which the distortion level binds.
INVERTIBLE = [
    r for r in ROWS if r.accuracy < 1e-10 and r.problem.classification is None and r.target.D > 0 and r.truth() > 1e-5
]


@pytest.mark.parametrize("row", INVERTIBLE, ids=lambda row: row.name)
def test_distortion_inverts_rate(row: Row) -> None:
    R, target = truth(row), row.target
    answer = rdc.distortion(row.problem, R, target.P)
    assert_honest(answer, target.D)
    assert answer.gap <= 1e-6
    assert answer.rate <= R + 1e-12
    assert_meets(row.problem, answer, rdc.Target(answer.upper, target.P))


@pytest.mark.parametrize("solver", [solvers.BlahutArimoto(), solvers.Conic()], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("R", [1e-4, 0.3, 0.85])
def test_solvers_agree_on_the_least_distortion(solver: solvers.Solver, R: float) -> None:
    answer = rdc.distortion(COIN, R, solver=solver)
    assert h(0.3) - h(answer.upper) <= R + 1e-9
    assert h(0.3) - h(answer.lower) >= R - 1e-9
    assert answer.gap <= 1e-6


@pytest.mark.parametrize(
    ("problem", "levels", "truth"),
    [
        (COIN, {"D": 0.3}, 0.0),
        (COIN, {"D": 7.0}, 0.0),
        (COIN, {}, 0.0),
        (COIN, {"P": 0.0}, 0.0),
        (COIN, {"D": 0.42, "P": 0.0}, 0.0),
        (COIN, {"D": 0.0}, h(0.3)),
        (COIN, {"D": 0.0, "P": 0.0}, h(0.3)),
        (COIN, {"D": 1e-12}, h(0.3) - h(1e-12)),
        (LABELLED, {"C": 1.7}, 0.0),
        (LABELLED, {"D": 0.0, "C": h(0.1) + 3}, h(0.3)),
        (replace(COIN, source=sources.Discrete([0.0, 1.0])), {"D": 0.0, "P": 0.0}, 0.0),
        (rdc.Problem(sources.uniform(1), distortions.hamming(1)), {"D": 0.0}, 0.0),
        (rdc.Problem(sources.Discrete([0.0, 0.3, 0.7]), distortions.hamming(3)), {"D": 0.1}, h(0.3) - h(0.1)),
        (rdc.Problem(sources.uniform(2), distortions.matrix(np.zeros((2, 2)))), {"D": 0.0}, 0.0),
        (rdc.Problem(sources.uniform(2), distortions.matrix(np.full((2, 2), 3.0))), {"D": 3.0}, 0.0),
    ],
)
def test_ends_of_the_rate(problem: rdc.Problem, levels: dict[str, float], truth: float) -> None:
    answer = rdc.rate(problem, **levels)
    assert_honest(answer, truth)
    assert answer.gap <= 1e-6
    assert_meets(problem, answer, rdc.Target(**levels))


@pytest.mark.parametrize(
    ("problem", "R", "P", "truth"),
    [
        (COIN, h(0.3) + 1, np.inf, 0.0),
        (COIN, 40.0, 0.0, 0.0),
        (COIN, 1e-9, np.inf, 0.3),
        (COIN, 1e-9, 0.0, 0.42),
        (rdc.Problem(sources.uniform(1), distortions.hamming(1)), 1.0, np.inf, 0.0),
        (rdc.Problem(sources.uniform(2), distortions.matrix([[0.5], [1.5]])), 1.0, np.inf, 1.0),
    ],
)
def test_ends_of_the_distortion(problem: rdc.Problem, R: float, P: float, truth: float) -> None:
    answer = rdc.distortion(problem, R, P)
    # A rate of 1e-9 bit buys at most 2e-5 of distortion, by Pinsker's inequality.
    assert_honest(answer, truth, accuracy=4e-5 if R < 1e-8 else 0.0)
    assert answer.gap <= 1e-6


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
def test_the_unit_of_distortion_is_free(factor: float) -> None:
    problem = rdc.Problem(sources.bernoulli(0.3), distortions.matrix(factor * (1 - np.eye(2))))
    answer = rdc.rate(problem, D=0.1 * factor)
    assert_honest(answer, h(0.3) - h(0.1))
    assert answer.gap <= 1e-6


PRICED = [
    named(name)
    for name in (
        "binary R(D), p=0.3, D=0.1",
        "uniform R(D), n=8, D=0.3",
        "binary R(D, P), p=0.3, D=0.1, P=0.02",
        "binary R(D, C), b=0.4, e=0.1, D=0.1, C=0.9, tagged",
        "deterministic labels, C=0.7",
        "random 7, all three levels",
    )
]
PRICED += [r for r in ROWS if r.name.startswith(("random 2", "random 6"))]


@pytest.mark.parametrize("row", PRICED, ids=lambda row: row.name)
@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_prices_are_slopes(row: Row, factor: float) -> None:
    """The surface lies above its tangent: R(level) >= lower - price · (level - level asked), for each level."""
    answer, target = solved(row), row.target
    assert isinstance(answer.prices, rdc.Prices)
    for name, price in zip(
        "DPC", (answer.prices.distortion, answer.prices.perception, answer.prices.classification), strict=True
    ):
        level = getattr(target, name)
        if level == np.inf:
            assert price == 0.0
            continue
        moved = replace(target, **{name: factor * level})
        try:
            other = rdc.rate(row.problem, moved.D, moved.P, moved.C)
        except rdc.InfeasibleError:
            continue
        assert other.upper >= answer.lower - price * (factor - 1) * level - 1e-12


@pytest.mark.parametrize(
    ("row", "axis", "slope"),
    [
        ("binary R(D), p=0.3, D=0.1", "distortion", np.log2(0.9 / 0.1)),
        ("uniform R(D), n=8, D=0.3", "distortion", np.log2(0.7 / 0.3 * 7)),
        ("deterministic labels, C=0.7", "classification", 1.0),
        ("binary R(D), p=0.3, D=0.1", "perception", 0.0),
    ],
)
def test_prices_by_hand(row: str, axis: str, slope: float) -> None:
    assert getattr(solved(named(row)).prices, axis) == pytest.approx(slope, rel=1e-3)


def test_a_start_changes_the_way_and_not_the_answer() -> None:
    row = named("binary R(D, P), p=0.3, D=0.1, P=0.02")
    elsewhere = [solved(named(name)) for name in ("binary R(D), p=0.3, D=0.29", "uniform R(D), n=8, D=0.3")]
    for start in elsewhere:
        for P in (np.inf, 0.02):
            warm = rdc.rate(row.problem, 0.1, P, start=start)
            cold = rdc.rate(row.problem, 0.1, P)
            assert abs(warm.upper - cold.upper) <= 1e-6
            assert warm.gap <= 1e-6


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-8])
def test_tol_is_what_is_asked_for(tol: float) -> None:
    assert rdc.rate(COIN, 0.1, tol=tol).gap <= tol
    assert rdc.distortion(COIN, 0.4, tol=tol).gap <= tol


def test_an_unreachable_tolerance_is_owned_up_to() -> None:
    with pytest.warns(rdc.WideBracketWarning, match=r"wider than was asked for.*tol = 1e-30"):
        answer = rdc.rate(COIN, 0.1, tol=1e-30)
    assert answer.status is rdc.Status.WIDE
    assert_honest(answer, h(0.3) - h(0.1))


def test_one_sweep_is_a_wide_bracket_and_not_a_wrong_one() -> None:
    row = next(r for r in ROWS if r.name.startswith("random 6"))
    target = row.target
    hasty = quietly(rdc.rate, row.problem, target.D, C=target.C, solver=solvers.BlahutArimoto(sweeps=1))
    assert hasty.gap > 1e-3
    assert_honest(hasty, truth(row), row.accuracy)


#: Rows whose classification level binds, by the other levels that they hold.
CLASSIFIED = [
    named(name)
    for name in (
        "binary R(D, C), b=0.4, e=0.1, D=0.3, C=0.6, tagged",
        "binary R(D, C), b=0.3, e=0.2, D=inf, C=0.8, tagged",
        "deterministic labels, C=0.7",
        "tagged alphabet, D=0.3, C=0.40205",
        "random 6, CrossEntropy",
        "random 6, ErrorRate",
        "random 7, all three levels",
    )
]


@pytest.mark.parametrize("row", CLASSIFIED, ids=lambda row: row.name)
def test_classification_inverts_rate(row: Row) -> None:
    """C(R(D, P, C), D, P) = C where the level C binds; what the oracle is wrong by shows at the slope of the curve."""
    R, target = truth(row), row.target
    answer = rdc.classification(row.problem, R, target.D, target.P)
    price = solved(row).prices.classification
    assert price > 0.1
    assert_honest(answer, target.C, 2 * row.accuracy / price)
    assert answer.gap <= 1e-6
    assert answer.rate <= R + 1e-12
    assert_meets(row.problem, answer, rdc.Target(target.D, target.P, answer.upper))


def _measured(kind: str) -> rdc.Problem:
    p, d, labels = random_parts(11, 4, 4)
    measure = {
        "tagged": classifications.ConditionalEntropy(labels, tagged=True),
        "deterministic": classifications.ConditionalEntropy([0, 1, 1, 0], tagged=True),
        "cross-entropy": classifications.CrossEntropy(labels, np.random.default_rng(0).dirichlet(np.ones(2), 4)),
        "error rate": classifications.ErrorRate(labels, [0, 1, 1, 0]),
    }[kind]
    return rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure)


@pytest.mark.parametrize("kind", ["tagged", "deterministic", "cross-entropy", "error rate"])
def test_the_surface_is_one_whichever_level_is_minimised(kind: str) -> None:
    """R(D, C(R, D)) = R and R(D(R, C), C) = R: each upper end needs no more than R bits, each lower end no less."""
    problem, R = _measured(kind), 0.35
    most = rdc.distortion(problem, R)
    D = 1.3 * most.upper
    told = rdc.classification(problem, R, D)
    assert told.gap <= 1e-6
    assert rdc.rate(problem, D, C=told.upper + 1e-12).lower <= R + 1e-12
    assert rdc.rate(problem, D, C=told.lower).upper >= R - 1e-12
    level = told.upper + 0.02
    back = rdc.distortion(problem, R, C=level)
    assert back.gap <= 1e-6
    assert most.lower <= back.upper <= D + 1e-9
    assert rdc.rate(problem, back.upper + 1e-12, C=level).lower <= R + 1e-12
    assert rdc.rate(problem, back.lower, C=level).upper >= R - 1e-12


@pytest.mark.parametrize("kind", ["tagged", "deterministic", "cross-entropy", "error rate"])
def test_ends_of_the_classification(kind: str) -> None:
    """Hardly any rate tells hardly anything; above H(X) bits nothing is lost that the levels do not cost."""
    problem = _measured(kind)
    p, measure = problem.source.pmf, problem.classification
    if isinstance(measure, classifications.ConditionalEntropy):
        prior = p @ measure.labels
        first, last = h(*prior), measure.least(p) / measure.unit
    else:
        first, last = (p @ measure.cost).min() / measure.unit, p @ measure.cost.min(axis=1) / measure.unit
    for R, end in ((1e-9, first), (h(*p) + 0.1, last), (40.0, last)):
        answer = rdc.classification(problem, R)
        # By Pinsker's inequality a rate of 1e-9 bit moves no law by more than 4e-5.
        assert_honest(answer, end, 2e-4 if R < 1e-8 else 0.0)
        assert answer.gap <= 1e-6
    D = 0.5 * float((p @ problem.distortion.values).min())
    held = rdc.classification(problem, h(*p) + 0.1, D)
    assert held.gap <= 1e-6
    assert held.lower >= last - 1e-12
    assert_meets(problem, held, rdc.Target(D, C=held.upper))


@pytest.mark.filterwarnings("ignore::rdcfunc.WideBracketWarning")
@pytest.mark.parametrize("C", [0.37, 0.40205, 0.43])
def test_the_fixed_alphabet_lies_between_the_tagged_value_and_its_own_channel(C: float) -> None:
    R = fixed_binary(0.3, LABELS, 0.3, C)
    # The bracket is honest whenever the search is stopped.
    solver = solvers.BranchAndBound(work=1_000)
    fixed, tagged = (
        rdc.classification(nonconvex_problem(t), R, 0.3, solver=s) for t, s in ((False, solver), (True, None))
    )
    assert_honest(fixed, C, 1e-6)
    assert tagged.gap <= 1e-6
    assert tagged.lower <= fixed.lower + 1e-6
    assert_meets(nonconvex_problem(False), fixed, rdc.Target(0.3, C=fixed.upper))


@pytest.mark.parametrize("seed", range(24))
def test_distortions_with_forbidden_pairs_close_and_come_back_as_rates(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(2, 6, size=2)
    d = rng.random((n, m))
    d[rng.random((n, m)) < 0.3] = np.inf
    d[np.isinf(d).all(axis=1), 0] = 1.0
    problem = rdc.Problem(sources.Discrete(rng.dirichlet(np.ones(n))), distortions.matrix(d))
    R = rdc.rate(problem, D=1.0).upper + float(rng.uniform(0.02, 1.0))
    found = rdc.distortion(problem, R)
    assert found.gap <= 1e-6
    assert found.rate <= R * (1 + 1e-9)
    assert not found.channel[np.isinf(d)].any()
    assert rdc.rate(problem, found.upper).lower <= R + 1e-9
    if found.lower > 1e-3 + problem.source.pmf @ d.min(axis=1):
        assert rdc.rate(problem, found.lower - 1e-5).upper >= R
