"""What the surface cannot depend on, and how it must move."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from brackets import assert_overlap, quietly
from hypothesis import given
from hypothesis import strategies as st
from measure import equivocation
from parts import abs_cost, likely, mean, random_parts
from problems import nonconvex_problem

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, sources

TOL = 1e-6
KINDS = ["D", "Wasserstein", "cross-entropy", "error rate", "tagged"]


@dataclass(frozen=True)
class Parts:
    """Tables of a problem: pmf, distortion, labels, ground cost of a transport, and a classifier."""

    p: np.ndarray
    d: np.ndarray
    labels: np.ndarray
    cost: np.ndarray
    classifier: np.ndarray

    def take(self, rows: list[int], shares: list[float], columns: list[int]) -> "Parts":
        """Return the problem on these source letters, with these shares of their mass, and these letters."""
        p = self.p[rows] * shares
        return Parts(
            p, self.d[rows][:, columns], self.labels[rows], self.cost[rows][:, columns], self.classifier[columns]
        )

    def problem(self, kind: str) -> rdc.Problem:
        source, distortion = sources.Discrete(self.p), distortions.matrix(self.d)
        if kind == "D":
            return rdc.Problem(source, distortion)
        if kind == "Wasserstein":
            return rdc.Problem(source, distortion, perceptions.Wasserstein(self.cost))
        if kind == "tagged":
            measure = classifications.ConditionalEntropy(self.labels, tagged=True)
            return rdc.Problem(source, distortion, classification=measure)
        return rdc.Problem(source, distortion, classification=self.fixed(kind))

    def fixed(self, kind: str) -> classifications.FixedClassifier:
        if kind == "error rate":
            return classifications.ErrorRate(self.labels, self.classifier.argmax(axis=1))
        return classifications.CrossEntropy(self.labels, self.classifier)


def instance(kind: str, seed: int) -> tuple[Parts, rdc.Target]:
    """Return a problem with four letters and two classes, and levels that some channel meets."""
    p, d, labels = random_parts(seed, 4, 4)
    classifier = np.random.default_rng(seed).dirichlet(np.ones(2), 4)
    parts, witness = Parts(p, d, labels, abs_cost(4), classifier), likely(d)
    target = rdc.Target(D=mean(p, witness, d))
    if kind == "Wasserstein":
        return parts, replace(target, P=float(np.abs(np.cumsum(p @ witness - p)).sum()))
    if kind == "tagged":
        return parts, replace(target, C=equivocation(p, witness, labels))
    if kind in ("cross-entropy", "error rate"):
        measure = parts.fixed(kind)
        return parts, replace(target, C=mean(p, witness, measure.cost) / measure.unit)
    return parts, target


def rate(problem: rdc.Problem, target: rdc.Target) -> rdc.Solution:
    return rdc.rate(problem, target.D, target.P, target.C, tol=TOL)


@cache
def unchanged(kind: str) -> tuple[Parts, rdc.Target, rdc.Solution]:
    parts, target = instance(kind, seed=11)
    return parts, target, rate(parts.problem(kind), target)


ALL, ONES = [0, 1, 2, 3], [1.0] * 4
CHANGES = {
    "permuted source": ([2, 0, 3, 1], ONES, ALL),
    "permuted reproduction": (ALL, ONES, [1, 3, 0, 2]),
    "a source letter split in two": ([0, 1, 1, 2, 3], [1, 0.25, 0.75, 1, 1], ALL),
    "a source letter that never occurs": ([0, 1, 2, 3, 0], [*ONES, 0.0], ALL),
    "a copy of a letter": (ALL, ONES, [0, 1, 1, 2, 3]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_names_and_copies_of_letters_do_not_matter(kind: str, change: tuple[list[int], list[float], list[int]]) -> None:
    parts, target, before = unchanged(kind)
    after = rate(parts.take(*change).problem(kind), target)
    assert before.upper == pytest.approx(after.upper, abs=TOL)
    assert_overlap(before, after)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_off_is_absent_and_idle_is_off(kind: str) -> None:
    parts, target = instance(kind, seed=12)
    plain = rate(parts.problem("D"), rdc.Target(target.D))
    for level in (np.inf, 1e3):
        loose = replace(target, **{"P" if kind == "Wasserstein" else "C": level})
        assert rate(parts.problem(kind), loose).upper == pytest.approx(plain.upper, abs=TOL)


@pytest.mark.parametrize("kind", KINDS)
def test_looser_levels_cost_less_and_mixtures_no_more_than_the_chord(kind: str) -> None:
    parts, target = instance(kind, seed=13)
    problem = parts.problem(kind)
    looser = rdc.Target(*(1.4 * getattr(target, name) for name in "DPC"))
    middle = rdc.Target(*(1.2 * getattr(target, name) for name in "DPC"))
    tight, between, loose = (rate(problem, t) for t in (target, middle, looser))
    assert loose.lower <= between.upper <= tight.upper + TOL
    assert between.lower <= (tight.upper + loose.upper) / 2
    for name in "DPC":
        if getattr(target, name) < np.inf:
            one = rate(problem, replace(target, **{name: getattr(looser, name)}))
            assert loose.lower <= one.upper <= tight.upper + TOL


@pytest.mark.parametrize("kind", KINDS)
def test_least_distortion_falls_with_the_rate(kind: str) -> None:
    parts, target = instance(kind, seed=14)
    problem = parts.problem(kind)
    loose = {"P": 2 * target.P, "C": 1.2 * target.C}
    found = [rdc.distortion(problem, R, **loose, tol=TOL) for R in (0.6, 0.8, 1.0)]
    assert found[2].lower <= found[1].upper <= found[0].upper + TOL
    assert found[1].lower <= (found[0].upper + found[2].upper) / 2
    back = rate(problem, rdc.Target(found[1].upper, **loose))
    assert back.lower <= 0.8 + 1e-12


@given(seed=st.integers(0, 1000))
def test_data_processing(seed: int) -> None:
    parts, target = instance("tagged", seed)
    p, labels = parts.p, parts.labels
    floor = equivocation(p, np.eye(4), labels)
    # Tightness is the next test.
    found = quietly(rdc.rate, parts.problem("tagged"), target.D, C=max(1.01 * floor, 0.9 * target.C), tol=0.03)
    assert isinstance(found.achieved, rdc.Target)
    assert floor - 1e-12 <= found.achieved.C
    assert found.rate >= equivocation(p, np.ones((4, 1)), labels) - found.achieved.C - 1e-12  # I(X;X̂) >= I(S;X̂)


@pytest.mark.parametrize("seed", [1, 11, 21, 352])
def test_tagged_answers_are_tight(seed: int) -> None:
    parts, target = instance("tagged", seed)
    assert rdc.rate(parts.problem("tagged"), target.D, C=target.C, tol=1e-4).gap <= 1e-4


@pytest.mark.parametrize("seed", range(20))
def test_a_tag_helps_and_a_fixed_classifier_hurts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, d, labels = random_parts(seed, 3, 3)
    joint = (p[:, None] * rng.dirichlet(np.ones(3), 3)).T @ labels
    classifier = joint / joint.sum(axis=1, keepdims=True)
    judged = classifications.CrossEntropy(labels, classifier)
    witness = likely(d)
    D, C = mean(p, witness, d), mean(p, witness, judged.cost) / judged.unit

    def least(measure: classifications.Classification) -> rdc.Solution:
        return rdc.rate(rdc.Problem(sources.Discrete(p), distortions.matrix(d), None, measure), D, C=C, tol=1e-3)

    tagged = least(classifications.ConditionalEntropy(labels, tagged=True))
    fixed = least(classifications.ConditionalEntropy(labels))
    classified = least(judged)
    assert tagged.upper <= fixed.upper + 1e-3
    assert fixed.lower <= classified.upper + 1e-12
    assert tagged.upper <= classified.upper + 1e-3


def test_copies_of_letters_are_tags() -> None:
    """On an alphabet with clones of its letters the fixed value is the tagged one."""
    fixed = nonconvex_problem(tagged=False)
    clones = replace(fixed, distortion=distortions.matrix(np.tile(1 - np.eye(2), (1, 2))))
    alone = rdc.rate(fixed, 0.3, C=0.40205, tol=1e-3)
    cloned = rdc.rate(clones, 0.3, C=0.40205, tol=1e-3)
    tagged = rdc.rate(nonconvex_problem(tagged=True), 0.3, C=0.40205, tol=1e-3)
    assert cloned.upper < alone.lower - 1e-2
    assert cloned.upper == pytest.approx(tagged.upper, abs=1e-3)
