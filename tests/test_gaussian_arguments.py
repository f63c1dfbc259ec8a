"""What a Gaussian source does not take is refused, and the cure named."""

from collections.abc import Callable

import numpy as np
import pytest
from gaussians import SQUARED, classification, scalar

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, sources

WRONG: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "variance": (lambda: sources.Gaussian(-1.0), ValueError, r"positive semidefinite \(got the eigenvalue -1\)"),
    "NaN": (lambda: sources.Gaussian(np.nan), ValueError, r"covariance must be finite"),
    "shape": (lambda: sources.Gaussian([[1.0, 0.0]]), ValueError, r"square matrix \(got shape \(1, 2\)\)"),
    "vector": (lambda: sources.Gaussian([1.0, 2.0]), ValueError, r"covariance must be a variance or a square matrix"),
    "skew": (lambda: sources.Gaussian([[1.0, 0.5], [0.4, 1.0]]), ValueError, r"symmetric \(got entries 0.1 apart"),
    "indefinite": (lambda: sources.Gaussian([[1.0, 2.0], [2.0, 1.0]]), ValueError, r"got the eigenvalue -1\)"),
    "pmf": (lambda: sources.Gaussian(1.0).pmf, TypeError, r"no pmf; sources.discretise makes one"),
    "distortion": (
        lambda: rdc.Problem(sources.Gaussian(1.0), distortions.hamming(2)),
        ValueError,
        r"takes distortions.squared_error\(\) without points",
    ),
    "points": (
        lambda: rdc.Problem(sources.uniform(2), SQUARED),
        ValueError,
        r"squared_error\(\) without points belongs to a Gaussian source",
    ),
    "letters": (lambda: distortions.squared_error(letters=[1.0]), ValueError, r"letters were given without points"),
    "table": (lambda: SQUARED.values, TypeError, r"has no table"),
    "cost": (
        lambda: scalar(1.0, perceptions.Wasserstein([[1.0]])),
        ValueError,
        r"takes perceptions.Wasserstein\(\) without a cost",
    ),
    "no cost": (
        lambda: rdc.Problem(sources.uniform(2), distortions.hamming(2), perceptions.Wasserstein()),
        ValueError,
        r"give a cost of shape \(2, 2\)",
    ),
    "variation": (lambda: scalar(1.0, perceptions.TotalVariation()), ValueError, r"\(got TotalVariation\)"),
    "vector of Hellinger": (
        lambda: rdc.Problem(sources.Gaussian(np.eye(2)), SQUARED, perceptions.Hellinger()),
        ValueError,
        r"a Gaussian vector takes Wasserstein\(\) or KL\(\) \(got Hellinger\)",
    ),
    "labels": (
        lambda: rdc.Problem(sources.Gaussian(1.0), SQUARED, None, classifications.ConditionalEntropy([0, 1])),
        ValueError,
        r"ConditionalEntropy\(LinearLabel",
    ),
    "weights": (
        lambda: rdc.Problem(
            sources.Gaussian(np.eye(2)),
            SQUARED,
            None,
            classifications.ConditionalEntropy(classifications.LinearLabel(1.0, 0.1)),
        ),
        ValueError,
        r"2 weights like the source \(got 1\)",
    ),
    "noise": (lambda: classifications.LinearLabel(1.0, -0.1), ValueError, r"noise must be >= 0"),
    "linear": (
        lambda: rdc.Problem(
            sources.uniform(2),
            distortions.hamming(2),
            None,
            classifications.ConditionalEntropy(classifications.LinearLabel(1.0, 0.1)),
        ),
        ValueError,
        r"LinearLabel belongs to a Gaussian source",
    ),
    "randomness": (
        lambda: rdc.Problem(sources.uniform(2), distortions.hamming(2), common_randomness=False),
        ValueError,
        r"common_randomness=False is offered for Gaussian sources",
    ),
    "blocks": (lambda: scalar(1.0, perceptions.Hellinger(), shared=False), ValueError, r"offered for Gaussian"),
    "blocks of vectors": (
        lambda: rdc.Problem(sources.Gaussian(np.eye(2)), SQUARED, perceptions.KL(), common_randomness=False),
        ValueError,
        r"for scalar ones with KL\(\) too",
    ),
    "solver": (
        lambda: rdc.rate(scalar(1.0), D=0.5, solver=rdc.solvers.Conic()),
        ValueError,
        r"Conic takes discrete sources; use solver=None",
    ),
    "certify": (lambda: rdc.certify(scalar(1.0), [[1.0]], D=0.5), ValueError, r"certify takes channels of discrete"),
    "channel": (lambda: rdc.rate(scalar(1.0), D=0.5).channel, TypeError, r"see Solution.sent, its gain and noise"),
    "D = 0": (lambda: rdc.rate(scalar(1.0), D=0.0), rdc.InfeasibleError, r"every D > 0 is feasible"),
    "fine D": (lambda: rdc.rate(scalar(1.0), D=1e-100), ValueError, r"more than 100 bits a component"),
    "fine R": (lambda: rdc.distortion(scalar(1.0), R=101.0), ValueError, r"raise D or C, or lower R"),
    "fine C": (lambda: rdc.rate(scalar(1.0, label=(1.0, 0.0)), C=-150.0), ValueError, r"raise D or C, or lower R"),
    "D at R": (
        lambda: rdc.perception(scalar(1.0, perceptions.KL()), R=1.0, D=0.2),
        rdc.InfeasibleError,
        r"D = 0.2 is infeasible at R = 1: the smallest feasible D is 0.25; .* or R to at least 1.16096405",
    ),
    "D at R in blocks": (
        lambda: rdc.perception(scalar(1.0, perceptions.KL(), shared=False), R=1.0, D=0.2),
        rdc.InfeasibleError,
        r"the smallest feasible D is 0.25; .* or R to at least 1.16096405",
    ),
    "C at R": (
        lambda: rdc.distortion(scalar(1.0, label=(1.0, 1.0)), R=1.0, C=2.1),
        rdc.InfeasibleError,
        r"C = 2.1 is infeasible at R = 1: the smallest feasible C is C_min\(R\) = 2.2080",
    ),
    "D and P at R": (
        lambda: classification(scalar(1.0, perceptions.KL(), (1.0, 1.0)), 1.0, 0.26, 0.0),
        rdc.InfeasibleError,
        r"D = 0.26 is infeasible at R = 1: the smallest feasible D is 0.2679",
    ),
    "C of letters": (
        lambda: rdc.rate(rdc.Problem(sources.uniform(2), distortions.hamming(2)), C=-1.0),
        ValueError,
        r"C must be >= 0 \(got -1.0\)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    call, kind, message = WRONG[case]
    with pytest.raises(kind, match=message):
        call()


def told(n: int, weights: object, noise: object) -> rdc.Problem:
    label = classifications.ConditionalEntropy(classifications.LinearLabel(weights, noise))
    source = sources.Gaussian(np.diag(np.linspace(1, 2, n)))
    return rdc.Problem(source, distortions.squared_error(), perceptions.Wasserstein(), label)


@pytest.mark.parametrize(("weights", "noise"), [(np.ones(49), 0.1), (np.eye(2, 49) + 1, 0.1 * np.eye(2))])
def test_a_label_of_too_many_axes_beside_perception_is_refused(weights: np.ndarray, noise: object) -> None:
    with pytest.raises(ValueError, match=r"offered for up to 48 axes \(got 49\).*; leave out axes of little variance"):
        rdc.rate(told(49, weights, noise), D=60.0, P=0.01, C=3.0)


def test_a_distortion_that_a_clear_label_leaves_no_rate_for_is_refused() -> None:
    problem = told(2, np.eye(2) + 0.3, 0.1 * np.eye(2))
    with pytest.raises(
        rdc.InfeasibleError, match=r"D = 0\.355 is infeasible at R = 3 and C = 2\.71.* or R to at least"
    ):
        rdc.perception(problem, R=3.0, D=0.355, C=2.71)


def test_a_label_that_is_all_noise_is_as_clear_as_it_can_be() -> None:
    """``h(S|X̂) = h(S)`` whatever is sent, with perception and without."""
    problem = told(2, [0.0, 0.0], 0.1)
    truth = 0.5 * np.log2(2 * np.pi * np.e * 0.1)
    for answer in (rdc.classification(problem, R=3.0), rdc.classification(problem, R=3.0, D=1.0, P=0.3)):
        assert answer.lower <= truth + 1e-12
        assert answer.upper == pytest.approx(truth, abs=1e-12)
