"""Channels that are no tables: what a Gaussian answer sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import inf

import numpy as np

from rdcfunc.information import NATS_PER_BIT, Array
from rdcfunc.rounding import EPS


@dataclass(frozen=True, eq=False)
class GaussianChannel:
    r"""A channel :math:`\hat X = G X + N(0, V)` from a Gaussian source of covariance Σ.

    Attributes
    ----------
    gains, noises
        What G and V are on some axes, shape (k, k); they are zero on all others.
    axes
        Orthonormal columns, shape (n, k).
    source
        Σ, shape (n, n).

    Examples
    --------
    >>> channel = GaussianChannel(np.array([[0.5]]), np.array([[0.25]]), np.eye(1), np.array([[1.0]]))
    >>> channel.gain, channel.output, channel.error, channel.rate
    (array([[0.5]]), array([[0.5]]), array([[0.5]]), 0.5)
    """

    gains: Array
    noises: Array
    axes: Array = field(repr=False)
    source: Array = field(repr=False)

    @cached_property
    def gain(self) -> Array:
        """G, shape (n, n)."""
        return self.axes @ self.gains @ self.axes.T

    @cached_property
    def noise(self) -> Array:
        """V, shape (n, n)."""
        V = self.axes @ self.noises @ self.axes.T
        return (V + V.T) / 2

    @property
    def output(self) -> Array:
        """The covariance of the reproduction."""
        return self.gain @ self.source @ self.gain.T + self.noise

    @property
    def error(self) -> Array:
        """The covariance of the source when the reproduction is known."""
        # An inverse of the output would be as large as its least eigenvalue is small.
        values, axes = np.linalg.eigh(self.output)
        live = values > len(values) * EPS * max(float(values[-1]), 0.0)
        told = self.source @ self.gain.T @ axes[:, live]
        return self.source - (told / values[live]) @ told.T

    @property
    def distortion(self) -> float:
        """``E|X - X̂|²``."""
        rest = np.eye(len(self.source)) - self.gain
        return float(np.trace(rest @ self.source @ rest.T) + np.trace(self.noise))

    @property
    def rate(self) -> float:
        r"""``I(X; X̂)`` in bits, :math:`\tfrac12 \log \det (G \Sigma G^T + V) / \det V`.

        It is inf if a component of the reproduction tells something without noise; one that tells nothing is left out.
        """
        heard = self.axes.T @ self.source @ self.axes
        told = self.gains @ heard @ self.gains.T
        size = np.sqrt(np.maximum(np.diag(told + self.noises), 0.0))
        seen = size > 0
        told, noise = (A[np.ix_(seen, seen)] / np.outer(size[seen], size[seen]) for A in (told, self.noises))
        values, axes = np.linalg.eigh((noise + noise.T) / 2)
        # Where all axes are apart, so are their noises, however small.
        apart = not np.count_nonzero(noise - np.diag(np.diag(noise)))
        live = values > (0.0 if apart else len(values) * EPS)
        share = axes.T @ told @ axes
        if (np.diag(share)[~live] > 64 * len(values) * EPS).any():
            return inf
        ratio = share[np.ix_(live, live)] / np.sqrt(np.outer(values[live], values[live]))
        return float(np.linalg.slogdet(np.eye(int(live.sum())) + ratio)[1]) / (2 * NATS_PER_BIT)

    def left(self, weights: Array, noise: float) -> float:
        """Return the variance that is left of a label ``weights · X + N(0, noise)``."""
        return float(weights @ self.error @ weights) + noise
