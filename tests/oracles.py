"""What is true of small questions: formulas, exhaustive grids and convex programs, none of the code of the library."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log2

import cvxpy as cp
import numpy as np
from scipy.optimize import brentq, linprog

LN2 = np.log(2.0)
#: What the exhaustive grid over 2x2 channels leaves in a rate, in bits.
GRID = 1e-7


def h(*law: float) -> float:
    """Entropy in bits of a law, or of a biased coin if one number is given."""
    parts = law if len(law) > 1 else (law[0], 1 - law[0])
    return -sum(x * log2(x) for x in parts if x > 0)


def h_inverse(bits: float) -> float:
    return float(brentq(lambda x: h(x) - bits, 0.0, 0.5, xtol=1e-15))


def hb(x: np.ndarray) -> np.ndarray:
    """Binary entropy in bits of an array, with every logarithm defined."""
    x = np.clip(x, 1e-300, 1.0)
    y = np.clip(1 - x, 1e-300, 1.0)
    return -x * np.log2(x) - y * np.log2(y)


def binary_rdp(p: float, D: float, P: float) -> float:
    """Zhang, Qian, Chen and Khisti 2021, theorem 6, with total variation and P <= p <= 1/2."""
    q = 1 - p
    if D * (1 - 2 * (p - P)) <= P:
        return h(p) - h(D)
    if 2 * p * q - (q - p) * P >= D:
        low, high = (D - P) / 2, (D + P) / 2
        return 2 * h(p) + h(p - P) - h(low, p, 1 - low - p) - h(high, q, 1 - high - q)
    return 0.0


def binary_rdc(b: float, e: float, D: float, C: float) -> float:
    """X ~ Bern(b), S = X xor Bern(e): the smaller of the two Hamming levels binds."""
    return max(0.0, h(b) - h(min(D, (h_inverse(C) - e) / (1 - 2 * e), b)))


def fixed_binary(p: float, labels: tuple[float, float], D: float, C: float, points: int = 20_001) -> float:
    """min I(X; X̂), Hamming <= D < 1/2, H(S|X̂) <= C over all 2x2 channels, labels = P(S=1|X=0), P(S=1|X=1).

    For each a = P(X̂=1|0), both I(S;X̂) and I(X;X̂) grow with b = P(X̂=1|1) from b = a on, and Hamming forbids
    b < a, so the best b is the least feasible one. The grid over a is exhaustive, then refined at its best point.
    """

    def equivocation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        total = np.zeros_like(a)
        for x0, x1 in ((1 - a, 1 - b), (a, b)):
            mass = (1 - p) * x0 + p * x1
            one = (1 - p) * x0 * labels[0] + p * x1 * labels[1]
            total += mass * hb(one / np.maximum(mass, 1e-300))
        return total

    def rates(a: np.ndarray) -> np.ndarray:
        least = np.maximum(a, 1 - (D - (1 - p) * a) / p)  # Hamming: (1-p) a + p (1-b) <= D
        low, high = np.minimum(least, 1.0), np.ones_like(a)
        for _ in range(60):
            middle = (low + high) / 2
            meets = equivocation(a, middle) <= C
            low, high = np.where(meets, low, middle), np.where(meets, middle, high)
        b = np.where(equivocation(a, np.minimum(least, 1.0)) <= C, least, high)
        rate = hb((1 - p) * a + p * b) - (1 - p) * hb(a) - p * hb(b)
        return np.where((least <= 1) & (equivocation(a, np.ones_like(a)) <= C), rate, inf)

    low, high = 0.0, 1.0
    for _ in range(3):
        a = np.linspace(low, high, points)
        found = rates(a)
        best, step = a[found.argmin()], a[1] - a[0]
        low, high = max(0.0, best - 2 * step), min(1.0, best + 2 * step)
    return float(found.min())


def tagged_binary(p: float, labels: tuple[float, float], D: float, C: float, points: int = 20_001) -> float:
    """Tagged R(D, C) of a binary source under Hamming: a linear program over the posterior P(X=1 | column).

    A column with posterior u is best shown as its likelier letter; weights on a grid of u average to p.
    """
    u = np.linspace(0.0, 1.0, points)
    class_entropy = hb((1 - u) * labels[0] + u * labels[1])
    solved = linprog(
        -hb(u),
        A_ub=[np.minimum(u, 1 - u), class_entropy] if inf > D else [class_entropy],
        b_ub=[D, C] if inf > D else [C],
        A_eq=[np.ones_like(u), u],
        b_eq=[1.0, p],
        method="highs",
    )
    assert solved.status == 0
    return h(p) + float(solved.fun)


#: What Clarabel's default tolerances leave in a rate of order one, in bits, with room.
PROGRAM = 2e-7


def channel_program(
    p: np.ndarray,
    costs: list[tuple[np.ndarray, float]],
    levels: Callable[[cp.Expression], list[cp.Constraint]] = lambda q: [],
) -> float:
    """min Σ p_x KL(W_x ‖ p W) in bits over channels W; ``levels`` bounds the output law."""
    n, m = costs[0][0].shape if costs else (p.size, p.size)
    W = cp.Variable((n, m), nonneg=True)
    q = p @ W
    information = sum(p[x] * cp.sum(cp.kl_div(W[x], q)) for x in range(n))
    constraints = [cp.sum(W, axis=1) == 1, *levels(q)]
    constraints += [cp.sum(cp.multiply(p[:, None] * cost, W)) <= level for cost, level in costs]
    solved = cp.Problem(cp.Minimize(information / LN2), constraints)
    solved.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    assert solved.status == cp.OPTIMAL
    return float(solved.value)


def tuple_program(p: np.ndarray, d: np.ndarray, targets: list[tuple[float, float]]) -> float:
    """R(Θ) in bits for targets (D, TV level): a channel to all tuples of letters."""
    n, m = d.shape
    letters = np.array(list(np.ndindex(*(m,) * len(targets))))
    W = cp.Variable((n, len(letters)), nonneg=True)
    law = p @ W
    constraints = [cp.sum(W, axis=1) == 1]
    for k, (D, P) in enumerate(targets):
        pick = np.eye(m)[letters[:, k]]
        constraints.append(cp.sum(cp.multiply(p[:, None] * (d @ pick.T), W)) <= min(D, d.max()))
        constraints.append(cp.norm1(law @ pick - p) <= 2 * min(P, 1.0))
    information = sum(p[x] * cp.sum(cp.kl_div(W[x], law)) for x in range(n))
    solved = cp.Problem(cp.Minimize(information / LN2), constraints)
    solved.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    assert solved.status == cp.OPTIMAL
    return float(solved.value)


def total_variation(p: np.ndarray, P: float, q: cp.Expression) -> list[cp.Constraint]:
    return [cp.norm1(q - p) <= 2 * P] if P else [q == p]


def kullback_leibler(p: np.ndarray, P: float, q: cp.Expression) -> list[cp.Constraint]:
    return [cp.sum(-cp.entr(q) - cp.multiply(q, np.log(p))) <= P * LN2] if P else [q == p]


def earth_mover(p: np.ndarray, P: float, q: cp.Expression) -> list[cp.Constraint]:
    """On a line the W1 distance is the area between the distribution functions."""
    return [cp.norm1(cp.cumsum(q - p)[:-1]) <= P] if P else [q == p]


def reverse_kullback_leibler(p: np.ndarray, P: float, q: cp.Expression) -> list[cp.Constraint]:
    return [p @ (np.log(p) - cp.log(q)) <= P * LN2] if P else [q == p]


def jensen_shannon(p: np.ndarray, P: float, q: cp.Expression) -> list[cp.Constraint]:
    middle = (p + q) / 2
    return [cp.sum(cp.kl_div(q, middle) + cp.kl_div(p, middle)) <= 2 * P * LN2] if P else [q == p]


def chi_squared(p: np.ndarray, P: float, q: cp.Expression) -> list[cp.Constraint]:
    return [(1 / p) @ cp.square(q) <= 1 + P] if P else [q == p]


def hellinger(p: np.ndarray, P: float, q: cp.Expression) -> list[cp.Constraint]:
    """The roots are variables of their own."""
    roots = cp.Variable(p.size)
    return [np.sqrt(p) @ roots >= 1 - P, cp.square(roots) <= q] if P else [q == p]
