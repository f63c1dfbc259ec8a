"""Candidate in, bracket out, for samples: what a cloud of letters achieves, and what no letters can.

Upper bound: the information of the channel to the letters, which are moved to the conditional means. Lower bound, for
prices ``s, t >= 0`` and any ``a_x > 0``, over all letters in R^k and all class laws b,

    R >= Σ p_x log a_x - log sup_{y, b} Σ_x p_x a_x e^{-s |x - y|²} b(c_x)^t - s D - t C,

with the supremum bounded box by box where the samples lie in at most three dimensions. In more it is searched, from
all letters and from the samples of the largest weights; a bound from a search is no certificate, and is kept apart.
What is proved there comes from perfect perception at half the price, :mod:`rdcfunc.empirical.perception`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, inf, isfinite

import numpy as np

from rdcfunc.columns.points import MOST_AXES, Earner, supremum, told
from rdcfunc.compilation import SamplesProgram
from rdcfunc.information import Array
from rdcfunc.passes.base import Machine
from rdcfunc.passes.cloud import Achieved, Cloud, Sums
from rdcfunc.passes.rows import Rows
from rdcfunc.program import Axis
from rdcfunc.rounding import EPS
from rdcfunc.solvers.particles import rows_of
from rdcfunc.solvers.particles_control import Control
from rdcfunc.solvers.particles_polish import class_laws

#: How often the price behind a missed level is moved, how far at first, and how much farther each time.
_TRIES, _NUDGE, _FARTHER = 8, 4e-6, 4.0
#: What a level may be missed by through rounding, relative to it.
_ROUNDING = 1e-12
#: Accuracy of a certified supremum, in nats.
_ACCURACY = 1e-7
#: Samples from which a search starts, and points whose earnings are summed again in double precision.
_STARTS, _FINISH = 1024, 64
#: Variance off the leading axes, relative to all, that counts as none.
_FLAT = 1e-12


@dataclass(frozen=True, eq=False)
class Upper:
    """A channel that meets its levels: the cloud, its sums, what it achieves, and the value of the goal."""

    cloud: Cloud
    sums: Sums
    achieved: Achieved
    value: float
    #: Logarithms of what the cloud's letters earn from each row, and these rows.
    log_z: Array
    rows: Rows


@dataclass(frozen=True, eq=False)
class Lower:
    """A lower bound on the goal that is proved, one that a search suggests (NaN without one), and prices s and t."""

    value: float
    searched: float
    s: float
    t: float
    #: Whether the supremum over letters is bounded, and not only searched.
    proved: bool
    #: The values of the dual function, in nats, that these are from: ``R + s D + t C`` is never less.
    dual: float = -inf
    dual_searched: float = np.nan
    #: What the proved bound is from.
    origin: str = ""

    def distortion(self, R: float, searched: bool = False) -> float:
        """Return the bound on the distortion at a rate in nats, where no class counts."""
        dual = self.dual_searched if searched else self.dual
        return max(0.0, (dual - R) / self.s) if self.s > 0 else 0.0


def upper(question: SamplesProgram, cloud: Cloud, machine: Machine) -> Upper:
    """Return what the cloud's channel achieves, its price moved until the levels are met; inf if they are not."""
    rows = Rows(*rows_of(question), machine)
    control, nudge = Control(question, rows.energy), _NUDGE
    sums, log_z = rows.look(cloud)
    for _ in range(_TRIES):
        found = control.measure(cloud, sums)
        over = 0.0 if control.silent else control.excess(found)
        if question.goal is Axis.C:
            over = max(over, (found.R - question.rate) / question.rate)
        if over <= _ROUNDING or control.silent:
            break
        cloud = replace(cloud, s=cloud.s * exp(nudge if control.falls else -nudge))
        (sums, log_z), nudge = rows.look(cloud), nudge * _FARTHER
    else:
        return Upper(cloud, sums, found, inf, log_z, rows)
    rounding = _rounding(rows, cloud, sums)
    goal = {None: found.R, Axis.D: found.D, Axis.C: found.C}[question.goal if question.goal is not Axis.P else Axis.D]
    # A distortion errs by its own sums, and what the rate errs by is paid for at its price.
    scale = (1 / cloud.s if cloud.s > 0 else 0.0) if question.goal is Axis.D else 1.0
    value = goal + scale * (rounding + _ROUNDING * (1 + abs(found.R)))
    if question.goal is None:
        value += cloud.s * max(0.0, found.D - question.target.D)
    if question.goal is Axis.D:
        value += 4 * EPS * (rows.total + cloud.m + rows.k + 64) * sums.energy
    return Upper(cloud, sums, found, value, log_z, rows)


def _rounding(rows: Rows, cloud: Cloud, sums: Sums) -> float:
    """Return what the computed rate, in nats, and the price times the distortion may be off by."""
    q, squares = sums.law, (cloud.letters**2).sum(axis=1)
    size = abs(sums.log_z) + cloud.s * (sums.energy + float(q @ squares))
    size += 2 * cloud.s * float(np.sqrt(sums.energy * squares.max(initial=0.0)))
    size += float(q @ np.abs(cloud.log_r)) - cloud.t * float((sums.mass * cloud.log_b.T).sum())
    return EPS * (rows.total + cloud.m + 8 * rows.k + 64) * (1.0 + size)


def lower(question: SamplesProgram, top: Upper, search: Machine, passes: int) -> Lower:
    """Return the bound of the module's first lines at the prices of an upper one, on the question's goal."""
    rows, cloud, log_z = top.rows, top.cloud, top.log_z
    s, t = cloud.s, cloud.t
    axes = None if rows.machine.size > 1 else _axes(rows)
    if (question.goal is Axis.C and t == 0) or (question.goal is Axis.D and s == 0):
        return Lower(0.0, np.nan, s, t, axes is not None)
    # A sample alone earns p a at its own place, which no more than one can be wanted.
    log_a = np.minimum(-log_z, -np.log(rows.p))
    log_v = np.log(rows.p) + log_a
    main = float(rows.machine.add(np.array([rows.p @ log_a]))[0])
    proved, told_by_search = inf, np.nan
    if axes is not None:
        classes = rows.labels if rows.K > 1 else None
        earner = Earner(rows.some(rows.order) @ axes, log_v, s, t, classes)
        proved = supremum(earner, _ACCURACY)[0]
    elif passes:
        found = _search(rows, Rows(*rows_of(question), search), cloud, log_v, passes)
        told_by_search = main - found
    size = abs(main) + (abs(proved) if isfinite(proved) else 0.0) + t
    # Samples are turned to the axes in which they lie.
    size += s * (min(question.target.D, rows.energy) + rows.k * float(rows.norms.max()))
    lost = EPS * (rows.total + 64) * (1.0 + size)
    dual = main - proved - lost
    value, searched = (on_goal(question, each, s, t) for each in (dual, told_by_search))
    origin = "" if axes is None else "a bound on every letter"
    return Lower(max(0.0, value), searched, s, t, axes is not None, dual, told_by_search, origin)


def on_goal(question: SamplesProgram, dual: float, s: float, t: float) -> float:
    """Return the bound on the goal that a value of the dual function gives at prices s and t."""
    paid = 0.0
    if question.goal is not Axis.D and s > 0:
        paid += s * question.target.D
    if question.goal is not Axis.C and t > 0:
        paid += t * question.entropy
    if question.goal is None:
        return dual - paid
    value = (dual - paid - question.rate) / (t if question.goal is Axis.C else s)
    return value - 1e-14 * abs(value)


def _axes(rows: Rows) -> Array | None:
    """Return the axes (k, q) of the few dimensions in which all samples lie, or None if they are many.

    What is off them is left out, which shortens distances, so that the supremum only grows.
    """
    if rows.k == 1:
        return np.eye(1)
    about = rows.some(rows.order)
    if rows.k <= rows.total:
        values, axes = np.linalg.eigh(about.T @ about)
    else:
        _, spread, turned = np.linalg.svd(about, full_matrices=False)
        values, axes = spread[::-1] ** 2, turned.T[:, ::-1]
    off = np.cumsum(np.maximum(values, 0.0)) > _FLAT * float(values.sum())
    return np.ascontiguousarray(axes[:, off]) if np.count_nonzero(off) <= MOST_AXES else None


def _search(rows: Rows, coarse: Rows, cloud: Cloud, log_v: Array, passes: int) -> float:
    """Return the logarithm of the most that a letter was found to earn."""
    heaviest = np.argsort(-rows.gathered(np.exp(log_v)), kind="stable")[:_STARTS]
    points = np.concatenate([cloud.letters, rows.some(heaviest)])
    factors = np.ones((rows.K, len(points)))
    for _ in range(passes):
        sums, means = coarse.earned(log_v, points, cloud.s, factors)
        factors = np.exp(cloud.t * class_laws(sums, cloud.t).T)
        points = means
    earned = told(coarse.earned(log_v, points, cloud.s, factors)[0], cloud.t)
    kept = points[np.argsort(-earned, kind="stable")[:_FINISH]]
    exact = told(rows.earned(log_v, kept, cloud.s)[0], cloud.t)
    return float(exact.max())


def energy(question: SamplesProgram) -> float:
    """Return the variance of the samples: the distortion of the mean."""
    about = question.source.points - question.source.pmf @ question.source.points
    return float(question.source.pmf @ np.einsum("xk,xk->x", about, about))
