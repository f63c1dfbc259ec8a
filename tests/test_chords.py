"""Decoders of a fixed encoder under the entropy of the letter alone: chords of entropies against every decoder."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import product
from math import inf

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import entr

import rdcfunc as rdc
from rdcfunc import certificate, classifications, distortions, perceptions, sources
from rdcfunc.candidate import Candidate, Dual
from rdcfunc.columns import chords, regions
from rdcfunc.compilation import tabulate
from rdcfunc.information import NATS_PER_BIT, Array, conditional_entropy
from rdcfunc.program import Axis
from rdcfunc.solvers import Chords


@cache
def instance(seed: int, n: int, m: int, K: int) -> tuple[rdc.Problem, float]:
    """Return a random problem whose letters are codes themselves, and a level of the entropy in bits."""
    rng = np.random.default_rng(seed)
    p, d, labels = rng.dirichlet(np.full(n, 2.0)), rng.random((n, m)), rng.dirichlet(np.full(K, 0.5), n)
    least, most = float(p @ entr(labels).sum(axis=1)), float(entr(p @ labels).sum())
    level = (least + (most - least) * rng.uniform(0.05, 0.8)) / NATS_PER_BIT
    measure = classifications.ConditionalEntropy(labels)
    return rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure), level


def decoded(problem: rdc.Problem, C: float, P: float = inf) -> tuple[float, float]:
    try:
        answer = rdc.decode(problem, np.eye(problem.source.n), P, C)
    except rdc.InfeasibleError:
        return inf, inf
    channel, p = answer.decoder, problem.source.pmf
    left = conditional_entropy((p[:, None] * channel).T @ problem.classification.labels)
    assert left <= C * NATS_PER_BIT
    assert float(p @ (channel * problem.distortion.values).sum(axis=1)) <= answer.upper
    if np.isfinite(P):
        assert problem.perception.value(p, p @ channel) <= P * problem.perception.unit + 1e-9
    assert answer.gap <= 1e-6
    return answer.lower, answer.upper


def by_edges(problem: rdc.Problem, C: float) -> float:
    """Return the least distortion: a linear aim over a polytope less a convex set is least on one of its edges.

    So all codes but one are shown as one letter each, and one is split between two letters.
    """
    p, d, labels = problem.source.pmf, problem.distortion.values, problem.classification.labels
    (n, m), best = d.shape, inf
    for letters in product(range(m), repeat=n):
        whole = np.eye(m)[list(letters)] * p[:, None]
        for z, j in product(range(n), range(m)):
            other = whole.copy()
            other[z] = p[z] * np.eye(m)[j]

            def over(x: float, a: Array = whole, b: Array = other) -> float:
                return conditional_entropy(((1 - x) * a + x * b).T @ labels) - C * NATS_PER_BIT

            ends = [x for x in (0.0, 1.0) if over(x) <= 0]
            if len(ends) == 1 and j != letters[z]:
                ends.append(brentq(over, 0, 1, xtol=1e-14))
            best = min([best, *(float((((1 - x) * whole + x * other) * d).sum()) for x in ends)])
    return best


def on_a_grid(problem: rdc.Problem, C: float, steps: int, P: float = inf) -> float:
    """Return the least distortion of the decoders of two codes on a grid of the simplex."""
    p, d, labels = problem.source.pmf, problem.distortion.values, problem.classification.labels
    m = d.shape[1]
    rows = np.array([c for c in product(range(steps + 1), repeat=m) if sum(c) == steps]) / steps
    best = inf
    for row in rows:
        joint = np.stack([np.broadcast_to(p[0] * row, rows.shape), p[1] * rows], axis=1)
        told = np.einsum("izj,zs->ijs", joint, labels)
        met = entr(told).sum(axis=(1, 2)) - entr(told.sum(axis=2)).sum(axis=1) <= C * NATS_PER_BIT
        if np.isfinite(P):
            laws = joint.sum(axis=1)
            met &= np.array([problem.perception.value(p, q) for q in laws]) <= P * problem.perception.unit
        if met.any():
            best = min(best, float((joint[met] * d).sum(axis=(1, 2)).min()))
    return best


@pytest.mark.parametrize("seed", range(24))
def test_agrees_with_every_edge(seed: int) -> None:
    problem, C = instance(seed, *[(2, 2, 2), (2, 3, 2), (2, 2, 3), (2, 3, 3), (3, 3, 2), (3, 3, 3)][seed % 6])
    lower, upper = decoded(problem, C)
    truth = by_edges(problem, C)
    assert lower <= truth + 1e-12
    assert truth <= upper + 1e-12


def least_by_edges(problem: rdc.Problem, D: float) -> float:
    """Return the least entropy: it is concave, so least at a corner, a table of letters or an edge's end at D."""
    p, d, labels = problem.source.pmf, problem.distortion.values, problem.classification.labels
    (n, m), best = d.shape, inf
    for letters in product(range(m), repeat=n):
        whole = np.eye(m)[list(letters)] * p[:, None]
        spent = float((whole * d).sum())
        for z, j in product(range(n), range(m)):
            more = p[z] * (d[z, j] - d[z, letters[z]])
            share = (D - spent) / more if spent > D and more < 0 else 0.0
            if share <= 1 and spent + share * more <= D + 1e-15:
                joint = whole.copy()
                joint[z] = p[z] * ((1 - share) * np.eye(m)[letters[z]] + share * np.eye(m)[j])
                best = min(best, conditional_entropy(joint.T @ labels))
    return best / NATS_PER_BIT


@pytest.mark.parametrize("seed", range(12))
def test_the_least_entropy_beside_a_distortion_agrees_with_every_corner(seed: int) -> None:
    """And what is refused is told it; what is not has a channel."""
    problem, _ = instance(200 + seed, *[(2, 2, 2), (3, 2, 2), (3, 3, 2), (3, 3, 3)][seed % 4])
    p, d = problem.source.pmf, problem.distortion.values
    D = float(p @ d.min(axis=1)) + [0.0, 0.01, 0.1][seed % 3]
    program = tabulate(problem, [rdc.Target(D)], inf, Axis.C)
    found = certificate.bracket(program, Chords().solve(program, 1e-7)[0])
    truth = least_by_edges(problem, D)
    assert found.lower / NATS_PER_BIT <= truth + 1e-12
    assert truth <= found.upper / NATS_PER_BIT + 1e-12
    assert found.upper - found.lower <= 1e-6
    with pytest.raises(rdc.InfeasibleError, match="is infeasible") as refusal:
        rdc.rate(problem, D, C=truth - 1e-5)
    named = re.search(r"the smallest feasible C is ([\d.]+)", str(refusal.value))
    assert named is not None
    assert float(named[1]) == pytest.approx(truth, abs=2e-6)
    assert rdc.rate(problem, D, C=truth + 1e-5, tol=10.0).upper < inf


@pytest.mark.parametrize(("m", "K", "steps"), [(2, 2, 300), (2, 3, 300), (3, 2, 30), (3, 3, 30)])
@pytest.mark.parametrize("seed", range(3))
def test_no_decoder_of_a_grid_beats_the_lower_bound(seed: int, m: int, K: int, steps: int) -> None:
    problem, C = instance(100 + seed, 2, m, K)
    lower, upper = decoded(problem, C)
    best = on_a_grid(problem, C, steps)
    assert lower <= best
    assert (best == inf) == (upper == inf) or best - upper < 2 / steps


@pytest.mark.parametrize("name", ["TotalVariation", "KL"])
@pytest.mark.parametrize("seed", [2, 7])
def test_perception_beside_the_entropy(seed: int, name: str) -> None:
    problem, C = instance(seed, 2, 2, 2)
    problem = replace(problem, perception=getattr(perceptions, name)())
    lower, upper = decoded(problem, C, 0.05)
    best = on_a_grid(problem, C, 50, 0.05)
    assert lower <= best
    assert upper == inf or upper <= best + 1e-12
    assert decoded(problem, C)[0] <= upper
    assert (best == inf) == (upper == inf) or best - upper < 0.1


@pytest.mark.parametrize(("name", "P"), [("KL", 0.0), ("KL", 0.03), ("ReverseKL", 0.03), ("Wasserstein", 0.03)])
def test_an_idle_entropy_leaves_the_convex_program(name: str, P: float) -> None:
    problem, _ = instance(5, 3, 3, 2)
    cost = np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    divergence = perceptions.Wasserstein(cost) if name == "Wasserstein" else getattr(perceptions, name)()
    problem = replace(problem, perception=divergence)
    lower, upper = decoded(problem, 1.0, P)
    plain = rdc.decode(replace(problem, classification=None), np.eye(3), P)
    assert max(lower, plain.lower) <= min(upper, plain.upper)


def test_between_tags_and_a_fixed_classifier() -> None:
    problem, C = instance(4, 3, 3, 2)
    lower, upper = decoded(problem, C)
    measure = problem.classification
    tagged = replace(problem, classification=classifications.ConditionalEntropy(measure.labels, tagged=True))
    assert rdc.decode(tagged, np.eye(3), C=C).lower <= upper
    answer = rdc.decode(problem, np.eye(3), C=C)
    joint = (problem.source.pmf[:, None] * answer.decoder).T @ measure.labels + 1e-12
    judge = classifications.CrossEntropy(measure.labels, joint / joint.sum(axis=1, keepdims=True))
    assert rdc.decode(replace(problem, classification=judge), np.eye(3), C=C + 1e-6).upper >= lower


def unproved(seed: int) -> tuple[float, float]:
    """Return the bound of a tree of random cuts with random prices and lines at its leaves, and the truth."""
    rng = np.random.default_rng(seed)
    problem, C = instance(24, 3, 3, 2)
    program = tabulate(problem, [rdc.Target(C=C)], inf, Axis.D)
    good = Chords().solve(program, 1e-6)[0]
    region = regions.whole(program.p, program.posteriors[0].labels, 1, 3)
    proofs = [leaf for leaf, _ in regions.leaves(good.tree, region)]

    def grow(depth: int) -> regions.Branch[Candidate] | Candidate:
        if depth == 0:
            proof = proofs[rng.integers(len(proofs))]
            dual = Dual(proof.dual.linear, (), proof.dual.posteriors * np.exp(rng.normal(scale=0.3)))
            noise = rng.normal(scale=0.5) + rng.normal(scale=0.05, size=proof.lines.shape)
            return replace(proof, dual=dual, lines=proof.lines + noise)
        return regions.Branch(0, int(rng.integers(3)), (0, 1), float(rng.random()), (grow(depth - 1), grow(depth - 1)))

    bound = certificate.lower_bound(program, replace(good, tree=grow(int(rng.integers(4)))))
    return bound / program.goal.unit, by_edges(problem, C)


@pytest.mark.parametrize("seed", range(12))
def test_no_tree_beats_the_truth(seed: int) -> None:
    bound, truth = unproved(seed)
    assert bound <= truth + 1e-12


def test_lines_above_the_entropy_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: where lines are taken as they come, the check above sees a bound beyond the truth."""
    monkeypatch.setattr(chords, "below", lambda lines, t, cells: lines)
    assert any(bound > truth + 1e-3 for bound, truth in map(unproved, range(12)))


@pytest.mark.parametrize("K", [2, 3])
def test_lines_stay_below_the_entropy(K: int) -> None:
    rng = np.random.default_rng(K)
    cells, lines = rng.dirichlet(np.ones(K), (4, K)), rng.normal(size=(4, K))
    laws = np.einsum("iv,jvs->ijs", rng.dirichlet(np.full(K, 0.5), 5000), cells)
    room = 0.7 * entr(laws).sum(axis=2) - np.einsum("ijs,js->ij", laws, chords.below(lines, 0.7, cells))
    assert room.min() >= 0
    corners = 0.7 * chords.entropies(cells) - np.einsum("jvs,js->jv", cells, chords.below(lines, 0.7, cells))
    assert corners.min(axis=1) == pytest.approx(0, abs=1e-11)


def test_a_limit_of_work_leaves_an_honest_bracket() -> None:
    problem, C = instance(24, 3, 3, 2)
    program, truth = tabulate(problem, [rdc.Target(C=C)], inf, Axis.D), by_edges(problem, C)
    lowers = []
    for nodes in (1, 3, 9, 27):
        found = certificate.bracket(program, Chords(nodes).solve(program, 1e-6)[0])
        lowers.append(found.lower / program.goal.unit)
        assert lowers[-1] <= truth <= found.upper / program.goal.unit + 1e-12
    assert lowers == sorted(lowers)
    assert truth - lowers[0] > 1e-3
    with pytest.raises(ValueError, match="nodes must be an integer >= 1"):
        Chords(0)


def test_levels_out_of_reach_are_refused() -> None:
    """Two letters cannot tell three classes, and one letter tells none."""
    problem = rdc.Problem(
        sources.uniform(3), distortions.matrix(np.ones((3, 2))), None, classifications.ConditionalEntropy([0, 1, 2])
    )
    assert decoded(problem, 2 / 3 + 1e-6)[1] == pytest.approx(1.0)
    with pytest.raises(rdc.InfeasibleError, match=r"C = 0\.66\d* is infeasible on 2 letters: .*C is 0\.66666666"):
        rdc.decode(problem, np.eye(3), C=2 / 3 - 1e-3)
    with pytest.raises(rdc.InfeasibleError, match="by data processing"):
        rdc.decode(problem, np.ones((3, 1)), C=1.0)


def test_forbidden_pairs_and_codes_without_mass() -> None:
    problem, C = instance(24, 3, 3, 2)
    barred = problem.distortion.values.copy()
    barred[0, 1] = inf
    free = decoded(problem, C)
    less = rdc.decode(replace(problem, distortion=distortions.matrix(barred)), np.eye(3), C=C)
    assert less.channel[0, 1] == 0
    assert less.upper >= free[0]
    padded = rdc.decode(problem, np.hstack([np.zeros((3, 2)), np.eye(3)]), C=C)
    assert padded.lower <= free[1]
    assert padded.upper >= free[0]


@pytest.mark.parametrize("labels", [[0, 0, 1], [0, 0, 0], [0, 1, 2]])
def test_the_least_entropy_there_is_leaves_the_letters_that_tell_it(labels: list[int]) -> None:
    """Letters that show all of the class are within its least level, which has no inside."""
    problem = rdc.Problem(sources.uniform(3), distortions.hamming(3), None, classifications.ConditionalEntropy(labels))
    assert decoded(problem, 0.0)[1] <= 1e-9
    noisy = replace(problem, classification=classifications.ConditionalEntropy(np.eye(3)[labels] * 0.7 + 0.1))
    level = noisy.classification.least(problem.source.pmf) / NATS_PER_BIT
    assert rdc.decode(noisy, np.eye(3), C=level * (1 + 1e-12)).gap <= 1e-6


def test_a_tag_beside_the_letter_is_refused_and_a_start_of_another_shape_left_aside() -> None:
    problem, C = instance(24, 3, 3, 2)
    measure = classifications.ConditionalEntropy(problem.classification.labels, tagged=True)
    program = tabulate(replace(problem, classification=measure), [rdc.Target(C=C)], inf, Axis.D)
    assert re.match(r"Chords takes H\(S\|X̂\) of the letter alone; use solver=None", Chords().refusal(program))
    program = tabulate(problem, [rdc.Target(C=C)], inf, Axis.D)
    (alone,) = Chords().solve(program, 1e-6)
    (started,) = Chords().solve(program, 1e-6, replace(alone, channel=np.eye(2), columns=np.arange(2)))
    np.testing.assert_array_equal(started.channel, alone.channel)


def test_a_cost_that_letters_never_meet_for_nothing() -> None:
    """A ground cost that no law has for free: a decoder within its level is transport and a class told, by a grid."""
    problem, C = instance(102, 2, 2, 2)
    problem = replace(problem, perception=perceptions.Wasserstein([[0.2, 1.0], [1.0, 0.1]]))
    least = problem.perception.least(problem.source.pmf)
    assert least > 0
    lower, upper = decoded(problem, C, 2 * least)
    best = on_a_grid(problem, C, 80, 2 * least)
    assert lower <= best
    assert best - upper < 0.02
