"""Gaussian vectors: against convex programs in full matrices, rotations, sums of scalars, singular covariances."""

import warnings
from dataclasses import replace
from math import inf, log

import cvxpy as cp
import numpy as np
import pytest
import scipy

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, sources
from rdcfunc.answer import solve
from rdcfunc.channels import GaussianChannel
from rdcfunc.gaussian import certificate, components, joint, labels, outcome, pivots, search, tangents
from rdcfunc.gaussian.deviations import Relative, Transport
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.several import Several
from rdcfunc.program import Axis

LN2 = log(2.0)
SQUARED = distortions.squared_error()
PROVED = [perceptions.Wasserstein(), perceptions.KL()]


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


@pytest.mark.parametrize("deviation", [Transport(), Relative()], ids=lambda d: type(d).__name__)
def test_prices_prove_bounds_wherever_they_come_from(deviation: components.Priced) -> None:
    """Random prices and tangent points never beat the answer, and that of a wrong tangent slope would."""
    rng = np.random.default_rng(3)
    question = Question(
        np.array([1.0, 0.5, 0.01]),
        deviation,
        inf,
        np.array([0.4, 0.6]),
        np.array([0.2, 0.02]),
        0.1,
        np.array([0, 1.0, 0]),
        "R",
    )
    honest = outcome.solve(question)
    assert honest.upper - honest.lower < 1e-10
    best = 0.0
    for _ in range(300):
        w = honest.prices * np.exp(rng.normal(size=6) * rng.choice([1e-3, 0.3, 2]))
        w[0] = 1.0
        point = components.Axes(
            honest.point.theta * np.exp(rng.normal(size=3) * rng.choice([0, 0.1, 1])), honest.point.x
        )
        best = max(best, certificate.lower_bound(question, w, point))
    assert best <= honest.upper
    assert best > 0.98 * honest.upper


def test_slopes_of_the_dual_are_derivatives() -> None:
    rng = np.random.default_rng(0)
    s2, one = np.array([1.0, 0.5, 0.3, 0.1]), np.array([0, 1.0, 0, 0])
    questions = [
        components.Components(Question(s2, d, inf, np.array([0.1, 0.2]), np.array([0.1, 0.3]), 0.1, one, "R"))
        for d in (Transport(), Relative())
    ]
    label = Question(s2, Transport(), inf, np.array([0.5]), np.array([inf]), 0.1, np.array([1.0, 2, 3, 4]), "R")
    for oracle in (*questions, labels.Determinant(label)):
        w = rng.uniform(0.5, 3, oracle.question.levels.size)
        live = np.flatnonzero(oracle.question.levels < inf)
        w[1 : 1 + 2 * oracle.question.D.size][oracle.question.levels[1:-1] == inf] = 0
        _, values, slopes = oracle.best(w)
        for i in live:
            step = np.zeros_like(w)
            step[i] = 1e-6
            up, down = oracle.best(w + step)[1], oracle.best(w - step)[1]
            np.testing.assert_allclose(slopes[live, i], (up - down)[live] / 2e-6, atol=1e-7 * (1 + abs(values).max()))


def test_matrices_prove_bounds_wherever_they_come_from() -> None:
    rng = np.random.default_rng(5)
    for deviation in (Transport(), Relative()):
        question = Question(
            np.array([1.0, 0.4]), deviation, inf, np.array([0.5]), np.array([0.02]), 0.15, np.array([0.5, 1.0]), "R"
        )
        oracle = tangents.Tangents(question)
        found = outcome.solve(question)
        w = found.prices
        oracle.best(w)
        Y = oracle.tangents(w)
        assert joint.lower_bound(question, w, Y) > found.upper - 1e-10
        proved = 0
        for _ in range(100):
            bent = np.array([_bent(y, rng) for y in Y])
            bound = joint.lower_bound(question, w * np.exp(0.1 * rng.normal(size=4)), bent)
            assert bound <= found.upper
            proved += bound > 0
        assert proved > 20
        # A tangent that rounding may have made indefinite proves nothing.
        values, axes = np.linalg.eigh(Y[0])
        assert joint.lower_bound(question, w, ((axes * [-1e-14, values[1]]) @ axes.T)[None]) == 0


def _bent(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    B = np.eye(2) + 0.05 * rng.normal(size=(2, 2))
    return B @ z @ B.T


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


def several(S: np.ndarray, A: np.ndarray, noise: float | np.ndarray) -> rdc.Problem:
    label = classifications.ConditionalEntropy(classifications.LinearLabel(A, noise))
    return rdc.Problem(sources.Gaussian(S), SQUARED, None, label)


def told(S: np.ndarray, A: np.ndarray, W: np.ndarray) -> float:
    return float(np.linalg.slogdet(2 * np.pi * np.e * (A @ S @ A.T + W))[1]) / 2 / LN2


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


def test_prices_of_several_numbers_prove_bounds_wherever_they_come_from() -> None:
    """Random prices and guesses never beat the answer; one with the noise's pivots left out would."""
    s2, rng = np.array([1.0, 0.4, 0.1]), np.random.default_rng(0)
    label = Several(rng.normal(size=(2, 3)) * np.sqrt(s2), np.array([[0.1, 0.03], [0.03, 0.3]]))
    level = label.entropy(0.2 * np.eye(3))
    question = Question(s2, Transport(), inf, np.array([0.5]), np.array([inf]), inf, np.zeros(3), "R")
    found = search._mixed(question, label, level, 0.2 * np.eye(3))
    assert found.upper - found.lower < 1e-10
    best = 0.0
    for _ in range(300):
        size = rng.choice([1e-3, 0.1, 1])
        w = np.array([1.0, found.prices[1], 0.0, found.prices[-1] * label.mean(level)]) * np.exp(
            size * rng.normal(size=4)
        )
        Z = np.eye(3) + size * 0.3 * rng.normal(size=(3, 3))
        guess = Z @ found.point.left @ Z.T
        guess /= max(1.0, np.linalg.eigvalsh(guess)[-1])
        best = max(best, pivots.lower_bound(question, label, level, w, w[1] * np.diag(s2)[None], guess))
    assert 0.999 * found.upper < best <= found.upper


def test_a_label_where_the_rate_is_only_just_enough() -> None:
    S, A, W = numbers(5, 3, 2)
    problem, C = several(S, A, W), told(0.3 * S, A, W)
    alone = rdc.rate(problem, C=C)
    assert alone.gap < 1e-9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        edge = rdc.distortion(problem, R=alone.value * (1 + 1e-12), C=C)
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


SEVERAL = {
    "rate": (
        lambda p: rdc.distortion(p, R=1.0, C=2.0),
        r"infeasible at R = 1: the smallest feasible C is C_min\(R\) = ",
    ),
    "D": (
        lambda p: rdc.perception(replace(p, perception=perceptions.KL()), R=1.0, D=0.9, C=3.0),
        r"D = 0.9 is infeasible at R = 1",
    ),
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


def test_slopes_through_tangents_are_derivatives() -> None:
    s2, a = np.array([1.0, 0.4, 0.05]), np.array([0.5, 1.0, 2.0])
    rng = np.random.default_rng(0)
    for deviation in (Transport(), Relative()):
        P = np.array([0.02, inf, 0.0])
        question = Question(s2, deviation, inf, np.full(3, 0.5), P, 0.15, a, "R")
        w = rng.uniform(0.5, 3, 8)
        w[[5, 6]] = 0
        slopes = tangents.Tangents(question).best(w)[2]
        priced = w > 0
        for i in np.flatnonzero(priced):
            step = np.zeros_like(w)
            step[i] = 1e-5
            up, down = (tangents.Tangents(question).best(v)[1] for v in (w + step, w - step))
            np.testing.assert_allclose(slopes[priced, i], (up - down)[priced] / 2e-5, atol=1e-9)


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


def encoder(seed: int, n: int, k: int) -> GaussianChannel:
    G = np.random.default_rng(seed).normal(size=(n, n))
    # An encoder that is told fewer components than there are sends a singular estimate.
    G[k:] = 0
    return GaussianChannel(G, 0.3 * np.eye(n), np.eye(n), random_covariance(n, n))


@pytest.mark.parametrize(("n", "k"), [(1, 1), (3, 3), (3, 2)])
def test_decoders_of_a_fixed_encoder(n: int, k: int) -> None:
    given = encoder(7, n, k)
    S, problem = given.source, vector(given.source, perceptions.Wasserstein())
    best = rdc.decode(problem, given)
    A = best.sent.output
    apart = miss(S, S, A)
    assert best.value == pytest.approx(np.trace(S) - np.trace(A), rel=1e-9)
    for P in (0.0, 0.1 * apart, 0.5 * apart, 2 * apart):
        found = rdc.decode(problem, given, P)
        assert found.gap < 1e-10
        assert miss(S, S, found.sent.output) <= P + 1e-7
        assert found.sent.distortion == pytest.approx(found.value, rel=1e-9)
        assert found.value == pytest.approx(best.value + max(0, apart**0.5 - P**0.5) ** 2, rel=1e-6)
        assert found.value <= 2 * best.value * (1 + 1e-9)
        assert found.rate == pytest.approx(given.rate, abs=1e-9)
        # The decoder sees Z alone.
        read = found.decoder.gain @ given.gain
        np.testing.assert_allclose(read, found.sent.gain, atol=1e-12)
        blur = found.decoder.gain @ given.noise @ found.decoder.gain.T + found.decoder.noise
        np.testing.assert_allclose(blur, found.sent.noise, atol=1e-12)
        assert np.linalg.eigvalsh(found.decoder.noise)[0] > -1e-12


def test_decoders_within_kl_are_a_semidefinite_program() -> None:
    given = encoder(7, 3, 3)
    S, problem = given.source, vector(given.source, perceptions.KL())
    best = rdc.decode(problem, given)
    A, K, cross = best.sent.output, cp.Variable((3, 3), PSD=True), cp.Variable((3, 3))
    P = best.achieved.P / 30
    nats = (cp.trace(np.linalg.inv(S) @ K) - 3 - cp.log_det(K) + np.linalg.slogdet(S)[1]) / 2
    moved = np.trace(A) + cp.trace(K) - 2 * cp.trace(cross)
    limits = [cp.bmat([[A, cross], [cross.T, K]]) >> 0, nats <= P * LN2]
    cp.Problem(cp.Minimize(moved), limits).solve(solver="CLARABEL")
    found = rdc.decode(problem, given, P)
    assert found.gap < 1e-8
    assert found.value == pytest.approx(best.value + moved.value, abs=1e-5)
    assert found.lower > best.upper + 1e-4


def test_what_a_fixed_encoder_tells_of_a_label() -> None:
    given, a = encoder(7, 3, 3), np.array([1.0, -1.0, 0.5])
    problem = vector(given.source, perceptions.Wasserstein(), (a, 0.3))
    least = entropy(given.left(a, 0.3))
    assert pytest.approx(least, abs=1e-9) == rdc.decode(problem, given, P=0.0, C=least + 1e-9).achieved.C
    with pytest.raises(rdc.InfeasibleError, match=r"infeasible with this encoder: what it sends leaves h\(S\|Z\)"):
        rdc.decode(problem, given, C=least - 1e-6)


def test_a_scalar_encoder_serves_every_perception() -> None:
    for perception in PROVED:
        problem = rdc.Problem(sources.Gaussian(2.0), SQUARED, perception)
        made = rdc.distortion(problem, R=1.3)
        for P in (0.0, 0.01, 0.2):
            found = rdc.decode(problem, made, P)
            assert found.value == pytest.approx(rdc.distortion(problem, R=1.3, P=P).value, rel=1e-9)
            assert found.gap < 1e-11
        reused = rdc.reuse_penalty(problem, [Target(), Target(P=0.0), Target(P=0.01)], R=1.3)
        assert reused.upper.max() < 1e-9
    for perception in (perceptions.ReverseKL(), perceptions.JensenShannon(), perceptions.Hellinger()):
        problem = rdc.Problem(sources.Gaussian(2.0), SQUARED, perception)
        found = rdc.decode(problem, made, 0.002, tol=0.1)
        own = rdc.distortion(problem, R=1.3, P=0.002, tol=0.1)
        assert found.lower - 1e-9 <= own.lower <= found.upper + 1e-9
        assert found.upper == pytest.approx(own.upper, rel=1e-9)


@pytest.mark.parametrize("perception", PROVED, ids=lambda p: type(p).__name__)
def test_a_vector_encoder_does_not(perception: perceptions.Divergence) -> None:
    problem = vector(np.diag([1.0, 0.01]), perception)
    made = rdc.rate(problem, D=0.02)
    least = rdc.distortion(problem, R=made.rate, P=0.0)
    assert rdc.decode(problem, made, 0.0).lower > least.upper + 1e-3
    reused = rdc.reuse_penalty(problem, [Target(), Target(P=0.0)], R=made.rate)
    assert reused.lower[0, 1] > 1e-3
    assert reused.lower[1, 0] > 1e-3
    assert np.diag(reused.upper).max() < 1e-9


ENCODERS = {
    "table": (lambda p, c: rdc.decode(p, [[1.0]]), "must be a GaussianChannel or a solution that has one"),
    "source": (lambda p, c: rdc.decode(vector(2 * c.source), c), "a channel from another source"),
    "noise": (lambda p, c: rdc.decode(p, replace(c, noises=-c.noises)), "noise must be positive semidefinite"),
    "level": (lambda p, c: rdc.decode(p, c, -1.0), "P must be >= 0"),
    "blocks": (
        lambda p, c: rdc.decode(
            rdc.Problem(sources.Gaussian(1.0), SQUARED, PROVED[0], common_randomness=False), encoder(7, 1, 1)
        ),
        "letter by letter",
    ),
}


@pytest.mark.parametrize("case", ENCODERS)
def test_encoders_that_do_not_fit_are_refused(case: str) -> None:
    call, message = ENCODERS[case]
    given = encoder(7, 3, 3)
    with pytest.raises(ValueError, match=message):
        call(vector(given.source, perceptions.Wasserstein()), given)
