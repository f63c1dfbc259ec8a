"""Words for samples, and what they do to samples they were not made from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks, lloyd
from rdcfunc.information import NATS_PER_BIT, Array, Indices, conditional_entropy, entropy


@dataclass(frozen=True, eq=False)
class Quantised:
    """What a quantiser does to samples.

    Attributes
    ----------
    assignment
        The word of each sample, shape (n,).
    distortion
        ``E|X - y_J|²``, summed over the k coordinates; divide by k for the mean.
    entropy
        ``H(J)`` in bits.
    equivocation
        ``H(S|J)`` in bits of the empirical law: what no reader of the words can fall below. Here and below, NaN
        without labels.
    cross_entropy
        ``E[-log2 q(S|J)]`` in bits with the quantiser's posteriors.
    accuracy
        How often the most probable class of the word is the label.
    """

    assignment: Indices
    distortion: float
    entropy: float
    equivocation: float
    cross_entropy: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class VectorQuantiser:
    """Words for samples, most frequent first, as :func:`rdcfunc.quantisation.vector_quantiser` finds them.

    Attributes
    ----------
    words
        The codebook, shape (m, k); (m,) if the samples are numbers.
    law
        How often each is used, shape (m,).
    posteriors
        ``q(s|j)``, shape (m, K): class frequencies with half a count added to each, as Krichevsky and Trofimov do,
        so that what was not seen keeps a finite length. None without labels.
    rate_weight, classification_weight
        The prices λ_r and λ_c that the words suit, squared error per bit.
    training
        What it does to the samples it was made from, whose labels its encoder was told.
    """

    words: Array
    law: Array
    posteriors: Array | None
    rate_weight: float
    classification_weight: float
    training: Quantised

    @property
    def rate(self) -> float:
        """``log2 m`` in bits: what sending the number of a word takes. Never below its entropy."""
        return math.log2(len(self.words))

    def encode(self, samples: ArrayLike, beliefs: ArrayLike | None = None) -> Indices:
        """Return the cheapest word of each sample, shape (n,), by an encoder that sees the sample alone.

        It minimises ``|x - y_j|² + λ_r log2(1/p_j) + λ_c Σ_s P(s|x) log2(1/q(s|j))``, the expected cost given x.

        Parameters
        ----------
        samples
            Shape (n, k), or (n,) for numbers.
        beliefs
            ``P(s|x)``, shape (n, K), from any classifier that sees x; n integers for an encoder that is told the
            label. Without it the last term is left out.

        Raises
        ------
        ValueError
            If samples or beliefs do not fit the words.
        """
        points = self._points(samples)
        return self._encode(points, self._laws(beliefs, len(points), "beliefs"))

    def measure(
        self,
        samples: ArrayLike,
        labels: ArrayLike | None = None,
        beliefs: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> Quantised:
        """Measure the quantiser on samples, such as held-out ones, encoded as by :meth:`encode`.

        Parameters
        ----------
        samples, beliefs
            What the encoder sees.
        labels
            The truth, which it does not see: n integers or ``P(S = s | X = x)``, shape (n, K).
        weights
            The law of the samples, shape (n,), uniform by default.

        Raises
        ------
        ValueError
            If the arguments do not fit each other or the words.

        Examples
        --------
        >>> from rdcfunc.quantisation import vector_quantiser
        >>> quantiser = vector_quantiser([0.0, 0.2, 1.0, 1.2], 2, labels=[0, 0, 1, 1])
        >>> held_out = quantiser.measure([0.1, 0.4, 1.1, 0.5], labels=[0, 0, 1, 1])
        >>> held_out.assignment, round(held_out.distortion, 6), held_out.accuracy
        (array([0, 0, 1, 0]), 0.0625, 0.75)
        """
        points = self._points(samples)
        n = len(points)
        assignment = self._encode(points, self._laws(beliefs, n, "beliefs"))
        return figures(
            points, self._rows, self.posteriors, assignment, checked_law(weights, n), self._laws(labels, n, "labels")
        )

    @property
    def _rows(self) -> Array:
        return self.words.reshape(len(self.words), -1)

    def _encode(self, points: Array, beliefs: Array) -> Indices:
        losses = np.zeros((len(self.words), 0))
        if self.posteriors is not None and beliefs.size:
            losses = self.classification_weight * lloyd.lengths(self.posteriors)
        words, offsets = self._rows, self.rate_weight * lloyd.lengths(self.law)
        data = lloyd.Data(points, np.empty(0), beliefs)
        assignment = np.empty(len(points), np.intp)
        for part in data.chunks(len(words)):
            lloyd.costs(points[part], words, offsets, beliefs[part], losses).argmin(axis=1, out=assignment[part])
        assignment.flags.writeable = False
        return assignment

    def _points(self, samples: ArrayLike) -> Array:
        points = checked_points(samples)
        if points.shape[1] != self._rows.shape[1]:
            raise ValueError(
                f"samples must have the {self._rows.shape[1]} coordinates of the words (got {points.shape[1]})"
            )
        return points

    def _laws(self, laws: ArrayLike | None, n: int, name: str) -> Array:
        if laws is None:
            return np.empty((n, 0))
        if self.posteriors is None:
            raise ValueError(f"{name} mean nothing to words made without labels; give vector_quantiser labels")
        return checked_labels(laws, n, name, self.posteriors.shape[1])


def figures(
    points: Array, words: Array, posteriors: Array | None, assignment: Indices, law: Array, labels: Array
) -> Quantised:
    """Measure words (m, k) on points (n, k) assigned to them, of class laws (n, K), K = 0 for none."""
    m, distortion = len(words), 0.0
    for part in lloyd.Data(points, law, labels).chunks():
        distortion += float(law[part] @ lloyd.squared_errors(points[part], words, assignment[part]))
    told = labels if labels.size else np.ones((len(law), 1))
    joint = np.zeros((m, told.shape[1]))
    np.add.at(joint, assignment, law[:, None] * told)
    bits = entropy(joint.sum(axis=1)) / NATS_PER_BIT
    if posteriors is None or not labels.size:
        return Quantised(assignment, distortion, bits, math.nan, math.nan, math.nan)
    return Quantised(
        assignment,
        distortion,
        bits,
        conditional_entropy(joint) / NATS_PER_BIT,
        float((joint * lloyd.lengths(posteriors)).sum()),
        float(joint[np.arange(m), posteriors.argmax(axis=1)].sum()),
    )


def checked_points(samples: ArrayLike) -> Array:
    """Return checked samples of shape (n, k), in single precision if they are given so, else in double."""
    points = checks.finite(samples, "samples", 1 if np.ndim(samples) == 1 else 2)
    if np.asarray(samples).dtype == np.float32:
        points = points.astype(np.float32)
    return points.reshape(len(points), -1)


def checked_law(weights: ArrayLike | None, n: int) -> Array:
    """Return the law of n samples, uniform by default."""
    law = np.full(n, 1.0 / n) if weights is None else checks.laws(weights, "weights", 1)
    if law.size != n:
        raise ValueError(f"weights must have one entry for each of the {n} samples (got {law.size})")
    return law


def checked_labels(laws: ArrayLike, n: int, name: str, classes: int = 0) -> Array:
    """Return class laws (n, K), of at least so many classes if they are integers."""
    table = checks.class_laws(laws, name)
    if np.ndim(laws) == 1 and table.shape[1] < classes:
        table = np.pad(table, ((0, 0), (0, classes - table.shape[1])))
    if len(table) != n or (classes and table.shape[1] != classes):
        shape = f"({n}, {classes})" if classes else f"({n}, K)"
        raise ValueError(f"{name} must be {n} integers or have the shape {shape} (got {table.shape})")
    return table
