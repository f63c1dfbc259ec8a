"""Sources on n letters, each a pmf."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import NATS_PER_BIT, Array, entropy


@dataclass(frozen=True, eq=False)
class Discrete:
    """A source on n letters with the pmf ``p`` (n,).

    Mass that is off by at most 1e-6 is renormalised (with a warning above 1e-12); more is refused.

    Raises
    ------
    ValueError
        If ``pmf`` is empty, not finite, negative somewhere, or does not sum to one.

    Examples
    --------
    >>> Discrete([0.25, 0.75]).n
    2
    """

    pmf: Array

    def __init__(self, pmf: ArrayLike) -> None:
        object.__setattr__(self, "pmf", checks.laws(pmf, "pmf", 1))

    @property
    def n(self) -> int:
        """The number of letters."""
        return self.pmf.size

    @property
    def entropy(self) -> float:
        """``H(X)`` in bits.

        >>> uniform(8).entropy
        3.0
        """
        return entropy(self.pmf) / NATS_PER_BIT


def bernoulli(p: float) -> Discrete:
    """Return a binary source with ``P(X = 1) = p``.

    Raises
    ------
    ValueError
        If ``p`` is outside [0, 1].

    Examples
    --------
    >>> bernoulli(0.3).pmf
    array([0.7, 0.3])
    """
    if not 0 <= checks.real(p, "p", "give the probability of the letter 1") <= 1:
        raise ValueError(f"p must lie in [0, 1] (got {p}); give the probability of the letter 1, not per cent")
    return Discrete([1 - p, p])


def uniform(n: int) -> Discrete:
    """Return the uniform source on ``n`` letters.

    Raises
    ------
    ValueError
        If ``n`` is below one.

    Examples
    --------
    >>> uniform(4).pmf
    array([0.25, 0.25, 0.25, 0.25])
    """
    letters = checks.count(n, "n", "give the number of letters")
    return Discrete(np.full(letters, 1.0 / letters))


def from_samples(samples: ArrayLike) -> tuple[Discrete, Array]:
    """Return the empirical law of samples, and the distinct points it lives on.

    Parameters
    ----------
    samples
        Shape (N,) or (N, k); equal rows are merged and their weights 1/N added.

    Returns
    -------
    source, points
        A :class:`Discrete` on the n distinct points, and these points, shape (n,) or (n, k), sorted.

    Examples
    --------
    >>> source, points = from_samples([2.0, 1.0, 2.0, 2.0])
    >>> source.pmf, points
    (array([0.25, 0.75]), array([1., 2.]))
    """
    table = checks.finite(samples, "samples", 1, 2)
    points, counts = np.unique(table, axis=0, return_counts=True)
    return Discrete(counts / counts.sum()), points
