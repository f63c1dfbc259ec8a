"""The machine for passes of some work: NumPy, or torch where it is asked for."""

from __future__ import annotations

from importlib.util import find_spec

from rdcfunc.passes.base import Machine
from rdcfunc.passes.on_numpy import NumPy

#: Work of a pass (n m k) from which single precision and torch pay.
_LARGE = 2e8


def machine(work: float, device: str | None = None, backend: str | None = None, precise: bool = False) -> Machine:
    """Return the machine for passes of some work (n m k): in single precision if that is much, unless ``precise``.

    NumPy makes them as fast as torch does on a CPU; torch is taken if it is asked for, or a device is.

    Raises
    ------
    ValueError
        If torch is asked for and not installed, or the backend is unknown.
    """
    if backend not in (None, "numpy", "torch"):
        raise ValueError(f"backend must be 'numpy', 'torch' or None (got {backend!r})")
    if backend == "numpy" and device is not None:
        raise ValueError(f"NumPy has no devices (got device={device!r}); leave backend out")
    single = work >= _LARGE and not precise
    if backend != "torch" and device is None:
        return NumPy(single)
    if find_spec("torch") is None:
        raise ValueError("torch is not installed; pip install torch, or leave device and backend out")
    from rdcfunc.passes.on_torch import Torch

    return Torch(single, device or "cpu")
