"""From a question on samples to a solution: particles propose, the certificate disposes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt

import numpy as np

from rdcfunc.compilation import SamplesProgram
from rdcfunc.empirical.certificate import Lower, Upper, energy, lower, upper
from rdcfunc.empirical.perception import between, doubled, mirrored_lower
from rdcfunc.empirical.transport import transport
from rdcfunc.information import NATS_PER_BIT
from rdcfunc.passes.channel import PointChannel
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.rows import Rows
from rdcfunc.problem import Target
from rdcfunc.program import Axis
from rdcfunc.solution import Prices, Solution, Status
from rdcfunc.solvers.particles import AXES, Particles, leading, rows_of

#: Rounds in search of the encoder whose decoder just meets a level of distortion.
_ROUNDS = 12
#: How much less than the level a distortion may be, relative to it, where that search ends.
_CLOSE = 1e-6


def answer(question: SamplesProgram, solver: Particles, tol: float, start: Solution | None) -> Solution:
    """Return the certified answer to a question on samples."""
    near = start.sent.cloud if start is not None and isinstance(start.sent, PointChannel) else None
    if near is not None and near.letters.shape[1] != question.source.k:
        near = None
    if question.judged:
        return perceived(question, solver, tol, near)
    cloud, steps = solver.propose(question, tol * (1.0 if question.goal is Axis.D else NATS_PER_BIT), near)
    top = upper(question, cloud, solver.machine(question, precise=True))
    low = lower(question, top, solver.machine(question), solver.searches)
    return _solution(question, solver, top, doubled(question, top, low, solver), steps, tol)


def perceived(question: SamplesProgram, solver: Particles, tol: float, near: Cloud | None) -> Solution:
    """Return the answer where W2² between samples and reproductions counts.

    On a given encoder the best decoder moves its estimate X̃ towards the samples' law,

        D(P) = E |X - X̃|² + (W2(p_X̃, p_X) - √P)_+²,

    which is achieved, and gives the upper bound. The encoder is the better one of two: that of the rate-distortion
    function, and that which is best where perception is perfect. The lower bound is made of those at P = inf and at
    P = 0, where the letters are the samples and need not be searched.
    """
    goal = None if question.goal is None else Axis.D
    asked = replace(question, target=replace(question.target, P=inf), goal=goal)
    cloud, steps = solver.propose(asked, tol, near)
    top = upper(asked, cloud, solver.machine(question, precise=True))
    low = lower(asked, top, solver.machine(question), solver.searches)
    other, taken = _moved(question, solver, tol, cloud, True, None)
    best, steps = other, steps + taken
    # With all samples as letters, the second encoder is optimal at P = 0.
    if question.target.P > 0 or question.source.n > solver.letters:
        found, taken = _moved(question, solver, tol, cloud, False, None if goal is None else top)
        best, steps = min(found, other, key=lambda m: m.value), steps + taken
    perfect = mirrored_lower(question, other.top, solver)
    if question.target.P == 0 and question.goal is not Axis.P:
        low = max(low, perfect, key=lambda bound: bound.value)
    else:
        low = between(question, low, perfect)
    return _solution(question, solver, best.upper, low, steps, tol, best.P)


@dataclass(frozen=True, eq=False)
class Moved:
    """An encoder, how far its best estimate is from the samples, and what the decoder that moves it achieves."""

    top: Upper
    upper: Upper
    P: float

    @property
    def value(self) -> float:
        """The goal's value."""
        return self.upper.value


def _moved(
    question: SamplesProgram, solver: Particles, tol: float, near: Cloud, mirror: bool, ready: Upper | None
) -> tuple[Moved, int]:
    """Return an encoder of one of the two kinds with the decoder that meets the levels, and the sweeps that took."""
    goal = None if question.goal is None else Axis.D
    P, D = question.target.P, question.target.D
    exact, steps, room = solver.machine(question, precise=True), 0, min(D, energy(question))
    before: tuple[float, float] | None = None
    for _ in range(_ROUNDS if goal is None else 1):
        asked = replace(question, target=Target(D=room if goal is None else inf), goal=goal)
        if not ready:
            near, taken = solver.mirror(asked, near) if mirror else solver.propose(asked, tol, near)
            steps += taken
        top = ready or upper(asked, near, exact)
        far, passes = _away(question, top, solver)
        steps += passes
        spare = D - far.distortion(top.achieved.D, P)
        if goal is not None or 0 <= spare <= _CLOSE * D or top.value == inf:
            break
        # A secant through the last two, or as if the decoder moved by as much again.
        slope = -1.0 if before is None or before[0] == room else (spare - before[1]) / (room - before[0])
        before = room, spare
        step = (spare - _CLOSE / 2 * D) / min(slope, -0.5)
        room = min(energy(question), max(room - step, room / 4))
    best = top.achieved.D
    if question.goal is Axis.P:
        P = far.perception(best, D) if best <= D else inf
        value = P
    else:
        shown = far.distortion(best, P)
        P = min(P, far.squared)
        met = goal is not None or shown <= D * (1 + 1e-12)
        value = inf if not met else top.value if goal is None else shown + (top.value - best)
        D = shown
    return Moved(top, replace(top, value=value, achieved=replace(top.achieved, D=D)), P), steps


@dataclass(frozen=True)
class Away:
    """How far the best estimate's law is from the samples': an upper bound on W2², achieved by a coupling."""

    squared: float

    def distortion(self, D: float, P: float) -> float:
        """Return the distortion of the decoder that moves an estimate of distortion D within P of the samples' law."""
        return D + max(0.0, sqrt(self.squared) - sqrt(P)) ** 2

    def perception(self, D: float, level: float) -> float:
        """Return the least P within a distortion level."""
        return max(0.0, sqrt(self.squared) - sqrt(max(0.0, level - D))) ** 2


def _away(question: SamplesProgram, top: Upper, solver: Particles) -> tuple[Away, int]:
    """Return how far the estimate of a channel is from the samples, and the passes that took."""
    points, pmf, _, _ = rows_of(question)
    axes = leading(points, pmf) if points.shape[1] > 2 * AXES else None
    fast = solver.machine(question)
    coarse = Rows(points, pmf, None, 1, fast, axes) if axes is not None else None
    plan = (coarse, Rows(points, pmf, None, 1, fast), Rows(points, pmf, None, 1, top.rows.machine))
    found = transport(plan, axes, top.sums.means, top.sums.law, top.sums.distortion)
    return Away(found.cost * (1 + 1e-9)), found.passes


def _solution(
    question: SamplesProgram, solver: Particles, top: Upper, low: Lower, steps: int, tol: float, P: float = inf
) -> Solution:
    unit = NATS_PER_BIT if question.goal in (None, Axis.C) else 1.0
    least, most = min(low.value, top.value) / unit, top.value / unit
    searched = None if np.isnan(low.searched) else min(low.searched, top.value) / unit
    if most == inf:
        status = Status.NO_CHANNEL
    elif most - least <= tol:
        status = Status.CERTIFIED
    else:
        status = Status.WIDE if low.proved else Status.SEARCHED
    source, (points, pmf, classes, _) = question.source, rows_of(question)
    centre = pmf @ points
    sent = PointChannel(
        top.sums.means + centre, top.sums.law, np.exp(top.sums.log_posteriors), top.cloud, centre, points, classes
    )
    found = top.achieved
    return Solution(
        value=most,
        lower=least,
        upper=most,
        rate=found.R / NATS_PER_BIT,
        achieved=Target(found.D, P, inf if classes is None else found.C / NATS_PER_BIT),
        sent=sent,
        letters=sent.columns,
        m=top.cloud.m,
        prices=Prices(low.s / NATS_PER_BIT, 0.0, low.t),
        status=status,
        solver=solver,
        steps=steps,
        source=source.pmf,
        origins=(low.origin, type(solver).__name__),
        searched=searched,
    )
