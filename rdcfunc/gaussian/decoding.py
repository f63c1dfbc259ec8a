r"""The best decoder of a fixed Gaussian encoder.

With :math:`\tilde X = E[X | Z]` of covariance A a decoder's distortion is :math:`E|X - \tilde X|^2` and what it moves
:math:`\tilde X` by. No law of second moments K is nearer to :math:`\tilde X` than the Gaussian one, nor nearer to the
source in W2² or KL, so that K is all there is to choose: the least :math:`W_2^2(A, K)` within the level, a convex
program. With W2² the best K lies on the way from A to the source's law,

.. math:: D(P) = E|X - \tilde X|^2 + [(W_2(p_{\tilde X}, p_X) - \sqrt P)_+]^2.

A label asks for nothing more than :math:`h(S | Z) \le C`: a vanishing perturbation of the reproduction can carry Z.

References
----------
Freirich, Michaeli and Meir, "A theory of the distortion-perception tradeoff in Wasserstein space", 2021,
arXiv:2107.02555, theorem 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt

import numpy as np

from rdcfunc.channels import GaussianChannel
from rdcfunc.checks import InfeasibleError
from rdcfunc.compilation import GaussianProgram
from rdcfunc.gaussian import moments, nearest
from rdcfunc.gaussian.answer import Units
from rdcfunc.gaussian.deviations import Priced, Transport
from rdcfunc.gaussian.matrices import Matrices, apart, turn
from rdcfunc.gaussian.outcome import Outcome
from rdcfunc.gaussian.question import Question
from rdcfunc.gaussian.several import told
from rdcfunc.information import Array
from rdcfunc.problem import Problem, Target
from rdcfunc.program import Axis
from rdcfunc.rounding import EPS, ROUNDING
from rdcfunc.solution import Solution
from rdcfunc.sources import Gaussian


@dataclass(frozen=True, eq=False)
class Sent:
    """What an encoder tells, on the axes of the source.

    Attributes
    ----------
    parts, axes
        Eigenvalues and eigenvectors of what is left, shapes (k,) and (k, k).
    read
        What turns Z into independent numbers of variance one, which are told of the first axes, shape (r, n).
    off
        What rounding may have moved a distortion by, relative to the total variance.
    """

    parts: Array
    axes: Array
    read: Array
    off: float


def decode(problem: Problem, channel: GaussianChannel, P: float, C: float, tol: float) -> Solution:
    """Return the least distortion of a decoder on a Gaussian encoder, at the levels P and C."""
    source, target = problem.source, Target(inf, P, C)
    assert isinstance(source, Gaussian)
    problem.check(target, "D")
    program = GaussianProgram(problem, source, (target,), inf, Axis.D)
    units = Units(program)
    question = replace(units.question(program), V=inf)
    if units.nothing:
        sent = Sent(np.ones(1), np.eye(1), np.zeros((0, source.n)), 0.0)
    else:
        sent = _sent(channel, units, question)
    outcome = _served(question, sent)
    if units.several is not None:
        outcome = told(outcome, units.several)
    least = inf if units.label is None else units.entropy(float(outcome.values[-1]))
    if least > C + ROUNDING * (1 + abs(C)):
        raise InfeasibleError(
            f"C = {C:.9g} is infeasible with this encoder: what it sends leaves h(S|Z) = {least:.9g} bits; "
            "raise C to at least that, or take another encoder"
        )
    solution = units.solution(program, question, outcome, tol)
    return replace(solution, decoder=None if units.nothing else _decoder(channel, units, question, outcome.point, sent))


def of_source(encoder: object, problem: Problem) -> GaussianChannel:
    """Return the channel of an encoder, checked to be one from the problem's source."""
    if not problem.common_randomness:
        raise ValueError(
            "decode takes an encoder letter by letter, and without common randomness perception is judged on blocks; "
            "leave out common_randomness=False"
        )
    source = problem.source
    assert isinstance(source, Gaussian)
    channel = encoder.sent if isinstance(encoder, Solution) else encoder
    if not isinstance(channel, GaussianChannel):
        raise ValueError(
            f"the encoder of a Gaussian source must be a GaussianChannel or a solution that has one (got "
            f"{type(channel).__name__})"
        )
    size = float(np.abs(source.covariance).max())
    if channel.source.shape != source.covariance.shape or not np.allclose(
        channel.source, source.covariance, rtol=0, atol=1e-12 * size
    ):
        raise ValueError("the encoder is a channel from another source; its source must be the problem's covariance")
    noise = np.linalg.eigvalsh(channel.noises) if channel.noises.size else np.zeros(1)
    if noise[0] < -1e-12 * noise[-1]:
        raise ValueError(f"the encoder's noise must be positive semidefinite (got the eigenvalue {noise[0]:.6g})")
    return channel


def _sent(channel: GaussianChannel, units: Units, question: Question) -> Sent:
    """Return what a channel tells; components of Z that rounding cannot tell from others tell nothing."""
    s, n = np.sqrt(question.variances * units.top), question.variances.size
    same = np.array_equal(channel.axes, units.axes)
    gain = channel.gains * s if same else channel.gains @ (channel.axes.T @ units.axes) * s
    output = gain @ gain.T + channel.noises
    size = np.sqrt(np.maximum(np.diag(output), 0.0))
    seen = size > 0
    gain, even = gain[seen] / size[seen, None], output[np.ix_(seen, seen)] / np.outer(size[seen], size[seen])
    values, directions = np.linalg.eigh((even + even.T) / 2)
    live = values > 64 * n * EPS
    values, directions = values[live], directions[:, live] / np.sqrt(values[live])
    if np.array_equal(gain, np.diag(np.diag(gain))) and np.array_equal(even, np.eye(len(even))):
        directions = np.eye(len(even))
    axes, told_of, rows = np.linalg.svd(gain.T @ directions, full_matrices=True)
    known = np.zeros(n)
    known[: told_of.size] = np.minimum(told_of, 1.0)
    r = min(n, directions.shape[1])
    read = np.zeros((r, len(size)))
    read[:, seen] = rows[:r] @ directions.T / size[seen]
    off = 64 * n * EPS * (1.0 if not values.size else float(1 / values.min()))
    return Sent((1 - known) * (1 + known), axes, read @ channel.axes.T, off)


def _served(question: Question, sent: Sent) -> Outcome:
    """Return the bracket of the least distortion, and the reproduction."""
    q, s2, n = question, question.variances, question.variances.size
    P, shape = float(q.P[0]), q.deviation
    known = sent.axes * np.sqrt(1 - sent.parts)
    point = Matrices(sent.parts, sent.axes, known[None])
    rest = float(s2 @ (sent.axes**2 @ sent.parts))
    far = sqrt(apart(s2, known, np.eye(n)))
    if P == inf or far == 0:
        lower = rest
    elif P == 0 or isinstance(shape, Transport):
        part = 1.0 if P == 0 else max(0.0, 1 - sqrt(P) / far)
        point = point.drawn(s2, 0, np.eye(n), part)
        lower = rest + (part * far) ** 2
    elif isinstance(shape, Priced):
        lower, shown = nearest.within(q, point, P)
        point = replace(point, shown=shown[None])
    else:
        c = float(np.abs(known[0, 0]))
        x = max(c - 1, shape.least(P))
        point = replace(point, shown=np.array([[[1 + x]]]))
        lower = rest + max(0.0, 1 + moments.least(shape, P) - c) ** 2
    values = point.values(q)
    if not isinstance(shape, Priced):
        values[2] = float(shape.cost(np.array(abs(point.shown[0, 0, 0]) - 1)))
    off = sent.off * float(s2.sum()) + n * q.blur * 4
    return Outcome(max(0.0, min(lower - off, values[1])), values[1] + off, point, values, np.zeros(4), 1)


def _decoder(channel: GaussianChannel, units: Units, question: Question, point: object, sent: Sent) -> GaussianChannel:
    """Return the channel from Z to the reproduction."""
    assert isinstance(point, Matrices)
    s = np.sqrt(question.variances)[:, None]
    r = len(sent.read)
    shown = units.axes @ (s * point.shown[0] @ turn(s * point.shown[0], s * point.known)) * sqrt(units.top)
    return GaussianChannel(
        shown[:, :r] @ sent.read, shown[:, r:] @ shown[:, r:].T, np.eye(units.source.n), channel.output
    )
