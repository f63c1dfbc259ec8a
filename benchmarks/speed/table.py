"""Rows as a table: one line a measurement, and as a page that begins with one line a problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.speed.judge import Row
from benchmarks.speed.summary import problem, summary
from benchmarks.speed.walk import OURS, made_by

#: Columns of the table: median, least and largest of the repeats in seconds, bits, and what is said about a row.
COLUMNS = (
    *("family", "n", "points", "tol", "peer", "status", "cpu", "cpu_min", "cpu_max", "wall", "wall_min", "wall_max"),
    *("memory_mb", "gap", "own_gap", "reached", "lower", "upper", "cpu_over_ours", "repeats", "limit", "note"),
)
_PAGE = """\
# Time and certified gap

{asked} CPU time is that of a process on one thread. The gap is recomputed for everyone from the channel and prices
returned; where that is wider or cannot be done, the bracket that {ours} came with counts, marked own. Not installed:
{missing}.

Made by {made}.

## One line a problem

The least of the repeats. {ours} is compared with the fastest of those that reached what was asked for.

{summary}
## One line a measurement

Medians with the range of the repeats, and the ratio of the least ones; memory is the growth of the peak. A gap in
brackets is wider than was asked for.

{rows}"""


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one line a row, with medians and spreads, and the least CPU time as a multiple of the library's."""
    lines = []
    for row in rows:
        line = {name: row.get(name) for name in COLUMNS} | {"repeats": len(row.get("cpu", []))}
        line["limit"] = row["asked"]["limit"]
        for clock in ("cpu", "wall"):
            spent = np.array(row.get(clock) or [np.nan])
            line |= {clock: np.median(spent), f"{clock}_min": spent.min(), f"{clock}_max": spent.max()}
        memory = row.get("memory")
        line["memory_mb"] = None if memory is None else memory / 2**20
        line["reached"] = any(gap is not None and gap <= row["tol"] for gap in (row.get("gap"), row.get("own_gap")))
        lines.append(line)
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    # Times compare where both are as accurate as was asked for.
    case = ["family", "n", "points", "tol"]
    arrived = frame[frame["reached"]]
    ours = arrived[arrived["peer"] == OURS][[*case, "cpu_min"]].rename(columns={"cpu_min": "ours"})
    base = frame.merge(ours, on=case, how="left")["ours"]
    frame["cpu_over_ours"] = (frame["cpu_min"] / base).where(frame["reached"])
    return frame


def markdown(frame: pd.DataFrame, missing: Sequence[str], asked: str) -> str:
    """Return the table as a page."""
    header = ("problem", "asked (bits)", "solver", "CPU s", "wall s", "memory MB", "gap (bits)", "CPU / ours", "")
    return _PAGE.format(
        asked=asked,
        missing="; ".join(missing) or "none",
        made=", ".join(f"{name} {value}" for name, value in made_by().items()),
        ours=OURS,
        summary=grid(*summary(frame)),
        rows=grid(header, [_cells(line) for line in frame.to_dict("records")]),
    )


def grid(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    r"""Return a table in Markdown.

    >>> print(grid(["n", "s"], [["1", "a|b"]]), end="")
    | n | s |
    |---|---|
    | 1 | a\|b |
    """
    rows = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" for cells in (header, *lines)]
    return "\n".join([rows[0], f"|{'---|' * len(header)}", *rows[1:]]) + "\n"


def _cells(line: dict[Any, Any]) -> list[str]:
    gap = "" if pd.isna(line["gap"]) else f"{line['gap']:.1e}"
    status = "" if line["status"] == "solved" else line["status"]
    return [
        problem(line),
        f"{line['tol']:.0e}",
        line["peer"],
        _spread(line, "cpu"),
        _spread(line, "wall"),
        "" if pd.isna(line["memory_mb"]) else f"{line['memory_mb']:.1f}",
        gap if line["reached"] or not gap else f"({gap})",
        "" if pd.isna(line["cpu_over_ours"]) else f"{line['cpu_over_ours']:.3g}",
        ": ".join(text for text in (status, line["note"] or "") if text),
    ]


def _spread(line: dict[Any, Any], clock: str) -> str:
    if pd.isna(line[clock]):
        return ""
    return f"{line[clock]:.2g} ({line[clock + '_min']:.2g} to {line[clock + '_max']:.2g})"
