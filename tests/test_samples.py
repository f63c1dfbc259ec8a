"""Samples in R^k with free letters: brackets against known truths, and bounds that say what they are."""

from math import sqrt

import numpy as np
import pytest
from brackets import quietly
from clouds import LINE, LINE_LABELS, SQUARED, labelled, normal
from measure import equivocation, information
from scipy.integrate import quad
from scipy.special import gammaln, ive

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources


@pytest.mark.parametrize("level", [0.1, 0.4, 1.0])
def test_line_equals_the_fixed_grid(level: float) -> None:
    """Free letters beat those of a grid, and letters rounded to the grid of step h cost h²/4 more distortion."""
    free = rdc.rate(rdc.Problem(sources.Samples(LINE), SQUARED), D=level, tol=1e-5)
    step = 0.02
    grid = np.arange(LINE.min(), LINE.max() + step, step)
    fixed = rdc.Problem(sources.uniform(LINE.size), distortions.squared_error(LINE, grid))
    assert free.lower <= rdc.rate(fixed, D=level).upper
    assert rdc.rate(fixed, D=level + step**2 / 4).lower <= free.upper
    assert rdc.rate(fixed, D=level - 0.01).lower > free.upper  # another level is told apart


@pytest.mark.parametrize("C", [0.6, 0.2, 0.0])
def test_labels_on_a_line_equal_the_fixed_grid(C: float) -> None:
    free = quietly(rdc.rate, labelled(), D=0.3, C=C, tol=1e-4)
    step = 0.1
    grid = np.arange(LINE.min(), LINE.max() + step, step)
    measure = classifications.ConditionalEntropy(LINE_LABELS, tagged=True)
    fixed = rdc.Problem(sources.uniform(LINE.size), distortions.squared_error(LINE, grid), classification=measure)
    assert free.gap < 1e-3
    assert free.lower <= quietly(rdc.rate, fixed, D=0.3, C=C, tol=1e-4).upper
    assert quietly(rdc.rate, fixed, D=0.3 + step**2 / 4, C=C, tol=1e-4).lower <= free.upper


def test_verbs_agree_and_the_channel_is_what_they_say() -> None:
    found = quietly(rdc.distortion, labelled(), R=1.2, C=0.4, tol=1e-5)
    back = quietly(rdc.rate, labelled(), D=found.upper, C=0.4, tol=1e-5)
    assert back.lower <= 1.2 + 1e-9
    assert back.upper >= 1.2 - found.gap * found.prices.distortion - 1e-3
    least = quietly(rdc.classification, labelled(), R=1.2, D=found.upper + 1e-3, tol=1e-4)
    assert least.lower <= 0.4 + 1e-9
    for answer in (found, back, least):
        p, letters = answer.source, answer.sent.letters[answer.letters[:, 0]]
        assert abs(information(p, answer.encoder) - answer.rate) < 1e-9
        D = float(p @ (answer.encoder * (LINE[:, None] - letters[:, 0]) ** 2).sum(axis=1))
        assert abs(D - answer.achieved.D) < 1e-9
        labels = np.eye(2)[LINE_LABELS]
        assert abs(equivocation(p, answer.encoder, labels) - answer.achieved.C) < 1e-9
        assert answer.achieved.C <= 1 or answer.achieved.D < 1
        np.testing.assert_allclose(answer.channel.sum(axis=1), 1.0)
        assert answer.channel.shape == (LINE.size, answer.m)


def test_telling_the_class_costs_at_most_its_entropy() -> None:
    """``R(D, 0) <= R(D, C) + C``: deterministic labels have slopes of at most one."""
    certain = quietly(rdc.rate, labelled(), D=0.3, C=0.0, tol=1e-3)
    for C in (0.7, 0.3, 0.05):
        some = quietly(rdc.rate, labelled(), D=0.3, C=C, tol=1e-3)
        assert certain.lower <= some.upper + C
        assert some.lower <= certain.upper


def test_class_alone_has_a_closed_form() -> None:
    prior = 4 / 9
    entropy = -prior * np.log2(prior) - (1 - prior) * np.log2(1 - prior)
    assert abs(rdc.rate(labelled(), C=0.5).upper - (entropy - 0.5)) < 1e-9
    assert abs(rdc.classification(labelled(), R=0.3).lower - (entropy - 0.3)) < 1e-9


@pytest.mark.parametrize(("k", "R", "letters"), [(1, 1.0, 64), (4, 2.0, 128), (16, 2.0, 128)])
def test_gaussian_samples_are_bracketed_by_training_and_test(k: int, R: float, letters: int) -> None:
    """``D(R) = k 2^(-2R/k)``: what letters do for samples that they did not see is above it, up to sampling error."""
    n = 3000
    truth = k * 2 ** (-2 * R / k)
    problem = rdc.Problem(sources.Samples(normal(n, k)), SQUARED)
    found = quietly(rdc.distortion, problem, R=R, solver=solvers.Particles(letters, searches=0))
    unseen = found.sent.held_out(normal(n, k, seed=1), R=R)
    error = 4 * truth * sqrt(2 / (n * k))
    assert abs(unseen.rate - R) < 1e-3
    assert truth - error <= unseen.D <= 1.04 * truth + error
    assert found.upper <= unseen.D + error
    assert 0.93 * truth - error <= found.upper <= 1.01 * truth + error


def test_noisy_sphere_has_the_rate_of_its_noise() -> None:
    """At ``D = k e²`` Shannon's lower bound is attained by the noiseless point of the sphere itself."""
    k, e, n = 4, 0.35, 4000
    random = np.random.default_rng(2)
    y = random.standard_normal((n, k))
    x = y / np.linalg.norm(y, axis=1, keepdims=True) + e * random.standard_normal((n, k))

    def log_density(r: float) -> float:
        """Of the sphere's uniform law blurred: a Bessel function of the radius."""
        z, order = r / e**2, k / 2 - 1
        bessel = np.log(ive(order, z)) + z + gammaln(k / 2) + order * np.log(2 / z)
        return float(-(k / 2) * np.log(2 * np.pi * e**2) - (r**2 + 1) / (2 * e**2) + bessel)

    area = 2 * np.pi ** (k / 2) / np.exp(gammaln(k / 2))

    def term(r: float) -> float:
        return -area * r ** (k - 1) * np.exp(log_density(r)) * log_density(r)

    entropy = quad(term, 1e-6, 4.0, limit=200)[0]
    truth = (entropy - k / 2 * np.log(2 * np.pi * np.e * e**2)) / np.log(2)
    problem = rdc.Problem(sources.Samples(x), SQUARED)
    found = quietly(rdc.rate, problem, D=k * e**2, solver=solvers.Particles(128, searches=0))
    assert found.upper <= truth + 0.03
    # What the letters do for samples that they did not see, brought to this distortion at their price.
    y = random.standard_normal((n, k))
    unseen = found.sent.held_out(y / np.linalg.norm(y, axis=1, keepdims=True) + e * random.standard_normal((n, k)))
    achieved = unseen.rate + found.prices.distortion * (unseen.D - k * e**2)
    assert truth - 0.03 <= achieved <= found.upper + 0.15


@pytest.mark.parametrize(("n", "k", "D"), [(300, 1, 0.3), (300, 2, 0.6), (60, 3, 1.8)])
def test_few_samples_in_few_dimensions_are_certified(n: int, k: int, D: float) -> None:
    found = rdc.rate(rdc.Problem(sources.Samples(normal(n, k)), SQUARED), D=D, tol=1e-4)
    assert found.status is rdc.Status.CERTIFIED
    assert found.gap < 1e-4


def test_what_is_only_searched_says_so() -> None:
    problem = rdc.Problem(sources.Samples(normal(80, 5)), SQUARED)
    with pytest.warns(rdc.WideBracketWarning, match="not certified"):
        found = rdc.rate(problem, D=2.0, solver=solvers.Particles(32, products=0))
    assert found.status is rdc.Status.SEARCHED
    assert "not certified" in repr(found)
    assert found.lower == 0.0
    assert found.searched is not None
    assert 0 < found.searched <= found.upper
    # The same points in the plane are certified, and flat data in many dimensions are few.
    flat = normal(60, 2) @ normal(2, 7, seed=4)
    assert quietly(rdc.rate, rdc.Problem(sources.Samples(flat), SQUARED), D=3.0).lower > 0.1


def test_letters_do_for_their_own_samples_what_the_answer_says() -> None:
    found = quietly(rdc.distortion, labelled(), R=1.2, C=0.4, tol=1e-3)
    again = found.sent.held_out(LINE, LINE_LABELS)
    assert abs(again.D - found.achieved.D) < 1e-9
    assert abs(again.C - found.achieved.C) < 1e-3
    assert again.rate >= found.rate - 1e-9


def test_what_letters_cannot_do_has_no_channel() -> None:
    few = solvers.Particles(letters=4, sweeps=4, searches=0)
    found = quietly(rdc.rate, rdc.Problem(sources.Samples(normal(30, 6)), SQUARED), D=1e-3, solver=few)
    assert found.status is rdc.Status.NO_CHANNEL
    assert found.upper == np.inf
    # Such a distortion needs more than the rate, whatever is told of the class.
    assert rdc.rate(labelled(), D=0.05, C=1.0).lower > 1.0
    least = quietly(rdc.classification, labelled(), R=1.0, D=0.05, solver=few)
    assert least.status is rdc.Status.NO_CHANNEL
    assert least.upper == np.inf


def test_what_lies_in_few_of_many_dimensions_is_that_of_few() -> None:
    """Brackets of perfect perception, which is proved in any dimension, meet."""
    x, few = normal(12, 5), solvers.Particles(8, sweeps=6, searches=0)
    many = x @ np.linalg.qr(normal(300, 5))[0].T + 1.0
    found, other = (
        quietly(
            rdc.distortion,
            rdc.Problem(sources.Samples(y), SQUARED, perceptions.Wasserstein()),
            R=1.0,
            P=0.0,
            solver=few,
        )
        for y in (many, x)
    )
    assert 0 < max(found.lower, other.lower) <= min(found.upper, other.upper)
    assert found.upper == pytest.approx(other.upper, abs=1e-6)
    # Letters are means of samples: off their space there is nothing.
    assert np.linalg.svd(found.sent.letters - 1.0, compute_uv=False)[5] < 1e-9


def test_an_answer_in_another_dimension_is_no_start() -> None:
    plane, space = (rdc.Problem(sources.Samples(normal(12, k)), SQUARED) for k in (2, 3))
    other = rdc.distortion(space, R=1.0, start=rdc.distortion(plane, R=1.0))
    assert (other.lower, other.upper) == (lambda a: (a.lower, a.upper))(rdc.distortion(space, R=1.0))


def test_letters_spend_no_more_on_other_samples_than_they_can_tell() -> None:
    sent = rdc.distortion(rdc.Problem(sources.Samples(normal(12, 2)), SQUARED), R=1.0).sent
    unseen = normal(200, 2, seed=5)
    plain, most, least = (sent.held_out(unseen, R=R) for R in (None, 20.0, 1e-7))
    assert least.rate < plain.rate < most.rate < 20
    assert most.D < plain.D < least.D


def test_samples_themselves_cost_their_entropy() -> None:
    problem = rdc.Problem(sources.Samples([[0.0, 1.0], [2.0, 0.0], [0.0, 1.0], [5.0, 5.0]]), SQUARED)
    assert abs(rdc.rate(problem, D=0.0).upper - 1.5) < 1e-9
    assert rdc.distortion(problem, R=1.6).upper < 1e-9
    assert quietly(rdc.distortion, problem, R=1.4).lower > 1e-3


def test_samples_that_never_vary_cost_nothing() -> None:
    problem = rdc.Problem(sources.Samples(np.ones((4, 2))), SQUARED)
    assert rdc.rate(problem, D=0.0).upper < 1e-9
    assert rdc.distortion(problem, R=0.5).upper < 1e-9


def test_a_curve_falls() -> None:
    curve = quietly(rdc.trace, rdc.Problem(sources.Samples(LINE), SQUARED), R=[0.4, 0.8, 1.2], tol=1e-3)
    assert curve.quantity == "D"
    assert (np.diff(curve.upper) < 0).all()
    assert (curve.lower <= curve.upper).all()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: sources.Samples([[0.0, np.nan]]), "points must be finite"),
        (lambda: sources.Samples([0.0, 1.0], [1.0]), "one entry for each of the 2 points"),
        (lambda: rdc.Problem(sources.Samples(LINE), distortions.hamming(9)), "squared_error"),
        (
            lambda: rdc.Problem(
                sources.Samples(LINE), SQUARED, classification=classifications.ConditionalEntropy(LINE_LABELS)
            ),
            "tagged=True",
        ),
        (lambda: rdc.Problem(sources.Samples(LINE), SQUARED, perceptions.TotalVariation()), "W2²"),
        (lambda: rdc.rate(labelled(), D=1.0, solver=solvers.Conic()), r"solvers.Particles\(\)"),
        (
            lambda: rdc.rate(
                rdc.Problem(sources.uniform(2), distortions.hamming(2)), D=0.1, solver=solvers.Particles()
            ),
            "sources.Samples",
        ),
        (lambda: solvers.Particles(letters=0), "letters must be an integer >= 1"),
        (lambda: quietly(rdc.rate, labelled(), D=1.0, solver=solvers.Particles(backend="jax")), "backend"),
        (lambda: rdc.certify(labelled(), np.eye(9), D=1.0), "fixed letters"),
        (lambda: rdc.decode(labelled(), np.eye(9)), "discrete source"),
        (lambda: quietly(rdc.rate, labelled(), D=1.0).sent.held_out([[1.0, 2.0]], [0]), "k = 1 coordinates"),
        (lambda: quietly(rdc.rate, labelled(), C=0.5, D=1.0).sent.held_out(LINE), "labels are needed"),
        (lambda: quietly(rdc.rate, labelled(), C=0.5, D=1.0).sent.held_out(LINE, [0]), "one entry for each of the 9"),
    ],
)
def test_refusals(make: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()
