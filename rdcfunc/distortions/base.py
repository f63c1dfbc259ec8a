"""What a distortion is, and the two of which nothing need be known but the letters: any table, and Hamming's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks
from rdcfunc.information import Array

#: Least cost of a table that is not zero, so that prices per unit of it are numbers.
_LEAST_COST = 1e-300
#: What to do about a table that cannot be formed.
SMALLER = "give D alone, which needs no table, or use fewer letters"


class Distortion(ABC):
    """Costs ``d(x, j) >= 0`` of n source and m reproduction letters; subclasses state their structure.

    Attributes
    ----------
    points, letters
        Source points (n,) or (n, k) and reproduction points (m,) or (m, k), else None.
    """

    points: Array | None = None
    letters: Array | None = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """``(n, m)``: the numbers of source and of reproduction letters."""

    @property
    @abstractmethod
    def values(self) -> Array:
        """``d(x, j)``, shape (n, m); inf forbids a pair wherever a distortion level is on."""

    @property
    def forbids(self) -> bool:
        """Whether some pair costs infinity."""
        return False


@dataclass(frozen=True, eq=False)
class Table(Distortion):
    """A table of costs without further structure.

    Raises
    ------
    ValueError
        If the table is not two-dimensional, holds NaN, or is negative somewhere.
    """

    costs: Array
    points: Array | None = None
    letters: Array | None = None

    def __post_init__(self) -> None:
        costs = checks.nonnegative(self.costs, "distortion", 2, infinite=True)
        top = float(np.where(np.isinf(costs), 0.0, costs).max())
        if 0 < top < _LEAST_COST:
            raise ValueError(f"distortion must have a cost of at least {_LEAST_COST} (got {top} at most); rescale it")
        object.__setattr__(self, "costs", costs)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, m)``: the numbers of source and of reproduction letters."""
        n, m = self.costs.shape
        return n, m

    @property
    def values(self) -> Array:
        """The table itself."""
        return self.costs

    @cached_property
    def forbids(self) -> bool:
        """Whether some pair costs infinity."""
        return bool(np.isinf(self.costs).any())


@dataclass(frozen=True, eq=False)
class Hamming(Distortion):
    """``d(x, j) = 1`` if ``x != j`` else 0; the table is formed when it is asked for."""

    n: int

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, n)``."""
        return self.n, self.n

    @cached_property
    def values(self) -> Array:
        """``1 - I``, shape (n, n)."""
        checks.affordable(self.n, self.n, "the Hamming distortion", SMALLER)
        return checks.frozen(1.0 - np.eye(self.n))


def matrix(d: ArrayLike) -> Distortion:
    """Return the distortion given by a table (n, m), where inf forbids a pair.

    Raises
    ------
    ValueError
        If the table is not two-dimensional, holds NaN, or is negative somewhere.

    Examples
    --------
    >>> matrix([[0.0, 1.0, 0.3], [1.0, 0.0, 0.3]]).shape
    (2, 3)
    """
    return Table(checks.array(d, "distortion"))


def hamming(n: int) -> Distortion:
    """Return ``d(x, j) = 1`` if ``x != j`` else 0, on n letters.

    Examples
    --------
    >>> hamming(2).values
    array([[0., 1.],
           [1., 0.]])
    """
    return Hamming(checks.count(n, "n", "give the number of letters"))
