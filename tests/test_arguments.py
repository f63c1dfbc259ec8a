"""Wrong arguments and what is said about them; right ones that look wrong; inputs left as they were."""

import re
import warnings
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from brackets import quietly
from problems import COIN

import rdcfunc as rdc
from rdcfunc import Prices, Target, classifications, distortions, perceptions, solvers, sources

nan, inf = np.nan, np.inf
PLAIN = replace(COIN, perception=None)
OFFSET = replace(PLAIN, distortion=distortions.matrix([[0.2, 1.0], [1.0, 0.2]]))
ENTROPY = replace(PLAIN, classification=classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]]))
TAGGED = replace(PLAIN, classification=classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]], tagged=True))
JUDGED = replace(PLAIN, classification=classifications.ErrorRate([[1.0, 0.0], [0.2, 0.8]], [0, 1]))
FLIPPED = replace(PLAIN, classification=classifications.ErrorRate([0, 1], [1, 0]))
FAR = replace(PLAIN, perception=perceptions.Wasserstein([[1.0, 2.0], [2.0, 1.0]]))
Q = np.eye(2)

REAL = r"must hold real numbers \(got dtype {}\); convert it to float first"

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    # Tables from outside.
    "pmf: NaN": (lambda: sources.Discrete([0.5, nan]), r"pmf must be finite \(got nan at \(1,\)\)"),
    "pmf: inf": (lambda: sources.Discrete([inf, 0.5]), r"pmf must be finite \(got inf at \(0,\)\)"),
    "pmf: negative": (lambda: sources.Discrete([1.5, -0.5]), r"pmf must be >= 0 \(got -0.5 at \(1,\)\)"),
    "pmf: mass": (lambda: sources.Discrete([0.5, 0.501]), r"pmf must sum to 1 .*got a sum of 1.001\); divide it"),
    "pmf: axes": (lambda: sources.Discrete([[0.5, 0.5]]), r"pmf must be .* 1 axis \(got shape \(1, 2\)\)"),
    "pmf: empty": (lambda: sources.Discrete([]), r"pmf must be a non-empty array"),
    "pmf: scalar": (lambda: sources.Discrete(1.0), r"pmf must be a non-empty array with 1 axis \(got shape \(\)\)"),
    "pmf: complex": (lambda: sources.Discrete([0.5j, 0.5]), "pmf " + REAL.format("complex128")),
    "pmf: object": (lambda: sources.Discrete(np.array([0.5, None])), "pmf " + REAL.format("object")),
    "pmf: str": (lambda: sources.Discrete(["0.5", "0.5"]), "pmf " + REAL.format("<U3")),
    "bernoulli: beyond": (lambda: sources.bernoulli(1.1), r"p must lie in \[0, 1\] \(got 1.1\)"),
    "bernoulli: NaN": (lambda: sources.bernoulli(nan), r"p must lie in \[0, 1\] \(got nan\)"),
    "uniform: none": (lambda: sources.uniform(0), r"n must be >= 1 \(got 0\)"),
    "samples: NaN": (lambda: sources.from_samples([1.0, nan]), r"samples must be finite"),
    "samples: axes": (lambda: sources.from_samples(np.zeros((2, 2, 2))), r"samples must be .*got shape \(2, 2, 2\)"),
    "distortion: NaN": (lambda: distortions.matrix([[0, nan]]), r"distortion must be finite \(got nan at \(0, 1\)\)"),
    "distortion: -inf": (lambda: distortions.matrix([[0, -inf]]), r"distortion must be finite \(got -inf at \(0, 1\)"),
    "distortion: negative": (lambda: distortions.matrix([[0, -1]]), r"distortion must be >= 0 \(got -1.0 at \(0, 1\)"),
    "distortion: axes": (lambda: distortions.matrix([0, 1]), r"distortion must be .* 2 axes \(got shape \(2,\)\)"),
    "distortion: complex": (lambda: distortions.matrix([[1j]]), "distortion " + REAL.format("complex128")),
    "hamming: none": (lambda: distortions.hamming(0), r"n must be >= 1 \(got 0\)"),
    "points: axes": (lambda: distortions.absolute_error([[0.0], [1.0]]), r"points must have one axis"),
    "points: sizes": (
        lambda: distortions.squared_error([[0.0, 1.0]], [[0.0]]),
        r"points and letters must have one dimension \(got shapes \(1, 2\) and \(1, 1\)\)",
    ),
    "points: str": (lambda: distortions.squared_error(["a"]), "points " + REAL.format("<U1")),
    "cost: negative": (lambda: perceptions.Wasserstein([[-1.0]]), r"Wasserstein cost must be >= 0"),
    "labels: shape": (lambda: classifications.ConditionalEntropy(0.5), r"labels must be an \(n, K\) table"),
    "labels: floats": (lambda: classifications.ConditionalEntropy([0.0, 1.0]), r"or n integers .*dtype float64"),
    "labels: negative": (lambda: classifications.ConditionalEntropy([-1, 0]), r"labels must be integers >= 0"),
    "labels: mass": (lambda: classifications.ConditionalEntropy([[0.5, 0.6]]), r"labels must sum to 1 .*1\.1\)"),
    "labels: NaN": (lambda: classifications.ConditionalEntropy([[nan, 1.0]]), r"labels must be finite"),
    "classifier: columns": (
        lambda: classifications.CrossEntropy([0, 1], [[0.2, 0.3, 0.5]]),
        r"classifier must have one column for each of the 2 classes \(got shape \(1, 3\)\)",
    ),
    "classifier: zero": (
        lambda: classifications.CrossEntropy([0, 1], [[0.5, 0.5], [1.0, 0.0]]),
        r"classifier must be positive \(got 0 for class 1 at reproduction letter 1\).*mix it",
    ),
    "decision: beyond": (lambda: classifications.ErrorRate([0, 1], [0, 2]), r"decision must lie in 0..1 \(got 0..2\)"),
    "decision: floats": (lambda: classifications.ErrorRate([0, 1], [0.0, 1.0]), r"decision must be .*integers"),
    # Parts that do not fit.
    "problem: rows": (
        lambda: rdc.Problem(sources.uniform(3), distortions.hamming(2)),
        r"distortion must have one row for each of the 3 source letters \(got 2 rows\)",
    ),
    "problem: alphabets": (
        lambda: rdc.Problem(sources.uniform(2), distortions.matrix(np.ones((2, 3))), perceptions.KL()),
        r"KL compares laws on one alphabet.* 2 letters .* 3; use perceptions.Wasserstein\(cost\) .* \(2, 3\)",
    ),
    "problem: cost": (
        lambda: replace(PLAIN, perception=perceptions.Wasserstein(np.ones((2, 3)))),
        r"Wasserstein cost must have shape \(2, 2\) like the distortion \(got \(2, 3\)\)",
    ),
    "problem: labels": (
        lambda: replace(PLAIN, classification=classifications.ConditionalEntropy([0, 1, 1])),
        r"labels must have one row for each of the 2 source letters \(got 3 rows\)",
    ),
    "problem: decision": (
        lambda: replace(PLAIN, classification=classifications.ErrorRate([0, 1], [0, 1, 1])),
        r"ErrorRate must be given an answer for each of the 2 reproduction letters \(got 3\)",
    ),
    # Levels.
    "D: negative": (lambda: rdc.rate(COIN, D=-0.1), r"^D must be >= 0 \(got -0.1\); use inf to switch .* off$"),
    "P: negative": (lambda: rdc.rate(COIN, P=-1e-9), r"^P must be >= 0 \(got -1e-09\)"),
    "C: NaN": (lambda: rdc.rate(ENTROPY, C=nan), r"^C must be a real number \(got nan\)"),
    "target: -inf": (lambda: Target(D=-inf), r"^D must be >= 0 \(got -inf\)"),
    "P: no measure": (lambda: rdc.rate(PLAIN, P=0.1), r"P = 0.1 was given but .* no perception; pass perception="),
    "C: no measure": (lambda: rdc.rate(PLAIN, C=0.1), r"C = 0.1 was given but .* no classification; pass"),
    "R: zero": (lambda: rdc.distortion(COIN, R=0.0), r"^R must be finite and > 0 bits \(got 0.0\)"),
    "R: negative": (lambda: rdc.distortion(COIN, R=-1), r"^R must be finite and > 0 bits \(got -1.0\)"),
    "R: inf": (lambda: rdc.distortion(COIN, R=inf), r"^R must be finite and > 0 bits \(got inf\)"),
    "R: NaN": (lambda: rdc.distortion(COIN, R=nan), r"^R must be finite and > 0 bits \(got nan\)"),
    "grid: shapes": (lambda: rdc.trace(COIN, D=[0.1, 0.2, 0.3], P=[0.1, 0.2]), r"got D \(3,\), P \(2,\)\).* column"),
    "covariance: a row": (lambda: sources.Gaussian([1.0, 2.0]), r"square matrix .* np.diag"),
    "labels: words": (lambda: classifications.ConditionalEntropy(["cat", "dog"]), r"n integers .* np.unique"),
    "tol: zero": (lambda: rdc.rate(COIN, D=0.1, tol=0.0), r"^tol must be > 0 \(got 0.0\)"),
    "tol: NaN": (lambda: rdc.distortion(COIN, R=0.1, tol=nan), r"^tol must be > 0 \(got nan\)"),
    "tol: certify": (lambda: rdc.certify(COIN, Q, D=0.1, tol=-1.0), r"^tol must be > 0 \(got -1.0\)"),
    "tol: trace": (lambda: rdc.trace(COIN, D=[0.1], tol=-1.0), r"^tol must be > 0 \(got -1.0\)"),
    "trace: R, D and P": (
        lambda: rdc.trace(COIN, D=0.1, R=0.1, P=0.1),
        r"R, D, P were given, which leaves no measure of the problem to minimise; leave one out",
    ),
    "trace: no perception": (
        lambda: rdc.trace(PLAIN, D=0.1, R=0.1),
        r"R, D were given, which leaves no measure of the problem to minimise; .* or pass perception=\.\.\. or class",
    ),
    "trace: two left": (
        lambda: rdc.trace(replace(TAGGED, perception=perceptions.KL()), D=0.1, R=0.1),
        r"R and D were given, which leaves P and C; say which by minimise='P' or minimise='C'",
    ),
    "trace: given and minimised": (
        lambda: rdc.trace(TAGGED, D=0.1, R=0.1, minimise="D"),
        r"D cannot be both given and minimised; leave D out",
    ),
    "trace: R given and minimised": (
        lambda: rdc.trace(TAGGED, R=0.1, minimise="R"),
        r"R cannot be both given and minimised; leave R out",
    ),
    "trace: no rates": (lambda: rdc.trace(TAGGED, D=0.1, minimise="C"), r"minimise='C' needs rates; give R=\.\.\."),
    "trace: minimise": (lambda: rdc.trace(TAGGED, R=0.1, minimise="c"), r"must be 'R', 'D', 'P' or 'C' \(got 'c'\)"),
    "trace: no measure": (
        lambda: rdc.trace(PLAIN, R=0.1, minimise="C"),
        r"the least C was asked for but the problem has no classification; pass classification=",
    ),
    "least C: no measure": (
        lambda: rdc.classification(COIN, R=0.1),
        r"the least C was asked for but the problem has no classification; pass classification=",
    ),
    "least C: R": (lambda: rdc.classification(TAGGED, R=0.0), r"^R must be finite and > 0 bits \(got 0.0\)"),
    "least C: tol": (lambda: rdc.classification(TAGGED, R=0.1, tol=0.0), r"^tol must be > 0 \(got 0.0\)"),
    "trace: NaN": (lambda: rdc.trace(COIN, D=[0.1, nan]), r"^D must be >= 0 \(got nan\)"),
    "trace: shapes": (lambda: rdc.trace(COIN, D=[0.1, 0.2], P=[0.1, 0.2, 0.3]), r"shape.*\(2,\).*\(3,\)"),
    "trace: nothing": (lambda: rdc.trace(COIN, D=[]), r"grid of levels must not be empty \(got shape \(0,\)\)"),
    "solver: a string": (lambda: rdc.rate(COIN, D=0.1, solver="conic"), r"solver.*'conic'"),
    "sweeps: none": (
        lambda: rdc.rate(PLAIN, D=0.1, solver=solvers.BlahutArimoto(sweeps=0)),
        r"sweeps must be an integer >= 1 \(got 0\)",
    ),
    "starts: none": (
        lambda: rdc.rate(TAGGED, C=0.4, solver=solvers.Alternation(starts=0)),
        r"starts must be an integer >= 1 \(got 0\)",
    ),
    "work: none": (
        lambda: rdc.rate(TAGGED, C=0.4, solver=solvers.Alternation(work=0)),
        r"work must be an integer >= 1 \(got 0\)",
    ),
    "backend: unknown": (lambda: rdc.rate(PLAIN, D=0.1, solver=solvers.Conic("NOPE")), r"NOPE.*CLARABEL"),
    # Θ.
    "theta: empty": (
        lambda: rdc.universal_rate(COIN, []),
        r"theta must be a list of at least one Target \(got \[\]\)",
    ),
    "theta: empty penalty": (
        lambda: rdc.rate_penalty(COIN, []),
        r"theta must be a list of at least one Target \(got \[\]\)",
    ),
    "theta: no measure": (lambda: rdc.universal_rate(PLAIN, [Target(0.1), Target(P=0.1)]), r"has no perception"),
    "theta: too many": (
        lambda: rdc.universal_rate(
            rdc.Problem(sources.uniform(10), distortions.hamming(10), perceptions.TotalVariation()),
            [Target(0.1 + k / 10, 0.7 - k / 10) for k in range(6)],
            solver=solvers.InteriorPoint(),
        ),
        r"6 targets on 10 letters need 10\^6 = 1000000 columns, more than the 200000 .*use fewer targets",
    ),
    "theta: beyond counting": (
        lambda: rdc.universal_rate(COIN, [Target(0.1 + k / 1000, 0.7 - k / 1000) for k in range(63)]),
        r"63 targets on 2 letters are 2\^63 tuples, more than can be counted; use fewer targets",
    ),
    "box: no pair": (lambda: rdc.Box(D=0.1), r"D must be a pair \(least, largest\) of levels \(got 0\.1\)"),
    "box: order": (lambda: rdc.Box(P=(0.2, 0.1)), r"P must be a pair .*; exchange the two"),
    "curve: no range": (lambda: rdc.IsoRate(0.4), r"give the range of P or that of C"),
    "curve: two ranges": (lambda: rdc.IsoRate(0.4, P=(0, 1), C=(0, 1)), r"give the range of P or that of C"),
    "curve: rate": (lambda: rdc.IsoRate(0.0, P=(0, 1)), r"R must be finite and > 0 bits \(got 0\.0\)"),
    "curve: no measure": (lambda: rdc.universal_rate(PLAIN, rdc.IsoRate(0.4, P=(0, 1))), r"has no perception"),
    "one shot: negative": (lambda: rdc.one_shot_rate(-1.0), r"rate must be finite and >= 0"),
    "one shot: inf": (lambda: rdc.one_shot_rate(inf), r"rate must be finite"),
    # Channels and prices.
    "channel: shape": (
        lambda: rdc.certify(COIN, np.eye(3), D=0.1),
        r"channel must have shape \(2, 2\).*got \(3, 3\)",
    ),
    "channel: axes": (
        lambda: rdc.certify(COIN, [0.5, 0.5], D=0.1),
        r"channel must have shape \(2, 2\) or.*got \(2,\)",
    ),
    "channel: tags": (lambda: rdc.certify(COIN, np.ones((2, 2, 0)), D=0.1), r"channel must be a non-empty array"),
    "channel: NaN": (lambda: rdc.certify(COIN, [[nan, 1], [0, 1]], D=0.1), r"channel must be finite"),
    "channel: negative": (lambda: rdc.certify(COIN, [[1.5, -0.5], [0, 1]], D=0.1), r"channel must be >= 0"),
    "channel: mass": (lambda: rdc.certify(COIN, [[0.5, 0.6], [0, 1]], D=0.1), r"channel must sum to 1 .*1\.1\)"),
    "prices: negative": (lambda: Prices(distortion=-1.0), r"price of distortion must be finite and >= 0 \(got -1.0\)"),
    "prices: NaN": (lambda: Prices(perception=nan), r"price of perception must be finite and >= 0 \(got nan\)"),
    "prices: inf": (lambda: Prices(classification=inf), r"price of classification must be finite and >= 0 \(got inf"),
    "output price: short": (
        lambda: rdc.certify(COIN, Q, Prices(output=np.zeros(1)), D=0.1, P=0.1),
        r"output price must have one entry for each of the 2 letters \(got 1\)",
    ),
    "output price: long": (
        lambda: rdc.certify(COIN, Q, Prices(output=np.zeros(3)), D=0.1, P=0.1),
        r"output price must have one entry for each of the 2 letters \(got 3\)",
    ),
    "output price: NaN": (
        lambda: rdc.certify(COIN, Q, Prices(output=np.array([nan, 0.0])), D=0.1, P=0.1),
        r"output price must be finite",
    ),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_arguments_are_refused_with_a_reason(call: Callable[[], object], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()


@pytest.mark.parametrize("level", ["0.1", None, 0.1j, [0.1, 0.2]])
@pytest.mark.parametrize("name", ["D", "P", "C"])
def test_a_level_is_one_real_number(name: str, level: object) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must"):
        Target(**{name: level})


@pytest.mark.parametrize("theta", [Target(0.1), [(0.1, 0.2)], [None]])
def test_theta_holds_targets(theta: object) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^theta must"):
        rdc.universal_rate(COIN, theta)


INFEASIBLE: dict[str, tuple[rdc.Problem, dict[str, float], str, float]] = {
    "D": (OFFSET, {"D": 0.1}, "D", 0.2),
    "D, KL": (replace(OFFSET, perception=perceptions.KL()), {"D": 0.1, "P": 1.0}, "D", 0.2),
    "P": (FAR, {"P": 0.4}, "P", 1.0),
    "C, data processing": (ENTROPY, {"C": 0.1}, "C", 0.3 * 0.8812908992306927),
    "C, tagged": (TAGGED, {"D": 0.1, "C": 0.1}, "C", 0.3 * 0.8812908992306927),
    "C, error": (JUDGED, {"C": 0.01}, "C", 0.06),
    "D against C": (FLIPPED, {"D": 0.2, "C": 0.3}, "D", 0.7),
    "D against P": (
        replace(PLAIN, perception=perceptions.Wasserstein([[1.0, 0.0], [0.0, 1.0]])),
        {"D": 0.05, "P": 0.1},
        "D",
        0.3,
    ),
}
each_infeasible = pytest.mark.parametrize(
    ("problem", "levels", "name", "least"), INFEASIBLE.values(), ids=INFEASIBLE.keys()
)


@each_infeasible
def test_infeasible_levels_name_the_least_feasible_one(
    problem: rdc.Problem, levels: dict[str, float], name: str, least: float
) -> None:
    pattern = rf"^{name} = {levels[name]:g} is infeasible: the smallest feasible {name} is ([-+.e\d]+) \(.+\); raise"
    with pytest.raises(rdc.InfeasibleError, match=pattern) as caught:
        rdc.rate(problem, **levels)
    stated = re.search(pattern, str(caught.value))
    assert stated is not None
    assert float(stated[1]) == pytest.approx(least, abs=1e-7)
    assert isinstance(caught.value, ValueError)


@each_infeasible
def test_the_cure_for_an_infeasible_level_works(
    problem: rdc.Problem, levels: dict[str, float], name: str, least: float
) -> None:
    cured = levels | {name: least + 1e-4}
    assert quietly(rdc.rate, problem, **cured, tol=1e-3).upper < inf  # at the very end of a curve
    just_below = levels | {name: least - 1e-4}
    with pytest.raises(rdc.InfeasibleError, match=name):
        rdc.rate(problem, **just_below, tol=1e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rdc.distortion(FAR, R=0.5, P=0.4),
        lambda: rdc.distortion(ENTROPY, R=0.5, C=0.1),
        lambda: rdc.classification(replace(OFFSET, classification=TAGGED.classification), R=0.5, D=0.1),
        lambda: rdc.classification(replace(OFFSET, classification=JUDGED.classification), R=0.5, D=0.1),
        # h(0.3) - h(0.01) bits are needed for this level alone.
        lambda: rdc.classification(TAGGED, R=0.1, D=0.01),
        lambda: rdc.certify(OFFSET, Q, D=0.1),
        lambda: rdc.universal_rate(OFFSET, [Target(0.1), Target(0.3)]),
        # h(0.3) - h(0.01) bits are needed for this level alone.
        lambda: rdc.distortion(replace(PLAIN, classification=classifications.ErrorRate([0, 1], [0, 1])), 0.1, C=0.01),
    ],
)
def test_every_verb_refuses_what_no_channel_meets(call: Callable[[], object]) -> None:
    with pytest.raises(rdc.InfeasibleError, match="infeasible"):
        call()


@pytest.mark.parametrize(
    "make",
    [
        lambda table: sources.Discrete(table),
        lambda table: classifications.ConditionalEntropy([table]),
        lambda table: classifications.CrossEntropy([0, 1], [table]),
    ],
)
@pytest.mark.parametrize(("error", "warned"), [(0.0, False), (1e-14, False), (1e-9, True), (9e-7, True)])
def test_a_little_mass_is_renormalised(make: Callable[[object], object], error: float, warned: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = make([0.5, 0.5 + error])
    assert [bool(re.search("sums to 1 only within .* renormalised", str(w.message))) for w in caught] == [True] * warned
    tables = [value for value in vars(made).values() if isinstance(value, np.ndarray)]
    assert any(abs(table.sum(axis=-1) - 1.0).max() <= 2e-16 for table in tables)


NEVER = 1e-300


@pytest.mark.parametrize(
    "call",
    [
        lambda: sources.Discrete([0.5, 0.5 + 1e-9]),
        lambda: rdc.decode(PLAIN, [[0.5, 0.5 + 1e-9]] * 2),
        lambda: rdc.certify(PLAIN, [[0.5, 0.5 + 1e-9]] * 2, D=1.0),
        lambda: rdc.rate(COIN, D=0.1, P=0.02, tol=NEVER),
        lambda: rdc.distortion(COIN, R=0.5, P=0.02, tol=NEVER),
        lambda: rdc.certify(PLAIN, [[0.9, 0.1], [0.1, 0.9]], D=0.1, tol=NEVER),
        lambda: rdc.decode(COIN, [[0.9, 0.1], [0.1, 0.9]], P=0.0, tol=NEVER),
        lambda: rdc.universal_rate(COIN, [rdc.Target(0.1), rdc.Target(0.2, 0.0)], tol=NEVER),
        lambda: rdc.trace(COIN, D=[0.1, 0.2], P=0.02, tol=NEVER),
    ],
)
def test_the_warning_points_at_the_caller(call: Callable[[], object]) -> None:
    with pytest.warns(UserWarning, match=r"renormalised|\bwider\b") as caught:
        call()
    assert {warning.filename for warning in caught} == {__file__}


RIGHT: dict[str, Callable[[], object]] = {
    "integers": lambda: sources.Discrete([1, 0]),
    "booleans": lambda: distortions.matrix([[False, True]]),
    "float32": lambda: distortions.matrix(np.ones((2, 2), dtype=np.float32)),
    "a tuple": lambda: classifications.ErrorRate((0, 1), (0, 1)),
    "Fortran order": lambda: distortions.matrix(np.asfortranarray([[0.0, 1.0], [2.0, 0.0]])),
    "a view": lambda: distortions.matrix(np.arange(16.0).reshape(4, 4)[::2, ::-1]),
    "labels of many letters": lambda: rdc.Problem(
        sources.uniform(300), distortions.hamming(300), None, classifications.ConditionalEntropy(np.arange(300) % 2)
    ),
    "a level that is a NumPy number": lambda: rdc.rate(COIN, D=np.float64(0.1)),
    "a level that is an integer": lambda: rdc.rate(COIN, D=1),
}


@pytest.mark.parametrize("call", RIGHT.values(), ids=RIGHT.keys())
def test_right_arguments_that_look_wrong(call: Callable[[], object]) -> None:
    call()


def arrays(thing: object) -> list[np.ndarray]:
    return [value for value in vars(thing).values() if isinstance(value, np.ndarray)]


def test_inputs_are_copied_and_stored_read_only() -> None:
    pmf, table = np.array([0.25, 0.75]), np.array([[0.5, 0.5], [0.25, 0.75]])
    answers, points = np.array([0, 1]), np.array([0.0, 1.0])
    before = [array.copy() for array in (pmf, table, answers, points)]
    made = [
        sources.Discrete(pmf),
        distortions.matrix(table),
        distortions.squared_error(points),
        perceptions.Wasserstein(table),
        classifications.ConditionalEntropy(table),
        classifications.ConditionalEntropy(answers),
        classifications.CrossEntropy(table, table),
        classifications.ErrorRate(answers, answers),
    ]
    for thing in made:
        assert arrays(thing)
        for stored in arrays(thing):
            assert not stored.flags.writeable
            assert not any(np.shares_memory(stored, given) for given in (pmf, table, answers, points))
    problem = rdc.Problem(made[0], made[1], made[3], made[4])
    channel, price = np.eye(2), np.array([0.1, -0.1])
    quietly(rdc.certify, problem, channel, Prices(1.0, 1.0, 1.0, price), D=0.4, P=0.5, C=0.95)
    np.testing.assert_array_equal(channel, np.eye(2))
    np.testing.assert_array_equal(price, [0.1, -0.1])
    for array, old in zip((pmf, table, answers, points), before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize(
    "thing", [sources.uniform(2), distortions.hamming(2), Target(), COIN, Prices(), solvers.Conic()], ids=type
)
def test_nouns_are_frozen(thing: object) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(thing, next(iter(vars(thing))), None)


def test_status_is_a_sentence() -> None:
    assert all(status.value[0].isupper() and status.value.endswith(".") for status in rdc.Status)
