"""Results on disk: written whole or not at all, with what they were made by, and found again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rdcfunc.files import write

__all__ = ["Rows", "check_folder", "provenance", "versions", "write"]

_PACKAGES = ("rdcfunc", "numpy", "scipy", "cvxpy", "torch", "scikit-learn")


@cache
def provenance() -> dict[str, str]:
    """Return the versions, the commit and the machine that make a result, as they were when first asked for.

    >>> sorted(provenance())[:3]
    ['commit', 'cvxpy', 'machine']
    """
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return {"commit": _commit(), "machine": machine, **versions(_PACKAGES)}


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed.

    >>> list(versions(["no-such-package", "numpy"]))
    ['numpy']
    """
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _commit() -> str:
    """Return the commit, and a digest of what is changed since."""

    def git(*words: str) -> bytes:
        return subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, check=True).stdout

    try:
        commit, changes = git("rev-parse", "--short=12", "HEAD").decode().strip(), git("diff", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-{hashlib.sha256(changes).hexdigest()[:8]}" if changes else commit


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


class Rows:
    """JSON lines that grow by one finished result at a time.

    A line that was cut short or damaged is moved to a file ``.damaged`` beside, and said; all others are kept.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = Rows(Path(folder) / "rows.jsonl")
    ...     rows.append({"seed": 0})
    ...     Rows(rows.path).rows
    [{'seed': 0}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        damaged = []
        for line in path.read_bytes().splitlines() if path.exists() else []:
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if isinstance(row, dict):
                self.rows.append(row)
            else:
                damaged.append(line)
        if damaged:
            self._quarantine(damaged)

    def append(self, row: dict[str, Any]) -> None:
        """Add a row and write the file."""
        self._write([*self.rows, row])
        self.rows.append(row)

    def _write(self, rows: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(r, allow_nan=False) + "\n" for r in rows)
        write(self.path, lambda file: file.write(text.encode()))

    def _quarantine(self, lines: list[bytes]) -> None:
        """Move lines that are no results to a file beside, and say so."""
        beside = self.path.with_name(f"{self.path.name}.damaged")
        known = beside.read_bytes() if beside.exists() else b""
        write(beside, lambda file: file.write(known + b"".join(line + b"\n" for line in lines)))
        self._write(self.rows)
        print(
            f"{self.path}: {len(lines)} of {len(lines) + len(self.rows)} lines are cut short or damaged; they are kept "
            f"in {beside.name} and what they said is computed again",
            file=sys.stderr,
        )
