"""Parts of problems: random tables, a cost, and the channel that gives levels that can be met."""

from __future__ import annotations

import numpy as np


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
