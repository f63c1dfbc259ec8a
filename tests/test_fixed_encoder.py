"""A decoder of a fixed encoder faces a problem of its own, without a rate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import inf

import cvxpy as cp
import numpy as np
import ot
import pytest
from problems import COIN

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, sources

POINTS = rdc.Problem(
    sources.Discrete([0.4, 0.3, 0.3]),
    distortions.squared_error([0.0, 0.4, 1.0], letters=[0.2, 1.0]),
    None,
    classifications.ConditionalEntropy([[0.95, 0.05], [0.2, 0.8], [0.1, 0.9]]),
)
GAUSSIAN = rdc.Problem(sources.Gaussian(1.0), distortions.squared_error(), perceptions.Wasserstein())


def _line(n: int) -> np.ndarray:
    return np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float)


def _random(seed: int, n: int = 4, nz: int = 5):
    rng = np.random.default_rng(seed)
    p, d = rng.dirichlet(np.ones(n)), rng.random((n, n))
    encoder = rng.dirichlet(np.full(nz, 0.6), n)
    return rng, p, d, encoder


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["TotalVariation", "KL", "Wasserstein"])
def test_equals_an_independent_convex_program(seed: int, name: str) -> None:
    """The program over joint laws of X, Z and X̂, written from the definition, has the same value."""
    rng, p, d, encoder = _random(seed)
    n, nz = encoder.shape
    labels, decision = rng.dirichlet(np.ones(2), n), rng.integers(0, 2, n)
    measures = {
        "TotalVariation": perceptions.TotalVariation(),
        "KL": perceptions.KL(),
        "Wasserstein": perceptions.Wasserstein(_line(n)),
    }
    problem = rdc.Problem(
        sources.Discrete(p), distortions.matrix(d), measures[name], classifications.ErrorRate(labels, decision)
    )
    decoder = cp.Variable((nz, n), nonneg=True)
    channel = encoder @ decoder
    q = p @ channel
    error = cp.sum(cp.multiply(p[:, None] * (1 - labels[:, decision]), channel))
    needs = [cp.sum(decoder, axis=1) == 1]
    if name == "TotalVariation":
        needs.append(0.5 * cp.norm1(q - p) <= 0.02)
    elif name == "KL":
        needs.append(cp.sum(cp.rel_entr(q, p)) <= 0.02 * np.log(2))
    else:
        needs.append(cp.norm1(cp.cumsum(q - p)) <= 0.02)
    least = cp.Problem(cp.Minimize(error), needs)
    least.solve(solver="CLARABEL")
    C = 0.7 * least.value + 0.3 * rdc.decode(problem, encoder, P=0.02).achieved.C
    needs.append(error <= C)
    oracle = cp.Problem(cp.Minimize(cp.sum(cp.multiply(p[:, None] * d, channel))), needs)
    oracle.solve(solver="CLARABEL")
    answer = rdc.decode(problem, encoder, P=0.02, C=C)
    assert answer.gap <= 1e-6
    assert answer.lower - 1e-7 <= oracle.value <= answer.upper + 1e-7
    assert answer.achieved.P <= 0.02 * (1 + 1e-9)
    assert answer.achieved.C <= C * (1 + 1e-9)


@pytest.mark.parametrize("P", [0.0, 0.05, 0.3, 2.0])
def test_squared_error_and_transport_follow_the_formula(P: float) -> None:
    """D(P) = E|X - X̃|² + (W2(p_X̃, p_X) - √P)²₊ with X̃ = E[X|Z], where letters hold the interpolation."""
    x = np.array([0.0, 1.0, 3.0, 4.0])
    p = np.array([0.1, 0.4, 0.3, 0.2])
    encoder = np.array([[1.0, 0.0], [0.8, 0.2], [0.1, 0.9], [0.0, 1.0]])
    law = p @ encoder
    centre = (p * x) @ encoder / law
    plan = ot.emd(law, p, (centre[:, None] - x) ** 2)
    far = np.sqrt(float((plan * (centre[:, None] - x) ** 2).sum()))
    share = min(np.sqrt(P) / far, 1.0)
    # The best reproduction lies on the way from X̃ to its transport.
    letters = np.unique(np.concatenate([x, ((1 - share) * x + share * centre[:, None]).ravel()]).round(13))
    problem = rdc.Problem(
        sources.Discrete(p),
        distortions.squared_error(x, letters),
        perceptions.Wasserstein((x[:, None] - letters) ** 2),
    )
    spread = float((p[:, None] * encoder * (x[:, None] - centre) ** 2).sum())
    expected = spread + max(far - np.sqrt(P), 0.0) ** 2
    answer = rdc.decode(problem, encoder, P=P)
    assert answer.lower - 1e-9 <= expected <= answer.upper + 1e-9
    assert answer.gap <= 1e-7


@pytest.mark.parametrize("seed", range(6))
def test_perfect_perception_is_transport_from_code_to_source(seed: int) -> None:
    _, p, d, encoder = _random(seed)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.KL())
    law = p @ encoder
    cost = (p[:, None] * encoder / law).T @ d
    expected = float((ot.emd(law / law.sum(), p, cost) * cost).sum())
    answer = rdc.decode(problem, encoder, P=0.0, tol=1e-9)
    assert answer.lower - 1e-11 <= expected <= answer.upper + 1e-11


@pytest.mark.parametrize("seed", range(5))
def test_random_decoders_never_beat_the_lower_bound(seed: int) -> None:
    rng, p, d, encoder = _random(seed)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.JensenShannon())
    for _ in range(20):
        decoder = rng.dirichlet(np.full(4, 0.3), encoder.shape[1])
        channel = encoder @ decoder
        P = perceptions.JensenShannon().value(p, p @ channel) / np.log(2)
        reached = float((p[:, None] * channel * d).sum())
        assert rdc.decode(problem, encoder, P=P).lower <= reached


def test_solution_holds_the_decoder_and_the_code() -> None:
    encoder = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    answer = rdc.decode(COIN, encoder, P=0.01)
    assert answer.decoder.shape == (3, 2)
    np.testing.assert_allclose(answer.decoder.sum(axis=1), 1.0)
    np.testing.assert_allclose(answer.channel, encoder @ answer.decoder, atol=1e-15)
    law = np.array([0.7, 0.3])[:, None] * encoder[:, :2]
    information = float((law * np.log2(law / np.outer(law.sum(1), law.sum(0)))).sum())
    assert answer.rate == pytest.approx(information, abs=1e-12)


def test_merging_codes_never_helps() -> None:
    _, p, d, encoder = _random(3)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(_line(4)))
    merged = np.column_stack([encoder[:, :2].sum(axis=1), encoder[:, 2:]])
    for P in (0.0, 0.1, inf):
        assert rdc.decode(problem, merged, P=P).upper >= rdc.decode(problem, encoder, P=P).lower


def test_forbidden_pairs_stay_forbidden() -> None:
    table = np.array([[0.0, 1.0, inf], [1.0, 0.0, 1.0], [inf, 1.0, 0.0]])
    problem = rdc.Problem(sources.uniform(3), distortions.matrix(table))
    answer = rdc.decode(problem, [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    assert answer.channel[0, 2] == 0
    assert answer.channel[2, 0] == 0
    assert answer.value == pytest.approx(1 / 3, abs=1e-9)
    with pytest.raises(rdc.InfeasibleError):
        rdc.decode(rdc.Problem(sources.uniform(2), distortions.matrix([[0, inf], [inf, 0]])), [[1.0], [1.0]])


def test_a_tag_brings_the_least_distortion_and_entropy_together() -> None:
    """With a tag the region of a fixed encoder is a corner: C takes nothing from D until it is out of reach."""
    labels = [[1.0, 0.0], [0.7, 0.3]]
    problem = rdc.Problem(
        sources.bernoulli(0.3), distortions.hamming(2), None, classifications.ConditionalEntropy(labels, tagged=True)
    )
    encoder = [[0.9, 0.1], [0.3, 0.7]]
    free = rdc.decode(problem, encoder)
    least = free.achieved.C
    assert rdc.decode(problem, encoder, C=least).value == pytest.approx(free.value, abs=1e-12)
    with pytest.raises(rdc.InfeasibleError, match="smallest feasible C"):
        rdc.decode(problem, encoder, C=least - 1e-6)


def test_an_encoder_serves_its_own_target_at_no_cost() -> None:
    theta = [rdc.Target(), rdc.Target(P=0.05), rdc.Target(P=0.0)]
    reuse = rdc.reuse_penalty(COIN, theta, R=0.4)
    assert np.diag(reuse.upper).max() <= 1e-6
    assert (reuse.lower >= 0).all()
    assert (reuse.lower <= reuse.upper).all()
    assert reuse.lower[0, 2] > 1e-3, "perfect perception asks for another encoder"


def test_a_target_out_of_reach_is_infinite() -> None:
    labels = [[1.0, 0.0], [0.0, 1.0]]
    problem = rdc.Problem(
        sources.uniform(2),
        distortions.matrix([[0, 0], [0, 1]]),
        None,
        classifications.CrossEntropy(labels, [[0.9, 0.1], [0.1, 0.9]]),
    )
    reuse = rdc.reuse_penalty(problem, [rdc.Target(), rdc.Target(C=0.6)], R=0.9)
    assert np.isfinite(reuse.upper[1]).all()
    made_blind = rdc.encoder_from_counts([[1], [1]])
    with pytest.raises(rdc.InfeasibleError):
        rdc.decode(problem, made_blind, C=0.6)


def test_an_entropy_of_the_letter_alone_is_served_too() -> None:
    """At one rate, an encoder made for the least distortion tells too little of the class, or its reuse costs."""
    classes = classifications.ConditionalEntropy([[0.95, 0.05], [0.9, 0.1], [0.1, 0.9]])
    problem = rdc.Problem(
        sources.Discrete([0.35, 0.25, 0.4]), distortions.squared_error([0.0, 1.0, 2.0]), None, classes
    )
    reuse = rdc.reuse_penalty(problem, [rdc.Target(), rdc.Target(C=0.65)], R=0.6, tol=1e-3)
    assert np.diag(reuse.upper).max() <= 1e-3
    assert reuse.lower[0, 1] == inf
    assert 0.004 < reuse.lower[1, 0] <= reuse.upper[1, 0] < 0.007


@pytest.mark.parametrize("measure", ["P", "C"])
def test_the_region_of_an_encoder_is_traced(measure: str) -> None:
    """Every point is decode's own, the boundary falls with the level, and what is out of reach is infinite."""
    problem, encoder = (COIN, [[0.9, 0.1], [0.25, 0.75]]) if measure == "P" else (POINTS, np.eye(3))
    grid = np.linspace(0.0, 0.2, 5) if measure == "P" else np.linspace(0.4, 0.9, 6)
    curve = rdc.trace(problem, encoder=encoder, **{measure: grid})
    assert curve.quantity == "D"
    within = np.isfinite(curve.upper)
    assert (curve.upper[within] - curve.lower[within]).max() <= 1e-6
    assert (curve.lower[1:] <= curve.upper[:-1]).all()
    assert curve.upper[within][0] > curve.upper[-1] + 1e-3
    for level, lower, upper in zip(grid, curve.lower, curve.upper, strict=True):
        if upper == inf:
            with pytest.raises(rdc.InfeasibleError):
                rdc.decode(problem, encoder, **{measure: level})
            continue
        alone = rdc.decode(problem, encoder, **{measure: level})
        assert max(lower, alone.lower) <= min(upper, alone.upper) + 1e-12
    np.testing.assert_allclose(curve.R, rdc.decode(problem, encoder).rate)
    assert np.isinf(curve.upper).any() == (measure == "C")
    with ThreadPoolExecutor(1) as executor:
        again = rdc.trace(problem, encoder=encoder, executor=executor, **{measure: grid})
    np.testing.assert_allclose(again.upper, curve.upper, atol=1e-6)
    assert curve.plot().get_ylabel() == "distortion $D$"


def test_the_region_of_a_gaussian_encoder_is_its_formula() -> None:
    """At R bits a decoder pays what the estimate leaves, and the way from its law to the level."""
    rate, levels = 1.0, np.linspace(0.0, 0.3, 4)
    curve = rdc.trace(GAUSSIAN, encoder=rdc.distortion(GAUSSIAN, rate), P=levels)
    left = 4.0**-rate
    truth = left + np.maximum(1 - np.sqrt(1 - left) - np.sqrt(levels), 0.0) ** 2
    assert (curve.lower <= truth + 1e-12).all()
    assert (truth <= curve.upper + 1e-12).all()
    assert (curve.upper - curve.lower).max() < 1e-9
    np.testing.assert_allclose(curve.R, rate)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: rdc.trace(COIN, encoder=np.eye(2), D=0.1), "leave out R, D, minimise and solver"),
        (lambda: rdc.trace(COIN, encoder=np.eye(2), R=0.1), "leave out R, D, minimise and solver"),
        (lambda: rdc.trace(COIN, encoder=np.eye(3), P=[0.1]), r"got shape \(3, 3\)"),
        (lambda: rdc.decode(COIN, [[1.0, 0.0]]), r"one row for each of the 2 source letters \(got shape \(1, 2\)\)"),
        (lambda: rdc.decode(COIN, [[1.0, 0.5], [0.0, 1.0]]), "encoder must sum to 1"),
        (lambda: rdc.decode(COIN, np.eye(2), C=0.1), "the problem has no classification"),
        (lambda: rdc.decode(GAUSSIAN, np.eye(1)), "must be a GaussianChannel or a solution that has one"),
        (lambda: rdc.encoder_from_counts([[1, 0], [0, 0]]), "got none in row 1"),
        (lambda: rdc.encoder_from_counts([[1, -1]]), "counts must be >= 0"),
        (lambda: rdc.reuse_penalty(COIN, [], R=0.3), "targets must be a list"),
        (lambda: rdc.reuse_penalty(COIN, [rdc.Target(D=0.1)], R=0.3), "without D"),
    ],
)
def test_bad_input_says_what_was_needed(call, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()
