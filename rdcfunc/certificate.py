"""Candidate in, bracket out: the only place where a bound is claimed.

Lower bound, by weak duality (Blahut 1972; Csiszár 1974): for prices ``s, t >= 0``, output prices ``g`` and a
reference law ``r`` of columns, with ``c = Σ s_i c_i + g`` and ``log a_x = -log Σ_k r_k e^{-c(x,k)}``,

    R >= Σ p_x log a_x - max_k log Σ_x p_x a_x e^{-c(x,k)} - Σ s_i b_i - t P - sup_q {<g, q> - t div(p, q)},

whoever found the prices. Upper bound: what a channel that meets every level spends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import e, inf, isfinite
from operator import itemgetter

import numpy as np

from rdcfunc.columns import chords, regions, tagged
from rdcfunc.information import Array, Indices, entropy
from rdcfunc.lift import Lift
from rdcfunc.model import inner_point
from rdcfunc.program import Candidate, Constraint, Dual, Linear, Output, Posterior, Program
from rdcfunc.tuples import Earnings

EPS = float(np.finfo(np.float64).eps)
#: How far inside a level a channel is brought where it can be, so that a user's own sum meets it too.
INSIDE = 16 * EPS
#: Relative rounding of a sum of products of a few thousand terms, generously.
ROUNDING = 64 * EPS
#: Cost of a repair, relative to the lower bound, beyond which a channel with room in every level is sought.
_DEAR = 1e-10
#: Largest logarithm of a factor that is not all rounding.
_LARGEST = 1e100
#: Halvings in search of a channel with room, and the relative room with which it ends.
_HALVINGS, _ROOM = 24, 0.03
#: Roundings of one exponent: of scaled costs, prices, their products and sums, and of the exponential.
_ROUNDINGS = 8


@dataclass(frozen=True, eq=False)
class Bracket:
    """Bounds in nats (or units of the cost minimised), and the channel that attains the upper one."""

    lower: float
    upper: float
    channel: Array
    columns: Indices


def bracket(program: Program | Lift, candidate: Candidate) -> Bracket:
    """Return certified bounds from a candidate: its prices give the lower, its repaired channel the upper.

    The channel of a candidate that cannot be repaired is returned as it is, with ``upper = inf``. One to some tuples
    of a lift is repaired by who proposes it, since it may need others.
    """
    lower = lower_bound(program, candidate)
    columns = candidate.columns
    if isinstance(program, Lift):
        part = program.take(columns)
        channel = _allowed(part, candidate.channel, np.arange(columns.size))
        repairs = [channel] * any(excess(part, channel, slack) <= 0 for slack in (-INSIDE, ROUNDING))
    else:
        channel = _allowed(program, candidate.channel, columns)
        if program.outputs:
            columns, channel = _regular(program.size, columns, channel)
        part = program.take(columns)
        repairs = _repairs(part, channel, candidate.dual)
    value, repaired = min(
        ((value, met) for met in repairs if (value := part.objective(met)) < inf),
        key=itemgetter(0),
        default=(inf, channel),
    )
    dear = value - lower > _DEAR * (1.0 + abs(lower))
    entropies = any(isfinite(c.level) for c in program.posteriors)
    if isinstance(program, Program) and program.outputs and not entropies and dear:
        value, repaired = min([(value, repaired), *_by_room(program, part, channel)], key=itemgetter(0))
    if value == inf:
        return Bracket(lower, inf, channel, columns)
    # A level may be passed by rounding alone; that is paid for at its price.
    rounding = (ROUNDING + program.p.size * EPS) * (1.0 + abs(value)) + sum(
        price * over
        for price, c in _priced(part, candidate)
        if isfinite(c.level) and (over := part.value(c, repaired) - c.level) > 0
    )
    return Bracket(lower, value + rounding, repaired, columns)


def lower_bound(program: Program | Lift, candidate: Candidate) -> float:
    """Return the weak-duality bound of the module's first lines, less a bound on its rounding.

    With a tree of regions it is the least over the leaves, whose cells are rebuilt here from the cuts, so that they
    cover every posterior.

    The bound holds for any ``a``, so that only the sums over source letters, the support functions and the last sum
    can be wrong. An exponent ``e = log p a - c`` is off by some roundings of ``|log p a|``, ``|g|`` and ``|c|``, and a
    sum of n terms ``exp(e)`` by n more; as ``exp(e) |e| <= 1/e`` for ``e <= 0``, large exponents add little.
    """
    if candidate.tree is not None:
        decoders, labels = len(program.posteriors), program.posteriors[0].labels
        region = regions.whole(program.p, labels, decoders, program.m)
        return min(region_bound(program, leaf, cells)[0] for leaf, cells in regions.leaves(candidate.tree, region))
    return region_bound(program, candidate)[0]


def region_bound(
    program: Program | Lift, candidate: Candidate, cells: Array | None = None, accuracy: float = 1e-9
) -> tuple[float, Array | None]:
    """Return the bound on all channels, or on those whose class posteriors lie in cells, and the best posteriors there.

    Cells are of shape (decoders, m, r, K), posteriors of shape (N, decoders, K); see :mod:`rdcfunc.columns.regions`.
    """
    laws: Array | None = None
    dual, p = candidate.dual, program.p
    if isinstance(program, Program) and program.goal is not None and (program.rate == inf or candidate.lines is not None):
        return _unlimited(program, program.goal, dual, _letters_tell(program, candidate, cells)), None
    live = p > 0
    n = int(live.sum())
    if isinstance(program, Lift):
        every = np.arange(candidate.columns.size)
        log_a = log_factors(program.take(candidate.columns), replace(candidate, columns=every))
        earned = Earnings(program, dual, log_a).most(program.tuples(candidate.columns)).bound
        scale, size = 0.0, abs(earned)
    else:
        exponent, log_a = _exponents(program, candidate)
        if not (np.abs(log_a) < _LARGEST).all():  # Prices that overflow prove nothing.
            return 0.0 if program.goal is None else _least(program, program.goal), None
        exponent = exponent if live.all() else exponent[live]
        scale = float(np.abs(np.log(p[live]) + log_a[live]).max())
        scale += sum(float(np.abs(g).max()) for _, g in dual.outputs)
        t = float(dual.posteriors.sum())
        if cells is not None:
            shown = np.stack([cells[h, program.letters[:, c.target]] for h, c in enumerate(program.posteriors)], axis=1)
            labels = program.posteriors[0].labels[live]
            if dual.slopes is not None:
                paid = regions.paid(labels, dual.slopes, cells)
                exponent = exponent + sum(
                    paid[h][:, program.letters[:, c.target]] for h, c in enumerate(program.posteriors)
                )
                scale += (regions.ROUNDINGS + labels.shape[1]) * float(np.abs(dual.slopes).max())
            bounds, laws = regions.log_earned(exponent, labels, dual.posteriors, shown, accuracy)
            earned = float(bounds.max())
            # Corners of cells are middles of middles, and tangents swing by about the number of classes.
            size = abs(earned) + t * (regions.ROUNDINGS + labels.shape[1])
        elif t > 0:
            earned = float(tagged.log_earnings(exponent, program.posteriors[0].labels[live], t).max())
            size = abs(earned)
        else:
            earned, size = _most_earned(exponent)
    main = p[live] * log_a[live]
    terms = [float(main.sum()), -earned, *_level_terms(program, dual)]
    lost = n + _ROUNDINGS * (2 * scale + size + n / e) + (32 + n) * float(np.abs(main).sum())
    lost += (32 + program.m * bool(program.outputs)) * sum(abs(term) for term in terms)
    rate = sum(terms) - EPS * lost
    goal = program.goal
    if goal is None or isinstance(program, Lift):
        return max(0.0, rate), laws
    at_any_rate, price = _unlimited(program, goal, dual), dual.price(program)
    if price <= 0:
        return at_any_rate, laws
    value = (rate - program.rate) / price
    return max(at_any_rate, value - ROUNDING * abs(value)), laws


def _letters_tell(program: Program, candidate: Candidate, cells: Array | None) -> Array | None:
    """Return a cost (n, N) whose mean over a channel with posteriors in cells is at most its priced entropies."""
    if cells is None or candidate.lines is None:
        return None
    told = np.zeros((program.p.size, program.size))
    for h, c in enumerate(program.posteriors):
        lines = chords.below(candidate.lines[h], float(candidate.dual.posteriors[h]), cells[h])
        told += c.labels @ lines[program.groups(c)].T
    return told


def _unlimited(program: Program, goal: Constraint, dual: Dual, told: Array | None = None) -> float:
    """Return the bound on a goal under no limit of the rate, where each source letter takes its cheapest column.

    Unless it is ``told`` what letters leave open, tags may tell the class.
    """
    trivial, price = _least(program, goal), dual.price(program)
    if price <= 0:
        return trivial
    t = float(dual.posteriors.sum())
    if told is not None:
        cost = (dual.cost(program) + told).min(axis=1)
    else:
        cost = dual.cost(program).min(axis=1)
        cost = cost + t * np.array([entropy(row) for row in program.posteriors[0].labels]) if t > 0 else cost
    live = program.p > 0
    terms = [*(program.p[live] * cost[live]), *_level_terms(program, dual)]
    size = t + sum(float(s) * float(c.cost.max()) for s, c in zip(dual.linear, program.linear, strict=True))
    size += sum(float(np.abs(g).max()) for _, g in dual.outputs)
    size += 0.0 if told is None else float(np.abs(told).max())
    lost = _ROUNDINGS * size * len(program.every) + (32 + len(terms) + program.m) * sum(abs(term) for term in terms)
    value = (sum(terms) - EPS * lost) / price
    return max(trivial, value - ROUNDING * abs(value))


def _level_terms(program: Program | Lift, dual: Dual) -> list[float]:
    """Return what levels and output prices take from the bound, ``-s b``, ``-t P`` and ``-support``."""
    priced = zip(dual.prices, program.every, strict=True)
    terms = [-price * c.level for price, c in priced if isfinite(c.level)]
    for (t, g), output in zip(dual.outputs, program.outputs, strict=True):
        terms.append(-output.divergence.support(g, output.reference, t))
    return terms


def _most_earned(exponent: Array) -> tuple[float, float]:
    """Return ``log max_k Σ_x exp(e(x, k))`` and the size of the exponents behind it; the exponents are overwritten."""
    top = float(exponent.max())
    exponent -= top
    sums = np.ones(len(exponent)) @ np.exp(exponent, out=exponent)
    return top + float(np.log(sums.max())), abs(top)


def _least(program: Program, goal: Constraint) -> float:
    """Return a bound on the least that the left side of a constraint can be, on its own."""
    if isinstance(goal, Linear):
        return program.cheapest(goal) * (1 - ROUNDING)
    if isinstance(goal, Output):
        return goal.least * (1 - ROUNDING)
    return float(program.p @ np.array([entropy(row) for row in goal.labels])) * (1 - ROUNDING)


def log_weights(program: Program, candidate: Candidate) -> Array:
    """Return ``log(p_x a_x e^{-c(x,k)})``, shape (n, N): what a class posterior on column k can earn from."""
    return _exponents(program, candidate)[0]


def _exponents(program: Program, candidate: Candidate) -> tuple[Array, Array]:
    """Return ``log p a_x e^{-c(x,k)}`` of every column, shape (n, N), and ``log a`` (n,)."""
    cost = candidate.dual.cost(program)
    log_a = log_factors(program, candidate, cost)
    with np.errstate(divide="ignore"):
        shift = log_a + np.log(program.p)
    return np.subtract(shift[:, None], cost, out=cost if cost.flags.writeable else None), log_a


def log_factors(program: Program, candidate: Candidate, cost: Array | None = None) -> Array:
    """Return ``log a`` (n,) of a candidate, from the law of its columns where it names none."""
    dual, columns = candidate.dual, candidate.columns
    if candidate.log_a is not None:
        return candidate.log_a
    tilt = (dual.cost(program) if cost is None else cost)[:, columns]
    # H(S | shown) >= H(S | whole column) for each decoder, so their prices add up on one posterior a column.
    t = float(dual.posteriors.sum())
    if t > 0:
        part = program.take(columns)
        tilt = tilt + t * part.log_loss(replace(part.posteriors[0], tagged=True), _rows(candidate.channel))
    least = tilt.min(axis=1)
    least[np.isinf(least)] = 0.0
    # Any a will do where the sum vanishes.
    law = program.p @ candidate.channel
    return least - np.log(np.maximum(np.exp(least[:, None] - tilt) @ law, 1e-300))


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


def _repairs(program: Program, channel: Array, dual: Dual) -> list[Array]:
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
            near = _move_outputs(program, channel if dust == 0 else _rows(np.where(channel > dust, channel, 0.0)))
            costs = [program.barred(c.cost) for c in program.limits]
            costs += [program.total_cost] if len(program.linear) > 1 or not costs else []
            ties = min([1e-12, *(c.level for c in program.limits)])
            anchors = [near, *(_cheapest(near, cost, ties) for cost in costs)]
            if program.outputs:
                anchors += [_move_outputs(program, anchor) for anchor in anchors[1:]]
            if not program.minimises_rate:
                # The same output law told without a word: less rate, the same perception.
                anchors.append(np.tile(program.p @ near, (len(near), 1)))
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
        found = _rows(np.exp(exponent - exponent.max(axis=1, keepdims=True)))
        spare = 1 - program.information(found) / program.rate
        room = min((1 - program.value(c, found) / c.level if c.level > 0 else 0.0) for _, c, _ in priced)
        if min(spare, room) > _ROOM:
            break
        low, high = (low, factor) if room > spare else (factor, high)
    return found if min(spare, room) > 0 else None


def _by_room(program: Program, part: Program, channel: Array) -> list[tuple[float, Array]]:
    """Return values and channels, repaired by one that has room to spare in every level at once."""
    inner = _inner_point(program)
    if inner is None:
        return []
    inner, clones = _allowed(program, inner, np.arange(program.size)), part.size // program.size
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
    return _rows(np.where(lost, cheap, kept))


def _move_outputs(program: Program, channel: Array) -> Array:
    """Return the channel followed by a change of letters that brings each output law to its level.

    The law q is moved to ``(1 - λ) q + λ p``, whose divergence is at most ``(1 - λ) div(p, q)``, by a maximal
    coupling: as much mass as possible stays where it is.
    """
    targets = program.letters.shape[1]
    for output in program.outputs:
        q, p = program.law(program.p @ channel, output.target), output.reference
        value = output.divergence.value(p, q)
        if value <= output.level or not output.vanishes:
            continue
        share = 1.0 if output.level <= 0 else min(1.0, (1 - output.level / value) * (1 + 1e-9) + 1e-15)
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
        changed = _rows(np.moveaxis(moved, -1, axis).reshape(channel.shape))
        channel = channel if _uses_forbidden(program, changed) else changed
    return channel


def _regular(size: int, columns: Indices, channel: Array) -> tuple[Indices, Array]:
    """Return columns and channel with as many clones of each column, in order, as the most cloned one has."""
    order = np.argsort(columns, kind="stable")
    taken = columns[order]
    clone = np.arange(taken.size) - np.searchsorted(taken, taken)
    clones = int(clone.max()) + 1
    spread = np.zeros((channel.shape[0], size * clones))
    spread[:, taken * clones + clone] = channel[:, order]
    return np.repeat(np.arange(size), clones), spread


def _priced(program: Program, candidate: Candidate) -> list[tuple[float, Constraint]]:
    nat = 1.0 / max(candidate.dual.price(program), 1e-300)
    return [(price * nat, c) for price, c in zip(candidate.dual.prices, program.every, strict=True)]


def _allowed(program: Program, channel: Array, columns: Indices) -> Array:
    """Return a channel to these columns, kept from forbidden pairs."""
    if program.forbidden is None:
        return _rows(channel)
    barred = program.forbidden[:, columns]
    kept = np.where(barred, 0.0, channel)
    lost = kept.sum(axis=1, keepdims=True) <= 1e-12
    return _rows(np.where(lost, ~barred | barred.all(axis=1, keepdims=True), kept))


def _rows(channel: Array) -> Array:
    # Entries this small would underflow in a product of two laws, and matter to nobody.
    kept = np.where(channel > 1e-150, channel, 0.0)
    mass = kept.sum(axis=1, keepdims=True)
    if not (mass > 0).all():  # A solver that broke down proposes no law.
        kept, mass = np.where(mass > 0, kept, 1.0), np.where(mass > 0, mass, float(kept.shape[1]))
    rows: Array = kept / mass
    return rows
