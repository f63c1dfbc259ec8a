"""A fixed list of columns: the best one is found by looking."""

from __future__ import annotations

from scipy.special import logsumexp

from rdcfunc.information import Array


def log_earnings(log_weights: Array) -> Array:
    """Return ``log Σ_x v(x, k)`` for each column k, from ``log v`` of shape (n, N)."""
    earned: Array = logsumexp(log_weights, axis=0)
    return earned
