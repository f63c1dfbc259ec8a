"""Few samples: the best weights of given letters by an interior point, letters that would earn more join, and again."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np

from rdcfunc.columns.points import MOST_AXES, Earner, told
from rdcfunc.compilation import SamplesProgram
from rdcfunc.information import Array, Indices
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.rows import Rows
from rdcfunc.program import Axis, Linear, Program
from rdcfunc.solvers.interior_point import InteriorPoint

#: Entries of a table of costs up to which weights are found by an interior point; of one between samples, where their
#: space lets the bracket be closed; and the most rounds.
_SMALL, _PAIRS, _ROUNDS = 40_000, 4_000_000, 20
#: Steps of the mean shift in search of letters, moves of those that are there, and the most that join in a round.
_SHIFTS, _MOVES, _JOINING = 40, 5, 40
#: The weight that keeps a letter, and what counts as one place, relative to the spread, of a letter and of a search.
_USED, _SAME, _NEAR = 1e-6, 1e-3, 1e-3
#: The share of a class in a letter's mass from which on it has a letter of its own.
_SHARE = 1e-3
#: Least class probability that a master program is told of.
_LEAST = 1e-16


def worthwhile(rows: Rows, letters: int) -> bool:
    """Return whether an interior point pays: the table is small, or the samples are few, in few dimensions."""
    few = rows.n * max(rows.n, letters) <= _PAIRS
    return rows.n * letters <= _SMALL or (rows.k <= MOST_AXES and few)


def polished(question: SamplesProgram, rows: Rows, cloud: Cloud, tol: float) -> tuple[Cloud, int]:
    """Return a cloud whose weights and prices are best for its letters, to which no letter would be added."""
    best, offered, steps = cloud, cloud, 0
    judged = rows.K > 1 and (inf > question.entropy or question.goal is Axis.C)
    if judged:
        # Letters that know their class open the straight pieces, and are all there are where no doubt is left.
        sure = _certain(rows, cloud)
        offered = sure if question.entropy == 0 else _joined(cloud, sure)
    for _ in range(_ROUNDS):
        found = _weighed(question, rows, offered, tol)
        if found is None:
            break
        best, steps = found, steps + 1
        near = best
        for _ in range(_MOVES):
            sums = rows.sweep(near)
            near = replace(near, letters=sums.means, log_b=np.maximum(sums.log_posteriors, np.log(_LEAST)))
        points, log_b, earned = _highest(rows, best, np.log(rows.p) - rows.look(best)[1])
        order = np.argsort(-earned, kind="stable")
        new = order[earned[order] > tol / 8]
        if not new.size:
            break
        # Letters go where the means of their samples lead, and those join that would earn most. Class laws without
        # the ones before would leave the price of the class to swing.
        stay = [best] if judged else []
        letters = np.concatenate([*(c.letters for c in [near, *stay]), points[new]]) / np.sqrt(rows.energy)
        laws = np.concatenate([*(c.log_b for c in [near, *stay]), log_b[new]])
        kept = _apart(np.concatenate([letters, np.exp(laws)], axis=1), _SAME)
        kept = kept[: np.count_nonzero(kept < len(letters) - new.size) + _JOINING]
        letters, laws = letters[kept] * np.sqrt(rows.energy), laws[kept]
        offered = replace(best, letters=letters, log_b=laws, log_r=np.full(kept.size, -np.log(kept.size)))
    return best, steps


def _weighed(question: SamplesProgram, rows: Rows, cloud: Cloud, tol: float) -> Cloud | None:
    """Return the cloud with the weights and prices of a master program, or None where it finds none."""
    x = rows.some(rows.order)
    cost = sum((x[:, i, None] - cloud.letters[:, i]) ** 2 for i in range(rows.k))
    scale = float(np.max(cost)) or 1.0
    # Without a level of D, or it as the goal, the mean alone would do.
    linear = [Linear(Axis.D, 0, np.asarray(cost) / scale, question.target.D / scale, 1 / scale)]
    loss = -np.maximum(cloud.log_b, np.log(_LEAST))[:, rows.labels].T if rows.K > 1 else np.zeros((rows.n, 1))
    certain = question.entropy == 0 and rows.K > 1
    if rows.K > 1 and not certain and (inf > question.entropy or question.goal is Axis.C):
        linear.append(Linear(Axis.C, 0, loss, question.entropy))
    barred = loss > 1 if certain else None
    shown = np.arange(cloud.m)[:, None]
    program = Program(rows.p, shown, cloud.m, tuple(linear), rate=question.rate, forbidden=barred)
    try:
        # The last candidate is that of the whole program, where others end it.
        found = InteriorPoint().solve(program, tol / 4)[-1]
    except (ArithmeticError, np.linalg.LinAlgError):
        return None
    prices = dict(zip((c.axis for c in linear), map(float, found.dual.linear), strict=True))
    law = np.bincount(found.columns, rows.p @ found.channel, cloud.m)
    kept = np.flatnonzero(law > _USED)
    if not kept.size or not np.isfinite(law).all():
        return None
    s, t = prices[Axis.D] / scale, 1.0 if certain else prices.get(Axis.C, 0.0)
    log_b = np.maximum(cloud.log_b, np.log(_LEAST))
    return replace(cloud, log_r=np.log(np.maximum(law, 1e-300)), log_b=log_b, s=s, t=t, reveal=0.0).take(kept)


def _certain(rows: Rows, cloud: Cloud) -> Cloud:
    """Return letters that know their class: each letter once for every class that uses it."""
    mass = rows.sweep(cloud).mass.T
    j, c = np.nonzero(mass > _SHARE * mass.sum(axis=1, keepdims=True))
    log_b = np.full((len(j), rows.K), np.log(_LEAST))
    log_b[np.arange(len(j)), c] = 0.0
    log_r = np.log(mass[j, c] / mass[j, c].sum())
    return replace(cloud, letters=cloud.letters[j], log_r=log_r, log_b=log_b, t=1.0)


def _joined(first: Cloud, second: Cloud) -> Cloud:
    """Return the letters of both, with half of the weights of each."""
    letters, log_b = (np.concatenate([getattr(c, name) for c in (first, second)]) for name in ("letters", "log_b"))
    return replace(first, letters=letters, log_b=log_b, log_r=np.concatenate([first.log_r, second.log_r]) - np.log(2))


def _highest(rows: Rows, cloud: Cloud, log_v: Array) -> tuple[Array, Array, Array]:
    """Return local maxima of what letters earn (u, k), their class laws' logarithms (u, K), and what they earn (u,)."""
    points = np.concatenate([cloud.letters, rows.some(rows.order)])
    log_b = np.zeros((len(points), rows.K))
    for _ in range(_SHIFTS):
        sums, points = rows.earned(log_v, points, cloud.s, np.exp(cloud.t * log_b.T))
        log_b = class_laws(sums, cloud.t)
        kept = _apart(np.concatenate([points / np.sqrt(rows.energy), np.exp(log_b)], axis=1), _NEAR)
        points, log_b = points[kept], log_b[kept]
    earner = Earner(rows.some(rows.order), log_v, cloud.s, cloud.t, rows.labels if rows.K > 1 else None)
    return points, log_b, earner.log_earned(points)


def class_laws(log_sums: Array, t: float) -> Array:
    """Return logarithms of the class laws (u, K) that make most of the sums of classes (K, u) at price t."""
    sharp = log_sums / max(1 - t, 1e-3)
    with np.errstate(invalid="ignore"):
        logs = sharp - told(sharp, 0.0)
    return np.maximum(np.nan_to_num(logs, nan=np.log(_LEAST)), np.log(_LEAST)).T


def _apart(keys: Array, width: float) -> Indices:
    """Return the first of each group of rows that are the same up to a width, in their order."""
    kept: Indices = np.sort(np.unique(np.round(keys / width), axis=0, return_index=True)[1])
    return kept
