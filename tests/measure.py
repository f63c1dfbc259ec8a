"""What a channel spends and achieves, measured without the library's own measures."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

import rdcfunc as rdc
from rdcfunc import classifications, perceptions


def information(p: np.ndarray, channel: np.ndarray) -> float:
    """``I(X; Y)`` in bits as ``H(Y) - H(Y|X)``."""
    q = p @ channel

    def bits(law: np.ndarray) -> float:
        law = law[law > 0]
        return -float(law @ np.log2(law))

    return bits(q) - sum(px * bits(row) for px, row in zip(p, channel, strict=True))


def equivocation(p: np.ndarray, channel: np.ndarray, labels: np.ndarray) -> float:
    """``H(S | Y)`` in bits, letter by letter."""
    total = 0.0
    for column in channel.T:
        joint = (p * column) @ labels
        mass = joint.sum()
        law = joint[joint > 0] / (mass or 1.0)
        total -= mass * float(law @ np.log2(law))
    return total


def relative_entropy(a: np.ndarray, b: np.ndarray) -> float:
    """``KL(a ‖ b)`` in bits."""
    live = a > 0
    with np.errstate(divide="ignore"):
        return float(a[live] @ np.log2(a[live] / b[live]))


def divergence(measure: perceptions.Divergence, p: np.ndarray, q: np.ndarray) -> float:
    if isinstance(measure, perceptions.TotalVariation):
        return float(np.maximum(q - p, 0).sum())
    if isinstance(measure, perceptions.KL):
        return relative_entropy(q, p)
    if isinstance(measure, perceptions.ReverseKL):
        return relative_entropy(p, q)
    if isinstance(measure, perceptions.JensenShannon):
        return (relative_entropy(q, (p + q) / 2) + relative_entropy(p, (p + q) / 2)) / 2
    if isinstance(measure, perceptions.ChiSquared):
        assert not q[p == 0].any()
        return float((q[p > 0] ** 2 / p[p > 0]).sum()) - 1
    if isinstance(measure, perceptions.Hellinger):
        return 1 - float(np.sqrt(p * q).sum())
    assert isinstance(measure, perceptions.Wasserstein)
    # Kantorovich's dual: max <u, p> + <v, q> s.t. u_x + v_j <= cost(x, j).
    n, m = measure.cost.shape
    pairs = np.hstack([np.repeat(np.eye(n), m, axis=0), np.tile(np.eye(m), (n, 1))])
    # Scaled far above the tolerances of the solver, which are absolute.
    dual = linprog(-1e6 * np.concatenate([p, q]), A_ub=pairs, b_ub=measure.cost.ravel(), bounds=(None, None))
    return -1e-6 * float(dual.fun)


def levels(problem: rdc.Problem, solution: rdc.Solution) -> rdc.Target:
    """Return what the solution's channel achieves on each measure of the problem; inf where there is none."""
    p, W = problem.source.pmf, solution.channel
    D = float(np.einsum("x,xj,xj->", p, W, problem.distortion.values))
    P = np.inf if problem.perception is None else divergence(problem.perception, p, p @ W)
    measure, C = problem.classification, np.inf
    if isinstance(measure, classifications.ConditionalEntropy):
        C = equivocation(p, solution.encoder if measure.tagged else W, measure.labels)
    elif isinstance(measure, classifications.CrossEntropy):
        C = -float(np.einsum("x,xj,xs,js->", p, W, measure.labels, np.log2(measure.classifier)))
    elif isinstance(measure, classifications.ErrorRate):
        decided = np.eye(measure.labels.shape[1])[measure.decision]
        C = 1.0 - float(np.einsum("x,xj,xs,js->", p, W, measure.labels, decided))
    return rdc.Target(D, max(P, 0.0), max(C, 0.0))


def assert_meets(problem: rdc.Problem, solution: rdc.Solution, target: rdc.Target, slack: float = 1e-12) -> None:
    """Assert that the channel is one, that it meets every level and spends what the solution says."""
    for table in (solution.encoder, solution.channel):
        assert table.min() >= 0
        np.testing.assert_allclose(table.sum(axis=1), 1.0, atol=1e-12)
    achieved = levels(problem, solution)
    for name in "DPC":
        level, found = getattr(target, name), getattr(achieved, name)
        assert found <= level + slack * max(1.0, level), f"{name} = {found:.15g} exceeds {level:.15g}"
        stated = getattr(solution.achieved, name)
        assert found == stated or abs(found - stated) < 1e-9, f"{name}: stated {stated}, found {found}"
    assert abs(solution.rate - information(problem.source.pmf, solution.encoder)) < 1e-9
