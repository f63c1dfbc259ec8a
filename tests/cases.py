"""Small problems drawn at random, each with a channel whose levels are asked for."""

from collections.abc import Callable
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
import oracles
from hypothesis import assume
from hypothesis import strategies as st
from measure import divergence, equivocation
from parts import abs_cost

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, sources

inf = np.inf
#: Rounding of the tests' own sums, in bits or units of a level.
ROUNDING = 1e-11
Levels = Callable[[np.ndarray, float, cp.Expression], list[cp.Constraint]]
SHAPES: dict[str, tuple[Callable[[int], perceptions.Divergence], Levels]] = {
    "TV": (lambda n: perceptions.TotalVariation(), oracles.total_variation),
    "KL": (lambda n: perceptions.KL(), oracles.kullback_leibler),
    "reverse KL": (lambda n: perceptions.ReverseKL(), oracles.reverse_kullback_leibler),
    "JS": (lambda n: perceptions.JensenShannon(), oracles.jensen_shannon),
    "chi2": (lambda n: perceptions.ChiSquared(), oracles.chi_squared),
    "Hellinger": (lambda n: perceptions.Hellinger(), oracles.hellinger),
    "Wasserstein": (lambda n: perceptions.Wasserstein(abs_cost(n)), oracles.earth_mover),
}
FIXED = ("cross-entropy", "error rate")
ENTROPIES = ("tagged", "fixed alphabet")


@dataclass(frozen=True)
class Case:
    """A problem and a channel whose levels are asked for."""

    problem: rdc.Problem
    witness: np.ndarray
    shape: str | None

    @property
    def p(self) -> np.ndarray:
        return self.problem.source.pmf

    def achieved(self, channel: np.ndarray) -> Target:
        """Return what a channel achieves, measured without the library."""
        problem, p = self.problem, self.p
        D = float(np.einsum("x,xj,xj->", p, channel, problem.distortion.values))
        P = divergence(problem.perception, p, p @ channel) if problem.perception else inf
        measure, C = problem.classification, inf
        if isinstance(measure, classifications.FixedClassifier):
            C = float(np.einsum("x,xj,xj->", p, channel, measure.cost)) / measure.unit
        elif isinstance(measure, classifications.ConditionalEntropy):
            C = equivocation(p, channel, measure.labels)
        return Target(D, max(P, 0.0), max(C, 0.0))

    @property
    def target(self) -> Target:
        """The witness's levels with a little room, as sums differ in their last digits."""
        found = self.achieved(self.witness)
        return Target(*(getattr(found, name) * (1 + 1e-9) + 1e-9 for name in "DPC"))


@st.composite
def cases(draw: st.DrawFn, least: int = 1, shapes: tuple[str, ...] = (), classes: tuple[str, ...] = ()) -> Case:
    """Draw a small problem, with a perception and a classification if some are named, and a witness."""
    n = draw(st.integers(least, 4))
    shape = draw(st.sampled_from(shapes)) if shapes else None
    kind = draw(st.sampled_from(classes)) if classes else None
    m = n if shape else draw(st.integers(1, 4))
    weight = st.integers(0, 9) | st.sampled_from([1e-9, 1e-3])
    masses = np.array(draw(st.lists(weight, min_size=n, max_size=n)), dtype=float)
    assume(masses.sum() > 0)
    cost = st.integers(0, 4) | st.floats(0, 4, width=16)
    d = np.array(draw(st.lists(cost, min_size=n * m, max_size=n * m)), dtype=float).reshape(n, m)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    labels = rng.dirichlet(np.ones(2), n)
    measure: classifications.Classification | None = None
    if kind == "cross-entropy":
        measure = classifications.CrossEntropy(labels, rng.dirichlet(np.ones(2), m))
    elif kind == "error rate":
        measure = classifications.ErrorRate(labels, rng.integers(0, 2, m))
    elif kind is not None:
        measure = classifications.ConditionalEntropy(labels, tagged=kind == "tagged")
    p = masses / masses.sum()
    made = SHAPES[shape][0](n) if shape else None
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), made, measure)
    sharp = np.exp(-draw(st.sampled_from([0.0, 1.0, 5.0])) * d) * rng.uniform(0.2, 1.0, (n, m))
    witness = sharp / sharp.sum(axis=1, keepdims=True)
    if shape:  # an output law near the source's, and on its letters, so that the divergence is finite
        assume(p.min() > 0)
        witness = 0.5 * witness + 0.5 * np.eye(n)
    return Case(problem, witness, shape)
