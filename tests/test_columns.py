"""The certified maximum over class posteriors: never below the supremum, and at it for the best column."""

import numpy as np
import pytest
from scipy.optimize import minimize

from rdcfunc.columns.tagged import log_earnings

#: What ``log_earnings`` promises by default, in nats.
ACCURACY = 1e-8

DETERMINISTIC = np.eye(3)[[0, 0, 1, 2, 2]]
TWO = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [1.0, 0.0], [0.03, 0.97]])
THREE = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])

CASES = [(DETERMINISTIC, t) for t in (1e-6, 0.3, 0.97, 1.0, 2.5, 40.0)]
CASES += [(L, t) for L in (TWO, THREE) for t in (1e-6, 0.3, 0.9, 1.0, 1.01, 1.7, 5.0, 60.0)]


def supremum(log_v: np.ndarray, labels: np.ndarray, t: float) -> float:
    """log sup_b Σ_x v_x Π_s b_s^{t L(x,s)} by local search from many starts, vertices included."""
    K = labels.shape[1]
    rng = np.random.default_rng(0)

    def log_f(log_b: np.ndarray) -> float:
        terms = log_v + t * labels @ log_b
        return float(terms.max() + np.log(np.exp(terms - terms.max()).sum()))

    def minus(z: np.ndarray) -> float:
        return -log_f(z - z.max() - np.log(np.exp(z - z.max()).sum()))

    starts = [np.log(rng.dirichlet(np.ones(K))) for _ in range(5)] + [20 * row for row in np.eye(K)]
    found = max(-minimize(minus, z, tol=1e-12).fun for z in starts)
    vertices = [log_f(np.log(np.maximum(row, 1e-300))) for row in np.eye(K)]
    return max(found, *vertices)


def weights(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=2.0, size=(n, 3))


@pytest.mark.parametrize(("labels", "t"), CASES)
def test_bound_holds_for_each_column_and_is_the_supremum_of_the_best(labels: np.ndarray, t: float) -> None:
    log_v = weights(1, len(labels))
    bound = log_earnings(log_v, labels, t)
    attained = np.array([supremum(column, labels, t) for column in log_v.T])
    assert (bound >= attained - 1e-12).all()
    assert bound.max() <= attained.max() + 2 * ACCURACY


@pytest.mark.parametrize("labels", [DETERMINISTIC, TWO, THREE])
def test_a_free_log_loss_leaves_the_plain_sum(labels: np.ndarray) -> None:
    log_v = weights(2, len(labels))
    np.testing.assert_allclose(log_earnings(log_v, labels, 0.0), np.log(np.exp(log_v).sum(axis=0)), atol=1e-12)


@pytest.mark.parametrize(("labels", "t"), [(DETERMINISTIC, 0.5), (TWO, 0.5), (TWO, 3.0), (THREE, 3.0)])
def test_scaling_the_weights_shifts_the_bound(labels: np.ndarray, t: float) -> None:
    log_v = weights(3, len(labels))
    shifted = log_earnings(log_v - 500.0, labels, t)
    np.testing.assert_allclose(shifted, log_earnings(log_v, labels, t) - 500.0, atol=1e-9)
