"""Results one by one, as JSON lines that show when they were changed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from zlib import crc32

from rdcfunc.files import write

#: How a line with a checksum ends, also where its name or its value was changed.
_SEAL = re.compile(rb', "(?:crc32": "[^"]{8}|[^"]{5}": "[0-9a-f]{8})"}\Z')


class Rows:
    """JSON lines that grow by one finished result at a time, each with the CRC-32 of what it says.

    A line that was cut short or changed, by as little as a bit, is moved to a file ``.damaged`` beside, and said; all
    others are kept. Lines made by hand need no checksum.

    Parameters
    ----------
    path
        A file, which need not be there yet.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = Rows(Path(folder) / "rows.jsonl")
    ...     rows.append({"seed": 0})
    ...     print(rows.path.read_text(), Rows(rows.path).rows)
    {"seed": 0, "crc32": "0bcad144"}
     [{'seed': 0}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        self._lines: list[bytes] = []
        damaged = []
        for line in path.read_bytes().splitlines() if path.exists() else []:
            ends = _SEAL.search(line)
            body = line if ends is None else line[: ends.start()] + b"}"
            row = _row(body)
            if row is None or (ends is not None and line != _sealed(body)):
                damaged.append(line)
            else:
                self.rows.append(row)
                self._lines.append(line)
        if damaged:
            self._quarantine(damaged)

    def append(self, row: dict[str, Any]) -> None:
        """Add a row and write the file, whole or not at all.

        Raises
        ------
        ValueError
            If the row holds NaN or an infinity, which JSON has not.
        """
        lines = [*self._lines, _sealed(json.dumps(row, allow_nan=False).encode())]
        self._write(lines)
        self._lines = lines
        self.rows.append(row)

    def _write(self, lines: list[bytes]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write(self.path, lambda file: file.writelines(line + b"\n" for line in lines))

    def _quarantine(self, lines: list[bytes]) -> None:
        """Move lines that are no results to a file beside, and say so."""
        beside = self.path.with_name(f"{self.path.name}.damaged")
        known = beside.read_bytes() if beside.exists() else b""
        write(beside, lambda file: file.write(known + b"".join(line + b"\n" for line in lines)))
        self._write(self._lines)
        print(
            f"{self.path}: {len(lines)} of {len(lines) + len(self.rows)} lines are cut short or damaged; they are kept "
            f"in {beside.name} and what they said is computed again",
            file=sys.stderr,
        )


def _sealed(body: bytes) -> bytes:
    """Return the text of an object with a checksum of this text as its last item."""
    return body[:-1] + b', "crc32": "%08x"}' % crc32(body)


def _row(body: bytes) -> dict[str, Any] | None:
    """Return the object that a text is, else None."""
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
