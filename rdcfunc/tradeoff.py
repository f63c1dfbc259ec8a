"""The verbs on one surface: the least rate at given levels, the least distortion at a given rate."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from operator import itemgetter

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.certificate import bracket, lower_bound, polished
from rdcfunc.checks import InfeasibleError
from rdcfunc.classifications import ConditionalEntropy, FixedClassifier
from rdcfunc.feasibility import check_each, check_together
from rdcfunc.information import NATS_PER_BIT, Array, class_joint, conditional_entropy
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Candidate, Dual, Program, compile_program
from rdcfunc.solution import Prices, Solution, Status, WideBracketWarning
from rdcfunc.solvers.auto import choices
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.ends import silent


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
    rate = checks.level(R, "R")
    if not 0 < rate < inf:
        raise ValueError(f"R must be finite and > 0 bits (got {rate})")
    target = Target(inf, P, C)
    program = compile_program(problem, [target], rate * NATS_PER_BIT)
    return solve(problem, program, [target], solver, tol, start)


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
    target = Target(D, P, C)
    program = compile_program(problem, [target])
    shape = np.shape(channel)
    if len(shape) not in (2, 3) or shape[:2] != problem.shape:
        n, m = problem.shape
        raise ValueError(f"channel must have shape ({n}, {m}) or, with T tags, ({n}, {m}, T) (got {shape})")
    table = checks.laws(np.reshape(channel, (shape[0], -1)), "channel", 2)
    columns = np.repeat(np.arange(shape[1]), table.shape[1] // shape[1])
    given = prices or Prices()
    m = problem.shape[1]
    output = np.zeros(m) if given.output is None else checks.finite(given.output, "output price", 1)
    if output.size != m:
        raise ValueError(f"the output price must have one entry for each of the {m} letters (got {output.size})")
    by_axis = {"D": given.distortion, "C": given.classification}
    dual = Dual(
        np.array([by_axis[c.axis.value] * NATS_PER_BIT / c.unit for c in program.linear]),
        tuple((given.perception * NATS_PER_BIT / o.unit, output * NATS_PER_BIT) for o in program.outputs),
        np.array([given.classification * NATS_PER_BIT / c.unit for c in program.posteriors]),
    )
    _check_tol(tol)
    check_each(program)
    candidate = Candidate(table, columns, dual, 0)
    proofs = []
    if not program.posteriors:
        # The reference law of the lower bound is free: the one that suits the prices replaces the channel's.
        letters = np.arange(m)
        merged = table.reshape(shape[0], m, -1).sum(axis=2)
        proofs.append(polished(program, replace(candidate, channel=merged, columns=letters), tol * NATS_PER_BIT))
    solution = conclude(problem, program, [target], [candidate], None, tol, proofs)
    _warn_if_wide(solution, tol, depth=3)
    return solution


def solve(
    problem: Problem,
    program: Program,
    targets: Sequence[Target],
    solver: Solver | None,
    tol: float,
    start: Solution | None,
    warn: bool = True,
) -> Solution:
    """Propose by a solver, dispose by the certificate: the way that every verb walks."""
    _check_tol(tol)
    if solver is not None and not isinstance(solver, Solver):
        raise TypeError(f"solver must be a value from rdcfunc.solvers such as Conic(), or None (got {solver!r})")
    check_each(program)
    picks = choices(program) if solver is None else (solver,)
    refusal = picks[0].refusal(program)
    if refusal is not None:
        raise ValueError(refusal)
    quiet = silent(program)
    found = [] if quiet is None else [quiet]
    solution = conclude(problem, program, targets, found, picks[0], tol) if found else None
    for picked in picks:
        if solution is not None and solution.status is Status.CERTIFIED:
            break
        found += picked.solve(program, tol * _unit(program), None if start is None else start.candidate)
        solution = conclude(problem, program, targets, found, picked, tol)
    assert solution is not None  # there is always a first pick
    if warn:
        _warn_if_wide(solution, tol, depth=4)
    return solution


def conclude(
    problem: Problem,
    program: Program,
    targets: Sequence[Target],
    found: Sequence[Candidate],
    solver: Solver | None,
    tol: float,
    proofs: Sequence[Candidate] = (),
) -> Solution:
    """Turn candidates into a solution: the best lower and upper bound of them all; ``proofs`` give lower ones only."""
    brackets = [bracket(program, candidate) for candidate in found]
    if not brackets or min(b.upper for b in brackets) == inf:
        check_together(program)
        _check_rate(problem, program, targets)
    if not brackets:
        nothing = np.full((program.p.size, program.size), 1.0 / program.size)
        zero = Dual(
            np.zeros(len(program.linear)),
            tuple((0.0, np.zeros(program.m)) for _ in program.outputs),
            np.zeros(len(program.posteriors)),
        )
        found = [Candidate(nothing, np.arange(program.size), zero, 0)]
        brackets = [bracket(program, found[0])]
    best = int(np.argmin([b.upper for b in brackets]))
    bounds = [*((b.lower, c) for b, c in zip(brackets, found, strict=True))]
    bounds += [(lower_bound(program, c), c) for c in proofs]
    (lower, proof), top = max(bounds, key=itemgetter(0)), brackets[best]
    unit = _unit(program)
    lower, upper = min(lower, top.upper) / unit, top.upper / unit
    if upper == inf:
        status = Status.NO_CHANNEL
    elif upper - lower <= tol:
        status = Status.CERTIFIED
    elif program.posteriors and not program.posteriors[0].tagged:
        status = Status.NONCONVEX
    else:
        status = Status.WIDE
    part = program.take(top.columns)
    single = len(targets) == 1
    achieved = tuple(_achieved(problem, part, top.channel, k) for k in range(len(targets)))
    prices = tuple(_prices(program, proof.dual, k) for k in range(len(targets)))
    return Solution(
        value=upper,
        lower=lower,
        upper=upper,
        rate=part.information(top.channel) / NATS_PER_BIT,
        achieved=achieved[0] if single else achieved,
        encoder=top.channel,
        letters=part.letters,
        m=program.m,
        prices=prices[0] if single else prices,
        status=status,
        solver=solver,
        steps=sum(candidate.steps for candidate in found),
        source=program.p,
        candidate=found[best],
    )


def _warn_if_wide(solution: Solution, tol: float, depth: int) -> None:
    if solution.status is not Status.CERTIFIED:
        warnings.warn(
            f"{solution.status.value} It is [{solution.lower:.9g}, {solution.upper:.9g}], of width {solution.gap:.2g}; "
            f"tol = {tol:.2g}.",
            WideBracketWarning,
            stacklevel=depth,
        )


def _check_tol(tol: float) -> None:
    if not tol > 0:
        raise ValueError(f"tol must be > 0 (got {tol}); it is the bracket asked for")


def _unit(program: Program) -> float:
    """Return what one public unit of the minimised quantity is inside."""
    return NATS_PER_BIT if program.minimises_rate else program.linear[0].unit


def _check_rate(problem: Problem, program: Program, targets: Sequence[Target]) -> None:
    """Refuse a rate at which the other levels cannot be met."""
    if program.minimises_rate:
        return
    free = replace(program, linear=program.limits, rate=inf)
    least = solve(problem, free, targets, None, 1e-6, None, warn=False)
    if least.lower * NATS_PER_BIT > program.rate:
        raise InfeasibleError(
            f"R = {program.rate / NATS_PER_BIT:.9g} is infeasible: the smallest feasible R is {least.upper:.9g} "
            "(by solving for the rate at these levels); raise R to at least that"
        )


def _achieved(problem: Problem, part: Program, channel: Array, k: int) -> Target:
    """Return what decoder k achieves on every measure that the problem has."""
    p, shown = program_law(part, channel, k)
    measure = problem.classification
    C = inf
    if isinstance(measure, FixedClassifier):
        C = float(p @ (shown * measure.cost).sum(axis=1)) / measure.unit
    elif isinstance(measure, ConditionalEntropy):
        told = channel if measure.tagged else shown
        C = conditional_entropy(class_joint(p, told, measure.labels)) / measure.unit
    divergence = problem.perception
    P = inf if divergence is None else divergence.value(p, p @ shown) / divergence.unit
    return Target(float(p @ (shown * problem.distortion.values).sum(axis=1)), max(P, 0.0), max(C, 0.0))


def program_law(part: Program, channel: Array, k: int) -> tuple[Array, Array]:
    """Return the source law and the channel (n, m) to the letter of decoder k."""
    shown = np.zeros((part.p.size, part.m))
    np.add.at(shown.T, part.letters[:, k], channel.T)
    return part.p, shown


def _prices(program: Program, dual: Dual, k: int) -> Prices:
    found = {"D": 0.0, "P": 0.0, "C": 0.0}
    output: Array | None = None
    for s, c in zip(dual.linear, program.linear, strict=True):
        found[c.axis.value] += float(s) * c.unit / NATS_PER_BIT if c.target == k else 0.0
    for t, h in zip(dual.posteriors, program.posteriors, strict=True):
        found["C"] += float(t) * h.unit / NATS_PER_BIT if h.target == k else 0.0
    for (t, g), o in zip(dual.outputs, program.outputs, strict=True):
        if o.target == k:
            found["P"], output = t * o.unit / NATS_PER_BIT, g / NATS_PER_BIT
    return Prices(found["D"], found["P"], found["C"], output)
