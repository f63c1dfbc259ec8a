"""From level to rate and back: least levels at a rate, prices as slopes, curves that fall and bend one way."""

from dataclasses import replace

import numpy as np
import pytest
from divergences import F_DIVERGENCES
from lines import gauss
from measure import assert_meets
from parts import random_square
from scipy.optimize import brentq

import rdcfunc as rdc
from rdcfunc import classifications, solvers

CORE = solvers.InteriorPoint()
TOL = 1e-9


@pytest.mark.parametrize("kind", [None, *F_DIVERGENCES, "W1"])
def test_the_rate_at_a_distortion_and_the_distortion_at_that_rate(kind: str | None) -> None:
    problem, P = gauss(12, 3.0, kind), np.inf if kind is None else 0.04
    forward = rdc.rate(problem, D=0.4, P=P, tol=TOL)
    back = rdc.distortion(problem, R=forward.upper, P=P, tol=1e-8)
    assert back.lower <= 0.4
    assert back.upper == pytest.approx(0.4, abs=1e-8)
    assert back.rate <= forward.upper + 1e-12


@pytest.mark.parametrize("kind", [*F_DIVERGENCES, "W1", "W2"])
def test_the_least_perception_at_a_rate_and_the_rate_at_that_perception(kind: str) -> None:
    problem = gauss(12, 3.0, kind)
    R = rdc.rate(problem, D=0.4).upper + 0.03
    least = rdc.perception(problem, R=R, D=0.4, tol=TOL)
    assert least.gap <= TOL
    assert least.lower > 0
    assert_meets(problem, least, rdc.Target(0.4, least.value))
    assert least.rate <= R + 1e-12
    back = rdc.rate(problem, D=0.4, P=least.upper, tol=TOL)
    assert back.lower <= R
    assert back.upper == pytest.approx(R, abs=1e-7)


def test_perception_costs_nothing_where_the_rate_allows_the_source_itself() -> None:
    problem = gauss(8, 3.0, "TV")
    answer = rdc.perception(problem, R=20.0, D=0.1)
    assert answer.upper <= 1e-6
    assert rdc.perception(problem, R=0.5, D=2.1).value < 1e-12  # nothing need be sent


def test_prices_are_finite_differences() -> None:
    problem = replace(
        gauss(15, 3.0, "KL"), classification=classifications.ErrorRate([0] * 7 + [1] * 8, [0] * 7 + [1] * 8)
    )
    target = rdc.Target(0.3, 0.02, 0.12)
    answer = rdc.rate(problem, target.D, target.P, target.C, tol=1e-11)
    assert isinstance(answer.prices, rdc.Prices)
    for name, price in (
        ("D", answer.prices.distortion),
        ("P", answer.prices.perception),
        ("C", answer.prices.classification),
    ):
        step = 1e-4 * getattr(target, name)
        low, high = (
            rdc.rate(problem, t.D, t.P, t.C, tol=1e-11)
            for t in (replace(target, **{name: getattr(target, name) + sign * step}) for sign in (-1, 1))
        )
        assert price > 0
        assert price == pytest.approx((low.value - high.value) / (2 * step), rel=1e-5)


def test_the_curve_is_convex_and_falls_within_its_brackets() -> None:
    problem = gauss(40, 4.0, "TV")
    curve = rdc.trace(problem, D=np.linspace(0.05, 1.2, 24), P=0.05, tol=1e-9)
    assert (curve.upper - curve.lower <= 1e-9).all()
    assert (np.diff(curve.value) <= 1e-9).all()
    assert (np.diff(curve.value, 2) >= -4e-9).all()


def gaussian_rate(D: float, deviation: float) -> float:
    """R in bits of N(0, 1) and a jointly Gaussian reproduction with this standard deviation, E (X - X̂)² = D."""
    correlation = (1 + deviation**2 - D) / (2 * deviation)
    return float(-0.5 * np.log2(1 - correlation**2))


@pytest.mark.parametrize(
    ("kind", "level", "deviation"),
    [
        # W2² <= P: the deviation is 1 - √P (Zhang et al. 2021, arXiv:2106.10311, theorem 5).
        ("W2", 0.02, 1 - np.sqrt(0.02)),
        # KL <= P nats: log(1/g) + (g² - 1) / 2 = P (Serra, Stavrou and Kountouris 2023, arXiv:2311.09190).
        ("KL", 0.02 / np.log(2), brentq(lambda g: -np.log(g) + (g**2 - 1) / 2 - 0.02, 0.1, 1 - 1e-9)),
    ],
)
def test_a_fine_grid_tends_to_the_gaussian_formula(kind: str, level: float, deviation: float) -> None:
    truth = gaussian_rate(0.5, deviation)
    coarse, fine = (abs(rdc.rate(gauss(n, 5.0, kind), D=0.5, P=level).value - truth) for n in (40, 120))
    # Second order in the step, down to what cutting the tails off costs.
    assert fine < max(1e-5, coarse / 6)
    assert fine < 1e-3


@pytest.mark.parametrize("R", [0.3, 1.0, 2.0])
def test_the_least_distortion_at_a_rate_is_found_without_help(R: float) -> None:
    least = rdc.distortion(random_square(60), R=R, solver=CORE, tol=TOL)
    assert least.gap <= TOL
    assert rdc.rate(random_square(60), D=least.upper, solver=CORE, tol=TOL).upper == pytest.approx(R, abs=1e-7)
