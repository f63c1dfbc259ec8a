"""Parts of problems: random tables, a cost, and the channel that gives levels that can be met."""

from __future__ import annotations

from functools import cache

import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, sources


def random_parts(seed: int, n: int, m: int, K: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a pmf (n,), a distortion (n, m) whose rows reach zero, and labels (n, K)."""
    rng = np.random.default_rng(seed)
    d = rng.random((n, m))
    return rng.dirichlet(np.full(n, 2.0)), d - d.min(axis=1, keepdims=True), rng.dirichlet(np.ones(K), n)


def likely(cost: np.ndarray) -> np.ndarray:
    """Return the channel that prefers cheap letters."""
    weights = np.exp(-6 * cost)
    return weights / weights.sum(axis=1, keepdims=True)


def mean(p: np.ndarray, channel: np.ndarray, cost: np.ndarray) -> float:
    return float(p @ (channel * cost).sum(axis=1))


def abs_cost(n: int) -> np.ndarray:
    return np.abs(np.subtract.outer(np.arange(n), np.arange(n))) * 1.0


@cache
def random_square(n: int) -> rdc.Problem:
    """Return a problem of n letters where each shows itself for free."""
    rng = np.random.default_rng(0)
    d = rng.random((n, n))
    np.fill_diagonal(d, 0.0)
    return rdc.Problem(sources.Discrete(rng.dirichlet(np.ones(n))), distortions.matrix(d))


def most(problem: rdc.Problem) -> float:
    """Return the distortion of the best constant."""
    return float((problem.source.pmf @ problem.distortion.values).min())
