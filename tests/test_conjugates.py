"""An f-divergence and its conjugate: values, slopes, and the ends of where it is finite."""

import numpy as np
import pytest
from divergences import F_DIVERGENCES, each_f, generator

from rdcfunc.perceptions import FDivergence


def inside(div: FDivergence, points: int = 41) -> np.ndarray:
    """Return points in the domain of the conjugate, some close to its ends."""
    low, high = np.maximum(div.domain[0], -4.0), np.minimum(div.domain[1], 8.0)
    return low + (high - low) * (1 - np.cos(np.linspace(0.02, np.pi - 0.02, points))) / 2


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
