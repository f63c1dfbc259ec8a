"""Tables of a problem file: keys taken one by one, each checked where it is taken."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from rdcfunc.checks import shown
from rdcfunc.information import Array

_RANGE = ("file", "from", "to", "count")
#: Numbers that a few words of a file may make, a quarter of a gigabyte; files of numbers may hold more.
MOST = 2**25
#: Ends of a range, whose steps must be numbers.
_FAR = 1e300


class ProblemFileError(ValueError):
    """A problem file that says something else than was needed; the message names the key and the cure."""


def few(entries: int, where: str) -> None:
    """Refuse what would make a large table of a small file."""
    if entries > MOST:
        raise ProblemFileError(f"{where} makes a table of {shown(entries)} numbers, and may make {MOST}; use Python")


class Section:
    """A table of the file whose keys are taken one by one; what nobody takes is refused."""

    def __init__(self, values: object, name: str, folder: Path | None, known: tuple[str, ...]) -> None:
        if not isinstance(values, Mapping):
            raise ProblemFileError(f"{name} must be a table of keys (got {values!r}); write key = value below [{name}]")
        self.values, self.name, self.folder, self.known = dict(values), name, folder, known

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def take(self, key: str, needed: str) -> Any:
        """Return a value that must be there."""
        if key not in self.values:
            raise ProblemFileError(f"{self.name}.{key} is missing; give {needed}")
        return self.values.pop(key)

    def number(self, key: str, needed: str) -> float:
        """Return a number."""
        value = self.take(key, needed)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ProblemFileError(f"{self.name}.{key} must be {needed} (got {shown(value)})")
        return value

    def whole(self, key: str, needed: str) -> int:
        """Return a whole number."""
        value = self.number(key, needed)
        if not isinstance(value, int):
            raise ProblemFileError(f"{self.name}.{key} must be {needed} (got {shown(value)})")
        return value

    def flag(self, key: str) -> bool:
        """Return a flag that is off unless it is given."""
        value = self.values.pop(key, False)
        if not isinstance(value, bool):
            raise ProblemFileError(f"{self.name}.{key} must be true or false (got {shown(value)})")
        return value

    def choice(self, key: str, names: tuple[str, ...]) -> str:
        """Return one of some names."""
        value = self.take(key, f"one of {', '.join(names)}")
        if value not in names:
            raise ProblemFileError(f"{self.name}.{key} must be one of {', '.join(names)} (got {shown(value)})")
        return str(value)

    def array(self, key: str, needed: str) -> Array:
        """Return numbers given in the file, by another one, or as a range of equal steps."""
        value, where = self.take(key, needed), f"{self.name}.{key}"
        if isinstance(value, Mapping):
            part = Section(value, where, self.folder, _RANGE)
            value = _table(part) if "file" in part else _range(part)
            part.close()
        try:
            found = np.asarray(value)
        except ValueError:
            found = np.array(None)
        if found.dtype.kind not in "iuf" or not found.size:
            raise ProblemFileError(
                f"{where} must be {needed} (got {shown(value)}); give numbers, {{file = 'name.csv'}} or a range "
                "{from = 0, to = 1, count = 11}"
            )
        return found

    def check(self) -> None:
        """Refuse keys that are not known."""
        for key in self.values.keys() - set(self.known):
            raise ProblemFileError(f"{self.name} has no key {key}; the keys are {', '.join(self.known)}")

    def close(self) -> None:
        """Refuse the keys that are left."""
        for key in self.values:
            raise ProblemFileError(f"{self.name}.{key} has no meaning here; the keys are {', '.join(self.known)}")


def _range(part: Section) -> Array:
    low, high = (part.number(end, "a number, an end of the range") for end in ("from", "to"))
    count = part.whole("count", "a whole number of points")
    if count < 2:
        raise ProblemFileError(f"{part.name}.count must be >= 2 (got {shown(count)})")
    few(count, f"{part.name}.count")
    for end, value in (("from", low), ("to", high)):
        if not abs(value) <= _FAR:
            raise ProblemFileError(f"{part.name}.{end} must lie within {_FAR} of zero (got {shown(value)})")
    return np.linspace(low, high, count)


def _table(part: Section) -> np.ndarray[Any, Any]:
    """Return the numbers of a file in the folder of the problem file, or below it."""
    name, where, folder = part.take("file", "a name"), f"{part.name}.file", part.folder
    if folder is None or not isinstance(name, str):
        raise ProblemFileError(f"{where} must be a name, in a problem file that has a folder (got {shown(name)})")
    try:
        path = (folder / name).resolve()
        there = path.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # names too long, with zeros in them, links in a circle
        raise ProblemFileError(f"{where} is no name of a file: {error}") from None
    if not path.is_relative_to(folder.resolve()):
        raise ProblemFileError(f"{where} must lie in {folder} (got {shown(name)}); copy it there")
    if path.suffix not in (".csv", ".npy"):
        raise ProblemFileError(f"{where} must end in .csv or .npy (got {shown(name)})")
    if not there:
        raise ProblemFileError(f"{where} must be a file (got {shown(name)}); there is none of this name")
    found = _numbers(path, where)
    # A column of whole numbers is a list of classes.
    whole = path.suffix == ".csv" and found.ndim == 1 and bool((found == np.round(found)).all())
    return found.astype(np.intp) if whole and np.abs(found).max(initial=0.0) < 2**53 else found


def _numbers(path: Path, where: str) -> np.ndarray[Any, Any]:
    """Return what a file of numbers holds, nothing if it is empty."""
    try:
        if path.suffix == ".npy":
            with path.open("rb") as file:
                return np.lib.format.read_array(file, allow_pickle=False)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "loadtxt: input contained no data")
            return np.loadtxt(path, delimiter=",")
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError, TokenError) as error:
        raise ProblemFileError(f"{where} cannot be read: {error!s:.200}") from None
