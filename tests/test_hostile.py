"""Hostile numbers: each gives a bracket that holds, or an error that names the argument; NumPy never warns."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from brackets import assert_honest
from divergences import F_DIVERGENCES
from measure import assert_meets
from parts import abs_cost

import rdcfunc as rdc
from rdcfunc import Prices, Target, classifications, distortions, perceptions, sources

inf = np.inf
LABELS = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
ANSWERS = np.array([[0.8, 0.2], [0.5, 0.5], [0.3, 0.7]])
P = np.array([0.2, 0.3, 0.5])
D = 1 - np.eye(3)
MEASURES: dict[str, tuple[perceptions.Divergence | None, classifications.Classification | None]] = {
    "D": (None, None),
    **{name: (divergence, None) for name, divergence in F_DIVERGENCES.items()},
    "Wasserstein": (perceptions.Wasserstein(abs_cost(3)), None),
    "tagged": (None, classifications.ConditionalEntropy(LABELS, tagged=True)),
    "fixed alphabet": (None, classifications.ConditionalEntropy(LABELS)),
    "cross-entropy": (None, classifications.CrossEntropy(LABELS, ANSWERS)),
    "error rate": (None, classifications.ErrorRate(LABELS, [0, 0, 1])),
}


@pytest.fixture(autouse=True)
def only_wide_brackets_may_warn() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        yield


def asked(problem: rdc.Problem, scale: float = 1.0) -> list[rdc.Solution]:
    """Return the answers of the verbs that a problem's measures allow."""
    levels = {"P": 0.02} if problem.perception else {"C": 0.95} if problem.classification else {}
    answers = [
        rdc.rate(problem, 0.3 * scale, **levels, tol=1e-4),
        rdc.distortion(problem, 0.3, **levels, tol=1e-4 * scale),
    ]
    if problem.perception:
        answers.append(rdc.perception(problem, 0.4, 0.3 * scale, tol=1e-4))
    if problem.classification:
        answers.append(rdc.classification(problem, 0.4, 0.3 * scale, tol=1e-4))
    return answers


def assert_same(hostile: list[rdc.Solution], tame: list[rdc.Solution], scale: float = 1.0) -> None:
    """Assert that brackets overlap, the distortion's in its own unit."""
    for place, (one, other) in enumerate(zip(hostile, tame, strict=True)):
        unit = scale if place == 1 else 1.0
        lower, upper = one.lower / unit, one.upper / unit
        assert lower <= upper
        assert lower <= other.upper + 1e-12
        assert upper >= other.lower - 1e-12


@pytest.mark.parametrize("kind", MEASURES)
@pytest.mark.parametrize("least", [0.0, 5e-324, 1e-300])
def test_a_letter_that_hardly_occurs_does_not_matter(kind: str, least: float) -> None:
    """The letter's mass is far below all rounding, so the answers are those of a pmf with a zero."""
    problem = rdc.Problem(sources.Discrete([least, 0.4, 0.6]), distortions.matrix(D), *MEASURES[kind])
    bare = rdc.Problem(sources.Discrete([0.4, 0.6]), distortions.matrix(D[1:]))
    answers = asked(problem)
    assert answers[0].upper < inf
    if kind == "D":
        assert_same(answers, asked(bare))
    else:
        assert_same(answers, asked(replace(problem, source=sources.Discrete([0, 0.4, 0.6]))))


@pytest.mark.parametrize("kind", ["D", "KL", "Wasserstein", "tagged", "error rate"])
@pytest.mark.parametrize("scale", [1e-290, 1e-150, 1e150, 1e300])
def test_the_unit_of_a_distortion_does_not_matter(kind: str, scale: float) -> None:
    source, measures = sources.Discrete(P), MEASURES[kind]
    tame = asked(rdc.Problem(source, distortions.matrix(D), *measures))
    assert_same(asked(rdc.Problem(source, distortions.matrix(D * scale), *measures), scale), tame, scale)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_the_unit_of_a_transport_does_not_matter(scale: float) -> None:
    problem = rdc.Problem(sources.Discrete(P), distortions.matrix(D), perceptions.Wasserstein(abs_cost(3)))
    scaled = replace(problem, perception=perceptions.Wasserstein(abs_cost(3) * scale))
    found = [rdc.rate(scaled, 0.1, 0.02 * scale), rdc.distortion(scaled, 0.3, 0.02 * scale)]
    assert_same(found, [rdc.rate(problem, 0.1, 0.02), rdc.distortion(problem, 0.3, 0.02)])
    least, truth = rdc.perception(scaled, 0.92, 0.1, tol=1e-5 * scale), rdc.perception(problem, 0.92, 0.1, tol=1e-5)
    assert least.gap <= 1e-5 * scale
    assert least.lower / scale <= truth.upper
    assert least.upper / scale >= truth.lower


@pytest.mark.parametrize("largest", [1e12, 1e80, 1e150])
def test_costs_of_all_sizes_in_one_table(largest: float) -> None:
    """Pairs that cost too much count as forbidden, up to what little of them the level allows."""
    table = np.array([[0, 1, largest], [1, 0, 1], [largest, 1, 0]])
    problem = rdc.Problem(sources.Discrete(P), distortions.matrix(table))
    barred = rdc.Problem(sources.Discrete(P), distortions.matrix(np.where(table > 1, inf, table)))
    found, truth = rdc.rate(problem, 0.1), rdc.rate(barred, 0.1)
    assert found.lower <= truth.upper
    assert truth.lower - 1e-9 <= found.upper < inf


@pytest.mark.parametrize("make", [distortions.squared_error, distortions.absolute_error])
@pytest.mark.parametrize("scale", [1e-150, 1e149])
def test_the_unit_of_points_does_not_matter(make: Callable[[Any], distortions.Distortion], scale: float) -> None:
    source, points = sources.Discrete(P), np.array([0.0, 1.0, 2.0])
    unit = scale**2 if make is distortions.squared_error else scale
    one = rdc.rate(rdc.Problem(source, make(points)), 0.1)
    other = rdc.rate(rdc.Problem(source, make(points * scale)), 0.1 * unit)
    assert_same([other], [one])


ENDS = [0.0, 5e-324, 1e-160, 1e-16, 0.5 - 1e-16, 0.5, 0.5 + 1e-16, 1.0, 1e308, inf]


@pytest.mark.parametrize("structure", [lambda: distortions.hamming(3), lambda: distortions.matrix(D)])
def test_targets_at_and_beyond_each_end(structure: Callable[[], distortions.Distortion]) -> None:
    """From H(X) at D = 0 to nothing at D = 1 - max p, and back."""
    problem, entropy = rdc.Problem(sources.Discrete(P), structure()), sources.Discrete(P).entropy
    for level in ENDS:
        answer = rdc.rate(problem, level)
        assert answer.gap <= 1e-6
        if not 1e-17 < level < 0.5:
            assert_honest(answer, entropy if level < 0.5 else 0.0)
        assert_meets(problem, answer, Target(level))
    for rate in (5e-324, 1e-300, 1e-16, entropy, 1.5, 1e308):
        assert_honest(rdc.distortion(problem, rate), 0.5 if rate < 1e-15 else 0.0, 1e-7 if rate == 1e-16 else 0.0)


@pytest.mark.parametrize("kind", [k for k in MEASURES if k != "D"])
def test_levels_of_other_measures_at_and_beyond_each_end(kind: str) -> None:
    problem = rdc.Problem(sources.Discrete(P), distortions.matrix(D), *MEASURES[kind])
    name = "P" if problem.perception else "C"
    plain = rdc.rate(replace(problem, perception=None, classification=None), 0.3)
    for level in (1e150, inf):
        assert_same([rdc.rate(problem, 0.3, **{name: level})], [plain])
        assert_honest(rdc.distortion(problem, 1.5, **{name: level}), 0.0)
    if name == "P":
        assert_same([rdc.rate(problem, 0.3, 1e-300)], [rdc.rate(problem, 0.3, 0.0)])
        return
    least = rdc.classification(problem, 1.5).lower
    slacks = (1e-9, 1e-6) if kind == "fixed alphabet" else (0.0, 1e-15, 1e-9)
    ends = [rdc.rate(problem, C=least * (1 + slack), tol=1e-3) for slack in slacks]
    assert all(end.lower <= ends[0].upper for end in ends)
    with pytest.raises(rdc.InfeasibleError, match=r"^C = .* is infeasible"):
        rdc.rate(problem, C=least * (1 - 1e-9))


@pytest.mark.parametrize("tagged", [True, False])
def test_degenerate_alphabets(tagged: bool) -> None:
    """One letter, more classes than letters, one class, and letters that are the same."""
    many = np.random.default_rng(0).dirichlet(np.ones(5), 2)

    def problem(pmf: list[float], table: Any, labels: Any) -> rdc.Problem:
        measure = classifications.ConditionalEntropy(labels, tagged)
        return rdc.Problem(sources.Discrete(pmf), distortions.matrix(table), classification=measure)

    two = 1 - np.eye(2)
    plain = rdc.rate(rdc.Problem(sources.Discrete([0.3, 0.7]), distortions.matrix(two)), 0.2)
    assert_same([rdc.rate(problem([0.3, 0.7], two, many), 0.2, C=np.log2(5))], [plain])
    assert_same([rdc.rate(problem([0.3, 0.7], two, [0, 0]), 0.2, C=0.0)], [plain])
    # On one letter only a tag tells the class: R = H(S) - C.
    line = problem([0.3, 0.7], [[0.0], [1.0]], [0, 1])
    entropy = line.source.entropy
    if tagged:
        assert_honest(rdc.rate(line, 0.9, C=0.5), entropy - 0.5)
    else:
        with pytest.raises(rdc.InfeasibleError, match="C"):
            rdc.rate(line, 0.9, C=0.5)
    clones = problem([0.3, 0.7], np.tile(two, 2), [0, 0])
    assert_same([rdc.rate(clones, 0.2)], [plain])
    assert_same([rdc.rate(rdc.Problem(sources.uniform(1), distortions.hamming(1)), 0.0)], [asked_nothing()])
    with pytest.raises(rdc.InfeasibleError, match=r"all pairs of source letter 0 cost infinity"):
        rdc.distortion(rdc.Problem(sources.uniform(2), distortions.matrix([[inf, inf], [0, 1]])), 0.1)
    assert_honest(rdc.rate(rdc.Problem(sources.Discrete([0.0, 1.0]), distortions.matrix([[inf, inf], [0, 1]])), 0.1), 0)


def asked_nothing() -> rdc.Solution:
    return rdc.rate(rdc.Problem(sources.uniform(2), distortions.hamming(2)))


@pytest.mark.parametrize("size", [1e100, 1e250, 1e308])
@pytest.mark.parametrize("kind", MEASURES)
def test_prices_that_overflow_prove_nothing_and_break_nothing(kind: str, size: float) -> None:
    problem = rdc.Problem(sources.Discrete(P), distortions.matrix(D), *MEASURES[kind])
    levels = {"P": 0.02} if problem.perception else {"C": 0.95} if problem.classification else {}
    truth = rdc.rate(problem, 0.3, **levels, tol=1e-4)
    output = np.array([size, -size, 0.0])
    for prices in (
        Prices(size),
        Prices(1.0, size, size),
        Prices(size, size, size, output),
        Prices(1.0, inf, 0, output),
    ):
        answer = rdc.certify(problem, np.eye(3), prices, D=0.3, **levels)
        assert 0 <= answer.lower <= truth.upper
        assert truth.lower <= answer.upper < inf


def test_a_hundred_thousand_letters() -> None:
    n = 10**5
    whole = rdc.Problem(sources.uniform(n), distortions.hamming(n), perceptions.TotalVariation())
    truth = np.log2(n) + 0.1 * np.log2(0.1 / (n - 1)) + 0.9 * np.log2(0.9)
    assert_honest(rdc.rate(whole, 0.1), truth, 1e-9)
    x = np.linspace(-4, 4, n)
    few = rdc.Problem(sources.Discrete(np.full(n, 1 / n)), distortions.squared_error(x, [-2.0, 2.0]))
    assert rdc.rate(few, 4.0).gap <= 1e-6
    for ask in (lambda: rdc.rate(whole, 0.1, 0.1), lambda: distortions.squared_error(x[:, None])):
        with pytest.raises(MemoryError, match=r"distortion is a table of 100000 times 100000 numbers, 80 GB; .*fewer"):
            ask()


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "list": lambda a: a.tolist(),
    "Fortran order": np.asfortranarray,
    "not contiguous": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed twice": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "big-endian": lambda a: a.astype(">f8"),
    "a matrix of its own class": lambda a: a.view(type("Own", (np.ndarray,), {})),
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_how_an_array_is_stored_does_not_matter(form: Callable[[np.ndarray], Any]) -> None:
    tables = [P, D, abs_cost(3), LABELS, ANSWERS]
    given = [form(table) for table in tables]
    before = [np.array(table) for table in given]

    def answer(p: Any, d: Any, cost: Any, labels: Any, answers: Any) -> rdc.Solution:
        measure = classifications.CrossEntropy(labels, answers)
        problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(cost), measure)
        return rdc.rate(problem, 0.2, 0.05, 0.99)

    one, other = answer(*tables), answer(*given)
    assert (one.lower, one.upper) == (other.lower, other.upper)
    for table, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(table, old)
