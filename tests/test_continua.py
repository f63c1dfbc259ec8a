"""Continua of targets: a box is its corner, and a curve of equal rate lies between points and polygon."""

from dataclasses import replace
from itertools import product
from types import ModuleType

import numpy as np
import pytest
from brackets import assert_overlap, quietly
from oracles import binary_rdp, h
from problems import COIN

import rdcfunc as rdc
from rdcfunc import Target, classifications, continua, distortions, perceptions, sources, universal
from rdcfunc.continua import Pencil


def ternary(measure: perceptions.Divergence) -> rdc.Problem:
    d = [[0.0, 0.7, 0.4], [0.5, 0.0, 0.9], [0.3, 0.8, 0.0]]
    return rdc.Problem(sources.Discrete([0.5, 0.3, 0.2]), distortions.matrix(d), measure)


def test_a_box_is_its_corner() -> None:
    box = rdc.Box(D=(0.1, 0.3), P=(0.02, 0.2))
    whole, corner = rdc.universal_rate(COIN, box), rdc.rate(COIN, 0.1, 0.02)
    assert (whole.lower, whole.upper) == (corner.lower, corner.upper)
    inside = [Target(D, P) for D in (0.1, 0.2, 0.3) for P in (0.02, 0.1, 0.2)]
    assert rdc.universal_rate(COIN, inside).upper == whole.upper
    penalty = rdc.rate_penalty(COIN, box)
    assert (penalty.lower, penalty.upper) == (0.0, 0.0)


@pytest.fixture(scope="module")
def curve() -> rdc.Penalty:
    return rdc.rate_penalty(COIN, rdc.IsoRate(0.4, P=(0.0, 0.2)))


def test_a_curve_of_the_binary_source(curve: rdc.Penalty) -> None:
    """The bracket closes, and two decoders, those of the ends, are all that costs something."""
    assert curve.universal.gap <= 1e-6
    assert 0.011 < curve.lower <= curve.upper < 0.012
    assert curve.universal.active == 2
    assert curve.upper <= curve.universal.upper


def least_distortion(R: float, P: float) -> float:
    """Invert the closed form of R(D, P) of the binary source."""
    low, high = 0.0, 0.5
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if binary_rdp(0.3, middle, P) > R else (low, middle)
    return high


def test_a_curve_takes_as_much_as_any_of_its_points(curve: rdc.Penalty) -> None:
    """Points from the closed form, none of which the refinement has seen, bound it from below."""
    places = [0.0, 0.011, 0.027, 0.2]
    some = rdc.universal_rate(COIN, [Target(least_distortion(0.4, P) + 1e-12, P) for P in places])
    assert some.lower <= curve.universal.upper
    assert some.upper >= curve.universal.lower - 1e-9  # the ends, which are all that counts, are among them


def test_the_encoder_of_a_curve_serves_all_of_it(curve: rdc.Penalty) -> None:
    """Decoders for neighbouring targets, by lot, meet every target on the curve."""
    p, d = COIN.source.pmf, COIN.distortion.values
    made = [(np.abs(p @ W - p).sum() / 2, (p @ (W * d)).sum()) for W in curve.universal.channel]
    for P in np.linspace(0.0, 0.06, 31):
        reached = min(height for place, height in made if place <= P + 1e-12)
        for (left, high), (right, low) in product(made, made):
            if left <= P < right:
                reached = min(reached, high + (low - high) * (P - left) / (right - left))
        assert reached <= least_distortion(0.4, P) + 1e-9


@pytest.mark.parametrize("bounds", [(0.01, 0.03), (0.0, 0.02)])
def test_a_shorter_curve_costs_less(curve: rdc.Penalty, bounds: tuple[float, float]) -> None:
    part = rdc.rate_penalty(COIN, rdc.IsoRate(0.4, P=bounds))
    assert part.universal.gap <= 1e-6
    assert part.universal.upper < curve.universal.lower
    assert part.lower > 1e-4


def test_a_symmetric_source_pays_nothing_for_its_curve() -> None:
    """A uniform law is realistic at every distortion, so one encoder serves the whole curve."""
    problem = rdc.Problem(sources.bernoulli(0.5), distortions.hamming(2), perceptions.TotalVariation())
    penalty = rdc.rate_penalty(problem, rdc.IsoRate(1 - h(0.1), P=(0.0, np.inf)))
    assert 0 <= penalty.lower <= penalty.upper <= 1e-6


@pytest.mark.parametrize(
    ("measure", "low"),
    [
        (perceptions.KL(), 0.0),
        (perceptions.KL(), 0.002),
        (perceptions.Hellinger(), 0.002),
        (perceptions.TotalVariation(), 0.0),
        (perceptions.TotalVariation(), 0.002),
    ],
)
def test_lines_lie_below_the_curve_and_points_above(measure: perceptions.Divergence, low: float) -> None:
    problem = ternary(measure)
    pencil = Pencil(problem, rdc.IsoRate(0.5, P=(low, 0.1)), None, 1e-8)
    pencil.add([0.02])
    corners = sorted((t.P, t.D) for t in pencil.stronger())
    assert corners[0][0] == pencil.low
    assert corners[-1][0] == pencil.high
    for P in np.linspace(pencil.low, pencil.high, 6)[1:-1]:
        there = rdc.distortion(problem, 0.5, P=float(P))
        assert float(np.interp(P, *zip(*corners, strict=True))) <= there.upper
    for at in pencil.points:
        assert rdc.distortion(problem, 0.5, P=at).lower <= pencil.weaker(at).D


def test_a_curve_under_a_steep_divergence_is_bracketed() -> None:
    penalty = rdc.rate_penalty(ternary(perceptions.KL()), rdc.IsoRate(0.5, P=(0.005, 0.1)), tol=1e-4)
    assert 0 < penalty.lower <= penalty.upper <= penalty.lower + 2e-4


def labelled(tagged: bool) -> rdc.Problem:
    labels = classifications.ConditionalEntropy([0, 1, 1], tagged=tagged)
    return rdc.Problem(sources.Discrete([0.35, 0.25, 0.4]), distortions.hamming(3), classification=labels)


def test_tags_make_a_curve_its_ends() -> None:
    """The least distortion and the least entropy of the curve, together, are what one encoder needs."""
    problem, low, high = labelled(True), 0.42, 0.5
    penalty = rdc.rate_penalty(problem, rdc.IsoRate(0.6, C=(low, high)), tol=1e-5)
    least = rdc.distortion(problem, 0.6, C=high)
    corner = rdc.rate(problem, least.upper, C=low)
    assert max(penalty.universal.lower, corner.lower) <= min(penalty.universal.upper, corner.upper) + 1e-5
    # Each target of the curve takes 0.6 bit, and not what their corner takes.
    assert penalty.lower <= corner.upper - 0.6 + 1e-5
    assert penalty.upper >= corner.lower - 0.6 - 1e-5
    assert penalty.lower > 0.01


def test_a_curve_of_a_fixed_classifier() -> None:
    judged = classifications.ErrorRate([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], [0, 1, 1])
    d = [[0.0, 1.0, 0.6], [0.5, 0.0, 0.7], [0.2, 0.9, 0.0]]
    problem = rdc.Problem(sources.Discrete([0.3, 0.5, 0.2]), distortions.matrix(d), classification=judged)
    penalty = rdc.rate_penalty(problem, rdc.IsoRate(0.6, C=(0.26, 0.4)), tol=1e-5)
    assert 0 <= penalty.lower <= penalty.upper <= penalty.lower + 2e-5


def test_a_curve_on_a_fixed_alphabet_is_bracketed_by_its_steps() -> None:
    curve = rdc.IsoRate(0.6, C=(0.52, 0.56))
    fixed = rdc.rate_penalty(labelled(False), curve, tol=1e-2)
    tagged = rdc.universal_rate(labelled(True), curve, tol=1e-4)
    assert 0 <= fixed.lower <= fixed.upper <= fixed.universal.upper
    # Without tags each of the targets is weaker, as more distortion is allowed, and one encoder needs no less.
    assert fixed.universal.gap <= 1e-2
    assert tagged.upper > 0.6


@pytest.mark.parametrize(("module", "name", "limit"), [(universal, "_REFINEMENTS", 1), (continua, "_NEAR", 0.9)])
def test_a_curve_of_few_points_is_wide_and_honest(
    module: ModuleType, name: str, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, line = replace(COIN, perception=perceptions.ChiSquared()), rdc.IsoRate(0.4, P=(0.0, 0.1))
    many = rdc.universal_rate(problem, line, tol=1e-3)
    assert many.gap <= 1e-3
    monkeypatch.setattr(module, name, limit)
    few = quietly(rdc.universal_rate, problem, line, tol=1e-6)
    assert few.status is rdc.Status.WIDE
    assert few.gap > 1e-6
    assert_overlap(few, many)
