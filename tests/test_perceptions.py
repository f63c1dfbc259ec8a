"""A divergence's three faces agree: value, support function and conic form."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure import divergence
from problems import LN2, abs_cost

from rdcfunc import perceptions
from rdcfunc.perceptions import Divergence

DIVERGENCES: dict[str, Divergence] = {
    "TV": perceptions.TotalVariation(),
    "KL": perceptions.KL(),
    "W1": perceptions.Wasserstein(abs_cost(4)),
    "W2": perceptions.Wasserstein(abs_cost(4) ** 2),
    "W without a zero": perceptions.Wasserstein(1.0 + np.arange(16.0).reshape(4, 4) % 5),
}
each = pytest.mark.parametrize("div", DIVERGENCES.values(), ids=DIVERGENCES.keys())
seeds = st.integers(0, 2**32 - 1)
fares = st.floats(0, 1e3) | st.sampled_from([0.0, 5e-324, 1e-300, 1e-9, 1e9])


def laws(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return g, p and two laws q, some letters of which are missing."""
    rng = np.random.default_rng(seed)
    p, q, r = rng.dirichlet(np.full(4, 0.7), 3)
    p[rng.integers(4)] *= rng.integers(2)
    q[rng.integers(4)] = 0.0
    return rng.normal(size=4) * 10.0 ** rng.integers(-3, 4), p / p.sum(), q / q.sum(), r


def transport(p: np.ndarray, q: cp.Expression, cost: np.ndarray) -> tuple[cp.Expression, list[cp.Constraint]]:
    """Return the fare of flows out of each letter of p, and what makes them end in q."""
    flow = [cp.Variable(4, nonneg=True) for _ in range(4)]
    fare = sum(cost[x] @ flow[x] for x in range(4))
    return fare, [*(cp.sum(flow[x]) == p[x] for x in range(4)), sum(flow) == q]


def supremum(div: Divergence, g: np.ndarray, p: np.ndarray, t: float) -> float:
    """sup_q <g, q> - t div(p, q) by a convex program that shares nothing with the library."""
    q = cp.Variable(4, nonneg=True)
    needs = [cp.sum(q) == 1]
    if isinstance(div, perceptions.TotalVariation):
        away = cp.sum(cp.pos(q - p))
    elif isinstance(div, perceptions.KL):
        away = cp.sum(-cp.entr(q)) - q @ np.log(p)
    else:
        away, more = transport(p, q, div.cost)
        needs += more
    solved = cp.Problem(cp.Maximize(g @ q - t * away), needs)
    solved.solve(solver=cp.CLARABEL)
    assert solved.status == cp.OPTIMAL
    return float(solved.value)


@each
@given(seed=seeds, t=fares)
def test_fenchels_inequality(div: Divergence, seed: int, t: float) -> None:
    g, p, q, r = laws(seed)
    support = div.support(g, p, t)
    vertices = np.eye(4)
    for law in (p, q, r, *vertices):
        away = div.value(p, law)
        if np.isfinite(away):
            scale = np.abs(g).max() + t * away
            assert g @ law - t * away <= support + 1e-12 * scale


@each
@pytest.mark.parametrize("t", [0.0, 0.03, 0.4, 2.0, 25.0])
def test_support_is_the_supremum(div: Divergence, t: float) -> None:
    rng = np.random.default_rng(int(100 * t))
    for _ in range(4):
        g, p = rng.normal(size=4), rng.dirichlet(np.ones(4))
        assert div.support(g, p, t) == pytest.approx(supremum(div, g, p, t), abs=1e-6)


@each
@given(seed=seeds, share=st.floats(0, 1))
def test_value_is_convex_and_measured_elsewhere_too(div: Divergence, seed: int, share: float) -> None:
    _, _, q, r = laws(seed)
    p = np.random.default_rng(seed).dirichlet(np.ones(4))
    middle = share * q + (1 - share) * r
    chord = share * div.value(p, q) + (1 - share) * div.value(p, r)
    assert div.value(p, middle) <= chord + 1e-10
    assert div.value(p, q) / div.unit == pytest.approx(divergence(div, p, q), abs=1e-10)


@each
def test_least_is_the_least_and_is_attained(div: Divergence) -> None:
    rng = np.random.default_rng(0)
    p = np.array([0.1, 0.2, 0.3, 0.4])
    best = p if not isinstance(div, perceptions.Wasserstein) else np.bincount(div.cost.argmin(axis=1), p, 4)
    assert div.value(p, best) == pytest.approx(div.least(p), abs=1e-12)
    assert all(div.value(p, q) > div.least(p) for q in rng.dirichlet(np.ones(4), 20))
    assert (div.least(p) > 0) == (div is DIVERGENCES["W without a zero"])


@each
def test_conic_form_is_the_value(div: Divergence) -> None:
    rng = np.random.default_rng(5)
    for p, q in rng.dirichlet(np.ones(4), (3, 2)):
        law = cp.Variable(4, nonneg=True)
        value, needs = div.conic(p, law)
        solved = cp.Problem(cp.Minimize(value), [*needs, law == q])
        solved.solve(solver=cp.CLARABEL)
        assert solved.value == pytest.approx(div.value(p, q), abs=1e-6)


def test_values_by_hand() -> None:
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    assert perceptions.TotalVariation().value(p, q) == pytest.approx(0.25, abs=1e-15)
    # KL of the reproduction from the source, not the other way round.
    assert perceptions.KL().value(p, q) / LN2 == pytest.approx(0.75 * np.log2(1.5) + 0.25 * np.log2(0.5), abs=1e-15)
    assert perceptions.KL().value(np.array([1.0, 0.0]), p) == np.inf
    assert perceptions.Wasserstein([[0, 4], [4, 0]]).value(p, q) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("tiny", [1e-7, 1e-9, 1e-11])
def test_transport_between_near_laws_is_not_lost(tiny: float) -> None:
    p = np.array([0.1, 0.2, 0.3, 0.4])
    q = p + tiny * np.array([1.0, 0.0, 0.0, -1.0])
    assert DIVERGENCES["W1"].value(p, q) == pytest.approx(3 * tiny, rel=1e-3)
