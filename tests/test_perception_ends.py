"""Divergences at the ends of their ranges: high and low prices, masses of any size, laws that all but agree."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from divergences import DIVERGENCES, F_DIVERGENCES, each, each_f, fares, laws, seeds
from hypothesis import given
from hypothesis import strategies as st

from rdcfunc.perceptions import Divergence, FDivergence

#: f''(1), which a bound at a high price sees; total variation has none.
CURVATURES = {"KL": 1.0, "reverse KL": 1.0, "JS": 0.25, "chi squared": 2.0, "Hellinger": 0.25}


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


@each_f
@given(seed=seeds, part=st.floats(1e-3, 0.99))
def test_the_share_of_the_source_that_meets_a_level_is_hardly_more_than_the_least(
    div: FDivergence, seed: int, part: float
) -> None:
    _, p, q, r = laws(seed)
    level = part * min(div.value(p, q), div.value(p, r), 3.0)
    share = div.share(p, q, level)

    def value(share: float) -> float:
        return div.value(p, (1 - share) * q + share * p)

    assert value(share) <= level * (1 + 1e-12)
    assert value(0.99 * share) > level * (1 - 1e-9) or share < 1e-14


def test_a_letter_without_mass_needs_next_to_none() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.4, 0.0])
    assert F_DIVERGENCES["reverse KL"].value(p, q) == np.inf
    assert F_DIVERGENCES["reverse KL"].share(p, q, 3.0) < 1e-5
