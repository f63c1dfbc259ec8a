"""Classification: what a reproduction must still tell about the label S, with S - X - X̂ a Markov chain.

Three different constraints, never to be confused: a fixed classifier's cross-entropy or error rate (linear in
the channel), ``H(S|X̂)`` on the alphabet as it is (not convex), and ``H(S|X̂, T)`` where the decoder hands the
classifier a tag ``T`` along with its letter (convex). On one alphabet
``R_tagged <= R_fixed alphabet <= R_fixed classifier``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import NATS_PER_BIT, Array, Indices, entropy


@dataclass(frozen=True, eq=False)
class Classification(ABC):
    """A constraint on what the reproduction tells about the label."""

    #: Nats per public unit of the level.
    unit: ClassVar[float] = 1.0
    #: ``P(S = s | X = x)``, shape (n, K).
    labels: Array

    @abstractmethod
    def check(self, n: int, m: int) -> None:
        """Refuse alphabets of other sizes than this constraint was made for."""

    def _check_labels(self, n: int) -> None:
        if self.labels.shape[0] != n:
            raise ValueError(
                f"labels must have one row for each of the {n} source letters (got {self.labels.shape[0]} rows)"
            )


@dataclass(frozen=True, eq=False)
class LinearLabel:
    """The label ``S = weights · X + N(0, noise)`` of a Gaussian source.

    Parameters
    ----------
    weights
        A number, or a vector with one entry for each of the n components of the source; a matrix (q, n) for a label of
        q numbers.
    noise
        The variance of what else moves the label; for several numbers that of each, or a covariance (q, q).

    Raises
    ------
    ValueError
        If the weights are not finite, the noise is negative, or their shapes disagree.

    Examples
    --------
    >>> LinearLabel([0.3, 1.0], 0.1).weights
    array([0.3, 1. ])
    """

    weights: Array
    noise: float | Array

    def __init__(self, weights: ArrayLike, noise: ArrayLike) -> None:
        table = checks.finite(np.atleast_1d(checks.array(weights, "weights")), "weights", 1, 2)
        several = table.ndim == 2 and len(table) > 1
        object.__setattr__(self, "weights", table if several else checks.frozen(table.reshape(-1)))
        if not several:
            variance = checks.level(_variance(noise), "noise")
            object.__setattr__(self, "noise", variance)
            return
        q = len(table)
        spread = (
            np.eye(q) * checks.level(_variance(noise), "noise")
            if checks.array(noise, "noise").ndim == 0
            else checks.finite(noise, "noise", 2)
        )
        if spread.shape != (q, q) or not np.array_equal(spread, spread.T) or np.linalg.eigvalsh(spread)[0] < 0:
            raise ValueError(f"noise must be a variance or a covariance of shape ({q}, {q}) (got shape {spread.shape})")
        object.__setattr__(self, "noise", checks.frozen(spread))

    @property
    def several(self) -> bool:
        """Whether the label is more than one number."""
        return self.weights.ndim == 2


def _variance(noise: ArrayLike) -> float:
    """Return a finite number, given as one or as an array of one."""
    raw = checks.array(noise, "noise")
    if raw.size != 1:
        raise ValueError(f"noise must be one variance for a label of one number (got shape {raw.shape})")
    return float(checks.finite(raw.reshape(1), "noise", 1)[0])


@dataclass(frozen=True, eq=False)
class ConditionalEntropy(Classification):
    """``H(S | X̂) <= C`` in bits, or ``H(S | X̂, T) <= C`` with ``tagged=True``.

    Parameters
    ----------
    labels
        ``P(S = s | X = x)``, shape (n, K), or n integers for deterministic labels; a :class:`LinearLabel` for a
        Gaussian source, where C is a differential entropy, perhaps negative.
    tagged
        Let the decoder hand the classifier a tag along with its letter. This makes the problem convex, and is
        its value for continuous reproductions, whose vanishing perturbations can carry the tag.

    Examples
    --------
    >>> ConditionalEntropy([0, 1, 1]).deterministic
    True
    """

    labels: Array
    tagged: bool = False
    #: The label of a Gaussian source, whose reproductions carry tags of themselves; else None.
    linear: LinearLabel | None = field(init=False, default=None)
    unit: ClassVar[float] = NATS_PER_BIT

    def __init__(self, labels: ArrayLike | LinearLabel, tagged: bool = False) -> None:
        checks.kind(tagged, bool | np.bool_, "tagged", "True or False")
        linear = labels if isinstance(labels, LinearLabel) else None
        table = np.zeros((0, 0)) if isinstance(labels, LinearLabel) else checks.class_laws(labels, "labels")
        object.__setattr__(self, "labels", table)
        object.__setattr__(self, "linear", linear)
        object.__setattr__(self, "tagged", bool(tagged) or linear is not None)

    @property
    def deterministic(self) -> bool:
        """Whether the source letter determines the label."""
        return bool(((self.labels == 0) | (self.labels == 1)).all())

    def least(self, p: Array) -> float:
        """Return ``H(S | X)`` in nats, which no reproduction can beat."""
        return float(sum(px * entropy(row) for px, row in zip(p, self.labels, strict=True)))

    def check(self, n: int, m: int) -> None:
        if self.linear is not None:
            raise ValueError("a LinearLabel belongs to a Gaussian source; give an (n, K) table of P(s|x)")
        self._check_labels(n)


class FixedClassifier(Classification):
    """A constraint ``E cost(X, X̂) <= C`` that is linear in the channel."""

    #: Shape (n, m), in nats where it is an information.
    cost: Array

    def check(self, n: int, m: int) -> None:
        self._check_labels(n)
        if self.cost.shape[1] != m:
            raise ValueError(
                f"{type(self).__name__} must be given an answer for each of the {m} reproduction letters "
                f"(got {self.cost.shape[1]})"
            )


@dataclass(frozen=True, eq=False)
class CrossEntropy(FixedClassifier):
    """``E[-log2 c(S | X̂)] <= C`` bits of a fixed classifier ``c``; what neural codecs are trained on.

    Parameters
    ----------
    labels
        ``P(S = s | X = x)``, shape (n, K), or n integers.
    classifier
        ``c(s | x̂)``, shape (m, K), rows summing to one and positive wherever a label may occur.

    Raises
    ------
    ValueError
        If the shapes differ, or the classifier gives probability zero to a class.

    Examples
    --------
    >>> CrossEntropy([0, 1], [[0.5, 0.5], [0.25, 0.75]]).cost.shape
    (2, 2)
    """

    labels: Array
    classifier: Array
    unit: ClassVar[float] = NATS_PER_BIT

    def __init__(self, labels: ArrayLike, classifier: ArrayLike) -> None:
        table = checks.class_laws(labels, "labels")
        answers = checks.laws(classifier, "classifier", 2)
        if answers.shape[1] != table.shape[1]:
            raise ValueError(
                f"classifier must have one column for each of the {table.shape[1]} classes (got shape {answers.shape})"
            )
        if answers.min() == 0:
            j, s = np.argwhere(answers == 0)[0]
            raise ValueError(
                f"classifier must be positive (got 0 for class {s} at reproduction letter {j}): its cross-entropy "
                "would be infinite; mix it with a little of the uniform law"
            )
        object.__setattr__(self, "labels", table)
        object.__setattr__(self, "classifier", answers)
        object.__setattr__(self, "cost", checks.frozen(-table @ np.log(answers).T))


@dataclass(frozen=True, eq=False)
class ErrorRate(FixedClassifier):
    """``P(c(X̂) != S) <= C`` of a fixed decision ``c``; the level is a probability.

    Parameters
    ----------
    labels
        ``P(S = s | X = x)``, shape (n, K), or n integers.
    decision
        The class decided at each reproduction letter, m integers.

    Examples
    --------
    >>> ErrorRate([0, 1], [0, 0]).cost
    array([[0., 0.],
           [1., 1.]])
    """

    labels: Array
    decision: Indices

    def __init__(self, labels: ArrayLike, decision: ArrayLike) -> None:
        table = checks.class_laws(labels, "labels")
        object.__setattr__(self, "labels", table)
        object.__setattr__(self, "decision", checks.indices(decision, "decision", table.shape[1]))
        object.__setattr__(self, "cost", checks.frozen(1.0 - table[:, self.decision]))
