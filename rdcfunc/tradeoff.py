"""The verbs on one surface: the least rate at given levels, the least of one level at a given rate."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import inf
from typing import ParamSpec

from rdcfunc import checks
from rdcfunc.answer import solve
from rdcfunc.conclusion import warn_if_wide
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Axis
from rdcfunc.solution import Solution
from rdcfunc.solvers.base import Solver

_Question = ParamSpec("_Question")


def _gives(axis: str, cure: str) -> Callable[[Callable[_Question, Solution]], Callable[_Question, Solution]]:
    """Make a verb say what to ask instead where it is given the very thing that it computes."""

    def taught(verb: Callable[_Question, Solution]) -> Callable[_Question, Solution]:
        @wraps(verb)
        def asked(*given: _Question.args, **named: _Question.kwargs) -> Solution:
            if axis in named:
                raise TypeError(
                    f"{verb.__name__} gives {axis} and takes none (got {axis}={checks.shown(named[axis])}); {cure}"
                )
            return verb(*given, **named)

        return asked

    return taught


@_gives("R", "for the least level at a rate ask distortion(problem, R=...), perception or classification")
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
    solution = solve(problem, [Target(D, P, C)], solver, tol, start)
    warn_if_wide(solution, tol, depth=4)
    return solution


@_gives("D", "for the least rate at a distortion ask rate(problem, D=...)")
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


@_gives("P", "for the least rate at a perception ask rate(problem, P=...)")
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


@_gives("C", "for the least rate at a classification ask rate(problem, C=...)")
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
    solution = solve(problem, [target], solver, tol, start, R=checks.rate(R), goal=goal)
    warn_if_wide(solution, tol, depth=5)
    return solution
