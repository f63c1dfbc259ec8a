"""Wrong arguments are refused, each with what was given, what is needed and the cure."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coins import ENTROPY, PLAIN, TAGGED
from problems import COIN

import rdcfunc as rdc
from rdcfunc import Prices, Target, classifications, distortions, perceptions, plotting, solvers, sources
from rdcfunc.passes.choice import machine

nan, inf = np.nan, np.inf
SAMPLED = rdc.Problem(
    sources.Samples(np.arange(4.0)),
    distortions.squared_error(),
    perceptions.Wasserstein(),
    classifications.ConditionalEntropy([0, 1, 0, 1], tagged=True),
)
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
    "points: far": (lambda: distortions.squared_error([0.0, 1e200]), r"points must lie within .* of zero .*rescale"),
    "squared error: shape": (lambda: distortions.squared_error().shape, r"no table"),
    "style: size": (lambda: plotting.style("poster").__enter__(), r"size must be one of .* \(got 'poster'\)"),
    "figure: no axes": (lambda: plotting.save("axes", Path("figure.svg")), r"ax must be axes.*\(got a str\)"),
    "distortion: too small": (
        lambda: distortions.matrix([[0.0, 1e-310], [0.0, 0.0]]),
        r"distortion must have a cost of at least 1e-300 \(got 1e-310 at most\); rescale it",
    ),
    "labels: gaps": (
        lambda: classifications.ConditionalEntropy([0, 10**9]),
        r"labels must number the classes from 0 without large gaps \(got the class 1000000000 of 2 letters",
    ),
    "samples: several targets": (
        lambda: rdc.universal_rate(SAMPLED, [Target(0.5), Target(0.6, P=0.1)]),
        r"Samples take one target \(got 2\); .* ask rate for that",
    ),
    "samples: both levels": (
        lambda: rdc.rate(SAMPLED, 0.5, P=0.1, C=0.1),
        r"levels of perception or of classification, not of both; leave one out",
    ),
    "samples: randomness": (
        lambda: replace(SAMPLED, common_randomness=False),
        r"common_randomness=False is offered for scalar Gaussian sources; leave it out",
    ),
    "device: NumPy": (
        lambda: machine(1.0, backend="numpy", device="cpu"),
        r"NumPy has no devices \(got device='cpu'\)",
    ),
    "several targets: structure": (
        lambda: rdc.universal_rate(COIN, [Target(0.1), Target(0.2, 0.0)], solver=solvers.ClosedForm()),
        r"ClosedForm takes .* there are several targets; use solver=None",
    ),
    "a table: structure": (
        lambda: rdc.rate(replace(PLAIN, distortion=distortions.matrix(1 - Q)), D=0.1, solver=solvers.ClosedForm()),
        r"ClosedForm takes .* the distortion is a table; use solver=None",
    ),
    "decoder: structure": (
        lambda: rdc.rate(replace(PLAIN, perception=perceptions.KL()), D=0.1, P=0.1, solver=solvers.Grid()),
        r"Grid takes .* the target bounds KL; use solver=None",
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
