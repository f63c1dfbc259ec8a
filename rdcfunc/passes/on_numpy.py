"""Passes on NumPy, in single or double precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rdcfunc.information import Array
from rdcfunc.passes.base import Machine, Part


class NumPy(Machine):
    """NumPy, in single or double precision."""

    def __init__(self, single: bool) -> None:
        self.dtype, self.double = np.float32 if single else np.float64, not single

    def put(self, array: Array) -> Any:
        """Return the array in this precision."""
        return np.ascontiguousarray(array, dtype=self.dtype)

    def sweep(self, x: Any, p: Any, parts: Sequence[Part], y: Any, bias: Any) -> tuple[Array, Array, Array]:
        """Return the sums of a pass."""
        mass, moments, log_z = np.zeros(bias.shape), np.zeros(y.shape), np.empty(len(x))
        for c, start, stop in parts:
            rows = x[start:stop]
            e = rows @ y.T
            e += bias[c]
            top = e.max(axis=1)
            e -= top[:, None]
            np.exp(e, out=e)
            z = e.sum(axis=1)
            log_z[start:stop] = top + np.log(z)
            e *= (p[start:stop] / z)[:, None]
            mass[c] += e.sum(axis=0)
            moments += e.T @ rows
        return mass, moments, log_z

    def kernel(self, x: Any, shift: Any, parts: Sequence[Part], u: Any, told: Any) -> tuple[Array, Array]:
        """Return the sums of a pass the other way round."""
        earned, moments = np.zeros(told.shape), np.zeros(u.shape)
        for c, start, stop in parts:
            rows = x[start:stop]
            e = rows @ u.T
            e += shift[start:stop, None]
            np.exp(e, out=e)
            earned[c] += e.sum(axis=0)
            moments += told[c][:, None] * (e.T @ rows)
        return earned, moments

    def pairs(self, x: Any, y: Any, left: Any, right: Any, p: Any, q: Any) -> tuple[Array, Array]:
        """Return the sums of a block both ways; what overflows is infinite."""
        e = x @ y.T
        e += left[:, None]
        e += right
        with np.errstate(over="ignore", invalid="ignore"):
            np.exp(e, out=e)
            return (e @ q).astype(np.float64), (p @ e).astype(np.float64)
