"""The fixed alphabet: branch and bound over class posteriors closes what local searches and tags leave open."""

from dataclasses import replace

import numpy as np
import pytest
from brackets import assert_honest, assert_overlap, quietly, rate_at
from measure import assert_meets, information
from oracles import GRID, fixed_binary, h
from parts import random_square
from problems import LABELS, nonconvex_problem
from scipy.special import entr

import rdcfunc as rdc
from rdcfunc import Target, certificate, classifications, distortions, perceptions, solvers, sources
from rdcfunc.compilation import tabulate
from rdcfunc.information import Array
from rdcfunc.program import Axis
from rdcfunc.solvers import levels as by_way_of_rates
from rdcfunc.solvers import linear
from rdcfunc.solvers.levels import by_rates
from rdcfunc.solvers.linear import Supports


def instance(seed: int, n: int, m: int, K: int) -> tuple[rdc.Problem, Target]:
    """Return a random problem and a target whose levels lie between the strictest and the idle ones."""
    rng = np.random.default_rng(seed)
    p, d, labels = rng.dirichlet(np.full(n, 2.0)), rng.random((n, m)), rng.dirichlet(np.full(K, 0.5), n)
    d -= d.min(axis=1, keepdims=True)
    least, most = float(p @ [h(*row) for row in labels]), h(*(p @ labels))
    D, C = float((p @ d).min()) * rng.uniform(0.3, 0.9), least + (most - least) * rng.uniform(0.5, 0.95)
    measure = classifications.ConditionalEntropy(labels)
    return rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure), Target(D, C=C)


def tagged(problem: rdc.Problem) -> rdc.Problem:
    measure = problem.classification
    return replace(problem, classification=classifications.ConditionalEntropy(measure.labels, tagged=True))


def judged(problem: rdc.Problem, channel: Array) -> rdc.Problem:
    """Return the problem of the fixed classifier that belongs to a channel."""
    p, labels = problem.source.pmf, problem.classification.labels
    joint = (p[:, None] * channel).T @ labels + 1e-9 * (p @ labels)
    answers = joint / joint.sum(axis=1, keepdims=True)
    return replace(problem, classification=classifications.CrossEntropy(labels, answers))


@pytest.mark.parametrize("C", [0.36764, 0.40205, 0.42, 0.43647])
def test_the_counterexample_is_closed(C: float) -> None:
    answer = rdc.rate(nonconvex_problem(False), 0.3, C=C)
    assert_honest(answer, fixed_binary(0.3, LABELS, 0.3, C), GRID)
    assert answer.gap <= 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_binary_problems_agree_with_every_channel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, labels = rng.uniform(0.1, 0.5), tuple(map(float, rng.random(2)))
    table = np.array([[1 - labels[0], labels[0]], [1 - labels[1], labels[1]]])
    source = np.array([1 - p, p])
    least, most = float(source @ [h(*row) for row in table]), h(*(source @ table))
    D, C = rng.uniform(0.2, 0.9) * p, least + rng.uniform(0.3, 0.95) * (most - least)
    problem = rdc.Problem(
        sources.bernoulli(p), distortions.hamming(2), classification=classifications.ConditionalEntropy(table)
    )
    answer = rdc.rate(problem, D, C=C)
    assert_honest(answer, fixed_binary(p, labels, D, C), GRID)
    assert answer.gap <= 1e-6


#: Of 63 instances; these nine close too, and take a second each.
SLOW = {24, 36, 38, 39, 42, 43, 48, 54, 58}


@pytest.mark.parametrize("seed", sorted({*range(63)} - SLOW))
def test_between_tags_and_a_fixed_classifier(seed: int) -> None:
    """R_tagged <= R_fix <= R of the cross-entropy of the solution's own posteriors; and no channel beats the bound."""
    n, m, K = [(2, 2, 2), (3, 2, 2), (3, 3, 2), (4, 3, 2), (4, 4, 2), (2, 2, 3), (3, 2, 3), (3, 3, 3)][seed % 8]
    problem, target = instance(seed, n, m, K)
    try:
        answer = rate_at(problem, target, tol=1e-4)
    except rdc.InfeasibleError:
        assert rng_meets(problem, target, seed) == np.inf
        return
    assert answer.gap <= 1e-4
    assert_meets(problem, answer, target)
    # The classifier misses the level by the dust that it answers with; prices are a proof at any level.
    eased = replace(target, C=target.C + 1e-7)
    lower = certificate.lower_bound(tabulate(problem, [eased]), answer.candidate) / np.log(2)
    relaxed = rate_at(tagged(problem), eased, tol=1e-3)
    fixed = rate_at(judged(problem, answer.channel), eased, tol=1e-5)
    assert relaxed.lower <= min(answer.upper, fixed.upper)
    assert lower <= fixed.upper
    assert answer.lower <= rng_meets(problem, target, seed) + 1e-12


def rng_meets(problem: rdc.Problem, target: Target, seed: int, draws: int = 4000) -> float:
    """Return the least information of random channels that meet the levels; inf if none does."""
    rng = np.random.default_rng(seed)
    p, d, labels = problem.source.pmf, problem.distortion.values, problem.classification.labels
    shape = 10.0 ** rng.uniform(-2, 0, (draws, 1, 1))
    channels = (rng.gamma(shape, size=(draws, *d.shape)) + 1e-9) * np.exp(-rng.uniform(0, 20, (draws, 1, 1)) * d)
    channels /= channels.sum(axis=2, keepdims=True)
    cheap = channels[np.einsum("x,kxj,xj->k", p, channels, d) <= target.D]
    joint, mass = np.einsum("x,kxj,xs->kjs", p, cheap, labels), p @ cheap
    told = (entr(joint).sum(axis=(1, 2)) - entr(mass).sum(axis=1)) / np.log(2)
    return min((information(p, channel) for channel in cheap[told <= target.C]), default=np.inf)


def test_a_local_search_from_one_start_may_miss_by_far() -> None:
    """Alternation from the classifier that shows each source letter's dearest choice ends 0.28 bit above."""
    problem, target = instance(1, 3, 3, 2)
    answer = rate_at(problem, target)
    assert answer.gap <= 1e-6
    start = np.eye(3)[problem.distortion.values.argmin(axis=1)][:, ::-1]
    channel, value = 0.9 * start + 0.1 / 3, np.inf
    for _ in range(20):
        local = rdc.rate(judged(problem, channel), target.D, C=target.C, tol=1e-5)
        assert local.value <= value + 1e-4  # the alternation goes down, and stops
        value, channel = local.value, local.channel
    assert value > answer.upper + 0.28


def test_the_least_distortion_at_the_rate_of_the_counterexample() -> None:
    problem = nonconvex_problem(False)
    exact = fixed_binary(0.3, LABELS, 0.2, 0.40205)
    least = rdc.distortion(problem, exact, C=0.40205, tol=1e-4)
    assert_honest(least, 0.2, 1e-6)
    assert least.gap <= 1e-4


def test_perception_on_top_is_closed_too() -> None:
    problem, target = instance(1, 3, 3, 2)
    problem = replace(problem, distortion=distortions.hamming(3), perception=perceptions.TotalVariation())
    target = Target(0.5, 0.05, target.C)
    answer = rate_at(problem, target, solver=solvers.BranchAndBound(nodes=200))
    assert answer.gap <= 1e-6
    assert_meets(problem, answer, target, 1e-9)
    without = rate_at(
        replace(problem, perception=None), Target(0.5, C=target.C), solver=solvers.BranchAndBound(nodes=200)
    )
    assert without.lower <= answer.upper


def test_one_decoder_or_two_with_the_same_level() -> None:
    """Two decoders with levels that both bind cost at least either alone, and no more than both levels on one."""
    problem = nonconvex_problem(False)
    theta = [Target(0.3, C=0.42), Target(0.25, C=0.43)]
    both = quietly(rdc.universal_rate, problem, theta, tol=1e-4)
    singles = [rate_at(problem, target, tol=1e-4) for target in theta]
    one = rate_at(problem, Target(0.25, C=0.42), tol=1e-4)
    assert both.gap <= 1e-4
    assert both.upper >= max(s.lower for s in singles)
    assert both.lower <= one.upper


def test_half_spaces_that_have_long_had_no_price_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, target = instance(1, 3, 3, 2)
    problem = replace(problem, distortion=distortions.hamming(3), perception=perceptions.KL())
    asked = {"encoder": 0.7 * np.eye(3) + 0.1, "P": 0.01, "C": target.C + 0.1}
    every = rdc.decode(problem, **asked)
    dropped, drop = [], Supports._drop
    monkeypatch.setattr(linear, "_MOST", 2)
    monkeypatch.setattr(Supports, "_drop", lambda self, idle: dropped.append(idle) or drop(self, idle))
    few = rdc.decode(problem, **asked)
    assert dropped
    assert few.gap <= 1e-6
    assert_overlap(few, every)


def test_a_rate_that_the_work_does_not_show_to_be_enough_leaves_the_distortion_open() -> None:
    """It is; with little work no channel is found, and none is said to be missing."""
    rate = fixed_binary(0.3, LABELS, 0.2, 0.40205)
    little = solvers.BranchAndBound(1, starts=1, work=1)
    answer = quietly(rdc.distortion, nonconvex_problem(False), rate, C=0.40205, solver=little)
    assert answer.lower <= 0.2 <= answer.upper
    with pytest.raises(rdc.InfeasibleError, match=r"^R = 0\.05 is infeasible: the smallest feasible R is 0\.13"):
        rdc.distortion(nonconvex_problem(False), 0.05, C=0.40205)


def test_few_levels_tried_leave_an_honest_bracket(monkeypatch: pytest.MonkeyPatch) -> None:
    """By brackets of rates where these are not convex in the level, and by prices where they are."""
    monkeypatch.setattr(by_way_of_rates, "_LEVELS", 2)
    exact = fixed_binary(0.3, LABELS, 0.2, 0.40205)
    few = quietly(rdc.distortion, nonconvex_problem(False), exact, C=0.40205)
    assert few.lower <= 0.2 + 1e-6
    assert few.upper >= 0.2 - 1e-6
    assert few.gap > 1e-4
    square = random_square(4)
    program = tabulate(square, [Target()], 0.8 * np.log(2), Axis.D)
    found = [certificate.bracket(program, c) for c in by_rates(program, 1e-9, solvers.InteriorPoint().solve)]
    truth = rdc.distortion(square, 0.8)
    scale = program.goal.unit
    assert max(b.lower for b in found) / scale <= truth.upper
    assert truth.lower <= min(b.upper for b in found) / scale
