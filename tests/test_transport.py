"""Transport between laws: near ones, those on a line without a program, and others with one."""

import numpy as np
import pytest
from divergences import seeds
from hypothesis import assume, given
from hypothesis import strategies as st
from measure import divergence
from parts import abs_cost

from rdcfunc import perceptions


@pytest.mark.parametrize("tiny", [1e-7, 1e-9, 1e-11])
def test_transport_between_near_laws_is_not_lost(tiny: float) -> None:
    p = np.array([0.1, 0.2, 0.3, 0.4])
    q = p + tiny * np.array([1.0, 0.0, 0.0, -1.0])
    for metric in (abs_cost(4), np.minimum(abs_cost(4) ** 2, 3.0)):
        assert perceptions.Wasserstein(metric).value(p, q) == pytest.approx(3 * tiny, rel=1e-3)


def kantorovich(p: np.ndarray, q: np.ndarray, cost: np.ndarray) -> float:
    return divergence(perceptions.Wasserstein(cost), p, q)


@given(seed=seeds, n=st.integers(1, 7), m=st.integers(1, 7), power=st.sampled_from([1.0, 1.5, 2.0, 3.0]))
def test_convex_costs_on_a_line_are_met_without_a_program(seed: int, n: int, m: int, power: float) -> None:
    rng = np.random.default_rng(seed)
    cost = np.abs(np.subtract.outer(np.sort(rng.random(n)), np.sort(rng.random(m)))) ** power
    p, q = rng.dirichlet(np.full(n, 0.5)), rng.dirichlet(np.full(m, 0.5))
    p[rng.integers(n)] *= rng.integers(2) if n > 1 else 1
    p /= p.sum()
    div = perceptions.Wasserstein(cost)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perceptions.Wasserstein, "_program", None)
        assert div.value(p, q) == pytest.approx(kantorovich(p, q, cost), abs=1e-9)


@given(seed=seeds)
def test_other_costs_are_met_by_a_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.sort(rng.random(5))
    distance = np.abs(np.subtract.outer(points, points))
    p, q = rng.dirichlet(np.ones(5), 2)
    for cost in (rng.random((5, 5)), np.sqrt(distance), distance[rng.permutation(5)]):
        assume((cost[:-1, :-1] + cost[1:, 1:] > cost[1:, :-1] + cost[:-1, 1:] + 1e-9).any())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(perceptions.Wasserstein, "_monotone", None)
            assert perceptions.Wasserstein(cost).value(p, q) == pytest.approx(kantorovich(p, q, cost), abs=1e-9)


def test_transport_of_a_law_to_itself_is_free() -> None:
    for p in np.random.default_rng(0).dirichlet(np.full(100, 0.3), 20):
        assert perceptions.Wasserstein(abs_cost(100)).value(p, p) == 0
    assert perceptions.Wasserstein(np.zeros((2, 3))).value(np.array([0.5, 0.5]), np.full(3, 1 / 3)) == 0
