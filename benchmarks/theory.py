"""What no codec can beat on the images that the networks are measured on.

The held-out images are the source: one letter each, equally likely, with their labels. The reproduction letters are
means of images, fitted to this source. The bounds on D(R, C) with tagged classification hold for every code on this
alphabet; the upper ones are achieved, so they hold for free letters too, while a codec with letters of its own may in
principle pass below the lower ones.
"""

from __future__ import annotations

import signal
import warnings
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rdcfunc as rdc
from benchmarks.store import write
from neural import Config, load
from rdcfunc import classifications, distortions, solvers, sources

Array = NDArray[np.float64]

#: One clone a letter: letters are many and labels deterministic, so letters themselves tell the class.
_SOLVER = solvers.Alternation(starts=1, tags=1)
#: Rounds of fitting letters, and how many of the most used letters of each code go on.
_ROUNDS, _MOST_LETTERS = 4, 350
#: Levels of H(S|X̂) in bits, beyond what the rate cannot tell, at which D(R, C) is computed; inf leaves it out.
LEVELS = (inf, 0.3, 0.2, 0.1, 0.05, 0.02)


@dataclass(frozen=True, eq=False)
class Bound:
    """Certified bounds on D(R, C) at one rate, in mean squared error per pixel.

    Attributes
    ----------
    rate
        R in bits.
    C, lower, upper
        Levels in bits and the brackets there; the level of the unconstrained point is what it achieves.
    slope
        ``-dD/dC`` of a supporting line at each point, from the prices.
    letters
        The reproduction alphabet, shape (m, pixels).
    images
        The number of source letters.
    seconds
        Wall-clock time of the computation.
    """

    rate: float
    C: Array
    lower: Array
    upper: Array
    slope: Array
    letters: Array
    images: int
    seconds: float

    def lower_at(self, C: Array) -> Array:
        """Return a lower bound at any C: the highest of the supporting lines, which weak duality gives."""
        lines = self.lower - self.slope * (np.atleast_1d(C)[:, None] - self.C)
        bound: Array = lines.max(axis=1)
        return bound

    def upper_at(self, C: Array) -> Array:
        """Return an upper bound at any C: time sharing between achieved points, inf left of them all."""
        best = np.minimum.accumulate(self.upper[np.argsort(self.C)])
        bound: Array = np.interp(C, np.sort(self.C), best, left=inf)
        return bound

    def save(self, path: Path) -> None:
        """Write the bound whole or not at all; :func:`read` is the inverse."""
        fields: dict[str, Any] = self.__dict__
        write(path, lambda file: np.savez(file, **fields))


def read(path: Path) -> Bound:
    """Read what :meth:`Bound.save` wrote."""
    with np.load(path, allow_pickle=False) as file:
        fields = {name: file[name] for name in file.files}
    scalars = {name: fields.pop(name).item() for name in ("rate", "images", "seconds")}
    return Bound(**fields, **scalars)


def problem(config: Config, letters: Array) -> rdc.Problem:
    """Return the held-out images as a source, with reproduction letters (m, pixels) and tagged classification."""
    test = load(config).test
    images = test.images.cpu().numpy().astype(np.float64)
    per_pixel = np.sqrt(images.shape[1])
    return rdc.Problem(
        sources.uniform(len(images)),
        distortions.squared_error(images / per_pixel, letters / per_pixel),
        classification=classifications.ConditionalEntropy(test.labels.cpu().numpy(), tagged=True),
    )


def bound(config: Config, tol: float = 2e-4) -> Bound:
    """Fit an alphabet and bracket D(R, C) at the nominal rate of ``config``, to ``tol`` where the solver gets there.

    Letters start from cluster means and move to the mean of what they reproduce, which never raises D at the same
    channel, once for the unconstrained code and once for a code that tells the class.
    """
    start = perf_counter()
    letters = _clusters(config)
    R = config.rate
    # What the rate cannot tell of the class is left open at every level.
    shares = np.bincount(load(config).test.labels.cpu().numpy()) / len(load(config).test)
    least = max(0.0, float(-shares @ np.log2(np.maximum(shares, 1e-300))) - R)
    levels = [least + C for C in LEVELS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)  # wide brackets are drawn as they are
        for _ in range(_ROUNDS):
            now = problem(config, letters)
            free = rdc.distortion(now, R, tol=2 * tol)
            told = rdc.distortion(now, R, C=min(levels), tol=2 * tol, solver=_SOLVER)
            letters = np.concatenate([_means(config, free), _means(config, told)])
        now = problem(config, letters)
        found = [rdc.distortion(now, R, C=C, tol=tol, solver=None if inf == C else _SOLVER) for C in levels]
    prices = [s.prices for s in found if isinstance(s.prices, rdc.Prices)]
    achieved = [s.achieved for s in found if isinstance(s.achieved, rdc.Target)]
    return Bound(
        rate=R,
        C=np.array([a.C if inf == C else C for a, C in zip(achieved, levels, strict=True)]),
        lower=np.array([s.lower for s in found]),
        upper=np.array([s.upper for s in found]),
        # Without a price on distortion the rate is ample, and the line is level.
        slope=np.array([p.classification / p.distortion if p.distortion > 0 else 0.0 for p in prices]),
        letters=letters,
        images=now.shape[0],
        seconds=perf_counter() - start,
    )


def save_bound(config: Config, path: Path) -> None:
    """Compute the bound and write it: the work of a process of its own, whose parent minds interruptions."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bound(config).save(path)


def rate(config: Config, letters: Array, target: rdc.Target, tol: float = 0.01) -> tuple[float, float]:
    """Return the bracket of R(D, C) in bits at what a network achieves: the rate that it could have cost.

    It is inf for what no code on this alphabet achieves, whatever its rate.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        try:
            found = rdc.rate(problem(config, letters), D=target.D, C=target.C, tol=tol, solver=_SOLVER)
        except rdc.InfeasibleError:
            return inf, inf
    return found.lower, found.upper


def _clusters(config: Config) -> Array:
    from sklearn.cluster import KMeans

    test = load(config).test
    images, labels = test.images.cpu().numpy().astype(np.float64), test.labels.cpu().numpy()
    sets = [images] * 4 + [images[labels == c] for c in np.unique(labels) for _ in range(4)]
    sizes = [1, 4, 16, 64] + [1, 2, 4, 8] * len(np.unique(labels))
    means = [
        KMeans(min(k, len(s)), n_init=1, random_state=0).fit(s).cluster_centers_
        for s, k in zip(sets, sizes, strict=True)
    ]
    return np.concatenate(means)


def _means(config: Config, solution: rdc.Solution) -> Array:
    images = load(config).test.images.cpu().numpy().astype(np.float64)
    shown = solution.channel / len(images)
    mass = shown.sum(axis=0)
    kept = np.argsort(mass)[-_MOST_LETTERS:]
    kept = kept[mass[kept] > 0]
    means: Array = (shown.T @ images)[kept] / mass[kept, None]
    return means
