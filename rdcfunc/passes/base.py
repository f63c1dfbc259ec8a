"""What makes passes: products of matrices, exponentials and sums, wherever arrays live."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from rdcfunc.information import Array

#: Rows [start, stop) of one class.
Part = tuple[int, int, int]


class Machine(ABC):
    """Where arrays live and products are made: NumPy, or torch on any device."""

    #: This process among those that share the rows, and how many they are.
    rank, size = 0, 1
    #: Whether numbers are of double precision.
    double = True
    #: What is raised where memory runs out, so that smaller parts may do.
    exhausted: type[Exception] = MemoryError

    @abstractmethod
    def put(self, array: Array) -> Any:
        """Return the array as this machine holds it, in its working precision."""

    @abstractmethod
    def sweep(self, x: Any, p: Any, parts: Sequence[Part], y: Any, bias: Any) -> tuple[Array, Array, Array]:
        """Return mass (K, m), moments (m, k) and ``log Σ_j exp(<x, y_j> + bias(c_x, j))`` (n,)."""

    @abstractmethod
    def kernel(self, x: Any, shift: Any, parts: Sequence[Part], u: Any, told: Any) -> tuple[Array, Array]:
        """Return ``A(c, j) = Σ_x e^{<x, u_j> + shift_x}`` (K, u) and ``Σ_x e^{...} told(c_x, j) x`` (u, k)."""

    @abstractmethod
    def pairs(self, x: Any, y: Any, left: Any, right: Any, p: Any, q: Any) -> tuple[Array, Array]:
        """Return sums of ``e^{<x, y> + left_x + right_y}`` over y of weights q, and over x of weights p."""

    def add(self, array: Array) -> Array:
        """Return the sum over all processes."""
        return array
