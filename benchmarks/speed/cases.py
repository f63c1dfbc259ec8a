"""The problems that are timed: families, their sizes and the accuracies asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import rdcfunc as rdc
from benchmarks.speed.peers import Array, Task
from rdcfunc import classifications, distortions, perceptions, sources

#: Families and their sizes: quick, usual, and those added in full, which only the library is asked for.
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "rand": ((50, 200), (50, 200, 1000), ()),
    "hamming": ((50,), (50, 200, 1000), (10**6,)),
    "gauss": ((50, 200), (50, 200, 1000, 2000), (50_000,)),
    "tv": ((20, 50), (20, 50, 100, 200), (1000,)),
    "kl": ((20, 50), (20, 50, 100, 200), (1000,)),
    "w1": ((20,), (20, 50, 100, 200), ()),
    "w2": ((20,), (20, 50, 100, 200), ()),
    "curve": ((50,), (200,), ()),
    "tagged": ((20,), (20,), ()),
    "labels": ((20,), (20, 200, 1000), ()),
    "universal": ((10,), (10,), ()),
}
#: What the page on speed shows: family, size and accuracy.
PAGE: tuple[tuple[str, int, float], ...] = (
    ("rand", 200, 1e-6),
    ("rand", 1000, 1e-9),
    ("gauss", 2000, 1e-9),
    ("gauss", 50_000, 1e-9),
    ("hamming", 10**6, 1e-9),
    ("curve", 200, 1e-6),
    ("tv", 1000, 1e-9),
    ("kl", 1000, 1e-9),
    ("w1", 100, 1e-9),
    ("w2", 100, 1e-9),
)
#: Accuracies in bits, of which the quick run and some families ask for the first.
_TOLS = (1e-6, 1e-9)
_ONE_TOL = ("curve", "tagged", "labels", "universal")
#: Families that nothing else computes.
_ALONE = ("tagged", "labels", "universal")
#: Perception levels, that of KL in nats.
_LEVELS = {"tv": 0.05, "kl": 0.02, "w1": 0.1, "w2": 0.02}
_CURVE = 50


@dataclass(frozen=True)
class Case:
    """One problem, or a curve of ``points``, and the accuracy asked for in bits."""

    family: str
    n: int
    tol: float = 1e-6
    points: int = 1

    @property
    def alone(self) -> bool:
        """Whether only the library is asked: nothing else computes it, or nothing else takes it at this size."""
        return self.family in _ALONE or self.n in SIZES[self.family][2]

    def problem(self) -> rdc.Problem:
        """Return the source with its measures."""
        n, source, x = self.n, sources.Discrete(self._law()), self._grid()
        if self.family == "hamming":
            return rdc.Problem(source, distortions.hamming(n))
        if self.family == "rand":
            return rdc.Problem(source, distortions.matrix(_random(n)))
        told = None
        if self.family in ("tagged", "labels"):
            noisy = np.stack([1 / (1 + np.exp(-2 * x)), 1 / (1 + np.exp(2 * x))], axis=1)
            labels = noisy if self.family == "tagged" else np.arange(n) * self._classes // n
            told = classifications.ConditionalEntropy(labels, tagged=True)
        return rdc.Problem(source, distortions.squared_error(x), self._divergence(), told)

    def targets(self) -> list[rdc.Target]:
        """Return the levels: of each point of a curve, of each decoder, or the only ones."""
        if self.family in _LEVELS:
            return [rdc.Target(0.5, _LEVELS[self.family] / (math.log(2) if self.family == "kl" else 1.0))]
        largest = self._largest()
        if self.family == "curve":
            return [rdc.Target(D) for D in np.linspace(0.01, 0.99, self.points) * largest]
        if self.family == "universal":
            return [rdc.Target(D * largest, P) for D, P in ((0.3, 0.1), (0.4, 0.05), (0.5, 0.02))]
        C = {"tagged": 0.8, "labels": 0.3 * math.log2(self._classes)}.get(self.family, math.inf)
        return [rdc.Target(0.3 * largest, C=C)]

    def solve(self, problem: rdc.Problem) -> list[rdc.Solution]:
        """Solve it by the library, one solution a point."""
        targets = self.targets()
        if self.family == "universal":
            return [rdc.universal_rate(problem, targets, tol=self.tol)]
        if self.family == "curve":
            return list(rdc.trace(problem, D=[t.D for t in targets], tol=self.tol).solutions)
        return [rdc.rate(problem, t.D, t.P, t.C, tol=self.tol) for t in targets]

    def tasks(self, problem: rdc.Problem, slopes: Sequence[float], seconds: float) -> list[Task]:
        """Return what a peer is given, one task a point."""
        targets, cost = self.targets(), None
        if isinstance(problem.perception, perceptions.Wasserstein):
            cost = problem.perception.cost
        p, d, P = problem.source.pmf, problem.distortion.values, _LEVELS.get(self.family, math.inf)
        return [
            Task(p, d, t.D, self.tol, self.perception, P, cost, slope, seconds / len(targets))
            for t, slope in zip(targets, slopes, strict=True)
        ]

    @property
    def perception(self) -> str:
        """The perception as peers call it, or nothing."""
        return {"tv": "TV", "kl": "KL", "w1": "W", "w2": "W"}.get(self.family, "")

    @property
    def _classes(self) -> int:
        return 10 if self.n >= 100 else 4

    def _grid(self) -> Array:
        half = 5.0 if self.family in ("gauss", "curve") else 4.0
        return np.linspace(-half, half, self.n)

    def _law(self) -> Array:
        if self.family in ("rand", "hamming"):
            return np.random.default_rng(0).dirichlet(np.ones(self.n))
        density = np.exp(-(self._grid() ** 2) / 2)
        law: Array = density / density.sum()
        return law

    def _divergence(self) -> perceptions.Divergence | None:
        if self.family in ("tv", "universal"):
            return perceptions.TotalVariation()
        if self.family == "kl":
            return perceptions.KL()
        if self.family in _LEVELS:
            apart = np.abs(self._grid()[:, None] - self._grid())
            return perceptions.Wasserstein(apart if self.family == "w1" else apart**2)
        return None

    def _largest(self) -> float:
        """Return ``D_max``, the distortion of the best letter alone, from a table only where it takes one."""
        p, x = self._law(), self._grid()
        if self.family == "rand":
            return float((p @ _random(self.n)).min())
        if self.family == "hamming":
            return float(1 - p.max())
        return float(p @ (x - x[np.abs(x - p @ x).argmin()]) ** 2)


def plan(effort: str, families: Sequence[str] = ()) -> list[Case]:
    """Return the cases of an effort: quick, usual, full or page.

    >>> [case.n for case in plan("usual", ["w1"]) if case.tol == 1e-6]
    [20, 50, 100, 200]
    >>> plan("page", ["curve"])
    [Case(family='curve', n=200, tol=1e-06, points=50)]
    """
    if effort == "page":
        chosen = [*PAGE]
    else:
        chosen = [
            (family, n, tol)
            for family, (quick, usual, extra) in SIZES.items()
            for n in (quick if effort == "quick" else (*usual, *(extra if effort == "full" else ())))
            for tol in (_TOLS[:1] if family in _ONE_TOL or effort == "quick" else _TOLS)
        ]
    return [
        Case(family, n, tol, _CURVE if family == "curve" else 1)
        for family, n, tol in chosen
        if not families or family in families
    ]


def _random(n: int) -> Array:
    d = np.random.default_rng(1).random((n, n))
    np.fill_diagonal(d, 0.0)
    return d
