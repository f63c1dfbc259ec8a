"""A problem (source and measures) and a target (levels): the two nouns of every question."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from rdcfunc import checks
from rdcfunc.checks import level
from rdcfunc.classifications import Classification, ConditionalEntropy
from rdcfunc.distortions import Distortion, SquaredError
from rdcfunc.perceptions import KL, Divergence, Hellinger, JensenShannon, ReverseKL, Wasserstein
from rdcfunc.sources import Discrete, Gaussian, Samples


@dataclass(frozen=True)
class Target:
    """Levels that a decoder must meet: distortion D, perception P, classification C.

    ``inf`` switches a constraint off. KL and Jensen-Shannon levels, conditional entropies and cross-entropies
    are in bits; the others in the units of their measure. Only C may be negative, as a differential entropy.

    Raises
    ------
    ValueError
        If a level is not a real number, NaN, or negative where it cannot be.

    Examples
    --------
    >>> Target(D=0.1)
    Target(D=0.1, P=inf, C=inf)
    """

    D: float = inf
    P: float = inf
    C: float = inf

    def __post_init__(self) -> None:
        for name in ("D", "P", "C"):
            object.__setattr__(self, name, level(getattr(self, name), name, signed=name == "C"))


@dataclass(frozen=True, eq=False)
class Problem:
    """A source with the measures by which its reproduction is judged.

    Parameters
    ----------
    source
        A source on n letters, a Gaussian one, or samples in R^k.
    distortion
        A distortion of shape (n, m); it fixes the reproduction alphabet. ``squared_error()`` for a Gaussian source
        and for samples, whose reproductions are any points.
    perception, classification
        A divergence and a classification constraint, or None. For a Gaussian source: ``Wasserstein()``, KL,
        ReverseKL, JensenShannon or Hellinger, and ``ConditionalEntropy(LinearLabel(weights, noise))``. For samples:
        ``Wasserstein()``, which is W2², and ``ConditionalEntropy(labels, tagged=True)`` with n integers.
    common_randomness
        Whether encoder and decoder share as much randomness as they like. Without any, offered for Gaussian
        sources (vectors with ``Wasserstein()`` only), perception is judged on long blocks, and costs more.

    Raises
    ------
    ValueError
        If the sizes of the alphabets disagree, or the measures do not belong to the source.

    Examples
    --------
    >>> from rdcfunc import sources, distortions, perceptions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> problem.shape
    (2, 2)
    """

    source: Discrete | Gaussian | Samples
    distortion: Distortion
    perception: Divergence | None = None
    classification: Classification | None = None
    common_randomness: bool = True

    def __post_init__(self) -> None:
        checks.kind(self.source, Discrete | Gaussian | Samples, "source", "a value such as sources.Discrete(pmf)")
        checks.kind(self.distortion, Distortion, "distortion", "a value such as distortions.matrix(table)")
        checks.kind(self.perception, Divergence | None, "perception", "a value such as perceptions.KL(), or None")
        checks.kind(
            self.classification,
            Classification | None,
            "classification",
            "a value such as classifications.ConditionalEntropy(labels), or None",
        )
        if isinstance(self.source, Gaussian):
            self._check_gaussian(self.source.n)
            return
        if isinstance(self.source, Samples):
            self._check_samples(self.source.n)
            return
        if isinstance(self.distortion, SquaredError):
            raise ValueError(
                "squared_error() without points belongs to a Gaussian source or to Samples; give the points"
            )
        if not self.common_randomness:
            raise ValueError("common_randomness=False is offered for Gaussian sources; leave it out")
        n, m = self.distortion.shape
        if n != self.source.n:
            raise ValueError(
                f"the distortion must have one row for each of the {self.source.n} source letters (got {n} rows)"
            )
        for measure in (self.perception, self.classification):
            if measure is not None:
                measure.check(n, m)

    def _check_gaussian(self, n: int) -> None:
        """Refuse what does not belong to a Gaussian source."""
        if not isinstance(self.distortion, SquaredError):
            raise ValueError("a Gaussian source takes distortions.squared_error() without points; discretise it else")
        shape, label = self.perception, self.classification
        if isinstance(shape, Wasserstein) and not shape.continuous:
            raise ValueError("a Gaussian source takes perceptions.Wasserstein() without a cost, which is W2²")
        if shape is not None and not isinstance(shape, Wasserstein | KL | ReverseKL | JensenShannon | Hellinger):
            raise ValueError(
                "a Gaussian source takes Wasserstein(), KL(), ReverseKL(), JensenShannon() or Hellinger() "
                f"(got {type(shape).__name__})"
            )
        if n > 1 and not isinstance(shape, Wasserstein | KL | None):
            raise ValueError(
                f"a Gaussian vector takes Wasserstein() or KL() (got {type(shape).__name__}); others are for scalars"
            )
        linear = label.linear if isinstance(label, ConditionalEntropy) else None
        if label is not None and linear is None:
            raise ValueError(
                "a Gaussian source takes ConditionalEntropy(LinearLabel(weights, noise)) as classification"
            )
        if linear is not None and linear.weights.shape[-1] != n:
            raise ValueError(f"LinearLabel must have {n} weights like the source (got {linear.weights.shape[-1]})")
        offered = isinstance(shape, Wasserstein) or (isinstance(shape, KL) and n == 1)
        if not self.common_randomness and (label is not None or not offered):
            raise ValueError(
                "common_randomness=False is offered for Gaussian sources with Wasserstein(), for scalar ones with KL() "
                "too, and without classification; leave it out"
            )

    def _check_samples(self, n: int) -> None:
        """Refuse what does not belong to samples."""
        if not isinstance(self.distortion, SquaredError):
            raise ValueError("Samples take distortions.squared_error() without points; sources.from_samples else")
        shape, label = self.perception, self.classification
        if shape is not None and not (isinstance(shape, Wasserstein) and shape.continuous):
            raise ValueError("Samples take perceptions.Wasserstein() without a cost, which is W2²")
        if label is not None and not (isinstance(label, ConditionalEntropy) and label.tagged and label.deterministic):
            raise ValueError(
                "Samples take ConditionalEntropy(labels, tagged=True) with n integers as labels: points of R^k can "
                "carry the tag in perturbations that vanish"
            )
        if label is not None:
            label.check(n, n)
        if not self.common_randomness:
            raise ValueError("common_randomness=False is offered for scalar Gaussian sources; leave it out")

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, m)``: the numbers of source and of reproduction letters."""
        return self.distortion.shape

    def check(self, target: Target, goal: str = "R") -> None:
        """Refuse a level, or a goal, of a measure that this problem does not have."""
        linear = self.classification.linear if isinstance(self.classification, ConditionalEntropy) else None
        if linear is None:
            level(target.C, "C")
        for name, measure in (("P", self.perception), ("C", self.classification)):
            noun = "perception" if name == "P" else "classification"
            if measure is None and isfinite(getattr(target, name)):
                raise ValueError(
                    f"{name} = {getattr(target, name)} was given but the problem has no {noun}; "
                    f"pass {noun}=... to Problem, or [{noun}] in a problem file"
                )
            if measure is None and goal == name:
                raise ValueError(
                    f"the least {name} was asked for but the problem has no {noun}; "
                    f"pass {noun}=... to Problem, or [{noun}] in a problem file"
                )


def check_problem(problem: object) -> None:
    """Refuse what is no problem."""
    checks.kind(problem, Problem, "problem", "a value such as rdcfunc.Problem(source, distortion)")
