"""One encoder, kept as it is: what the best decoders make of it, and what serving other targets than its own costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks, distortions
from rdcfunc.answer import solve
from rdcfunc.candidate import Candidate, Dual
from rdcfunc.channels import GaussianChannel
from rdcfunc.checks import InfeasibleError
from rdcfunc.classifications import Classification
from rdcfunc.compilation import output, tabulate
from rdcfunc.conclusion import achieved, conclude, unit, warn_if_some_wide, warn_if_wide, weigh
from rdcfunc.feasibility import check_each
from rdcfunc.gaussian.decoding import decode as gaussian
from rdcfunc.gaussian.decoding import of_source
from rdcfunc.information import NATS_PER_BIT, Array, mutual_information
from rdcfunc.problem import Problem, Target, check_problem
from rdcfunc.program import Axis, Program
from rdcfunc.reach import reachable
from rdcfunc.solution import Solution
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.chords import Chords
from rdcfunc.solvers.conic import Conic
from rdcfunc.sources import Discrete, Gaussian, Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What an encoder may be given as.
Encoder: TypeAlias = ArrayLike | Solution | GaussianChannel


def decode(
    problem: Problem,
    encoder: Encoder,
    P: float = inf,
    C: float = inf,
    *,
    tol: float = 1e-6,
) -> Solution:
    """Compute ``min E d(X, X̂)`` over decoders ``P(x̂ | z)`` of a fixed encoder, at the levels P and C.

    A decoder sees Z, not X: it faces the source Z with the distortion ``E[d(X, x̂) | Z = z]`` and the labels
    ``P(S = s | Z = z)``, and no limit of the rate. That is a linear program for total variation and transport, a
    convex one for other divergences, and with a tag the least distortion and ``H(S | Z)`` are reached together. The
    entropy ``H(S | X̂)`` of the letter alone is not convex in the decoder; :class:`rdcfunc.solvers.Chords` takes it.

    Parameters
    ----------
    problem
        Source and measures, with n source and m reproduction letters.
    encoder
        ``P(z | x)``, shape (n, nz), rows summing to one; or a solution, whose ``encoder`` is taken. See
        :func:`encoder_from_counts` for tables of counts. A :class:`~rdcfunc.channels.GaussianChannel`, or a solution
        that has one, on a Gaussian source; components of Z that rounding cannot tell from others tell nothing.
    P, C
        Levels as in :class:`Target`.
    tol
        The bracket asked for, in units of the distortion.

    Returns
    -------
    Solution
        With ``lower <= least distortion <= upper``; ``decoder`` is ``P(x̂ | z)``, shape (nz, m), the columns of
        ``encoder`` are pairs (z, x̂), and ``rate`` is ``I(X; Z)``.

    Raises
    ------
    InfeasibleError
        If no decoder of this encoder meets a level.
    ValueError
        If the encoder does not fit the source, or as for :func:`rdcfunc.rate`.

    References
    ----------
    Zhang, Qian, Chen and Khisti, "Universal rate-distortion-perception representations for lossy compression",
    2021, arXiv:2106.10311.

    Examples
    --------
    >>> from rdcfunc import sources, perceptions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> encoder = [[1.0, 0.0], [0.5, 0.5]]
    >>> round(decode(problem, encoder).value, 6), round(decode(problem, encoder, P=0.0).value, 6)
    (0.15, 0.247059)
    """
    solution = serve(problem, sent(problem, encoder), Target(inf, P, C), tol)
    warn_if_wide(solution, tol, depth=3)
    return solution


def sent(problem: Problem, encoder: Encoder) -> Array | GaussianChannel:
    """Return an encoder as it serves a problem, checked: its table ``P(z | x)``, shape (n, nz), or Gaussian channel."""
    check_problem(problem)
    if isinstance(problem.source, Samples):
        raise ValueError("encoders are tables of a discrete source with fixed letters; samples have free ones")
    if isinstance(problem.source, Gaussian):
        return of_source(encoder, problem)
    n = problem.source.n
    given = cast("ArrayLike | Solution", encoder)
    table = given.encoder if isinstance(given, Solution) else checks.laws(given, "encoder", 2, depth=4)
    if table.shape[0] != n:
        raise ValueError(
            f"encoder must have one row for each of the {n} source letters (got shape {table.shape}); "
            "rows are laws P(z | x)"
        )
    return table


@np.errstate(all="ignore")
def serve(
    problem: Problem,
    encoder: Array | GaussianChannel,
    target: Target,
    tol: float,
    start: Solution | None = None,
) -> Solution:
    """Return what :func:`decode` does of a checked encoder, without its warning and from a neighbour's if given."""
    checks.tolerance(tol)
    if isinstance(encoder, GaussianChannel):
        return gaussian(problem, encoder, target.P, target.C, tol)
    table = encoder
    problem.check(target)
    p, used = problem.source.pmf, problem.source.pmf @ table > 0
    program, seen = _seen(problem, table[:, used], target)
    check_each(program)
    if any(c.tagged for c in program.posteriors):
        # The tag may be all of Z, and then the entropy is as small as it can be.
        program = replace(program, posteriors=())
    solver: Solver = Chords() if program.posteriors else Conic()
    near = None
    if start is not None and isinstance(start.decoder, np.ndarray):
        near = Candidate(start.decoder[used], np.arange(program.m), Dual.zero(program), 0)
    near = near or reachable(program)
    found = solver.solve(program, tol * unit(program), near)
    solution = conclude(seen, program, weigh(program, found, enough=tol * unit(program)), solver, tol)
    decoder = np.tile(program.p @ solution.channel, (len(used), 1))
    decoder[used] = solution.channel
    nz, m = decoder.shape
    pairs, letters = (table[:, :, None] * decoder).reshape(len(p), nz * m), np.tile(np.arange(m), nz)[:, None]
    return replace(
        solution,
        rate=carried(problem, table),
        achieved=achieved(problem, p, pairs, letters[:, 0]),
        sent=pairs,
        letters=letters,
        source=p,
        candidate=None,
        decoder=decoder,
    )


def carried(problem: Problem, encoder: Array | GaussianChannel) -> float:
    """Return ``I(X; Z)`` in bits of a checked encoder."""
    if isinstance(encoder, GaussianChannel):
        return serve(problem, encoder, Target(), 1.0).rate
    return mutual_information(problem.source.pmf, encoder) / NATS_PER_BIT


def encoder_from_counts(counts: ArrayLike) -> Array:
    """Return the encoder ``P(z | x)`` (n, nz) that a table of counts (n, nz) shows, such as codes against images.

    Raises
    ------
    ValueError
        If a count is negative or a row has none.

    Examples
    --------
    >>> encoder_from_counts([[3, 1], [0, 2]])
    array([[0.75, 0.25],
           [0.  , 1.  ]])
    """
    table = checks.nonnegative(counts, "counts", 2)
    sums = table.sum(axis=1, keepdims=True)
    if sums.min() == 0:
        raise ValueError(
            f"counts must have at least one in each row (got none in row {int(sums.argmin())}); drop that source letter"
        )
    return table / sums


@dataclass(frozen=True, eq=False)
class Reuse:
    """What encoders made for one target cost at another: brackets of extra distortion at one rate.

    Attributes
    ----------
    lower, upper
        Shape (K, K): ``[k, l]`` brackets the least distortion at target l of a decoder on the encoder made for
        target k, less the least distortion at target l of any encoder of this rate; inf where no decoder meets it.
    targets
        The levels P and C of each target.
    fresh
        The solution made for each target, whose encoder is row k's.
    """

    lower: Array
    upper: Array
    targets: tuple[Target, ...]
    fresh: tuple[Solution, ...] = field(repr=False)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw a heat map and return its axes; see :func:`rdcfunc.plotting.plot_reuse`."""
        from rdcfunc.plotting import plot_reuse

        return plot_reuse(self, ax)


def reuse_penalty(
    problem: Problem, targets: Sequence[Target], *, R: float, solver: Solver | None = None, tol: float = 1e-6
) -> Reuse:
    """Compute, for each pair of targets, the extra distortion of a decoder on the encoder made for another.

    The encoder made for target k attains ``D(R, P_k, C_k)``; it is the one that the solver found, which need not be
    the only one.

    Parameters
    ----------
    problem
        Source and measures.
    targets
        Levels P and C of each target; D must be inf, as distortion is what is measured.
    R
        Rate in bits.
    solver, tol
        As for :func:`rdcfunc.distortion`.

    Returns
    -------
    Reuse
        Brackets (K, K) in units of the distortion, never below zero.

    Raises
    ------
    ValueError
        If there is no target or one has a level D, or as for :func:`rdcfunc.distortion`.

    Examples
    --------
    >>> from rdcfunc import sources, perceptions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> reuse_penalty(problem, [Target(), Target(P=0.0)], R=0.4).upper.round(4)
    array([[0.    , 0.0365],
           [0.0051, 0.    ]])
    """
    chosen = tuple(targets) if isinstance(targets, Sequence) else ()
    if not chosen or any(not isinstance(t, Target) or isfinite(t.D) for t in chosen):
        raise ValueError(f"targets must be a list of Target(P=..., C=...) without D (got {targets!r})")
    bits = checks.rate(R)
    fresh = tuple(solve(problem, [target], solver, tol, R=bits, goal=Axis.D) for target in chosen)
    found: list[Solution] = [*fresh]
    K = len(chosen)
    lower, upper = np.full((K, K), inf), np.full((K, K), inf)
    for k, made in enumerate(fresh):
        encoder = sent(problem, made)
        for other, target in enumerate(chosen):
            try:
                served = serve(problem, encoder, target, tol)
            except InfeasibleError:
                continue
            found.append(served)
            lower[k, other] = max(0.0, served.lower - fresh[other].upper)
            upper[k, other] = max(0.0, served.upper - fresh[other].lower)
    warn_if_some_wide(found, tol, "Reuse.upper - Reuse.lower, and Reuse.fresh", depth=3)
    return Reuse(lower, upper, chosen, fresh)


def _seen(problem: Problem, table: Array, target: Target) -> tuple[Program, Problem]:
    """Return the least-distortion program of a decoder that sees Z, and its problem, all of whose z have mass."""
    p, measure = problem.source.pmf, problem.classification
    joint = p[:, None] * table
    law = joint.sum(axis=0)
    back = (joint / law).T
    barred = np.isinf(problem.distortion.values)
    cost = back @ np.where(barred, 0.0, problem.distortion.values)
    cost[(back @ barred) > 0] = inf
    if np.isinf(cost).all(axis=1).any():
        raise InfeasibleError(
            "there is a code for which no letter is allowed: each is forbidden for a source letter that may have sent "
            "it; take another encoder or lift a ban"
        )
    classes: Classification | None = None
    if measure is not None:
        labels = back @ measure.labels
        classes = replace(measure, labels=labels / labels.sum(axis=1, keepdims=True))
    seen = Problem(Discrete(law / law.sum()), distortions.matrix(cost), None, classes)
    program = tabulate(seen, [Target(inf, inf, target.C)], inf, Axis.D)
    if problem.perception is not None and isfinite(target.P):
        program = replace(program, outputs=(output(0, problem.perception, p, target.P),))
    return program, seen
