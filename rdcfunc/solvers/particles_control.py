"""Prices that follow levels while letters move, and that land on them when letters stand still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, inf, log

import numpy as np

from rdcfunc.compilation import SamplesProgram
from rdcfunc.passes.cloud import Achieved, Cloud, Sums, achieved
from rdcfunc.passes.rows import Rows
from rdcfunc.program import Axis

#: Largest moves of the logarithms of s and of 1 / (1 - t) in a sweep.
_MOST_S, _MOST_T = 0.25, 0.4
#: The rate that letters can tell apart, in parts of the logarithm of their number.
_ROOM = 0.9
#: Distortion, relative to the samples' variance, that sums cannot tell from none.
_BLUR = 1e-14
#: Exponent of a sample at its nearest neighbour's place that is as good as minus infinity.
_STEEP = 800.0
#: Largest 1 / (1 - t).
_SHARPEST = 200.0
#: Most passes of a landing, and the widths of its strip: relative, in double and in single precision.
_PASSES, _FINE, _ROUGH = 40, 1e-12, 3e-6


class Control:
    """The levels of a question, in nats and units of the distortion, and how prices follow them.

    The price s follows the level of D where there is one, and else the rate; t follows C. Both stand for the same
    Lagrangian ``I + s D + t H``.
    """

    def __init__(self, question: SamplesProgram, energy: float) -> None:
        self.goal = question.goal
        self.R, self.D, self.C = question.rate, question.target.D, question.entropy
        self.labels, self.pmf = question.labels, question.source.pmf
        self.energy = energy

    @property
    def silent(self) -> bool:
        """Whether the mean alone will do for a letter."""
        return self.energy == 0 or (self.energy <= self.D and self.goal is not Axis.D)

    def mean(self, rows: Rows) -> Cloud:
        """Return the mean alone: no price for the distortion, and the highest that there is for the class."""
        prior = np.ones(1) if self.labels is None or rows.K == 1 else self.pmf @ self.labels
        log_b = np.log(np.maximum(prior, 1e-300))[None]
        told = inf > self.C or self.goal is Axis.C
        return Cloud(np.zeros((1, rows.k)), np.zeros(1), log_b, 0.0, 1.0 if told else 0.0)

    def measure(self, cloud: Cloud, sums: Sums) -> Achieved:
        """Return what a cloud achieves, with the class told as often as the levels ask for."""
        if self.goal is Axis.C:
            return achieved(cloud, sums, R=self.R)
        return achieved(cloud, sums, C=self.C)

    def priced(self, cloud: Cloud, before: Cloud, sums: Sums) -> Cloud:
        """Return the cloud with the prices that the last pass asks for."""
        found = self.measure(before, sums)
        if self.silent:
            return cloud
        if inf > self.D and self.goal is not Axis.D:
            move = log(max(found.D, 1e-300) / max(self.D, 1e-300))
        else:
            move = (self.R - found.R) / (2 * self.R)
        full = sums.spent(before) > _ROOM * log(max(before.m, 2))
        move = min(max(move, -_MOST_S), 0.0 if full else _MOST_S)
        return replace(cloud, s=cloud.s * exp(move), t=self._told(before, sums))

    def _told(self, before: Cloud, sums: Sums) -> float:
        """Return the price of the class."""
        if self.labels is None:
            return 0.0
        if inf == self.C:
            return 0.0
        move = log(max(sums.entropy, 1e-9) / max(self.C, 1e-9))
        sharp = exp(min(max(move, -_MOST_T), _MOST_T)) / (1 - before.t)
        return 1 - 1 / min(max(sharp, 1.0), _SHARPEST)

    def excess(self, found: Achieved) -> float:
        """Return by what part the level behind s is missed."""
        if inf > self.D and self.goal is not Axis.D:
            if 0 <= found.D - self.D <= _BLUR * self.energy:
                return 0.0
            return log(max(found.D, 1e-300) / max(self.D, 1e-300))
        return (found.R - self.R) / self.R

    def value(self, found: Achieved) -> float:
        """Return the goal's value."""
        if self.goal is Axis.C and found.R > self.R:
            return inf
        return {None: found.R, Axis.D: found.D, Axis.C: found.C}.get(self.goal, inf)

    @property
    def falls(self) -> bool:
        """Whether a larger s mends what is missed."""
        return inf > self.D and self.goal is not Axis.D


@dataclass(frozen=True, eq=False)
class Landing:
    """A cloud whose price has landed on its level, the value of the goal there, inf off the levels, and the passes."""

    cloud: Cloud
    value: float
    passes: int


def landed(rows: Rows, control: Control, cloud: Cloud) -> Landing:
    """Return the cloud with the price at which it just meets its level."""
    if control.silent:
        found = control.measure(cloud, rows.sweep(cloud))
        return Landing(replace(cloud, reveal=found.reveal), control.value(found), 1)
    width = _FINE if rows.machine.double else _ROUGH
    best = Landing(cloud, inf, 0)

    def look(x: float) -> float:
        nonlocal best
        priced = replace(cloud, s=exp(x))
        found = control.measure(priced, rows.sweep(priced))
        over = control.excess(found) + width
        if over <= 0 and control.value(found) <= best.value:
            best = Landing(replace(priced, reveal=found.reveal), control.value(found), 0)
        return over

    x, taken = _root(look, log(cloud.s), -0.5 if control.falls else 0.7, width)
    return replace(best, passes=taken) if best.value < inf else Landing(replace(cloud, s=exp(x)), inf, taken)


def identical(rows: Rows, control: Control) -> Landing:
    """Return the channel that shows every sample itself, off the levels if it spends more than the rate."""
    y = rows.some(np.arange(rows.total))
    apart = ((y[:, None] - y) ** 2).sum(axis=2)
    nearest = float(apart[apart > 0].min(initial=inf))
    log_r, log_b = np.log(np.maximum(rows.pmf, 1e-300)), np.zeros((rows.total, rows.K))
    cloud = Cloud(y, log_r, log_b, _STEEP / nearest if nearest < inf else 0.0)
    found = control.measure(cloud, rows.sweep(cloud))
    met = found.R <= control.R and control.excess(found) <= 0 and found.C <= control.C
    return Landing(replace(cloud, reveal=found.reveal), control.value(found) if met else inf, 1)


def _root(look: Callable[[float], float], x: float, slope: float, width: float) -> tuple[float, int]:
    """Return where a monotone function of this sign of slope is within ``width`` below zero, or below it at all."""
    low = high = None
    value = look(x)
    for taken in range(1, _PASSES):
        if -width <= value <= 0:
            return x, taken
        if value <= 0:
            low = x, value
        else:
            high = x, value
        if low is not None and high is not None:
            # A secant, kept off the ends of the bracket.
            (a, fa), (b, fb) = low, high
            share = min(max(-fa / (fb - fa), 0.05), 0.95) if taken > 6 else -fa / (fb - fa)
            following = a + share * (b - a)
        else:
            following = x - max(-1.0, min(1.0, 1.5 * (value + width / 2) / slope))
        if following == x:
            break
        x, value = following, look(following)
    return x, _PASSES
