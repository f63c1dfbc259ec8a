"""A tree of regions is a proof: limits of work leave honest brackets, and cells that miss a part show."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from brackets import assert_honest, rate_at
from oracles import GRID, fixed_binary
from problems import LABELS, nonconvex_problem

import rdcfunc as rdc
from rdcfunc import Target, certificate, classifications, distortions, solvers, sources
from rdcfunc.candidate import Candidate, Dual
from rdcfunc.columns import regions
from rdcfunc.compilation import tabulate
from rdcfunc.solvers.linear import LinearProgram

COUNTEREXAMPLE = Target(0.3, C=0.40205)


@cache
def limited(nodes: int) -> rdc.Solution:
    return rate_at(nonconvex_problem(False), COUNTEREXAMPLE, solver=solvers.BranchAndBound(nodes=nodes))


def test_a_limit_of_work_leaves_an_honest_bracket() -> None:
    few, truth = limited(1), fixed_binary(0.3, LABELS, 0.3, 0.40205)
    assert_honest(few, truth, GRID)
    assert few.gap > 1e-2
    assert few.status is rdc.Status.NONCONVEX
    with pytest.warns(rdc.WideBracketWarning, match="limit of work"):
        rdc.rate(nonconvex_problem(False), 0.3, C=0.40205, solver=solvers.BranchAndBound(nodes=3))


def test_a_cut_beyond_its_edge_is_refused() -> None:
    """Its parts would not cover the cell."""
    region = regions.whole(np.array([0.7, 0.3]), np.eye(2), 1, 2)
    for part in regions.cut(region, 0, 0, (0, 1), 1.0):
        assert part[0, 0].min() >= 0
    with pytest.raises(ValueError, match=r"a cut must lie on its edge, 0 <= at <= 1 \(got 1\.5\)"):
        regions.cut(region, 0, 0, (0, 1), 1.5)


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
        rate_at(problem, target)
    assert len(solved) < 500
    assert rate_at(problem, replace(target, C=0.4345315), tol=10.0).upper < np.inf


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
    relaxed = rdc.rate(nonconvex_problem(True), 0.3, C=0.40205)
    assert limited(1).lower == pytest.approx(relaxed.lower, abs=1e-6)


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
            return replace(proof, dual=replace(proof.dual, walls=slopes))
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
