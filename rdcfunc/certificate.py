"""Candidate in, bracket out: the only place where a bound is claimed.

Lower bound, by weak duality (Blahut 1972; Csiszár 1974): for prices ``s, t >= 0``, output prices ``g`` and a
reference law ``r`` of columns, with ``c = Σ s_i c_i + g`` and ``log a_x = -log Σ_k r_k e^{-c(x,k)}``,

    R >= Σ p_x log a_x - max_k log Σ_x p_x a_x e^{-c(x,k)} - Σ s_i b_i - t P - sup_q {<g, q> - t div(p, q)},

whoever found the prices. Upper bound: what a channel that meets every level spends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isfinite
from operator import itemgetter

import numpy as np
from scipy.special import logsumexp

from rdcfunc.columns import tagged
from rdcfunc.information import Array, Indices
from rdcfunc.model import inner_point
from rdcfunc.program import Candidate, Constraint, Output, Program

#: How far inside a level a channel is brought where it can be, so that a user's own sum meets it too.
INSIDE = 16 * float(np.finfo(np.float64).eps)
#: Relative rounding of a sum of products of a few thousand terms, generously.
ROUNDING = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Bracket:
    """Bounds in nats (or units of the cost minimised), and the channel that attains the upper one."""

    lower: float
    upper: float
    channel: Array
    columns: Indices


def bracket(program: Program, candidate: Candidate) -> Bracket:
    """Return certified bounds from a candidate: its prices give the lower, its repaired channel the upper.

    The channel of a candidate that cannot be repaired is returned as it is, with ``upper = inf``.
    """
    lower = lower_bound(program, candidate)
    columns, channel = candidate.columns, _rows(candidate.channel)
    if program.outputs:
        columns, channel = _regular(program.size, columns, channel)
    part = program.take(columns)
    value, repaired = min(
        ((part.objective(met), met) for met in _repairs(part, channel)),
        key=itemgetter(0),
        default=(inf, channel),
    )
    if value == inf:
        return Bracket(lower, inf, channel, columns)
    # A level may be passed by rounding alone; that is paid for at its price.
    rounding = ROUNDING * (1.0 + abs(value)) + sum(
        price * max(0.0, part.value(c, repaired) - c.level)
        for price, c in _priced(part, candidate)
        if isfinite(c.level)
    )
    return Bracket(lower, value + rounding, repaired, columns)


def lower_bound(program: Program, candidate: Candidate) -> float:
    """Return the weak-duality bound of the module's first lines, lowered by a bound on its rounding."""
    dual, p = candidate.dual, program.p
    tilt, log_a = _dual_weights(program, candidate)
    earnable = log_weights(program, candidate)
    t = float(dual.posteriors.sum())
    if t > 0:
        earned = tagged.log_earnings(earnable, program.posteriors[0].labels, t)
    else:
        earned = logsumexp(earnable, axis=0)
    main = float(p @ np.where(p > 0, log_a, 0.0))
    terms = [main, -float(earned.max())]
    terms += [-float(s) * c.level for s, c in zip(dual.linear, program.linear, strict=True) if isfinite(c.level)]
    terms += [-float(s) * c.level for s, c in zip(dual.posteriors, program.posteriors, strict=True)]
    for (s, g), output in zip(dual.outputs, program.outputs, strict=True):
        terms += [-s * output.level, -output.divergence.support(g, p, s)]
    # The exponents are rounded too: by the cheapest column's cost, which dominates each sum.
    exponents = float(p @ np.abs(tilt).min(axis=1)) + float(np.abs(log_a[p > 0]).max())
    rate = sum(terms) - ROUNDING * (1.0 + exponents + sum(abs(term) for term in terms))
    if program.minimises_rate:
        return max(0.0, rate)
    trivial = float(p @ program.linear[0].cost.min(axis=1)) * (1 - ROUNDING)
    price = float(dual.linear[0])
    if price <= 0:
        return trivial
    value = (rate - program.rate) / price
    return max(trivial, value - ROUNDING * abs(value))


def log_weights(program: Program, candidate: Candidate) -> Array:
    """Return ``log(p_x a_x e^{-c(x,k)})``, shape (n, N): what a class posterior on column k can earn from."""
    with np.errstate(divide="ignore"):
        log_p = np.log(program.p)
    return (log_p + _dual_weights(program, candidate)[1])[:, None] - candidate.dual.cost(program)


def _dual_weights(program: Program, candidate: Candidate) -> tuple[Array, Array]:
    """Return the cost ``c`` (n, N) of the candidate's columns, log-loss included, and ``log a`` (n,)."""
    dual, part = candidate.dual, program.take(candidate.columns)
    channel = _rows(candidate.channel)
    tilt = dual.cost(part)
    # H(S | shown) >= H(S | whole column) for each decoder, so their prices add up on one posterior a column.
    t = float(dual.posteriors.sum())
    if t > 0:
        tilt += t * part.log_loss(replace(part.posteriors[0], tagged=True), channel)
    with np.errstate(divide="ignore"):
        log_r = np.log(program.p @ channel)
    return tilt, -logsumexp(log_r - tilt, axis=1)


def polished(program: Program, proposal: Candidate, tol: float) -> Candidate:
    """Return the proposal with the channel that is best at its prices.

    Prices that are wrong by ε give a bound that is wrong by about ε², once the reference law fits them; some of
    Blahut and Arimoto's sweeps see to that.
    """
    exponent = -proposal.dual.cost(program)
    kernel = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    q = np.maximum(program.p @ proposal.channel, 1e-12)
    for _ in range(1000):
        gain = (program.p / (kernel @ q)) @ kernel
        q = q * gain / (q @ gain)
        if np.log(gain.max()) < 1e-3 * tol:
            break
    channel = kernel * q
    return replace(proposal, channel=channel / channel.sum(axis=1, keepdims=True))


def excess(program: Program, channel: Array, slack: float) -> float:
    """Return by how much a channel fails its worst level, each taken with some relative slack."""
    worst = 0.0
    for c in program.constraints:
        worst = max(worst, program.value(c, channel) - c.level - _allowed(c, slack))
    if not program.minimises_rate:
        worst = max(worst, program.information(channel) - program.rate - slack * max(program.rate, 1.0))
    return worst


def _repairs(program: Program, channel: Array) -> list[Array]:
    """Return channels that meet every level, made from the given one: a hair inside, or else to within rounding."""
    # Solvers leave dust where exact answers have zeros, and some levels can only be met exactly.
    swept = _rows(np.where(channel > 1e-6, channel, 0.0))
    near = [_move_outputs(program, channel), _move_outputs(program, swept)]
    for slack in (-INSIDE, ROUNDING):
        if excess(program, channel, slack) <= 0:
            return [channel]
        costs = [program.total_cost, *(c.cost for c in program.limits)]
        anchors = [(n, anchor) for n in near for anchor in (n, *(_cheapest(n, cost) for cost in costs))]
        if not program.minimises_rate:
            # The same output law told without a word: less rate, the same perception.
            anchors += [(n, np.tile(program.p @ n, (len(n), 1))) for n in near]
        found = [_mixture(program, n, anchor, slack) for n, anchor in anchors]
        if any(met is not None for met in found):
            return [met for met in found if met is not None]
    inner = None if program.posteriors else inner_point(program)
    if inner is None:
        return []
    found = [_mixture(program, near[0], a, ROUNDING) for a in (inner, _move_outputs(program, inner))]
    return [met for met in found if met is not None]


def _mixture(program: Program, channel: Array, anchor: Array, slack: float) -> Array | None:
    """Return the mixture with the least share of an anchor that meets every level, if one does."""
    share = 0.0
    for c in program.constraints:
        level = c.level + _allowed(c, slack)
        here, there = program.value(c, channel), program.value(c, anchor)
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
        if share == 1:
            break
        share = min(1.0, 2 * share)
    return None


def _cheapest(channel: Array, cost: Array) -> Array:
    """Return the channel kept to the columns that cost least, which may meet linear levels with room to spare."""
    cheap = cost <= cost.min(axis=1, keepdims=True) + 1e-12
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
        q, p = program.law(program.p @ channel, output.target), program.p
        value = output.divergence.value(p, q)
        if value <= output.level or not output.divergence.vanishes(p):
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
        channel = _rows(np.moveaxis(moved, -1, axis).reshape(channel.shape))
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
    dual = candidate.dual
    nat = 1.0 if program.minimises_rate else 1.0 / max(float(dual.linear[0]), 1e-300)
    return [
        *((float(s) * nat, c) for s, c in zip(dual.linear, program.linear, strict=True)),
        *((float(t) * nat, c) for t, c in zip(dual.posteriors, program.posteriors, strict=True)),
        *((t * nat, c) for (t, _), c in zip(dual.outputs, program.outputs, strict=True)),
    ]


def _allowed(constraint: Constraint, slack: float) -> float:
    """Return what a left side may exceed its level by.

    Sums of terms >= 0 are relatively exact, so that a level of zero is met exactly; a divergence is a difference, and
    can reach zero to within rounding only.
    """
    if not isinstance(constraint, Output):
        return slack * constraint.level
    size = constraint.divergence.scale
    return (slack if constraint.level > 1e-9 * size else ROUNDING) * max(constraint.level, size)


def _rows(channel: Array) -> Array:
    # Entries this small would underflow in a product of two laws, and matter to nobody.
    kept = np.where(channel > 1e-150, channel, 0.0)
    rows: Array = kept / kept.sum(axis=1, keepdims=True)
    return rows
