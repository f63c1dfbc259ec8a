"""From a question to the core: the program that answers it, its tables formed only where structure does not help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from rdcfunc.classifications import ConditionalEntropy, FixedClassifier
from rdcfunc.distortions import Difference, Hamming
from rdcfunc.information import Array, Indices
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Axis, Linear, Output, Posterior, Program
from rdcfunc.sources import Gaussian

#: Most columns that a lift to tuples may enumerate.
MAX_COLUMNS = 200_000


@dataclass(frozen=True, eq=False)
class Plain:
    """The plain question: rate against distortion and nothing else, on a distortion that states its structure.

    Attributes
    ----------
    p
        Source pmf (n,).
    distortion
        What states its structure.
    target
        The level D, inf if it is minimised or off.
    rate
        The rate in nats under which the distortion is minimised, or inf if the rate is.
    """

    problem: Problem
    distortion: Hamming | Difference
    target: Target
    rate: float = inf

    @property
    def p(self) -> Array:
        """Source pmf (n,)."""
        return self.problem.source.pmf

    @property
    def minimises_rate(self) -> bool:
        """Whether the mutual information is what is minimised."""
        return self.rate == inf

    @cached_property
    def program(self) -> Program:
        """The same question with its table."""
        return tabulate(self.problem, [self.target], self.rate, None if self.minimises_rate else Axis.D)


@dataclass(frozen=True, eq=False)
class GaussianProgram:
    """A question on a Gaussian source, as it was asked: ``rate`` is in nats, inf if it is minimised."""

    problem: Problem
    source: Gaussian
    targets: tuple[Target, ...]
    rate: float = inf
    goal: Axis | None = None


def compile_program(
    problem: Problem, targets: Sequence[Target], rate: float = inf, goal: Axis | None = None
) -> Program | Plain | GaussianProgram:
    """Return the question on a Gaussian source or on a stated structure, else what :func:`tabulate` returns."""
    if isinstance(problem.source, Gaussian):
        for target in targets:
            problem.check(target, "R" if goal is None else goal.value)
        return GaussianProgram(problem, problem.source, tuple(targets), rate, goal)
    target, d = targets[0], problem.distortion
    alone = len(targets) == 1 and target.P == target.C == inf and goal in (None, Axis.D)
    if alone and isinstance(d, Hamming | Difference):
        return Plain(problem, d, target, rate)
    return tabulate(problem, targets, rate, goal)


def tabulate(problem: Problem, targets: Sequence[Target], rate: float = inf, goal: Axis | None = None) -> Program:
    """Return the program whose columns carry one letter for each target's decoder.

    Each target is imposed on its own letter. A tag is handed to the classifier along with the whole column, so
    tagged targets share one constraint, that of the least C. With a ``goal``, the left side of that axis of the
    only target is minimised under the ``rate`` (nats).

    Raises
    ------
    ValueError
        If a target has a level for which the problem has no measure, the tuples are too many to enumerate, or the
        source is Gaussian.
    """
    if isinstance(problem.source, Gaussian):
        raise ValueError("certify takes channels of discrete sources; a Gaussian source has closed forms and programs")
    for target in targets:
        problem.check(target, "R" if goal is None else goal.value)
    m, K = problem.shape[1], len(targets)
    if m**K > MAX_COLUMNS:
        raise ValueError(
            f"{K} targets on {m} letters need {m}^{K} = {m**K} columns, more than the {MAX_COLUMNS} that are "
            "enumerated; use fewer targets or a coarser reproduction alphabet"
        )
    letters = np.array(list(product(range(m), repeat=K)), dtype=np.intp).reshape(-1, K)
    measure = problem.classification
    linear: list[Linear] = []
    outputs: list[Output] = []
    posteriors: list[Posterior] = []
    forbidden: NDArray[np.bool_] | None = None
    for k, target in enumerate(targets):
        if isfinite(target.D) or goal is Axis.D:
            linear.append(_linear(Axis.D, k, problem.distortion.values, letters, target.D, 1.0))
            if problem.distortion.forbids:
                barred = np.isinf(problem.distortion.values)[:, letters[:, k]]
                forbidden = barred if forbidden is None else forbidden | barred
        if problem.perception is not None and (isfinite(target.P) or goal is Axis.P):
            outputs.append(Output(k, problem.perception, target.P * problem.perception.unit))
        if isinstance(measure, FixedClassifier) and (isfinite(target.C) or goal is Axis.C):
            linear.append(_linear(Axis.C, k, measure.cost, letters, target.C, measure.unit))
        if isinstance(measure, ConditionalEntropy) and (isfinite(target.C) or goal is Axis.C):
            posteriors.append(Posterior(k, measure.labels, target.C * measure.unit, measure.tagged))
    if posteriors and posteriors[0].tagged:
        posteriors = [min(posteriors, key=lambda c: c.level)]
    p = problem.source.pmf
    return Program(p, letters, m, tuple(linear), tuple(outputs), tuple(posteriors), rate, forbidden)


def _linear(axis: Axis, k: int, table: Array, letters: Indices, level: float, unit: float) -> Linear:
    """Return the constraint with costs between 0 and 1, so that nothing overflows whatever their unit."""
    cost = np.where(np.isinf(table), 0.0, table) if np.isinf(table).any() else table
    top = float(cost.max()) or 1.0
    cost = cost / top
    if letters.shape[1] > 1:
        cost = cost[:, letters[:, k]]
    return Linear(axis, k, cost, level * unit / top, unit / top)
