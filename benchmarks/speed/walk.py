"""Many measurements: those that are not kept yet and that need not be in vain, in the order of a plan."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path

from benchmarks import store
from benchmarks.speed.cases import Case
from benchmarks.speed.judge import Row, said
from benchmarks.speed.peers import Peer
from benchmarks.speed.run import measure

#: What rows of the library are called.
OURS = "rdcfunc"


def entrants(case: Case, peers: Sequence[Peer]) -> list[Peer]:
    """Return the peers that a case is for."""
    return [] if case.alone else [peer for peer in peers if peer.takes(case.perception)]


def walk(cases: Sequence[Case], peers: Sequence[Peer], rows: store.Rows, repeats: int, limit: float) -> Iterator[Row]:
    """Measure what ``rows`` does not hold yet, and yield each row of the plan when it is there.

    A peer is not tried where it cannot be expected to arrive: beyond a size at which it took too long, or more
    accurately than it was asked for in vain.
    """
    made = made_by()
    done = {_key(row): row for row in rows.rows if row["provenance"] == made}
    for case in cases:
        for peer in (None, *entrants(case, peers)):
            label = OURS if peer is None else peer.label
            row: Row = {**asdict(case), "peer": label, "asked": {"repeats": repeats, "limit": limit}}
            if _key(row) not in done:
                ours = done.get(_key(row | {"peer": OURS}), {})
                hopeless = None if peer is None else _hopeless(case, peer, done.values(), ours)
                if hopeless is None:
                    found = measure(case, peer, repeats, limit, ours.get("slopes", ()))
                else:
                    found = said("skipped", hopeless)
                row |= found | {"provenance": made}
                rows.append(row)
                done[_key(row)] = row
            yield done[_key(row)]


@cache
def made_by() -> dict[str, str]:
    """Return what makes a timing: the versions of everyone, the commit, the machine and its processor."""
    processor = "unknown"
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
    others = store.versions(("clarabel", "ecos", "scs", "mosek", "coptpy", "dit"))
    return store.provenance() | others | {"processor": processor}


def _hopeless(case: Case, peer: Peer, done: Iterable[Row], ours: Row) -> str | None:
    """Return why a peer need not be tried: a slope that is lacking, or what it did on easier cases of the family."""
    if peer.needs_slope and not ours.get("slopes"):
        return f"{OURS} gave no slope"
    for row in done:
        if row["peer"] != peer.label or row["family"] != case.family or row["n"] > case.n or row["tol"] < case.tol:
            continue
        if row["status"] == "limit":
            return f"not done at n = {row['n']}, {row['tol']:.0e}"
        if row["n"] == case.n and row["tol"] > case.tol and not (row["gap"] or math.inf) <= row["tol"]:
            return f"{row['tol']:.0e} was not reached"
    return None


def _key(row: Row) -> str:
    return repr([row[name] for name in ("family", "n", "tol", "points", "peer", "asked")])
