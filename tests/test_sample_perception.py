"""Samples and the law of their reproductions: perfect perception, and what lies between it and none."""

from math import sqrt

import numpy as np
import pytest
from brackets import quietly
from clouds import SQUARED, normal

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, solvers, sources
from rdcfunc.empirical import transport as transporting
from rdcfunc.empirical.transport import _cost, _on_a_line, transport
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.rows import Rows


def test_perfect_perception_is_certified_in_any_dimension() -> None:
    x = normal(30, 6)
    problem = rdc.Problem(sources.Samples(x), SQUARED, perceptions.Wasserstein())
    found = rdc.distortion(problem, R=1.5, P=0.0, tol=1e-6)
    assert found.status is rdc.Status.CERTIFIED
    free = quietly(rdc.distortion, problem, R=1.5)
    assert free.lower <= found.lower
    assert found.upper <= 2 * free.upper * (1 + 1e-9)  # the best estimate at most doubles
    some = quietly(rdc.distortion, problem, R=1.5, P=0.3)
    assert free.lower <= some.upper <= found.upper
    back = quietly(rdc.rate, problem, D=found.upper, P=0.0, tol=1e-4)
    assert back.lower <= 1.5 + 1e-9 <= back.upper + 1e-4
    least = quietly(rdc.perception, problem, R=1.5, D=found.upper)
    assert least.upper < 1e-6


@pytest.mark.parametrize("part", [1.5, 2.0, 2.0 + 1e-12, 50.0])
def test_twice_the_variance_is_perfect_for_nothing(part: float) -> None:
    x = normal(8, 1)
    problem = rdc.Problem(sources.Samples(x), SQUARED, perceptions.Wasserstein())
    D = part * x.var(axis=0).sum()
    found = quietly(rdc.rate, problem, D=D, P=0.0)
    assert found.achieved.D <= D
    if part >= 2:
        assert found.lower <= 0 <= found.upper < 0.01
    else:
        # More than the variance, which without perception needs nothing.
        assert 0.01 < found.lower <= found.upper < 0.2
        assert rdc.rate(problem, D=D).upper < 1e-9


def test_perception_of_a_gaussian() -> None:
    x = np.sort(normal(600, 1)[:, 0])
    x = (x - x.mean()) / x.std()
    problem = rdc.Problem(sources.Samples(x), SQUARED, perceptions.Wasserstein())
    found = quietly(rdc.distortion, problem, R=1.0, P=0.0, solver=solvers.Particles(64))
    truth = 0.25 + (1 - sqrt(0.75)) ** 2
    assert found.lower <= found.upper < found.lower + 0.005
    assert abs(found.upper - truth) < 4 * truth * sqrt(2 / 600)


@pytest.mark.parametrize("P", [0.005, 0.02, 0.04])
def test_between_no_perception_and_perfect_perception_no_channel_on_a_grid_beats_the_bound(P: float) -> None:
    x = normal(9, 1, seed=2)[:, 0]
    y = np.linspace(x.min(), x.max(), 61)
    cost = (x[:, None] - y) ** 2
    fixed = rdc.Problem(sources.uniform(9), distortions.matrix(cost), perceptions.Wasserstein(cost))
    free = rdc.Problem(sources.Samples(x), SQUARED, perceptions.Wasserstein())
    there = rdc.distortion(fixed, R=0.8, P=P, tol=1e-5)
    found = quietly(rdc.distortion, free, R=0.8, P=P)
    assert found.lower <= there.upper
    assert found.lower > rdc.distortion(free, R=0.8).upper  # the level costs something, and the bound knows
    assert found.upper - found.lower < 0.15 * found.upper
    assert quietly(rdc.rate, free, D=there.upper, P=P).lower <= 0.8
    assert quietly(rdc.perception, free, R=0.8, D=there.upper).lower <= P


def test_transport_costs_what_its_coupling_costs() -> None:
    x, y, q = normal(40, 1), normal(7, 1, seed=3), np.full(7, 1 / 7)
    rows = Rows(x, np.full(40, 1 / 40))
    exact = perceptions.Wasserstein((np.sort(x, axis=0) - np.sort(y[:, 0] + 0.0)) ** 2)
    line = _on_a_line(rows, y - rows.centre, q)
    assert abs(line - exact.value(np.full(40, 1 / 40), q)) < 1e-12
    cloud = Cloud(y - rows.centre, np.log(q), np.zeros((7, 1)), 5.0)
    sums = rows.sweep(cloud)
    assert _cost(rows.energy, sums.moments, sums.law, y - rows.centre, q) >= line
    # Of the letter's own law nothing is cut: the coupling costs what is sent.
    e = np.log(q) - 5 * (x - y[:, 0]) ** 2
    w = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)
    assert _cost(rows.energy, sums.moments, sums.law, y - rows.centre, sums.law) == pytest.approx(
        (w * (x - y[:, 0]) ** 2).sum() / 40, rel=1e-12
    )


@pytest.mark.parametrize("axes", [None, 2])
def test_a_coupling_by_sweeps_costs_little_more_than_the_best(
    axes: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = normal(80, 3), normal(9, 3, seed=1)
    q, p = np.random.default_rng(2).dirichlet(np.ones(9)), np.full(80, 1 / 80)
    rows, cost = Rows(x, p), ((x[:, None] - y) ** 2).sum(axis=-1)
    least, apart = perceptions.Wasserstein(cost).value(p, q), float(p @ cost @ q)
    ways = None if axes is None else np.linalg.svd(x - x.mean(axis=0))[2][:axes].T
    plan = (None if ways is None else Rows(x @ ways, p), rows, rows)
    assert transport(plan, ways, y - rows.centre, q, apart).cost == pytest.approx(least, rel=1e-9)
    monkeypatch.setattr(transporting, "_SMALL", 0)
    found = transport(plan, ways, y - rows.centre, q, apart).cost
    assert least <= found <= (1.1 * least if axes is None else apart)
    assert transport(plan, ways, y - rows.centre, q, 1.01 * least).cost <= 1.01 * least  # what is known is kept
