"""A grid of levels walked: each point certified, and started from its neighbour's solution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.answer import solve
from rdcfunc.channels import GaussianChannel
from rdcfunc.checks import InfeasibleError
from rdcfunc.conclusion import warn_if_some_wide
from rdcfunc.curve import Curve, collected
from rdcfunc.fixed_encoder import Encoder, carried, sent, serve
from rdcfunc.information import Array
from rdcfunc.problem import Problem, Target, check_problem
from rdcfunc.program import Axis
from rdcfunc.solution import Solution
from rdcfunc.solvers.base import Solver

#: Points that one task of an executor solves in a row, each from its neighbour.
_RUN = 16


def trace(
    problem: Problem,
    *,
    D: ArrayLike = inf,
    P: ArrayLike = inf,
    C: ArrayLike = inf,
    R: ArrayLike | None = None,
    minimise: str | None = None,
    encoder: Encoder | None = None,
    solver: Solver | None = None,
    tol: float = 1e-6,
    executor: Executor | None = None,
    progress: bool = False,
) -> Curve:
    """Compute the least rate, or the least of one level, on a grid of the others; or what one encoder's decoders reach.

    Points are walked along the last axis, each from its neighbour's solution, and rows from the row before.

    Parameters
    ----------
    D, P, C
        Levels, broadcast against each other.
    R
        Rates in bits. Without them the rate is minimised.
    minimise
        The level that is minimised at the rates R: ``"D"``, ``"P"`` or ``"C"``, which then cannot be given. None takes
        the only one of the problem's measures that has no levels, the distortion first.
    encoder
        An encoder as for :func:`decode`, which is kept as it is: then the least distortion of its decoders is computed
        on a grid of P and C, the lower boundary of its region.
    solver, tol
        As for :func:`rate`; tol is in units of what is minimised. An encoder has no choice of solvers.
    executor
        Any :class:`concurrent.futures.Executor`; runs of neighbouring points go to it.
    progress
        Show a progress bar.

    Returns
    -------
    Curve
        Arrays of the broadcast shape. A point that no channel can meet has an infinite value.

    Raises
    ------
    ValueError
        If what is to be minimised is given, or is unclear: R and D are given, and the problem has both perception and
        classification, or neither; if an encoder is given along with what it fixes; or as for :func:`rate`.

    Examples
    --------
    >>> from rdcfunc import sources, distortions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2))
    >>> trace(problem, D=[0.0, 0.1, 0.2, 0.3]).value.round(6)
    array([0.881291, 0.412295, 0.159363, 0.      ])
    >>> trace(problem, R=[0.2, 0.4]).quantity
    'D'

    What the decoders of one encoder reach, with perfect realism at the left end:

    >>> from rdcfunc import perceptions
    >>> seen = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> trace(seen, encoder=[[1.0, 0.0], [0.5, 0.5]], P=[0.0, 0.05, 0.1, 0.15]).value.round(4)
    array([0.2471, 0.2147, 0.1824, 0.15  ])
    """
    check_problem(problem)
    levels = [checks.levels(x, name) for name, x in zip("DPC", (D, P, C), strict=True)]
    given = [name for name, x in zip("DPC", levels, strict=True) if not np.all(x == inf)]
    rates = checks.levels(inf if R is None else R, "R")
    spread = checks.spread(executor)
    kept: Array | GaussianChannel | None = None
    if encoder is None:
        quantity = _minimised(problem, given if R is None else ["R", *given], minimise)
        for rate in [] if R is None else rates.flat:
            checks.rate(rate)
    else:
        if R is not None or "D" in given or minimise not in (None, "D") or solver is not None:
            raise ValueError("an encoder fixes R and its decoders minimise D; leave out R, D, minimise and solver")
        kept = sent(problem, encoder)
        quantity, rates = "D", np.asarray(carried(problem, kept))
    try:
        grid = np.broadcast_arrays(rates, *levels)
    except ValueError as error:
        axes = zip("RDPC", (rates, *levels), strict=True)
        shapes = ", ".join(f"{name} {axis.shape}" for name, axis in axes if axis.ndim)
        raise ValueError(
            f"levels must have shapes that fit each other (got {shapes}); for every combination give one as a "
            "column, such as np.reshape(P, (-1, 1))"
        ) from error
    if grid[0].size == 0:
        raise ValueError(f"the grid of levels must not be empty (got shape {grid[0].shape})")
    points = np.stack([np.atleast_1d(axis) for axis in grid], axis=-1)
    rows = points.reshape(-1, points.shape[-2], 4)
    length = rows.shape[1] if executor is None else min(_RUN, rows.shape[1])
    runs = [row[i : i + length] for row in rows for i in range(0, len(row), length)]
    walk = _Trace(problem, quantity, solver, tol, kept)
    found: list[Solution | None] = []
    bar = None
    if progress:
        from tqdm.auto import tqdm

        bar = tqdm(total=points[..., 0].size, desc=f"{quantity} on a grid", unit="point")
    if executor is None:
        start: Solution | None = None
        for run in runs:
            for place, solution in enumerate(walk.along(run, start)):
                found.append(solution)
                start = solution if place == 0 else start
                if bar is not None:
                    bar.update()
    else:
        for done in spread(walk.whole, runs):
            found += done
            if bar is not None:
                bar.update(len(done))
    if bar is not None:
        bar.close()
    warn_if_some_wide(found, tol, "Curve.upper - Curve.lower and the status of each solution", depth=3)
    return collected(found, points, np.shape(grid[0]), quantity)


def _minimised(problem: Problem, given: Sequence[str], minimise: str | None) -> str:
    """Return what is minimised when these levels are given."""
    measures = {"P": problem.perception, "C": problem.classification}
    free = [name for name, measure in measures.items() if measure is not None and name not in given]
    if minimise is None:
        if "R" not in given:
            return "R"
        if "D" not in given:
            return "D"
        if not free:
            raise ValueError(
                f"{', '.join(given)} were given, which leaves no measure of the problem to minimise; leave one out, or "
                "pass perception=... or classification=... to Problem"
            )
        if len(free) > 1:
            raise ValueError("R and D were given, which leaves P and C; say which by minimise='P' or minimise='C'")
        return free[0]
    if minimise not in ("R", "D", "P", "C"):
        raise ValueError(f"minimise must be 'R', 'D', 'P' or 'C' (got {minimise!r})")
    if minimise in given:
        raise ValueError(f"{minimise} cannot be both given and minimised; leave {minimise} out")
    if minimise != "R" and "R" not in given:
        raise ValueError(f"minimise={minimise!r} needs rates; give R=...")
    return minimise


@dataclass(frozen=True, eq=False)
class _Trace:
    """The question of which a run of points (R, D, P, C) is asked, each from its neighbour's solution."""

    problem: Problem
    quantity: str
    solver: Solver | None
    tol: float
    encoder: Array | GaussianChannel | None

    def along(self, run: Array, start: Solution | None) -> Iterator[Solution | None]:
        """Yield the solution at each point, None where it is infeasible."""
        for point in run:
            try:
                start = self._at(point, start)
                yield start
            except InfeasibleError:
                yield None

    def whole(self, run: Array) -> list[Solution | None]:
        """Return the solutions of a run that has no neighbour."""
        return list(self.along(run, None))

    def _at(self, point: Array, start: Solution | None) -> Solution:
        R, D, P, C = point.tolist()
        if self.encoder is not None:
            return serve(self.problem, self.encoder, Target(D, P, C), self.tol, start)
        goal = None if self.quantity == "R" else Axis(self.quantity)
        return solve(self.problem, [Target(D, P, C)], self.solver, self.tol, start, R=R, goal=goal)
