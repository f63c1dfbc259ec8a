"""The figure that this project is for: certified bounds and measured codecs on one pair of axes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatter

from benchmarks.theory import Bound
from rdcfunc.plotting import COLORS

_MARKERS = ("o", "s", "^", "D", "v")


def compare(frame: pd.DataFrame, bound: Bound | None) -> Figure:
    """Draw D against C: the band of D(R, C), end-to-end codecs outlined in black, universal ones without.

    Error bars are one standard deviation over seeds. A tick to the left of a codec is its encoder's floor
    H(S|Z,U), which no classifier can pass.
    """
    figure = Figure(figsize=(7.4, 5.4), layout="constrained")
    plot_comparison(figure.add_subplot(), frame, bound)
    figure.legend(frameon=False, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def across(rates: Mapping[float, tuple[pd.DataFrame, Bound | None]]) -> Figure:
    """Draw the comparisons at some nominal rates in bits side by side, on one scale of D."""
    figure = Figure(figsize=(1.2 + 3.6 * len(rates), 4.6), layout="constrained")
    columns = figure.subplots(1, len(rates), sharey=True, squeeze=False)[0]
    for ax, (rate, (frame, bound)) in zip(columns, rates.items(), strict=True):
        plot_comparison(ax, frame, bound).set_title(f"$R$ = {rate:.4g} bits", fontsize=10)
        ax.label_outer()
        ax.set_xlabel("classification loss $C$ (bits)")
    handles, labels = columns[0].get_legend_handles_labels()
    kept = [k for k, label in enumerate(labels) if not label.startswith("theory")]
    figure.legend(
        [handles[k] for k in kept],
        [labels[k] for k in kept],
        frameon=False,
        loc="outside lower center",
        ncols=4,
        fontsize=8,
    )
    return figure


def plot_comparison(ax: Axes, frame: pd.DataFrame, bound: Bound | None) -> Axes:
    """Draw one comparison on axes and return them."""
    ax.set_xscale("log")
    if bound is not None:
        _band(ax, bound, right=max(2.0, 1.3 * float(frame["C"].max()) if len(frame) else 2.0))
    if len(frame):
        _codecs(ax, frame)
    ax.set_xlabel("classification loss $C$ (bits): $H(S|\\hat{X})$ in theory, cross-entropy of the codecs")
    ax.set_ylabel("distortion $D$ (squared error per pixel)")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    # Powers of ten are too few for less than a decade.
    ax.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.5)))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _band(ax: Axes, bound: Bound, right: float) -> None:
    order = np.argsort(bound.C)
    C = np.concatenate([np.geomspace(bound.C.min(), bound.C.max(), 200), [right]])
    ax.fill_between(C, bound.lower_at(C), bound.upper_at(C), color=COLORS[0], alpha=0.35, lw=0)
    label = f"theory, $D(R, C)$ at $R$ = {bound.rate:.3f} bits: certified band, {len(bound.letters)} letters"
    ax.plot(C, bound.upper_at(C), color=COLORS[0], lw=1.5, label=label)
    ax.plot(bound.C[order], bound.upper[order], ".", color=COLORS[0], ms=5)


def _codecs(ax: Axes, frame: pd.DataFrame) -> None:
    weights = sorted(frame["weight"].unique())
    shades = {weight: COLORS[1 + k % (len(COLORS) - 1)] for k, weight in enumerate(weights)}
    families = [np.nan, *sorted(frame["encoder"].dropna().unique())]
    for family, marker in zip(families, cycle(_MARKERS), strict=False):
        end_to_end = np.isnan(family)
        rows = frame[frame["encoder"].isna() if end_to_end else frame["encoder"] == family]
        if not len(rows):
            continue
        name = "end-to-end codecs" if end_to_end else f"universal decoders, encoder of $\\lambda_c$ = {family:g}"
        ax.plot(rows["C"], rows["D"], color="0.6", lw=0.7, zorder=1)
        ax.plot([], [], marker, color="0.75", mec="black" if end_to_end else "none", ms=7, label=name)
        for _, row in rows.iterrows():
            hue = shades[row["weight"]]
            ax.errorbar(row["C"], row["D"], xerr=row["C_sd"], yerr=row["D_sd"], color=hue, lw=1, zorder=2)
            edge = "black" if end_to_end else "none"
            ax.plot(row["C"], row["D"], marker, color=hue, mec=edge, mew=1.1, ms=7, zorder=3)
            ax.plot([row["floor"], row["C"]], [row["D"]] * 2, ":", color=hue, lw=0.8, zorder=1)
            ax.plot(row["floor"], row["D"], "|", color=hue, ms=9, zorder=1)
    for weight in weights:
        ax.plot([], [], "s", color=shades[weight], ms=6, label=f"$\\lambda_c$ = {weight:g}")
    ax.plot([], [], "|", color="0.4", ms=9, label="floor $H(S|Z,U)$ of the encoder")
