"""Files that are written whole or not at all."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write(path: str | os.PathLike[str], fill: Callable[[BinaryIO], object]) -> None:
    """Write a file by ``fill``: an interruption, a kill or a full disk leaves the old one as it was."""
    path = Path(path)
    _sweep(path)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def keep(text: str, path: str | os.PathLike[str] | None) -> str:
    """Return a text, written to a file if a path is given."""
    if path is not None:
        write(path, lambda file: file.write(text.encode()))
    return text


def _sweep(path: Path) -> None:
    """Remove what processes that were killed have left of a file half written."""
    for part in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
        writer = part.name.removeprefix(f"{path.name}.").removesuffix(".part")
        try:
            os.kill(int(writer), 0)
        except (ValueError, ProcessLookupError):
            part.unlink(missing_ok=True)
        except PermissionError:
            continue


def check_folder(out: Path, room: int = 50_000_000) -> None:
    """Make a folder for results, and refuse one that cannot be written before the work, not after it.

    Parameters
    ----------
    room
        Free disk space that is needed, in bytes.

    Raises
    ------
    OSError
        If the folder cannot be made or written, or has too little room.
    """
    out.mkdir(parents=True, exist_ok=True)
    probe = out / f".probe.{os.getpid()}"
    probe.write_bytes(b"")
    probe.unlink()
    if shutil.disk_usage(out).free < room:
        raise OSError(f"less than {room // 1_000_000} MB are free there; free some, or choose another folder")
