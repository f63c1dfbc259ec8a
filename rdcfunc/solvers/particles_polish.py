"""Few samples: the best weights of given letters by an interior point, letters that would earn more join, and again."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np

from rdcfunc.columns.points import Earner, told
from rdcfunc.compilation import SamplesProgram
from rdcfunc.information import Array
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.rows import Rows
from rdcfunc.program import Axis, Linear, Program
from rdcfunc.solvers.interior_point import InteriorPoint

#: Entries of a table of costs up to which weights are found by an interior point, and its most rounds.
SMALL, _ROUNDS = 20_000, 12
#: Steps of a mean shift, the weight that keeps a letter, and what counts as one place, relative to the spread.
_SHIFTS, _USED, _SAME = 40, 1e-9, 1e-5
#: Least class probability that a master program is told of.
_LEAST = 1e-16


def polished(question: SamplesProgram, rows: Rows, cloud: Cloud, tol: float) -> tuple[Cloud, int]:
    """Return a cloud whose weights and prices are best for its letters, to which no letter would be added."""
    best, steps = cloud, 0
    joined = cloud
    for _ in range(_ROUNDS):
        found = _weighed(question, rows, joined, tol)
        if found is None:
            break
        best, steps = found, steps + 1
        sums, log_z = rows.look(best)
        points, log_b, earned = _highest(rows, best, np.log(rows.p) - log_z)
        new = np.flatnonzero(earned > tol / 8)
        if not new.size:
            break
        # Letters stay where they carry weight, and are offered the means of their samples beside it.
        letters = np.concatenate([best.letters, sums.means, points[new]])
        laws = np.concatenate([best.log_b, np.maximum(sums.log_posteriors, np.log(_LEAST)), log_b[new]])
        kept = _distinct(np.concatenate([letters / np.sqrt(rows.energy), np.exp(laws)], axis=1))
        letters, laws = letters[kept], laws[kept]
        joined = replace(best, letters=letters, log_b=laws, log_r=np.full(len(letters), -np.log(len(letters))))
    return best, steps


def _weighed(question: SamplesProgram, rows: Rows, cloud: Cloud, tol: float) -> Cloud | None:
    """Return the cloud with the weights and prices of a master program, or None where it finds none."""
    x = rows.some(rows.order)
    cost = sum((x[:, i, None] - cloud.letters[:, i]) ** 2 for i in range(rows.k))
    scale = float(np.max(cost)) or 1.0
    linear: list[Linear] = []
    if inf > question.target.D or question.goal is Axis.D:
        linear.append(Linear(Axis.D, 0, np.asarray(cost) / scale, question.target.D / scale, 1 / scale))
    if rows.K > 1 and (inf > question.entropy or question.goal is Axis.C):
        loss = -np.maximum(cloud.log_b, np.log(_LEAST)).T[rows.labels]
        linear.append(Linear(Axis.C, 0, loss, question.entropy))
    if not linear:
        return None
    program = Program(rows.p, np.arange(cloud.m)[:, None], cloud.m, tuple(linear), rate=question.rate)
    try:
        found = InteriorPoint().solve(program, tol / 4)[0]
    except (ArithmeticError, np.linalg.LinAlgError):
        return None
    prices = dict(zip((c.axis for c in linear), map(float, found.dual.linear), strict=True))
    law = np.bincount(found.columns, rows.p @ found.channel, cloud.m)
    kept = np.flatnonzero(law > _USED)
    if not kept.size or not np.isfinite(law).all():
        return None
    s, t = prices.get(Axis.D, 0.0) / scale, prices.get(Axis.C, 0.0)
    log_b = np.maximum(cloud.log_b, np.log(_LEAST))
    return replace(cloud, log_r=np.log(np.maximum(law, 1e-300)), log_b=log_b, s=s, t=t, reveal=0.0).take(kept)


def _highest(rows: Rows, cloud: Cloud, log_v: Array) -> tuple[Array, Array, Array]:
    """Return local maxima of what letters earn (u, k), their class laws' logarithms (u, K), and what they earn (u,)."""
    points = np.concatenate([cloud.letters, rows.some(rows.order)])
    factors = np.ones((rows.K, len(points)))
    log_b = np.zeros((len(points), rows.K))
    for _ in range(_SHIFTS):
        sums, means = rows.earned(log_v, points, cloud.s, factors)
        log_b = class_laws(sums, cloud.t)
        factors, points = np.exp(cloud.t * log_b.T), means
    earner = Earner(rows.some(rows.order), log_v, cloud.s, cloud.t, rows.labels if rows.K > 1 else None)
    kept = _distinct(points / np.sqrt(rows.energy))
    return points[kept], log_b[kept], earner.log_earned(points[kept])


def class_laws(log_sums: Array, t: float) -> Array:
    """Return logarithms of the class laws (u, K) that make most of the sums of classes (K, u) at price t."""
    sharp = log_sums / max(1 - t, 1e-3)
    with np.errstate(invalid="ignore"):
        logs = sharp - told(sharp, 0.0)
    return np.maximum(np.nan_to_num(logs, nan=np.log(_LEAST)), np.log(_LEAST)).T


def _distinct(keys: Array) -> Array:
    """Return one of each group of rows that are the same up to ``_SAME``."""
    return np.sort(np.unique(np.round(keys / _SAME), axis=0, return_index=True)[1])
