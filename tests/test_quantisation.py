"""Quantisers against optima by enumeration, and against the theory that bounds them."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

import rdcfunc as rdc
from rdcfunc import classifications, distortions, lloyd, sources
from rdcfunc.information import NATS_PER_BIT, conditional_entropy, entropy
from rdcfunc.quantisation import vector_quantiser


def best_intervals(points: np.ndarray, m: int) -> float:
    """Least E|X - y_J|² of at most m words on a line, whose cells are intervals: by dynamic programming."""
    x, n = np.sort(points), len(points)
    cost = np.full((n + 1, n + 1), np.inf)
    for a, b in itertools.combinations(range(n + 1), 2):
        cost[a, b] = np.square(x[a:b] - x[a:b].mean()).sum() / n
    least = np.append(0.0, np.full(n, np.inf))
    for _ in range(m):
        least = np.minimum(least, (least[:, None] + cost).min(axis=0))
    return float(least[n])


def best_of_all(points: np.ndarray, labels: np.ndarray, m: int, rate: float, told: float) -> float:
    """Least E|X - y_J|² + λ_r H(J) + λ_c H(S|J) over all assignments."""
    n, found = len(points), math.inf
    for assignment in itertools.product(range(m), repeat=n):
        word = np.eye(m)[list(assignment)].T / n
        law = word.sum(axis=1)
        centres = (word @ points) / np.where(law > 0, law, 1)[:, None]
        value = np.square(points - centres[list(assignment)]).sum() / n
        value += (rate * entropy(law) + told * conditional_entropy(word @ np.eye(2)[labels])) / NATS_PER_BIT
        found = min(found, value)
    return found


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_least_distortion_on_a_line(m: int) -> None:
    points = np.random.default_rng(m).standard_normal(24)
    made = vector_quantiser(points, m, restarts=64)
    assert made.training.distortion == pytest.approx(best_intervals(points, m), rel=1e-9)
    assert made.training.entropy <= made.rate + 1e-12
    assert made.rate == math.log2(m)


@pytest.mark.parametrize(("rate", "told"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.05), (0.0, 4.0), (0.1, 0.2)])
def test_least_objective_of_all_assignments(rate: float, told: float) -> None:
    rng = np.random.default_rng(7)
    points, labels = rng.standard_normal((8, 2)), rng.integers(0, 2, 8)
    made = vector_quantiser(
        points, 3, labels=labels, rate_weight=rate, classification_weight=told, restarts=32
    ).training
    value = made.distortion + rate * made.entropy + told * made.equivocation
    assert value == pytest.approx(best_of_all(points, labels, 3, rate, told), rel=1e-9)


@pytest.mark.parametrize(("rate", "told"), [(0.0, 0.0), (0.3, 0.0), (0.0, 5.0), (0.3, 5.0)])
def test_no_step_raises_the_objective(rate: float, told: float) -> None:
    rng = np.random.default_rng(3)
    labels = rng.dirichlet(np.full(3, 0.3), 400)
    cloud = lloyd.Data(rng.standard_normal((400, 3)), np.full(400, 1 / 400), labels)
    price = lloyd.Price(rate, told, 1, 0.0)
    book = lloyd.descend(cloud, 40, price, rng, gently=False)
    values = [book.objective(price)]
    for _ in range(30):
        book = lloyd.step(cloud, book, price)
        values.append(book.objective(price))
    assert values[-1] < values[0]
    assert (np.diff(values) <= 1e-12).all()


@pytest.mark.parametrize("R", [0.0, 0.7, 1.0, 1.6, 2.3])
def test_entropy_bound_is_met_and_used(R: float) -> None:
    points = np.random.default_rng(1).standard_normal(24)
    made = vector_quantiser(points, 8, R=R, restarts=12)
    assert made.training.entropy <= R + 1e-12
    # Words as numbers are one way to keep the bound.
    assert made.training.distortion <= best_intervals(points, math.floor(2**R)) * (1 + 1e-9)
    if R == 2.3:  # and not the best one
        assert made.training.distortion < 0.9 * best_intervals(points, 4)


def test_a_step_takes_the_cheapest_word_for_each_sample() -> None:
    rng = np.random.default_rng(8)
    points, labels = rng.standard_normal((50, 2)), rng.dirichlet(np.ones(3), 50)
    cloud, price = lloyd.Data(points, np.full(50, 1 / 50), labels), lloyd.Price(0.7, 1.3, 2, 0.0)
    book = lloyd.descend(cloud, 6, replace(price, rate=0.0), rng, gently=False)
    told = np.log2(book.joint / book.law[:, None])
    cost = np.square(points[:, None] - book.words).sum(axis=2) - 0.7 * np.log2(book.law) - 1.3 * labels @ told.T
    _, cheapest = np.unique(cost.argmin(axis=1), return_inverse=True)
    np.testing.assert_array_equal(lloyd.step(cloud, book, price).assignment, cheapest)


def test_idle_words_find_samples() -> None:
    cloud = lloyd.Data(np.arange(6.0)[:, None], np.full(6, 1 / 6), np.empty((6, 0)))
    price = lloyd.Price(0.0, 0.0, 1, 0.0)
    two = lloyd.descend(cloud, 2, price, np.random.default_rng(0), gently=False)
    far = replace(two, words=np.array([[2.5], [99.0]]))
    assert (lloyd.step(cloud, far, price).law > 0).all()


def test_words_at_one_place_that_tell_the_label_are_given_up_for_the_rate() -> None:
    places, labels = [-1.0, 1.0, -1.0, 1.0], [0, 0, 1, 1]
    free = vector_quantiser(places, 2, labels=labels, classification_weight=9.0)
    np.testing.assert_allclose(free.words, 0.0, atol=1e-12)
    assert (free.training.entropy, free.training.equivocation) == (1.0, 0.0)
    bound = vector_quantiser(places, 2, labels=labels, classification_weight=9.0, R=0.5)
    assert bound.training.entropy == 0.0


def test_one_word_is_the_mean_and_a_word_each_costs_nothing() -> None:
    points = np.random.default_rng(0).standard_normal((9, 2))
    one = vector_quantiser(points, 1)
    np.testing.assert_allclose(one.words, points.mean(axis=0)[None], rtol=1e-12)
    assert one.training.distortion == pytest.approx(points.var(axis=0).sum())
    every = vector_quantiser(points, 9)
    assert every.training.distortion == pytest.approx(0, abs=1e-24)
    assert every.training.entropy == pytest.approx(every.rate)


def test_duplicates_are_weights() -> None:
    rng = np.random.default_rng(5)
    points, labels, counts = rng.standard_normal((10, 2)), rng.integers(0, 2, 10), rng.integers(1, 4, 10)
    kwargs = {"classification_weight": 0.2, "restarts": 64}
    weighted = vector_quantiser(points, 3, weights=counts / counts.sum(), labels=labels, **kwargs).training
    repeated = vector_quantiser(np.repeat(points, counts, axis=0), 3, labels=np.repeat(labels, counts), **kwargs)
    np.testing.assert_array_equal(np.repeat(weighted.assignment, counts), repeated.training.assignment)
    for name in ("distortion", "entropy", "equivocation", "accuracy"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated.training, name))


def test_encoder_that_sees_the_sample_alone_is_the_best_one() -> None:
    rng = np.random.default_rng(2)
    points, beliefs = rng.standard_normal((500, 2)), rng.dirichlet(np.ones(3), 500)
    made = vector_quantiser(points, 6, labels=beliefs, classification_weight=0.7, restarts=2)
    fresh = rng.standard_normal((200, 2))
    told = rng.dirichlet(np.ones(3), 200)
    expected = np.square(fresh[:, None] - made.words).sum(axis=2) - 0.7 * told @ np.log2(made.posteriors).T
    np.testing.assert_array_equal(made.encode(fresh, told), expected.argmin(axis=1))
    figures = made.measure(fresh, labels=told, beliefs=told)
    assert figures.distortion + 0.7 * figures.cross_entropy == pytest.approx(expected.min(axis=1).mean())
    assert figures.equivocation < figures.cross_entropy
    # Who is told the label pays no more than who believes, who pays less than who looks at places alone.
    truth = np.array([rng.choice(3, p=law) for law in told])
    paid = [made.measure(fresh, labels=truth, beliefs=seen) for seen in (truth, told, None)]
    values = [one.distortion + 0.7 * one.cross_entropy for one in paid]
    assert values == sorted(values)


def test_no_word_beats_the_theory() -> None:
    rng = np.random.default_rng(4)
    points, labels = rng.standard_normal(30), rng.integers(0, 2, 30)
    made = vector_quantiser(points, 5, labels=labels, classification_weight=0.3, R=2.0)
    problem = rdc.Problem(
        sources.uniform(30),
        distortions.squared_error(points, made.words),
        classification=classifications.ConditionalEntropy(labels, tagged=True),
    )
    figures = made.training
    bound = rdc.rate(problem, D=figures.distortion * (1 + 1e-9), C=figures.equivocation + 1e-9)
    assert bound.lower <= figures.entropy <= 2.0


def test_precision_and_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    centres = 10 * rng.standard_normal((4, 3))
    points = (centres[rng.integers(0, 4, 300)] + rng.standard_normal((300, 3))).astype(np.float32)
    whole = vector_quantiser(points.astype(np.float64), 4)
    monkeypatch.setattr(lloyd, "_ENTRIES", 64)
    pieces = vector_quantiser(points, 4)
    np.testing.assert_array_equal(whole.training.assignment, pieces.training.assignment)
    np.testing.assert_allclose(whole.words, pieces.words, atol=1e-5)
    np.testing.assert_array_equal(pieces.encode(points), whole.encode(points))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": [1.0, 2.0, 2.0], "letters": 3}, "distinct samples.*3 letters for 2"),
        ({"letters": 0}, "letters must be a whole number >= 1"),
        ({"weights": [1.0]}, "one entry for each of the 3 samples"),
        ({"classification_weight": 1.0}, "needs labels"),
        ({"rate_weight": math.inf}, "rate_weight must be finite"),
        ({"rate_weight": 1.0, "R": 1.0}, "leave one of them out"),
        ({"labels": [0, 1]}, "labels must be 3 integers"),
        ({"samples": [1.0, math.nan, 2.0]}, "samples must be finite"),
        ({"R": -1.0}, "R must be >= 0"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vector_quantiser(**{"samples": [1.0, 2.0, 4.0], "letters": 2, **arguments})


def test_bad_measurements() -> None:
    plain = vector_quantiser([1.0, 2.0, 4.0], 2)
    with pytest.raises(ValueError, match="made without labels"):
        plain.measure([1.0], labels=[0])
    with pytest.raises(ValueError, match="1 coordinates of the words"):
        plain.encode([[1.0, 2.0]])


def test_held_out_labels_need_not_show_every_class() -> None:
    made = vector_quantiser([0.0, 0.2, 1.0, 1.2], 2, labels=[0, 0, 1, 1])
    some, padded = made.measure([0.1, 0.3], labels=[0, 0]), made.measure([0.1, 0.3], labels=[[1.0, 0.0], [1.0, 0.0]])
    assert some.cross_entropy == padded.cross_entropy > 0
    assert some.accuracy == padded.accuracy == 1
    with pytest.raises(ValueError, match=r"must be 2 integers or have the shape \(2, 2\) \(got \(2, 3\)\)"):
        made.measure([0.1, 0.3], labels=[0, 2])
