"""Gaussian vectors: against convex programs in full matrices, rotations, sums of scalars, singular covariances."""

from dataclasses import replace
from math import inf, log

import numpy as np
import pytest
from gaussians import LN2, PROVED, SQUARED, assert_meets, entropy, random_covariance, semidefinite, vector

import rdcfunc as rdc
from rdcfunc import Target, perceptions, sources
from rdcfunc.answer import solve
from rdcfunc.program import Axis


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("P", [0.0, 0.005, 0.05])
def test_axes_are_enough(perception: perceptions.Divergence, P: float) -> None:
    S = random_covariance(1, 3)
    D = 0.3 * np.trace(S)
    answer = rdc.rate(vector(S, perception), D=D, P=P)
    assert answer.gap < 1e-10
    value, (reached,), _ = semidefinite(S, [Target(D, P)], perception)
    same = rdc.rate(vector(S, perception), D=reached.D, P=reached.P * (P > 0)).value
    # What a cone solver's matrices achieve may be had for a little less, never for more.
    assert -1e-6 < value - same < 2e-5
    assert abs(value - answer.value) < 1e-4
    if isinstance(perception, perceptions.Wasserstein):
        assert_meets(S, answer, D, P)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_universal_rate_of_vectors_is_a_convex_program(perception: perceptions.Divergence) -> None:
    S = np.diag([1.0, 0.01])
    theta = [Target(D=0.02), Target(D=0.0233, P=1e-5)]
    problem = vector(S, perception)
    penalty = rdc.rate_penalty(problem, theta)
    assert penalty.universal.gap < 1e-10
    value, reached, _ = semidefinite(S, theta, perception)
    assert rdc.universal_rate(problem, reached).value == pytest.approx(value, abs=1e-6)
    assert penalty.lower > 0.01
    for target, reached in zip(theta, penalty.universal.achieved, strict=True):
        assert reached.D <= target.D
        assert reached.P <= target.P
    one = rdc.universal_rate(problem, [theta[1], replace(theta[1], D=1.0)])
    assert one.value == pytest.approx(rdc.rate(problem, D=0.0233, P=1e-5).value, abs=1e-10)


def test_diagonal_is_a_sum_of_scalars_at_one_water_level() -> None:
    variances = np.array([2.0, 0.7, 0.3, 0.04])
    for level in (0.01, 0.2, 0.5):
        D = np.minimum(level, variances)
        answer = rdc.rate(vector(np.diag(variances)), D=float(D.sum()))
        parts = [rdc.rate(vector(np.array([[v]])), D=float(d)).value for v, d in zip(variances, D, strict=True)]
        assert answer.value == pytest.approx(sum(parts), abs=1e-11)
        assert answer.prices.distortion == pytest.approx(1 / (2 * level * LN2), rel=1e-9)
        back = rdc.distortion(vector(np.diag(variances)), R=answer.value)
        assert back.value == pytest.approx(float(D.sum()), rel=1e-11)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_one_price_for_all_components(perception: perceptions.Divergence) -> None:
    """At the optimum each component alone, at its own D and P, has the slopes of the whole."""
    variances = np.array([1.0, 0.4, 0.05])
    answer = rdc.rate(vector(np.diag(variances), perception), D=0.5, P=0.05)
    gain, noise = np.diag(answer.sent.gain), np.diag(answer.sent.noise)
    total = 0.0
    for s2, g, v in zip(variances, gain, noise, strict=True):
        assert g > 0
        problem = rdc.Problem(sources.Gaussian(s2), SQUARED, perception)
        tau2 = (g * g * s2 + v) / s2
        P = (
            s2 * (1 - tau2**0.5) ** 2
            if isinstance(perception, perceptions.Wasserstein)
            else (tau2 - 1 - log(tau2)) / 2 / LN2
        )
        part = rdc.rate(problem, D=float((1 - g) ** 2 * s2 + v), P=float(P))
        assert part.prices.distortion == pytest.approx(answer.prices.distortion, rel=1e-5)
        assert part.prices.perception == pytest.approx(answer.prices.perception, rel=1e-5)
        total += part.value
    assert total == pytest.approx(answer.value, abs=1e-9)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_rotations_change_nothing(perception: perceptions.Divergence) -> None:
    S, a = random_covariance(3, 4), np.array([1.0, -0.5, 0.3, 0.2])
    Q = np.linalg.qr(np.random.default_rng(4).normal(size=(4, 4)))[0]
    one, other = vector(S, perception, (a, 0.2)), vector(Q @ S @ Q.T, perception, (Q @ a, 0.2))
    D, C = 0.3 * np.trace(S), entropy(0.3 * a @ S @ a + 0.2)
    for levels in ({"D": D}, {"D": D, "P": 0.05}, {"D": D, "C": C}):
        assert rdc.rate(one, **levels).value == pytest.approx(rdc.rate(other, **levels).value, abs=1e-9)
    assert rdc.rate(one, D=D, P=0.05, C=C).value == pytest.approx(rdc.rate(other, D=D, P=0.05, C=C).value, abs=1e-7)


def test_labels_of_two_components() -> None:
    S, a, w = np.diag([1.0, 0.25]), np.array([0.3, 1.0]), 0.1
    C = entropy(0.2 * a @ S @ a + w)
    problem = vector(S, label=(a, w))
    found = [rdc.rate(problem, **levels).value for levels in ({"D": 0.5, "C": C}, {"D": 0.5}, {"C": C})]
    np.testing.assert_allclose(found, [1.5975, 1.0, 1.1610], atol=5e-5)
    penalty = rdc.rate_penalty(problem, [Target(D=0.5), Target(C=C)])
    assert penalty.lower == pytest.approx(0.4365, abs=5e-5)
    assert penalty.upper - penalty.lower < 1e-10
    # Necessity and sufficiency: one encoder for both is one that meets both.
    assert penalty.universal.value == pytest.approx(found[0], abs=1e-12)


def test_max_det_by_another_solver() -> None:
    rng = np.random.default_rng(6)
    for seed in range(6):
        n = int(rng.integers(2, 6))
        S, a = random_covariance(seed, n), rng.normal(size=n)
        V, D = rng.uniform(0.05, 0.6) * (a @ S @ a), rng.uniform(0.05, 0.6) * np.trace(S)
        problem = vector(S, label=(a, 0.2))
        answer = rdc.rate(problem, D=D, C=entropy(V + 0.2))
        assert answer.gap < 1e-10
        value, _, reached = semidefinite(S, [], None, a, V)
        assert rdc.rate(problem, C=entropy(reached + 0.2)).value == pytest.approx(value, abs=1e-6)
        value, (distortion,), reached = semidefinite(S, [Target(D)], None, a, V)
        same = rdc.rate(problem, D=distortion.D, C=entropy(reached + 0.2))
        assert same.value == pytest.approx(value, abs=1e-5)
        assert_meets(S, answer, D)
        assert answer.sent.left(a, 0.2) <= (V + 0.2) * (1 + 1e-9)
        if min(answer.prices.distortion * D, answer.prices.classification) < 1e-3:
            continue
        assert rdc.distortion(problem, R=answer.value, C=entropy(V + 0.2)).value == pytest.approx(D, rel=1e-9)
        least = solve(problem, [Target(D=D)], None, 1e-6, R=answer.value, goal=Axis.C)
        assert least.value == pytest.approx(entropy(V + 0.2), abs=1e-9)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_label_and_perception_together(perception: perceptions.Divergence) -> None:
    S, a = random_covariance(8, 3), np.array([1.0, -1.0, 0.5])
    D, V = 0.4 * np.trace(S), 0.25 * a @ S @ a
    problem, C = vector(S, perception, (a, 0.3)), entropy(V + 0.3)
    answer = rdc.rate(problem, D=D, P=0.03, C=C)
    assert answer.gap < 1e-6
    value, (reached,), left = semidefinite(S, [Target(D, 0.03)], perception, a, V)
    assert rdc.rate(problem, reached.D, reached.P, entropy(left + 0.3)).value == pytest.approx(value, abs=1e-6)
    assert answer.lower > max(rdc.rate(problem, D=D, P=0.03).upper, rdc.rate(problem, D=D, C=C).upper) + 1e-3
    assert answer.achieved.D <= D
    assert answer.achieved.P <= 0.03
    assert answer.achieved.C <= C
    if isinstance(perception, perceptions.Wasserstein):
        assert_meets(S, answer, D, 0.03)
    R = answer.value
    assert rdc.distortion(problem, R=R, P=0.03, C=C).value == pytest.approx(D, abs=1e-6)
    assert rdc.perception(problem, R=R, D=D, C=C).value == pytest.approx(0.03, abs=1e-6)
    assert solve(problem, [Target(D, 0.03)], None, 1e-6, R=R, goal=Axis.C).value == pytest.approx(C, abs=1e-6)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_perception_and_its_inverses(perception: perceptions.Divergence) -> None:
    rng = np.random.default_rng(9)
    for seed in range(8):
        S = random_covariance(seed, 4) + 0.01 * np.eye(4)
        problem = vector(S, perception)
        D, P = rng.uniform(0.1, 1.2) * np.trace(S), 10.0 ** rng.uniform(-3, -1)
        answer = rdc.rate(problem, D=D, P=P)
        if min(answer.prices.perception * P, answer.value) < 1e-3:
            continue
        assert rdc.distortion(problem, R=answer.value, P=P).value == pytest.approx(D, rel=1e-9)
        assert rdc.perception(problem, R=answer.value, D=D).value == pytest.approx(P, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_singular_covariances(perception: perceptions.Divergence) -> None:
    """Axes without variance change nothing; axes of next to none change next to nothing."""
    small = random_covariance(2, 2)
    Q = np.linalg.qr(np.random.default_rng(5).normal(size=(4, 4)))[0]
    embedded = Q[:, :2] @ small @ Q[:, :2].T
    near = embedded + 1e-11 * Q[:, 2:] @ Q[:, 2:].T
    a = np.array([0.4, 1.0])
    for P in (0.0, 0.01):
        plain = rdc.rate(vector(small, perception), D=0.2, P=P)
        assert rdc.rate(vector(embedded, perception), D=0.2, P=P).value == pytest.approx(plain.value, abs=1e-9)
        close = rdc.rate(vector(near, perception), D=0.2, P=P)
        if isinstance(perception, perceptions.Wasserstein):
            assert close.value == pytest.approx(plain.value, abs=1e-8)
        assert close.gap < 1e-6
    told = vector(small, perception, (a, 0.1))
    lifted = vector(embedded, perception, (Q[:, :2] @ a, 0.1))
    C = entropy(0.2 * a @ small @ a + 0.1)
    assert rdc.rate(told, D=0.2, C=C).value == pytest.approx(rdc.rate(lifted, D=0.2, C=C).value, abs=1e-9)
    unseen = vector(embedded, perception, (Q[:, 2], 0.1))
    assert rdc.rate(unseen, D=0.2, C=entropy(0.1)).value == pytest.approx(
        rdc.rate(vector(small), D=0.2).value, abs=1e-9
    )
    with pytest.raises(rdc.InfeasibleError, match="tells nothing of the label"):
        rdc.rate(unseen, D=0.2, C=entropy(0.1) - 0.01)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_next_to_perfect_perception_is_perfect(perception: perceptions.Divergence) -> None:
    """A level far below rounding is that of zero, where something is told and where nothing is."""
    S = random_covariance(4, 3)
    problem, total = vector(S, perception), np.trace(S)
    for D, P in ((0.2 * total, 1e-60), (1.999 * total, 1e-60), (2 * total, 1e-60), (0.2 * total, 1e-290)):
        near, perfect = rdc.rate(problem, D=D, P=P), rdc.rate(problem, D=D, P=0.0)
        assert near.achieved.P <= P
        assert near.lower <= perfect.upper
        assert near.value == pytest.approx(perfect.value, abs=1e-10)


def test_a_thousand_components() -> None:
    variances = np.random.default_rng(0).gamma(0.5, size=1000)
    for perception, P in zip(PROVED, (0.02 * variances.sum(), 5.0), strict=True):
        answer = rdc.rate(vector(np.diag(variances), perception), D=0.3 * variances.sum(), P=P)
        assert answer.gap < 1e-8
        assert answer.prices.perception > 0


def test_classification_may_cost_more_than_twice_the_distortion() -> None:
    """The factor of two belongs to perception alone."""
    S, a = np.diag([1.0, 0.01]), np.array([0.0, 1.0])
    problem = vector(S, perceptions.Wasserstein(), (a, 1e-3))
    for R, factor in ((1.0, 3.9), (3.0, 39.0)):
        least = rdc.distortion(problem, R=R).value
        C = entropy(0.01 * 4.0**-R + 1e-3)
        assert rdc.distortion(problem, R=R, C=C).value / least == pytest.approx(factor, rel=0.02)
        assert rdc.distortion(problem, R=R, P=0.0).value <= 2 * least


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("span", [0, 6])
def test_a_label_and_perception_where_variances_span_decades(perception: perceptions.Divergence, span: int) -> None:
    variances = 10.0 ** (-span * np.linspace(0, 1, 4))
    S, a = np.diag(variances), np.random.default_rng(6).normal(size=4) / np.sqrt(variances)
    D, V = 0.4 * variances.sum(), 0.25 * a @ S @ a
    P = 0.03 * (variances.sum() if isinstance(perception, perceptions.Wasserstein) else 1)
    problem = vector(S, perception, (a, 0.3))
    for part in (1.0, 1e-6):
        C = entropy(part * V + 0.3)
        answer = rdc.rate(problem, D=D, P=P, C=C)
        assert answer.gap < 1e-9
        R = answer.value
        assert rdc.distortion(problem, R=R, P=P, C=C).value == pytest.approx(D, rel=1e-9)
        assert rdc.perception(problem, R=R, D=D, C=C).value == pytest.approx(P, rel=1e-9)
        if part == 1:
            assert rdc.classification(problem, R=R, D=D, P=P).value == pytest.approx(C, abs=1e-9)


def test_slack_levels_of_many_decoders() -> None:
    rng = np.random.default_rng(4)
    for trial in range(8):
        S, a, perception = random_covariance(trial, 3), rng.normal(size=3), PROVED[trial % 2]
        parts = 10.0 ** rng.uniform(-3, 0.3, (3, 3))
        theta = [
            Target(d * np.trace(S), [p, 0.0, inf][trial % 3] if k == 0 else p, entropy(c * (a @ S @ a) + 0.1))
            for k, (d, p, c) in enumerate(parts)
        ]
        assert rdc.universal_rate(vector(S, perception, (a, 0.1)), theta).gap < 1e-8
