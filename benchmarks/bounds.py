"""The stored bounds of a data set: what is achieved and proved at a rate and a level, and what a codec loses to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, log, sqrt
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.points import PIXELS, Point


def table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the stored bounds: training and test distortion per pixel, and the gap of generalisation."""
    frame = pd.DataFrame([r for r in rows if r["kind"] != "lower"])
    shown = frame[["kind", "R", "level", "D", "test_D", "searched", "C", "test_C", "letters", "seconds"]]
    gap = frame["test_D"] / frame["D"] - 1
    least = [
        2 * proved(rows, R) if kind == "DP" else proved(rows, R, C)
        for kind, R, C in shown[["kind", "R", "C"]].itertuples(index=False)
    ]
    return shown.assign(generalisation=gap, proved=least).sort_values(["kind", "R", "C"], ignore_index=True)


def proved(rows: Iterable[dict[str, Any]], R: float, C: float = inf) -> float:
    """Return the proved lower bound on D(R, C) per pixel: each row of a dual has one, ``R + C + 2 s D >= dual``.

    C counts only where the dual is one within classes. Twice the bound without C is one on D(R, P = 0).
    """
    best = 0.0
    for row in rows:
        if row["kind"] == "lower" and (row["level"] is None or inf > C):
            spent = (R if row["level"] is None else R + C) * log(2)
            best = max(best, (row["dual"] - spent) / (2 * row["price"] * PIXELS))
    return best


def proved_looks(rows: Sequence[dict[str, Any]], R: float, P: np.ndarray) -> np.ndarray:
    """Return the proved lower bound on D(R, P) per pixel: what is proved without perception, and what P still costs."""
    least = proved(rows, R)
    return least + np.maximum(sqrt(least) - np.sqrt(P), 0.0) ** 2


def perceived(rows: Iterable[dict[str, Any]], R: float, P: np.ndarray) -> np.ndarray | None:
    """Return an achieved D(R, P) per pixel at rising levels of W2² per pixel, from the rows of one rate, or else None.

    The encoder of the row at P = 0 has an estimate of distortion D' with ``W2² = D(0) - D'``, and its decoders achieve
    ``D' + (W2 - √P)_+²``. So do those of the encoder for P = inf, whose estimate is within W2² <= D of the samples.
    Time sharing between any two of these achieves the chord: the lower convex hull of both is returned.
    """
    found = {r["kind"]: r for r in rows if r["R"] == R and r["kind"] in ("D", "DP")}
    if len(found) < 2:
        return None
    best, perfect = found["D"]["D"], found["DP"]["D"]
    estimate = found["DP"].get("estimate_D", perfect)
    moved = estimate + np.maximum(sqrt(max(perfect - estimate, 0.0)) - np.sqrt(P), 0.0) ** 2
    D = np.minimum(moved, best + np.maximum(sqrt(best) - np.sqrt(P), 0.0) ** 2)
    hull: list[int] = []
    for i in range(len(P)):
        while len(hull) > 1:
            before, last = hull[-2:]
            chord = D[before] + (D[i] - D[before]) * (P[last] - P[before]) / (P[i] - P[before])
            if chord > D[last]:
                break
            hull.pop()
        hull.append(i)
    return np.interp(P, P[hull], D[hull])


def at(rows: Iterable[dict[str, Any]], R: float, C: float) -> tuple[float, float]:
    """Return D on training and on test images at a rate and a level of H(S|X̂): on chords, achieved by time sharing."""
    curve = sorted((r for r in rows if r["R"] == R and r["kind"] in ("D", "DC")), key=lambda r: float(r["C"]))
    if not curve or curve[0]["C"] > C:
        raise ValueError(f"no bound is stored at R = {R} and C = {C}; compute it by python -m benchmarks.mnist")
    found = [float(np.interp(C, [r["C"] for r in curve], [r[name] for r in curve])) for name in ("D", "test_D")]
    return found[0], found[1]


def stages(rows: Sequence[dict[str, Any]], words: Sequence[Point], point: Point) -> list[tuple[str, float | None]]:
    """Return the distortions between the bound at a codec's rate and C and the codec itself.

    The bound, on training images; the same letters on test images; the codec of words that tells as much of the class,
    or the free one; the means of training images at the codec's messages without dither, then with it; the codec.
    """
    R = min((float(r["R"]) for r in rows), key=lambda rate: abs(rate - point.rate))
    train, test = at(rows, R, point.C)
    nearest = sorted((w for w in words if abs(w.rate - point.rate) < 0.1), key=lambda w: w.C)
    fixed = float(np.interp(point.C, [w.C for w in nearest], [w.D for w in nearest])) if nearest else None
    if point in nearest:
        return [("bound", train), ("generalisation", test), ("one word a message", point.D)]
    return [
        ("bound", train),
        ("generalisation", test),
        ("one word a message", fixed),
        ("encoder", point.encoder),
        ("dither", point.dithered),
        ("decoder", point.D),
    ]


def decompose(stages: Sequence[tuple[str, float | None]]) -> pd.DataFrame:
    """Return what each stage between the bound and a network adds to the distortion.

    Parameters
    ----------
    stages
        Names and distortions, from the bound to the network, None where a stage was not measured: its part is then
        in the next one.

    Examples
    --------
    >>> stages = [("bound", 0.039), ("generalisation", 0.0395), ("one word a message", 0.043), ("decoder", 0.046)]
    >>> decompose(stages)["added"].round(4).tolist()
    [0.0, 0.0005, 0.0035, 0.003]
    """
    known = [(name, D) for name, D in stages if D is not None]
    if not known:
        raise ValueError("no stage has a distortion; give at least the bound's")
    D = np.array([d for _, d in known])
    added = np.diff(D, prepend=D[0])
    total = D[-1] - D[0]
    share = added / total if total else np.zeros_like(added)
    return pd.DataFrame({"stage": [name for name, _ in known], "D": D, "added": added, "share": share})
