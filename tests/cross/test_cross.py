"""Numbers of software that is not ours: cvxpy with three solvers, dit, SciPy, POT and linear programs."""

import warnings
from collections.abc import Iterator
from types import ModuleType

import cvxpy as cp
import numpy as np
import ot
import pytest
from brackets import assert_honest
from oracles import LN2, total_variation
from parts import abs_cost, likely, mean, random_parts
from scipy.optimize import linprog
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, wasserstein_distance

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, sources
from rdcfunc.information import mutual_information


@pytest.fixture(scope="module")
def dit() -> Iterator[ModuleType]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own making, at import and after
        import dit
        import dit.divergences
        import dit.rate_distortion.blahut_arimoto

        yield dit


@pytest.mark.parametrize(("backend", "accuracy"), [("CLARABEL", 1e-6), ("ECOS", 1e-6), ("SCS", 2e-3)])
def test_three_conic_solvers_of_the_program_written_out(backend: str, accuracy: float) -> None:
    if backend not in cp.installed_solvers():
        pytest.skip(f"{backend} has no wheel for this Python")
    p, d, _ = random_parts(21, 4, 4)
    witness = 0.5 * likely(d) + 0.5 * np.eye(4)
    D, P = mean(p, witness, d), float(np.abs(p @ witness - p).sum() / 2)
    W = cp.Variable((4, 4), nonneg=True)
    law = p @ W
    rate = sum(p[x] * cp.sum(cp.kl_div(W[x], law)) for x in range(4)) / LN2
    levels = [cp.sum(W, axis=1) == 1, cp.sum(cp.multiply(p[:, None] * d, W)) <= D, *total_variation(p, P, law)]
    program = cp.Problem(cp.Minimize(rate), levels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between cvxpy and its backends
        program.solve(solver=backend)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.TotalVariation())
    assert_honest(rdc.rate(problem, D, P), float(program.value), accuracy)


@pytest.mark.parametrize("seed", range(3))
def test_divergences_and_information(dit: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, q, cost = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4)), rng.random((4, 4))
    names = ["0", "1", "2", "3"]
    a, b = dit.Distribution(names, p), dit.Distribution(names, q)

    def ours(measure: perceptions.Divergence) -> float:
        return measure.value(p, q) / measure.unit

    known = {
        perceptions.TotalVariation(): [dit.divergences.variational_distance(a, b), ot.emd2(p, q, 1 - np.eye(4))],
        perceptions.KL(): [dit.divergences.kullback_leibler_divergence(b, a), entropy(q, p, base=2)],
        perceptions.ReverseKL(): [dit.divergences.kullback_leibler_divergence(a, b), entropy(p, q, base=2)],
        perceptions.JensenShannon(): [
            dit.divergences.jensen_shannon_divergence([a, b]),
            jensenshannon(p, q, base=2) ** 2,
        ],
        perceptions.Hellinger(): [dit.divergences.hellinger_distance(a, b) ** 2],
        perceptions.Wasserstein(cost): [ot.emd2(p, q, cost)],
        perceptions.Wasserstein(abs_cost(4)): [wasserstein_distance(range(4), range(4), p, q)],
        perceptions.Wasserstein(abs_cost(4) ** 2): [ot.emd2_1d(np.arange(4.0), np.arange(4.0), p, q)],
    }
    for measure, others in known.items():
        np.testing.assert_allclose(others, ours(measure), atol=1e-10)
    channel = rng.dirichlet(np.ones(3), 4)
    joint = dit.Distribution([f"{x}{j}" for x in range(4) for j in range(3)], (p[:, None] * channel).ravel())
    assert dit.shannon.mutual_information(joint, [0], [1]) == pytest.approx(mutual_information(p, channel) / LN2)


def test_no_point_of_dits_curve_lies_below_ours(dit: ModuleType) -> None:
    p, d, _ = random_parts(22, 4, 4)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d))
    for slope in (1.0, 4.0):
        _, joint = dit.rate_distortion.blahut_arimoto.blahut_arimoto(
            p, slope, lambda p, q: d, max_iters=2000, restarts=1
        )
        channel = joint / joint.sum(axis=1, keepdims=True)
        theirs = mutual_information(p, channel) / LN2
        answer = rdc.rate(problem, mean(p, channel, d) + 1e-12)
        assert answer.lower <= theirs + 1e-12
        assert theirs <= answer.upper + 5e-3  # as far as its stopping rule goes


def posterior_program(p: np.ndarray, d: np.ndarray, labels: np.ndarray, D: float, C: float, size: int) -> float:
    """Return the least ``I(X; X̂, T)`` in bits over laws of source posteriors on a grid, n = 2: an upper bound."""
    x = np.linspace(0.0, 1.0, size)
    law = np.stack([1 - x, x], axis=1)
    told = [entropy(law, base=2, axis=1), entropy(law @ labels, base=2, axis=1), (law @ d).min(axis=1)]
    solved = linprog(
        -told[0], A_ub=[told[2], told[1]], b_ub=[D, C], A_eq=[np.ones(size), x], b_eq=[1.0, p[1]], method="highs"
    )
    assert solved.status == 0
    return float(entropy(p, base=2) + solved.fun)


@pytest.mark.parametrize("seed", range(4))
def test_a_linear_program_over_posteriors_is_the_tagged_problem(seed: int) -> None:
    """A column of the tagged problem is a posterior of the source, shown as the letter that it makes cheapest."""
    p, d, labels = random_parts(seed + 30, 2, 3, 3)
    witness = likely(d)
    joint = (p[:, None] * witness).T @ labels
    C = float(entropy(joint.ravel(), base=2) - entropy(joint.sum(axis=1), base=2))
    D = mean(p, witness, d)
    measure = classifications.ConditionalEntropy(labels, tagged=True)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure)
    answer = rdc.rate(problem, D, C=C, tol=1e-5)
    fine = posterior_program(p, d, labels, D, C, 4001)
    assert answer.lower <= fine + 1e-9
    assert fine <= answer.upper + 1e-5


def test_a_decoder_of_a_fixed_encoder_is_a_linear_program() -> None:
    p, d, _ = random_parts(40, 3, 3)
    encoder = likely(d)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.Wasserstein(abs_cost(3)))
    joint = (p[:, None] * encoder).T
    P = 0.05
    # Variables: the decoder q(j|z), then a transport plan from p to the law shown.
    spend = np.concatenate([(joint @ d).ravel(), np.zeros(9)])
    law = joint.sum(axis=1)
    rows = np.hstack([np.repeat(np.eye(3), 3, axis=1), np.zeros((3, 9))])
    sent = np.hstack([np.zeros((3, 9)), np.repeat(np.eye(3), 3, axis=1)])
    shown = np.hstack([np.tile(np.eye(3), 3) * np.repeat(law, 3), -np.tile(np.eye(3), 3)])
    fare = np.concatenate([np.zeros(9), abs_cost(3).ravel()])[None]
    known = linprog(
        spend, A_ub=fare, b_ub=[P], A_eq=np.vstack([rows, sent, shown]), b_eq=[*np.ones(3), *p, *np.zeros(3)]
    )
    assert known.status == 0
    assert_honest(rdc.decode(problem, encoder, P), float(known.fun), 1e-9)


def test_gaussian_levels_are_those_of_a_fine_grid() -> None:
    """POT's W2² between grids agrees with the squared difference of deviations."""
    x = np.linspace(-6, 6, 801)
    laws = [sources.discretise(sources.Gaussian(v), x).pmf for v in (1.0, 0.49)]
    assert ot.emd2_1d(x, x, *laws) == pytest.approx(0.09, abs=1e-3)
    problem = rdc.Problem(sources.Gaussian(1.0), distortions.squared_error(), perceptions.Wasserstein())
    assert rdc.rate(problem, 0.51, 0.09).value == pytest.approx(rdc.rate(problem, 0.51).value, abs=1e-9)
