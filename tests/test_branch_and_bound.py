"""The fixed alphabet: branch and bound over class posteriors closes what local searches and tags leave open."""

import warnings
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from brackets import assert_honest, assert_overlap, quietly
from measure import assert_meets, information
from oracles import fixed_binary, h
from problems import LABELS, nonconvex_problem
from scipy.special import entr

import rdcfunc as rdc
from rdcfunc import Target, certificate, classifications, distortions, perceptions, solvers, sources
from rdcfunc.candidate import Candidate, Dual
from rdcfunc.columns import regions
from rdcfunc.compilation import tabulate
from rdcfunc.information import Array
from rdcfunc.solvers.linear import LinearProgram

#: What the exhaustive grid over 2x2 channels leaves in a rate, in bits.
GRID = 1e-7
COUNTEREXAMPLE = Target(0.3, C=0.40205)


def instance(seed: int, n: int, m: int, K: int) -> tuple[rdc.Problem, Target]:
    """Return a random problem and a target whose levels lie between the strictest and the idle ones."""
    rng = np.random.default_rng(seed)
    p, d, labels = rng.dirichlet(np.full(n, 2.0)), rng.random((n, m)), rng.dirichlet(np.full(K, 0.5), n)
    d -= d.min(axis=1, keepdims=True)
    least, most = float(p @ [h(*row) for row in labels]), h(*(p @ labels))
    D, C = float((p @ d).min()) * rng.uniform(0.3, 0.9), least + (most - least) * rng.uniform(0.5, 0.95)
    measure = classifications.ConditionalEntropy(labels)
    return rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure), Target(D, C=C)


def rate(problem: rdc.Problem, target: Target, nodes: int | None = None, tol: float = 1e-6) -> rdc.Solution:
    solver = None if nodes is None else solvers.BranchAndBound(nodes=nodes)
    return quietly(rdc.rate, problem, target.D, target.P, target.C, solver=solver, tol=tol)


def tagged(problem: rdc.Problem) -> rdc.Problem:
    measure = problem.classification
    return replace(problem, classification=classifications.ConditionalEntropy(measure.labels, tagged=True))


def judged(problem: rdc.Problem, channel: Array) -> rdc.Problem:
    """Return the problem of the fixed classifier that belongs to a channel."""
    p, labels = problem.source.pmf, problem.classification.labels
    joint = (p[:, None] * channel).T @ labels + 1e-9 * (p @ labels)
    answers = joint / joint.sum(axis=1, keepdims=True)
    return replace(problem, classification=classifications.CrossEntropy(labels, answers))


# The known ------------------------------------------------------------------------------------------------------


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


# Theorems on random problems ------------------------------------------------------------------------------------


#: Of 63 instances; these nine close too, and take a second each.
SLOW = {24, 36, 38, 39, 42, 43, 48, 54, 58}


@pytest.mark.parametrize("seed", sorted({*range(63)} - SLOW))
def test_between_tags_and_a_fixed_classifier(seed: int) -> None:
    """R_tagged <= R_fix <= R of the cross-entropy of the solution's own posteriors; and no channel beats the bound."""
    n, m, K = [(2, 2, 2), (3, 2, 2), (3, 3, 2), (4, 3, 2), (4, 4, 2), (2, 2, 3), (3, 2, 3), (3, 3, 3)][seed % 8]
    problem, target = instance(seed, n, m, K)
    try:
        answer = rate(problem, target, tol=1e-4)
    except rdc.InfeasibleError:
        assert rng_meets(problem, target, seed) == np.inf
        return
    assert answer.gap <= 1e-4
    assert_meets(problem, answer, target)
    # The classifier misses the level by the dust that it answers with; prices are a proof at any level.
    eased = replace(target, C=target.C + 1e-7)
    lower = certificate.lower_bound(tabulate(problem, [eased]), answer.candidate) / np.log(2)
    relaxed = rate(tagged(problem), eased, tol=1e-3)
    fixed = rate(judged(problem, answer.channel), eased, tol=1e-5)
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
    answer = rate(problem, target)
    assert answer.gap <= 1e-6
    start = np.eye(3)[problem.distortion.values.argmin(axis=1)][:, ::-1]
    channel, value = 0.9 * start + 0.1 / 3, np.inf
    for _ in range(20):
        local = rdc.rate(judged(problem, channel), target.D, C=target.C, tol=1e-5)
        assert local.value <= value + 1e-4  # the alternation goes down, and stops
        value, channel = local.value, local.channel
    assert value > answer.upper + 0.28


# Work limits ----------------------------------------------------------------------------------------------------


@cache
def limited(nodes: int) -> rdc.Solution:
    return rate(nonconvex_problem(False), COUNTEREXAMPLE, nodes)


def test_a_limit_of_work_leaves_an_honest_bracket() -> None:
    few, truth = limited(1), fixed_binary(0.3, LABELS, 0.3, 0.40205)
    assert_honest(few, truth, GRID)
    assert few.gap > 1e-2
    assert few.status is rdc.Status.NONCONVEX
    with pytest.warns(rdc.WideBracketWarning, match="limit of work"):
        rdc.rate(nonconvex_problem(False), 0.3, C=0.40205, solver=solvers.BranchAndBound(nodes=3))


def barely_out_of_reach() -> tuple[rdc.Problem, Target]:
    """Return levels of which the entropy's is 5e-5 bit too small, which tags and classifiers all but meet."""
    rng = np.random.default_rng(5138)
    n, m = rng.integers(2, 4), rng.integers(2, 4)
    p, d, labels = rng.dirichlet(np.ones(n)), rng.random((n, m)), rng.dirichlet(np.full(2, 0.7), n)
    d -= d.min(axis=1, keepdims=True)
    measure = classifications.ConditionalEntropy(labels)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure)
    return problem, Target(0.6 * float((p @ d).min()) + 1e-3, C=0.434483198)


def test_levels_barely_out_of_reach_are_refused_with_little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, target = barely_out_of_reach()
    solved, right = [], LinearProgram.solve
    monkeypatch.setattr(LinearProgram, "solve", lambda model: solved.append(model) or right(model))
    with pytest.raises(rdc.InfeasibleError, match=r"smallest feasible C is 0\.43453140"):
        rate(problem, target)
    assert len(solved) < 500
    assert rate(problem, replace(target, C=0.4345315), tol=10.0).upper < np.inf


@pytest.mark.parametrize("work", [100, 1000])
def test_the_work_of_a_tree_is_limited_where_nothing_meets_the_levels(work: int) -> None:
    """A region that has been begun is finished: six programs of its own, and sixteen of two descents, at most."""
    problem, target = barely_out_of_reach()
    program = tabulate(problem, [target])
    found = solvers.BranchAndBound(work=work).solve(program, 1e-4)[0]
    assert work <= found.steps < work + 2000
    assert certificate.bracket(program, found).upper == np.inf
    with pytest.raises(ValueError, match=r"BranchAndBound: work must be an integer >= 1"):
        solvers.BranchAndBound(work=0)


def test_more_regions_never_widen_the_bracket() -> None:
    answers = [limited(nodes) for nodes in (1, 5, 9, 25)]
    for fewer, more in pairwise(answers):
        assert more.lower >= fewer.lower - 1e-9
        assert more.upper <= fewer.upper + 1e-12
    assert answers[-1].gap <= 1e-6 < answers[-2].gap


def test_the_first_region_is_the_tagged_relaxation() -> None:
    relaxed = rdc.rate(tagged(nonconvex_problem(False)), 0.3, C=0.40205)
    assert limited(1).lower == pytest.approx(relaxed.lower, abs=1e-6)


# The certificate of trees ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(16))
def test_no_tree_beats_the_truth(seed: int) -> None:
    """Whatever is cut, and whatever prices stand at the leaves: a proof on other cells than its own is no danger."""
    rng = np.random.default_rng(seed)
    program = tabulate(nonconvex_problem(False), [COUNTEREXAMPLE])
    good = limited(25).candidate.tree
    region = regions.whole(program.p, program.posteriors[0].labels, 1, 2)
    proofs = [leaf for leaf, _ in regions.leaves(good, region)]

    def leaf() -> Candidate:
        proof = proofs[rng.integers(len(proofs))]
        if rng.random() < 0.5:
            return proof
        scale = np.exp(rng.normal(scale=0.5, size=2))
        slopes = rng.normal(scale=10.0 ** rng.uniform(-4, 2), size=(1, 2, 2))
        if rng.random() < 0.5:
            return replace(proof, dual=replace(proof.dual, slopes=slopes))
        dual = Dual(proof.dual.linear * scale[0], (), proof.dual.posteriors * scale[1], slopes)
        return replace(proof, dual=dual, log_a=proof.log_a * np.exp(rng.normal(scale=0.1, size=2)))

    def grow(depth: int) -> regions.Branch[Candidate] | Candidate:
        if depth == 0 or rng.random() < 0.1:
            return leaf()
        parts = grow(depth - 1), grow(depth - 1)
        return regions.Branch(0, int(rng.integers(2)), (0, 1), float(rng.random()), parts)

    candidate = Candidate(np.full((2, 2), 0.5), np.arange(2), Dual.zero(program), 0, tree=grow(3))
    assert certificate.lower_bound(program, candidate) / np.log(2) <= fixed_binary(0.3, LABELS, 0.3, 0.40205) + GRID


def test_the_tree_of_an_answer_is_its_proof() -> None:
    answer = limited(25)
    program = tabulate(nonconvex_problem(False), [COUNTEREXAMPLE])
    assert certificate.lower_bound(program, answer.candidate) / np.log(2) == pytest.approx(answer.lower, abs=1e-12)


def test_a_leaf_lost_shows() -> None:
    """Planted: cells that do not cover the simplex prove too much, and the check above would see it."""
    answer, program = limited(25), tabulate(nonconvex_problem(False), [COUNTEREXAMPLE])
    region = regions.whole(program.p, program.posteriors[0].labels, 1, 2)
    bounds = [
        certificate.region_bound(program, leaf, cells)[0] / np.log(2)
        for leaf, cells in regions.leaves(answer.candidate.tree, region)
    ]
    assert max(bounds) > fixed_binary(0.3, LABELS, 0.3, 0.40205) + 1e-3 > min(bounds)


@pytest.mark.parametrize("seed", range(20))
def test_slopes_take_nothing_from_a_channel_whose_posteriors_are_in_the_cells(seed: int) -> None:
    """The mean of what is paid over the source letters that are told a letter is never negative, and reaches zero."""
    rng = np.random.default_rng(seed)
    n, m, K = 5, 4, int(rng.integers(2, 5))
    p, labels, channel = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(K), n), rng.dirichlet(np.full(m, 0.5), n)
    told = p[:, None] * channel / (p @ channel)
    corners, weights = rng.normal(size=(2, m, K, K)), rng.dirichlet(np.ones(K), (2, m))
    cells = corners + (told.T @ labels - np.einsum("hjv,hjvs->hjs", weights, corners))[:, :, None]
    slopes = rng.normal(size=(2, m, K))
    paid = np.einsum("xj,hxj->hj", told, regions.paid(labels, slopes, cells))
    assert (paid >= -1e-12).all()
    steepest = np.einsum("hjvs,hjs->hjv", cells, slopes)
    np.testing.assert_allclose(paid, np.einsum("hjv,hjv->hj", weights, steepest) - steepest.min(axis=2), atol=1e-12)


@pytest.mark.parametrize("t", [(0.4,), (1.0,), (7.0,), (0.5, 3.0), (2.0, 2.0)])
@pytest.mark.parametrize("K", [2, 3])
def test_no_posterior_in_a_cell_earns_more_than_the_bound(t: tuple[float, ...], K: int) -> None:
    rng = np.random.default_rng(K)
    labels, log_v = rng.dirichlet(np.ones(K), 4), rng.normal(size=(4, 3))
    cells = rng.dirichlet(np.ones(K), (3, len(t), K))
    bound, laws = regions.log_earned(log_v, labels, np.array(t), cells)
    weights = rng.dirichlet(np.full(K, 0.5), (20_000, 3, len(t)))
    b = np.einsum("ikhv,khvs->ikhs", weights, cells)
    earned = np.log(np.exp(log_v + np.einsum("h,xs,ikhs->ixk", t, labels, np.log(b))).sum(axis=1))
    assert (earned.max(axis=0) <= bound + 1e-12).all()
    at_best = np.log(np.exp(log_v + np.einsum("h,xs,khs->xk", t, labels, np.log(laws))).sum(axis=0))
    if len(t) == 1 or K == 2:  # four dimensions meet the limit of work first
        assert bound.max() <= at_best.max() + 2e-9


# Ends and corners -----------------------------------------------------------------------------------------------

P3 = [0.3, 0.5, 0.2]
L3 = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
LEAST3, MOST3 = float(np.array(P3) @ [h(*row) for row in L3]), h(*(np.array(P3) @ L3))


def ternary(labels: np.ndarray | list[int], d: np.ndarray | None = None) -> rdc.Problem:
    table = 1 - np.eye(3) if d is None else d
    measure = classifications.ConditionalEntropy(labels)
    return rdc.Problem(sources.Discrete(P3), distortions.matrix(table), classification=measure)


@pytest.mark.parametrize(
    ("labels", "C"),
    [
        (np.tile([0.3, 0.7], (3, 1)), 0.9),  # independent of the source
        (np.tile([0.3, 0.7], (3, 1)), h(0.3)),
        (np.ones((3, 1)), 0.0),  # one class
        (L3, MOST3),
        (L3, MOST3 + 1.0),
    ],
)
def test_labels_that_cost_nothing_leave_the_rate_alone(labels: np.ndarray, C: float) -> None:
    answer = rate(ternary(labels), Target(0.2, C=C), 200)
    plain = rdc.rate(replace(ternary(labels), classification=None), 0.2)
    assert_overlap(answer, plain)
    assert answer.gap <= 1e-6


def test_the_least_entropy_there_is_needs_everything_told() -> None:
    answer = rate(ternary(L3), Target(0.2, C=LEAST3), 200)
    assert_honest(answer, h(*P3), 1e-9)
    assert answer.gap <= 1e-6
    same = rate(ternary(np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])), Target(C=h(0.9) * 0.8 + h(0.2) * 0.2), 200)
    assert_honest(same, h(0.2), 1e-9)
    assert same.gap <= 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_at_the_least_entropy_no_region_need_be_cut(seed: int) -> None:
    """Letters of a square alphabet then tell source letters apart, whatever distortion asks."""
    rng = np.random.default_rng(seed)
    p, d, labels = rng.dirichlet(np.ones(4)), rng.random((4, 4)), rng.dirichlet(np.full(2, 0.7), 4)
    measure = classifications.ConditionalEntropy(labels)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure)
    answer = rate(problem, Target(0.5, C=measure.least(p) / np.log(2)))
    assert_honest(answer, h(*p), 1e-9)
    assert answer.gap <= 1e-6
    assert answer.solver.reason == "all that tells of the class must be sent"


@pytest.mark.parametrize(("labels", "C"), [([0, 1, 2], 0.0), ([0, 1, 2], 1.0), ([0, 1, 1], 0.3), ([0, 1, 1], 0.8)])
def test_deterministic_labels_without_distortion_cost_the_entropy_they_save(labels: list[int], C: float) -> None:
    answer = rate(ternary(labels), Target(C=C), 200)
    assert_honest(answer, h(*np.bincount(labels, P3)) - C, 1e-9)
    assert answer.gap <= 2e-6


def test_too_few_letters_are_refused() -> None:
    with pytest.raises(rdc.InfeasibleError, match=r"C = 0 is infeasible on 2 letters: .*tagged=True"):
        rdc.rate(ternary([0, 1, 2], 1 - np.eye(3)[:, :2]), C=0.0)
    with pytest.raises(rdc.InfeasibleError, match=r"C = 0\.786\S* is infeasible beside D = 0\.5 on 2 letters"):
        rdc.rate(ternary(L3, 1 - np.eye(3)[:, :2]), 0.5, C=LEAST3 + 1e-3)
    with pytest.raises(rdc.InfeasibleError, match=r"by data processing"):
        rdc.rate(ternary(L3), 0.5, C=LEAST3 - 1e-3)


def test_letters_without_mass_and_forbidden_pairs() -> None:
    measure = classifications.ConditionalEntropy(np.vstack([L3[[0, 2]], [[0.5, 0.5]]]))
    dead = rdc.Problem(sources.Discrete([0.4, 0.6, 0.0]), distortions.hamming(3), classification=measure)
    less = classifications.ConditionalEntropy(L3[[0, 2]])
    alive = rdc.Problem(sources.Discrete([0.4, 0.6]), distortions.matrix(1 - np.eye(3)[:2]), classification=less)
    assert_overlap(rate(dead, Target(0.3, C=0.8)), rate(alive, Target(0.3, C=0.8)))
    table = 1 - np.eye(3)
    table[0, 2] = table[2, 0] = np.inf
    target = Target(0.3, C=(LEAST3 + MOST3) / 2)
    barred = rate(ternary(L3, table), target)
    assert barred.gap <= 1e-6
    assert barred.channel[0, 2] == barred.channel[2, 0] == 0
    assert barred.upper >= rate(ternary(L3), target).lower


# Other axes, perception, decoders -------------------------------------------------------------------------------


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
    answer = rate(problem, target, 200)
    assert answer.gap <= 1e-6
    assert_meets(problem, answer, target, 1e-9)
    without = rate(replace(problem, perception=None), Target(0.5, C=target.C), 200)
    assert without.lower <= answer.upper


def test_one_decoder_or_two_with_the_same_level() -> None:
    """Two decoders with levels that both bind cost at least either alone, and no more than both levels on one."""
    problem = nonconvex_problem(False)
    theta = [Target(0.3, C=0.42), Target(0.25, C=0.43)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        both = rdc.universal_rate(problem, theta, tol=1e-4)
        singles = [rdc.rate(problem, t.D, C=t.C, tol=1e-4) for t in theta]
        one = rdc.rate(problem, 0.25, C=0.42, tol=1e-4)
    assert both.gap <= 1e-4
    assert both.upper >= max(s.lower for s in singles)
    assert both.lower <= one.upper


# What users are told --------------------------------------------------------------------------------------------


def test_a_solution_says_where_its_bounds_are_from() -> None:
    lower, upper = limited(25).origins
    assert lower == upper
    assert lower.startswith("branch and bound over class posteriors, ")
    with pytest.warns(rdc.WideBracketWarning):
        open_ = rdc.rate(nonconvex_problem(False), 0.3, C=0.40205, solver=solvers.Alternation())
    assert open_.origins == ("tagged relaxation", "Alternation")
    convex = rdc.Problem(sources.bernoulli(0.3), distortions.matrix(1 - np.eye(2)))
    assert rdc.rate(convex, 0.1).origins == ("InteriorPoint", "InteriorPoint")
    assert rdc.rate(convex, 0.5).origins == ("nothing need be sent",) * 2
    structured = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2))
    assert rdc.rate(structured, 0.1).origins == ("ClosedForm", "ClosedForm")
    with pytest.warns(rdc.WideBracketWarning):
        assert rdc.certify(convex, np.eye(2), D=0.1).origins == ("given", "given")


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"^BranchAndBound .*; use solver=None$"):
        rdc.rate(nonconvex_problem(True), 0.3, C=0.4, solver=solvers.BranchAndBound())
    with pytest.raises(ValueError, match=r"BranchAndBound: nodes must be an integer >= 1"):
        solvers.BranchAndBound(nodes=0)
