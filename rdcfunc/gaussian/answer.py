"""From a question on a Gaussian source to a solution: bits and units outside, nats and the largest variance inside."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log

import numpy as np

from rdcfunc.channels import GaussianChannel
from rdcfunc.classifications import ConditionalEntropy, LinearLabel
from rdcfunc.compilation import GaussianProgram
from rdcfunc.gaussian import blocks, search, several
from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.deviations import deviation
from rdcfunc.gaussian.feasibility import check_alone, check_rate
from rdcfunc.gaussian.labels import Left
from rdcfunc.gaussian.matrices import Matrices, perceived, turn
from rdcfunc.gaussian.outcome import Outcome, Point, solve
from rdcfunc.gaussian.question import Question, entropy, variance
from rdcfunc.gaussian.several import Several, reduced
from rdcfunc.information import NATS_PER_BIT
from rdcfunc.perceptions import Wasserstein
from rdcfunc.problem import Problem, Target
from rdcfunc.solution import Prices, Solution, Status
from rdcfunc.sources.gaussian import Spectrum

#: What a computed axis may have of another, relative to one.
_ORTHOGONAL = 1e-13


def answer(program: GaussianProgram, tol: float) -> Solution:
    """Return the certified answer to a question on a Gaussian source."""
    units = Units(program)
    question = units.question(program)
    C = min(t.C for t in program.targets)
    check_alone(question, units, C)
    if units.several is not None and (C < inf or question.goal == "V"):
        level = units.several.level(C * NATS_PER_BIT, units.top)
        check_rate(question, units)
        found = search.solve(question, units.several, level, units)
    elif program.problem.common_randomness:
        check_rate(question, units)
        found = solve(question)
    else:
        found = blocks.solve(question, units)
    if units.several is not None:
        found = several.told(found, units.several)
    return units.solution(program, question, found, tol)


def label_of(problem: Problem) -> LinearLabel | None:
    """Return the label of a problem, if it has one."""
    measure = problem.classification
    return measure.linear if isinstance(measure, ConditionalEntropy) else None


class Units:
    """What one unit of each quantity is inside: nats, and the largest variance."""

    def __init__(self, program: GaussianProgram) -> None:
        problem, source = program.problem, program.source
        spectrum: Spectrum = source.spectrum
        self.source, self.axes = source, spectrum.axes
        self.nothing = spectrum.variances.size == 0
        self.top = 1.0 if self.nothing else float(spectrum.variances[0])
        self.variances = np.zeros(1) if self.nothing else spectrum.variances / self.top
        self.blur = spectrum.blur / self.top
        self.label = label_of(problem)
        self.several: Several | None = None
        self.told, self.noise, self.extra = np.zeros(self.variances.size), 0.0, 0.0
        if self.label is not None:
            self._label(self.label)
        self.divergence = problem.perception
        scale = self.top if isinstance(self.divergence, Wasserstein) else 1.0
        self.P = 1.0 if self.divergence is None else self.divergence.unit / scale

    def _label(self, label: LinearLabel) -> None:
        """Set what the axes tell of the label, and what the source tells nothing of."""
        weights = np.atleast_2d(label.weights)
        told = np.zeros((len(weights), 1)) if self.nothing else weights @ self.axes
        # Axes are orthogonal up to some roundings.
        told = np.where(np.abs(told) > _ORTHOGONAL * np.linalg.norm(weights, axis=1)[:, None], told, 0.0)
        if not label.several:
            self.told, self.noise = told[0], float(np.asarray(label.noise))
            return
        found = reduced(told * np.sqrt(self.variances), np.asarray(label.noise) / self.top)
        self.extra = found.extra + (len(weights) - len(found.told)) * log(self.top) / 2
        if len(found.told) == 1:
            self.told, self.noise = found.told[0] / np.sqrt(self.variances), float(found.noise[0, 0]) * self.top
        else:
            self.several = replace(found, extra=self.extra)

    def question(self, program: GaussianProgram) -> Question:
        """Return the question inside."""
        targets = program.targets
        goal = "R" if program.goal is None else "V" if program.goal.value == "C" else program.goal.value
        return Question(
            self.variances,
            deviation(self.divergence),
            program.rate,
            np.array([t.D for t in targets]) / self.top,
            np.array([t.P for t in targets]) * self.P,
            inf if self.several is not None else self.level(min(t.C for t in targets)),
            self.told,
            goal,
            self.blur,
            self.source.n - self.variances.size,
        )

    def level(self, C: float) -> float:
        """Return the variance inside that belongs to a level of the label's entropy in bits."""
        total = variance(C * NATS_PER_BIT - self.extra)
        spare = total - self.noise
        return inf if C == inf else (0.0 if abs(spare) <= 1e-14 * self.noise else spare) / self.top

    def entropy(self, V: float) -> float:
        """Return the entropy in bits of a label of which the source's part has a variance inside."""
        count = 1 if self.several is None else len(self.several.told)
        return (count * entropy(V * self.top + self.noise) + self.extra) / NATS_PER_BIT

    def public(self, name: str, value: float) -> float:
        """Return a value inside in public units."""
        if name == "V":
            return inf if value == inf else self.entropy(value)
        return value * {"R": 1 / NATS_PER_BIT, "D": self.top, "P": 1 / self.P}[name]

    def solution(self, program: GaussianProgram, question: Question, found: Outcome, tol: float) -> Solution:
        """Return the answer in public units."""
        lower, upper = (float(self.public(question.goal, v)) for v in (found.lower, found.upper))
        values, K = found.values, question.D.size
        C = inf if self.label is None else self.entropy(float(values[-1]))
        reached = [
            Target(
                self.public("D", float(values[1 + k])),
                self._perceived(question, found, k),
                C,
            )
            for k in range(K)
        ]
        prices = [self._prices(question, found, k) for k in range(K)]
        if upper - lower <= tol or lower == upper:
            status = Status.CERTIFIED
        elif upper == inf:
            status = Status.NO_CHANNEL
        else:
            status = Status.WIDE if question.deviation.exact else Status.GAUSSIAN
        return Solution(
            value=upper,
            lower=lower,
            upper=upper,
            rate=float(values[0]) / NATS_PER_BIT,
            achieved=reached[0] if K == 1 else tuple(reached),
            sent=self._channel(question, found.point),
            letters=np.zeros((0, K), dtype=np.intp),
            m=self.source.n,
            prices=prices[0] if K == 1 else tuple(prices),
            status=status,
            solver=None,
            steps=found.steps,
            source=self.source.covariance,
        )

    def _perceived(self, question: Question, found: Outcome, k: int) -> float:
        """Return the perception of decoder k, judged or not."""
        if self.divergence is None:
            return inf
        value = float(found.values[1 + question.D.size + k])
        if not question.judged[k]:
            point = found.point
            if isinstance(point, Left):
                value = perceived(question, point.axes * np.sqrt(1 - point.parts))
            elif isinstance(point, Matrices) and question.deviation.exact:
                value = perceived(question, point.shown[k])
            elif isinstance(point, Axes):
                with np.errstate(divide="ignore", invalid="ignore"):
                    cost = question.deviation.cost(point.x[k])
                value = float(cost @ question.deviation.weights(question.variances))
        return self.public("P", max(value, 0.0))

    def _prices(self, question: Question, found: Outcome, k: int) -> Prices:
        """Return bits of rate for one public unit of each level of decoder k."""
        w, K = found.prices, question.D.size
        if not w[0] > 0:
            return Prices()
        per = w / w[0] / NATS_PER_BIT
        V = float(found.values[-1])
        steep = question.pinned[k] and (found.values[0] > 0) and question.goal == "R"
        return Prices(
            float(per[1 + k]) / self.top,
            inf if steep else float(per[1 + K + k]) * self.P,
            float(per[-1]) * 2 * (V + self.noise / self.top) * NATS_PER_BIT,
        )

    def _channel(self, question: Question, point: Point) -> GaussianChannel:
        """Return the channel to the first decoder's reproduction."""
        s, source = np.sqrt(question.variances), self.source.covariance
        if self.nothing:
            return GaussianChannel(np.zeros((0, 0)), np.zeros((0, 0)), self.axes, source)
        if isinstance(point, Axes):
            ratio = 1 + point.x[0]
            gain, noise = np.diag(ratio * (1 - point.d)), np.diag(ratio**2 * question.variances * point.e)
        else:
            known = point.axes * np.sqrt(1 - point.parts)
            shown = known
            if isinstance(point, Matrices):
                shown = point.shown[0] @ turn(s[:, None] * point.shown[0], s[:, None] * known)
            gain = s[:, None] * (shown @ known.T) / s
            noise = s[:, None] * ((shown * point.parts) @ shown.T) * s
        return GaussianChannel(gain, noise * self.top, self.axes, source)
