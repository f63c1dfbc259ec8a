"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

__all__ = ["write"]


def write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file by `fill`, folders as needed; an interruption leaves the old file as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Renaming is atomic within a file system, so the temporary file has to be a neighbour.
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            fill(file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
