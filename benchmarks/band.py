"""The stored bounds of a data set with measured codecs on the same axes: ``python -m benchmarks.band``.

The line is achieved by letters that were fitted to the training images, the dashed one by the same letters on test
images. The bound from a search is dotted: it is not certified, and neither line can be passed by more than the room
below it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.store import Rows
from rdcfunc.plotting import COLORS

_HERE = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Point:
    """A measured codec: most of its rate in bits, distortion per pixel, and ``H(S|Z)`` of its messages in bits.

    ``error`` is the standard error of D over seeds, ``reused`` says that the encoder was made for another decoder.
    """

    name: str
    rate: float
    D: float
    C: float
    error: float = 0.0
    reused: bool = False


def words(rows: Iterable[dict[str, Any]]) -> list[Point]:
    """Return codecs of words, mean over seeds on test images, from the rows of ``benchmarks.best``."""
    frame = pd.DataFrame(
        {"weight": r["weight"], "rate": r["rate"], "D": r["test"]["mse"], "C": r["test"]["equivocation"]} for r in rows
    )
    if frame.empty:
        return []
    means = frame.groupby("weight").mean().reset_index()
    return [
        Point(f"27 words, $\\lambda_c$ = {w:g}", *values)
        for w, *values in means[["weight", "rate", "D", "C"]].itertuples(index=False)
    ]


def networks(rows: Sequence[dict[str, Any]]) -> list[Point]:
    """Return networks without perception, mean over seeds on test images, from the rows of a sweep of ``neural``."""
    from neural.summary import summary

    if not rows:
        return []
    found = summary(rows)
    found = found[(found["perception_weight"] == 0) & (found["encoder_perception_weight"].fillna(0) == 0)]
    points = []
    for _, row in found.iterrows():
        own, encoder = f"{row['classification_weight']:g}", row["encoder_classification_weight"]
        reused = not np.isnan(encoder)
        name = f"decoder {own} on the encoder of {encoder:g}" if reused else f"network end to end, {own}"
        points.append(Point(name, row["nominal_rate"], row["D"], row["floor"], row["D_se"], reused))
    return points


def table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return the stored bounds: training and test distortion per pixel, and the gap of generalisation."""
    frame = pd.DataFrame(list(rows))
    shown = frame[["kind", "R", "level", "D", "test_D", "lower", "searched", "C", "test_C", "letters", "seconds"]]
    gap = frame["test_D"] / frame["D"] - 1
    return shown.assign(generalisation=gap).sort_values(["kind", "R", "C"], ignore_index=True)


def perceived(rows: Iterable[dict[str, Any]], R: float, P: np.ndarray) -> np.ndarray | None:
    """Return an achieved D(R, P) per pixel at levels of W2² per pixel, from the rows of one rate; None without them.

    The encoder of the row at P = 0 has an estimate of distortion D' with ``W2² = D(0) - D'``, and its decoders achieve
    ``D' + (W2 - √P)_+²``. Time sharing with the encoder for P = inf, whose estimate is within W2² <= D of the samples,
    achieves the chord between them, and the better of the two is shown.
    """
    found = {r["kind"]: r for r in rows if r["R"] == R and r["kind"] in ("D", "DP")}
    if len(found) < 2:
        return None
    best, perfect = found["D"]["D"], found["DP"]["D"]
    chord = perfect + (best - perfect) * np.minimum(P / best, 1.0)
    estimate = found["DP"].get("estimate_D")
    if estimate is None:
        return chord
    moved = estimate + np.maximum(sqrt(max(perfect - estimate, 0.0)) - np.sqrt(P), 0.0) ** 2
    return np.minimum(chord, moved)


def at(rows: Iterable[dict[str, Any]], R: float, C: float) -> tuple[float, float]:
    """Return D on training and on test images at a rate and a level of H(S|X̂): on chords, achieved by time sharing."""
    curve = sorted((r for r in rows if r["R"] == R and r["kind"] in ("D", "DC")), key=lambda r: float(r["C"]))
    if not curve or curve[0]["C"] > C:
        raise ValueError(f"no bound is stored at R = {R} and C = {C}; compute it by python -m benchmarks.mnist")
    found = [float(np.interp(C, [r["C"] for r in curve], [r[name] for r in curve])) for name in ("D", "test_D")]
    return found[0], found[1]


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


def draw(rows: Sequence[dict[str, Any]], points: Sequence[Point], R: float) -> Figure:
    """Draw D against C at one rate, with codecs of about that rate, and D against the rate."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _classes(left, [r for r in rows if r["R"] == R], [p for p in points if abs(p.rate - R) < 0.1], R)
    _rates(right, rows, points)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_ylabel("distortion $D$ (squared error per pixel)")
    left.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    right.legend(frameon=False, fontsize=8)
    return figure


def _classes(ax: Axes, rows: Sequence[dict[str, Any]], points: Sequence[Point], R: float) -> None:
    curve = sorted((r for r in rows if r["kind"] in ("D", "DC")), key=lambda r: float(r["C"]))
    C, D, test = (np.array([r[name] for r in curve]) for name in ("C", "D", "test_D"))
    ax.plot(C, D, ".-", color=COLORS[0], label=f"achieved at $R$ = {R:g} bits, training images")
    ax.plot([r["test_C"] for r in curve], test, "--", color=COLORS[0], label="the same letters, test images")
    for r in curve:
        if r["searched"] is not None:
            ax.plot(r["C"], r["searched"], "_", color=COLORS[0], ms=10, label="lower bound, searched: not certified")
    for i, point in enumerate(points):
        shade = COLORS[1 + i % (len(COLORS) - 1)]
        marker, face = ("s", "none") if point.reused else ("o", shade)
        ax.errorbar(point.C, point.D, point.error, fmt=marker, color=shade, mfc=face, ms=6, capsize=2, label=point.name)
    ax.set_xlabel("$H(S \\mid \\hat{X})$ (bits)")


def _rates(ax: Axes, rows: Sequence[dict[str, Any]], points: Sequence[Point]) -> None:
    for kind, label, shade in (("D", "$D(R)$", COLORS[0]), ("DP", "$D(R, P = 0)$", COLORS[3])):
        found = sorted((r for r in rows if r["kind"] == kind), key=lambda r: float(r["R"]))
        if not found:
            continue
        ax.plot([r["R"] for r in found], [r["D"] for r in found], ".-", color=shade, label=label)
        if kind == "D":
            ax.plot([r["R"] for r in found], [r["test_D"] for r in found], "--", color=shade, label="test images")
            held = [(r["R"], r["searched"]) for r in found if r["searched"] is not None]
            ax.plot(*zip(*held, strict=True), "_", color=shade, ms=9, label="searched, not certified") if held else None
    for point in points:
        ax.plot(point.rate, point.D, "o", color="0.4", ms=4)
    ax.set_xlabel("rate $R$ (bits)")


def main(arguments: list[str] | None = None) -> int:
    """Write the figure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.band", description=__doc__)
    parser.add_argument("--bounds", type=Path, default=_HERE / "mnist-bounds.jsonl")
    parser.add_argument("--words", type=Path, default=_HERE / "best.jsonl")
    parser.add_argument("--networks", type=Path, default=_HERE / "codecs-reduced.jsonl")
    parser.add_argument("--rate", type=float, default=4.755)
    parser.add_argument("--out", type=Path, default=Path("results/mnist-bounds.svg"))
    options = parser.parse_args(arguments)
    rows = Rows(options.bounds).rows
    points = words(Rows(options.words).rows) + networks(Rows(options.networks).rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw(rows, points, options.rate).savefig(options.out)
    print(table(rows).to_string(float_format=lambda value: f"{value:.5g}"))
    for point in points:
        if abs(point.rate - options.rate) < 0.1:
            train, test = at(rows, options.rate, point.C)
            stages = [("bound", train), ("generalisation", test), (point.name, point.D)]
            print(decompose(stages).to_string(float_format=lambda value: f"{value:.4g}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
