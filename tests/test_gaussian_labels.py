"""Labels of several numbers: against convex programs, one number in a matrix, and what they cannot do."""

from dataclasses import replace

import numpy as np
import pytest
import scipy
from brackets import quietly
from gaussians import LN2, PROVED, SQUARED, assert_meets, entropy, random_covariance, told, vector

import rdcfunc as rdc
from rdcfunc import classifications, perceptions, sources


def several(S: np.ndarray, A: np.ndarray, noise: float | np.ndarray) -> rdc.Problem:
    label = classifications.ConditionalEntropy(classifications.LinearLabel(A, noise))
    return rdc.Problem(sources.Gaussian(S), SQUARED, None, label)


def numbers(seed: int, n: int, q: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A source, and the weights and noise of a label of q numbers."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(q, q))
    return random_covariance(seed, n), rng.normal(size=(q, n)), W @ W.T / 4


@pytest.mark.parametrize(("n", "q"), [(3, 2), (2, 2), (2, 4)])
def test_labels_of_several_numbers_are_exact(n: int, q: int) -> None:
    rng = np.random.default_rng(q)
    S, A, W = numbers(n, n, q)
    C, problem = told(0.25 * S, A, W), several(S, A, W)
    D = 0.9 * rdc.rate(problem, C=C).achieved.D
    answer = rdc.rate(problem, D=D, C=C)
    assert answer.gap < 1e-9
    assert_meets(S, answer, D)
    assert told(answer.sent.error, A, W) <= C + 1e-8
    # Random encoders that meet both levels never beat the lower bound, nor do mixtures of two over time.
    half, met = np.linalg.cholesky(S), []
    for _ in range(300):
        Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
        left = half @ (Q * rng.uniform(0, 1, n) ** 2) @ Q.T @ half.T
        met.append(
            [np.linalg.slogdet(S)[1] / 2 / LN2 - np.linalg.slogdet(left)[1] / 2 / LN2, np.trace(left), told(left, A, W)]
        )
    R, Ds, Cs = np.array(met).T
    for part in (0.0, 0.5):
        shared = [part * x[:, None] + (1 - part) * x for x in (R, Ds, Cs)]
        fits = (shared[1] <= D) & (shared[2] <= C)
        assert fits.any()
        assert shared[0][fits].min() >= answer.lower
    # Inverses come back.
    assert rdc.distortion(problem, R=answer.value, C=C).value == pytest.approx(D, abs=1e-6)
    if answer.prices.classification > 1e-3:
        assert rdc.classification(problem, R=answer.value, D=D).value == pytest.approx(C, abs=1e-6)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_several_numbers_and_perception(perception: perceptions.Divergence) -> None:
    S, A, W = numbers(1, 2, 2)
    C = told(0.25 * S, A, W)
    D = 0.9 * rdc.rate(several(S, A, W), C=C).achieved.D
    Q = np.linalg.qr(np.random.default_rng(2).normal(size=(2, 2)))[0]
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(2, 2)))[0]
    label = classifications.ConditionalEntropy(classifications.LinearLabel(A, W))
    problem = rdc.Problem(sources.Gaussian(S), SQUARED, perception, label)
    W2 = turn @ W @ turn.T
    label = classifications.ConditionalEntropy(classifications.LinearLabel(turn @ A @ Q.T, (W2 + W2.T) / 2))
    rotated = rdc.Problem(sources.Gaussian(Q @ S @ Q.T), SQUARED, perception, label)
    answer = rdc.rate(problem, D=D, P=0.01, C=C)
    assert answer.gap < 1e-9
    R = answer.value
    assert rdc.rate(rotated, D=D, P=0.01, C=C).value == pytest.approx(R, abs=1e-9)
    assert answer.lower > max(rdc.rate(problem, D=D, P=0.01).upper, rdc.rate(problem, D=D, C=C).upper) + 1e-3
    G, N = answer.sent.gain, answer.sent.noise
    assert np.trace((np.eye(2) - G) @ S @ (np.eye(2) - G).T + N) <= D * (1 + 1e-9)
    assert told(answer.sent.error, A, W) <= C + 1e-8
    if isinstance(perception, perceptions.Wasserstein):
        assert rdc.perception(problem, R=R, D=D, C=C).value == pytest.approx(0.01, abs=1e-8)
        return
    assert rdc.distortion(problem, R=R, P=0.01, C=C).value == pytest.approx(D, abs=1e-8)
    assert rdc.classification(problem, R=R, D=D, P=0.01).value == pytest.approx(C, abs=1e-8)
    # Blocks that share nothing: the label's second number alone on the third axis adds its own rate.
    lone = rdc.Problem(
        sources.Gaussian(np.diag([1.0, 0.5])), SQUARED, perception, several(np.eye(2), np.eye(2), 0.1).classification
    )
    C = entropy(0.2 + 0.1) + entropy(0.5 * 0.2 + 0.1)
    parts = [
        rdc.rate(vector(np.eye(1) * v, None, (np.ones(1), 0.1)), C=entropy(c + 0.1)).value
        for v, c in ((1.0, 0.2), (0.5, 0.1))
    ]
    assert rdc.rate(lone, C=C).upper <= sum(parts)


def test_a_label_where_the_rate_is_only_just_enough() -> None:
    S, A, W = numbers(5, 3, 2)
    problem, C = several(S, A, W), told(0.3 * S, A, W)
    alone = rdc.rate(problem, C=C)
    assert alone.gap < 1e-9
    edge = quietly(rdc.distortion, problem, R=alone.value * (1 + 1e-12), C=C)
    assert edge.upper <= alone.sent.distortion * (1 + 1e-6)
    # The bottleneck of Gaussian vectors: the rate is that of independent numbers, by water-filling.
    noise = scipy.linalg.eigh(W, A @ S @ A.T + W, eigvals_only=True)
    levels = [(mu, np.minimum(1, noise / ((1 - noise) * (mu - 1)))) for mu in 1 + np.exp(np.linspace(-12, 8, 20001))]
    tells = [np.log2(1 - noise + noise / parts).sum() / 2 + np.log2(parts).sum() / 2 for _, parts in levels]
    rates = [-np.log2(parts).sum() / 2 for _, parts in levels]
    assert np.interp(C - told(S, A, W), tells[::-1], rates[::-1]) == pytest.approx(alone.value, abs=1e-5)


def test_several_numbers_without_noise_are_exact() -> None:
    """Then the relaxation can be met; and it is a convex program of its own."""
    S, A = random_covariance(4, 3), np.random.default_rng(1).normal(size=(2, 3))
    C = told(0.2 * S, A, np.zeros((2, 2)))
    answer = rdc.rate(several(S, A, 0.0), C=C)
    assert answer.gap < 1e-6
    # The rate that tells A X alone is the entropy that it takes away.
    assert answer.value == pytest.approx(told(S, A, np.zeros((2, 2))) - C, abs=1e-6)


def test_one_number_in_a_matrix_is_one_number() -> None:
    S, a = random_covariance(4, 3), np.array([1.0, 0.5, -0.2])
    row, flat = several(S, a[None], [[0.2]]), vector(S, label=(a, 0.2))
    C = entropy(0.3 * a @ S @ a + 0.2)
    assert rdc.rate(row, D=1.0, C=C).value == rdc.rate(flat, D=1.0, C=C).value
    # Two that differ in their noise alone tell what their sum, weighted by it, tells: det(W + v u uᵀ) is linear in v.
    u, W = np.array([1.0, 2.0]), np.array([[0.2, 0.05], [0.05, 0.3]])
    clear = 1 / float(u @ np.linalg.solve(W, u))
    twice, once = several(S, np.outer(u, a), W), vector(S, label=(a, clear))
    C, more = entropy(0.3 * a @ S @ a + clear), entropy(np.linalg.det(W) / clear)
    assert rdc.rate(twice, D=1.0, C=C + more).value == pytest.approx(rdc.rate(once, D=1.0, C=C).value, abs=1e-9)


SEVERAL = {
    "rate": (
        lambda p: rdc.distortion(p, R=1.0, C=2.0),
        r"infeasible at R = 1: the smallest feasible C is C_min\(R\) = ",
    ),
    "D": (
        lambda p: rdc.perception(replace(p, perception=perceptions.KL()), R=1.0, D=0.9, C=3.0),
        r"D = 0.9 is infeasible at R = 1",
    ),
    "fine C": (lambda p: rdc.rate(several(np.eye(2), np.eye(2), 0.0), C=-300.0), "more than 100 bits a component"),
    "limit": (lambda p: rdc.rate(p, C=-5.0), r"C_min = h\(S\|X\) = "),
    "rank": (lambda p: rdc.rate(several(np.eye(2), np.ones((2, 2)), 0.0), C=0.5), "needs independent ones"),
    "noise": (lambda p: classifications.LinearLabel(np.eye(2), [[1.0, 0.5]]), r"covariance of shape \(2, 2\)"),
    "large noise": (lambda p: classifications.LinearLabel(np.eye(2), np.eye(3)), r"covariance of shape \(2, 2\)"),
    "slanted noise": (lambda p: classifications.LinearLabel(np.eye(2), [[1, 0.5], [0.4, 1]]), "covariance of shape"),
    "noise below zero": (lambda p: classifications.LinearLabel(np.eye(2), [[1, 2], [2, 1]]), "covariance of shape"),
    "weights": (lambda p: several(np.eye(3), np.eye(2), 0.1), r"3 weights like the source \(got 2\)"),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_what_several_numbers_cannot_do_is_said(case: str) -> None:
    call, message = SEVERAL[case]
    with pytest.raises(ValueError, match=message):
        call(several(np.eye(2), np.eye(2), 0.1))
