"""Columns that carry one letter for each decoder: the tuples that earn most, certified without listing them all.

At given prices the tuple (j_1, ..., j_K) earns

    f(j) = Σ_x v(x) Π_k w_k(x, j_k),     v = p a,  w_k = e^{-c_k},

with c_k the priced costs of one decoder's letter, and a lower bound on a rate needs an upper bound on max f.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

import numpy as np
import scipy

from rdcfunc.candidate import Dual
from rdcfunc.information import Array, Indices
from rdcfunc.lift import Lift
from rdcfunc.rounding import EPS

#: Columns (N,) and a channel (n, N) to them.
Channel = tuple[Indices, Array]

#: Most entries of a table of products of factors, and of one product with it.
_TABLE, _BLOCK = 40_000, 1_000_000
#: Products that a search may form before it settles for a looser bound.
_WORK = 1_000_000_000
#: Share of its level up to which an output may move freely when little mass is moved.
_SLACK = 0.99
#: Share by which a bound may exceed what is attained.
_ACCURACY = 1e-11
#: Roundings of an exponent: of scaled costs, prices, their products and sums, and of the exponential, twice over.
_ROUNDINGS = 16


def costs(lift: Lift, dual: Dual) -> list[Array]:
    """Return the priced costs (n, m) of each target's letter, inf where a pair is forbidden."""
    tables = [np.zeros((lift.p.size, lift.m)) for _ in range(lift.targets)]
    for s, c in zip(dual.linear, lift.linear, strict=True):
        tables[c.target] += s * c.cost
    for (_, g), output in zip(dual.outputs, lift.outputs, strict=True):
        tables[output.target] += g
    for table, barred in zip(tables, lift.forbidden, strict=True):
        if barred is not None:
            table[barred] = inf
    return tables


@dataclass(frozen=True, eq=False)
class Most:
    """The most that a tuple earns.

    Attributes
    ----------
    bound
        An upper bound on its logarithm, rounding included.
    tuples, earned
        Some tuples (c, K) that earn much, the best first, and what they earn (c,).
    """

    bound: float
    tuples: Indices
    earned: Array


class Earnings:
    """What tuples earn, with factors over their largest for each source letter, so that all are at most one."""

    def __init__(self, lift: Lift, dual: Dual, log_a: Array) -> None:
        tables = costs(lift, dual)
        floors = [table.min(axis=1) for table in tables]
        # A source letter that may use no letter of some decoder earns nothing.
        live = (lift.p > 0) & np.isfinite(floors).all(axis=0)
        tables, floors = [table[live] for table in tables], [floor[live] for floor in floors]
        log_p, log_a = np.log(lift.p[live]), log_a[live]
        level = log_p + log_a - sum(floors)
        self.top = float(level.max())
        self.v = np.exp(level - self.top)
        self.factors = [np.exp(floor[:, None] - table) for floor, table in zip(floors, tables, strict=True)]
        # An exponent is off by roundings of all that was added up; as exp(-e) e <= 1/e, large costs add little.
        size = np.abs(log_p) + np.abs(log_a) + np.sum(np.abs(floors), axis=0) + abs(self.top)
        size += sum(float(np.abs(g).max()) for _, g in dual.outputs)
        self.lost = _ROUNDINGS * EPS * float(self.v @ (size + 1.0))
        self.terms = self.v.size + 2 * lift.targets + _ROUNDINGS

    def of(self, tuples: Indices) -> Array:
        """Return what tuples (c, K) earn."""
        terms = np.repeat(self.v[:, None], len(tuples), axis=1)
        for factor, letters in zip(self.factors, tuples.T, strict=True):
            terms *= factor[:, letters]
        earned: Array = np.exp(self.top) * terms.sum(axis=0)
        return earned

    def climb(self, tuples: Indices) -> Indices:
        """Return the tuples that change of one letter after another leads to, each change for the better."""
        tuples = tuples.copy()
        for _ in range(10 * len(self.factors)):
            before = tuples.copy()
            for k, factor in enumerate(self.factors):
                terms = np.repeat(self.v[:, None], len(tuples), axis=1)
                for i, (other, letters) in enumerate(zip(self.factors, tuples.T, strict=True)):
                    if i != k:
                        terms *= other[:, letters]
                worth = terms.T @ factor
                best = worth.argmax(axis=1)
                here = np.arange(len(tuples))
                better = worth[here, best] > worth[here, tuples[:, k]] * (1 + 1e-12)
                tuples[better, k] = best[better]
            if (tuples == before).all():
                break
        return np.unique(tuples, axis=0)

    def most(self, tuples: Indices, count: int = 64) -> Most:
        """Bound what any tuple earns, by branch and bound from the best of these (c, K).

        The letters of some components are fixed one by one; the others are maximised over at once, by a product with
        the table of their factors. A branch is left once its bound, in which other letters may differ from one source
        letter to the next, is no more than is attained. At the limit of work the bound of what is still open holds.
        """
        K, (n, m) = len(self.factors), self.factors[0].shape
        moving = [k for k in range(K) if self.factors[k].min() < 1.0]
        moving.sort(key=lambda k: float((self.v @ self.factors[k]).max()))
        right: list[int] = []
        while moving and n * m ** (len(right) + 1) <= max(_TABLE, n * m):
            right.append(moving.pop())
        table = np.ones((n, 1))
        for k in right:
            table = (table[:, :, None] * self.factors[k][:, None, :]).reshape(n, -1)
        found, worth = [tuples], [self.of(tuples) / np.exp(self.top)]
        attained = float(worth[0].max(initial=0.0))
        stack = [(inf, self.v[None, :], np.zeros((1, 0), dtype=np.intp))]
        work = 0
        while stack and work <= _WORK:
            bound, terms, prefix = stack.pop()
            if bound <= attained * (1 + _ACCURACY):
                continue
            depth = prefix.shape[1]
            work += terms.shape[0] * table.size
            earned = terms @ table
            highest = earned.max(axis=1)
            if depth == len(moving):
                best = np.argsort(-highest)[:count]
                found.append(self._whole(K, m, moving + right, prefix[best], earned[best].argmax(axis=1), len(right)))
                worth.append(highest[best])
                attained = max(attained, float(highest[best[0]]))
                continue
            open_ = highest > attained * (1 + _ACCURACY)
            factor = self.factors[moving[depth]]
            terms = (terms[open_][:, None, :] * factor.T[None]).reshape(-1, n)
            prefix = np.concatenate(
                [np.repeat(prefix[open_], m, axis=0), np.tile(np.arange(m), int(open_.sum()))[:, None]], axis=1
            )
            bounds = terms.sum(axis=1)
            for k in moving[depth + 1 :]:
                bounds = np.minimum(bounds, (terms @ self.factors[k]).max(axis=1))
            order = np.argsort(bounds)
            order = order[bounds[order] > attained * (1 + _ACCURACY)]
            rows = max(1, _BLOCK // table.shape[1])
            for first in range(0, order.size, rows):
                part = order[first : first + rows]
                stack.append((float(bounds[part].max()), terms[part], prefix[part]))
        top = max(attained * (1 + _ACCURACY), *(bound for bound, _, _ in stack), 0.0)
        tuples, earned = np.concatenate(found), np.concatenate(worth)
        best = np.argsort(-earned)[:count]
        whole = top * (1 + self.terms * EPS) + self.lost
        return Most(
            self.top + log(whole) + 4 * EPS * (1 + abs(self.top)), tuples[best], np.exp(self.top) * earned[best]
        )

    @staticmethod
    def _whole(K: int, m: int, order: list[int], prefix: Indices, rest: Indices, right: int) -> Indices:
        """Return tuples (c, K) from the letters of the components in this order, the last ones told by one number."""
        tuples = np.zeros((len(prefix), K), dtype=np.intp)
        tuples[:, order[: len(order) - right]] = prefix
        for k in reversed(order[len(order) - right :]):
            tuples[:, k] = rest % m
            rest = rest // m
        return tuples


def coupled(lift: Lift, channels: list[Array]) -> Channel:
    """Return a channel to columns whose components are the given ones (n, m): columns (N,) and channel (n, N).

    Laws are coupled by their quantiles, so that a source letter needs at most K (m - 1) + 1 tuples.
    """
    # Rounding of a sum must not lead to a letter without mass: from the last one with mass on, all is told.
    tops = [np.where(np.cumsum(c[:, ::-1], axis=1)[:, ::-1] > c, np.cumsum(c, axis=1), 1.0) for c in channels]
    found: dict[int, int] = {}
    entries: list[tuple[int, int, float]] = []
    for x in range(lift.p.size):
        ends = np.unique(np.concatenate([top[x] for top in tops]).clip(0.0, 1.0))
        widths = np.diff(ends, prepend=0.0)
        middles = ends - widths / 2
        letters = np.stack([np.searchsorted(top[x], middles).clip(0, lift.m - 1) for top in tops], axis=1)
        for column, width in zip(lift.columns(letters).tolist(), widths.tolist(), strict=True):
            if width > 0:
                entries.append((x, found.setdefault(column, len(found)), width))
    channel = np.zeros((lift.p.size, len(found)))
    for x, place, width in entries:
        channel[x, place] += width
    return np.array(list(found), dtype=np.intp), channel / channel.sum(axis=1, keepdims=True)


def merged(*parts: Channel) -> tuple[Indices, list[Array]]:
    """Return the columns of several channels, each column once, and the channels on all of them."""
    columns = np.unique(np.concatenate([part for part, _ in parts]))
    spread = []
    for part, channel in parts:
        whole = np.zeros((columns.size, channel.shape[0]))
        np.add.at(whole, np.searchsorted(columns, part), channel.T)
        spread.append(whole.T)
    return columns, spread


def moved(lift: Lift, columns: Indices, channel: Array) -> Channel:
    """Return a channel to tuples with the output laws that are beyond their level brought back to it.

    A law q goes to ``(1 - λ) q + λ p``, which is within the level. Tuples with letters that are shown too often give
    up the share that is too much, and all laws get what they lack by one more coupling.
    """
    tuples, q = lift.tuples(columns), lift.p @ channel
    laws = [np.bincount(letters, q, lift.m).astype(np.float64) for letters in tuples.T]
    wanted = list(laws)
    for output in lift.outputs:
        k, p = output.target, output.reference
        if output.divergence.value(p, laws[k]) > output.level and output.vanishes:
            share = output.divergence.share(p, laws[k], output.level)
            wanted[k] = (1 - share) * laws[k] + share * p
    stays = [
        np.minimum(1.0, np.divide(w, q, out=np.ones_like(q), where=q > 0)) for w, q in zip(wanted, laws, strict=True)
    ]
    kept = channel * np.min([stay[letters] for stay, letters in zip(stays, tuples.T, strict=True)], axis=0)
    lost = 1.0 - kept.sum(axis=1)
    if float(lift.p @ lost) <= 0:
        return columns, channel
    plans = []
    for k, law in enumerate(wanted):
        single = lift.single(k)
        cost = single.total_cost
        plan: Array | None = np.eye(lift.m)[single.barred(cost).argmin(axis=1)]
        if any(o.target == k and o.divergence.value(o.reference, laws[k]) > _SLACK * o.level for o in lift.outputs):
            lacking = np.maximum(law - np.bincount(tuples[:, k], lift.p @ kept, lift.m), 0.0)
            plan = _carried(lift.p * np.maximum(lost, 0.0), lacking, single.barred(cost))
        if plan is None:
            return columns, channel
        plans.append(plan)
    others, extra = coupled(lift, plans)
    together, (kept, extra) = merged((columns, kept), (others, extra * np.maximum(lost, 0.0)[:, None]))
    return together, kept + extra


def _carried(supply: Array, lacking: Array, cost: Array) -> Array | None:
    """Return a channel (n, m) that makes of masses (n,) the law that is lacking (m,), or None if pairs forbid it."""
    total, (n, m) = lacking.sum(), cost.shape
    if not total > 0:
        return None
    if np.isfinite(cost[supply > 0][:, lacking > 0]).all():
        return np.tile(lacking / total, (n, 1))
    rows, sums = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    found = scipy.optimize.linprog(
        np.where(np.isinf(cost), 0.0, cost).ravel(),
        A_eq=np.vstack([rows, sums]),
        b_eq=np.concatenate([supply / supply.sum(), lacking / total]),
        bounds=[(0.0, 0.0 if barred else None) for barred in np.isinf(cost).ravel()],
    )
    if found.status != 0:
        return None
    plan = np.maximum(found.x.reshape(n, m), 0.0)
    mass = plan.sum(axis=1, keepdims=True)
    # A letter that gives up nothing goes anywhere.
    channel: Array = np.where(mass > 0, plan / np.where(mass > 0, mass, 1.0), np.eye(m)[cost.argmin(axis=1)])
    return channel
