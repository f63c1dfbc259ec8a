"""Scalar Gaussian sources: closed forms against searches that know none, inverses, limits, and bad input."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, log, sqrt

import numpy as np
import pytest
from brackets import quietly
from gaussians import SQUARED, classification, scalar
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

import rdcfunc as rdc
from rdcfunc import Target, perceptions, sources
from rdcfunc.gaussian import certificate, interior, moments, outcome
from rdcfunc.gaussian.components import Components
from rdcfunc.gaussian.deviations import deviation
from rdcfunc.gaussian.question import Question

LN2 = log(2.0)
PROVED = [perceptions.Wasserstein(), perceptions.KL()]
OTHERS = [perceptions.ReverseKL(), perceptions.JensenShannon(), perceptions.Hellinger()]


def name(value: object) -> str:
    return type(value).__name__


def divergence(kind: str, tau: float) -> float:
    """Between N(0, 1) and N(0, tau²), in public units, by its definition."""

    def p(x: float) -> float:
        return np.exp(-x * x / 2) / sqrt(2 * np.pi)

    def q(x: float) -> float:
        return np.exp(-((x / tau) ** 2) / 2) / tau / sqrt(2 * np.pi)

    def mean(f: Callable[[float], float], points: list[float]) -> float:
        return 2 * float(quad(f, 0, 12, points=points, epsabs=1e-13, epsrel=1e-13, limit=400)[0])

    if kind == "Wasserstein":
        return (1 - tau) ** 2
    if kind == "KL":
        return (-log(tau) + (tau**2 - 1) / 2) / LN2
    if kind == "ReverseKL":
        return (log(tau) + (1 / tau**2 - 1) / 2) / LN2
    if kind == "Hellinger":
        return 1 - mean(lambda x: sqrt(p(x) * q(x)), [tau, 1.0])
    a = mean(lambda x: p(x) * np.log2(2 * p(x) / (p(x) + q(x))), [tau, 1.0])
    b = mean(lambda x: q(x) * np.log2(2 * q(x) / (p(x) + q(x))) if q(x) > 0 else 0.0, [tau, 1.0])
    return (a + b) / 2


def searched(kind: str, s2: float, D: float, P: float) -> float:
    """R(D, P) in bits by a search over the deviation of the reproduction, not by its formula."""
    scale = s2 if kind == "Wasserstein" else 1.0
    least = 1e-9
    if divergence(kind, 1e-6) > P / scale:
        least = float(brentq(lambda t: divergence(kind, t) - P / scale, 1e-6, 1.0, xtol=1e-15, rtol=1e-14))

    def bits(tau: float) -> float:
        c = max(0.0, (1 + tau**2 - D / s2) / (2 * tau))
        return inf if c >= 1 else -np.log2(1 - c * c) / 2

    if bits(least) == inf or bits(least * (1 + 1e-7)) < bits(least):
        found = minimize_scalar(bits, bounds=(least, 1.0), method="bounded", options={"xatol": 1e-14})
        return min(float(found.fun), bits(least))
    return bits(least)


def instances(seed: int, count: int) -> list[tuple[float, float, float]]:
    rng = np.random.default_rng(seed)
    s2 = 10.0 ** rng.uniform(-2, 2, count)
    return list(zip(s2, s2 * rng.uniform(0.05, 1.6, count), 10.0 ** rng.uniform(-3, -0.5, count), strict=True))


@pytest.mark.parametrize("perception", PROVED, ids=name)
def test_formula_is_what_a_search_finds(perception: perceptions.Divergence) -> None:
    for s2, D, part in instances(1, 50):
        P = part * (s2 if isinstance(perception, perceptions.Wasserstein) else 1.0)
        answer = rdc.rate(scalar(s2, perception), D=D, P=P)
        assert answer.value == pytest.approx(searched(name(perception), s2, D, P), abs=1e-9)
        assert answer.gap < 1e-11
        assert answer.achieved.D <= D
        assert answer.achieved.P <= P * (1 + 1e-12)


@pytest.mark.parametrize("perception", OTHERS, ids=name)
def test_unproved_divergences_are_searched_among_gaussian_laws_and_marked(perception: perceptions.Divergence) -> None:
    marked = 0
    for s2, D, P in instances(2, 7):
        answer = quietly(rdc.rate, scalar(s2, perception), D=D, P=P)
        assert answer.value == pytest.approx(searched(name(perception), s2, D, P), abs=1e-9)
        assert answer.lower <= answer.value
        marked += answer.status is rdc.Status.GAUSSIAN
    assert marked >= 2
    with pytest.warns(rdc.WideBracketWarning, match="not proved to be optimal"):
        rdc.rate(scalar(1.0, perception), D=0.5, P=0.001)


@pytest.mark.parametrize("perception", OTHERS, ids=name)
def test_unproved_divergences_from_a_told_estimate_to_silence(perception: perceptions.Divergence) -> None:
    problem, c = scalar(2.0, perception), sqrt(1 - 4**-0.3)
    near = rdc.perception(problem, R=0.3, D=1.5, tol=1.0)
    # The largest deviation that keeps the distortion: 1 + τ² - 2 τ c = D.
    tau = c + sqrt(0.75 - 4**-0.3)
    assert near.upper == pytest.approx(divergence(name(perception), tau), rel=1e-6)
    assert 0.5 * near.upper < near.lower <= near.upper
    # Nothing told and nothing shown is a point, as far from the source as can be.
    silent = rdc.rate(problem, D=2.0)
    assert silent.upper == 0
    assert (inf if isinstance(perception, perceptions.ReverseKL) else 1.0) == silent.achieved.P


@pytest.mark.parametrize("perception", PROVED + OTHERS, ids=name)
def test_the_least_deviation_within_a_level_costs_the_level(perception: perceptions.Divergence) -> None:
    """At any size: next to no level is a level; up to that of silence, which costs inf where it is barred."""
    shape, summed = deviation(perception), isinstance(perception, perceptions.JensenShannon)
    levels = [1e-9, 1e-3, 0.1, 0.6] + [1e-300, 1e-100, 1e-34, 1e-32, 1e-20, 1e-15] * (not summed)
    for level in levels + [3.0, 10.0] * isinstance(perception, (perceptions.KL, perceptions.ReverseKL)):
        x = shape.least(level)
        assert -1 < x < 0
        assert float(shape.cost(np.array(x))) == pytest.approx(level, rel=1e-6 if summed else 1e-12)
    assert shape.least(0.0) == 0
    assert shape.least(inf) == -1


@pytest.mark.parametrize("perception", OTHERS, ids=name)
@pytest.mark.parametrize("tau", [0.3, 0.8])
def test_no_law_of_a_second_moment_is_closer_than_the_bound(perception: perceptions.Divergence, tau: float) -> None:
    x = np.linspace(-9, 9, 3001)
    p = np.exp(-x * x / 2)
    p /= p.sum()
    bound = moments.divergence(deviation(perception), tau)
    near = np.inf
    for a in np.linspace(0, 1, 21):
        # Between the Gaussian law and p / (1 + b x²)^k, all of this second moment or less.
        for k in (1, 2):
            b = float(brentq(lambda b, k=k: ((q := p / (1 + b * x * x) ** k) @ x**2) / q.sum() - tau**2, 0, 1e6))
            q = p / (1 + b * x * x) ** k
            g = np.exp(-((x / tau) ** 2) / 2)
            law = a * q / q.sum() + (1 - a) * g / g.sum()
            near = min(near, perception.value(p, law))
    assert bound <= near + 1e-9
    assert near <= float(deviation(perception).cost(np.array(tau - 1))) + 1e-9
    # The bound is no triviality.
    assert bound > 0.8 * near


def test_printed_formulas_of_wasserstein() -> None:
    s, D, P = 1.3, 0.6, 0.01
    t = s - sqrt(P)
    printed = log(s**2 * t**2 / (s**2 * t**2 - ((s**2 + t**2 - D) / 2) ** 2)) / 2 / LN2
    answer = rdc.rate(scalar(s**2, perceptions.Wasserstein()), D=D, P=P)
    assert answer.value == pytest.approx(printed, abs=1e-12)
    R = 1.2
    e = 4.0**-R
    inverse = rdc.distortion(scalar(s**2, perceptions.Wasserstein()), R=R, P=P)
    assert inverse.value == pytest.approx(s**2 * e + (s - s * sqrt(1 - e) - sqrt(P)) ** 2, abs=1e-12)


@pytest.mark.parametrize("perception", PROVED, ids=name)
def test_every_inverse_comes_back(perception: perceptions.Divergence) -> None:
    for s2, D, P in instances(3, 12):
        label = (0.7, 0.2 * s2)
        problem = scalar(s2, perception, label)
        told = rdc.rate(replace(problem, classification=None), D=D, P=P)
        if told.prices.perception < 1e-3 or told.value < 1e-3:
            continue
        R = told.value
        assert rdc.distortion(problem, R=R, P=P).value == pytest.approx(D, rel=1e-9)
        assert rdc.perception(problem, R=R, D=D).value == pytest.approx(P, rel=1e-9, abs=1e-9)
        C = classification(problem, R, D, P)
        assert C.value == pytest.approx(np.log2(2 * np.pi * np.e * s2 * (0.49 * 4.0**-R + 0.2)) / 2, abs=1e-9)
        assert rdc.rate(problem, C=C.value).value == pytest.approx(R, abs=1e-9)
        assert rdc.rate(problem, D=D, P=P, C=C.value - 0.1).value > R + 1e-3


def test_a_label_and_the_others_share_one_correlation() -> None:
    problem = scalar(2.0, perceptions.KL(), (0.8, 0.3))
    alone = [rdc.rate(problem, D=0.5, P=0.01).value, rdc.rate(problem, C=1.5).value, rdc.rate(problem, C=1.9).value]
    assert rdc.rate(problem, D=0.5, P=0.01, C=1.5).value == pytest.approx(max(alone[0], alone[1]), abs=1e-11)
    assert rdc.rate(problem, D=0.5, P=0.01, C=1.9).value == pytest.approx(max(alone[0], alone[2]), abs=1e-11)


def test_negative_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that forgets a term, or a price too many, must make the bounds cross or part."""
    problem = scalar(1.0, perceptions.Wasserstein())
    question = Question(
        np.ones(1), deviation(problem.perception), inf, np.array([0.5]), np.array([0.01]), inf, np.zeros(1), "R"
    )
    honest = outcome.solve(question)
    for factor in (0.5, 0.9, 1.1, 2.0):
        w = honest.prices * np.array([1.0, factor, 1 / factor, 1.0])
        assert certificate.lower_bound(question, w, honest.point) < honest.lower - 1e-4
    with monkeypatch.context() as patch:
        patch.setattr(Question, "levels", property(lambda q: np.array([q.R, 0.99 * q.D[0], q.P[0], q.V])))
        assert certificate.lower_bound(question, honest.prices, honest.point) > honest.upper


@pytest.mark.parametrize("perception", PROVED, ids=name)
def test_scalar_is_a_vector_of_one_component(perception: perceptions.Divergence) -> None:
    for s2, D, part in instances(4, 10):
        P = part * (s2 if isinstance(perception, perceptions.Wasserstein) else 1.0)
        answer = rdc.rate(scalar(s2, perception), D=D, P=P)
        matrix = rdc.Problem(sources.Gaussian([[s2]]), SQUARED, perception)
        assert rdc.rate(matrix, D=D, P=P).value == answer.value
        unit = LN2 if isinstance(perception, perceptions.KL) else 1 / s2
        q = Question(
            np.ones(1), deviation(perception), inf, np.array([D / s2]), np.array([P * unit]), inf, np.zeros(1), "R"
        )
        found = interior.maximise(Components(q), np.array([1.0, 1.0, 1.0, 0.0]), q.levels, np.array([1, 2]))
        assert found.values[0] / LN2 == pytest.approx(answer.value, abs=1e-9)


@pytest.mark.parametrize("perception", PROVED + OTHERS, ids=name)
def test_one_encoder_for_all_targets_costs_nothing(perception: perceptions.Divergence) -> None:
    problem = scalar(1.7, perception, (1.0, 0.4))
    theta = [Target(D=0.5, P=0.02), Target(D=0.6, P=0.0), Target(D=0.45), Target(C=1.9)]
    penalty = rdc.rate_penalty(problem, theta, tol=1e-2)
    assert penalty.upper < (1e-9 if perception in PROVED else 2e-3)
    # The one encoder does serve everyone: each decoder's joint law, by its correlation and deviation.
    universal = penalty.universal
    c = sqrt(1 - 4.0**-universal.rate)
    for target, reached in zip([replace(t, C=1.9) for t in theta[:3]], universal.achieved, strict=True):
        assert reached.D <= target.D + 1e-12
        assert reached.P <= target.P + 1e-12
        assert reached.C <= target.C + 1e-12
        # No reproduction of correlation c does better than its estimate.
        assert 1.7 * (1 - c * c) - 1e-12 <= reached.D


def test_levels_at_their_ends() -> None:
    problem = scalar(2.0, perceptions.Wasserstein(), (0.5, 0.3))
    assert rdc.rate(problem, D=2.0).value == 0
    assert rdc.rate(problem, D=1e9, P=1e9).value == 0
    assert rdc.rate(problem, P=0.0).value == 0
    # A reproduction of the source's own law that is told nothing has twice the variance.
    assert rdc.rate(problem, D=4.0, P=0.0).value == 0
    assert rdc.rate(problem, D=3.9, P=0.0).lower > 0
    assert rdc.rate(problem, D=2e-12).value == pytest.approx(log(1e12) / 2 / LN2, abs=1e-9)
    assert rdc.perception(problem, R=1.0, D=4.0).value == 0
    assert rdc.rate(problem, D=0.5, P=0.0).prices.perception == inf
    nothing = scalar(0.0, perceptions.KL(), (1.0, 0.5))
    assert rdc.rate(nothing, D=0.0, P=0.0).value == 0
    assert rdc.distortion(nothing, R=1.0).value == 0


def test_labels_at_their_ends() -> None:
    independent, own = scalar(2.0, label=(0.0, 0.3)), scalar(2.0, label=(1.0, 0.0))
    h = np.log2(2 * np.pi * np.e * 0.3) / 2
    assert rdc.rate(independent, C=h).value == 0
    assert rdc.rate(independent, D=0.5, C=h).value == pytest.approx(1.0, abs=1e-11)
    with pytest.raises(rdc.InfeasibleError, match=r"tells nothing of the label.*C_min = h\(S\) = 1.178"):
        rdc.rate(independent, C=1.1)
    # A label that is the source itself: C falls without bound, by a bit a bit.
    C = np.log2(2 * np.pi * np.e * 2.0) / 2
    assert rdc.rate(own, C=C - 20).value == pytest.approx(20.0, abs=1e-9)
    with pytest.raises(rdc.InfeasibleError, match=r"C_min = h\(S\|X\) = 1.1786"):
        rdc.rate(scalar(2.0, label=(-0.5, 0.3)), C=1.178)
