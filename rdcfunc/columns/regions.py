"""Regions of class posteriors on a fixed alphabet: one simplicial cell for each letter, cut in two again and again.

A region holds the channels whose posterior ``P(S | letter)`` lies in the letter's cell, for each decoder. There a
column (k, b) that shows these letters earns, at the prices t of the decoders' entropies,

    f_k(b) = Σ_x v(x, k) Π_h Π_s b_{h,s}^{t_h L(x, s)},     b_h in the cell of the letter that decoder h shows,

and a lower bound on a rate over the region needs an upper bound on the supremum over b. A posterior that would pay as
a tag but lies outside of the cell no longer counts, which is what makes a region's bound better than the whole's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from rdcfunc.columns.simplices import around, edges
from rdcfunc.information import Array, Indices

#: Logarithms are taken of no less than this.
_LEAST = 1e-300
#: The most entries of one round of cells, the most rounds, and EM's sweeps.
_MOST_ENTRIES, _ROUNDS, _SWEEPS = 400_000, 400, 60
#: Roundings of a corner that is the middle of middles, each relative to the class probability, generously.
ROUNDINGS = 512

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Branch(Generic[T]):
    """A region cut in two: the cell of one letter is cut across an edge, and both parts hold what is left of it.

    Attributes
    ----------
    decoder, letter
        Whose cell is cut: the place of the class entropy among the program's, and the letter.
    edge
        The two corners whose edge is cut.
    at
        Where: the new corner is ``(1 - at) edge[0] + at edge[1]``.
    parts
        The region whose cell has the new corner in place of ``edge[0]``, then that in place of ``edge[1]``.
    """

    decoder: int
    letter: int
    edge: tuple[int, int]
    at: float
    parts: tuple[Branch[T] | T, Branch[T] | T]


def leaves(tree: Branch[T] | T, cells: Array) -> Iterator[tuple[T, Array]]:
    """Yield what stands at the leaves, each with its cells, which cover the given ones."""
    todo: list[tuple[Branch[T] | T, Array]] = [(tree, cells)]
    while todo:
        node, region = todo.pop()
        if isinstance(node, Branch):
            todo += zip(node.parts, cut(region, node.decoder, node.letter, node.edge, node.at), strict=True)
        else:
            yield node, region


def whole(p: Array, labels: Array, decoders: int, m: int) -> Array:
    """Return cells (decoders, m, r, K) that hold every posterior which a letter can have.

    Posteriors are means of the label rows of letters with mass.
    """
    cell = around(np.unique(labels[p > 0], axis=0))
    return np.broadcast_to(cell, (decoders, m, *cell.shape)).copy()


def cut(cells: Array, decoder: int, letter: int, edge: tuple[int, int], at: float) -> tuple[Array, Array]:
    """Return both parts of a region as in :class:`Branch`."""
    if not 0 <= at <= 1:
        raise ValueError(f"a cut must lie on its edge, 0 <= at <= 1 (got {at})")
    cell = cells[decoder, letter]
    corner = (1 - at) * cell[edge[0]] + at * cell[edge[1]]
    first, second = cells.copy(), cells.copy()
    first[decoder, letter, edge[0]], second[decoder, letter, edge[1]] = corner, corner
    return first, second


def facets(cells: Array) -> Array:
    """Return functionals (decoders, m, r, K) of a law, its weights of the corners, which are >= 0 inside of a cell."""
    return np.asarray(np.linalg.pinv(cells).swapaxes(-1, -2), dtype=np.float64)


def paid(labels: Array, walls: Array, cells: Array) -> Array:
    """Return what each source letter adds to ``<wall, posterior>`` over its least in the cell, (decoders, n, m).

    The mean over the source letters that are told a letter is ``>= 0`` for each channel whose posteriors lie in the
    cells (decoders, m, r, K), whatever the walls (decoders, m, K).
    """
    least = np.einsum("hjvs,hjs->hjv", cells, walls).min(axis=2)
    found: Array = np.einsum("xs,hjs->hxj", labels, walls) - least[:, None]
    return found


def log_earned(
    log_weights: Array, labels: Array, t: Array, cells: Array, accuracy: float = 1e-9
) -> tuple[Array, Array]:
    """Return an upper bound on ``log sup_b f_k(b)`` for each column k, and where its largest value was seen.

    With m the middle of a cell and ``ρ = Σ_s L(x, s) b_s / m_s``, the inequality of the means and Bernoulli's bound
    each decoder's product by its value at m times ``ρ^t`` for t > 1, and times ``1 + t (ρ - 1)`` for t <= 1. Both are
    convex in b, so that a sum of products of them over decoders is largest at corners. The excess is of second order
    in the width: cells are halved until the bound is within ``accuracy`` of the largest value of all columns, or the
    work limit ends it.

    Parameters
    ----------
    log_weights
        ``log v``, shape (n, N).
    labels
        ``L(x, s)``, shape (n, K).
    t
        Prices, one a decoder, shape (decoders,).
    cells
        The cells of what each column shows, shape (N, decoders, r, K).
    accuracy
        In nats.

    Returns
    -------
    bound, laws
        Shapes (N,) and (N, decoders, K).
    """
    (n, N), (_, H, r, _) = log_weights.shape, cells.shape
    bound, seen, attained = np.full(N, -np.inf), np.full(N, -np.inf), -np.inf
    laws = cells.mean(axis=2)
    column = np.arange(N)
    for _ in range(_ROUNDS):
        upper, value = _tangents(log_weights, labels, t, column, cells)
        order = np.argsort(value)
        best = np.full(N, -1)
        best[column[order]] = order
        better = np.flatnonzero((best >= 0) & (value[best] > seen))
        seen[better], laws[better] = value[best[better]], cells[best[better]].mean(axis=2)
        attained = max(attained, float(value.max()))
        wide = upper > attained + accuracy if r > 1 else np.zeros(upper.size, dtype=bool)
        np.maximum.at(bound, column[~wide], upper[~wide])
        column, cells, upper = column[wide], cells[wide], upper[wide]
        if column.size * n * r**H > _MOST_ENTRIES or not column.size:
            break
        # The edge along which the exponents change most.
        low, high, lengths = edges(cells)
        decoder, edge = np.divmod((lengths * t[:, None]).reshape(column.size, -1).argmax(axis=1), low.size)
        every = np.arange(column.size)
        middle = 0.5 * (cells[every, decoder, low[edge]] + cells[every, decoder, high[edge]])
        first, second = cells.copy(), cells.copy()
        first[every, decoder, low[edge]], second[every, decoder, high[edge]] = middle, middle
        column, cells = np.concatenate([column, column]), np.concatenate([first, second])
    np.maximum.at(bound, column[: upper.size], upper)
    return bound, laws


def _tangents(log_weights: Array, labels: Array, t: Array, column: Indices, cells: Array) -> tuple[Array, Array]:
    """Return ``log`` of an upper bound of f on each cell (c, decoders, r, K), and ``log f`` in its middle."""
    middle = np.maximum(cells.mean(axis=2), _LEAST)
    exponent = log_weights[:, column] + np.einsum("h,xs,chs->xc", t, labels, np.log(middle))
    ratio = np.einsum("xs,chvs->hvxc", labels, cells / middle[:, :, None])
    top = np.zeros((1, *exponent.shape))
    for price, along in zip(t, ratio, strict=True):
        base = along if price > 1 else (1 - price) + price * along
        raised = max(float(price), 1.0) * np.log(np.maximum(base, _LEAST))
        top = (top[:, None] + raised).reshape(-1, *exponent.shape)
    return _log_sum(exponent + top).max(axis=0), _log_sum(exponent)


def _log_sum(exponent: Array) -> Array:
    """Return ``log Σ_x e^exponent`` over the last axis but one."""
    top = np.maximum(exponent.max(axis=-2, keepdims=True), -1e300)
    found: Array = np.log(np.maximum(np.exp(exponent - top).sum(axis=-2), _LEAST)) + top[..., 0, :]
    return found


def nearest(cells: Array, laws: Array) -> Array:
    """Return the point of each cell (..., r, K) that tells a law (..., K) best, ``argmin_b KL(law ‖ b)``, or nearly.

    A law inside of the cell is its own; others are told by a mixture of the corners, whose weights EM finds.
    """
    within = np.einsum("...s,...sv->...v", laws, np.linalg.pinv(cells))
    kept = within.min(axis=-1, keepdims=True) > -1e-12
    weights = np.full(within.shape, 1.0 / cells.shape[-2])
    for _ in range(_SWEEPS):
        ratio = laws / np.maximum(np.einsum("...v,...vs->...s", weights, cells), _LEAST)
        weights = weights * np.einsum("...s,...vs->...v", ratio, cells)
        weights /= np.maximum(weights.sum(axis=-1, keepdims=True), _LEAST)
    return np.where(kept, laws, np.einsum("...v,...vs->...s", weights, cells))
