"""The verbs on one surface: the least rate at given levels, the least of one level at a given rate."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.answer import check_tol, conclude, solve, warn_if_wide
from rdcfunc.compilation import compile_program, tabulate
from rdcfunc.feasibility import check_each
from rdcfunc.information import NATS_PER_BIT
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Axis, Candidate, Dual
from rdcfunc.solution import Prices, Solution
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.interior_point import tilted


def rate(
    problem: Problem,
    D: float = inf,
    P: float = inf,
    C: float = inf,
    *,
    solver: Solver | None = None,
    tol: float = 1e-6,
    start: Solution | None = None,
) -> Solution:
    """Compute ``min I(X; X̂)`` s.t. ``E d <= D``, ``div(p_X, p_X̂) <= P`` and the classification level C.

    Parameters
    ----------
    problem
        Source and measures, with n source and m reproduction letters.
    D, P, C
        Levels as in :class:`Target`; ``inf`` switches one off.
    solver
        A value from :mod:`rdcfunc.solvers`; None picks by structure.
    tol
        The bracket asked for, in bits.
    start
        A solution at neighbouring levels to start from.

    Returns
    -------
    Solution
        With ``lower <= R(D, P, C) <= upper`` in bits.

    Raises
    ------
    InfeasibleError
        If no channel meets a level; the message says what the smallest feasible one is.
    ValueError
        If a level is given for which the problem has no measure, or the solver cannot take the problem.

    References
    ----------
    Blau and Michaeli, "Rethinking lossy compression: the rate-distortion-perception tradeoff", 2019,
    arXiv:1901.07821; Wang et al., arXiv:2405.04144.

    Examples
    --------
    >>> from rdcfunc import sources, distortions, perceptions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> solution = rate(problem, D=0.1, P=0.02)
    >>> round(solution.value, 6), solution.gap < 1e-6
    (0.417674, True)
    """
    target = Target(D, P, C)
    return solve(problem, compile_program(problem, [target]), [target], solver, tol, start)


def distortion(
    problem: Problem,
    R: float,
    P: float = inf,
    C: float = inf,
    *,
    solver: Solver | None = None,
    tol: float = 1e-6,
    start: Solution | None = None,
) -> Solution:
    """Compute ``min E d`` s.t. ``I(X; X̂) <= R``, ``div(p_X, p_X̂) <= P`` and the classification level C.

    The rate is a constraint of one program; nothing is bisected.

    Parameters
    ----------
    problem
        Source and measures.
    R
        Rate in bits, finite.
    P, C
        Levels as in :class:`Target`.
    solver, start
        As for :func:`rate`.
    tol
        The bracket asked for, in units of the distortion.

    Returns
    -------
    Solution
        With ``lower <= D(R, P, C) <= upper`` in units of the distortion.

    Raises
    ------
    InfeasibleError
        If no channel meets a level.
    ValueError
        If the rate is not finite and positive, or as for :func:`rate`.

    Examples
    --------
    >>> from rdcfunc import sources, distortions
    >>> problem = Problem(sources.uniform(2), distortions.hamming(2))
    >>> round(distortion(problem, R=0.5).value, 6)
    0.110028
    """
    return _least(problem, Axis.D, R, Target(inf, P, C), solver, tol, start)


def perception(
    problem: Problem,
    R: float,
    D: float = inf,
    C: float = inf,
    *,
    solver: Solver | None = None,
    tol: float = 1e-6,
    start: Solution | None = None,
) -> Solution:
    """Compute ``min div(p_X, p_X̂)`` s.t. ``I(X; X̂) <= R``, ``E d <= D`` and the classification level C.

    Parameters
    ----------
    problem
        Source and measures, perception among them.
    R
        Rate in bits, finite.
    D, C
        Levels as in :class:`Target`.
    solver, start
        As for :func:`rate`.
    tol
        The bracket asked for, in units of the divergence's level.

    Returns
    -------
    Solution
        With ``lower <= P(R, D, C) <= upper`` in units of the divergence's level.

    Raises
    ------
    InfeasibleError
        If no channel meets a level.
    ValueError
        If the problem has no perception, the rate is not finite and positive, or as for :func:`rate`.

    References
    ----------
    Blau and Michaeli, 2019, arXiv:1901.07821.

    Examples
    --------
    >>> from rdcfunc import sources, distortions, perceptions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> round(perception(problem, R=0.417674, D=0.1).value, 5)
    0.02
    """
    return _least(problem, Axis.P, R, Target(D, inf, C), solver, tol, start)


def classification(
    problem: Problem,
    R: float,
    D: float = inf,
    P: float = inf,
    *,
    solver: Solver | None = None,
    tol: float = 1e-6,
    start: Solution | None = None,
) -> Solution:
    """Compute the least classification level s.t. ``I(X; X̂) <= R``, ``E d <= D`` and ``div(p_X, p_X̂) <= P``.

    What is minimised is the problem's own measure: ``H(S|X̂)``, ``H(S|X̂, T)``, a cross-entropy or an error rate.

    Parameters
    ----------
    problem
        Source and measures, classification among them.
    R
        Rate in bits, finite.
    D, P
        Levels as in :class:`Target`.
    solver, start
        As for :func:`rate`.
    tol
        The bracket asked for, in units of the classification level: bits, or a probability for an error rate.

    Returns
    -------
    Solution
        With ``lower <= C(R, D, P) <= upper`` in units of the classification level.

    Raises
    ------
    InfeasibleError
        If no channel meets a level.
    ValueError
        If the problem has no classification, the rate is not finite and positive, or as for :func:`rate`.

    References
    ----------
    Zhang, "A rate-distortion-classification approach for lossy image compression", 2023; Wang et al.,
    arXiv:2405.04144.

    Examples
    --------
    >>> from rdcfunc import sources, distortions, classifications
    >>> classes = classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]], tagged=True)
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), classification=classes)
    >>> least = classification(problem, R=0.13307, D=0.3)
    >>> round(least.value, 4), least.gap < 1e-6
    (0.402, True)
    """
    return _least(problem, Axis.C, R, Target(D, P, inf), solver, tol, start)


def _least(
    problem: Problem,
    goal: Axis,
    R: float,
    target: Target,
    solver: Solver | None,
    tol: float,
    start: Solution | None,
) -> Solution:
    rate = checks.real(R, "R", "use rdcfunc.trace for many rates")
    if not 0 < rate < inf:
        raise ValueError(f"R must be finite and > 0 bits (got {rate}); a small one such as 1e-6 is close to none")
    program = compile_program(problem, [target], rate * NATS_PER_BIT, goal)
    return solve(problem, program, [target], solver, tol, start, depth=6)


@np.errstate(all="ignore")
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
    checks.kind(prices, Prices | None, "prices", "a value such as rdcfunc.Prices(distortion=2.0), or None")
    target = Target(D, P, C)
    program = tabulate(problem, [target])
    given = checks.array(channel, "channel")
    shape = given.shape
    if len(shape) not in (2, 3) or shape[:2] != problem.shape:
        n, m = problem.shape
        raise ValueError(f"channel must have shape ({n}, {m}) or, with T tags, ({n}, {m}, T) (got {shape})")
    table = checks.laws(given.reshape(shape[0], -1), "channel", 2, depth=4)
    columns = np.repeat(np.arange(shape[1]), table.shape[1] // shape[1])
    asked = prices or Prices()
    m = problem.shape[1]
    output = np.zeros(m) if asked.output is None else checks.finite(asked.output, "output price", 1)
    if output.size != m:
        raise ValueError(f"the output price must have one entry for each of the {m} letters (got {output.size})")
    by_axis = {"D": asked.distortion, "C": asked.classification}
    dual = Dual(
        np.array([by_axis[c.axis.value] * NATS_PER_BIT / c.unit for c in program.linear]),
        tuple((asked.perception * NATS_PER_BIT / o.unit, output * NATS_PER_BIT) for o in program.outputs),
        np.array([asked.classification * NATS_PER_BIT / c.unit for c in program.posteriors]),
    )
    check_tol(tol)
    check_each(program)
    candidate = Candidate(table, columns, dual, 0, origin="given")
    proofs = []
    if not program.posteriors:
        # The reference law of the lower bound is free: the one that suits the prices replaces the channel's.
        letters = np.arange(m)
        merged = table.reshape(shape[0], m, -1).sum(axis=2)
        proofs.append(tilted(program, replace(candidate, channel=merged, columns=letters), tol * NATS_PER_BIT))
    solution = conclude(problem, program, [target], [candidate], None, tol, proofs)
    warn_if_wide(solution, tol, depth=4)
    return solution
