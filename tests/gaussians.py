"""Gaussian numbers and vectors to ask about, and what a semidefinite program in full matrices answers."""

import warnings
from math import inf, log

import cvxpy as cp
import numpy as np
import pytest

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, sources
from rdcfunc.answer import solve
from rdcfunc.program import Axis

LN2 = log(2.0)
SQUARED = distortions.squared_error()
PROVED = [perceptions.Wasserstein(), perceptions.KL()]


def scalar(
    variance: float,
    perception: perceptions.Divergence | None = None,
    label: tuple[float, float] | None = None,
    shared: bool = True,
) -> rdc.Problem:
    measure = None if label is None else classifications.ConditionalEntropy(classifications.LinearLabel(*label))
    return rdc.Problem(sources.Gaussian(variance), SQUARED, perception, measure, shared)


def classification(problem: rdc.Problem, R: float, D: float = inf, P: float = inf) -> rdc.Solution:
    return solve(problem, [Target(D, P)], None, 1e-6, R=R, goal=Axis.C)


def vector(
    S: np.ndarray,
    perception: perceptions.Divergence | None = None,
    label: tuple[np.ndarray, float] | None = None,
) -> rdc.Problem:
    measure = None if label is None else classifications.ConditionalEntropy(classifications.LinearLabel(*label))
    return rdc.Problem(sources.Gaussian(S), SQUARED, perception, measure)


def random_covariance(seed: int, n: int) -> np.ndarray:
    B = np.random.default_rng(seed).normal(size=(n, n))
    return B @ B.T / n


def entropy(variance: float) -> float:
    return float(np.log2(2 * np.pi * np.e * variance) / 2)


def root(A: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh((A + A.T) / 2)
    return (axes * np.sqrt(np.maximum(values, 0))) @ axes.T


def miss(A: np.ndarray, S: np.ndarray, K: np.ndarray) -> float:
    """tr S + tr K - 2 tr (A^½ K A^½)^½."""
    return float(np.trace(S + K)) - 2 * float(np.linalg.svd(root(A) @ root(K), compute_uv=False).sum())


def semidefinite(
    S: np.ndarray,
    theta: list[Target],
    perception: perceptions.Divergence | None = None,
    label: np.ndarray | None = None,
    V: float = inf,
) -> tuple[float, list[Target], float]:
    """R(Θ) in bits as a semidefinite program in full matrices; V bounds what is left of the label's variance.

    A cone solver's tolerance on a block costs its root in distortion, so what its matrices achieve comes along.
    """
    n = len(S)
    left = cp.Variable((n, n), PSD=True)
    limits, outputs = [S - left >> 0], []

    def overlap(A: object, K: object) -> object:
        cross = cp.Variable((n, n))
        limits.append(cp.bmat([[A, cross], [cross.T, K]]) >> 0)
        return cp.trace(cross)

    for target in theta:
        K = S if target.P == 0 else cp.Variable((n, n), PSD=True)
        outputs.append(K)
        if inf > target.D:
            limits.append(np.trace(S) + cp.trace(K) - 2 * overlap(S - left, K) <= target.D)
        if 0 < target.P < inf and isinstance(perception, perceptions.Wasserstein):
            limits.append(np.trace(S) + cp.trace(K) - 2 * overlap(S, K) <= target.P)
        elif 0 < target.P < inf:
            inverse = np.linalg.inv(S)
            nats = (cp.trace(inverse @ K) - n - cp.log_det(K) + np.linalg.slogdet(S)[1]) / 2
            limits.append(nats <= target.P * LN2)
    if inf > V:
        limits.append(label @ left @ label <= V)
    problem = cp.Problem(cp.Minimize((np.linalg.slogdet(S)[1] - cp.log_det(left)) / 2), limits)
    with warnings.catch_warnings():
        # Tolerances that a cone solver may miss by a little.
        warnings.simplefilter("ignore")
        problem.solve(solver="CLARABEL", tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    reached = []
    for K, target in zip((K if isinstance(K, np.ndarray) else K.value for K in outputs), theta, strict=True):
        ratio = np.linalg.eigvals(np.linalg.solve(S, K)).real
        P = (
            miss(S, S, K)
            if isinstance(perception, perceptions.Wasserstein)
            else (ratio - 1 - np.log(ratio)).sum() / 2 / LN2
        )
        reached.append(Target(miss(S - left.value, S, K), inf if inf == target.P else max(float(P), 0.0)))
    return float(problem.value) / LN2, reached, inf if label is None else float(label @ left.value @ label)


def assert_meets(S: np.ndarray, answer: rdc.Solution, D: float, P: float = inf) -> None:
    """What the channel does, computed from its gain and noise alone."""
    G, N = answer.sent.gain, answer.sent.noise
    rest = np.eye(len(S)) - G
    K = G @ S @ G.T + N
    assert np.trace(rest @ S @ rest.T) + np.trace(N) <= D * (1 + 1e-9)
    assert np.linalg.eigvalsh(N)[0] >= -1e-12
    left = S - S @ G.T @ np.linalg.pinv(K, rcond=1e-10, hermitian=True) @ G @ S
    assert (np.linalg.slogdet(S)[1] - np.linalg.slogdet(left)[1]) / 2 / LN2 == pytest.approx(answer.rate, abs=1e-8)
    assert inf == P or miss(S, S, K) <= P + 1e-9


def told(S: np.ndarray, A: np.ndarray, W: np.ndarray) -> float:
    return float(np.linalg.slogdet(2 * np.pi * np.e * (A @ S @ A.T + W))[1]) / 2 / LN2
