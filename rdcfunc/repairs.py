"""Channels repaired: made from the given one, and meeting every level.

Solvers miss levels by a little. A channel that misses some is mixed with as little as possible of another that has room
in them, cleaned of dust, or followed by a change of letters that brings its output law to its level.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, isfinite

import numpy as np

from rdcfunc.candidate import Dual
from rdcfunc.information import Array, Indices
from rdcfunc.model import inner_point
from rdcfunc.program import Linear, Output, Posterior, Program
from rdcfunc.rounding import INSIDE, ROUNDING

#: Halvings in search of a channel with room, and the relative room with which it ends.
_HALVINGS, _ROOM = 24, 0.03


def excess(program: Program, channel: Array, slack: float) -> float:
    """Return by how much a channel fails its worst level, each taken with some relative slack."""
    if _uses_forbidden(program, channel):
        return inf
    worst = 0.0
    for c in program.constraints:
        over = program.value(c, channel) - c.level * (1 + slack)
        if not over < inf:
            return inf
        if over > worst and not (isinstance(c, Output) and _told_apart_by_rounding(program, c, channel)):
            worst = over
    if not program.minimises_rate:
        worst = max(worst, program.information(channel) - program.rate - slack * max(program.rate, 1.0))
    return worst


def _uses_forbidden(program: Program, channel: Array) -> bool:
    """Return whether a channel puts mass on a pair that costs infinity."""
    return program.forbidden is not None and bool((channel * program.p[:, None])[program.forbidden].any())


def _told_apart_by_rounding(program: Program, output: Output, channel: Array) -> bool:
    """Return whether an output law is the source's own, up to rounding."""
    law = program.law(program.p @ channel, output.target)
    return output.vanishes and float(np.abs(law - output.reference).sum()) <= ROUNDING


def repaired(program: Program, channel: Array, dual: Dual) -> list[Array]:
    """Return channels that meet every level, made from the given one: a hair inside, or else to within rounding."""
    roomy: Array | None = None
    for slack in (-INSIDE, ROUNDING):
        if excess(program, channel, slack) <= 0:
            return [channel]
        if slack < 0 and program.goal is not None:
            roomy = _with_room(program, channel, dual)
        if roomy is not None and (found := _mixture(program, channel, roomy, slack)) is not None:
            return [found]
        # Solvers leave dust where exact answers have zeros, and some levels can only be met exactly.
        for dust in (0.0, 1e-6):
            near = _move_outputs(program, channel if dust == 0 else rows(np.where(channel > dust, channel, 0.0)))
            costs = [program.barred(c.cost) for c in program.limits]
            costs += [program.total_cost] if len(program.linear) > 1 or not costs else []
            ties = min([1e-12, *(c.level for c in program.limits)])
            anchors = [near, *(_cheapest(near, cost, ties) for cost in costs)]
            if program.outputs:
                anchors += [_move_outputs(program, anchor) for anchor in anchors[1:]]
            if not program.minimises_rate:
                # The same output law told without a word: less rate, the same perception. And halfway to it, in
                # logarithms: less rate too, on the same pairs, so that forbidden ones stay out.
                law = program.p @ near
                anchors += [np.tile(law, (len(near), 1)), rows(np.sqrt(near * law))]
            met = [found for anchor in anchors if (found := _mixture(program, near, anchor, slack)) is not None]
            if met:
                return met
    return []


def _with_room(program: Program, channel: Array, dual: Dual) -> Array | None:
    """Return a channel near the output law of the given one that has room in its rate and in its priced levels.

    Without the goal in view, fewer nats meet the same levels: columns are weighed by the prices of levels alone, times
    a factor that leaves rate and levels about the same relative room.
    """
    levels: list[Linear | Posterior] = [*program.linear, *program.posteriors]
    priced: list[tuple[float, Linear | Posterior, Array]] = [
        (float(s), c, c.cost if isinstance(c, Linear) else program.log_loss(c, channel))
        for s, c in zip([*dual.linear, *dual.posteriors], levels, strict=True)
        if s > 0 and isfinite(c.level)
    ]
    if not priced or program.outputs:
        return None
    weight = sum(s * cost for s, _, cost in priced)
    weight = program.barred(np.asarray(weight))
    with np.errstate(divide="ignore"):
        log_q = np.log(program.p @ channel)
    low, high = 1 / 64, 64.0
    for _ in range(_HALVINGS):
        factor = np.sqrt(low * high)
        exponent = log_q - factor * weight
        found = rows(np.exp(exponent - exponent.max(axis=1, keepdims=True)))
        spare = 1 - program.information(found) / program.rate
        room = min((1 - program.value(c, found) / c.level if c.level > 0 else 0.0) for _, c, _ in priced)
        if min(spare, room) > _ROOM:
            break
        low, high = (low, factor) if room > spare else (factor, high)
    return found if min(spare, room) > 0 else None


def by_room(program: Program, part: Program, channel: Array) -> list[tuple[float, Array]]:
    """Return values and channels, repaired by one that has room to spare in every level at once."""
    inner = _inner_point(program)
    if inner is None:
        return []
    inner, clones = allowed(program, inner, np.arange(program.size)), part.size // program.size
    near, inner = _move_outputs(part, channel), np.repeat(inner / clones, clones, axis=1)
    found = [_mixture(part, near, inner, slack) for slack in (-INSIDE, ROUNDING)]
    return [(part.objective(met), met) for met in found if met is not None]


#: One search for room serves every candidate of a program.
_inner_point = lru_cache(maxsize=8)(inner_point)


def _mixture(program: Program, channel: Array, anchor: Array, slack: float) -> Array | None:
    """Return the mixture with the least share of an anchor that meets every level, if one does."""
    share = 0.0
    for c in program.constraints:
        level = c.level * (1 + slack)
        here, there = program.value(c, channel), program.value(c, anchor)
        if isinstance(c, Output) and _told_apart_by_rounding(program, c, channel):
            continue
        if here > level and there > level and not isinstance(c, Output):
            # Costs are linear and entropies concave: no share will do.
            return None
        if here > level and here > there:
            share = max(share, (here - level) / (here - there))
    if not program.minimises_rate:
        level = program.rate + slack * max(program.rate, 1.0)
        here, there = program.information(channel), program.information(anchor)
        if here > level and here > there:
            share = max(share, (here - level) / (here - there))
    share = min(1.0, max(share * (1 + 1e-9), 1e-15))
    # Convex levels are met at the first share, give or take rounding; entropies of a fixed alphabet may need a larger.
    for _ in range(50 if program.posteriors else 5):
        mixture = (1 - share) * channel + share * anchor
        if excess(program, mixture, slack) <= 0:
            return mixture
        if share == 1 or anchor is channel:
            break
        share = min(1.0, 2 * share)
    return None


def _cheapest(channel: Array, cost: Array, ties: float) -> Array:
    """Return the channel kept to the columns that cost least, give or take ``ties``, which may meet linear levels."""
    cheap = cost <= cost.min(axis=1, keepdims=True) + ties
    kept = np.where(cheap, channel, 0.0)
    lost = kept.sum(axis=1, keepdims=True) <= 1e-12
    return rows(np.where(lost, cheap, kept))


def _move_outputs(program: Program, channel: Array) -> Array:
    """Return the channel followed by a change of letters that brings each output law to its level.

    The law q is moved to ``(1 - λ) q + λ p``, which is within the level, by a maximal coupling: as much mass as
    possible stays where it is.
    """
    targets = program.letters.shape[1]
    for output in program.outputs:
        q, p = program.law(program.p @ channel, output.target), output.reference
        if output.divergence.value(p, q) <= output.level or not output.vanishes:
            continue
        share = output.divergence.share(p, q, output.level)
        wanted = (1 - share) * q + share * p
        stay = np.minimum(1.0, np.divide(wanted, q, out=np.ones_like(q), where=q > 0))
        deficit = np.maximum(wanted - q, 0.0)
        if deficit.sum() <= 0:
            continue
        kernel = np.diag(stay) + np.outer(1 - stay, deficit / deficit.sum())
        # Columns are all tuples in product order, clones together, so the target's letter is an axis.
        shape = (channel.shape[0], *(program.m,) * targets, program.size // program.m**targets)
        axis = output.target + 1
        moved = np.tensordot(channel.reshape(shape), kernel, axes=(axis, 0))
        changed = rows(np.moveaxis(moved, -1, axis).reshape(channel.shape))
        channel = channel if _uses_forbidden(program, changed) else changed
    return channel


def regular(size: int, columns: Indices, channel: Array) -> tuple[Indices, Array]:
    """Return columns and channel with as many clones of each column, in order, as the most cloned one has."""
    order = np.argsort(columns, kind="stable")
    taken = columns[order]
    clone = np.arange(taken.size) - np.searchsorted(taken, taken)
    clones = int(clone.max()) + 1
    spread = np.zeros((channel.shape[0], size * clones))
    spread[:, taken * clones + clone] = channel[:, order]
    return np.repeat(np.arange(size), clones), spread


def allowed(program: Program, channel: Array, columns: Indices) -> Array:
    """Return a channel to these columns, kept from forbidden pairs."""
    if program.forbidden is None:
        return rows(channel)
    barred = program.forbidden[:, columns]
    kept = np.where(barred, 0.0, channel)
    lost = kept.sum(axis=1, keepdims=True) <= 1e-12
    return rows(np.where(lost, ~barred | barred.all(axis=1, keepdims=True), kept))


def rows(channel: Array) -> Array:
    """Return a table of nonnegative numbers made a channel."""
    # Entries this small would underflow in a product of two laws, and matter to nobody.
    kept = np.where(channel > 1e-150, channel, 0.0)
    mass = kept.sum(axis=1, keepdims=True)
    if not (mass > 0).all():  # A solver that broke down proposes no law.
        kept, mass = np.where(mass > 0, kept, 1.0), np.where(mass > 0, mass, float(kept.shape[1]))
    rows: Array = kept / mass
    return rows
