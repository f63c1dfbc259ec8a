"""The stored bounds of a data set with measured codecs on the same axes: ``python -m benchmarks.band``.

The line is achieved by letters that were fitted to the training images, the dashed one by the same letters on test
images. Between the line and the proved lower bound is a band. The bound from a search is a dash: it is not certified.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.bounds import decompose, perceived, proved, proved_looks, stages, table
from benchmarks.points import Point, coded, networks, words
from benchmarks.store import Rows, write
from rdcfunc.plotting import COLORS

_HERE = Path(__file__).parent / "results"


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
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    axes[0].set_ylabel("distortion $D$ (squared error per pixel)")
    return figure


def _classes(ax: Axes, rows: Sequence[dict[str, Any]], points: Sequence[Point], R: float) -> None:
    curve = sorted((r for r in rows if r["R"] == R and r["kind"] in ("D", "DC")), key=lambda r: float(r["C"]))
    if curve:
        C, D, test_C, test_D = (np.array([r[name] for r in curve]) for name in ("C", "D", "test_C", "test_D"))
        ax.plot(C, D, ".-", color=COLORS[0], label=f"achieved at $R$ = {R:g} bits, training images")
        levels = np.linspace(C[0], C[-1], 200)
        _band(ax, levels, np.array([proved(rows, R, level) for level in levels]), np.interp(levels, C, D), COLORS[0])
        ax.plot(test_C, test_D, "--", color=COLORS[0], label="the same letters, test images")
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
    points = told + coded(rows) + networks(Rows(options.networks).rows)
    figure = draw(rows, points, options.rate)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write(options.out, lambda file: figure.savefig(file, format=options.out.suffix[1:]))
    print(table(rows).to_string(float_format=lambda value: f"{value:.5g}"))
    for point in points:
        if abs(point.rate - options.rate) < 0.1:
            print(f"\n{point.name}")
            print(decompose(stages(rows, told, point)).to_string(float_format=lambda value: f"{value:.4g}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
