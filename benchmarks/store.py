"""Results on disk: written whole or not at all, with what they were made by, and found again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rdcfunc.files import write
from rdcfunc.provenance import provenance, versions
from rdcfunc.rows import Rows

__all__ = ["Rows", "check_folder", "provenance", "versions", "write"]


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
