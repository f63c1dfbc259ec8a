"""Whatever the problem: brackets hold against other channels, other questions, other solvers and a convex program.

The upper end is checked by measuring the channel that is returned, the lower end by channels that were not: whatever
meets the levels, found by whomever for whatever question, spends no less.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import cvxpy as cp
import numpy as np
import oracles
import pytest
from brackets import assert_overlap, quietly
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from measure import assert_meets, divergence, equivocation, information
from oracles import PROGRAM, channel_program
from parts import abs_cost

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, solvers, sources

inf = np.inf
#: Rounding of the tests' own sums, in bits or units of a level.
ROUNDING = 1e-11

Levels = Callable[[np.ndarray, float, cp.Expression], list[cp.Constraint]]
SHAPES: dict[str, tuple[Callable[[int], perceptions.Divergence], Levels]] = {
    "TV": (lambda n: perceptions.TotalVariation(), oracles.total_variation),
    "KL": (lambda n: perceptions.KL(), oracles.kullback_leibler),
    "reverse KL": (lambda n: perceptions.ReverseKL(), oracles.reverse_kullback_leibler),
    "JS": (lambda n: perceptions.JensenShannon(), oracles.jensen_shannon),
    "chi2": (lambda n: perceptions.ChiSquared(), oracles.chi_squared),
    "Hellinger": (lambda n: perceptions.Hellinger(), oracles.hellinger),
    "Wasserstein": (lambda n: perceptions.Wasserstein(abs_cost(n)), oracles.earth_mover),
}
FIXED = ("cross-entropy", "error rate")
ENTROPIES = ("tagged", "fixed alphabet")


@dataclass(frozen=True)
class Case:
    """A problem and a channel whose levels are asked for."""

    problem: rdc.Problem
    witness: np.ndarray
    shape: str | None

    @property
    def p(self) -> np.ndarray:
        return self.problem.source.pmf

    def achieved(self, channel: np.ndarray) -> Target:
        """Return what a channel achieves, measured without the library."""
        problem, p = self.problem, self.p
        D = float(np.einsum("x,xj,xj->", p, channel, problem.distortion.values))
        P = divergence(problem.perception, p, p @ channel) if problem.perception else inf
        measure, C = problem.classification, inf
        if isinstance(measure, classifications.FixedClassifier):
            C = float(np.einsum("x,xj,xj->", p, channel, measure.cost)) / measure.unit
        elif isinstance(measure, classifications.ConditionalEntropy):
            C = equivocation(p, channel, measure.labels)
        return Target(D, max(P, 0.0), max(C, 0.0))

    @property
    def target(self) -> Target:
        """The witness's levels with a little room, as sums differ in their last digits."""
        found = self.achieved(self.witness)
        return Target(*(getattr(found, name) * (1 + 1e-9) + 1e-9 for name in "DPC"))


@st.composite
def cases(draw: st.DrawFn, least: int = 1, shapes: tuple[str, ...] = (), classes: tuple[str, ...] = ()) -> Case:
    """Draw a small problem, with a perception and a classification if some are named, and a witness."""
    n = draw(st.integers(least, 4))
    shape = draw(st.sampled_from(shapes)) if shapes else None
    kind = draw(st.sampled_from(classes)) if classes else None
    m = n if shape else draw(st.integers(1, 4))
    weight = st.integers(0, 9) | st.sampled_from([1e-9, 1e-3])
    masses = np.array(draw(st.lists(weight, min_size=n, max_size=n)), dtype=float)
    assume(masses.sum() > 0)
    cost = st.integers(0, 4) | st.floats(0, 4, width=16)
    d = np.array(draw(st.lists(cost, min_size=n * m, max_size=n * m)), dtype=float).reshape(n, m)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    labels = rng.dirichlet(np.ones(2), n)
    measure: classifications.Classification | None = None
    if kind == "cross-entropy":
        measure = classifications.CrossEntropy(labels, rng.dirichlet(np.ones(2), m))
    elif kind == "error rate":
        measure = classifications.ErrorRate(labels, rng.integers(0, 2, m))
    elif kind is not None:
        measure = classifications.ConditionalEntropy(labels, tagged=kind == "tagged")
    p = masses / masses.sum()
    made = SHAPES[shape][0](n) if shape else None
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), made, measure)
    sharp = np.exp(-draw(st.sampled_from([0.0, 1.0, 5.0])) * d) * rng.uniform(0.2, 1.0, (n, m))
    witness = sharp / sharp.sum(axis=1, keepdims=True)
    if shape:  # an output law near the source's, and on its letters, so that the divergence is finite
        assume(p.min() > 0)
        witness = 0.5 * witness + 0.5 * np.eye(n)
    return Case(problem, witness, shape)


def assert_attained(case: Case, answer: rdc.Solution, target: Target, R: float = inf) -> None:
    """Assert that the channel of an answer meets every level and the rate, and attains the upper end."""
    assert answer.lower <= answer.upper
    if answer.upper == inf:
        return
    assert_meets(case.problem, answer, target)
    assert information(case.p, answer.encoder) <= R + ROUNDING


def truth(case: Case, target: Target) -> float | None:
    """Return the least rate by a convex program in the channel, of a problem without entropies, if it is solved."""
    costs = [(np.asarray(case.problem.distortion.values), target.D)]
    measure = case.problem.classification
    if isinstance(measure, classifications.FixedClassifier):
        costs.append((np.asarray(measure.cost) / measure.unit, target.C))
    levels = partial(SHAPES[case.shape][1], case.p, target.P) if case.shape else lambda q: []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The program says that it is inaccurate, and then it tells nothing.
        try:
            return channel_program(case.p, costs, levels)
        except (AssertionError, cp.SolverError):
            return None


CONVEX = cases(least=2, shapes=tuple(SHAPES)) | cases(least=2) | cases(least=2, shapes=("TV", "KL"), classes=FIXED)


@given(CONVEX)
def test_a_convex_program_in_the_channel_agrees(case: Case) -> None:
    assume(case.p.min() > 1e-4)  # what the program's own tolerances can tell
    answer = quietly(rdc.rate, case.problem, *(getattr(case.target, name) for name in "DPC"))
    assert_attained(case, answer, case.target)
    known = truth(case, case.target)
    assume(known is not None)
    # At slopes of a hundred bits per unit the program's accuracy in a level is one of 1e-8 in the rate, and more.
    slack = PROGRAM + 1e-7 * (1 + answer.prices.distortion + answer.prices.classification)
    assert answer.lower <= known + slack
    assert answer.upper >= known - slack


@settings(max_examples=settings().max_examples // 2)
@given(CONVEX)
def test_no_channel_beats_the_lower_end_of_any_verb(case: Case) -> None:
    judge_every_verb(case)


@settings(max_examples=max(3, settings().max_examples // 8))
@given(cases(least=2, classes=ENTROPIES))
def test_no_channel_beats_the_lower_end_of_any_verb_with_entropies(case: Case) -> None:
    judge_every_verb(case, tol=1e-2)


def judge_every_verb(case: Case, tol: float = 1e-4) -> None:
    problem, target = case.problem, case.target
    spent = information(case.p, case.witness)
    answer = quietly(rdc.rate, problem, target.D, target.P, target.C, tol=tol)
    assert answer.lower <= spent + ROUNDING
    assert_attained(case, answer, target)
    assume(spent > 1e-6)
    R = spent * (1 + 1e-9) + 1e-9
    asked = {
        "D": lambda: rdc.distortion(problem, R, target.P, target.C, tol=tol),
        "P": lambda: rdc.perception(problem, R, target.D, target.C, tol=tol),
        "C": lambda: rdc.classification(problem, R, target.D, target.P, tol=tol),
    }
    for name, measure in (("D", True), ("P", problem.perception), ("C", problem.classification)):
        if measure:
            least = quietly(asked[name])
            assert least.lower <= getattr(target, name) + ROUNDING
            assert_attained(case, least, Target(**{k: getattr(target, k) for k in "DPC" if k != name}), R)
            if least.upper < inf:
                assert abs(getattr(case.achieved(least.channel), name) - least.upper) <= 1e-9 or name == "C"


@given(cases(least=2, shapes=("TV", "KL", "Wasserstein")) | cases(classes=(*FIXED, "tagged")))
def test_no_decoder_beats_the_lower_end_of_decode_and_no_encoder_that_of_a_pair(case: Case) -> None:
    """The witness is an encoder; its letters, shown as they are, are a decoder, and its clones serve two targets."""
    problem, target = case.problem, case.target
    best = quietly(rdc.decode, problem, case.witness, target.P, target.C, tol=1e-4)
    assert best.lower <= target.D + ROUNDING
    assert best.upper == inf or abs(case.achieved(best.channel).D - best.upper) <= 1e-9
    loose = Target(target.D, inf, target.C)
    both = [target, loose]
    one = quietly(rdc.universal_rate, problem, both, tol=1e-4)
    alone = quietly(rdc.rate, problem, target.D, target.P, target.C, tol=1e-4)
    assert_overlap(one, alone)  # The first target implies the second.
    assert one.lower <= information(case.p, case.witness) + ROUNDING


@given(cases(least=2, shapes=("TV", "Hellinger", "Wasserstein")) | cases(least=2) | cases(least=2, classes=FIXED))
@example(Case(rdc.Problem(sources.Discrete([1e-300, 0.5, 0.5]), distortions.matrix(1 - np.eye(3))), np.eye(3), None))
def test_every_solver_that_takes_the_problem_agrees(case: Case) -> None:
    problem, target = case.problem, case.target
    levels = {name: getattr(target, name) for name in "DPC"}
    answers = [quietly(rdc.rate, problem, **levels, tol=1e-5)]
    for solver in (solvers.InteriorPoint(), solvers.Conic(), solvers.BlahutArimoto(sweeps=200)):
        try:
            answers.append(quietly(rdc.rate, problem, **levels, tol=1e-5, solver=solver))
        except ValueError as refusal:
            assert "; use solvers." in str(refusal)  # noqa: PT017 - a refusal names the cure
    assert_overlap(*answers)
    assert len(answers) > 2


@given(cases(least=2, shapes=("TV", "KL")) | cases(least=2))
def test_there_and_back(case: Case) -> None:
    """The least rate at the least distortion is no more than the rate allowed, and the other way round."""
    problem, target = case.problem, case.target
    assume(target.P > 1e-6)
    there = quietly(rdc.rate, problem, target.D, target.P, target.C, tol=1e-5)
    assume(1e-3 < there.upper < inf)
    back = quietly(rdc.distortion, problem, there.upper, target.P, target.C, tol=1e-5)
    assert back.lower <= target.D + ROUNDING
    assume(back.upper < inf)
    again = quietly(rdc.rate, problem, back.upper, target.P, target.C, tol=1e-5)
    assert again.lower <= there.upper + ROUNDING


@settings(max_examples=max(2, settings().max_examples // 12))
@given(cases(least=2, shapes=("TV", "KL", "Wasserstein")), st.floats(0.1, 0.9), st.floats(0.2, 1.0))
def test_a_curve_of_targets_lies_between_its_points_and_its_corner(case: Case, share: float, wide: float) -> None:
    """Whoever serves the curve serves its points; whoever meets the least of both levels serves the curve."""
    problem = case.problem
    R = share * information(case.p, np.eye(len(case.p))[np.asarray(problem.distortion.values).argmin(axis=1)])
    assume(R > 1e-3)
    low, high = case.target.P * (1 - wide), case.target.P
    whole = quietly(rdc.universal_rate, problem, rdc.IsoRate(R, P=(low, high)), tol=1e-2)
    ends = [quietly(rdc.distortion, problem, R, P, tol=1e-5) for P in (low, high)]
    assume(max(end.upper for end in ends) < inf)
    points = [Target(end.upper, P) for end, P in zip(ends, (low, high), strict=True)]
    assert quietly(rdc.universal_rate, problem, points, tol=1e-2).lower <= whole.upper + ROUNDING
    assert whole.lower <= whole.upper
    with suppress(rdc.InfeasibleError):  # no channel meets the least of both
        corner = quietly(rdc.rate, problem, ends[1].lower, low, tol=1e-4)
        assert whole.lower <= corner.upper + ROUNDING


@dataclass(frozen=True)
class GaussianCase:
    """A Gaussian problem, and what a test channel ``A X + N`` achieves, by formulas that stand here."""

    problem: rdc.Problem
    rate: float
    achieved: Target


@st.composite
def gaussian_cases(draw: st.DrawFn) -> GaussianCase:
    """Draw a covariance over some decades, a linear channel with noise, a perception or a label or neither."""
    n = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    axes = np.linalg.qr(rng.normal(size=(n, n)))[0]
    variances = 10.0 ** rng.uniform(-draw(st.integers(0, 3)), 1, n)
    S = (axes * variances) @ axes.T
    S = (S + S.T) / 2
    A = draw(st.floats(0, 1)) * np.eye(n) + draw(st.sampled_from([0.0, 0.1, 1.0])) * rng.normal(size=(n, n))
    N = (axes * variances * 10.0 ** rng.uniform(-3, 0, n)) @ axes.T
    seen = A @ S @ A.T + N
    D = float(np.trace((np.eye(n) - A) @ S @ (np.eye(n) - A).T + N))
    rate = float(np.linalg.slogdet(seen)[1] - np.linalg.slogdet(N)[1]) / 2 / np.log(2)
    kind, P, C, shape, label = draw(st.sampled_from(["none", "W2", "KL", "label"])), inf, inf, None, None
    if kind == "W2":
        root = (axes * np.sqrt(variances)) @ axes.T
        P = float(np.trace(S + seen)) - 2 * float(np.sqrt(np.maximum(np.linalg.eigvalsh(root @ seen @ root), 0)).sum())
        shape = perceptions.Wasserstein()
    elif kind == "KL":
        ratio = np.linalg.solve(S, seen)
        P = float(np.trace(ratio) - n - np.linalg.slogdet(ratio)[1]) / 2 / np.log(2)
        shape = perceptions.KL()
    elif kind == "label":
        weights, noise = rng.normal(size=n), 10.0 ** rng.uniform(-2, 0)
        across = A @ S @ weights
        left = weights @ S @ weights + noise - across @ np.linalg.solve(seen, across)
        C = float(np.log2(2 * np.pi * np.e * left)) / 2
        label = classifications.ConditionalEntropy(classifications.LinearLabel(weights, noise))
    problem = rdc.Problem(sources.Gaussian(S), distortions.squared_error(), shape, label)
    return GaussianCase(problem, rate, Target(D, max(P, 0.0), C))


@settings(max_examples=settings().max_examples // 2)
@given(gaussian_cases())
def test_no_gaussian_channel_beats_the_lower_end_of_any_verb(case: GaussianCase) -> None:
    """Roundings here are those of traces and determinants over some decades, relative to what is summed."""
    room = 1e-9
    D, P, C = (x + room * (1 + abs(x)) for x in (case.achieved.D, case.achieved.P, case.achieved.C))
    R = case.rate * (1 + room) + room
    best = quietly(rdc.rate, case.problem, D, P, C)
    assert best.lower <= min(case.rate, best.upper)
    assume(case.rate > 1e-6)
    least = quietly(rdc.distortion, case.problem, R, P, C)
    assert least.lower <= min(D, least.upper)
    if case.problem.perception is not None:
        nearest = quietly(rdc.perception, case.problem, R, D)
        assert nearest.lower <= min(P, nearest.upper)
    if case.problem.classification is not None:
        clearest = quietly(rdc.classification, case.problem, R, D)
        assert clearest.lower <= min(C, clearest.upper)


class Surface(RuleBasedStateMachine):
    """Ask one problem for its rate, distortion and perception in any order: each answer's channel judges all others."""

    @initialize(case=cases(least=2, shapes=("TV", "KL", "Wasserstein")))
    def begin(self, case: Case) -> None:
        self.case = case
        #: What channels achieve (R, D, P), and what was asked: an axis, the levels of the others, the lower end.
        self.achieved: list[dict[str, float]] = []
        self.asked: list[tuple[str, dict[str, float], float]] = []
        self.learn(case.witness)

    def learn(self, channel: np.ndarray) -> None:
        found = self.case.achieved(channel)
        self.achieved.append({"R": information(self.case.p, channel), "D": found.D, "P": found.P})

    @rule(place=st.integers(0, 50), axis=st.sampled_from("RDP"), share=st.floats(0.5, 1.5))
    def ask(self, place: int, axis: str, share: float) -> None:
        """Ask for one axis at levels near those of a channel known."""
        known = self.achieved[place % len(self.achieved)]
        levels = {name: known[name] * share + 1e-9 for name in "RDP" if name != axis}
        verb = {"R": rdc.rate, "D": rdc.distortion, "P": rdc.perception}[axis]
        try:
            answer = quietly(verb, self.case.problem, **levels, tol=1e-5)
        except rdc.InfeasibleError:
            self.asked.append((axis, levels, inf))
        else:
            self.asked.append((axis, levels, answer.lower))
            if answer.upper < inf:
                self.learn(answer.channel)
        for name, limits, lower in self.asked:
            for point in self.achieved:
                if all(point[other] <= limit * (1 - 1e-9) - 1e-12 for other, limit in limits.items()):
                    assert lower <= point[name] + ROUNDING, f"{name} at {limits}: {lower} > {point[name]}"


TestSurface = pytest.mark.filterwarnings("ignore::rdcfunc.WideBracketWarning")(Surface.TestCase)
TestSurface.settings = settings(max_examples=max(4, settings().max_examples // 4), stateful_step_count=8)
