"""Prices and matrices of Gaussian vectors prove bounds wherever they come from, and slopes are derivatives."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from rdcfunc.gaussian import certificate, components, interior, joint, labels, outcome, pivots, search, tangents
from rdcfunc.gaussian.deviations import Relative, Transport
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.several import Several


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
        # Prices are ratios, of any size: squares of small ones must not vanish.
        for size in (1e-300, 1e-150, 1e150, 1e300):
            assert joint.lower_bound(question, size * w, size * Y) == pytest.approx(found.upper, abs=1e-10)
        # From no loss to where nothing is proved: Y on its way to what perception at these prices bears.
        still, share = w[1] * np.diag(question.variances)[None], w[1] / (w[1] + w[2])
        for part in 10.0 ** -np.arange(0, 18, 0.5):
            for steep in (still * part, still * (share + part), still * 2 * share * (1 + part)):
                assert joint.lower_bound(question, w, steep) <= found.upper
        # What has no price has no tangent of its own; without that of rate, or of the goal, nothing is proved.
        free = w * [1, 1, 0, 1]
        assert 0 < joint.lower_bound(question, free, still) < found.upper
        assert joint.lower_bound(question, free, Y) == 0
        for spared in (question, replace(question, goal="D", R=found.upper, D=np.array([inf]))):
            assert joint.lower_bound(spared, w * [0, 1, 1, 1], Y) == 0


def _bent(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    B = np.eye(2) + 0.05 * rng.normal(size=(2, 2))
    return B @ z @ B.T


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
    # Prices are ratios, and those of rate, goal and label must be there.
    w, guess = np.array([1.0, found.prices[1], 0.0, found.prices[-1] * label.mean(level)]), found.point.left
    bounds = [
        pivots.lower_bound(question, label, level, size * w, size * w[1] * np.diag(s2)[None], guess)
        for size in (1e-300, 1.0, 1e300)
    ]
    np.testing.assert_allclose(bounds, found.upper, atol=1e-6)
    np.testing.assert_allclose(bounds, bounds[1], rtol=1e-13)
    for bare in (w * [0, 1, 1, 1], w * [1, 1, 1, 0]):
        assert pivots.lower_bound(question, label, level, bare, w[1] * np.diag(s2)[None], guess) == 0


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


def test_without_perception_tangents_are_those_of_the_label_alone() -> None:
    """Two programs for one question: values and slopes agree, and without a level prices stay what they are."""
    s2, a, w = np.array([1.0, 0.4, 0.05]), np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.7, 0.0, 1.3])
    question = Question(s2, Transport(), inf, np.array([0.5]), np.array([inf]), 0.15, a, "R")
    oracle = labels.Determinant(question)
    (_, values, slopes), (_, others, turned) = oracle.best(w), tangents.Tangents(question).best(w)
    np.testing.assert_allclose(others, values, atol=1e-14)
    np.testing.assert_allclose(turned, slopes, atol=1e-14)
    found = interior.maximise(oracle, w, question.levels, np.array([], dtype=np.intp))
    np.testing.assert_array_equal(found.prices, w)
    np.testing.assert_array_equal(found.values, values)


def test_no_prices_prove_nothing() -> None:
    question = Question(np.ones(2), Transport(), inf, np.array([0.5]), np.array([inf]), inf, np.zeros(2), "R")
    point = components.Axes(np.ones(2), np.zeros((1, 2)))
    assert certificate.lower_bound(question, np.array([1.0, 2.0, 0.0, 0.0]), point) > 0.9
    assert certificate.lower_bound(question, np.zeros(4), point) == 0
