"""The tagged problem: columns (letter, class posterior), generated as prices ask for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from rdcfunc.candidate import Candidate, Dual
from rdcfunc.certificate import log_weights
from rdcfunc.columns.tagged import best_posteriors, proposals
from rdcfunc.information import Array, Indices
from rdcfunc.program import Axis, Linear, Program
from rdcfunc.repairs import excess
from rdcfunc.solvers.base import Solver, at_least_one
from rdcfunc.solvers.blahut_arimoto import advance, begin
from rdcfunc.solvers.interior_point import InteriorPoint
from rdcfunc.solvers.search import Search

#: Sweeps of the final alternation.
_MENDING = 300
#: Least class probability that a master program is told of: conic solvers like costs of one size.
_LEAST = 1e-16
#: What a master may miss a level by before it counts as out of reach.
_MISSED = 1e-6
#: The most that linear and perception levels are lowered by for a master, relative to them: what solvers may miss.
_LOWERED = 1e-8, 1e-7
#: A column stays while it carries this mass.
_MASS = 1e-7


@dataclass(frozen=True)
class ColumnGeneration(Solver):
    """Solve ``H(S | X̂, T) <= C`` as a rate-distortion problem whose letters are pairs (letter, class posterior).

    With the posterior b of each column fixed, the log-loss ``-Σ_s L(x, s) log b_s`` is a second distortion and
    the problem on the current columns is convex: a master program. Its prices say which pairs would earn more
    than they cost; these join, idle ones leave, until nothing earns more; then the certificate searches all posteriors.
    It is tight for deterministic labels, wherever the price of the entropy is at most one, and for few classes: its
    search grows like a power K - 1, takes some seconds a round at most, and stays open for many noisy label laws of
    more than five classes.

    Parameters
    ----------
    rounds
        The most master programs.
    master
        The solver of the master program.

    Examples
    --------
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, classifications
    >>> classes = classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]], tagged=True)
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), classification=classes)
    >>> round(rdc.rate(problem, D=0.3, C=0.40205).value, 5)
    0.13307
    """

    rounds: int = 40
    master: Solver = field(default_factory=InteriorPoint)

    def __post_init__(self) -> None:
        at_least_one(self, "rounds")

    def refusal(self, program: Program) -> str | None:
        """Name a conditional entropy that is missing, or that is on the alphabet as it is."""
        if not program.posteriors or not program.posteriors[0].tagged:
            return (
                "ColumnGeneration solves ConditionalEntropy(labels, tagged=True) and the target bounds no such "
                "entropy; use solver=None"
            )
        return None

    def solve(self, program: Program, tol: float, start: Candidate | None = None) -> list[Candidate]:
        """Return the candidates of the best lower and of the best upper bound."""
        search = Search(program, tol)
        posterior = program.posteriors[0]
        columns, laws = _first_columns(program)
        near: Candidate | None = None
        prior = np.tile(program.p @ posterior.labels, (program.size, 1))
        # Without a column that shows it, a letter's output price would mean nothing.
        staying = np.arange(program.size if program.outputs else 0)
        if start is not None and start.channel.shape[0] == program.p.size:
            near = replace(start, dual=_with_loss(start.dual))
            used = start.columns[start.channel.max(axis=0) > _MASS]
            told = _told(program, start)[start.channel.max(axis=0) > _MASS]
            columns, laws = np.concatenate([columns, used]), np.concatenate([laws, told])
        eased = program.goal is None or posterior.level == inf
        for _ in range(self.rounds):
            part = program.take(columns)
            loss = posterior.labels @ -np.log(np.maximum(laws, _LEAST)).T
            level = Linear(Axis.C, posterior.target, loss, posterior.level, posterior.unit)
            master = replace(part, linear=(*part.linear, level), posteriors=())
            found = self.master.solve(_inside(master, tol), tol / 4, near) or self.master.solve(master, tol / 4)
            if not found:
                break
            candidates = [_without_loss(candidate, columns) for candidate in found]
            if program.goal is not None and _missed(master, found[0]):
                search.offer(*candidates)
                if eased:
                    break
                # The entropy is out of reach of these posteriors at this rate: those that need least rate join.
                eased, cheap = True, self.solve(replace(program.without_goal, posteriors=program.posteriors), tol)[0]
                search.offer(replace(cheap, dual=Dual.zero(program), log_a=None))
                columns, laws = np.concatenate([columns, cheap.columns]), np.concatenate([laws, _told(program, cheap)])
                continue
            best = candidates[0]
            earner = log_weights(program, best), posterior.labels, float(best.dual.posteriors.sum())
            offered, told, earned = proposals(*earner)
            enough = tol / 4 * best.dual.price(program)
            spends = master.take(found[0].columns).information(found[0].channel)
            if not float(earned.max()) > enough or spends < (1 - _MISSED) * program.rate < inf:
                # Nothing nearby earns more than it costs, or rate is ample: the certificate says whether this is all.
                search.offer(*candidates)
                if search.closed:
                    break
                _, offered, told, earned = best_posteriors(*earner)
                if not float(earned.max(initial=-inf)) > enough:
                    break
            near = found[0]
            joining = earned > 0.1 * float(earned.max())
            carrying = (program.p @ candidates[0].channel) > _MASS
            # The posterior that a channel gives a column has a smaller log-loss than the law it was made for.
            columns = np.concatenate([staying, candidates[0].columns[carrying], offered[joining]])
            laws = np.concatenate([prior[staying], _told(program, candidates[0])[carrying], told[joining]])
            columns, laws = _distinct(columns, laws)
        else:
            search.offer(*candidates)
        if not search.closed and search.best and not program.outputs and program.goal is None:
            # Conic solvers miss levels and prices by a little, which the alternation mends from close by.
            best = search.best[0]
            part = program.take(best.columns)
            state = begin(part, channel=best.channel)
            for _ in range(_MENDING):
                state = advance(part, state)
            search.offer(advance(part, state, accuracy=1e-13).candidate(part, best.steps, best.columns))
        return search.best


def is_small(program: Program) -> bool:
    """Return whether the master programs and their certificates are affordable."""
    return program.p.size * (program.p.size + program.size) <= 4_000_000


def _first_columns(program: Program) -> tuple[Indices, Array]:
    """Return every letter with the prior and with each source letter's own class law: a feasible start."""
    labels = program.posteriors[0].labels
    laws = np.unique(np.concatenate([(program.p @ labels)[None], labels]).round(12), axis=0)
    if len(laws) * program.size * program.p.size > 20_000:
        # Too many pairs: the prior everywhere, and each source letter's law on its cheapest column.
        nearest = program.total_cost.argmin(axis=1)
        prior = np.repeat((program.p @ labels)[None], program.size, axis=0)
        return _distinct(np.concatenate([np.arange(program.size), nearest]), np.concatenate([prior, labels]))
    return np.tile(np.arange(program.size), len(laws)), np.repeat(laws, program.size, axis=0)


def _missed(master: Program, found: Candidate) -> bool:
    """Return whether a candidate's channel is far from meeting the levels: they are out of reach on these columns."""
    return excess(master.take(found.columns), found.channel, _MISSED) > _MISSED


def _inside(master: Program, tol: float) -> Program:
    """Return the program with its levels lowered by what a solver may miss them by."""
    costs, laws = (1 - min(most, tol / 32) for most in _LOWERED)
    linear = (replace(c, level=c.level * costs) for c in master.linear)
    outputs = (replace(o, level=o.level * laws) for o in master.outputs)
    return replace(master, linear=tuple(linear), outputs=tuple(outputs), rate=master.rate * costs)


def _without_loss(candidate: Candidate, columns: Indices) -> Candidate:
    """Return a master's candidate for the program itself: the last linear price is that of the entropy."""
    prices = candidate.dual.linear
    dual = Dual(prices[:-1], candidate.dual.outputs, prices[-1:])
    return replace(candidate, columns=columns[candidate.columns], dual=dual)


def _with_loss(dual: Dual) -> Dual:
    """Return a program's prices for its master: :func:`_without_loss` the other way round."""
    return Dual(np.concatenate([dual.linear, dual.posteriors]), dual.outputs)


def _told(program: Program, candidate: Candidate) -> Array:
    """Return the class posterior of each column of a candidate's channel, shape (N, K)."""
    joint = (program.p[:, None] * candidate.channel).T @ program.posteriors[0].labels
    return joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)


def _distinct(columns: Indices, laws: Array) -> tuple[Indices, Array]:
    """Drop pairs whose posteriors differ by less than solvers can tell."""
    keys = np.concatenate([columns[:, None], np.log(np.maximum(laws, 1e-12)).round(4)], axis=1)
    kept = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    return columns[kept], laws[kept]
