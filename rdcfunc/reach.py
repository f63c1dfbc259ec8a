"""Entropies on the alphabet as it is that the other levels keep out of reach, refused with the least that is not."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np

from rdcfunc.certificate import ROUNDING, bracket
from rdcfunc.checks import InfeasibleError
from rdcfunc.feasibility import check_together
from rdcfunc.program import Candidate, Dual, Posterior, Program
from rdcfunc.solvers.branch_and_bound import is_few
from rdcfunc.solvers.chords import Chords

#: Most regions of a search, and how accurately it finds the least entropy, in nats, where that is above its level.
_NODES, _TOL = 400, 1e-6


def reachable(program: Program) -> Candidate | None:
    """Refuse a level of ``H(S | X̂)`` that no channel meets beside the other levels, whatever it spends.

    The least entropy is that of a program without a rate, whose regions cost a linear program each. Several targets
    can only clash with themselves, as each is imposed on its own letter.

    Returns
    -------
    Candidate or None
        Of the channel of a single target that meets all levels, where one was sought and found.

    Raises
    ------
    InfeasibleError
        If a lower bound on the least entropy is above its level.
    """
    if not any(c.level < inf and not c.tagged for c in program.posteriors) or not is_few(program):
        return None
    targets = program.letters.shape[1]
    found = [_searched(_single(program, k), f" of target {k}" if targets > 1 else "") for k in range(targets)]
    if targets > 1 or found[0] is None:
        return None
    return replace(found[0], dual=Dual.zero(program))


def _searched(program: Program, decoder: str) -> Candidate | None:
    """Return a channel that meets the levels of one target, or refuse its entropy's."""
    if not program.posteriors:
        return None
    (entropy,), live = program.posteriors, program.p > 0
    least = _rows(replace(program, posteriors=(replace(entropy, level=inf),)), live)
    found = Chords(_NODES).towards(least, _TOL, entropy.level)
    known = bracket(least, found)
    if known.lower > entropy.level * (1 + ROUNDING) + ROUNDING:
        if known.upper == inf:
            check_together(program)
        raise InfeasibleError(_told(program, entropy, known.lower, known.upper, decoder))
    if known.upper > entropy.level:
        return None
    channel = np.full((live.size, program.size), 1.0 / program.size)
    channel[live] = known.channel
    return Candidate(channel, np.arange(program.size), Dual.zero(program), found.steps, origin=found.origin)


def _single(program: Program, k: int) -> Program:
    """Return the levels of one target alone, on letters; its decoder may show what any column may."""
    letters = program.letters[:, k]
    first = np.unique(letters, return_index=True)[1]
    barred = program.forbidden
    if barred is not None:
        barred = np.stack([barred[:, letters == j].all(axis=1) for j in range(program.m)], axis=1)
    return Program(
        program.p,
        np.arange(program.m)[:, None],
        program.m,
        tuple(replace(c, target=0, cost=c.cost[:, first]) for c in program.limits if c.target == k),
        tuple(replace(o, target=0) for o in program.outputs if o.target == k and o.level < inf),
        tuple(replace(c, target=0) for c in program.posteriors if c.target == k and c.level < inf),
        forbidden=barred,
    )


def _rows(program: Program, live: np.ndarray) -> Program:
    """Return the program on the source letters that have mass."""
    return replace(
        program,
        p=program.p[live],
        linear=tuple(replace(c, cost=c.cost[live]) for c in program.linear),
        posteriors=tuple(replace(c, labels=c.labels[live]) for c in program.posteriors),
        forbidden=None if program.forbidden is None else program.forbidden[live],
    )


def _told(program: Program, entropy: Posterior, lower: float, upper: float, decoder: str) -> str:
    """Return why a level is refused, and the least that is feasible."""
    others = [f"{c.axis.value} = {c.level / c.unit:.9g}" for c in program.constraints if c is not entropy]
    held = f" beside {' and '.join(others)}" if others else ""
    least, gap = upper * (1 + 1e-9) / entropy.unit, (upper - lower) / entropy.unit
    named = f"the smallest feasible C is {least:.9g}, give or take {gap:.1g}" if upper < inf else "no C is feasible"
    return (
        f"C = {entropy.level / entropy.unit:.9g}{decoder} is infeasible{held} on {program.m} letters: {named} (by chords "
        "of entropies over regions of class posteriors); raise C to at least that, or let a tag tell the class with "
        "tagged=True"
    )
