"""Decoders of a fixed Gaussian encoder: against semidefinite programs and formulas."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from gaussians import LN2, PROVED, SQUARED, entropy, miss, random_covariance, told, vector

import rdcfunc as rdc
from rdcfunc import Target, classifications, perceptions, sources
from rdcfunc.channels import GaussianChannel


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


@pytest.mark.parametrize("k", [1, 2])
def test_decoders_within_next_to_no_and_next_to_any_kl(k: int) -> None:
    """On axes of the source and off them: from perfect perception to that of an estimate that is missing an axis."""
    rng = np.random.default_rng(1)
    S, gain = (np.diag([1.0, 0.3]), np.diag([1.0, 0.0])) if k == 1 else (random_covariance(2, 3), np.zeros((3, 3)))
    gain[: k - 1] = rng.normal(size=gain.shape)[: k - 1]
    given = GaussianChannel(gain, 0.3 * np.eye(len(S)), np.eye(len(S)), S)
    problem, free = vector(S, perceptions.KL()), vector(S, perceptions.Wasserstein())
    perfect, best = rdc.decode(free, given, 0.0).value, rdc.decode(free, given).value
    levels = [1e-300, 1e-18, 1e-3, 0.1, 3.0, 100.0, 1e3]
    found = [rdc.decode(problem, given, P) for P in levels]
    for answer, P in zip(found, levels, strict=True):
        assert answer.achieved.P <= P * (1 + 1e-12)
        assert answer.gap < 1e-6
        assert answer.lower <= perfect * (1 + 1e-9)
        # Talagrand: within KL of P nats W2² is at most 2 P times the largest variance.
        away = (perfect - best) ** 0.5 - (2 * P * LN2 * np.linalg.eigvalsh(S)[-1]) ** 0.5
        assert answer.upper >= best + max(0.0, away) ** 2 - 1e-9
    assert (np.diff([answer.value for answer in found]) < 1e-6).all()
    assert found[0].value == pytest.approx(perfect, abs=1e-9)
    assert found[-1].value == pytest.approx(best, abs=1e-9)


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
        # Where nothing is asked of it too, perception is what it is.
        free = rdc.decode(problem, made, tol=0.1)
        assert pytest.approx(rdc.distortion(problem, R=1.3, tol=0.1).achieved.P, rel=1e-9) == free.achieved.P
        assert free.achieved.P > 0.002


def test_what_a_fixed_encoder_tells_of_a_label_of_several_numbers() -> None:
    given, A = encoder(7, 3, 3), np.eye(2, 3)
    measure = classifications.ConditionalEntropy(classifications.LinearLabel(A, 0.1 * np.eye(2)))
    problem = rdc.Problem(sources.Gaussian(given.source), SQUARED, perceptions.Wasserstein(), measure)
    # What is left is the Schur complement of the joint covariance.
    S, G = given.source, given.gain
    least = told(S - S @ G.T @ np.linalg.solve(G @ S @ G.T + given.noise, G @ S), A, 0.1 * np.eye(2))
    assert pytest.approx(least, abs=1e-9) == rdc.decode(problem, given, P=0.1).achieved.C
    with pytest.raises(rdc.InfeasibleError, match=r"what it sends leaves h\(S\|Z\)"):
        rdc.decode(problem, given, C=least - 1e-6)


def test_a_source_without_variance_needs_no_decoder() -> None:
    given = GaussianChannel(np.eye(2), 0.1 * np.eye(2), np.eye(2), np.zeros((2, 2)))
    found = rdc.decode(vector(given.source, perceptions.Wasserstein()), given, P=0.0)
    assert (found.lower, found.upper, found.rate) == (0.0, 0.0, 0.0)


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


def test_a_component_that_is_told_without_noise_takes_an_infinite_rate() -> None:
    noises = np.diag([0.0, 0.3])
    assert GaussianChannel(np.eye(2), noises, np.eye(2), np.eye(2)).rate == np.inf
    quiet = GaussianChannel(np.diag([0.0, 1.0]), noises, np.eye(2), np.eye(2))
    assert quiet.rate == pytest.approx(np.log2(1 + 1 / 0.3) / 2)
