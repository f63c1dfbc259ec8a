"""A grid of levels walked: each point certified, and started from its neighbour's solution."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.answer import solve
from rdcfunc.channels import GaussianChannel
from rdcfunc.checks import InfeasibleError
from rdcfunc.curve import Curve, collected
from rdcfunc.fixed_encoder import Encoder, sent, serve
from rdcfunc.information import Array
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Axis
from rdcfunc.solution import Solution, Status, WideBracketWarning
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
    checks.kind(problem, Problem, "problem", "a value such as rdcfunc.Problem(source, distortion)")
    levels = [checks.levels(x, name) for name, x in zip("DPC", (D, P, C), strict=True)]
    given = [name for name, x in zip("DPC", levels, strict=True) if not np.all(x == inf)]
    rates = checks.levels(inf if R is None else R, "R")
    spread = checks.spread(executor)
    if encoder is None:
        quantity = _minimised(problem, given if R is None else ["R", *given], minimise)
    else:
        if R is not None or "D" in given or minimise not in (None, "D") or solver is not None:
            raise ValueError("an encoder fixes R and its decoders minimise D; leave out R, D, minimise and solver")
        encoder = sent(problem, encoder)
        quantity, rates = "D", np.asarray(serve(problem, encoder, Target(), tol).rate)
    if R is not None and not (np.isfinite(rates).all() and (rates > 0).all()):
        wrong = rates[~(np.isfinite(rates) & (rates > 0))].flat[0]
        raise ValueError(f"R must be finite and > 0 bits (got {wrong}); a small one such as 1e-6 is close to none")
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
    found: list[Solution | None] = []
    bar = None
    if progress:
        from tqdm.auto import tqdm

        bar = tqdm(total=points[..., 0].size, desc=f"{quantity} on a grid", unit="point")
    if executor is None:
        start: Solution | None = None
        for run in runs:
            for place, solution in enumerate(_walk(problem, quantity, run, solver, tol, start, encoder)):
                found.append(solution)
                start = solution if place == 0 else start
                if bar is not None:
                    bar.update()
    else:
        for done in spread(partial(_walked, problem, quantity, solver, tol, encoder), runs):
            found += done
            if bar is not None:
                bar.update(len(done))
    if bar is not None:
        bar.close()
    wide = sum(s is not None and s.status is not Status.CERTIFIED for s in found)
    if wide:
        warnings.warn(
            f"{wide} of {len(found)} points have a bracket wider than tol = {tol:.2g}; see Curve.upper - Curve.lower "
            "and the status of each solution",
            WideBracketWarning,
            stacklevel=2,
        )
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


def _walk(
    problem: Problem,
    quantity: str,
    run: Array,
    solver: Solver | None,
    tol: float,
    start: Solution | None,
    encoder: Array | GaussianChannel | None,
) -> Iterator[Solution | None]:
    """Yield the solution at each point of a run, each from its neighbour's; of an encoder those of its decoders."""
    goal = None if quantity == "R" else Axis(quantity)
    for R, D, P, C in run:
        target = Target(D, P, C)
        try:
            if encoder is not None:
                start = serve(problem, encoder, Target(inf, P, C), tol, start)
            else:
                start = solve(problem, [target], solver, tol, start, R=R, goal=goal)
            yield start
        except InfeasibleError:
            yield None


def _walked(
    problem: Problem,
    quantity: str,
    solver: Solver | None,
    tol: float,
    encoder: Array | GaussianChannel | None,
    run: Array,
) -> list[Solution | None]:
    return list(_walk(problem, quantity, run, solver, tol, None, encoder))
