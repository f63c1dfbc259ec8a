"""One line a problem: the library, the fastest peer that is as accurate, and how far the others came."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.speed.walk import OURS

_NAMES = {
    "rand": "random",
    "hamming": "Hamming",
    "gauss": "Gaussian grid",
    "tv": "TV",
    "kl": "KL",
    "w1": "W₁",
    "w2": "W₂²",
    "curve": "Gaussian grid",
    "tagged": "tagged labels",
    "labels": "labels",
    "universal": "three decoders",
}


def problem(line: dict[Any, Any]) -> str:
    """Return what a case is called in tables.

    >>> problem({"family": "curve", "n": 200, "points": 50})
    'Gaussian grid, n = 200, 50 points'
    >>> problem({"family": "hamming", "n": 10**6, "points": 1})
    'Hamming, n = 1 000 000'
    """
    n = str(line["n"]) if line["n"] < 10_000 else f"{line['n']:,}".replace(",", " ")
    points = f", {line['points']} points" if line["points"] > 1 else ""
    return f"{_NAMES[line['family']]}, n = {n}{points}"


def bits(value: float) -> str:
    """Write a gap.

    >>> bits(1e-6), bits(0.7), bits(1.1)
    ('1e-6', '7e-1', '1')
    """
    return f"{value:.0e}".replace("e-0", "e-").replace("e+00", "")


def summary(frame: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return the header and the cells of a table with one line a problem, from the table of measurements."""
    header = ["problem", "asked (bits)", f"{OURS}, CPU s", "gap (bits)", "next, CPU s", "ratio", "did not reach it"]
    cells = []
    for _, case in frame.groupby(["family", "n", "points", "tol"], sort=False):
        lines = case.to_dict("records")
        arrived = sorted((line for line in lines if line["reached"]), key=lambda line: line["cpu_min"])
        ours = next((line for line in arrived if line["peer"] == OURS), None)
        peer = next((line for line in arrived if line["peer"] != OURS), None)
        others = [line for line in lines if line["peer"] != OURS]
        late = "; ".join(f"{line['peer']}: {_instead(line)}" for line in others if not line["reached"])
        cells.append(
            [
                problem(lines[0]),
                bits(lines[0]["tol"]),
                "not reached" if ours is None else _digits(ours["cpu_min"]),
                "" if ours is None else _gap(ours),
                ("none" if others else "not asked") if peer is None else f"{peer['peer']}, {_digits(peer['cpu_min'])}",
                _digits(peer["cpu_min"] / ours["cpu_min"]) if peer is not None and ours is not None else "",
                late,
            ]
        )
    return header, cells


def _digits(value: float) -> str:
    """Write at least two digits, and no powers of ten.

    >>> _digits(0.01234), _digits(123.4)
    ('0.012', '123')
    """
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"


def _gap(line: dict[Any, Any]) -> str:
    """Return the recomputed gap, or the solution's own where only that is as narrow as was asked for."""
    own = line["gap"] > line["tol"] or "own bracket" in (line["note"] or "")
    return f"{bits(line['own_gap'])} (own)" if own else bits(line["gap"])


def _instead(line: dict[Any, Any]) -> str:
    """Return how far a peer came: a gap and its time, or why there is none."""
    if line["status"] == "solved":
        return f"{bits(line['gap'])} in {_digits(line['cpu_min'])} s"
    return "not tried" if line["status"] == "skipped" else str(line["note"])
