"""Kernels ``K = exp(-s d)`` between source letters (rows) and reproduction letters, applied at a price."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf
from typing import Self

from rdcfunc.information import Array, Indices

#: Rounding unit of doubles.
UNIT = 2.0**-53
#: Windows end where ``s d`` passes this: e^-36 is below the rounding unit.
CUT = 36.0


class Kernel(ABC):
    """The products with ``K ∘ d^k`` at the current price ``s``."""

    rows: Indices
    letters: Indices
    #: Costs beyond this are left out.
    reach: float = inf

    @abstractmethod
    def at(self, s: float) -> Self:
        """Return the kernel at another price: itself, moved, or a replacement that fits it."""

    @abstractmethod
    def times(self, q: Array, *powers: int) -> list[Array]:
        """Return ``(K ∘ d^k) @ q`` on the rows for every power k."""

    @abstractmethod
    def transposed(self, y: Array, *powers: int) -> list[Array]:
        """Return ``(K ∘ d^k).T @ y`` on the letters for every power k."""


class Bounded(Kernel):
    """A kernel whose sums come with bounds on their rounding."""

    @abstractmethod
    def accuracy(self, q: Array) -> tuple[Array, Array]:
        """Bound the errors of ``times(q, 0, 1)`` for ``q >= 0``, those of the exponential included."""


class Factored(Kernel):
    """A kernel whose Newton systems can be solved."""

    @abstractmethod
    def factor(self, theta: Array, ratio: Array) -> Callable[[Array], Array]:
        """Return the solver of ``(K.T diag(theta) K + diag(ratio)) x = b``."""

    def joined(self, new: Indices) -> Factored:
        """Return the same with more letters; itself where all are in use."""
        return self
