"""Passes on torch: on the CPU or on a GPU, alone or with the rows shared by several processes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from rdcfunc.information import Array
from rdcfunc.passes.base import Machine, Part


class Torch(Machine):
    """Torch on a device. Where ``torch.distributed`` is initialised, rows are shared by its processes."""

    def __init__(self, single: bool, device: str) -> None:
        self.torch: Any = import_module("torch")
        self.device, self.double = device, not single
        self.exhausted = self.torch.OutOfMemoryError
        self.dtype = self.torch.float32 if single else self.torch.float64
        shared: Any = import_module("torch.distributed")
        self.shared = shared if shared.is_available() and shared.is_initialized() else None
        if self.shared is not None:
            self.rank, self.size = self.shared.get_rank(), self.shared.get_world_size()

    def put(self, array: Array) -> Any:
        """Return a tensor on the device."""
        return self.torch.tensor(np.ascontiguousarray(array), dtype=self.dtype, device=self.device)

    def _zeros(self, *shape: int) -> Any:
        return self.torch.zeros(shape, dtype=self.torch.float64, device=self.device)

    def sweep(self, x: Any, p: Any, parts: Sequence[Part], y: Any, bias: Any) -> tuple[Array, Array, Array]:
        """Return the sums of a pass."""
        mass, moments, log_z = self._zeros(*bias.shape), self._zeros(*y.shape), self._zeros(len(x))
        for c, start, stop in parts:
            rows = x[start:stop]
            e = self.torch.addmm(bias[c], rows, y.T)
            top = e.amax(dim=1)
            e.sub_(top[:, None]).exp_()
            z = e.sum(dim=1)
            log_z[start:stop] = top + z.log()
            e.mul_((p[start:stop] / z)[:, None])
            mass[c] += e.sum(dim=0)
            moments += e.T @ rows
        return mass.cpu().numpy(), moments.cpu().numpy(), log_z.cpu().numpy()

    def kernel(self, x: Any, shift: Any, parts: Sequence[Part], u: Any, told: Any) -> tuple[Array, Array]:
        """Return the sums of a pass the other way round."""
        earned, moments = self._zeros(*told.shape), self._zeros(*u.shape)
        for c, start, stop in parts:
            rows = x[start:stop]
            e = self.torch.addmm(shift[start:stop, None], rows, u.T).exp_()
            earned[c] += e.sum(dim=0)
            moments += told[c][:, None] * (e.T @ rows)
        return earned.cpu().numpy(), moments.cpu().numpy()

    def pairs(self, x: Any, y: Any, left: Any, right: Any, p: Any, q: Any) -> tuple[Array, Array]:
        """Return the sums of a block both ways."""
        e = self.torch.addmm(left[:, None], x, y.T).add_(right).exp_()
        return (e @ q).double().cpu().numpy(), (p @ e).double().cpu().numpy()

    def add(self, array: Array) -> Array:
        """Return the sum over all processes."""
        if self.shared is None:
            return array
        tensor = self.torch.tensor(array, dtype=self.torch.float64, device=self.device)
        self.shared.all_reduce(tensor)
        found: Array = tensor.cpu().numpy()
        return found
