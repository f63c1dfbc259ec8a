"""Weak duality and repair: whatever is proposed, the bracket holds and the channel meets every level."""

import numpy as np
import pytest
from brackets import assert_honest, quietly, solved, truth
from hypothesis import given
from hypothesis import strategies as st
from measure import assert_meets, information
from oracles import LN2
from problems import ROWS, Row, named, nonconvex_problem

import rdcfunc as rdc
from rdcfunc import Prices, certificate, distortions, perceptions, sources
from rdcfunc.program import Axis, Linear, Posterior, Program

price = st.floats(0, 50) | st.sampled_from([0.0, 5e-324, 1e-12, 1e4, 1e8])
seeds = st.integers(0, 2**32 - 1)
#: One row of each kind keeps a round of examples quick; the nightly profile draws from them all the more.
KINDS = [
    named(name)
    for name in (
        "binary R(D), p=0.3, D=0.1",
        "binary R(D), p=0.5, D=0.0",
        "uniform R(D), n=8, D=0.3",
        "binary R(D, P), p=0.3, D=0.1, P=0.02",
        "binary R(D, P), p=0.3, D=0.1, P=0.0",
        "binary R(D, C), b=0.4, e=0.1, D=0.1, C=0.9, tagged",
        "deterministic labels, C=0.7",
        "fixed alphabet, C=0.40205",
        "tagged alphabet, D=0.3, C=0.40205",
        "random 7, all three levels",
    )
] + [r for r in ROWS if r.name.startswith(("random 2", "random 3", "random 6"))]


def certified(row: Row, channel: np.ndarray, prices: Prices | None = None) -> rdc.Solution:
    target = row.target
    # A random guess is never tight.
    return quietly(rdc.certify, row.problem, channel, prices, D=target.D, P=target.P, C=target.C)


def random_channel(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return a channel whose letters are anything from shared by all to missing."""
    weights = rng.gamma(10.0 ** rng.uniform(-1.5, 1), size=shape) + 1e-12
    weights = np.where(rng.random(shape) < 0.2, 0.0, weights) + 1e-14
    return weights / weights.sum(axis=tuple(range(1, len(shape))), keepdims=True)


@given(row=st.sampled_from(KINDS), s=price, t=price, c=price, seed=seeds)
def test_no_prices_and_no_channel_beat_the_truth(row: Row, s: float, t: float, c: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    (n, m), tags = row.problem.shape, rng.integers(1, 4)
    channel = random_channel(rng, n, m) if tags == 1 else random_channel(rng, n, m, tags)
    output = rng.normal(size=m) * 10.0 ** rng.integers(-2, 3)
    answer = certified(row, channel, Prices(s, t, c, output))
    assert_honest(answer, truth(row), row.accuracy)
    assert answer.lower >= 0
    if answer.upper < np.inf:
        assert_meets(row.problem, answer, row.target)


@given(row=st.sampled_from([r for r in KINDS if r.convex]), seed=seeds)
def test_convex_levels_are_always_repaired(row: Row, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tags = [[], [2]][rng.integers(2)]
    answer = certified(row, random_channel(rng, *row.problem.shape, *tags))
    assert answer.upper < np.inf


@pytest.mark.parametrize("row", KINDS, ids=lambda row: row.name)
def test_the_channel_of_a_solution_is_its_own_upper_bound(row: Row) -> None:
    answer = solved(row)
    assert certified(row, with_tags(row, answer)).upper <= answer.upper + row.tol


def with_tags(row: Row, answer: rdc.Solution) -> np.ndarray:
    """Return the encoder of an answer as a channel (n, m, T) to letters with tags."""
    n, m = row.problem.shape
    tags = int(np.bincount(answer.letters[:, 0]).max())
    table, used = np.zeros((n, m, tags)), np.zeros(m, dtype=int)
    for column, letter in enumerate(answer.letters[:, 0]):
        table[:, letter, used[letter]] = answer.encoder[:, column]
        used[letter] += 1
    return table


@pytest.mark.parametrize("name", ["tagged alphabet, D=0.3, C=0.40205", "deterministic labels, C=0.7"])
def test_channel_and_prices_of_a_tagged_solution_are_most_of_its_proof(name: str) -> None:
    """Its class laws tell what the factors of the bound are."""
    row = named(name)
    answer = solved(row)
    assert isinstance(answer.prices, Prices)
    assert certified(row, with_tags(row, answer), answer.prices).lower >= answer.lower - 1e-4


def dual_bound(row: Row, prices: Prices, q: np.ndarray) -> float:
    """The weak-duality bound in bits at prices of convex levels, written out; q is where Blahut's sweeps begin."""
    p, problem, target = row.problem.source.pmf, row.problem, row.target
    charged = [(prices.distortion, problem.distortion.values, target.D)]
    if problem.classification is not None:
        measure = problem.classification
        charged.append((prices.classification, measure.cost / measure.unit, target.C))
    exponent = -sum(s * cost for s, cost, level in charged if level < np.inf) * LN2
    fixed = sum(s * level for s, cost, level in charged if level < np.inf)
    if problem.perception is not None:
        t, unit = prices.perception, problem.perception.unit
        assert prices.output is not None
        exponent = exponent - prices.output * LN2
        fixed += t * target.P + problem.perception.support(prices.output * LN2, p, t * LN2 / unit) / LN2
    kernel = np.exp(exponent)
    q = q + 1e-9
    for _ in range(5000):
        gain = (p / (kernel @ q)) @ kernel
        q = q * gain / (q @ gain)
    return float(-p @ np.log2(kernel @ q) - np.log2(((p / (kernel @ q)) @ kernel).max())) - fixed


@pytest.mark.parametrize("row", [r for r in KINDS if r.convex and r.target.D > 0], ids=lambda row: row.name)
def test_the_prices_of_a_solution_are_its_proof(row: Row) -> None:
    answer = solved(row)
    assert isinstance(answer.prices, Prices)
    assert dual_bound(row, answer.prices, answer.output) >= answer.lower - 1e-7


@pytest.mark.parametrize("row", [r for r in KINDS if r.linear and 0 < r.target.D < np.inf], ids=lambda row: row.name)
def test_a_channel_within_its_levels_is_left_alone(row: Row) -> None:
    """A good channel's upper bound is its own mutual information, not that of a mixture."""
    problem = rdc.Problem(row.problem.source, row.problem.distortion)
    cheapest = np.eye(problem.shape[1])[problem.distortion.values.argmin(axis=1)]
    with pytest.warns(rdc.WideBracketWarning):
        answer = rdc.certify(problem, cheapest, D=row.target.D)
    assert answer.upper == pytest.approx(information(problem.source.pmf, cheapest), abs=1e-12)
    np.testing.assert_array_equal(answer.channel, cheapest)


def test_tags_lower_the_equivocation_they_are_given_for() -> None:
    """The tag may tell the label: (n, m, T) with T = S has a smaller H(S|X̂,T) than its channel without tags."""
    problem = nonconvex_problem(tagged=True)
    tagged = np.zeros((2, 2, 2))
    tagged[0, 0], tagged[1, 0] = [1.0, 0.0], [0.0, 1.0]
    with pytest.warns(rdc.WideBracketWarning):
        told = rdc.certify(problem, tagged, C=0.5)
    assert pytest.approx(0.3 * 0.8812908992306927, abs=1e-12) == told.achieved.C
    np.testing.assert_array_equal(told.channel, [[1.0, 0.0], [1.0, 0.0]])
    assert told.rate == pytest.approx(0.8812908992306927, abs=1e-12)


def test_prices_are_in_bits_per_unit() -> None:
    """At a slope of log2((1-D)/D) bits the bound touches h(p) - h(D)."""
    problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2))
    channel = [[0.75 * 0.9 / 0.7, 0.25 * 0.1 / 0.7], [0.75 * 0.1 / 0.3, 0.25 * 0.9 / 0.3]]
    exact = truth(named("binary R(D), p=0.3, D=0.1"))
    assert rdc.certify(problem, channel, Prices(np.log2(9)), D=0.1).lower == pytest.approx(exact, abs=1e-12)
    with pytest.warns(rdc.WideBracketWarning):
        nats = rdc.certify(problem, channel, Prices(np.log(9)), D=0.1)
    assert nats.lower < exact - 1e-2


ENDS: dict[str, tuple[str, rdc.Problem, float]] = {
    "least cost": ("distortion", rdc.Problem(sources.bernoulli(0.3), distortions.matrix([[0.2, 1], [1, 0.5]])), 0.29),
    "least transport": (
        "perception",
        rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.Wasserstein([[0.25, 1.0], [1.0, 0.5]])),
        0.7 * 0.25 + 0.3 * 0.5,
    ),
    "what X leaves open": ("classification", nonconvex_problem(tagged=False), 0.3 * 0.8812908992306927),
    "what X leaves open, tagged": ("classification", nonconvex_problem(tagged=True), 0.3 * 0.8812908992306927),
}


@pytest.mark.parametrize(("verb", "problem", "least"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("R", [1.0, 3.0])
def test_what_no_rate_can_pass_is_known_and_reached_by_one_bit(
    verb: str, problem: rdc.Problem, least: float, R: float
) -> None:
    answer = getattr(rdc, verb)(problem, R=R)
    assert least - 1e-6 <= answer.lower <= least + 1e-12
    assert least - 1e-12 <= answer.upper <= least + 1e-6


def test_less_distortion_than_a_rate_allows_is_never_claimed() -> None:
    """D(R) of a coin is the inverse of h(p) - h(D), with and without an output law to keep."""
    coin = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    rate = truth(named("binary R(D), p=0.3, D=0.1"))
    seen = truth(named("binary R(D, P), p=0.3, D=0.1, P=0.02"))
    for R, P in ((rate, np.inf), (seen, 0.02)):
        answer = rdc.distortion(coin, R=R, P=P)
        assert 0.1 - 1e-5 <= answer.lower <= 0.1 + 1e-9
        assert 0.1 - 1e-9 <= answer.upper <= 0.1 + 1e-5


@pytest.mark.parametrize("t", [0.0, 0.6])
def test_a_letter_that_never_occurs_changes_no_bound(t: float) -> None:
    rng = np.random.default_rng(3)
    p, cost, labels = np.array([0.3, 0.0, 0.7]), rng.random((3, 3)), rng.dirichlet(np.ones(2), 3)

    def bound(letters: list[int]) -> float:
        program = Program(
            p[letters],
            np.arange(3)[:, None],
            3,
            (Linear(Axis.D, 0, cost[letters], 0.01),),
            posteriors=(Posterior(0, labels[letters], 0.1, tagged=True),),
        )
        dual = certificate.Dual(np.array([9.0]), posteriors=np.array([t]))
        log_a = (9.0 * cost.min(axis=1) + 0.1)[letters]
        return certificate.lower_bound(program, certificate.Candidate(np.eye(3)[letters], np.arange(3), dual, 0, log_a))

    assert bound([0, 1, 2]) == pytest.approx(bound([0, 2]), abs=1e-12)
    assert bound([0, 2]) > 0.1
