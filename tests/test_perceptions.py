"""A divergence's faces agree: value, support function, conjugate and conic form."""

from dataclasses import FrozenInstanceError
from decimal import Decimal, localcontext

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from measure import divergence
from oracles import LN2
from parts import abs_cost

from rdcfunc import perceptions
from rdcfunc.perceptions import Divergence, FDivergence

DIVERGENCES: dict[str, Divergence] = {
    "TV": perceptions.TotalVariation(),
    "KL": perceptions.KL(),
    "reverse KL": perceptions.ReverseKL(),
    "JS": perceptions.JensenShannon(),
    "chi squared": perceptions.ChiSquared(),
    "Hellinger": perceptions.Hellinger(),
    "W1": perceptions.Wasserstein(abs_cost(4)),
    "W2": perceptions.Wasserstein(abs_cost(4) ** 2),
    "W without a zero": perceptions.Wasserstein(1.0 + np.arange(16.0).reshape(4, 4) % 5),
}
F_DIVERGENCES = {name: div for name, div in DIVERGENCES.items() if isinstance(div, FDivergence)}
#: f''(1), which a bound at a high price sees; total variation has none.
CURVATURES = {"KL": 1.0, "reverse KL": 1.0, "JS": 0.25, "chi squared": 2.0, "Hellinger": 0.25}
each = pytest.mark.parametrize("div", DIVERGENCES.values(), ids=DIVERGENCES.keys())
each_f = pytest.mark.parametrize("div", F_DIVERGENCES.values(), ids=F_DIVERGENCES.keys())
seeds = st.integers(0, 2**32 - 1)
fares = st.floats(0, 1e3) | st.sampled_from([0.0, 5e-324, 1e-300, 1e-9, 1e9, 1e15])


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


# Conjugates ----------------------------------------------------------------------------------------------------


def inside(div: FDivergence, points: int = 41) -> np.ndarray:
    """Return points in the domain of the conjugate, some close to its ends."""
    low, high = np.maximum(div.domain[0], -4.0), np.minimum(div.domain[1], 8.0)
    return low + (high - low) * (1 - np.cos(np.linspace(0.02, np.pi - 0.02, points))) / 2


def generator(div: FDivergence, ratios: np.ndarray) -> np.ndarray:
    """Return f, as the divergence of a mass from the mass one."""
    return np.array([div.value(np.ones(1), np.array([u])) for u in ratios])


@each_f
def test_conjugate_derivatives_are_those_of_finite_differences(div: FDivergence) -> None:
    w, step = inside(div), 1e-6
    _, first, second = div.conjugate(w)
    (above, up, _), (below, down, _) = div.conjugate(w + step), div.conjugate(w - step)
    np.testing.assert_allclose((above - below) / (2 * step), first, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose((up - down) / (2 * step), second, rtol=1e-5, atol=1e-8)
    assert (first > 0).all()
    assert (second >= 0).all()


@each_f
def test_value_and_conjugate_are_conjugates_of_each_other(div: FDivergence) -> None:
    w = inside(div)
    value, best, _ = div.conjugate(w)
    u = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 20_001)])
    f = generator(div, u)
    assert (np.multiply.outer(w, u) - f <= value[:, None] + 1e-12 * (1 + np.abs(value[:, None]) + f)).all()
    np.testing.assert_allclose(w * best - generator(div, best), value, rtol=1e-12, atol=1e-12)
    # f = f** at what the grid of w can reach.
    dense = inside(div, 20_001)
    reached = np.geomspace(0.25, 4.0, 50)
    double = (np.multiply.outer(reached, dense) - div.conjugate(dense)[0]).max(axis=1)
    np.testing.assert_allclose(double, generator(div, reached), atol=2e-3 if div == F_DIVERGENCES["TV"] else 1e-6)


@each_f
def test_a_slope_is_where_the_conjugate_has_its_ratio(div: FDivergence) -> None:
    u = np.geomspace(1e-3, 1e3, 101)
    value, ratio, _ = div.conjugate(div.slope(u))
    gained = u * div.slope(u) - generator(div, u)
    np.testing.assert_allclose(value, gained, rtol=1e-9, atol=1e-9)
    if div != F_DIVERGENCES["TV"]:  # the others are strictly convex
        np.testing.assert_allclose(ratio, u, rtol=1e-8)


@each_f
def test_conjugate_ends_where_its_domain_does(div: FDivergence) -> None:
    low, high = div.domain
    # Below, nothing is best: f* = -f(0). Above, letters without mass pay f'(∞).
    if np.isfinite(low):
        assert div.conjugate(np.array([low]))[0] == pytest.approx(-generator(div, np.zeros(1)))
    assert div.value(np.zeros(1), np.ones(1)) == pytest.approx(high)


@each_f
def test_conjugate_is_exact_near_zero(div: FDivergence) -> None:
    tiny = np.array([1e-300, -1e-20, 1e-12])
    value, ratio, _ = div.conjugate(tiny)
    np.testing.assert_allclose(value, tiny, rtol=1e-11, atol=0)
    np.testing.assert_allclose(ratio, 1.0, rtol=1e-11)


# Prices and laws at the ends of their ranges --------------------------------------------------------------------


@pytest.mark.parametrize("name", CURVATURES)
@pytest.mark.parametrize("size", [1e-300, 1e-6, 1.0, 1e9, 1e290])
def test_support_at_a_high_price_is_the_mean_and_half_a_variance(name: str, size: float) -> None:
    p, unit = np.array([0.1, 0.2, 0.0, 0.7]), np.array([0.5, -1.0, -0.3, 0.25])
    g, mean = unit * size, float(p @ unit)
    for ratio in (1e5, 1e8, 1e15):
        found = DIVERGENCES[name].support(g, p, ratio * size)
        expected = mean + float(p @ (unit - mean) ** 2) / (2 * CURVATURES[name] * ratio)
        assert abs(found / size - expected) < 2e-15 + 20 / ratio**2


@each
@pytest.mark.parametrize("t", [0.0, 5e-324, 1e-300, 1e-17])
def test_support_at_a_low_price_is_the_best_letter_in_reach(div: Divergence, t: float) -> None:
    g, p = np.array([1.0, 2.0, 3.0, 0.0]), np.array([0.3, 0.2, 0.0, 0.5])
    reachable = t == 0 or not isinstance(div, FDivergence) or np.isfinite(div.domain[1])
    assert div.support(g, p, t) == pytest.approx(3.0 if reachable else 2.0, abs=1e-14)


@each
@given(seed=seeds, power=st.sampled_from([-300, -150, -20, 20, 150, 290]), t=st.floats(1e-3, 1e3))
def test_support_scales(div: Divergence, seed: int, power: int, t: float) -> None:
    g, p, _, _ = laws(seed)
    scale = 10.0**power
    found = div.support(g * scale, p, t * scale) / scale
    assert found == pytest.approx(div.support(g, p, t), rel=1e-9, abs=1e-9 * np.abs(g).max())


@each_f
@given(seed=seeds, size=st.sampled_from([0.0, 1e-300, 1.0, 1e300]), t=fares)
def test_support_lies_between_the_mean_and_the_best(div: FDivergence, seed: int, size: float, t: float) -> None:
    g, p, _, _ = laws(seed)
    g = g / np.abs(g).max() * size
    # A mass that is hardly there still counts as one.
    p = np.maximum(p, np.random.default_rng(seed).choice([0.0, 5e-324, 1e-300, 1e-17]))
    found = div.support(g, p, t)
    assert p @ g - 1e-14 * size <= found <= g.max() + 1e-14 * size


@pytest.mark.parametrize("name", F_DIVERGENCES)
@pytest.mark.parametrize("tiny", [1e-4, 1e-9])
def test_divergence_between_near_laws_is_not_lost(name: str, tiny: float) -> None:
    p = np.array([0.1, 0.2, 0.3, 0.4])
    q = p + tiny * np.array([1.0, -1.0, 2.0, -2.0])
    f = {
        "TV": lambda a, b: abs(a - b) / 2,
        "KL": lambda a, b: b * (b / a).ln() - b + a,
        "reverse KL": lambda a, b: a * (a / b).ln() - a + b,
        "JS": lambda a, b: (a * (2 * a / (a + b)).ln() + b * (2 * b / (a + b)).ln()) / 2,
        "chi squared": lambda a, b: (a - b) ** 2 / a,
        "Hellinger": lambda a, b: (a.sqrt() - b.sqrt()) ** 2 / 2,
    }[name]
    with localcontext(prec=60):
        exact = float(sum(f(Decimal(float(a)), Decimal(float(b))) for a, b in zip(p, q, strict=True)))
    assert DIVERGENCES[name].value(p, q) == pytest.approx(exact, rel=1e-6, abs=0)


@each_f
def test_divergence_of_a_law_from_itself_is_zero(div: FDivergence) -> None:
    for p in (np.array([0.1, 0.9]), np.array([1.0, 0.0]), np.array([1 - 1e-300, 1e-300])):
        assert div.value(p, p) == 0


# Transport -----------------------------------------------------------------------------------------------------


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
