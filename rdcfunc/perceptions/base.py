"""What every divergence states.

A divergence states three things: its value, its support function ``sup_q <g, q> - t div(p, q)`` over pmfs q
(which is what a lower bound needs) and its conic form (which is what a convex program needs).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from rdcfunc.information import Array


class Divergence(ABC):
    """A divergence ``div(p, q)``, convex in ``q``, of the reproduction law ``q`` from the source law ``p``."""

    #: What one unit of the public level is inside: nats per bit for information divergences, else 1.
    unit: ClassVar[float] = 1.0

    @abstractmethod
    def value(self, p: Array, q: Array) -> float:
        """Return ``div(p, q)``, in nats where it is an information."""

    @abstractmethod
    def support(self, g: Array, p: Array, t: float) -> float:
        """Return ``sup_q <g, q> - t div(p, q)`` over pmfs q, for ``g`` (m,) and ``t >= 0``."""

    @abstractmethod
    def conic(self, p: Array, q: Any) -> tuple[Any, list[Any]]:
        """Return a cvxpy expression for ``div(p, q)`` of a cvxpy variable q, and the constraints it needs."""

    @property
    def scale(self) -> float:
        """The size of the terms whose rounding errors a value carries."""
        return 1.0

    def scaled(self) -> tuple[Divergence, float]:
        """Return the divergence at a scale where nothing overflows, and what one public unit of its level is there."""
        return self, self.unit

    def least(self, p: Array) -> float:
        """Return ``min_q div(p, q)``; zero, at ``q = p``, unless the two laws live on different alphabets."""
        return 0.0

    def vanishes(self, p: Array) -> bool:
        """Return whether ``div(p, p) = 0``, so that the source's own law has perfect perception."""
        return True

    def share(self, p: Array, q: Array, level: float) -> float:
        """Return a λ at which ``div(p, (1 - λ) q + λ p)`` is within a level below ``div(p, q)``.

        It is at most ``(1 - λ) div(p, q)``, as the divergence is convex and vanishes at p.
        """
        return 1.0 if level <= 0 else min(1.0, (1 - level / self.value(p, q)) * (1 + 1e-9) + 1e-15)

    def check(self, n: int, m: int) -> None:
        """Refuse alphabets that this divergence cannot compare."""
        if n != m:
            raise ValueError(
                f"{type(self).__name__} compares laws on one alphabet, but the source has {n} letters and the "
                f"reproduction {m}; use perceptions.Wasserstein(cost) with a cost of shape ({n}, {m})"
            )
