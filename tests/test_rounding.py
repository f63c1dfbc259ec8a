"""Rounding only ever widens a bracket: its ends, against the same formulas in sixty digits on the same numbers.

Prices are high and costs far from zero, so that large terms cancel and what they were rounded by is left. Without the
allowances, as the negative controls show, many of these bounds would lie on the wrong side.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, localcontext
from math import inf
from typing import Any

import numpy as np
import pytest

from rdcfunc import certificate, perceptions
from rdcfunc.program import Axis, Linear, Output, Posterior, Program

TRIES = 60
DIVERGENCES: dict[str, perceptions.Divergence | None] = {
    "none": None,
    "TV": perceptions.TotalVariation(),
    "KL": perceptions.KL(),
    "tagged": None,
    "cancelled": perceptions.TotalVariation(),
    "Wasserstein": perceptions.Wasserstein(3.0 + np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))),
}


def exact(table: np.ndarray) -> Any:
    """Return an array of the same numbers with sixty digits, on which NumPy's sums and products are exact enough."""
    return np.vectorize(Decimal, otypes=[object])(table)


def exps(table: Any) -> Any:
    return np.vectorize(Decimal.exp, otypes=[object])(table)


def logs(table: Any) -> Any:
    return np.vectorize(Decimal.ln, otypes=[object])(table)


@pytest.fixture(autouse=True)
def _sixty_digits() -> Iterator[None]:
    with localcontext(prec=60):
        yield


def drawn(seed: int, name: str, goal: bool, rate: float) -> tuple[Program, certificate.Candidate]:
    """Return a program of two costs and perhaps another measure, and high prices with factors that are nearly best."""
    rng = np.random.default_rng(seed)
    n = 4
    p = rng.dirichlet(np.ones(n))
    costs = 5.0 + rng.random((2, n, n)) - np.eye(n)
    s = 10.0 ** rng.uniform(0, 5, 2)
    g, t = 0.1 * rng.normal(size=n) * s[0], 0.1 * float(s[1] * rng.random())
    # A level that no channel meets leaves a bound that nothing cuts off at zero.
    levels = [inf if goal else 3.9, 3.9]
    if name == "cancelled":  # output prices take nearly all of what the distortion costs, and no term shows it
        p, s, g, t = np.full(n, 0.25), np.array([1e6]), 1e6 * np.array([1.0, 1.0, -1.0, -1.0]), 1e7
        told_apart = (np.arange(n)[:, None] + np.arange(n)) % 2 + 0.1 * rng.random((n, n))
        costs = np.array([[0.0, 0.0, 1.0, 1.0] + 3e-6 * told_apart * [0, 0, 1, 1]])
        levels = [inf if goal else 0.0]
    linear = tuple(Linear(Axis.D, 0, cost, level) for cost, level in zip(costs, levels, strict=True))
    divergence, told = DIVERGENCES[name], name == "tagged"
    outputs = () if divergence is None else (Output(0, divergence, 0.0 if name == "cancelled" else 0.01, p),)
    posteriors = (Posterior(0, np.eye(2)[[0, 1, 1, 0]], 0.1, tagged=True),) if told else ()
    program = Program(p, np.arange(n)[:, None], n, linear, outputs, posteriors, rate)
    dual = certificate.Dual(s, ((t, g),) * len(outputs), np.array([0.6] * told))
    log_a = dual.cost(program).min(axis=1) + 0.1 * rng.random(n)
    return program, certificate.Candidate(np.eye(n), np.arange(n), dual, 0, log_a)


def support(program: Program, dual: certificate.Dual) -> Any:
    """Return ``sup_q <g, q> - t div(p, q)``."""
    (output,), ((t, g),) = program.outputs, dual.outputs
    p, fare, g = exact(program.p), Decimal(t), exact(g)
    if isinstance(output.divergence, perceptions.TotalVariation):
        return p @ np.maximum(g, g.max() - fare)
    if isinstance(output.divergence, perceptions.KL):
        return fare * (p @ exps(g / fare)).ln()
    assert isinstance(output.divergence, perceptions.Wasserstein)
    return p @ (g - fare * exact(output.divergence.cost)).max(axis=1)


def weak_duality(program: Program, candidate: certificate.Candidate) -> Any:
    """Return the lower bound of the rate, or of the goal at the program's rate and at any."""
    dual, p = candidate.dual, exact(program.p)
    priced = [(Decimal(price), c) for price, c in zip(dual.prices, program.every, strict=True)]
    paid = sum(price * Decimal(c.level) for price, c in priced if c.level < inf)
    cost = sum(price * exact(c.cost) for price, c in priced if isinstance(c, Linear))
    if program.outputs:
        cost, paid = cost + exact(dual.outputs[0][1]), paid + support(program, dual)
    log_a = exact(candidate.log_a)
    earned = p[:, None] * exps(log_a[:, None] - cost)
    if program.posteriors:
        t, classes = Decimal(float(dual.posteriors[0])), exact(program.posteriors[0].labels)
        best = (((classes.T @ earned) ** (1 / (1 - t))).sum(axis=0) ** (1 - t)).max()
    else:
        best = earned.sum(axis=0).max()
    rate = p @ log_a - best.ln() - paid
    if program.goal is None:
        return rate
    unit = Decimal(float(dual.linear[0]))
    alone = p @ exact(program.linear[0].cost).min(axis=1)
    return max(alone, (p @ cost.min(axis=1) - paid) / unit, (rate - Decimal(program.rate)) / unit)


def above(name: str, goal: bool, rate: float) -> int:
    """Return how many of many lower bounds lie above what they round."""
    count = 0
    for seed in range(TRIES):
        program, candidate = drawn(seed, name, goal, rate)
        found, truth = certificate.lower_bound(program, candidate), weak_duality(program, candidate)
        unit = candidate.dual.linear[0] if goal else 1.0
        assert float(truth) > 0
        assert abs(float(truth) - found) <= 1e-11 * (1 + candidate.dual.linear.max()) / unit, "not the same formula"
        count += Decimal(found) > truth
    return count


@pytest.mark.parametrize(("goal", "rate"), [(False, inf), (True, 0.01), (True, inf)], ids=["R", "D(R)", "D"])
@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_lower_end_is_at_most_what_it_rounds(
    name: str, goal: bool, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert above(name, goal, rate) == 0
    monkeypatch.setattr(certificate, "EPS", 0.0)
    monkeypatch.setattr(certificate, "ROUNDING", 0.0)
    assert above(name, goal, rate) > TRIES // 6


def floors_above(size: float) -> int:
    count = 0
    for seed in range(TRIES):
        rng = np.random.default_rng(seed)
        p, table, labels = rng.dirichlet(np.ones(5)), size * rng.random((5, 3)), rng.dirichlet(np.ones(3), 5)
        program = Program(p, np.arange(3)[:, None], 3)
        law, told = exact(p), exact(labels)
        fares = perceptions.Wasserstein(table)
        goals: list[tuple[Any, Any]] = [
            (Linear(Axis.D, 0, table, inf), law @ exact(table).min(axis=1)),
            (Output(0, fares, inf, p, axis=Axis.P), law @ exact(table).min(axis=1)),
            (Posterior(0, labels, inf, tagged=False), -law @ (told * logs(told)).sum(axis=1)),
        ]
        count += sum(Decimal(certificate._least(program, goal)) > truth for goal, truth in goals)
    return count


@pytest.mark.parametrize("size", [0.5, 30.0])
def test_a_floor_under_a_goal_is_at_most_what_it_rounds(size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The least cost, transport and entropy that any channel has."""
    assert floors_above(size) == 0
    monkeypatch.setattr(certificate, "ROUNDING", 0.0)
    assert floors_above(size) > TRIES // 2


def tops_below() -> int:
    count = 0
    for seed in range(TRIES):
        rng = np.random.default_rng(seed)
        n = 6
        program = Program(rng.dirichlet(np.ones(n)), np.arange(n)[:, None], n)
        channel = rng.dirichlet(np.ones(n), n)
        dual = certificate.Dual(np.zeros(0))
        found = certificate.bracket(program, certificate.Candidate(channel, np.arange(n), dual, 0))
        p, W = exact(program.p), exact(found.channel)
        W = W / W.sum(axis=1)[:, None]
        count += Decimal(found.upper) < p @ (W * (logs(W) - logs(p @ W))).sum(axis=1)
    return count


def test_an_upper_end_is_at_least_what_it_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tops_below() == 0
    monkeypatch.setattr(certificate, "EPS", 0.0)
    monkeypatch.setattr(certificate, "ROUNDING", 0.0)
    assert tops_below() > TRIES // 6


@pytest.mark.parametrize("price", [0.0, 1e3, 1e9])
def test_a_level_passed_by_rounding_alone_is_paid_at_its_price(price: float) -> None:
    """The cheapest channel meets the least cost but for its last digits, and no other does."""
    p, cost = np.array([0.3, 0.7]), np.array([[0.1, 0.4], [0.9, 0.3]])
    channel = np.eye(2)
    program = Program(p, np.arange(2)[:, None], 2, (Linear(Axis.D, 0, cost, 1.0),))
    spent = program.value(program.linear[0], channel)
    level = spent * (1 - 8 * certificate.EPS)
    program = replace(program, linear=(replace(program.linear[0], level=level),))
    dual = certificate.Dual(np.array([price]))
    found = certificate.bracket(program, certificate.Candidate(channel, np.arange(2), dual, 0))
    paid = found.upper - program.information(channel)
    np.testing.assert_array_equal(found.channel, channel)
    assert price * (spent - level) < paid < 1.001 * price * (spent - level) + 1e-13


@pytest.mark.parametrize("rate", [0.3, inf])
def test_without_a_price_a_goal_has_its_floor(rate: float) -> None:
    program, candidate = drawn(0, "none", True, rate)
    free = replace(candidate, dual=certificate.Dual(np.zeros(2)))
    assert certificate.lower_bound(program, free) == certificate._least(program, program.linear[0]) > 3
