"""What bounds with perfect perception prove: of all encoders by half, and of those in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf, isfinite, sqrt

import numpy as np

from rdcfunc.compilation import SamplesProgram
from rdcfunc.empirical.certificate import Lower, Upper, on_goal
from rdcfunc.empirical.perfect import Perfect, perfect, products
from rdcfunc.program import Axis
from rdcfunc.rounding import EPS
from rdcfunc.solvers.particles import Particles

#: Halvings in search of a rate.
_HALVINGS = 60


def doubled(question: SamplesProgram, top: Upper, low: Lower, solver: Particles) -> Lower:
    """Return a lower bound that is proved in any dimension, if no other is, and all pairs of samples are affordable.

    With prices of perfect perception, ``I + s D >= Φ`` and by classes ``I + H(S|W) + s D >= Φ'``, no encoder has less
    than ``I + 2 s D >= Φ`` and ``I + H(S|W) + 2 s D >= Φ'``: the better of the two bounds.
    """
    if low.proved or top.cloud.s <= 0:
        return low
    value, known, origin = low.value, False, low.origin
    told = question.labels is not None and (inf > question.entropy or question.goal is Axis.C)
    for t in (0.0, 1.0) if told else (0.0,):
        if question.goal is Axis.C and t == 0:
            continue

        def worth(dual: float, s: float, t: float = t) -> float:
            return on_goal(question, dual, 2 * s, t)

        found = _perfect(question, top.cloud.s / 2, worth, solver, by_class=t > 0)
        known = known or isfinite(found.dual)
        if worth(found.dual, found.s) > value:
            value = worth(found.dual, found.s)
            origin = "half of the cost of perfect perception" + (" within classes" if t > 0 else "")
    searched = np.nan if known and low.searched <= value else low.searched
    return replace(low, value=value, searched=searched, proved=known, origin=origin)


def mirrored_lower(question: SamplesProgram, top: Upper, solver: Particles) -> Lower:
    """Return a lower bound with perfect perception, at a price that is good for the question's level."""
    asked = replace(question, target=replace(question.target, P=inf))
    if top.cloud.s <= 0:
        return Lower(0.0, np.nan, top.cloud.s, 0.0, True)
    sought = asked
    if question.target.P > 0 or question.goal is Axis.P:
        # What is wanted then is the least distortion with perfect perception, at the rate.
        sought = replace(asked, goal=Axis.D, rate=min(question.rate, top.achieved.R))
    found = _perfect(asked, top.cloud.s, lambda dual, s: on_goal(sought, dual, s, 0.0), solver)
    value = max(0.0, on_goal(asked, found.dual, found.s, 0.0))
    return Lower(value, np.nan, found.s, 0.0, isfinite(found.dual), found.dual, origin="perfect perception")


def _perfect(
    question: SamplesProgram,
    s: float,
    worth: Callable[[float, float], float],
    solver: Particles,
    by_class: bool = False,
) -> Perfect:
    """Return a price and its dual with perfect perception, -inf where all pairs of samples would cost too much."""
    source = question.source
    live = np.flatnonzero(source.pmf > 0)
    groups = [live]
    if by_class and question.labels is not None:
        groups = [found for column in question.labels.T if (found := live[column[live] > 0]).size]
    work = products(groups, source.k)
    if work > solver.products:
        return Perfect(s)
    about = source.points - source.pmf @ source.points
    return perfect(about, source.pmf, groups, worth, s, solver.pairing(question, work), solver.seed)


def between(question: SamplesProgram, free: Lower, perfect: Lower) -> Lower:
    """Return a lower bound at a level P from those at P = inf and at P = 0.

    The latter is one at P = inf as well, by half.

    On any encoder let e be the distortion of the best estimate and w its W2 from the samples. Its decoders have
    ``D >= e + (w - √P)_+²``; one of them has ``P = 0`` and ``D = e + w²``. So with the least distortions at the rate,
    ``e >= D(R, inf)`` and ``e + w² >= D(R, 0)``, and

        D(R, P) >= D(R, inf) + (√(D(R, 0) - D(R, inf)) - √P)_+²,

    which grows with both, so that lower bounds on them will do.
    """
    P, D = question.target.P, question.target.D

    def bound(searched: bool) -> float:
        def room(R: float) -> tuple[float, float]:
            at_zero = perfect.distortion(R)
            low = max(free.distortion(R, searched), at_zero / 2)
            return low, sqrt(max(0.0, at_zero - low))

        def least(R: float) -> float:
            low, w = room(R)
            return (low + max(0.0, w - sqrt(P)) ** 2) * (1 - 1e-12) - 8 * EPS * P

        if question.goal is Axis.P:
            low, w = room(question.rate)
            return max(0.0, w - sqrt(max(0.0, D - low))) ** 2 * (1 - 1e-12) - 8 * EPS * (D + w * w)
        if question.goal is Axis.D:
            return least(question.rate)
        # Distortions fall with the rate: those below the level need more than the left end.
        left, right = 0.0, max(free.dual_searched if searched else free.dual, perfect.dual, 0.0)
        for _ in range(_HALVINGS):
            middle = (left + right) / 2
            left, right = (middle, right) if least(middle) > D else (left, middle)
        return left

    searched = bound(True) if isfinite(free.dual_searched) else np.nan
    without = 0.0 if question.goal is Axis.P else free.value
    value, proved = max(without, bound(False)), free.proved or isfinite(perfect.dual)
    return replace(
        free,
        value=value,
        searched=np.nan if searched <= value else searched,
        proved=proved,
        origin="no and perfect perception",
    )
