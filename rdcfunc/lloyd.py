r"""Lloyd's alternation for words, their code lengths and their class posteriors, in squared error.

One objective covers the fixed rate, the entropy constraint and the label:

.. math:: J = E|X - y_J|^2 + \lambda_r H(J) + \lambda_c H(S|J).

Given the words, a sample takes the cheapest one; given the assignment, centroids, frequencies and class frequencies
are the best words, lengths and posteriors. Neither half ever raises J.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from rdcfunc.information import NATS_PER_BIT, Array, Indices, conditional_entropy, entropy

#: Entries of a table of costs that are formed at once.
_ENTRIES = 2**22
#: Length in bits of what never happens: finite, so that times no chance it is nothing.
_NEVER = 1e4
#: Doublings by which the classification weight rises to its value from the words of none.
_DOUBLINGS = 4


@dataclass(frozen=True, eq=False)
class Data:
    """Centred points (n, k) of either precision, their law (n,), and class laws (n, K), K = 0 for none."""

    points: Array
    weights: Array
    labels: Array

    @cached_property
    def energy(self) -> float:
        """``E|X|²``."""
        squares = [np.einsum("ik,ik->i", self.points[part], self.points[part]) for part in self.chunks()]
        return float(self.weights @ np.concatenate(squares))

    def chunks(self, letters: int = 0) -> Iterator[slice]:
        """Yield ranges of samples whose points, and costs for so many letters, fit the memory meant for them."""
        n, k = self.points.shape
        rows = max(1, _ENTRIES // max(letters, k))
        return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


@dataclass(frozen=True)
class Price:
    """The weights λ_r of ``H(J)`` and λ_c of ``H(S|J)``, squared error per bit; when a descent ends.

    It ends after ``steps``, or after a step that lowers J by no more than its part ``tol``.
    """

    rate: float
    classification: float
    steps: int
    tol: float


@dataclass(frozen=True, eq=False)
class Codebook:
    """An assignment with what it is best decoded by, and its figures.

    Attributes
    ----------
    words, law, joint
        Centroids (m, k), frequencies (m,) and ``P(J = j, S = s)`` (m, K).
    assignment
        The word of each sample, shape (n,).
    distortion, entropy, equivocation
        ``E|X - y_J|²``, ``H(J)`` and ``H(S|J)`` in bits.
    """

    words: Array
    law: Array
    joint: Array
    assignment: Indices
    distortion: float
    entropy: float
    equivocation: float

    def objective(self, price: Price) -> float:
        """Return J."""
        return self.distortion + price.rate * self.entropy + price.classification * self.equivocation


def lengths(law: Array) -> Array:
    """Return ``-log2 p``, and a large number for infinity."""
    return -np.log2(law, out=np.full(law.shape, -_NEVER), where=law > 0)


def costs(points: Array, words: Array, offsets: Array, labels: Array, losses: Array) -> Array:
    """Return ``|x - y|² - |x|² + offsets[y] + Σ_s P(s|x) losses[y, s]``, shape (n, m), as precise as the points."""
    kind = points.dtype
    table = points @ (-2.0 * words.T).astype(kind)
    table += (np.einsum("jk,jk->j", words, words) + offsets).astype(kind)
    if losses.any():
        table += (labels @ losses.T).astype(kind)
    return table


def squared_errors(points: Array, words: Array, assignment: Indices) -> Array:
    """Return ``|x - y_j|²`` of each sample and its word, shape (n,), by differences: equal ones come out at zero."""
    apart = points - words.astype(points.dtype)[assignment]
    return np.einsum("ik,ik->i", apart, apart).astype(np.float64)


def descend(data: Data, letters: int, price: Price, rng: np.random.Generator, gently: bool) -> Codebook:
    """Return where the alternation ends from random samples as words.

    Of two ways to a large λ_c neither is always better. Gently, it rises from the words of none, which keeps their
    good places; at once, words differ in what they say of the label from the start, and without that never might.

    Raises
    ------
    ValueError
        If there are fewer distinct samples than words.

    References
    ----------
    Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    """
    if not gently or not price.classification:
        return settle(data, _start(data, letters, price, rng), price)
    free = replace(price, classification=0.0)
    book = settle(data, _start(data, letters, free, rng), free)
    for doubling in range(_DOUBLINGS, -1, -1):
        book = settle(data, book, replace(price, classification=price.classification * 0.5**doubling))
    return book


def settle(data: Data, book: Codebook, price: Price) -> Codebook:
    """Return where the alternation ends from a codebook, without the words that do not pay for their rate."""
    book = _alternate(data, book, price)
    while price.rate and len(book.words) > 1:
        rest = np.arange(len(book.words)) != _least_missed(data, book, price)
        fewer = _alternate(data, _unassigned(book.words[rest], book.law[rest], book.joint[rest]), price)
        if fewer.objective(price) > book.objective(price):
            break
        book = fewer
    return book


def step(data: Data, book: Codebook, price: Price) -> Codebook:
    """Return the best codebook of the cheapest assignment: J is no higher, but for rounding."""
    assignment = np.empty(len(data.points), np.intp)
    for part, table in _tables(data, book, price):
        table.argmin(axis=1, out=assignment[part])
    if price.rate:
        kept, assignment = np.unique(assignment, return_inverse=True)
        return _decoded(data, assignment, len(kept))
    _fill(data, book.words, assignment)
    return _decoded(data, assignment, len(book.words))


def _alternate(data: Data, book: Codebook, price: Price) -> Codebook:
    least = book.objective(price)
    for _ in range(price.steps):
        following = step(data, book, price)
        value = following.objective(price)
        if value > least:  # by rounding
            break
        fall, least, book = least - value, value, following
        if fall <= price.tol * value:
            break
    return book


def _tables(data: Data, book: Codebook, price: Price) -> Iterator[tuple[slice, Array]]:
    offsets = price.rate * lengths(book.law)
    told = book.joint / np.where(book.law > 0, book.law, 1.0)[:, None]
    losses = price.classification * lengths(told)
    for part in data.chunks(len(book.words)):
        yield part, costs(data.points[part], book.words, offsets, data.labels[part], losses)


def _fill(data: Data, words: Array, assignment: Indices) -> None:
    """Give each word that is not used the sample that costs most: alone, it costs nothing."""
    idle = np.flatnonzero(np.bincount(assignment, minlength=len(words)) == 0)
    if not idle.size:
        return
    worst = np.concatenate(
        [data.weights[part] * squared_errors(data.points[part], words, assignment[part]) for part in data.chunks()]
    )
    moved = np.argsort(-worst, kind="stable")[: idle.size]
    assignment[moved] = idle


def _decoded(data: Data, assignment: Indices, m: int) -> Codebook:
    """Return the best words, lengths and posteriors of an assignment; long sums are in double precision."""
    law: Array = np.bincount(assignment, data.weights, m).astype(np.float64)
    sums, joint = np.zeros((m, data.points.shape[1])), np.zeros((m, data.labels.shape[1]))
    for part in data.chunks():
        points, weights = data.points[part], data.weights[part]
        share = csr_matrix((weights, (assignment[part], np.arange(len(weights)))), shape=(m, len(weights)))
        sums += share.astype(points.dtype) @ points
        joint += share @ data.labels[part]
    words = sums / np.where(law > 0, law, 1.0)[:, None]
    distortion = max(0.0, data.energy - float(law @ np.einsum("jk,jk->j", words, words)))
    equivocation = conditional_entropy(joint) if joint.size else 0.0
    return Codebook(words, law, joint, assignment, distortion, entropy(law) / NATS_PER_BIT, equivocation / NATS_PER_BIT)


def _least_missed(data: Data, book: Codebook, price: Price) -> int:
    """Return the word without which its samples would pay least, each taking the next best one."""
    missed = np.zeros(len(book.words))
    for part, table in _tables(data, book, price):
        first, second = np.partition(table, 1, axis=1)[:, :2].T.astype(np.float64)
        missed += np.bincount(table.argmin(axis=1), data.weights[part] * (second - first), len(missed))
    return int(missed.argmin())


def _start(data: Data, letters: int, price: Price, rng: np.random.Generator) -> Codebook:
    """Return samples as words, each drawn in proportion to what it costs to take it for the nearest of those before.

    Words start by half believing in the label of their sample.
    """
    n = len(data.points)
    K = data.labels.shape[1]
    told = price.classification * np.log2(max(K, 1)) / 2
    drawn = np.empty(letters, np.intp)
    nearest, chances = np.full(n, np.inf), data.weights
    for j in range(letters):
        mass = chances.sum()
        if not mass > 0:
            raise ValueError(
                f"letters must be <= the number of distinct samples (got {letters} letters for {j} distinct samples); "
                "ask for fewer letters"
            )
        drawn[j] = rng.choice(n, p=chances / mass)
        word, label = data.points[drawn[j] : drawn[j] + 1], data.labels[drawn[j]]
        for part in data.chunks():
            points = data.points[part]
            apart = squared_errors(points, word, np.zeros(1, np.intp))
            if told:
                apart += told * np.abs(data.labels[part] - label).sum(axis=1)
            np.minimum(nearest[part], apart, out=nearest[part])
        chances = data.weights * nearest
    law = np.full(letters, 1.0 / letters)
    joint = law[:, None] * (data.labels[drawn] + 1.0 / max(K, 1)) / 2
    return _unassigned(data.points[drawn].astype(np.float64), law, joint)


def _unassigned(words: Array, law: Array, joint: Array) -> Codebook:
    return Codebook(words, law, joint, np.empty(0, np.intp), np.inf, 0.0, 0.0)
