"""A divergence's faces agree: value, support function and conic form."""

from dataclasses import FrozenInstanceError

import cvxpy as cp
import numpy as np
import pytest
from divergences import DIVERGENCES, F_DIVERGENCES, each, fares, laws, seeds
from hypothesis import given
from hypothesis import strategies as st
from measure import divergence
from oracles import LN2

from rdcfunc import perceptions
from rdcfunc.perceptions import Divergence


def transport(p: np.ndarray, q: cp.Expression, cost: np.ndarray) -> tuple[cp.Expression, list[cp.Constraint]]:
    """Return the fare of flows out of each letter of p, and what makes them end in q."""
    flow = [cp.Variable(4, nonneg=True) for _ in range(4)]
    fare = sum(cost[x] @ flow[x] for x in range(4))
    return fare, [*(cp.sum(flow[x]) == p[x] for x in range(4)), sum(flow) == q]


def supremum(div: Divergence, g: np.ndarray, p: np.ndarray, t: float) -> float:
    """sup_q <g, q> - t div(p, q) by a convex program that shares nothing with the library."""
    q = cp.Variable(4, nonneg=True)
    needs = [cp.sum(q) == 1]
    dead, live = p == 0, p > 0
    if isinstance(div, perceptions.TotalVariation):
        away = cp.sum(cp.pos(q - p))
    elif isinstance(div, perceptions.KL):
        away = cp.sum(-cp.entr(q)) - q[live] @ np.log(p[live])
        needs.append(q @ dead == 0)
    elif isinstance(div, perceptions.ReverseKL):
        away = p[live] @ (np.log(p[live]) - cp.log(q[live]))
    elif isinstance(div, perceptions.JensenShannon):
        away = cp.sum(cp.kl_div(q, (p + q) / 2) + cp.kl_div(p, (p + q) / 2)) / 2
    elif isinstance(div, perceptions.ChiSquared):
        away = cp.sum([cp.square(q[j]) / p[j] for j in np.flatnonzero(live)]) - 1
        needs.append(q @ dead == 0)
    elif isinstance(div, perceptions.Hellinger):
        roots = cp.Variable(4)
        away = 1 - np.sqrt(p) @ roots
        needs.append(cp.square(roots) <= q)
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
@pytest.mark.parametrize("missing", [False, True])
def test_support_is_the_supremum(div: Divergence, t: float, missing: bool) -> None:
    rng = np.random.default_rng(int(100 * t))
    for _ in range(4):
        g, p = rng.normal(size=4), rng.dirichlet(np.ones(4))
        if missing:
            p[g.argmax()] = 0.0
            p /= p.sum()
        if missing and t == 0:
            assert div.support(g, p, t) == pytest.approx(g.max(), abs=1e-12)
        else:
            assert div.support(g, p, t) == pytest.approx(supremum(div, g, p, t), abs=2e-6)


@each
@given(seed=seeds, share=st.floats(0, 1))
def test_value_is_convex_and_measured_elsewhere_too(div: Divergence, seed: int, share: float) -> None:
    _, _, q, r = laws(seed)
    p = np.random.default_rng(seed).dirichlet(np.ones(4))
    for one in (q, p):
        ends = np.array([div.value(p, one), div.value(p, r)])
        assert ends / div.unit == pytest.approx([divergence(div, p, one), divergence(div, p, r)], rel=1e-10, abs=1e-10)
        if np.isfinite(ends).all():
            chord = share * ends[0] + (1 - share) * ends[1]
            assert div.value(p, share * one + (1 - share) * r) <= chord + 1e-10 * (1 + chord)


@each
def test_least_is_the_least_and_is_attained(div: Divergence) -> None:
    rng = np.random.default_rng(0)
    p = np.array([0.1, 0.2, 0.3, 0.4])
    best = p if not isinstance(div, perceptions.Wasserstein) else np.bincount(div.cost.argmin(axis=1), p, 4)
    assert div.value(p, best) == pytest.approx(div.least(p), abs=1e-12)
    assert all(div.value(p, q) > div.least(p) for q in rng.dirichlet(np.ones(4), 20))
    assert (div.least(p) > 0) == (div is DIVERGENCES["W without a zero"])


@each
def test_a_divergence_is_a_value(div: Divergence) -> None:
    assert hash(div) == hash(div)
    with pytest.raises(FrozenInstanceError):
        div.unit = 2.0  # type: ignore[misc]


@each
def test_it_vanishes_where_a_law_is_no_way_from_itself(div: Divergence) -> None:
    for p in (np.full(4, 0.25), np.array([0.5, 0.0, 0.5, 0.0])):
        assert div.vanishes(p) == (div.value(p, p) == 0)


def test_a_transport_vanishes_if_staying_is_free_where_the_law_lives() -> None:
    stay = perceptions.Wasserstein([[0.0, 1.0], [1.0, 0.5]])
    assert stay.vanishes(np.array([1.0, 0.0]))
    assert not stay.vanishes(np.array([0.5, 0.5]))
    assert not perceptions.Wasserstein(np.zeros((2, 3))).vanishes(np.array([0.5, 0.5]))


@each
@pytest.mark.parametrize("missing", [False, True])
def test_conic_form_is_the_value(div: Divergence, missing: bool) -> None:
    rng = np.random.default_rng(5)
    for k, (p, q) in enumerate(rng.dirichlet(np.ones(4), (3, 2))):
        if missing:
            p[1] = 0.0
            q[1] *= k > 0  # missing in both, and in one
            p, q = p / p.sum(), q / q.sum()
        law = cp.Variable(4, nonneg=True)
        value, needs = div.conic(p, law)
        assert value.is_convex()
        solved = cp.Problem(cp.Minimize(value), [*needs, law == q])
        solved.solve(solver=cp.CLARABEL)
        assert solved.value == pytest.approx(div.value(p, q), abs=1e-6)


def test_values_by_hand() -> None:
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    assert perceptions.TotalVariation().value(p, q) == pytest.approx(0.25, abs=1e-15)
    # KL of the reproduction from the source, not the other way round.
    assert perceptions.KL().value(p, q) / LN2 == pytest.approx(0.75 * np.log2(1.5) + 0.25 * np.log2(0.5), abs=1e-15)
    assert perceptions.ReverseKL().value(p, q) / LN2 == pytest.approx(-0.5 * np.log2(0.75), abs=1e-15)
    # The entropy of (5/8, 3/8), less the mean entropy.
    middle, ends = 3 - 0.625 * np.log2(5) - 0.375 * np.log2(3), (1 + 2 - 0.75 * np.log2(3)) / 2
    assert perceptions.JensenShannon().value(p, q) / LN2 == pytest.approx(middle - ends, abs=1e-15)
    assert perceptions.ChiSquared().value(p, q) == pytest.approx(0.25, abs=1e-15)
    assert perceptions.Hellinger().value(p, q) == pytest.approx(1 - np.sqrt(0.375) - np.sqrt(0.125), abs=1e-15)
    assert perceptions.Wasserstein([[0, 4], [4, 0]]).value(p, q) == pytest.approx(1.0, abs=1e-12)


def test_values_with_missing_letters() -> None:
    one, both = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    values = {name: (div.value(one, both), div.value(both, one)) for name, div in F_DIVERGENCES.items()}
    js, hellinger = LN2 * (1.5 - 0.75 * np.log2(3)), 1 - np.sqrt(0.5)
    expected = {
        "TV": (0.5, 0.5),
        "KL": (np.inf, LN2),
        "reverse KL": (LN2, np.inf),
        "JS": (js, js),
        "chi squared": (np.inf, 1.0),
        "Hellinger": (hellinger, hellinger),
    }
    for name, pair in expected.items():
        assert values[name] == pytest.approx(pair, abs=1e-15), name
