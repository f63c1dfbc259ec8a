"""Levels that no reproduction of a Gaussian source meets, refused with what is in reach."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf, log
from typing import Protocol

import numpy as np

from rdcfunc.checks import InfeasibleError
from rdcfunc.gaussian.outcome import solve
from rdcfunc.gaussian.question import Question
from rdcfunc.rounding import ROUNDING

#: The least part of a variance that answers are asked to leave.
FINEST = 2.0**-200


class Printed(Protocol):
    """What turns values inside into public ones."""

    def public(self, name: str, value: float) -> float:
        """Return a value inside in public units."""

    def entropy(self, V: float) -> float:
        """Return the entropy in bits of a label of which the source's part has a variance inside."""


def too_fine() -> ValueError:
    """Return the refusal of levels that double precision does not resolve."""
    return ValueError(
        "a level asks for more than 100 bits a component, which double precision does not resolve; raise D or C, or "
        "lower R"
    )


def check_alone(question: Question, units: Printed, C: float) -> None:
    """Refuse a level that is out of reach whatever the others are; ``C`` is the public one."""
    if question.variances[0] > 0 and not question.D.all():
        raise InfeasibleError(
            "D = 0 is infeasible at any finite rate: every D > 0 is feasible, and R(D) has no bound as D falls; raise D"
        )
    told = float(question.told @ question.told)
    finest = question.variances[0] * FINEST
    if (
        bool((question.D < finest).any())
        or (inf > question.R > question.variances.size * -log(FINEST) / 2)
        or (0 < question.V < told * FINEST)
    ):
        raise too_fine()
    if question.V == inf or (question.V >= told * (1 - ROUNDING) and question.V >= 0):
        return
    if question.V <= 0 < told:
        raise InfeasibleError(
            f"C = {C:.9g} is infeasible at any finite rate: the limit is C_min = h(S|X) = {units.entropy(0.0):.9g} "
            "bits; raise C above that"
        )
    if told == 0:
        raise InfeasibleError(
            f"C = {C:.9g} is infeasible: the source tells nothing of the label, and the smallest feasible C is "
            f"C_min = h(S) = {units.entropy(0.0):.9g} bits; raise C to at least that"
        )
    least = told * exp(-2 * min(question.R, 350.0))
    if question.V < least * (1 - ROUNDING):
        raise InfeasibleError(
            f"C = {C:.9g} is infeasible at R = {units.public('R', question.R):.9g}: the smallest feasible C is "
            f"C_min(R) = {units.entropy(least):.9g} bits; raise C to at least that, or R"
        )


def check_rate(question: Question, units: Printed) -> None:
    """Refuse a rate at which the distortion cannot be reached with the other levels."""
    if question.R == inf or question.D[0] == inf:
        return
    P = np.full(1, inf) if question.goal == "P" else question.P
    V = inf if question.goal == "V" else question.V
    needed = solve(replace(question, goal="R", R=inf, P=P, V=V)).lower
    if needed <= question.R * (1 + ROUNDING):
        return
    least = solve(replace(question, goal="D", D=np.full(1, inf), P=P, V=V)).upper
    raise InfeasibleError(
        f"D = {units.public('D', float(question.D[0])):.9g} is infeasible at R = {units.public('R', question.R):.9g}: "
        f"the smallest feasible D is {units.public('D', least):.9g}; raise D to at least that, or R to at least "
        f"{units.public('R', needed):.9g}"
    )
