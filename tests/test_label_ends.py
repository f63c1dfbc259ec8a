"""The fixed alphabet where labels cost nothing, cost everything, or cannot be told on the letters there are."""

from dataclasses import replace

import numpy as np
import pytest
from brackets import assert_honest, assert_overlap, quietly, rate_at
from oracles import h

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, reach, solvers, sources

#: A limit that the small questions stay below.
MANY = solvers.BranchAndBound(nodes=200)

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
    answer = rate_at(ternary(labels), Target(0.2, C=C), solver=MANY)
    plain = rdc.rate(replace(ternary(labels), classification=None), 0.2)
    assert_overlap(answer, plain)
    assert answer.gap <= 1e-6


def test_the_least_entropy_there_is_needs_everything_told() -> None:
    answer = rate_at(ternary(L3), Target(0.2, C=LEAST3), solver=MANY)
    assert_honest(answer, h(*P3), 1e-9)
    assert answer.gap <= 1e-6
    same = rate_at(
        ternary(np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])), Target(C=h(0.9) * 0.8 + h(0.2) * 0.2), solver=MANY
    )
    assert_honest(same, h(0.2), 1e-9)
    assert same.gap <= 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_at_the_least_entropy_no_region_need_be_cut(seed: int) -> None:
    """Letters of a square alphabet then tell source letters apart, whatever distortion asks."""
    rng = np.random.default_rng(seed)
    p, d, labels = rng.dirichlet(np.ones(4)), rng.random((4, 4)), rng.dirichlet(np.full(2, 0.7), 4)
    measure = classifications.ConditionalEntropy(labels)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure)
    answer = rate_at(problem, Target(0.5, C=measure.least(p) / np.log(2)))
    assert_honest(answer, h(*p), 1e-9)
    assert answer.gap <= 1e-6
    assert answer.solver.reason == "all that tells of the class must be sent"


@pytest.mark.parametrize(("labels", "C"), [([0, 1, 2], 0.0), ([0, 1, 2], 1.0), ([0, 1, 1], 0.3), ([0, 1, 1], 0.8)])
def test_deterministic_labels_without_distortion_cost_the_entropy_they_save(labels: list[int], C: float) -> None:
    answer = rate_at(ternary(labels), Target(C=C), solver=MANY)
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
    assert_overlap(rate_at(dead, Target(0.3, C=0.8)), rate_at(alive, Target(0.3, C=0.8)))
    table = 1 - np.eye(3)
    table[0, 2] = table[2, 0] = np.inf
    target = Target(0.3, C=(LEAST3 + MOST3) / 2)
    barred = rate_at(ternary(L3, table), target)
    assert barred.gap <= 1e-6
    assert barred.channel[0, 2] == barred.channel[2, 0] == 0
    assert barred.upper >= rate_at(ternary(L3), target).lower


def test_a_target_that_leaves_the_class_alone_keeps_the_other_from_nothing() -> None:
    problem, theta = ternary(L3), [Target(0.3, C=(LEAST3 + MOST3) / 2), Target(0.1)]
    both = rdc.universal_rate(problem, theta, tol=1e-4)
    assert_overlap(both, rdc.universal_rate(problem, [theta[0], Target(0.1, C=MOST3 + 1)], tol=1e-4))
    assert both.upper >= rdc.rate(problem, 0.1).lower


def test_levels_that_clash_without_the_entropy_are_named() -> None:
    """Either letter may be shown for free, by distortion or by transport, and never by both."""
    measure = classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]])
    problem = rdc.Problem(
        sources.bernoulli(0.3), distortions.matrix(np.eye(2)), perceptions.Wasserstein(1 - np.eye(2)), measure
    )
    with pytest.raises(rdc.InfeasibleError, match=r"^D = 0\.05 is infeasible: the smallest feasible D is 0\.3"):
        rdc.rate(problem, 0.05, 0.1, 0.3)


def test_what_a_short_search_leaves_open_branch_and_bound_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where its work ends too, no channel is claimed to be, nor to be none."""
    monkeypatch.setattr(reach, "_NODES", 1)
    problem, C = ternary(L3, 1 - np.eye(3)[:, :2]), LEAST3 + 1e-3
    with pytest.raises(rdc.InfeasibleError, match=r"^C = 0\.786\S* and D = 0\.5 clash: no channel to the 2 letters"):
        rdc.rate(problem, 0.5, C=C)
    answer = rate_at(problem, Target(0.5, C=C), solver=solvers.BranchAndBound(nodes=1, starts=1, work=1))
    assert answer.status is rdc.Status.NO_CHANNEL
    assert (answer.lower >= 0, answer.upper) == (True, np.inf)


def test_cells_that_are_points_leave_nothing_to_cut() -> None:
    """Labels that tell nothing of the source, with a tolerance that no bound can be narrower than."""
    problem = ternary(np.tile([0.4, 0.6], (3, 1)))
    plain, asked = replace(problem, classification=None), {"C": h(0.4) * (1 + 1e-12), "solver": MANY, "tol": 1e-15}
    rate = quietly(rdc.rate, problem, 0.2, **asked)
    assert_overlap(rate, rdc.rate(plain, 0.2))
    least = quietly(rdc.distortion, problem, 0.4, **asked)
    assert_overlap(least, rdc.distortion(plain, 0.4))
    assert max(rate.gap, least.gap) <= 1e-6
