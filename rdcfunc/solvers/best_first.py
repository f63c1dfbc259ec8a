"""Branch and bound, best first: regions of class posteriors are bounded and cut, least bound first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from rdcfunc.candidate import Candidate
from rdcfunc.columns import regions
from rdcfunc.columns.regions import Branch
from rdcfunc.information import Array

#: Where a region is cut: decoder, letter, edge and the place on it.
Cut = tuple[int, int, tuple[int, int], float]


class Region(Protocol):
    """Cells (decoders, m, r, K) with a lower bound on what is minimised there, and the proof of it."""

    @property
    def cells(self) -> Array: ...  # noqa: D102

    @property
    def lower(self) -> float: ...  # noqa: D102

    @property
    def proof(self) -> Candidate: ...  # noqa: D102


R = TypeVar("R", bound=Region)


@dataclass(eq=False)
class _Node(Generic[R]):
    """A region, where it was cut, and the places of its parts among all nodes."""

    region: R
    cut: Cut | None = None
    parts: list[int] = field(default_factory=list)


class Tree(Generic[R]):
    """All regions made from a first one."""

    def __init__(self, first: R) -> None:
        self._made: list[_Node[R]] = [_Node(first)]

    def __len__(self) -> int:
        return len(self._made)

    def grow(
        self,
        nodes: int,
        enough: Callable[[], float],
        place: Callable[[R], Cut | None],
        bound: Callable[[R, Array], R],
    ) -> None:
        """Cut the region of least bound in two, until that is ``enough``, regions are ``nodes`` or cannot be cut.

        Parameters
        ----------
        nodes
            The most regions.
        enough
            Returns the bound that closes a region by now.
        place
            Returns where to cut a region, None where its cells leave no gap.
        bound
            Returns the part of a region that has given cells, bounded.
        """
        open_ = [(self._made[0].region.lower, 0)]
        while open_ and len(self) + 2 <= nodes and open_[0][0] < enough():
            node = self._made[heappop(open_)[1]]
            node.cut = place(node.region)
            if node.cut is None:
                break
            for cells in regions.cut(node.region.cells, *node.cut):
                part = bound(node.region, cells)
                node.parts.append(len(self))
                heappush(open_, (part.lower, len(self)))
                self._made.append(_Node(part))

    @property
    def least(self) -> R:
        """The region of least bound among those that are not cut."""
        return min((node.region for node in self._made if node.cut is None), key=attrgetter("lower"))

    @property
    def proof(self) -> Branch[Candidate] | Candidate:
        """The tree of all regions' proofs; parts were made after what they are parts of."""
        built: dict[int, Branch[Candidate] | Candidate] = {}
        for place in reversed(range(len(self))):
            node = self._made[place]
            if node.cut is None:
                built[place] = node.region.proof
            else:
                built[place] = Branch(*node.cut, (built[node.parts[0]], built[node.parts[1]]))
        return built[0]
