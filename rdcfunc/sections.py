"""Tables of a problem file: keys taken one by one, each checked where it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rdcfunc.information import Array

_RANGE = ("file", "from", "to", "count")


class ProblemFileError(ValueError):
    """A problem file that says something else than was needed; the message names the key and the cure."""


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
            raise ProblemFileError(f"{self.name}.{key} must be {needed} (got {value!r})")
        return value

    def whole(self, key: str, needed: str) -> int:
        """Return a whole number."""
        value = self.number(key, needed)
        if not isinstance(value, int):
            raise ProblemFileError(f"{self.name}.{key} must be {needed} (got {value!r})")
        return value

    def flag(self, key: str) -> bool:
        """Return a flag that is off unless it is given."""
        value = self.values.pop(key, False)
        if not isinstance(value, bool):
            raise ProblemFileError(f"{self.name}.{key} must be true or false (got {value!r})")
        return value

    def choice(self, key: str, names: tuple[str, ...]) -> str:
        """Return one of some names."""
        value = self.take(key, f"one of {', '.join(names)}")
        if value not in names:
            raise ProblemFileError(f"{self.name}.{key} must be one of {', '.join(names)} (got {value!r})")
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
                f"{where} must be {needed} (got {value!r}); give numbers, {{file = 'name.csv'}} or a range "
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
        raise ProblemFileError(f"{part.name}.count must be >= 2 (got {count})")
    return np.linspace(low, high, count)


def _table(part: Section) -> np.ndarray[Any, Any]:
    """Return the numbers of a file in the folder of the problem file, or below it."""
    name, where, folder = part.take("file", "a name"), f"{part.name}.file", part.folder
    if folder is None or not isinstance(name, str):
        raise ProblemFileError(f"{where} must be a name, in a problem file that has a folder (got {name!r})")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ProblemFileError(f"{where} must lie in {folder} (got {name!r}); copy it there")
    if path.suffix not in (".csv", ".npy"):
        raise ProblemFileError(f"{where} must end in .csv or .npy (got {name!r})")
    try:
        found = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path, delimiter=",")
    except (OSError, ValueError) as error:
        raise ProblemFileError(f"{where} cannot be read: {error}") from None
    # A column of whole numbers is a list of classes.
    whole = path.suffix == ".csv" and found.ndim == 1 and bool((found == np.round(found)).all())
    return found.astype(np.intp) if whole else found
