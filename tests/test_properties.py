"""Whatever the problem: brackets hold against other channels, other questions, other solvers and a convex program.

The upper end is checked by measuring the channel that is returned, the lower end by channels that were not: whatever
meets the levels, found by whomever for whatever question, spends no less.
"""

import warnings
from contextlib import suppress
from functools import partial

import cvxpy as cp
import numpy as np
from brackets import assert_overlap, quietly
from cases import ENTROPIES, FIXED, ROUNDING, SHAPES, Case, cases
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from measure import assert_meets, information
from oracles import PROGRAM, channel_program

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, solvers, sources

inf = np.inf


def assert_attained(case: Case, answer: rdc.Solution, target: Target, R: float = inf) -> None:
    """Assert that the channel of an answer meets every level and the rate, and attains the upper end."""
    assert answer.lower <= answer.upper
    if answer.upper == inf:
        return
    assert_meets(case.problem, answer, target)
    assert information(case.p, answer.encoder) <= R + ROUNDING


def truth(case: Case, target: Target) -> float | None:
    """Return the least rate by a convex program in the channel, of a problem without entropies, if it is solved."""
    costs = [(np.asarray(case.problem.distortion.values), target.D)]
    measure = case.problem.classification
    if isinstance(measure, classifications.FixedClassifier):
        costs.append((np.asarray(measure.cost) / measure.unit, target.C))
    levels = partial(SHAPES[case.shape][1], case.p, target.P) if case.shape else lambda q: []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The program says that it is inaccurate, and then it tells nothing.
        try:
            return channel_program(case.p, costs, levels)
        except (AssertionError, cp.SolverError):
            return None


CONVEX = cases(least=2, shapes=tuple(SHAPES)) | cases(least=2) | cases(least=2, shapes=("TV", "KL"), classes=FIXED)


@given(CONVEX)
def test_a_convex_program_in_the_channel_agrees(case: Case) -> None:
    assume(case.p.min() > 1e-4)  # what the program's own tolerances can tell
    answer = quietly(rdc.rate, case.problem, *(getattr(case.target, name) for name in "DPC"))
    assert_attained(case, answer, case.target)
    known = truth(case, case.target)
    assume(known is not None)
    # At slopes of a hundred bits per unit the program's accuracy in a level is one of 1e-8 in the rate, and more.
    slack = PROGRAM + 1e-7 * (1 + answer.prices.distortion + answer.prices.classification)
    assert answer.lower <= known + slack
    assert answer.upper >= known - slack


@settings(max_examples=settings().max_examples // 2)
@given(CONVEX)
def test_no_channel_beats_the_lower_end_of_any_verb(case: Case) -> None:
    judge_every_verb(case)


@settings(max_examples=max(3, settings().max_examples // 8))
@given(cases(least=2, classes=ENTROPIES))
def test_no_channel_beats_the_lower_end_of_any_verb_with_entropies(case: Case) -> None:
    judge_every_verb(case, tol=1e-2)


def judge_every_verb(case: Case, tol: float = 1e-4) -> None:
    problem, target = case.problem, case.target
    spent = information(case.p, case.witness)
    answer = quietly(rdc.rate, problem, target.D, target.P, target.C, tol=tol)
    assert answer.lower <= spent + ROUNDING
    assert_attained(case, answer, target)
    assume(spent > 1e-6)
    R = spent * (1 + 1e-9) + 1e-9
    asked = {
        "D": lambda: rdc.distortion(problem, R, target.P, target.C, tol=tol),
        "P": lambda: rdc.perception(problem, R, target.D, target.C, tol=tol),
        "C": lambda: rdc.classification(problem, R, target.D, target.P, tol=tol),
    }
    for name, measure in (("D", True), ("P", problem.perception), ("C", problem.classification)):
        if measure:
            least = quietly(asked[name])
            assert least.lower <= getattr(target, name) + ROUNDING
            assert_attained(case, least, Target(**{k: getattr(target, k) for k in "DPC" if k != name}), R)
            if least.upper < inf:
                assert abs(getattr(case.achieved(least.channel), name) - least.upper) <= 1e-9 or name == "C"


@given(cases(least=2, shapes=("TV", "KL", "Wasserstein")) | cases(classes=(*FIXED, "tagged")))
def test_no_decoder_beats_the_lower_end_of_decode_and_no_encoder_that_of_a_pair(case: Case) -> None:
    """The witness is an encoder; its letters, shown as they are, are a decoder, and its clones serve two targets."""
    problem, target = case.problem, case.target
    best = quietly(rdc.decode, problem, case.witness, target.P, target.C, tol=1e-4)
    assert best.lower <= target.D + ROUNDING
    assert best.upper == inf or abs(case.achieved(best.channel).D - best.upper) <= 1e-9
    loose = Target(target.D, inf, target.C)
    both = [target, loose]
    one = quietly(rdc.universal_rate, problem, both, tol=1e-4)
    alone = quietly(rdc.rate, problem, target.D, target.P, target.C, tol=1e-4)
    assert_overlap(one, alone)  # The first target implies the second.
    assert one.lower <= information(case.p, case.witness) + ROUNDING


@given(cases(least=2, shapes=("TV", "Hellinger", "Wasserstein")) | cases(least=2) | cases(least=2, classes=FIXED))
@example(Case(rdc.Problem(sources.Discrete([1e-300, 0.5, 0.5]), distortions.matrix(1 - np.eye(3))), np.eye(3), None))
def test_every_solver_that_takes_the_problem_agrees(case: Case) -> None:
    problem, target = case.problem, case.target
    levels = {name: getattr(target, name) for name in "DPC"}
    answers = [quietly(rdc.rate, problem, **levels, tol=1e-5)]
    for solver in (solvers.InteriorPoint(), solvers.Conic(), solvers.BlahutArimoto(sweeps=200)):
        try:
            answers.append(quietly(rdc.rate, problem, **levels, tol=1e-5, solver=solver))
        except ValueError as refusal:
            assert "; use solvers." in str(refusal)  # noqa: PT017 - a refusal names the cure
    assert_overlap(*answers)
    assert len(answers) > 2


@given(cases(least=2, shapes=("TV", "KL")) | cases(least=2))
def test_there_and_back(case: Case) -> None:
    """The least rate at the least distortion is no more than the rate allowed, and the other way round."""
    problem, target = case.problem, case.target
    assume(target.P > 1e-6)
    there = quietly(rdc.rate, problem, target.D, target.P, target.C, tol=1e-5)
    assume(there.upper < inf)
    R = max(there.upper, 1e-3)
    back = quietly(rdc.distortion, problem, R, target.P, target.C, tol=1e-5)
    assert back.lower <= target.D + ROUNDING
    assume(back.upper < inf)
    again = quietly(rdc.rate, problem, back.upper, target.P, target.C, tol=1e-5)
    assert again.lower <= R + ROUNDING


@settings(max_examples=max(2, settings().max_examples // 12))
@given(cases(least=2, shapes=("TV", "Wasserstein")), st.floats(0.1, 0.9), st.floats(0.2, 1.0))
def test_a_curve_of_targets_lies_between_its_points_and_its_corner(case: Case, share: float, wide: float) -> None:
    """Whoever serves the curve serves its points; whoever meets the least of both levels serves the curve."""
    problem = case.problem
    R = share * information(case.p, np.eye(len(case.p))[np.asarray(problem.distortion.values).argmin(axis=1)])
    assume(R > 1e-3)
    low, high = case.target.P * (1 - wide), case.target.P
    whole = quietly(rdc.universal_rate, problem, rdc.IsoRate(R, P=(low, high)), tol=1e-2)
    ends = [quietly(rdc.distortion, problem, R, P, tol=1e-5) for P in (low, high)]
    assume(max(end.upper for end in ends) < inf)
    points = [Target(end.upper, P) for end, P in zip(ends, (low, high), strict=True)]
    assert quietly(rdc.universal_rate, problem, points, tol=1e-2).lower <= whole.upper + ROUNDING
    assert whole.lower <= whole.upper
    with suppress(rdc.InfeasibleError):  # no channel meets the least of both
        corner = quietly(rdc.rate, problem, ends[1].lower, low, tol=1e-4)
        assert whole.lower <= corner.upper + ROUNDING
