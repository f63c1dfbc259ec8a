"""A channel and prices from anywhere, bracketed: what may be checked without trust in who found them."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.candidate import Candidate, Dual
from rdcfunc.compilation import tabulate
from rdcfunc.conclusion import conclude, warn_if_wide, weigh
from rdcfunc.feasibility import check_each
from rdcfunc.information import NATS_PER_BIT
from rdcfunc.problem import Problem, Target, check_problem
from rdcfunc.program import Axis, Program
from rdcfunc.solution import Prices, Solution
from rdcfunc.solvers.interior_point import tilted
from rdcfunc.sources import Discrete, Gaussian


def certify(
    problem: Problem,
    channel: ArrayLike,
    prices: Prices | None = None,
    *,
    D: float = inf,
    P: float = inf,
    C: float = inf,
    tol: float = 1e-6,
) -> Solution:
    """Bracket ``R(D, P, C)`` by a channel and prices from anywhere.

    The upper bound is the mutual information of the channel, mixed with as little of another as meets every
    level; the lower bound is weak duality at these prices (zero without prices).

    Parameters
    ----------
    channel
        ``P(x̂ | x)``, shape (n, m), or (n, m, T) with tags, rows summing to one.
    prices
        In bits per unit of each level.
    D, P, C, tol
        As for :func:`rate`.

    Raises
    ------
    ValueError
        If the channel's shape does not fit or its rows are no laws.
    InfeasibleError
        If no channel at all meets a level.

    Examples
    --------
    >>> from rdcfunc import sources, distortions
    >>> problem = Problem(sources.uniform(2), distortions.hamming(2))
    >>> answer = certify(problem, [[0.9, 0.1], [0.1, 0.9]], Prices(distortion=np.log2(9)), D=0.1)
    >>> round(answer.lower, 9), round(answer.upper, 9)
    (0.531004406, 0.531004406)
    """
    check_problem(problem)
    checks.kind(prices, Prices | None, "prices", "a value such as rdcfunc.Prices(distortion=2.0), or None")
    _refuse_continuous(problem)
    program = tabulate(problem, [Target(D, P, C)])
    given = checks.array(channel, "channel")
    shape, (n, m) = given.shape, problem.shape
    if len(shape) not in (2, 3) or shape[:2] != (n, m):
        raise ValueError(f"channel must have shape ({n}, {m}) or, with T tags, ({n}, {m}, T) (got {shape})")
    table = checks.laws(given.reshape(n, -1), "channel", 2)
    columns = np.repeat(np.arange(m), table.shape[1] // m)
    checks.tolerance(tol)
    check_each(program)
    with np.errstate(all="ignore"):
        candidate, proofs = Candidate(table, columns, _dual(program, prices or Prices()), 0, origin="given"), []
        if not program.posteriors:
            # The reference law of the lower bound is free: the one that suits the prices replaces the channel's.
            merged = table.reshape(n, m, -1).sum(axis=2)
            proofs.append(tilted(program, replace(candidate, channel=merged, columns=np.arange(m)), tol * NATS_PER_BIT))
        solution = conclude(problem, program, weigh(program, [candidate], proofs), None, tol)
    warn_if_wide(solution, tol, depth=3)
    return solution


def _refuse_continuous(problem: Problem) -> None:
    """Refuse a source whose channels are no tables."""
    if isinstance(problem.source, Gaussian):
        raise ValueError("certify takes channels of discrete sources; a Gaussian source has closed forms and programs")
    if not isinstance(problem.source, Discrete):
        raise ValueError("certify takes channels to fixed letters; give sources.Discrete and the letters for samples")


def _dual(program: Program, prices: Prices) -> Dual:
    """Return prices in bits for one public unit as prices in nats for one unit of the program."""
    output = np.zeros(program.m) if prices.output is None else checks.finite(prices.output, "output price", 1)
    if output.size != program.m:
        raise ValueError(
            f"the output price must have one entry for each of the {program.m} letters (got {output.size})"
        )
    by_axis = {Axis.D: prices.distortion, Axis.C: prices.classification}
    return Dual(
        np.array([by_axis[c.axis] * NATS_PER_BIT / c.unit for c in program.linear]),
        tuple((prices.perception * NATS_PER_BIT / o.unit, output * NATS_PER_BIT) for o in program.outputs),
        np.array([prices.classification * NATS_PER_BIT / c.unit for c in program.posteriors]),
    )
