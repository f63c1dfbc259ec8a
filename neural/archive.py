"""Files of tensors: nothing in them is executed, and one whose bits have changed is not taken for a result."""

from __future__ import annotations

import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import ZipFile

import torch

__all__ = ["DamagedFileError", "kept", "load"]


class DamagedFileError(ValueError):
    """Say that a file is cut short or changed."""


def load(path: str | Path) -> Any:
    """Return what `torch.save` wrote to `path`, on the CPU.

    `torch.load` reads tensors of which bits have changed without a word, though the archive holds their checksums.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedFileError
        If it is cut short or changed.
    pickle.UnpicklingError
        If it holds anything but tensors, numbers, texts, lists and dictionaries.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     torch.save({"loss": [0.5]}, f"{folder}/state.pt")
    ...     load(f"{folder}/state.pt")
    {'loss': [0.5]}
    """
    try:
        with ZipFile(path) as archive:
            changed = archive.testzip()
        if changed is None:
            return torch.load(path, map_location="cpu", weights_only=True)
        reason = f"the checksum of {changed} differs"
    except (FileNotFoundError, IsADirectoryError, PermissionError, UnpicklingError):
        raise
    except Exception as error:  # readers of archives say many things of other bytes
        reason = str(error)
    raise DamagedFileError(f"{path} is cut short or damaged ({reason}); what it held must be made again")


def kept(path: Path) -> Any | None:
    """Return what a file holds, or None if there is none.

    A damaged one is moved to ``.damaged`` beside it, and that is said.
    """
    if not path.exists():
        return None
    try:
        return load(path)
    except DamagedFileError as error:
        beside = path.with_name(f"{path.name}.damaged")
        path.replace(beside)
        print(f"{error}; it is kept in {beside.name}", file=sys.stderr)
        return None
