"""One encoder for many decoders: the universal rate and what it costs over the dearest single target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rdcfunc.answer import solve
from rdcfunc.classifications import ConditionalEntropy
from rdcfunc.compilation import compile_program
from rdcfunc.problem import Problem, Target
from rdcfunc.solution import Solution
from rdcfunc.solvers.base import Solver
from rdcfunc.tradeoff import rate


@dataclass(frozen=True, eq=False)
class Penalty:
    """A bracket of ``A(Θ) = R(Θ) - max_k R_k`` in bits, with the solutions that it comes from.

    Attributes
    ----------
    lower, upper
        ``lower <= A(Θ) <= upper``, within ``[0, R(Θ)]``.
    universal
        The solution of R(Θ).
    singles
        The solution of each target alone.
    """

    lower: float
    upper: float
    universal: Solution = field(repr=False)
    singles: tuple[Solution, ...] = field(repr=False)


def universal_rate(
    problem: Problem, theta: Sequence[Target], *, solver: Solver | None = None, tol: float = 1e-6
) -> Solution:
    """Compute ``R(Θ)``, the least ``I(X; Z)`` of an encoder from which a decoder can meet each target.

    ``Z`` may be replaced by the tuple of its reconstructions, so this is the least ``I(X; X̂_1..X̂_K)`` with each
    target imposed on its own component: the same core on m^K columns. Targets that another one implies are
    dropped. With tagged classification the tag may be all of Z, so only the least C counts.

    Parameters
    ----------
    problem
        Source and measures.
    theta
        One :class:`Target` a decoder; each may leave any of its constraints off.
    solver, tol
        As for :func:`rate`.

    Returns
    -------
    Solution
        ``achieved`` and ``prices`` are tuples with one entry for each target of ``theta`` that no other implies,
        and ``channel`` and ``output`` have a leading axis for them, in the order of ``theta``. With one such
        target, the solution is that of :func:`rate`.

    Raises
    ------
    ValueError
        If ``theta`` is empty or needs more columns than can be enumerated.
    InfeasibleError
        If a target cannot be met.

    References
    ----------
    Zhang, Qian, Chen and Khisti, "Universal rate-distortion-perception representations for lossy compression",
    2021, arXiv:2106.10311, definition 3.

    Examples
    --------
    >>> from rdcfunc import sources, distortions, perceptions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> round(universal_rate(problem, [Target(D=0.1), Target(D=0.11, P=0.0)]).value, 4)
    0.4204
    """
    targets = _essential(problem, theta)
    return solve(problem, compile_program(problem, targets), targets, solver, tol, None)


def rate_penalty(
    problem: Problem, theta: Sequence[Target], *, solver: Solver | None = None, tol: float = 1e-6
) -> Penalty:
    """Compute the rate penalty ``A(Θ) = R(Θ) - max_k R_k`` of one encoder for all targets.

    Parameters
    ----------
    problem, theta, solver, tol
        As for :func:`universal_rate`; ``tol`` holds for each of the rates.

    Returns
    -------
    Penalty
        ``lower <= A(Θ) <= upper`` in bits.

    References
    ----------
    Zhang, Qian, Chen and Khisti, 2021, arXiv:2106.10311, definition 4.

    Examples
    --------
    >>> from rdcfunc import sources, distortions, perceptions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> penalty = rate_penalty(problem, [Target(D=0.1), Target(D=0.11, P=0.0)])
    >>> round(penalty.lower, 4), round(penalty.upper, 4)
    (0.0081, 0.0081)
    """
    whole = universal_rate(problem, theta, solver=solver, tol=tol)
    singles = tuple(rate(problem, t.D, t.P, t.C, solver=solver, tol=tol) for t in theta)
    # A universal encoder serves each target, so no single rate exceeds R(Θ); and of one target it is that rate.
    whole = replace(whole, lower=max(whole.lower, *(s.lower for s in singles)))
    if len(_essential(problem, theta)) == 1 and len(set(theta)) == 1:
        return Penalty(0.0, 0.0, whole, singles)
    lower = max(0.0, whole.lower - max(s.upper for s in singles))
    upper = min(whole.upper, max(0.0, whole.upper - max(s.lower for s in singles)))
    return Penalty(lower, upper, whole, singles)


def _essential(problem: Problem, theta: Sequence[Target]) -> list[Target]:
    """Return the targets that no other implies, in order; tagged ones all share the least C."""
    targets = list(theta) if isinstance(theta, Sequence) else []
    if not targets or not all(isinstance(t, Target) for t in targets):
        raise ValueError(f"theta must be a list of at least one Target (got {theta!r}); write [Target(D=...), ...]")
    measure = problem.classification
    if isinstance(measure, ConditionalEntropy) and measure.tagged:
        C = min(t.C for t in targets)
        targets = [replace(t, C=C) for t in targets]
    distinct = list(dict.fromkeys(targets))
    return [t for t in distinct if not any(o != t and o.D <= t.D and o.P <= t.P and o.C <= t.C for o in distinct)]
