"""Whatever the Gaussian problem: a linear channel with noise beats no lower end."""

from dataclasses import dataclass

import numpy as np
from brackets import quietly
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, sources

inf = np.inf


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
