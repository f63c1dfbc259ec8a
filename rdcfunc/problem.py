"""A problem (source and measures) and a target (levels): the two nouns of every question."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from rdcfunc.checks import level
from rdcfunc.classifications import Classification
from rdcfunc.distortions import Distortion
from rdcfunc.perceptions import Divergence
from rdcfunc.sources import Discrete


@dataclass(frozen=True)
class Target:
    """Levels that a decoder must meet: distortion D, perception P, classification C.

    ``inf`` switches a constraint off. KL and Jensen-Shannon levels, conditional entropies and cross-entropies
    are in bits; the others in the units of their measure.

    Raises
    ------
    ValueError
        If a level is not a real number, NaN or negative.

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
            object.__setattr__(self, name, level(getattr(self, name), name))


@dataclass(frozen=True, eq=False)
class Problem:
    """A source with the measures by which its reproduction is judged.

    Parameters
    ----------
    source
        A source on n letters.
    distortion
        A distortion of shape (n, m); it fixes the reproduction alphabet.
    perception, classification
        A divergence and a classification constraint, or None.

    Raises
    ------
    ValueError
        If the sizes of the alphabets disagree.

    Examples
    --------
    >>> from rdcfunc import sources, distortions, perceptions
    >>> problem = Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> problem.shape
    (2, 2)
    """

    source: Discrete
    distortion: Distortion
    perception: Divergence | None = None
    classification: Classification | None = None

    def __post_init__(self) -> None:
        n, m = self.distortion.shape
        if n != self.source.n:
            raise ValueError(
                f"the distortion must have one row for each of the {self.source.n} source letters (got {n} rows)"
            )
        for measure in (self.perception, self.classification):
            if measure is not None:
                measure.check(n, m)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, m)``: the numbers of source and of reproduction letters."""
        return self.distortion.shape

    def check(self, target: Target, goal: str = "R") -> None:
        """Refuse a level, or a goal, of a measure that this problem does not have."""
        for name, measure in (("P", self.perception), ("C", self.classification)):
            noun = "perception" if name == "P" else "classification"
            if measure is None and isfinite(getattr(target, name)):
                raise ValueError(
                    f"{name} = {getattr(target, name)} was given but the problem has no {noun}; "
                    f"pass {noun}=... to Problem"
                )
            if measure is None and goal == name:
                raise ValueError(
                    f"the least {name} was asked for but the problem has no {noun}; pass {noun}=... to Problem"
                )
