"""One encoder for many decoders: the universal rate and what it costs over the dearest single target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf, log2
from operator import attrgetter
from typing import Any

from rdcfunc import checks
from rdcfunc.answer import solve
from rdcfunc.classifications import ConditionalEntropy
from rdcfunc.conclusion import warn_if_some_wide, warn_if_wide
from rdcfunc.continua import Box, IsoRate, Pencil
from rdcfunc.problem import Problem, Target, check_problem
from rdcfunc.rounding import refuse_crossing
from rdcfunc.solution import Solution, Status
from rdcfunc.solvers.base import Solver

#: What an encoder may be universal for.
Theta = Sequence[Target] | Box | IsoRate

#: The most times that the points of a curve are refined.
_REFINEMENTS = 8


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
    problem: Problem,
    theta: Theta,
    *,
    solver: Solver | None = None,
    tol: float = 1e-6,
    executor: Executor | None = None,
) -> Solution:
    """Compute ``R(Θ)``, the least ``I(X; Z)`` of an encoder from which a decoder can meet each target.

    ``Z`` may be replaced by the tuple of its reconstructions, so this is the least ``I(X; X̂_1..X̂_K)`` with each
    target imposed on its own component: the same core on m^K columns, of which few carry mass. Targets that another
    one implies are dropped.

    With a tagged classification the rate is that of the least C, ``R(Θ) = R({(D_k, P_k, min C)})``, exactly, and
    without perception that of one target, ``R(min D, min C)``. It takes as much: Z tells as much of the class as any
    decoder's letter and tag, ``H(S|Z) <= min C``, and serves the least D. It takes no more: every decoder may be
    handed all of Z as its tag, and show the letter that the posterior ``P(X|Z)`` makes cheapest. The reproduction
    alphabet is the given one, with a tag of at most n + 2 values: so many columns keep ``p_X``, ``H(X|Z)``, E d and
    ``H(S|Z)`` (Carathéodory). With perception each target has its own letter beside the shared tag. On a fixed
    alphabet without tags, H(S|X̂_k) is not convex; then the lower bound is that of the program with tags, the upper
    that of an encoder found, and the bracket may stay wide.

    Parameters
    ----------
    problem
        Source and measures.
    theta
        One :class:`Target` a decoder; each may leave any of its constraints off. Or a :class:`Box` of targets, which
        is its corner, or a curve of equal rate, :class:`IsoRate`, which is refined where it matters.
    solver, tol
        As for :func:`rate`.
    executor
        Any :class:`concurrent.futures.Executor`; the points of a curve go to it. A list of targets is one program.

    Returns
    -------
    Solution
        ``achieved`` and ``prices`` are tuples with one entry for each target of ``theta`` that no other implies,
        and ``channel`` and ``output`` have a leading axis for them, in the order of ``theta``; ``active`` counts
        those with a price. With one such target, the solution is that of :func:`rate`. For a curve, its decoders are
        those of some targets that imply it: decoders of two neighbours, one or the other by lot, serve all between.

    Raises
    ------
    ValueError
        If ``theta`` is empty, or needs more columns than can be enumerated and has conditional entropies.
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
    check_problem(problem)
    spread = checks.spread(executor)
    if isinstance(theta, IsoRate):
        solution, _ = _on_curve(problem, theta, solver, tol, spread)
    else:
        solution = solve(problem, _essential(problem, _listed(theta)), solver, tol)
    warn_if_wide(solution, tol, depth=3)
    return solution


def rate_penalty(
    problem: Problem,
    theta: Theta,
    *,
    solver: Solver | None = None,
    tol: float = 1e-6,
    executor: Executor | None = None,
) -> Penalty:
    """Compute the rate penalty ``A(Θ) = R(Θ) - max_k R_k`` of one encoder for all targets.

    Parameters
    ----------
    problem, theta, solver, tol
        As for :func:`universal_rate`; ``tol`` holds for each of the rates.
    executor
        Any :class:`concurrent.futures.Executor`; the points of a curve and the targets alone go to it.

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
    check_problem(problem)
    spread = checks.spread(executor)
    whole: Solution | None = None
    if isinstance(theta, IsoRate):
        whole, targets = _on_curve(problem, theta, solver, tol, spread)
    else:
        targets = _listed(theta)
    distinct = list(dict.fromkeys(targets))
    answers = spread(partial(solve, problem, solver=solver, tol=tol), [[target] for target in distinct])
    alone = dict(zip(distinct, answers, strict=True))
    singles = tuple(alone[target] for target in targets)
    if whole is None:
        essential = _essential(problem, targets)
        if len(essential) == 1 and essential[0] in alone:
            # An encoder for the target that implies all others serves them: R(Θ) is its rate, and none costs more.
            warn_if_some_wide(singles, tol, "Penalty.singles", depth=3)
            return Penalty(0.0, 0.0, alone[essential[0]], singles)
        whole = solve(problem, essential, solver, tol)
    warn_if_some_wide([whole, *singles], tol, "Penalty.universal and Penalty.singles", depth=3)
    # A universal encoder serves each target, so no single rate exceeds R(Θ).
    whole = replace(whole, lower=max(whole.lower, *(s.lower for s in singles)))
    refuse_crossing(whole.lower, whole.upper)
    whole = replace(whole, lower=min(whole.lower, whole.upper))
    most = theta.R if isinstance(theta, IsoRate) else max(s.upper for s in singles)
    lower = max(0.0, whole.lower - most)
    upper = min(whole.upper, max(0.0, whole.upper - max(s.lower for s in singles)))
    refuse_crossing(lower, upper)
    return Penalty(min(lower, upper), upper, whole, singles)


def one_shot_rate(rate: float) -> float:
    """Return ``R + log2(R + 1) + 5``: bits that suffice, on average, to send one letter by an encoder of rate R.

    With randomness that encoder and decoders share, one source letter at a time is coded without a prefix of any other;
    so ``R(Θ)``, which blocks attain in the limit, is what universal decoders cost up to this excess.

    Parameters
    ----------
    rate
        ``I(X; Z)`` in bits, such as ``universal_rate(problem, theta).upper``.

    Raises
    ------
    ValueError
        If the rate is negative or not finite.

    References
    ----------
    Li and El Gamal, "Strong functional representation lemma and applications to coding theorems", IEEE Transactions
    on Information Theory, 2018, theorem 2.

    Examples
    --------
    >>> one_shot_rate(3.0)
    10.0
    """
    bits = checks.real(rate, "rate", "give bits, such as Solution.upper")
    if not 0 <= bits < inf:
        raise ValueError(f"rate must be finite and >= 0 bits (got {bits})")
    return bits + log2(bits + 1) + 5


def _on_curve(
    problem: Problem, curve: IsoRate, solver: Solver | None, tol: float, spread: Callable[..., Iterable[Any]]
) -> tuple[Solution, list[Target]]:
    """Return the answer for a curve, and the targets it implies that the lower bound comes from.

    The rate of weaker targets bounds that of the curve from below, that of stronger ones from above; new points of
    the curve are taken where the stronger ones have a price, until the two meet.
    """
    pencil = Pencil(problem, curve, solver, tol / 20, spread)
    places = sorted(pencil.points)
    tops: list[Solution] = []
    proofs: list[tuple[Solution, list[Target]]] = []
    for _ in range(_REFINEMENTS):
        points = [pencil.weaker(at) for at in places]
        weaker = _essential(problem, points)
        stronger = _essential(problem, pencil.stronger())
        low, high = spread(partial(solve, problem, solver=solver, tol=tol / 4), [weaker, stronger])
        tops.append(high)
        proofs.append((low, points))
        best, proof = min(tops, key=attrgetter("upper")), max(proofs, key=lambda made: made[0].lower)
        if best.upper - proof[0].lower <= tol:
            break
        needed = [getattr(t, curve.axis) for t, priced in zip(weaker, low.priced, strict=True) if priced]
        new = pencil.add(pencil.split(t) for t, priced in zip(stronger, high.priced, strict=True) if priced)
        if not new:
            break
        places = sorted({*(at for at in places if at in needed), *new})
    refuse_crossing(proof[0].lower, best.upper)
    lower = min(best.upper, proof[0].lower)
    wide = [s.status for s in (best, proof[0]) if s.status is not Status.CERTIFIED]
    status = Status.CERTIFIED if best.upper - lower <= tol else (*wide, Status.WIDE)[0]
    return replace(best, lower=lower, status=status), proof[1]


def _listed(theta: Sequence[Target] | Box) -> list[Target]:
    """Return what Θ asks for as a list of targets: of a box, that of its corner."""
    if isinstance(theta, Box):
        return [theta.corner]
    targets = list(theta) if isinstance(theta, Sequence) else []
    if not targets or not all(isinstance(t, Target) for t in targets):
        raise ValueError(f"theta must be a list of at least one Target (got {theta!r}); write [Target(D=...), ...]")
    return targets


def _essential(problem: Problem, targets: Sequence[Target]) -> list[Target]:
    """Return the targets that no other implies, in order; tagged ones all share the least C."""
    measure = problem.classification
    if isinstance(measure, ConditionalEntropy) and measure.tagged:
        C = min(t.C for t in targets)
        targets = [replace(t, C=C) for t in targets]
    distinct = list(dict.fromkeys(targets))
    return [t for t in distinct if not any(o != t and o.D <= t.D and o.P <= t.P and o.C <= t.C for o in distinct)]
