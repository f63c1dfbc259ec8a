"""The table of oracles: problems whose answer is known from a formula, an exhaustive grid or another program.

No oracle shares code with the library: entropies, closed forms, grids and convex programs are written in oracles.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, log2

import cvxpy as cp
import numpy as np
from oracles import (
    GRID,
    PROGRAM,
    binary_rdc,
    binary_rdp,
    channel_program,
    chi_squared,
    earth_mover,
    fixed_binary,
    h,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    reverse_kullback_leibler,
    tagged_binary,
    total_variation,
)
from parts import abs_cost, likely, mean, random_parts

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, sources


@dataclass(frozen=True, eq=False)
class Row:
    """A question with a known answer.

    Attributes
    ----------
    truth
        Computes R(target) in bits, to ``accuracy``.
    cited
        Where the truth comes from.
    tol
        The bracket asked for, in bits.
    width
        The widest bracket that is not a defect; above ``tol`` only where the library says it cannot do better.
    """

    name: str
    problem: rdc.Problem
    target: Target
    truth: Callable[[], float]
    cited: str
    accuracy: float = 1e-12
    tol: float = 1e-6
    width: float = 0.0

    @property
    def wide(self) -> bool:
        return self.width > self.tol

    @property
    def convex(self) -> bool:
        return not isinstance(self.problem.classification, classifications.ConditionalEntropy)

    @property
    def linear(self) -> bool:
        return self.convex and inf == self.target.P


#: The smallest problem with a perception.
COIN = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())


def _binary_rd() -> list[Row]:
    cases = [(p, D) for p in (0.5, 0.3, 0.05) for D in (0.0, 0.01, 0.1, 0.29) if p > 0.05 or D < 0.05]
    return [
        Row(
            f"binary R(D), p={p}, D={D}",
            rdc.Problem(sources.bernoulli(p), distortions.hamming(2)),
            Target(D),
            lambda p=p, D=D: h(p) - h(D),
            "Cover and Thomas 2006, theorem 10.3.1",
        )
        for p, D in cases
    ]


def _uniform_rd() -> list[Row]:
    return [
        Row(
            f"uniform R(D), n={n}, D={D}",
            rdc.Problem(sources.uniform(n), distortions.hamming(n)),
            Target(D),
            lambda n=n, D=D: log2(n) - h(D) - D * log2(n - 1),
            "Gray 1971; Cover and Thomas 2006, problem 10.5",
        )
        for n, D in ((3, 0.1), (8, 0.3), (20, 0.75))
    ]


def _binary_rdp() -> list[Row]:
    cases = [
        (0.3, 0.1, 0.02),
        (0.3, 0.1, 0.2),  # perception is slack
        (0.3, 0.3, 0.1),
        (0.3, 0.4, 0.1),  # nothing need be sent
        (0.3, 0.1, 0.0),
        (0.3, 0.41, 0.0),
        (0.3, 0.42, 0.0),  # perfect realism, nothing sent: D = 2 p (1-p)
        (0.5, 0.2, 0.0),  # a uniform law is realistic for free
        (0.1, 0.05, 0.01),
    ]
    return [
        Row(
            f"binary R(D, P), p={p}, D={D}, P={P}",
            rdc.Problem(sources.bernoulli(p), distortions.hamming(2), perceptions.TotalVariation()),
            Target(D, P),
            lambda p=p, D=D, P=P: binary_rdp(p, D, P),
            "Zhang et al. 2021, arXiv:2106.10311, theorem 6",
        )
        for p, D, P in cases
    ]


def _binary_rdc() -> list[Row]:
    cases = [(0.4, 0.1, 0.1, 0.9), (0.4, 0.1, 0.3, 0.6), (0.5, 0.05, 0.4, 0.5), (0.3, 0.2, inf, 0.8)]
    return [
        Row(
            f"binary R(D, C), b={b}, e={e}, D={D}, C={C}, {'tagged' if tagged else 'fixed'}",
            rdc.Problem(
                sources.bernoulli(b),
                distortions.hamming(2),
                classification=classifications.ConditionalEntropy([[1 - e, e], [e, 1 - e]], tagged),
            ),
            Target(D, C=C),
            lambda b=b, e=e, D=D, C=C: binary_rdc(b, e, D, C),
            "Mrs Gerber's lemma: Wyner and Ziv 1973; Wang et al. 2024, arXiv:2405.04144",
            accuracy=1e-9,
        )
        for b, e, D, C in cases
        for tagged in (True, False)
    ]


def _deterministic() -> list[Row]:
    pmf, labels = [0.2, 0.3, 0.1, 0.4], [0, 0, 1, 2]
    return [
        Row(
            f"deterministic labels, C={C}",
            rdc.Problem(
                sources.Discrete(pmf),
                distortions.hamming(4),
                classification=classifications.ConditionalEntropy(labels, tagged=True),
            ),
            Target(C=C),
            lambda C=C: max(0.0, h(0.5, 0.1, 0.4) - C),
            "Kolchinsky, Tracey and Van Kuyk 2019, arXiv:1808.07593: the straight line R(inf, C) = H(S) - C",
        )
        for C in (0.0, 0.2, 0.7, 1.2, 1.5)
    ]


#: X ~ Bern(0.3), P(S=1|X=0) = 0, P(S=1|X=1) = 0.3: R(D, C) on the fixed alphabet is not convex.
LABELS = (0.0, 0.3)


def nonconvex_problem(tagged: bool) -> rdc.Problem:
    table = [[1 - LABELS[0], LABELS[0]], [1 - LABELS[1], LABELS[1]]]
    return rdc.Problem(
        sources.bernoulli(0.3),
        distortions.hamming(2),
        classification=classifications.ConditionalEntropy(table, tagged),
    )


def _nonconvex() -> list[Row]:
    fixed, tagged = nonconvex_problem(False), nonconvex_problem(True)
    rows = [
        Row(
            f"fixed alphabet, C={C}",
            fixed,
            Target(0.3, C=C),
            lambda C=C: fixed_binary(0.3, LABELS, 0.3, C),
            "every 2x2 channel",
            accuracy=GRID,
        )
        for C in (0.36764, 0.40205, 0.43647)
    ]
    rows += [
        Row(
            f"tagged alphabet, D={D}, C={C}",
            tagged,
            Target(D, C=C),
            lambda D=D, C=C: tagged_binary(0.3, LABELS, D, C),
            "a linear program over posteriors",
            accuracy=1e-7,
            tol=tol,
        )
        for D, C, tol in ((0.3, 0.36764, 1e-3), (0.3, 0.40205, 1e-6), (0.3, 0.43647, 1e-6), (0.05, 0.38, 1e-6))
    ]
    return rows


def _random() -> list[Row]:
    rows = []

    def add(
        name: str,
        problem: rdc.Problem,
        target: Target,
        costs: list[tuple[np.ndarray, float]],
        levels: Callable[[cp.Expression], list[cp.Constraint]] = lambda q: [],
    ) -> None:
        def truth() -> float:
            return channel_program(np.asarray(problem.source.pmf), costs, levels)

        rows.append(Row(name, problem, target, truth, "a convex program in the channel", accuracy=PROGRAM))

    for seed, n, P in ((1, 3, None), (2, 4, None), (3, 5, 0.0)):
        p, d, _ = random_parts(seed, n, n)
        # Levels are what a witness achieves, so they are feasible together and none is idle.
        witness = likely(d) if P is None else 0.6 * np.eye(n) + 0.4 * p
        D, q = mean(p, witness, d), p @ witness
        source, distortion = sources.Discrete(p), distortions.matrix(d)
        middle = (p + q) / 2
        measures = [
            (perceptions.TotalVariation(), np.abs(q - p).sum() / 2, total_variation),
            (perceptions.KL(), q @ np.log2(q / p), kullback_leibler),
            (perceptions.Wasserstein(abs_cost(n)), np.abs(np.cumsum(q - p)).sum(), earth_mover),
            (perceptions.ReverseKL(), p @ np.log2(p / q), reverse_kullback_leibler),
            (perceptions.JensenShannon(), h(*middle) - (h(*p) + h(*q)) / 2, jensen_shannon),
            (perceptions.ChiSquared(), (q**2 / p).sum() - 1, chi_squared),
            (perceptions.Hellinger(), 1 - np.sqrt(p * q).sum(), hellinger),
        ]
        for divergence, level, constraint in measures[: 3 if seed == 1 else None]:
            level = 0.0 if P == 0 else float(level)
            add(
                f"random {seed}, {type(divergence).__name__}, P={level:.3g}",
                rdc.Problem(source, distortion, divergence),
                Target(D, level),
                [(d, D)],
                partial(constraint, p, level),
            )

    for seed, n, m, bounded in ((4, 4, 3, True), (5, 6, 4, False), (6, 5, 5, True)):
        p, d, labels = random_parts(seed, n, m, 3)
        rng = np.random.default_rng(seed + 100)
        answers, decision = rng.dirichlet(np.ones(3), m), rng.integers(0, 3, m)
        loss, error = -labels @ np.log2(answers).T, 1 - labels[:, decision]
        for measure, cost in (
            (classifications.CrossEntropy(labels, answers), loss),
            (classifications.ErrorRate(labels, decision), error),
        ):
            witness = likely(d / d.max() + cost / cost.max())
            target = Target(mean(p, witness, d) if bounded else inf, C=mean(p, witness, cost))
            costs = [(cost, target.C), (d, target.D)][: 2 if bounded else 1]
            problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure)
            add(f"random {seed}, {type(measure).__name__}", problem, target, costs)

    p, d, labels = random_parts(7, 4, 4)
    measure = classifications.ErrorRate(labels, [0, 1, 0, 1])
    error = 1 - labels[:, [0, 1, 0, 1]]
    witness = likely(d + error)
    target = Target(mean(p, witness, d), float(np.abs(p @ witness - p).sum() / 2), mean(p, witness, error))
    add(
        "random 7, all three levels",
        rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.TotalVariation(), measure),
        target,
        [(d, target.D), (error, target.C)],
        partial(total_variation, p, target.P),
    )
    return rows


ROWS: tuple[Row, ...] = (
    *_binary_rd(),
    *_uniform_rd(),
    *_binary_rdp(),
    *_binary_rdc(),
    *_deterministic(),
    *_nonconvex(),
    *_random(),
)


def named(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)
