"""R(Θ) and A(Θ): one encoder for several decoders."""

from dataclasses import replace

import numpy as np
import pytest
from brackets import assert_honest
from measure import information
from oracles import LN2, PROGRAM, tuple_program
from parts import random_parts

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, sources


def binary(p: float) -> rdc.Problem:
    return rdc.Problem(sources.bernoulli(p), distortions.hamming(2), perceptions.TotalVariation())


def ternary() -> rdc.Problem:
    p, d, _ = random_parts(3, 3, 3)
    return rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.TotalVariation())


CASES = {
    "Bern(.3)": (binary(0.3), [Target(0.1), Target(0.11, 0.0)]),
    "Bern(.2)": (binary(0.2), [Target(0.1), Target(0.15, 0.0)]),
    "three targets": (binary(0.3), [Target(0.1), Target(0.11, 0.02), Target(0.12, 0.0)]),
    "ternary": (ternary(), [Target(0.15), Target(0.3, 0.0)]),
    "one is only seen": (ternary(), [Target(0.15), Target(P=0.0)]),
}
each = pytest.mark.parametrize(("problem", "theta"), CASES.values(), ids=CASES.keys())


@each
def test_universal_rate_is_that_of_the_program_over_tuples(problem: rdc.Problem, theta: list[Target]) -> None:
    answer = rdc.universal_rate(problem, theta)
    truth = tuple_program(problem.source.pmf, problem.distortion.values, [(t.D, t.P) for t in theta])
    assert_honest(answer, truth, PROGRAM)
    assert answer.gap <= 1e-6


@each
def test_one_encoder_serves_every_target(problem: rdc.Problem, theta: list[Target]) -> None:
    answer = rdc.universal_rate(problem, theta)
    p = problem.source.pmf
    np.testing.assert_allclose(answer.encoder.sum(axis=1), 1.0, atol=1e-12)
    assert information(p, answer.encoder) <= answer.upper + 1e-12
    assert len(answer.channel) == len(answer.output) == len(theta) == len(answer.prices)
    for k, target in enumerate(theta):
        W = np.zeros((p.size, problem.shape[1]))
        for column, letter in enumerate(answer.letters[:, k]):
            W[:, letter] += answer.encoder[:, column]
        np.testing.assert_allclose(answer.channel[k], W, atol=1e-15)
        assert float(p @ (W * problem.distortion.values).sum(axis=1)) <= target.D + 1e-12
        assert np.maximum(p @ W - p, 0).sum() <= target.P + 1e-12


@each
def test_penalty_lies_between_zero_and_the_rate(problem: rdc.Problem, theta: list[Target]) -> None:
    penalty = rdc.rate_penalty(problem, theta)
    assert 0 <= penalty.lower <= penalty.upper <= penalty.universal.upper
    assert penalty.upper - penalty.lower <= 2e-6
    # Some decoder's rate alone, and the sum of all, are what an encoder can spend.
    assert penalty.universal.upper >= max(s.lower for s in penalty.singles)
    assert penalty.universal.lower <= sum(s.upper for s in penalty.singles)


@pytest.mark.parametrize(
    ("name", "rate", "penalty", "digit"),
    [("Bern(.3)", 0.4204, 0.0081, 1e-4), ("Bern(.2)", None, 8.3e-4 / LN2, 1e-5 / LN2)],
)
def test_known_penalties(name: str, rate: float | None, penalty: float, digit: float) -> None:
    found = rdc.rate_penalty(*CASES[name])
    assert found.lower - digit / 2 <= penalty <= found.upper + digit / 2
    assert rate is None or found.universal.upper == pytest.approx(rate, abs=digit / 2)


@pytest.mark.parametrize(
    "theta",
    [
        [Target(0.1, 0.02)],
        [Target(0.1, 0.02)] * 3,
        [Target(0.1, 0.02), Target(0.2, 0.02), Target(0.1), Target()],
        [Target(0.1, 0.02), Target(0.3, 0.3)],
    ],
)
def test_nested_targets_cost_nothing_and_are_the_plain_problem(theta: list[Target]) -> None:
    problem = binary(0.3)
    plain = rdc.rate(problem, 0.1, 0.02)
    whole = rdc.universal_rate(problem, theta)
    assert (whole.lower, whole.upper) == (plain.lower, plain.upper)
    penalty = rdc.rate_penalty(problem, theta)
    assert penalty.lower == 0
    assert penalty.upper <= 2e-6


def test_targets_with_one_law_cost_nothing() -> None:
    """A uniform source is realistic at every D: the finest encoder serves all."""
    penalty = rdc.rate_penalty(binary(0.5), [Target(0.1), Target(0.2, 0.0), Target(0.1, 0.1)])
    assert 0 <= penalty.lower <= penalty.upper <= 2e-6


def test_more_targets_cost_more() -> None:
    problem, theta = CASES["three targets"]
    rates = [rdc.universal_rate(problem, theta[:k]) for k in (1, 2, 3)]
    assert rates[0].lower <= rates[1].upper + 1e-12
    assert rates[1].lower <= rates[2].upper + 1e-12
    assert rates[1].lower > rates[0].upper + 1e-3


def test_the_order_of_targets_does_not_matter() -> None:
    problem, theta = CASES["ternary"]
    forth, back = rdc.universal_rate(problem, theta), rdc.universal_rate(problem, theta[::-1])
    assert forth.upper == pytest.approx(back.upper, abs=1e-6)
    assert [a.D for a in forth.achieved] == pytest.approx([a.D for a in back.achieved][::-1], abs=1e-3)


def test_tagged_targets_need_the_least_of_each_level() -> None:
    """Necessity by data processing, sufficiency by tagging: R(Θ) = R(min D, min C)."""
    labels = classifications.ConditionalEntropy([[0.9, 0.1], [0.2, 0.8]], tagged=True)
    problem = replace(binary(0.3), perception=None, classification=labels)
    whole = rdc.universal_rate(problem, [Target(0.05), Target(0.2, C=0.6), Target(C=0.8)])
    single = rdc.rate(problem, 0.05, C=0.6)
    assert whole.upper == pytest.approx(single.upper, abs=1e-6)
    assert max(whole.lower, single.lower) <= min(whole.upper, single.upper) + 1e-12


def test_a_level_for_each_decoder_is_less_than_both_for_one() -> None:
    """With a fixed classifier D and C may clash on one letter, and not on two decoders' letters."""
    judged = classifications.ErrorRate([0, 0, 1], [1, 0, 0])
    problem = rdc.Problem(sources.uniform(3), distortions.hamming(3), classification=judged)
    penalty = rdc.rate_penalty(problem, [Target(D=0.2), Target(C=0.1)])
    assert penalty.universal.upper <= sum(s.upper for s in penalty.singles) + 1e-6
    with pytest.raises(rdc.InfeasibleError):
        rdc.rate(problem, 0.2, C=0.1)


@pytest.mark.parametrize("P", [np.inf, 0.05])
def test_decoders_with_a_class_level_each_on_the_alphabet_as_it_is(P: float) -> None:
    rng = np.random.default_rng(1)
    labels, p = rng.dirichlet(np.ones(2), size=3), rng.dirichlet(np.ones(3))
    least, most = (float(-(w * np.log2(w) * v).sum()) for w, v in ((labels, p[:, None]), (p @ labels, 1.0)))
    theta = [Target(0.3, P, 0.8 * most + 0.2 * least), Target(0.5, C=0.4 * most + 0.6 * least)]

    def problem(tagged: bool) -> rdc.Problem:
        measure = classifications.ConditionalEntropy(labels, tagged=tagged)
        return rdc.Problem(sources.Discrete(p), distortions.hamming(3), perceptions.TotalVariation(), measure)

    fixed = rdc.rate_penalty(problem(False), theta, tol=1e-5)
    tagged = rdc.universal_rate(problem(True), theta, tol=1e-5)
    assert tagged.lower <= fixed.universal.upper
    assert fixed.universal.upper >= max(single.lower for single in fixed.singles)
    assert fixed.universal.gap <= 1e-5
    assert fixed.lower > 0.01  # the level of each lies between those of the other, so one encoder costs more
    for k, (target, achieved) in enumerate(zip(theta, fixed.universal.achieved, strict=True)):
        channel = fixed.universal.channel[k]
        assert float(p @ (channel * (1 - np.eye(3))).sum(axis=1)) <= target.D * (1 + 1e-12)
        joint = (p[:, None] * channel).T @ labels
        entropy = float(-(joint * np.log2(joint / joint.sum(axis=1, keepdims=True))).sum())
        assert entropy <= target.C * (1 + 1e-12)
        assert np.isclose(achieved.C, entropy, rtol=1e-9)


def test_a_target_that_implies_the_others_is_solved_once_and_costs_nothing_beyond_itself() -> None:
    """An encoder for the strictest target serves all: the penalty is zero, whatever the tolerance."""
    theta = [Target(0.2, 0.1), Target(0.1, 0.02), Target(0.1, 0.02), Target(0.15, 0.02)]
    penalty = rdc.rate_penalty(binary(0.3), theta, tol=1e-2)
    assert (penalty.lower, penalty.upper) == (0.0, 0.0)
    assert penalty.universal is penalty.singles[1] is penalty.singles[2]
    assert penalty.universal.upper == max(single.upper for single in penalty.singles)


@pytest.mark.parametrize("verb", [rdc.universal_rate, rdc.rate_penalty])
@pytest.mark.parametrize("theta", [[Target(0.1)], rdc.Box(D=(0.1, 0.2)), rdc.IsoRate(0.4, P=(0.0, 0.1))])
def test_what_is_no_problem_is_refused_by_name(verb, theta) -> None:
    with pytest.raises(TypeError, match=r"problem must be a value such as rdcfunc\.Problem"):
        verb("a problem", theta)
