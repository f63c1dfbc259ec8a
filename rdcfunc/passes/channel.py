"""What an answer on samples sends: a letter that is a point of R^k, and perhaps the class."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import NATS_PER_BIT, Array, Indices
from rdcfunc.passes.choice import machine
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.rows import Rows

#: Halvings of the price in search of a rate.
_HALVINGS = 40


@dataclass(frozen=True)
class HeldOut:
    """What letters do for samples that they were not made for.

    Attributes
    ----------
    rate
        ``E log2 w(J|X) / r_J`` in bits: that of a code whose codewords have the law r of the letters.
    D
        The distortion.
    C
        ``E -log2 b_J(S)`` in bits, the cross-entropy of the letters' class laws; inf without labels.
    """

    rate: float
    D: float
    C: float


@dataclass(frozen=True, eq=False)
class PointChannel:
    """The channel ``w(j|x) ~ r_j e^{-s |x - y_j|²} b_j(c_x)^t`` from samples to points of R^k.

    Attributes
    ----------
    letters
        What the decoder shows for each letter, shape (m, k): the mean of the samples it stands for.
    law
        The law (m,) of the letter.
    posteriors
        ``P(S | letter)``, shape (m, K); K = 1 without labels.
    cloud
        The points y, weights r, class laws b and prices of the encoder, about ``centre``.
    points, classes
        The samples (n, k) and their classes (n,), or None.
    """

    letters: Array
    law: Array
    posteriors: Array
    cloud: Cloud = field(repr=False)
    centre: Array = field(repr=False)
    points: Array = field(repr=False)
    classes: Indices | None = field(repr=False)

    @property
    def columns(self) -> Indices:
        """The letter of each column of :meth:`table`, shape (N, 1): where the class is told at times, it has tags."""
        m = len(self.law)
        tags = 1 + self.posteriors.shape[1] if self.cloud.reveal > 0 else 1
        return np.tile(np.arange(m), tags)[:, None]

    def table(self) -> Array:
        """Return the encoder (n, N): letters, and where the class is told at times, letters with each class.

        Raises
        ------
        MemoryError
            If it would be too large.
        """
        n, N = len(self.points), len(self.columns)
        cure = "use .output, .sent.letters and .sent.posteriors, which need no table"
        checks.affordable(n, N, "the channel", cure, tables=2)  # of exponents and of the channel
        cloud = self.cloud
        labels = np.zeros(n, dtype=np.intp) if self.classes is None else self.classes
        e = 2 * cloud.s * (self.points - self.centre) @ cloud.letters.T + cloud.bias()[labels]
        e = np.exp(e - e.max(axis=1, keepdims=True))
        e /= e.sum(axis=1, keepdims=True)
        if not cloud.reveal > 0:
            found: Array = e
            return found
        told = (labels[:, None] == np.arange(self.posteriors.shape[1])).astype(np.float64)
        parts = [(1 - cloud.reveal) * e, *(cloud.reveal * told[:, [c]] * e for c in range(told.shape[1]))]
        return np.concatenate(parts, axis=1)

    def held_out(self, points: ArrayLike, labels: ArrayLike | None = None, R: float | None = None) -> HeldOut:
        """Return what the same letters do for other samples: at the same price, or at a rate R in bits.

        Parameters
        ----------
        points
            Samples (n', k) that the letters were not made for.
        labels
            Their classes, n' integers, if the answer was about classes.
        R
            Move the price until this rate is spent; None keeps it.

        Raises
        ------
        ValueError
            If the points have another dimension, or labels are missing, or not among the classes.
        """
        x = checks.finite(points, "points", 1 if np.ndim(points) == 1 else 2)
        x = x.reshape(len(x), -1)
        if x.shape[1] != self.points.shape[1]:
            raise ValueError(f"points must have k = {self.points.shape[1]} coordinates (got {x.shape[1]})")
        K = self.posteriors.shape[1]
        classes = None
        if self.classes is not None:
            if labels is None:
                raise ValueError("labels are needed, as the answer was about classes; give n' integers")
            classes = checks.indices(labels, "labels", K)
            if len(classes) != len(x):
                raise ValueError(f"labels must have one entry for each of the {len(x)} points (got {len(classes)})")
        work = float(len(x)) * len(self.law) * x.shape[1]
        rows = Rows(x, np.full(len(x), 1 / len(x)), classes, K, machine(work))
        shift = self.centre - rows.centre
        return self._at_rate(rows, shift, R)

    def _at_rate(self, rows: Rows, shift: Array, R: float | None) -> HeldOut:
        """Return what the letters do for rows whose mean is elsewhere."""
        base = replace(self.cloud, letters=self.cloud.letters + shift)
        shown = self.letters - self.centre + shift
        low, high, found = 0.25, 4.0, self._measure(rows, base, shown)
        if R is None:
            return found
        for _ in range(_HALVINGS):
            if abs(found.rate - R) < 1e-4 * R:
                break
            middle = float(np.sqrt(low * high))
            found = self._measure(rows, replace(base, s=base.s * middle), shown)
            low, high = (middle, high) if found.rate < R else (low, middle)
        return found

    def _measure(self, rows: Rows, cloud: Cloud, shown: Array) -> HeldOut:
        sums = rows.sweep(cloud)
        D = sums.energy - 2 * float((sums.moments * shown).sum()) + float(sums.law @ (shown**2).sum(axis=1))
        C, rate = np.inf, sums.coded(cloud)
        if self.classes is not None:
            loss = -float((sums.mass.T * np.log(np.maximum(self.posteriors, 1e-12)))[sums.mass.T > 0].sum())
            C = (1 - cloud.reveal) * loss / NATS_PER_BIT
            rate += cloud.reveal * sums.entropy
        return HeldOut(rate / NATS_PER_BIT, D, C)
