"""Gaussian sources without common randomness: blocks of deterministic codes, in closed form and by a search."""

from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest
from gaussians import SQUARED, scalar
from scipy.optimize import minimize

import rdcfunc as rdc
from rdcfunc import perceptions, sources
from rdcfunc.gaussian import blocks
from rdcfunc.gaussian.deviations import deviation


def test_no_common_randomness() -> None:
    s2, R, P = 1.7, 0.9, 0.04
    s, e = sqrt(s2), 2.0**-R
    block = scalar(s2, perceptions.Wasserstein(), shared=False)
    assert rdc.distortion(block, R=R, P=P).value == pytest.approx(s2 * e**2 + (s * e - sqrt(P)) ** 2, abs=1e-11)
    for perception in (perceptions.Wasserstein(), perceptions.KL()):
        block, shared = scalar(s2, perception, shared=False), scalar(s2, perception)
        D = rdc.distortion(block, R=R, P=P)
        assert rdc.rate(block, D=D.value, P=P).value == pytest.approx(R, abs=1e-9)
        assert rdc.perception(block, R=R, D=D.value).value == pytest.approx(P, abs=1e-9)
        assert rdc.distortion(shared, R=R, P=P).value < D.value - 1e-3
        # Perfect perception costs twice the distortion, and none asked for costs nothing.
        assert rdc.distortion(block, R=R, P=0.0).value == pytest.approx(2 * s2 * e**2, abs=1e-11)
        assert rdc.distortion(block, R=R).value == pytest.approx(s2 * e**2, abs=1e-11)


def test_blocks_within_divergence_at_their_ends() -> None:
    block = scalar(1.7, perceptions.KL(), shared=False)
    silent = rdc.rate(block, D=4 * 1.7, P=0.3)
    assert silent.upper == 0
    assert silent.achieved.D < 2 * 1.7  # some variance is missing, which costs less than all
    assert rdc.rate(block, D=0.999 * silent.achieved.D, P=0.3).lower > 0
    fine = rdc.rate(block, D=0.01, P=0.3)
    assert rdc.distortion(block, R=fine.value, P=0.3).value == pytest.approx(0.01, abs=1e-11)
    assert rdc.perception(block, R=1.0).upper == 0
    # Just above the least distortion next to nothing may be moved, and P grows as the deviation's logarithm.
    far = rdc.perception(block, R=1.0, D=1.7 / 4 * (1 + 1e-4))
    assert far.lower > 6
    assert rdc.distortion(block, R=1.0, P=far.value).value == pytest.approx(1.7 / 4 * (1 + 1e-4), rel=1e-9)


def test_blocks_of_vectors() -> None:
    S = np.diag([1.0, 0.3, 0.01])
    shared = rdc.Problem(sources.Gaussian(S), SQUARED, perceptions.Wasserstein())
    block = replace(shared, common_randomness=False)
    for R in (0.4, 3.0):
        left = rdc.distortion(shared, R=R).value
        for P in (0.0, 0.2 * left, 2 * left):
            D = rdc.distortion(block, R=R, P=P)
            assert D.gap < 1e-11
            assert D.value == pytest.approx(left + max(0, sqrt(left) - sqrt(P)) ** 2, abs=1e-11)
            assert rdc.rate(block, D=D.value, P=P).value == pytest.approx(R, abs=1e-9)
            assert rdc.distortion(shared, R=R, P=P).value <= D.value + 1e-11
            if left > P:
                assert rdc.perception(block, R=R, D=D.value).value == pytest.approx(P, abs=1e-9)
    # One number is a vector of one, and nothing need be told of a distortion of twice the variance.
    assert rdc.rate(block, D=2 * np.trace(S), P=0.0).value == 0


def test_divergence_of_blocks_by_a_search() -> None:
    """KL without common randomness: over the mean's and the noise's variance, by another program."""
    for R, P in ((0.5, 0.05), (1.0, 0.3), (0.2, 0.5), (2.0, 1e-3)):
        value = blocks.distortion(deviation(perceptions.KL()), R, P)

        def miss(v: np.ndarray, R: float = R) -> float:
            return 1 + v[0] + v[1] - 2 * sqrt(-np.expm1(-2 * R)) * sqrt(max(v[0], 0))

        def room(v: np.ndarray, R: float = R, P: float = P) -> np.ndarray:
            u = v[0] + v[1]
            entropy = min(log(u) / 2, R + log(max(v[1], 1e-12)) / 2)
            return np.array([P - (u - 1) / 2 + entropy])

        found = [
            minimize(
                miss,
                start,
                constraints={"type": "ineq", "fun": room},
                bounds=[(1e-9, 2), (1e-9, 2)],
                method="SLSQP",
                options={"ftol": 1e-13, "maxiter": 500},
            )
            for start in ([0.5, 0.4], [0.7, 0.2], [0.3, 0.5])
        ]
        best = min(f.fun for f in found if room(f.x)[0] > -1e-9)
        assert value == pytest.approx(best, abs=1e-6)
