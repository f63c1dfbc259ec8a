"""From a question to the core: the program that answers it, its tables formed only where structure does not help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from rdcfunc.classifications import ConditionalEntropy, FixedClassifier
from rdcfunc.distortions import Difference, Hamming
from rdcfunc.information import Array
from rdcfunc.lift import Lift
from rdcfunc.perceptions import Divergence
from rdcfunc.problem import Problem, Target, check_problem
from rdcfunc.program import Axis, Linear, Output, Posterior, Program
from rdcfunc.sources import Gaussian, Samples


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


@dataclass(frozen=True, eq=False)
class SamplesProgram:
    """A question on samples that any points of R^k may reproduce; ``rate`` is in nats, inf if it is minimised."""

    problem: Problem
    source: Samples
    target: Target
    rate: float = inf
    goal: Axis | None = None

    @property
    def labels(self) -> Array | None:
        """``P(S = s | X = x)``, shape (n, K), zeros and ones, or None."""
        measure = self.problem.classification
        return measure.labels if isinstance(measure, ConditionalEntropy) else None

    @property
    def judged(self) -> bool:
        """Whether perception counts."""
        return inf > self.target.P or self.goal is Axis.P

    @property
    def entropy(self) -> float:
        """The level of ``H(S | X̂, T)`` in nats."""
        return self.target.C * ConditionalEntropy.unit


def compile_program(
    problem: Problem, targets: Sequence[Target], rate: float = inf, goal: Axis | None = None
) -> Program | Plain | Lift | GaussianProgram | SamplesProgram:
    """Return the question on a Gaussian source, on a stated structure, or the lift where there are several decoders.

    A decoder with a conditional entropy needs all columns at once; these are tabulated, like those of one target.
    """
    check_problem(problem)
    if isinstance(problem.source, Gaussian):
        for target in targets:
            problem.check(target, "R" if goal is None else goal.value)
        return GaussianProgram(problem, problem.source, tuple(targets), rate, goal)
    if isinstance(problem.source, Samples):
        return _of_samples(problem, problem.source, targets, rate, goal)
    target, d = targets[0], problem.distortion
    alone = len(targets) == 1 and target.P == target.C == inf and goal in (None, Axis.D)
    if alone and isinstance(d, Hamming | Difference):
        return Plain(problem, d, target, rate)
    lifted = lift(problem, targets, rate, goal)
    return lifted if lifted.targets > 1 and not lifted.posteriors else lifted.program


def _of_samples(
    problem: Problem, source: Samples, targets: Sequence[Target], rate: float, goal: Axis | None
) -> SamplesProgram:
    """Return the question on samples, of one decoder."""
    if len(targets) != 1:
        raise ValueError(
            f"Samples take one target (got {len(targets)}); with tags, one encoder for several levels of D and C needs "
            "the rate of the least D and the least C together: ask rate for that"
        )
    problem.check(targets[0], "R" if goal is None else goal.value)
    if (inf > targets[0].P or goal is Axis.P) and (inf > targets[0].C or goal is Axis.C):
        raise ValueError("Samples take levels of perception or of classification, not of both; leave one out")
    return SamplesProgram(problem, source, targets[0], rate, goal)


def tabulate(problem: Problem, targets: Sequence[Target], rate: float = inf, goal: Axis | None = None) -> Program:
    """Return the program of :func:`lift` on all its columns.

    Raises
    ------
    ValueError
        If a target has a level for which the problem has no measure, or the tuples are too many to enumerate.
    """
    return lift(problem, targets, rate, goal).program


def lift(problem: Problem, targets: Sequence[Target], rate: float = inf, goal: Axis | None = None) -> Lift:
    """Return the program whose columns carry one letter for each target's decoder.

    Each target is imposed on its own letter. A tag is handed to the classifier along with the whole column, so
    tagged targets share one constraint, that of the least C. With a ``goal``, the left side of that axis of the
    only target is minimised under the ``rate`` (nats).

    Raises
    ------
    ValueError
        If a target has a level for which the problem has no measure, or there are more tuples than 2^62.
    """
    for target in targets:
        problem.check(target, "R" if goal is None else goal.value)
    m, K = problem.shape[1], len(targets)
    if m**K > 2**62:
        raise ValueError(f"{K} targets on {m} letters are {m}^{K} tuples, more than can be counted; use fewer targets")
    measure = problem.classification
    linear: list[Linear] = []
    outputs: list[Output] = []
    posteriors: list[Posterior] = []
    forbidden: list[NDArray[np.bool_] | None] = [None] * K
    for k, target in enumerate(targets):
        if isfinite(target.D) or goal is Axis.D:
            linear.append(_linear(Axis.D, k, problem.distortion.values, target.D, 1.0))
            if problem.distortion.forbids:
                forbidden[k] = np.isinf(problem.distortion.values)
        if problem.perception is not None and (isfinite(target.P) or goal is Axis.P):
            outputs.append(output(k, problem.perception, problem.source.pmf, target.P))
        if isinstance(measure, FixedClassifier) and (isfinite(target.C) or goal is Axis.C):
            linear.append(_linear(Axis.C, k, measure.cost, target.C, measure.unit))
        if isinstance(measure, ConditionalEntropy) and (isfinite(target.C) or goal is Axis.C):
            posteriors.append(Posterior(k, measure.labels, target.C * measure.unit, measure.tagged))
    if posteriors and posteriors[0].tagged:
        posteriors = [min(posteriors, key=lambda c: c.level)]
    return Lift(
        problem.source.pmf,
        m,
        K,
        tuple(linear),
        tuple(outputs),
        tuple(posteriors),
        rate,
        tuple(forbidden),
    )


def output(k: int, divergence: Divergence, reference: Array, level: float) -> Output:
    """Return the constraint on the letter of decoder k, at a public level."""
    scaled, unit = divergence.scaled()
    return Output(k, scaled, level * unit, reference, unit)


def _linear(axis: Axis, k: int, table: Array, level: float, unit: float) -> Linear:
    """Return the constraint with costs between 0 and 1, so that nothing overflows whatever their unit."""
    cost = np.where(np.isinf(table), 0.0, table) if np.isinf(table).any() else table
    top = float(cost.max()) or 1.0
    return Linear(axis, k, cost / top, level * unit / top, unit / top)
