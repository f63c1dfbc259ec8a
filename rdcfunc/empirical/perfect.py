"""Lower bounds by perfect perception, where reproductions are samples again and no letter need be searched.

On any encoder W whose best estimate has distortion e, draw the reproduction X' from the law of X given W: it has the
samples' law, and ``E |X - X'|² = 2 e``, since X and X' are independent given W and have the same mean. Hence

    I(X; W) + 2 s e >= Φ(s)    where    I(X; X') + s E |X - X'|² >= Φ(s)    for all X' of the samples' law:

D(R) is at least D(R, P = 0) / 2. For the latter any weights a > 0 give a bound, in any dimension (the dual of entropic
optimal transport of the samples to themselves):

    Φ(s) >= Σ_x p_x log a_x - Σ_y p_y log Σ_x p_x a_x e^{-s |x - y|²}.

With sums over samples x of the class of y alone it bounds ``I(X; X' | S) + H(S) + s E |X - X'|²`` instead. Here X' is
drawn given W and the class, and ``I(X; W) + H(S | W) = I(X; W | S) + H(S)``: so ``I + H(S | W) + 2 s e`` is no less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite, log, sqrt

import numpy as np
import scipy

from rdcfunc.information import Array, Indices
from rdcfunc.passes.base import Machine
from rdcfunc.rounding import EPS

#: Samples on which the price is chosen, and on which the weights are; fewer of each class.
_FEW, _MANY = 1024, 4096
#: Most fixed-point steps, the change of log a that ends them, and how far they go.
_STEPS, _STILL, _RELAXED = 40, 1e-9, 2 / 3
#: Logarithm of the range of prices around the first, and how closely the best is found.
_RANGE, _CLOSE = 6.0, 1e-4
#: Edge of a block of pairs, whose sums are products with their weights.
_EDGE = 2048
#: Products of numbers that an exponential and its sums cost as much as.
_EXPONENTIAL = 16


@dataclass(frozen=True)
class Perfect:
    """A price and what ``I + s D`` is not below, in nats, with perfect perception; -inf where nothing was computed."""

    s: float
    dual: float = -inf


def products(groups: Sequence[Indices], k: int) -> float:
    """Return how many products the bound for all pairs within groups costs."""
    return sum(float(len(group)) ** 2 for group in groups) * (k + _EXPONENTIAL)


def perfect(
    points: Array,
    pmf: Array,
    groups: Sequence[Indices],
    worth: Callable[[float, float], float],
    s: float,
    machine: Machine,
    seed: int = 0,
) -> Perfect:
    """Return a price and a proved value of the dual function at it.

    The weights are those of a part of the samples, where they are many; one pass over all pairs then gives the bound,
    from which what it may err by is taken off.

    Parameters
    ----------
    points, pmf
        Samples (n, k), about their mean for accuracy, and probabilities (n,).
    groups
        Which samples may reproduce each other: all, or those of a class. No probability is zero there.
    worth
        What a value of the dual at a price is worth; the price is the best on a part of the samples.
    s
        A price to start from.
    machine
        Where products are made.
    seed
        Of the choice of these parts.
    """
    random = np.random.default_rng(seed)
    few, many = (
        [_part(group, max(2, int(size / sqrt(len(groups)))), random) for group in groups] for size in (_FEW, _MANY)
    )
    shares = [float(pmf[group].sum()) for group in groups]
    laws = [_law(pmf, part, share) for part, share in zip(few, shares, strict=True)]
    costs = [_apart(points[part]) for part in few]

    def loss(log_s: float) -> float:
        price = exp(log_s)
        kernels = (_kernel(cost, price, pmf[part] / q) for cost, part, q in zip(costs, few, laws, strict=True))
        return -worth(sum(_potentials(kernel, q)[1] for kernel, q in zip(kernels, laws, strict=True)), price)

    bounds = (log(s) - _RANGE, log(s) + _RANGE)
    s = exp(float(scipy.optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": _CLOSE}).x))
    log_a = np.zeros(len(points))
    for group, part, share in zip(groups, many, shares, strict=True):
        q = _law(pmf, part, share)
        mine, _ = _potentials(_kernel(_apart(points[part]), s, pmf[part] / q), q)
        if len(part) < len(group):
            log_a[group] = _extended(points[group], pmf[group], points[part], mine, q, s, machine)
        log_a[part] = mine
    return Perfect(s, dual(points, pmf, groups, log_a, s, machine))


def dual(points: Array, pmf: Array, groups: Sequence[Indices], log_a: Array, s: float, machine: Machine) -> float:
    """Return the value of the dual at weights a and price s, in nats, less all that rounding may have added to it.

    With b = a each pair of samples is looked at once: ``r_y = a_y Σ_x p_x a_x e^{-s|x-y|²}`` tells the best b, a/r.
    """
    n, k = points.shape
    norms = np.einsum("xk,xk->x", points, points)
    shift, r = log_a - s * norms, np.zeros(n)
    for group in groups:
        r[group] = _sums(points[group], pmf[group], shift[group], s, machine)
    r, live = machine.add(r), pmf > 0
    p, log_a, norms, shift = pmf[live], log_a[live], norms[live], np.abs(shift[live])
    # Exponents that underflow are lost, and so are their products with the weights.
    unit, least = (2.0**-53, 2.0**-1022) if machine.double else (2.0**-24, 2.0**-126)
    log_r = np.log(r[live] + 2 * n * least)
    # Sums of products in any order; two additions to an exponent; the exponential and a block's weighted sum.
    apart = 2 * s * np.sqrt(norms * norms.max())
    lost = (k + 8) * apart + 4 * (apart + shift + shift.max()) + min(n, _EDGE) + 16
    size = float(p @ (2 * np.abs(log_a) + np.abs(log_r))) + 4 * s * float(norms.max())
    paid = 1.01 * unit * float(p @ lost) + EPS * (2 * n + 8 * k + 64) * (1 + size)
    value = float(p @ (2 * log_a - log_r)) - paid
    return value if isfinite(value) else -inf


def _sums(x: Array, p: Array, shift: Array, s: float, machine: Machine) -> Array:
    """Return ``Σ_x p_x e^{2 s <x, y> + shift_x + shift_y}`` at every sample y of a group: this process's part of it."""
    put, r = machine.put, np.zeros(len(x))
    scaled, weights, raised = put(sqrt(2 * s) * x), put(p), put(shift)
    parts = [slice(at, at + _EDGE) for at in range(0, len(x), _EDGE)]
    pairs = [(first, second) for i, first in enumerate(parts) for second in parts[i:]]
    for i, j in pairs[machine.rank :: machine.size]:
        to_first, to_second = machine.pairs(scaled[i], scaled[j], raised[i], raised[j], weights[i], weights[j])
        r[i] += to_first
        if i != j:
            r[j] += to_second
    return r


def _extended(x: Array, p: Array, part: Array, log_a: Array, q: Array, s: float, machine: Machine) -> Array:
    """Return logarithms of weights of all samples x from those of a part, of law q.

    Others than x earn T from the part, and its own place earns p a: ``a (T + p a) = 1``.
    """
    put, shift = machine.put, log_a - s * np.einsum("yk,yk->y", part, part)
    y, raised, weights = put(sqrt(2 * s) * part), put(shift), put(q)
    found = np.empty(len(x))
    for at in range(0, len(x), _EDGE):
        i = slice(at, at + _EDGE)
        left = put(-s * np.einsum("xk,xk->x", x[i], x[i]))
        T, _ = machine.pairs(put(sqrt(2 * s) * x[i]), y, left, raised, left, weights)
        found[i] = np.log(2 / (T + np.sqrt(T**2 + 4 * p[i])))
    return found


def _kernel(apart: Array, s: float, own: Array) -> Array:
    """Return the kernel of a part in which a sample is at its own place as often as among all samples."""
    kernel = np.exp(-s * apart)
    kernel[np.diag_indices_from(kernel)] *= own
    return kernel


def _potentials(kernel: Array, q: Array) -> tuple[Array, float]:
    """Return log a (m,) with ``a_y Σ_x q_x a_x K(x, y) = 1`` nearly, and the value of the dual there, in nats.

    A kernel of squared distances has no negative eigenvalue: a step of 2/3 leaves at most a third of what was missing.
    """
    log_a, log_r = np.zeros(len(q)), np.zeros(len(q))
    for _ in range(_STEPS):
        log_r = log_a + np.log(kernel @ (q * np.exp(log_a)))
        if float(np.abs(log_r).max()) < _STILL:
            break
        log_a = log_a - _RELAXED * log_r
    return log_a, float(q @ (2 * log_a - np.log(kernel @ (q * np.exp(log_a))) - log_a))


def _part(group: Indices, size: int, random: np.random.Generator) -> Indices:
    """Return all of a group, or as many of it as are wanted."""
    return group if len(group) <= size else random.choice(group, size, replace=False)


def _law(pmf: Array, part: Indices, share: float) -> Array:
    """Return the weights of a part of a group, with the mass of the group."""
    return pmf[part] * (share / float(pmf[part].sum()))


def _apart(x: Array) -> Array:
    """Return the squared distances of samples."""
    norms = np.einsum("xk,xk->x", x, x)
    return np.maximum(norms[:, None] + norms - 2 * x @ x.T, 0.0)
