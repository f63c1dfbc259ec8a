"""Entropies on the alphabet as it is that the other levels keep out of reach, refused with the least that is not."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
from scipy.special import entr, rel_entr

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import bracket, lower_bound
from rdcfunc.checks import InfeasibleError
from rdcfunc.feasibility import check_together
from rdcfunc.program import Posterior, Program
from rdcfunc.repairs import excess
from rdcfunc.rounding import ROUNDING
from rdcfunc.solvers.branch_and_bound import is_few
from rdcfunc.solvers.chords import Chords

#: Most regions and linear programs of a search.
_NODES, _WORK = 400, 2_000
#: How accurately the least entropy is found, in nats, where that is above its level.
_TOL = 1e-6
#: Prices of an entropy that is to be as small as it can, where class laws are a nat apart, and how near that pays.
_STEEP, _CLOSE = np.array([10.0, 20.0, 40.0]), 1e-3


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
    targets = program.targets
    found = [_searched(program.single(k), f" of target {k}" if targets > 1 else "") for k in range(targets)]
    if targets > 1 or found[0] is None:
        return None
    return _with_prices(program, found[0])


def _searched(program: Program, decoder: str) -> Candidate | None:
    """Return a channel that meets the levels of one target, or refuse its entropy's."""
    if not program.posteriors:
        return None
    (entropy,) = program.posteriors
    least = replace(program, posteriors=(replace(entropy, level=inf),))
    level = entropy.level * (1 + ROUNDING)
    found = Chords(_NODES, _WORK).towards(least, _TOL, level)
    known = bracket(least, found)
    if known.lower > level + ROUNDING:
        if known.upper == inf:
            check_together(program)
        raise InfeasibleError(_told(program, entropy, known.lower, known.upper, decoder))
    if excess(program, known.channel, ROUNDING) > 0:
        return None
    return Candidate(known.channel, known.columns, Dual.zero(program), found.steps, origin=found.origin)


def _with_prices(program: Program, found: Candidate) -> Candidate:
    """Return a channel with prices that show how much must be sent where the level is ``H(S | X)`` or nearly.

    There letters must tell apart all source letters whose class laws L_x differ, and the rate is at least the entropy
    of these laws: at a price t, ``a_x = e^{t H(L_x)} / P(L_x)`` earns ``1 + Σ e^{-t KL(L_x ‖ L_y)}`` or so.
    """
    free = replace(found, dual=Dual.zero(program))
    entropy = min(program.posteriors, key=lambda c: c.level)
    told = entr(entropy.labels).sum(axis=1)
    rows, group = np.unique(entropy.labels, axis=0, return_inverse=True)
    apart = rel_entr(rows[:, None], rows).sum(axis=2)[~np.eye(len(rows), dtype=bool)].min(initial=1.0)
    if not program.minimises_rate or entropy.level - float(program.p @ told) > _CLOSE * apart:
        return free
    mass = np.bincount(group.ravel(), program.p)[group.ravel()]
    steep = [free]
    for t in _STEEP / apart:
        prices = np.array([t if c is entropy else 0.0 for c in program.posteriors])
        dual = replace(free.dual, posteriors=prices)
        steep.append(replace(free, dual=dual, log_a=t * told - np.log(np.maximum(mass, 1e-300))))
    return max(steep, key=lambda candidate: lower_bound(program, candidate))


def _told(program: Program, entropy: Posterior, lower: float, upper: float, decoder: str) -> str:
    """Return why a level is refused, and the least that is feasible."""
    others = [f"{c.axis.value} = {c.level / c.unit:.9g}" for c in program.constraints if c is not entropy]
    held = f" beside {' and '.join(others)}" if others else ""
    least, gap = upper * (1 + 1e-9) / entropy.unit, (upper - lower) / entropy.unit
    named = f"the smallest feasible C is {least:.9g}, give or take {gap:.1g}" if upper < inf else "no C is feasible"
    return (
        f"C = {entropy.level / entropy.unit:.9g}{decoder} is infeasible{held} on {program.m} letters: {named} (by "
        "chords of entropies over regions of class posteriors); raise C to at least that, or let a tag tell the class "
        "with tagged=True"
    )
