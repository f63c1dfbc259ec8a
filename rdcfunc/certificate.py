"""Candidate in, bracket out: the only place where a bound is claimed.

Lower bound, by weak duality (Blahut 1972; Csiszár 1974): for prices ``s, t >= 0``, output prices ``g`` and a
reference law ``r`` of columns, with ``c = Σ s_i c_i + g`` and ``log a_x = -log Σ_k r_k e^{-c(x,k)}``,

    R >= Σ p_x log a_x - max_k log Σ_x p_x a_x e^{-c(x,k)} - Σ s_i b_i - t P - sup_q {<g, q> - t div(p, q)},

whoever found the prices. Upper bound: what a channel that meets every level spends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import e, inf, isfinite
from operator import itemgetter

import numpy as np

from rdcfunc import repairs
from rdcfunc.candidate import Candidate, Dual
from rdcfunc.columns import chords, regions, tagged
from rdcfunc.information import Array, Indices, entropy
from rdcfunc.lift import Lift
from rdcfunc.program import Constraint, Linear, Output, Program
from rdcfunc.rounding import EPS, INSIDE, ROUNDING
from rdcfunc.tuples import Earnings

#: Cost of a repair, relative to the lower bound, beyond which a channel with room in every level is sought.
_DEAR = 1e-10
#: Largest logarithm of a factor that is not all rounding.
_LARGEST = 1e100
#: Roundings of one exponent: of scaled costs, prices, their products and sums, and of the exponential.
_ROUNDINGS = 8


@dataclass(frozen=True, eq=False)
class Bracket:
    """Bounds in nats (or units of the cost minimised), and the channel that attains the upper one."""

    lower: float
    upper: float
    channel: Array
    columns: Indices


def bracket(program: Program | Lift, candidate: Candidate, enough: float = 0.0) -> Bracket:
    """Return certified bounds from a candidate: its prices give the lower, its repaired channel the upper.

    The channel of a candidate that cannot be repaired is returned as it is, with ``upper = inf``. One to some tuples
    of a lift is repaired by who proposes it, since it may need others. A bracket no wider than ``enough`` is spared the
    repair that takes another program.
    """
    lower = lower_bound(program, candidate)
    columns = candidate.columns
    if isinstance(program, Lift):
        part = program.take(columns)
        channel = repairs.allowed(part, candidate.channel, np.arange(columns.size))
        met = [channel] * any(repairs.excess(part, channel, slack) <= 0 for slack in (-INSIDE, ROUNDING))
    else:
        channel = repairs.allowed(program, candidate.channel, columns)
        if program.outputs:
            columns, channel = repairs.regular(program.size, columns, channel)
        part = program.take(columns)
        met = repairs.repaired(part, channel, candidate.dual)
    value, repaired = min(
        ((value, channel) for channel in met if (value := part.objective(channel)) < inf),
        key=itemgetter(0),
        default=(inf, channel),
    )
    dear = value - lower > max(enough, _DEAR * (1.0 + abs(lower)))
    entropies = any(isfinite(c.level) for c in program.posteriors)
    if isinstance(program, Program) and program.outputs and not entropies and dear:
        value, repaired = min([(value, repaired), *repairs.by_room(program, part, channel)], key=itemgetter(0))
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
    if (
        isinstance(program, Program)
        and program.goal is not None
        and (program.rate == inf or candidate.lines is not None)
    ):
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
            if dual.walls is not None:
                paid = regions.paid(labels, dual.walls, cells)
                exponent = exponent + sum(
                    paid[h][:, program.letters[:, c.target]] for h, c in enumerate(program.posteriors)
                )
                scale += (regions.ROUNDINGS + labels.shape[1]) * float(np.abs(dual.walls).max())
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
        tilt = tilt + t * part.log_loss(replace(part.posteriors[0], tagged=True), repairs.rows(candidate.channel))
    least = tilt.min(axis=1)
    least[np.isinf(least)] = 0.0
    # Any a will do where the sum vanishes.
    law = program.p @ candidate.channel
    return least - np.log(np.maximum(np.exp(least[:, None] - tilt) @ law, 1e-300))


def _priced(program: Program, candidate: Candidate) -> list[tuple[float, Constraint]]:
    nat = 1.0 / max(candidate.dual.price(program), 1e-300)
    return [(price * nat, c) for price, c in zip(candidate.dual.prices, program.every, strict=True)]
