"""Arrays from outside, checked and copied: what was given, what is needed, and the cure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from numbers import Integral, Real
from types import UnionType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc.information import Array, Indices

#: Mass that may be missing from a law without a word (rounding) and with a warning (a printed table).
SILENT_MASS, REPORTED_MASS = 1e-12, 1e-6

#: Entries of the largest table that is formed, 4 GB.
MOST_ENTRIES = 2**29


def affordable(n: int, m: int, name: str, cure: str, tables: int = 1) -> None:
    """Refuse a table that would be too large, before it is formed by way of so many ``tables`` of its size.

    Raises
    ------
    MemoryError
        If they have more than ``MOST_ENTRIES`` entries.
    """
    if tables * n * m > MOST_ENTRIES:
        raise MemoryError(f"{name} is a table of {n} times {m} numbers, {8 * n * m / 1e9:.3g} GB; {cure}")


def shown(value: object) -> str:
    """Return a value as an error message shows it, cut short.

    >>> shown("a" * 100)[-3:], shown(10**5000)
    ('aaa', 'a int too long to be shown')
    """
    try:
        return f"{value!r:.80}"
    except (ValueError, RecursionError):  # whole numbers of thousands of digits, lists in lists in lists
        return f"a {type(value).__name__} too long to be shown"


class InfeasibleError(ValueError):
    """No channel meets the levels that were asked for; the message names the level and its least value."""


def spread(executor: Executor | None) -> Callable[..., Iterable[Any]]:
    """Return ``map``, or that of an executor, which does the work elsewhere."""
    if executor is None:
        return map
    if not isinstance(executor, Executor):
        raise TypeError(f"executor must be a concurrent.futures.Executor, or None (got {executor!r})")
    return executor.map


def array(value: ArrayLike, name: str) -> np.ndarray[Any, Any]:
    """Return what NumPy makes of lists, frames and arrays of other libraries; tensors leave their graph and device."""
    if isinstance(value, Mapping):
        raise ValueError(
            f"{name} must be an array, whose order says which letter an entry belongs to (got {shown(value)}); give "
            "list(table.values()), sorted as the other arrays are"
        )
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array with rows of one length (got {shown(value)})") from error


def finite(value: ArrayLike, name: str, *ndim: int) -> Array:
    """Return a read-only float64 copy of a finite real array with ``ndim`` axes, or one of these, and no empty one."""
    raw = array(value, name)
    if raw.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers (got dtype {raw.dtype}); convert it to float first")
    if raw.ndim not in ndim or raw.size == 0:
        axes = " or ".join(map(str, ndim)) + (" axis" if ndim == (1,) else " axes")
        raise ValueError(f"{name} must be a non-empty array with {axes} (got shape {raw.shape})")
    with np.errstate(over="ignore"):  # longer floats may be inf in double precision, which is refused below
        table = np.array(raw, dtype=np.float64, order="C")
    if not np.isfinite(table).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(table))[0])
        raise ValueError(f"{name} must be finite (got {table[where]} at {where}); remove or replace that entry")
    return frozen(table)


def nonnegative(value: ArrayLike, name: str, ndim: int, infinite: bool = False) -> Array:
    """Return a checked copy as :func:`finite` does, and refuse negative entries; ``infinite`` allows inf."""
    raw = array(value, name)
    if infinite and raw.dtype.kind == "f":
        barred = raw == np.inf
        table = finite(np.where(barred, 0.0, raw), name, ndim)
        if barred.any():
            table = frozen(np.where(barred, np.inf, table))
    else:
        table = finite(raw, name, ndim)
    if table.min() < 0:
        where = tuple(int(i) for i in np.unravel_index(table.argmin(), table.shape))
        raise ValueError(f"{name} must be >= 0 (got {table[where]} at {where})")
    return table


def laws(value: ArrayLike, name: str, ndim: int, depth: int = 3) -> Array:
    """Return pmfs along the last axis, renormalised; refuse mass off by more than ``REPORTED_MASS``.

    A warning points ``depth`` frames up: at whoever called the constructor that called this.
    """
    table = nonnegative(value, name, ndim)
    with np.errstate(over="ignore"):
        mass = table.sum(axis=-1, keepdims=True)
    error = float(np.abs(mass - 1.0).max())
    if error > REPORTED_MASS:
        worst = float(mass.flat[np.abs(mass - 1.0).argmax()])
        raise ValueError(f"{name} must sum to 1 along its last axis (got a sum of {worst:.9g}); divide it by its sum")
    if error > SILENT_MASS:
        warnings.warn(f"{name} sums to 1 only within {error:.1e}; it was renormalised", stacklevel=depth)
    return frozen(table / mass)


def class_laws(value: ArrayLike, name: str) -> Array:
    """Return ``P(S = s | X = x)`` (n, K) from such a table or from n integers (deterministic labels)."""
    raw = array(value, name)
    if raw.ndim == 1 and raw.dtype.kind in "iu" and raw.size:
        if raw.min() < 0:
            raise ValueError(f"{name} must be integers >= 0 (got {raw.min()}); number the classes from 0")
        size = raw.size * (int(raw.max()) + 1)
        if size > MOST_ENTRIES:
            raise ValueError(
                f"{name} must number the classes from 0 without large gaps (got the class {raw.max()} of {raw.size} "
                f"letters, a table of {size} numbers); use np.unique(..., return_inverse=True)[1]"
            )
        table = np.zeros((raw.size, int(raw.max()) + 1))
        table[np.arange(raw.size), raw] = 1.0
        return frozen(table)
    if raw.ndim != 2:
        raise ValueError(
            f"{name} must be an (n, K) table of P(s|x) or n integers (got shape {raw.shape}, dtype {raw.dtype}); "
            "np.unique(classes, return_inverse=True)[1] numbers classes"
        )
    return laws(value, name, 2, depth=4)


def count(value: int, name: str, what: str) -> int:
    """Return a whole number of at least one; ``what`` says what there must be one of, and not too many."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number >= 1 (got {shown(value)}); {what}")
    if value < 1:
        raise ValueError(f"{name} must be >= 1 (got {value}); {what}")
    if value > MOST_ENTRIES:
        raise ValueError(f"{name} must be at most {MOST_ENTRIES} (got {shown(value)}); so many fit into no memory")
    return int(value)


def kind(value: object, kinds: type | UnionType, name: str, cure: str) -> None:
    """Refuse a value that is not of some kind."""
    if not isinstance(value, kinds):
        raise TypeError(f"{name} must be {cure} (got {shown(value)})")


def frozen(table: Array) -> Array:
    """Return the array itself, made read-only."""
    table.flags.writeable = False
    return table


def real(value: float, name: str, cure: str) -> float:
    """Return one real number as a float, NaN and inf among them."""
    if not isinstance(value, Real) and (array(value, name).shape != () or array(value, name).dtype.kind not in "iuf"):
        raise ValueError(f"{name} must be one real number (got {shown(value)}); {cure}")
    try:
        return float(value)
    except (OverflowError, ValueError, TypeError) as error:
        raise ValueError(f"{name} must be a number of at most 1.8e308 (got {shown(value)}); {cure}") from error


def level(value: float, name: str, signed: bool = False) -> float:
    """Return a level as a float: a real number, at least zero unless it is ``signed``, possibly inf."""
    number = real(value, name, "use rdcfunc.trace for many levels, inf to switch one off")
    if signed and not number > -np.inf:
        raise ValueError(f"{name} must be a real number (got {number}); use inf to switch the constraint off")
    if not signed and not number >= 0:
        raise ValueError(f"{name} must be >= 0 (got {number}); use inf to switch the constraint off")
    return number


def rate(value: float) -> float:
    """Return a rate R in bits as a float, finite and positive."""
    bits = real(value, "R", "use rdcfunc.trace for many rates")
    if not 0 < bits < np.inf:
        raise ValueError(f"R must be finite and > 0 bits (got {bits}); a small one such as 1e-6 is close to none")
    return bits


def tolerance(tol: float) -> None:
    """Refuse a tolerance that no bracket can have."""
    if not real(tol, "tol", "it is the bracket asked for") > 0:
        raise ValueError(f"tol must be > 0 (got {tol}); it is the bracket asked for")


def levels(value: ArrayLike, name: str) -> Array:
    """Return an array of levels, of any shape."""
    raw = array(value, name)
    if raw.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers (got dtype {raw.dtype}); use inf to switch the constraint off")
    return raw.astype(np.float64)


def indices(value: ArrayLike, name: str, below: int) -> Indices:
    """Return n integers in ``range(below)``."""
    raw = array(value, name)
    if raw.ndim != 1 or raw.dtype.kind not in "iu" or raw.size == 0:
        raise ValueError(f"{name} must be a non-empty list of integers (got shape {raw.shape}, dtype {raw.dtype})")
    if raw.min() < 0 or raw.max() >= below:
        raise ValueError(f"{name} must lie in 0..{below - 1} (got {raw.min()}..{raw.max()})")
    whole = raw.astype(np.intp)
    whole.flags.writeable = False
    return whole
