"""What answers are worth: the widest certified gap among them, recomputed the same way for everyone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import rdcfunc as rdc
from benchmarks.speed.cases import Case
from benchmarks.speed.peers import Answer

#: A measurement, as it is kept.
Row = dict[str, Any]


def judged(case: Case, problem: rdc.Problem, answers: Sequence[rdc.Solution | Answer]) -> Row:
    """Return the widest bracket of the answers, certified from their channels and prices.

    The library's answers also come with a bracket of their own. It is the only one where the channel is too large to
    form, and for conditional entropies and many decoders, which are not certified again.
    """
    notes: list[str] = []
    slopes, widest, own = [], (-math.inf, 0.0, 0.0), -math.inf
    for answer, target in zip(answers, case.targets(), strict=case.family != "universal"):
        certified: rdc.Solution | None = None
        if isinstance(answer, rdc.Solution):
            own = max(own, answer.gap)
            if isinstance(answer.prices, rdc.Prices) and problem.classification is None:
                slopes.append(answer.prices.distortion)
                try:
                    certified = _again(case, problem, answer, target)
                except MemoryError:
                    notes.append("own bracket: the channel is too large to form")
            certified = certified or answer
        else:
            notes += [answer.note] if answer.note else []
            certified = _again(case, problem, answer, target)
        widest = max(widest, (certified.gap, certified.lower, certified.upper))
    gap, lower, upper = widest
    if not math.isfinite(gap):
        return said("failed", "no channel that meets the levels")
    if 0 <= own <= case.tol < gap:
        notes.append(f"own bracket: {own:.1e}")
    found = {"gap": gap, "own_gap": own if own >= 0 else None, "lower": lower, "upper": upper, "slopes": slopes}
    return said("solved", ", ".join(dict.fromkeys(notes))) | found


def said(status: str, note: str) -> Row:
    """Return how a measurement went: solved, limit, failed or skipped."""
    return {"status": status, "note": note}


def _again(case: Case, problem: rdc.Problem, answer: rdc.Solution | Answer, target: rdc.Target) -> rdc.Solution:
    assert not isinstance(answer.prices, tuple)
    return rdc.certify(problem, answer.channel, answer.prices, D=target.D, P=target.P, tol=case.tol)
