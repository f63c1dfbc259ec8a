"""Rows on disk that survive an interruption, and what made them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["append", "provenance", "rows"]


def append(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a file of JSON lines and see it onto the disk; a line that was cut short before is closed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "rows.jsonl"
    ...     append(path, {"seed": 0})
    ...     _ = path.write_bytes(path.read_bytes() + b'{"seed": 1')  # killed here
    ...     append(path, {"seed": 2})
    ...     rows(path)
    [{'seed': 0}, {'seed': 2}]
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(row, allow_nan=False).encode() + b"\n"
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON lines, none if there is no file, without lines that were cut short."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        with suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


@cache
def provenance() -> dict[str, str]:
    """Return the commit, the versions and the machine that make a result.

    >>> sorted(provenance())
    ['commit', 'machine', 'numpy', 'python', 'torch']
    """
    packages = {}
    for name in ("numpy", "torch"):
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    return {"commit": _commit(), "machine": machine, "python": platform.python_version(), **packages}


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        found = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
