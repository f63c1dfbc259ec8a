"""What is no number, no table, no law or no problem is refused by the name of the argument."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import rdcfunc as rdc
from rdcfunc import Prices, Target, classifications, distortions, perceptions, sources

inf, nan = np.inf, np.nan
P = np.array([0.2, 0.3, 0.5])
D = 1 - np.eye(3)


def test_a_sum_that_is_off_is_renormalised_or_refused() -> None:
    """Single precision misses one by 1e-8, which is said; 1e-3 is no rounding."""
    thirds = np.full(3, 1 / 3, dtype=np.float32)
    with pytest.warns(UserWarning, match=r"pmf sums to 1 only within .*; it was renormalised"):
        source = sources.Discrete(thirds)
    assert abs(source.pmf.sum() - 1) < 1e-15
    for make, name in (
        (sources.Discrete, "pmf"),
        (lambda law: classifications.ConditionalEntropy([law]), "labels"),
        (lambda law: rdc.certify(WHOLE, [law, law, law], D=0.5), "channel"),
        (lambda law: rdc.decode(WHOLE, [law, law, law]), "encoder"),
        (lambda law: sources.mixture(law, [0.0, 1.0, 2.0], [sources.Gaussian(1.0)] * 3, [0.0, 1.0]), "weights"),
    ):
        with pytest.raises(
            ValueError, match=rf"^{name} must sum to 1 .* \(got a sum of 1\.001\); divide it by its sum"
        ):
            make([0.5, 0.25, 0.251])


WHOLE = rdc.Problem(sources.Discrete(P), distortions.matrix(D), perceptions.TotalVariation())
#: What is none of a number, a table, a law, a problem, ...
THINGS = [None, 1j, "a", b"x", [1, "b"], object(), {}, [[1.0], [1.0, 2.0]], 10**400, -inf, nan]
#: Constructors and verbs of one argument, and the name that an error must say.
TAKERS: dict[str, tuple[Callable[[Any], object], str]] = {
    "uniform": (sources.uniform, "n must"),
    "bernoulli": (sources.bernoulli, "p must"),
    "Discrete": (sources.Discrete, "pmf must"),
    "Gaussian": (sources.Gaussian, "covariance must"),
    "from_samples": (sources.from_samples, "samples must"),
    "discretise": (lambda v: sources.discretise(v, [0.0, 1.0]), "law must"),
    "discretise, points": (lambda v: sources.discretise(sources.Gaussian(1.0), v), "points must"),
    "mixture": (lambda v: sources.mixture(v, [0.0], [sources.Gaussian(1.0)], [0.0, 1.0]), "weights must"),
    "hamming": (distortions.hamming, "n must"),
    "matrix": (distortions.matrix, "distortion must"),
    "difference": (distortions.difference, "lags must"),
    "squared_error": (lambda v: distortions.squared_error("none" if v is None else v), "points must"),
    "absolute_error": (distortions.absolute_error, "points must"),
    "Wasserstein": (lambda v: perceptions.Wasserstein(v if v is not None else "none"), "Wasserstein cost must"),
    "labels": (classifications.ConditionalEntropy, "labels must"),
    "tagged": (lambda v: classifications.ConditionalEntropy([0, 1], tagged=v), "tagged must"),
    "classifier": (lambda v: classifications.CrossEntropy([0, 1], v), "classifier must"),
    "decision": (lambda v: classifications.ErrorRate([0, 1], v), "decision must"),
    "weights": (lambda v: classifications.LinearLabel(v, 0.1), "weights must"),
    "noise": (lambda v: classifications.LinearLabel([1.0, 2.0], v), "noise must"),
    "source": (lambda v: rdc.Problem(v, distortions.hamming(2)), "source must"),
    "distortion": (lambda v: rdc.Problem(sources.uniform(2), v), "distortion must"),
    "perception": (lambda v: replace(WHOLE, perception=v or "none"), "perception must"),
    "classification": (lambda v: replace(WHOLE, classification=v or "none"), "classification must"),
    "Target.D": (lambda v: Target(D=v), "D must"),
    "Target.C": (lambda v: Target(C=v), "C must"),
    "price": (Prices, "price of distortion must"),
    "output price": (
        lambda v: rdc.certify(WHOLE, np.eye(3), Prices(output=v or "none"), D=0.1, P=0.1),
        "output price must",
    ),
    "problem": (lambda v: rdc.rate(v, 0.1), "problem must"),
    "problem, trace": (lambda v: rdc.trace(v, D=[0.1]), "problem must"),
    "problem, certify": (lambda v: rdc.certify(v, D), "problem must"),
    "problem, decode": (lambda v: rdc.decode(v, D), "problem must"),
    "problem, universal": (lambda v: rdc.universal_rate(v, [Target(0.1)]), "problem must"),
    "tol": (lambda v: rdc.rate(WHOLE, 0.1, tol=v), "tol must"),
    "start": (lambda v: rdc.rate(WHOLE, 0.1, start=v or "none"), "start must"),
    "solver": (lambda v: rdc.rate(WHOLE, 0.1, solver=v or "none"), "solver must"),
    "R": (lambda v: rdc.distortion(WHOLE, v), "R must"),
    "trace, D": (lambda v: rdc.trace(WHOLE, D=v), "D must"),
    "executor": (lambda v: rdc.trace(WHOLE, D=[0.1], executor=v or "none"), "executor must"),
    "channel": (lambda v: rdc.certify(WHOLE, v, D=0.1), "channel must"),
    "prices": (lambda v: rdc.certify(WHOLE, np.eye(3), v or "none", D=0.1), "prices must"),
    "encoder": (lambda v: rdc.decode(WHOLE, v), "encoder must"),
    "counts": (rdc.encoder_from_counts, "counts must"),
    "theta": (lambda v: rdc.universal_rate(WHOLE, v), "theta must"),
    "targets": (lambda v: rdc.reuse_penalty(WHOLE, v, R=0.4), "targets must"),
    "one-shot rate": (rdc.one_shot_rate, "rate must"),
    "Box": (lambda v: rdc.Box(D=v), "D must"),
    "IsoRate": (lambda v: rdc.IsoRate(v, P=(0, 1)), "R must"),
}


@pytest.mark.parametrize(("take", "name"), TAKERS.values(), ids=TAKERS)
def test_what_is_no_number_or_table_is_refused_by_name(take: Callable[[Any], object], name: str) -> None:
    for thing in THINGS:
        with pytest.raises((ValueError, TypeError), match=name):
            take(thing)
