"""Lower bounds of samples by perfect perception: below exact answers, tight where they should be, rounding paid for."""

from functools import cache
from math import log

import numpy as np
import pytest
from brackets import quietly
from clouds import LINE, LINE_LABELS, SQUARED, labelled, normal

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources
from rdcfunc.empirical import certificate
from rdcfunc.empirical import perfect as bounds
from rdcfunc.empirical.perfect import dual, perfect
from rdcfunc.passes.base import Machine
from rdcfunc.passes.on_numpy import NumPy
from rdcfunc.passes.on_torch import Torch

R = 0.8 * log(2)
MACHINES = [NumPy(False), NumPy(True), Torch(False, "cpu")]


def proved(x: np.ndarray, nats: float, groups: list | None = None, machine: Machine | None = None) -> float:
    """The bound on the distortion with perfect perception at a rate."""
    x, n = x.reshape(len(x), -1), len(x)
    x = x - x.mean(axis=0)
    groups = [np.arange(n)] if groups is None else groups
    found = perfect(x, np.full(n, 1 / n), groups, lambda d, s: (d - nats) / s, 1.0, machine or NumPy(False))
    return (found.dual - nats) / found.s


@cache
def exact() -> rdc.Solution:
    """Perfect perception on the line: letters are the samples, a program of finite size."""
    cost = (LINE[:, None] - LINE) ** 2
    problem = rdc.Problem(sources.uniform(LINE.size), distortions.matrix(cost), perceptions.Wasserstein(cost))
    return rdc.distortion(problem, R=R / log(2), P=0.0, tol=1e-7)


@pytest.mark.parametrize("machine", MACHINES)
def test_perfect_perception_meets_the_program_of_finite_size(machine: Machine) -> None:
    found = proved(LINE, R, machine=machine)
    assert found <= exact().upper
    assert found >= exact().lower - (1e-6 if machine.double else 1e-4)


def test_half_is_a_bound_on_every_letter_and_the_whole_is_none() -> None:
    free = rdc.distortion(rdc.Problem(sources.Samples(LINE), SQUARED), R=R / log(2), tol=1e-5)
    found = proved(LINE, R)
    assert found / 2 <= free.upper
    assert found > free.upper + 0.05


def test_the_answer_in_many_dimensions_is_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a line that is taken for many dimensions the bound is half of the exact level, to the last digits."""
    problem = rdc.Problem(sources.Samples(LINE), SQUARED)
    monkeypatch.setattr(certificate, "_axes", lambda rows: None)
    found = quietly(rdc.distortion, problem, R=R / log(2))
    assert (found.status, found.origins[0]) == (rdc.Status.WIDE, "half of the cost of perfect perception")
    np.testing.assert_allclose(found.lower, exact().lower / 2, rtol=1e-5)
    assert found.searched is not None
    assert found.searched > found.lower
    back = quietly(rdc.rate, problem, D=exact().lower / 2)
    np.testing.assert_allclose(back.lower, R / log(2), rtol=1e-4)


def by_class() -> list:
    return [np.flatnonzero(c == LINE_LABELS) for c in (0, 1)]


@pytest.mark.parametrize(("rate", "C"), [(1.2, 0.4), (1.0, 0.05), (2.0, 0.0)])
def test_within_classes_half_is_a_bound_and_the_whole_is_none(rate: float, C: float) -> None:
    free = quietly(rdc.distortion, labelled(), R=rate, C=C, tol=1e-4)
    found = proved(LINE, (rate + C) * log(2), by_class())
    assert 0.1 < found / 2 <= free.upper
    assert found > free.upper


def test_where_the_class_is_all_that_is_told_the_variance_within_it_is_the_bound() -> None:
    share = 4 / 9
    entropy = -share * log(share) - (1 - share) * log(1 - share)
    variance = sum(LINE[c == LINE_LABELS].var() * np.mean(c == LINE_LABELS) for c in (0, 1))
    found = proved(LINE, entropy + 1e-4, by_class()) / 2
    assert 0.97 * variance < found <= variance


def test_labels_in_many_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each verb's bound is below what the certified bracket of the line achieves; the class counts."""
    truth = quietly(rdc.distortion, labelled(), R=1.2, C=0.05, tol=1e-4)
    plain = proved(LINE, 1.2 * log(2)) / 2
    monkeypatch.setattr(certificate, "_axes", lambda rows: None)
    found = quietly(rdc.distortion, labelled(), R=1.2, C=0.05)
    assert plain * 1.05 < found.lower < truth.lower
    level = found.lower
    np.testing.assert_allclose(quietly(rdc.rate, labelled(), D=level, C=0.05).lower, 1.2, rtol=1e-3)
    np.testing.assert_allclose(quietly(rdc.classification, labelled(), D=level, R=1.2).lower, 0.05, atol=1e-3)


def test_any_weights_bound_and_steps_only_improve(monkeypatch: pytest.MonkeyPatch) -> None:
    random, x, p = np.random.default_rng(0), LINE[:, None], np.full(LINE.size, 1 / LINE.size)
    for _ in range(20):
        s = float(random.exponential(2.0))
        value = dual(x, p, [np.arange(LINE.size)], random.normal(size=LINE.size), s, NumPy(False))
        assert (value - R) / s <= exact().upper
    found = []
    for steps in (0, 1, 2, 4, 16):
        monkeypatch.setattr(bounds, "_STEPS", steps)
        found.append(proved(LINE, R))
    assert np.all(np.diff(found) >= -1e-12)
    assert found[0] < found[-1] - 1e-3
    assert found[-1] <= exact().upper


def test_parts_of_the_samples_prove_nearly_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    x = normal(500, 6)
    whole = proved(x, R)
    monkeypatch.setattr(bounds, "_FEW", 100)
    monkeypatch.setattr(bounds, "_MANY", 200)
    assert 0.99 * whole < proved(x, R) <= whole


def test_neither_axes_nor_origin_nor_blocks_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    x = normal(60, 5)
    turn = np.linalg.qr(normal(5, 5, seed=1))[0]
    found = proved(x, R)
    np.testing.assert_allclose(proved(x @ turn + 7.0, R), found, rtol=1e-9)
    monkeypatch.setattr(bounds, "_EDGE", 7)
    np.testing.assert_allclose(proved(x, R), found, rtol=1e-9)


def test_two_processes_share_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_EDGE", 7)
    x, p, machine = normal(60, 5), np.full(60, 1 / 60), NumPy(False)
    whole = bounds._sums(x, p, np.zeros(60), 0.4, machine)
    parts = np.zeros(60)
    machine.size = 2
    for machine.rank in (0, 1):
        parts += bounds._sums(x, p, np.zeros(60), 0.4, machine)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_rounding_of_single_precision_is_paid_for() -> None:
    """The sums of the definition, in double precision, bound what single precision tells; unpaid it tells too much."""
    unpaid = 0
    for seed in range(10):
        x, p = 3 * normal(40, 50, seed), np.full(40, 1 / 40)
        log_a = np.full(40, 1.5)
        kernel = np.exp(-0.05 * ((x[:, None] - x) ** 2).sum(axis=2))
        truth = 2 * p @ log_a - p @ np.log(np.exp(log_a) * (kernel @ (p * np.exp(log_a))))
        machine = NumPy(True)
        told = dual(x, p, [np.arange(40)], log_a, 0.05, machine)
        assert truth - 1e-2 < told <= truth
        machine.double = True
        unpaid += dual(x, p, [np.arange(40)], log_a, 0.05, machine) > truth
    assert unpaid > 0


def test_samples_of_weight_zero_and_classes_of_one() -> None:
    """What is never drawn changes nothing, and a class of one sample costs nothing."""
    x, p = normal(12, 5), np.full(12, 1 / 12)
    more = sources.Samples(np.concatenate([x, 3 + normal(2, 5)]), np.concatenate([p, [0.0, 0.0]]))
    few = rdc.Problem(sources.Samples(x), SQUARED)
    same = quietly(rdc.distortion, rdc.Problem(more, SQUARED), R=1.0)
    np.testing.assert_allclose(same.lower, quietly(rdc.distortion, few, R=1.0).lower, rtol=1e-6)
    assert 0 < same.lower <= same.upper
    alone = classifications.ConditionalEntropy(np.arange(12), tagged=True)
    found = quietly(rdc.distortion, rdc.Problem(sources.Samples(x), SQUARED, classification=alone), R=2.0, C=1.9)
    assert 0 <= found.lower <= found.upper


def test_pairs_that_cost_too_much_are_left_out() -> None:
    problem = rdc.Problem(sources.Samples(normal(30, 5)), SQUARED)
    solver = solvers.Particles(8, sweeps=5, products=30**2 * 21 - 1)
    found = quietly(rdc.distortion, problem, R=1.0, solver=solver)
    assert (found.lower, found.status) == (0.0, rdc.Status.SEARCHED)
    more = solvers.Particles(8, sweeps=5, products=30**2 * 21)
    found = quietly(rdc.distortion, problem, R=1.0, solver=more)
    assert 0 < found.lower <= found.upper
    assert found.status is rdc.Status.WIDE
