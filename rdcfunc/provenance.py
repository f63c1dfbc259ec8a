"""What a result was made by."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
