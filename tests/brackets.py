"""Brackets: asked for once, without the warning that they are wide, and held against the truth."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from problems import Row

import rdcfunc as rdc
from rdcfunc import solvers


def quietly(ask: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Ask without the warning that a bracket is wide, where honesty is looked at and tightness is not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        return ask(*args, **options)


def rate_at(problem: rdc.Problem, target: rdc.Target, **options: Any) -> rdc.Solution:
    return quietly(rdc.rate, problem, target.D, target.P, target.C, **options)


@cache
def truth(row: Row) -> float:
    return row.truth()


def run(row: Row, solver: solvers.Solver | None = None) -> tuple[rdc.Solution, bool]:
    """Solve a row once, whoever asks; return the solution and whether it warned of a wide bracket.

    Tightness has its own test, so a wide bracket must not also show up as a dishonest one.
    """
    return _run(row, solver)


@cache
def _run(row: Row, solver: solvers.Solver | None) -> tuple[rdc.Solution, bool]:
    target = row.target
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solution = rdc.rate(row.problem, target.D, target.P, target.C, solver=solver, tol=row.tol)
    for warning in caught:
        assert issubclass(warning.category, rdc.WideBracketWarning), str(warning.message)
    return solution, bool(caught)


def solved(row: Row, solver: solvers.Solver | None = None) -> rdc.Solution:
    return run(row, solver)[0]


def assert_honest(solution: rdc.Solution, truth: float, accuracy: float = 0.0) -> None:
    """Assert ``lower <= truth <= upper``, up to rounding and the accuracy of the truth."""
    slack = 1e-12 + accuracy
    assert solution.lower <= truth + slack, f"lower {solution.lower:.12g} > truth {truth:.12g}"
    assert solution.upper >= truth - slack, f"upper {solution.upper:.12g} < truth {truth:.12g}"


def assert_overlap(*solutions: rdc.Solution) -> None:
    """Assert that brackets of one quantity have a point in common."""
    assert max(s.lower for s in solutions) <= min(s.upper for s in solutions) + 1e-12


def assert_equal(one: Any, other: Any) -> None:
    """Assert that every field is the same, but for what a solver may start from."""
    if isinstance(one, np.ndarray):
        assert (one.dtype.kind, one.shape) == (other.dtype.kind, other.shape)
        for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True):
            assert_equal(a, b)
    elif isinstance(one, tuple):
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    elif hasattr(one, "__dataclass_fields__"):
        assert type(one) is type(other)
        for name in one.__dataclass_fields__.keys() - {"candidate"}:
            assert_equal(getattr(one, name), getattr(other, name))
    else:
        assert one == other or (one != one and other != other)
