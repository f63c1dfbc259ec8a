"""Sources: the law of what is to be compressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks, grids
from rdcfunc.information import NATS_PER_BIT, Array, entropy
from rdcfunc.samples import Samples as Samples


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


#: Part of the largest variance below which a component counts as constant.
_LEAST = 2.0**-300
#: Largest entry of a covariance, so that sums of a few are numbers.
_MOST = 1e300


@dataclass(frozen=True)
class Spectrum:
    """A covariance in its own axes: ``Σ = axes diag(variances) axesᵀ``.

    Attributes
    ----------
    variances
        The variances that count as positive, falling, shape (k,).
    axes
        Orthonormal columns, shape (n, k).
    blur
        How far a computed variance may be from a true one, by rounding.
    """

    variances: Array
    axes: Array
    blur: float


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A Gaussian source: a number with a variance, or a vector (n,) with a covariance (n, n).

    The mean plays no part: a reproduction shares it. A covariance may be singular. Eigenvalues that rounding cannot
    tell from zero, below ``n`` roundings of the largest, count as zero.

    Raises
    ------
    ValueError
        If the covariance is not finite, not symmetric, or has a negative eigenvalue.

    Examples
    --------
    >>> Gaussian(4.0).covariance
    array([[4.]])
    >>> Gaussian([[2.0, 1.0], [1.0, 2.0]]).spectrum.variances.round(12)
    array([3., 1.])
    """

    covariance: Array

    def __init__(self, covariance: ArrayLike) -> None:
        if checks.array(covariance, "covariance").ndim == 1:
            raise ValueError("covariance must be a variance or a square matrix (got a row); use np.diag(variances)")
        raw = checks.finite(covariance, "covariance", 0, 2)
        table = np.array(raw, ndmin=2)
        if table.shape[0] != table.shape[1]:
            raise ValueError(f"covariance must be a variance or a square matrix (got shape {table.shape})")
        size = float(np.abs(table).max())
        if size > _MOST:
            raise ValueError(f"covariance must hold numbers of at most {_MOST} (got {size:.6g}); rescale it")
        skew = float(np.abs(table - table.T).max())
        if skew > checks.SILENT_MASS * size:
            raise ValueError(f"covariance must be symmetric (got entries {skew:.3g} apart); use (A + A.T) / 2")
        object.__setattr__(self, "covariance", checks.frozen(table / 2 + table.T / 2))
        least = float(np.diag(table).min() if self.n == 1 else np.linalg.eigvalsh(self.covariance)[0])
        if least < -checks.SILENT_MASS * size or (self.n == 1 and least < 0):
            raise ValueError(f"covariance must be positive semidefinite (got the eigenvalue {least:.6g})")

    @property
    def n(self) -> int:
        """The number of components."""
        return self.covariance.shape[0]

    @property
    def pmf(self) -> Array:
        """Refuse: there is none.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("a Gaussian source has no pmf; sources.discretise makes one on a grid")

    @cached_property
    def spectrum(self) -> Spectrum:
        """The covariance in its own axes, without those of no variance."""
        diagonal = np.diag(self.covariance)
        if np.array_equal(np.diag(diagonal), self.covariance):
            order = np.argsort(-diagonal, kind="stable")
            order = order[diagonal[order] > _LEAST * float(diagonal.max())]
            return Spectrum(diagonal[order], np.eye(self.n)[:, order], 0.0)
        variances, axes = np.linalg.eigh(self.covariance)
        variances, axes = variances[::-1], axes[:, ::-1]
        blur = self.n * float(np.finfo(np.float64).eps) * float(variances[0])
        return Spectrum(variances[variances > blur], axes[:, variances > blur], blur)


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


def discretise(law: Gaussian | grids.Law, points: ArrayLike) -> Discrete:
    """Return a Gaussian source, or any law on the line, on points.

    So solvers of discrete sources and Gaussian formulas check each other.

    Numbers are rounded to the nearest point: a point has the mass of its cell, the outermost ones of their tails. With
    squared error on a uniform grid of step h the rate exceeds the formula's by about ``h² / (24 s² ln 2)`` bits, what
    rounding adds to the variance. Points of vectors are weighed by the density, which suits a regular grid.

    Parameters
    ----------
    law
        A Gaussian source with a positive variance, or a law of numbers with ``cdf`` and ``sf``, such as a frozen
        distribution of ``scipy.stats``, continuous or discrete.
    points
        Numbers that rise, shape (m,), or vectors, shape (m, n).

    Raises
    ------
    ValueError
        If the points do not rise, do not fit the source, or the covariance is singular.
    TypeError
        If the law is neither.

    Examples
    --------
    >>> discretise(Gaussian(1.0), [-1.0, 0.0, 1.0]).pmf.round(4)
    array([0.3085, 0.3829, 0.3085])
    >>> from scipy import stats
    >>> discretise(stats.binom(2, 0.5), [0, 1, 2]).pmf.round(4)
    array([0.25, 0.5 , 0.25])
    """
    if not isinstance(law, Gaussian):
        if not (hasattr(law, "cdf") and hasattr(law, "sf")):
            raise TypeError(
                f"law must be a Gaussian or have cdf and sf (got {type(law).__name__}); give a frozen distribution of "
                "scipy.stats, such as laplace(scale=2)"
            )
        return Discrete(grids.masses(grids.rising(points), law))
    _whole(law)
    if law.n == 1:
        return Discrete(grids.masses(grids.rising(points), grids.Normal(0.0, float(law.covariance[0, 0]) ** 0.5)))
    return Discrete(grids.density(grids.placed(points, law.n), np.zeros(law.n), law.covariance))


def mixture(
    weights: ArrayLike, means: ArrayLike, components: Sequence[Gaussian], points: ArrayLike
) -> tuple[Discrete, Array]:
    """Return a mixture of Gaussian classes on points, and the law of the class at each of them.

    Parameters
    ----------
    weights
        The classes' probabilities, shape (K,).
    means
        Shape (K,), or (K, n) for vectors.
    components
        A Gaussian source for each class, about its mean.
    points
        As for :func:`discretise`.

    Returns
    -------
    source, labels
        The source on m points, and ``P(S = s | X = x)``, shape (m, K), for
        :class:`rdcfunc.classifications.ConditionalEntropy`.

    Raises
    ------
    ValueError
        If the numbers of classes differ, or as for :func:`discretise`.

    Examples
    --------
    >>> source, labels = mixture([0.5, 0.5], [-1.0, 1.0], [Gaussian(1.0), Gaussian(1.0)], [-1.0, 0.0, 1.0])
    >>> labels.round(3)
    array([[0.912, 0.088],
           [0.5  , 0.5  ],
           [0.088, 0.912]])
    """
    prior = checks.laws(weights, "weights", 1)
    centres = checks.finite(means, "means", 1, 2)
    if not prior.size == len(centres) == len(components):
        raise ValueError(
            f"a mixture needs a weight, a mean and a Gaussian for each class (got {prior.size}, {len(centres)}, "
            f"{len(components)})"
        )
    rows = []
    for weight, mean, part in zip(prior, centres, components, strict=True):
        _whole(part)
        if part.n == 1 and centres.ndim == 1:
            normal = grids.Normal(float(mean), float(part.covariance[0, 0]) ** 0.5)
            rows.append(weight * grids.masses(grids.rising(points), normal))
        elif centres.shape[1:] == (part.n,):
            rows.append(weight * grids.density(grids.placed(points, part.n), mean, part.covariance))
        else:
            raise ValueError(f"means must have shape (K, {part.n}) like the components (got {centres.shape})")
    joint = np.stack(rows, axis=1)
    mass = joint.sum(axis=1)
    if not mass.min() > 0:
        raise ValueError(f"a point must have some mass (got 0 at {int(mass.argmin())}); leave out points far away")
    return Discrete(mass / mass.sum()), joint / mass[:, None]


def _whole(gaussian: Gaussian) -> None:
    checks.kind(gaussian, Gaussian, "a source on points", "a source such as sources.Gaussian(1.0)")
    if gaussian.spectrum.variances.size < gaussian.n:
        raise ValueError(
            "the covariance must have full rank on a grid of points; leave out components without variance"
        )
