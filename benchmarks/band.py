"""The stored bounds of a data set with measured codecs on the same axes: ``python -m benchmarks.band``.

The line is achieved by letters that were fitted to the training images, the dashed one by the same letters on test
images. Between the line and the proved lower bound is a band. The bound from a search is a dash: it is not certified.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.store import Rows
from rdcfunc.plotting import COLORS

#: Of an image of MNIST.
_PIXELS = 784
_HERE = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Point:
    """A measured codec.

    Attributes
    ----------
    name
        Its weights.
    rate, D, C
        The most of its rate in bits, distortion per pixel, and ``H(S|Z)`` of its messages in bits.
    P
        The squared W1 per pixel that a critic found between images and reconstructions, which is at most their W2²;
        None if it was not measured.
    error
        The standard error of D over seeds.
    reused
        Whether the encoder was made for another decoder.
    weighs
        ``"C"`` or ``"P"`` for what it, or its encoder, was trained for beside the distortion, empty for nothing.
    encoder, dithered
        The distortion of the means of training images at the same message: without dither, and with it.
    """

    name: str
    rate: float
    D: float
    C: float
    P: float | None = None
    error: float = 0.0
    reused: bool = False
    weighs: str = ""
    encoder: float | None = None
    dithered: float | None = None


def words(rows: Iterable[dict[str, Any]]) -> list[Point]:
    """Return codecs of words, mean over seeds on test images, from the rows of ``benchmarks.best``.

    No law is further from the images' in W2² than D, and means of the images that are nearest are just as far.
    """
    frame = pd.DataFrame(
        {"weight": r["weight"], "rate": r["rate"], "D": r["test"]["mse"], "C": r["test"]["equivocation"]} for r in rows
    )
    if frame.empty:
        return []
    means = frame.groupby("weight").mean().reset_index()
    return [
        Point(f"27 words, $\\lambda_c$ = {w:g}", rate, D, C, P=None if w else D, weighs="C" if w else "")
        for w, rate, D, C in means[["weight", "rate", "D", "C"]].itertuples(index=False)
    ]


def networks(rows: Sequence[dict[str, Any]]) -> list[Point]:
    """Return networks that weigh C or P, mean over seeds on test images, from the rows of a sweep of ``neural``."""
    from neural.summary import summary

    if not rows:
        return []
    points = []
    for row in summary(rows).fillna({"D_se": 0.0}).to_dict("records"):
        weights = {"C": ("classification_weight", "\\lambda_c"), "P": ("perception_weight", "\\lambda_p")}
        weighs = "".join(x for x, (name, _) in weights.items() if row[name] or row[f"encoder_{name}"] > 0)
        if len(weighs) == 2:
            continue
        column, symbol = weights[weighs or "C"]
        own, encoder = f"${symbol}$ = {row[column]:g}", row[f"encoder_{column}"]
        reused = not np.isnan(encoder)
        name = f"decoder {own} on the encoder of {encoder:g}" if reused else f"network end to end, {own}"
        critic = row.get("critic", np.nan)
        points.append(
            Point(
                name,
                row["nominal_rate"],
                row["D"],
                row["floor"],
                P=None if np.isnan(critic) else critic**2 / _PIXELS,
                error=row["D_se"],
                reused=reused,
                weighs=weighs,
                encoder=row.get("undithered_distortion"),
                dithered=row.get("refitted_distortion"),
            )
        )
    return points


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
            best = max(best, (row["dual"] - spent) / (2 * row["price"] * _PIXELS))
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


def draw(rows: Sequence[dict[str, Any]], points: Sequence[Point], R: float) -> Figure:
    """Draw D against C and against P at one rate, with codecs of about that rate, and D against the rate."""
    figure = Figure(figsize=(13.5, 5.6), layout="constrained")
    axes = figure.subplots(1, 3)
    near = [p for p in points if abs(p.rate - R) < 0.1]
    _classes(axes[0], rows, [p for p in near if p.weighs != "P"], R)
    _looks(axes[1], rows, [p for p in near if p.P is not None and p.weighs != "C"], R)
    _rates(axes[2], rows, points)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    axes[0].set_ylabel("distortion $D$ (squared error per pixel)")
    return figure


def _classes(ax: Axes, rows: Sequence[dict[str, Any]], points: Sequence[Point], R: float) -> None:
    curve = sorted((r for r in rows if r["R"] == R and r["kind"] in ("D", "DC")), key=lambda r: float(r["C"]))
    C, D, test = (np.array([r[name] for r in curve]) for name in ("C", "D", "test_D"))
    ax.plot(C, D, ".-", color=COLORS[0], label=f"achieved at $R$ = {R:g} bits, training images")
    if curve:
        levels = np.linspace(C[0], C[-1], 200)
        _band(ax, levels, np.array([proved(rows, R, level) for level in levels]), np.interp(levels, C, D), COLORS[0])
    ax.plot([r["test_C"] for r in curve], test, "--", color=COLORS[0], label="the same letters, test images")
    for r in curve:
        if r["searched"] is not None:
            ax.plot(r["C"], r["searched"], "_", color=COLORS[0], ms=10, label="lower bound, searched: not certified")
    _codecs(ax, [(p.C, p) for p in points])
    ax.set_xlabel("$H(S \\mid \\hat{X})$ (bits)")


def _looks(ax: Axes, rows: Sequence[dict[str, Any]], points: Sequence[Point], R: float) -> None:
    worst = max((r["D"] for r in rows if r["R"] == R and r["kind"] == "D"), default=0.0)
    P = np.linspace(0, 1.2 * worst, 200)
    D = perceived(rows, R, P)
    if D is not None:
        ax.plot(P, D, color=COLORS[0], label=f"achieved at $R$ = {R:g} bits, training images")
        _band(ax, P, proved_looks(rows, R, P), D, COLORS[0])
    _codecs(ax, [(p.P, p) for p in points if p.P is not None])
    ax.set_xlabel("$W_2^2$ per pixel; networks: squared $W_1$ of a critic, at most $W_2^2$")


def _band(ax: Axes, x: np.ndarray, low: np.ndarray, high: np.ndarray, shade: str) -> None:
    if low.max(initial=0.0) > 0:
        ax.fill_between(x, low, high, color=shade, alpha=0.15, lw=0, label="down to the proved lower bound")
        ax.plot(x, low, color=shade, lw=0.8)


def _codecs(ax: Axes, points: Iterable[tuple[float, Point]]) -> None:
    for i, (place, point) in enumerate(points):
        shade = COLORS[1 + i % (len(COLORS) - 1)]
        marker, face = ("s", "none") if point.reused else ("o", shade)
        ax.errorbar(place, point.D, point.error, fmt=marker, color=shade, mfc=face, ms=6, capsize=2, label=point.name)


def _rates(ax: Axes, rows: Sequence[dict[str, Any]], points: Sequence[Point]) -> None:
    for kind, label, shade in (("D", "$D(R)$", COLORS[0]), ("DP", "$D(R, P = 0)$", COLORS[3])):
        found = sorted((r for r in rows if r["kind"] == kind), key=lambda r: float(r["R"]))
        if not found:
            continue
        ax.plot([r["R"] for r in found], [r["D"] for r in found], ".-", color=shade, label=label)
        ends = found[0]["R"], found[-1]["R"]
        R, times = np.linspace(*ends, 100), 1 if kind == "D" else 2
        D = np.interp(R, [r["R"] for r in found], [r["D"] for r in found])
        _band(ax, R, np.array([times * proved(rows, rate) for rate in R]), D, shade)
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
    told = words(Rows(options.words).rows)
    points = told + networks(Rows(options.networks).rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw(rows, points, options.rate).savefig(options.out)
    print(table(rows).to_string(float_format=lambda value: f"{value:.5g}"))
    for point in points:
        if abs(point.rate - options.rate) < 0.1:
            print(f"\n{point.name}")
            print(decompose(stages(rows, told, point)).to_string(float_format=lambda value: f"{value:.4g}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
