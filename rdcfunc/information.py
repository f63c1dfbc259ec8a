"""Entropies of finite laws, in nats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, rel_entr

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Nats per bit. Numbers are in bits outside the library and in nats inside its solvers.
NATS_PER_BIT = float(np.log(2.0))


def entropy(law: Array) -> float:
    """Return ``H = -Σ q log q`` in nats of a pmf of any shape.

    >>> round(entropy(np.array([0.5, 0.5])) / NATS_PER_BIT, 12)
    1.0
    """
    return float(entr(law).sum())


def mutual_information(p: Array, channel: Array) -> float:
    """Return ``I(X; Y)`` in nats for a source ``p`` (n,) and a channel (n, m) with rows summing to one.

    >>> round(mutual_information(np.array([0.5, 0.5]), np.eye(2)) / NATS_PER_BIT, 12)
    1.0
    """
    q = p @ channel
    told = channel > 0
    # A column of less mass than this counts for nothing, and its ratio would overflow.
    ratio = np.divide(channel, np.maximum(q, 1e-300), out=np.ones_like(channel), where=told & (q > 0))
    return max(0.0, float(p @ np.einsum("xk,xk->x", channel, np.log(ratio, out=ratio))))


def class_joint(p: Array, channel: Array, labels: Array) -> Array:
    """Return ``P(Y = j, S = s)``, shape (m, K), for labels (n, K) holding ``P(S = s | X = x)``."""
    return (p[:, None] * channel).T @ labels


def conditional_entropy(joint: Array) -> float:
    """Return ``H(S | Y)`` in nats from the joint law (m, K) of ``Y`` and ``S``.

    >>> conditional_entropy(np.array([[0.5, 0.0], [0.0, 0.5]]))
    0.0
    """
    return max(0.0, float(-rel_entr(joint, joint.sum(axis=1, keepdims=True)).sum()))
