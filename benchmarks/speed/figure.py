"""CPU time against the number of letters, a panel for each kind of problem."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.speed.walk import OURS
from rdcfunc.plotting import COLORS

#: Titles of the panels, and their families.
_PANELS: dict[str, tuple[str, ...]] = {
    "$R(D)$, random": ("rand",),
    "$R(D)$, Gaussian grid": ("gauss",),
    "$R(D, P)$: TV, KL": ("tv", "kl"),
    "$R(D, P)$: $W_1$, $W_2^2$": ("w1", "w2"),
}
_NAMES = {"tv": "TV", "kl": "KL", "w1": "$W_1$", "w2": "$W_2^2$"}
#: Marks a solve that the limit ended.
_ARROW = r"$\uparrow$"


def by_size(frame: pd.DataFrame, tol: float = 1e-6) -> Figure | None:
    """Draw CPU time against n, a colour for each solver: hollow where the gap is wider than was asked for.

    There is no figure where no panel has two sizes.
    """
    frame = frame[frame["tol"] == tol]
    panels = {title: shown for title, shown in _PANELS.items() if _sizes(frame, shown)}
    if not any(len(_sizes(frame, shown)) > 1 for shown in panels.values()):
        return None
    frame = frame[frame["family"].isin([family for shown in panels.values() for family in shown])]
    colors = palette(frame)
    figure = Figure(figsize=(max(5.5, 2.9 * len(panels)), 4.1), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, (title, families) in zip(axes, panels.items(), strict=True):
        for k, (name, color) in reversed(list(enumerate(colors.items()))):
            for family, marker, style in zip(families, "os", ("-", "--"), strict=False):
                chosen = frame[(frame["peer"] == name) & (frame["family"] == family)]
                _line(ax, chosen, color, marker, style, 3 if name == OURS else 2)
                # Arrows stand side by side where the limit ended several.
                late = chosen[chosen["status"] == "limit"]
                aside = 1.05 ** (k - len(colors) / 2)
                ax.plot(late["n"] * aside, late["limit"], marker=_ARROW, lw=0, color=color, ms=9)
        _dress(ax, title, _sizes(frame, families))
        if len(families) > 1:
            keys = [
                Line2D([], [], color="0.4", marker=marker, ls=style, ms=5, lw=1.2, label=_NAMES[family])
                for family, marker, style in zip(families, "os", ("-", "--"), strict=True)
            ]
            ax.legend(handles=keys, frameon=False, fontsize=8.5, loc="lower right")
    axes[0].set_ylabel("CPU time (s)")
    key(figure, colors, f"gap above $10^{{{round(math.log10(tol))}}}$ bits", _ARROW, max(2, len(panels)))
    return figure


def palette(frame: pd.DataFrame) -> dict[str, str]:
    """Return a colour for each solver, the library first."""
    solvers = sorted(frame["peer"].unique(), key=lambda name: (name != OURS, str(name)))
    return {name: COLORS[k % len(COLORS)] for k, name in enumerate(solvers)}


def key(figure: Figure, colors: dict[str, str], wide: str, arrow: str, columns: int, linked: bool = True) -> None:
    """Add the legend: solvers, with lines if marks are linked, what hollow marks say, and what arrows say."""
    handles = [
        Line2D([], [], color=color, marker="o", ms=5.5, lw=linked * (2 if name == OURS else 1.3), label=name)
        for name, color in colors.items()
    ]
    handles.append(Line2D([], [], color="0.4", marker="o", mfc="white", ms=5.5, lw=0, label=wide))
    handles.append(Line2D([], [], color="0.4", marker=arrow, ms=8, lw=0, label="stopped by the limit"))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)


def _sizes(frame: pd.DataFrame, families: tuple[str, ...]) -> list[int]:
    return sorted(frame[frame["family"].isin(families)]["n"].unique())


def _dress(ax: Axes, title: str, sizes: list[int]) -> None:
    ax.set_title(title, fontsize=10.5)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("letters $n$")
    ax.set_xticks(sizes, [f"{n}" for n in sizes], fontsize=9)
    ax.minorticks_off()
    ax.margins(x=0.12)
    ax.grid(axis="y", color="0.92", lw=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _line(ax: Axes, rows: pd.DataFrame, color: str, marker: str, style: str, order: int) -> None:
    """Draw one solver on one family, hollow where the gap is too wide."""
    timed = rows[rows["gap"].notna() & rows["cpu"].notna()]
    ax.plot(timed["n"], timed["cpu"], ls=style, color=color, lw=2 if order == 3 else 1.3, zorder=order)
    for fill, some in ((color, timed[timed["reached"]]), ("white", timed[~timed["reached"]])):
        ax.plot(some["n"], some["cpu"], marker, color=color, mfc=fill, mew=1.3, ms=5.5, zorder=order)
