"""CPU time of every solver, a line for each problem."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.figure import Figure

from benchmarks.speed.figure import key, palette
from benchmarks.speed.summary import problem
from benchmarks.speed.walk import OURS

#: Marks a solve that the limit ended.
_ARROW = r"$\rightarrow$"


def by_problem(frame: pd.DataFrame) -> Figure:
    """Draw a line for each problem and a mark for each solver: hollow where the gap is wider than was asked for."""
    colors = palette(frame)
    cases = [case.to_dict("records") for _, case in frame.groupby(["family", "n", "points", "tol"], sort=False)]
    figure = Figure(figsize=(8.5, 1.9 + 0.42 * len(cases)), layout="constrained")
    ax = figure.subplots()
    for place, lines in enumerate(cases):
        late = [line for line in lines if line["status"] == "limit"]
        done = [line for line in lines if not pd.isna(line["gap"])]
        for k, line in enumerate(late):
            # Arrows stand one behind the other where the limit ended several.
            ax.plot(line["limit"] * 1.3 ** (1 + k), place, marker=_ARROW, lw=0, color=colors[line["peer"]], ms=10)
        for k, line in enumerate(done):
            # Marks of one time stand a little apart.
            color, ours, aside = colors[line["peer"]], line["peer"] == OURS, 0.07 * (k - len(done) / 2)
            fill = color if line["reached"] else "white"
            size, order = (8.5, 4) if ours else (7, 3)
            height = place if ours else place + aside
            ax.plot(line["cpu_min"], height, "o", color=color, mfc=fill, mew=1.5, ms=size, zorder=order)
    names = [f"{problem(lines[0])}, $10^{{{round(math.log10(lines[0]['tol']))}}}$" for lines in cases]
    ax.set_yticks(range(len(cases)), names, fontsize=9)
    ax.set_ylim(len(cases) - 0.5, -0.5)
    ax.set_xscale("log")
    ax.set_xlabel("CPU time (s)")
    ax.grid(color="0.92", lw=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    key(figure, colors, "gap wider than asked", _ARROW, 3, linked=False)
    return figure
