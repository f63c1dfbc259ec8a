"""Particles: letters that are points of R^k, moved to the means of what is sent to them, few first, then many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log

import numpy as np

from rdcfunc.classifications import ConditionalEntropy
from rdcfunc.compilation import SamplesProgram
from rdcfunc.information import Array, entropy
from rdcfunc.passes.base import Machine
from rdcfunc.passes.choice import machine
from rdcfunc.passes.cloud import Cloud, Sums
from rdcfunc.passes.rows import Rows
from rdcfunc.program import Axis, Program
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.particles_control import Control, identical, landed
from rdcfunc.solvers.particles_mirror import mirrored
from rdcfunc.solvers.particles_polish import polished, worthwhile

#: Letters of the first scale.
_FEW = 8
#: Over-relaxation of weights and of moves.
_RELAXED = 1.5
#: Weight, relative to the mean one, below which a letter is dropped.
_IDLE = 1e-3
#: How far towards a sample a letter's twin is put, and how many samples are tried for each letter.
_APART, _TRIED = 0.3, 4
#: Levels of the class's entropy that are tried where it is minimised, and the least price that a step is by.
_LEVELS, _LEAST_PRICE = 12, 0.02
#: Samples up to which it is tried to show each of them as it is.
_IDENTICAL = 1000
#: Coordinates up to which roundings of single precision are few enough to be paid for.
_LONG = 2**16
#: Probability that single precision cannot tell from none.
_RARE = 1e-30
#: Coordinates in which letters are swept where there are more than twice as many, and sweeps in all of them.
AXES, _LAST = 128, 4


@dataclass(frozen=True)
class Particles(Solver):
    """Alternate the best weights and class laws of letters with moves of the letters to conditional means.

    With prices s, t that is expectation and maximisation for a mixture of normal laws of variance ``1/2s``, whose
    class laws enter to the power t. Letters start few and split in two, those that are not used are dropped, and the
    prices follow the levels as the letters settle. Every sweep is two products of n x m by k numbers, in chunks; large
    ones run in single precision and add up in double, and see all coordinates in the last sweeps alone.

    Parameters
    ----------
    letters
        How many letters there are at the end, at most one a sample.
    sweeps
        Sweeps at the largest number of letters; smaller ones have half as many.
    seed
        Of the samples towards which letters split.
    searches
        Passes of the search for the letter that earns most, where there are more than three dimensions; 0 leaves it
        out.
    products
        Products of numbers, ``n² (k + 16)``, up to which all pairs of samples are looked at for a lower bound that is
        proved in any dimension; those of a class with labels. 60 000 images of 784 pixels take 3e12, and one to two CPU
        minutes.
    backend, device
        ``"numpy"``, ``"torch"`` or None for what pays; a device of torch such as ``"cuda"``. In processes of an
        initialised ``torch.distributed``, ``backend="torch"`` shares the rows among them.

    References
    ----------
    Rose, "A mapping approach to rate-distortion computation and analysis", 1994; Yang and Mandt, "Towards empirical
    sandwich bounds on the rate-distortion function", 2022, arXiv:2111.12166.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, solvers
    >>> problem = rdc.Problem(sources.Samples([[0.0, 0.0], [1.0, 0.0]]), distortions.squared_error())
    >>> round(rdc.distortion(problem, R=0.5, solver=solvers.Particles(letters=2)).value, 4)
    0.0979
    """

    letters: int = 256
    sweeps: int = 30
    seed: int = 0
    searches: int = 8
    products: float = 1e11
    backend: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        at_least_one(self, "letters", "sweeps")

    def refusal(self, program: Program) -> str | None:
        """Name the fixed letters."""
        return "Particles moves its letters in R^k and the problem has fixed ones; use solver=None, or sources.Samples"

    def solve(self, program: Program, tol: float, start: object = None) -> list[object]:  # type: ignore[override]
        """Raise the refusal: a program has fixed letters."""
        raise ValueError(self.refusal(program))

    def machine(self, question: SamplesProgram, precise: bool = False) -> Machine:
        """Return where passes over all samples are made, in double precision if it is asked for."""
        source = question.source
        work = float(source.n) * min(self.letters, source.n) * source.k
        return machine(work, self.device, self.backend, precise)

    def pairing(self, question: SamplesProgram, work: float) -> Machine:
        """Return where pairs of samples are summed: many in single precision, on NumPy, where its rounding is known."""
        source = question.source
        rough = source.k > _LONG or bool((source.pmf[source.pmf > 0] < _RARE).any())
        precise = rough or self.backend == "torch" or self.device is not None
        return machine(work, self.device, self.backend, precise)

    def propose(self, question: SamplesProgram, tol: float, start: Cloud | None = None) -> tuple[Cloud, int]:
        """Return letters, weights and prices that meet the levels, up to rounding, and the sweeps they took."""
        points, pmf, classes, K = rows_of(question)
        whole = self.machine(question)
        rows = Rows(points, pmf, classes, K, whole)
        control, most = Control(question, rows.energy), min(self.letters, question.source.n)
        if question.goal is Axis.C and not control.silent:
            return self._by_rates(question, control, rows, tol, start)
        axes = leading(points, pmf) if rows.k > 2 * AXES else None
        coarse = rows if axes is None else Rows(points, pmf, classes, K, whole, axes)
        if start is None or start.m < most / 2 or control.silent:
            cloud, steps = self._scales(coarse, control, most)
        else:
            cloud, taken = settle(coarse, control, _along(start, axes), self.sweeps)
            steps = taken
        if axes is not None:
            cloud, taken = settle(rows, control, replace(cloud, letters=cloud.letters @ axes.T), _LAST)
            steps += taken
        clouds = [cloud]
        if rows.machine.double and rows.machine.size == 1 and worthwhile(rows, most) and not control.silent:
            finer, taken = polished(question, rows, cloud, tol)
            clouds = [*clouds, finer]
            steps += taken
        found = [landed(rows, control, c) for c in clouds]
        if rows.machine.size == 1 and rows.total <= min(self.letters, _IDENTICAL) and not control.silent:
            found.append(identical(rows, control))
        best = min(found, key=lambda landing: landing.value)
        return best.cloud, steps + sum(landing.passes for landing in found)

    def _by_rates(
        self, question: SamplesProgram, control: Control, rows: Rows, tol: float, start: Cloud | None
    ) -> tuple[Cloud, int]:
        """Return letters for the least entropy of the class, by Newton's method on the rate that a level of it needs.

        R(D, C) is convex and falls with C, at the price of the class.
        """
        most = entropy(question.source.pmf @ np.asarray(question.labels))
        level, steps, best = most / 2, 0, None
        for _ in range(_LEVELS):
            target = replace(question.target, C=level / ConditionalEntropy.unit)
            start, taken = self.propose(replace(question, target=target, rate=inf, goal=None), tol, start)
            steps += taken
            over = rows.sweep(start).spent(start) - question.rate
            best = start if best is None or over <= 0 else best
            if -tol <= over <= 0 or (over <= 0 and level == 0):
                break
            level = min(most, max(0.0, level + (over + tol / 2) / max(start.t, _LEAST_PRICE)))
        assert best is not None
        found = landed(rows, control, best)
        return found.cloud, steps + found.passes

    def mirror(self, question: SamplesProgram, start: Cloud) -> tuple[Cloud, int]:
        """Return an encoder whose letters have the samples' own law, from one at about the right price."""
        source, whole = question.source, self.machine(question)
        rows = Rows(source.points, source.pmf, None, 1, whole)
        axes = leading(source.points, source.pmf) if rows.k > 2 * AXES else None
        coarse = rows if axes is None else Rows(source.points, source.pmf, None, 1, whole, axes)
        letters = rows.some(np.arange(source.n)) if source.n <= self.letters else start.letters
        control = Control(question, rows.energy)
        # The mean alone has no price to start from.
        s = start.s if start.s > 0 or control.silent else rows.k / (2 * rows.energy)
        return mirrored(rows, coarse, control, letters, s)

    def _scales(self, rows: Rows, control: Control, most: int) -> tuple[Cloud, int]:
        """Return letters that have doubled in number from scale to scale."""
        if control.silent:
            return control.mean(rows), 0
        random = np.random.default_rng(self.seed)
        s = rows.k / (2 * rows.energy) if rows.energy > 0 else 0.0
        cloud, steps, m = replace(control.mean(rows), s=s, t=0.0), 0, 1
        while m < most:
            m = min(most, max(_FEW, 2 * m))
            cloud, taken = settle(
                rows, control, split(rows, cloud, m, random), self.sweeps if m == most else self.sweeps // 2
            )
            steps += taken
        return cloud, steps


def rows_of(question: SamplesProgram) -> tuple[Array, Array, np.ndarray | None, int]:
    """Return points, weights, classes and how many classes there are; classes are None where they do not count."""
    labels, source = question.labels, question.source
    if labels is None:
        return source.points, source.pmf, None, 1
    return source.points, source.pmf, labels.argmax(axis=1), labels.shape[1]


def settle(rows: Rows, control: Control, cloud: Cloud, sweeps: int) -> tuple[Cloud, int]:
    """Sweep, with prices that follow the levels, and drop idle letters."""
    for _ in range(sweeps):
        sums = rows.sweep(cloud)
        cloud = control.priced(moved(cloud, sums, _RELAXED), cloud, sums)
    law = rows.sweep(cloud).law
    kept = np.flatnonzero(law * cloud.m > _IDLE)
    return cloud.take(kept), sweeps + 1


def moved(cloud: Cloud, sums: Sums, relaxed: float) -> Cloud:
    """Return the cloud after a step of expectation and maximisation, over-relaxed in weights and letters."""
    q = np.maximum(sums.law, 1e-30)
    log_r = cloud.log_r + relaxed * (np.log(q) - cloud.log_r)
    log_r -= log(np.exp(log_r).sum())
    letters = cloud.letters + relaxed * (sums.means - cloud.letters)
    return replace(cloud, letters=letters, log_r=log_r, log_b=sums.log_posteriors)


def split(rows: Rows, cloud: Cloud, most: int, random: np.random.Generator) -> Cloud:
    """Return a cloud in which the heaviest letters have a twin, put a part of the way to a sample of theirs."""
    parents = np.resize(np.argsort(-cloud.log_r, kind="stable"), most - cloud.m)
    x = rows.some(random.choice(rows.total, size=min(rows.total, _TRIED * most), replace=False))
    own = (cloud.log_r - cloud.s * (cloud.letters**2).sum(axis=1) + 2 * cloud.s * x @ cloud.letters.T).argmax(axis=1)
    # Any sample will do for a letter to which none of these belongs.
    chosen = random.integers(len(x), size=cloud.m)
    chosen[own] = np.arange(len(x))
    again = random.integers(len(x), size=parents.size)
    towards = np.where(np.arange(parents.size) < cloud.m, chosen[parents], again)
    twins = cloud.letters[parents] + _APART * (x[towards] - cloud.letters[parents])
    shares = np.bincount(parents, minlength=cloud.m) + 1
    log_r = cloud.log_r - np.log(shares)
    return replace(
        cloud,
        letters=np.concatenate([cloud.letters, twins]),
        log_r=np.concatenate([log_r, log_r[parents]]),
        log_b=np.concatenate([cloud.log_b, cloud.log_b[parents]]),
    )


def _along(cloud: Cloud, axes: Array | None) -> Cloud:
    """Return the cloud in the coordinates along some axes."""
    return cloud if axes is None else replace(cloud, letters=cloud.letters @ axes)


def leading(points: Array, pmf: Array) -> Array:
    """Return the axes (k, q) along which the samples vary most."""
    about = points - pmf @ points
    return np.ascontiguousarray(np.linalg.eigh((about * pmf[:, None]).T @ about)[1][:, ::-1][:, :AXES])
