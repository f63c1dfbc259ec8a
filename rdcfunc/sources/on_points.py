"""Laws on the line or in space, put on points: discrete sources that the formulas of continuous ones check."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import Array
from rdcfunc.sources import grids
from rdcfunc.sources.discrete import Discrete
from rdcfunc.sources.gaussian import Gaussian


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
