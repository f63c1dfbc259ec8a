"""Results on disk: written whole or not at all, with what they were made by, and found again."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

_PACKAGES = ("rdcfunc", "numpy", "scipy", "cvxpy", "torch", "scikit-learn")


@cache
def provenance() -> dict[str, str]:
    """Return the versions, the commit and the machine that make a result, as they were when first asked for.

    >>> sorted(provenance())[:3]
    ['commit', 'cvxpy', 'machine']
    """
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return {"commit": commit, "machine": machine, **{name: version(name) for name in _PACKAGES}}


def write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file by ``fill``: an interruption or a full disk leaves the old one as it was."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


class Rows:
    """JSON lines that grow by one finished result at a time.

    A line that an interruption cut short is left out when the file is read, and overwritten.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = Rows(Path(folder) / "rows.jsonl")
    ...     rows.append({"seed": 0})
    ...     Rows(rows.path).rows
    [{'seed': 0}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                self.rows.append(json.loads(line))
            except json.JSONDecodeError:
                break

    def append(self, row: dict[str, Any]) -> None:
        """Add a row and write the file."""
        self.rows.append(row)
        text = "".join(json.dumps(r, allow_nan=False) + "\n" for r in self.rows)
        write(self.path, lambda file: file.write(text.encode()))
