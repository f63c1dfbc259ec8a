"""What reuse costs trained codecs: ``python -m benchmarks.codecs ROWS.jsonl`` draws the rows of a sweep.

Left, distortion against the cross-entropy of the codecs' own classifier, with the floor H(S|Z,U) that no reader of an
encoder's messages can pass; right, distortion against the distance between the laws of images and reconstructions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.store import Rows
from neural.summary import summary
from rdcfunc import plotting

_AXES = {
    "C": ("classification_weight", "cross-entropy of the classifier (bits)", r"\lambda_c"),
    "critic": ("perception_weight", "Wasserstein-1 by a judge critic", r"\lambda_p"),
}


def draw(table: pd.DataFrame) -> Figure:
    """Draw end-to-end codecs as discs, and decoders on frozen encoders as squares of their encoder's colour.

    Error bars are standard errors over seeds; a tick left of a codec is the floor of its encoder, and a line from an
    end-to-end codec to a square of the same weight is what reuse costs.
    """
    shown = [level for level in _AXES if level in table]
    figure = Figure(figsize=(4.6 * len(shown), 4.0), layout="constrained")
    for ax, level in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown, strict=True):
        weight, label, symbol = _AXES[level]
        other = next(each for each, *_ in _AXES.values() if each != weight)
        rows_ = table[(table[other] == 0) & (table[f"encoder_{other}"].fillna(0) == 0)]
        _panel(ax, rows_, level, weight, symbol)
        ax.set_xlabel(label)
        ax.set_ylabel("distortion (squared error per pixel)")
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8)
    return figure


def _panel(ax: Axes, table: pd.DataFrame, level: str, weight: str, symbol: str) -> None:
    values = sorted(table[weight].unique())
    hues = {value: plotting.COLORS[k % len(plotting.COLORS)] for k, value in enumerate(values)}
    own = table[table[f"encoder_{weight}"].isna()].set_index(weight)
    for _, row in table.iterrows():
        encoder = row[f"encoder_{weight}"]
        reused = not np.isnan(encoder)
        hue = hues.get(encoder if reused else row[weight], "0.4")
        name = rf"decoder ${symbol}$ = {row[weight]:g} on the encoder of {encoder:g}"
        label = name if reused else rf"end to end, ${symbol}$ = {row[weight]:g}"
        bars = {"xerr": row.get(f"{level}_se"), "yerr": row["D_se"]}
        marker, face = ("s", "none") if reused else ("o", hue)
        ax.errorbar(
            row[level], row["D"], **bars, fmt=marker, color=hue, mfc=face, ms=6, lw=1, capsize=2, label=label, zorder=3
        )
        if level == "C":
            ax.plot([row["floor"], row["C"]], [row["D"]] * 2, ":", color=hue, lw=0.8, zorder=1)
            ax.plot(row["floor"], row["D"], "|", color=hue, ms=9, zorder=1)
        if reused and row[weight] in own.index:
            start = own.loc[row[weight]]
            ax.plot([start[level], row[level]], [start["D"], row["D"]], color="0.75", lw=0.8, zorder=0)
    if level == "C":
        ax.plot([], [], "|", color="0.4", ms=9, label="floor $H(S|Z,U)$ of the encoder")


def main(arguments: list[str] | None = None) -> None:
    """Draw the rows and print their means and standard errors."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codecs", description=__doc__)
    parser.add_argument("rows", type=Path, help="rows.jsonl of a sweep")
    parser.add_argument("--out", type=Path, default=Path("codecs.svg"), help="the figure (%(default)s)")
    options = parser.parse_args(arguments)
    if not (found := Rows(options.rows).rows):
        raise SystemExit(f"{options.rows} holds no finished codec; python -m neural sweep makes such a file")
    table = summary(found)
    plotting.save(draw(table).axes[0], options.out)
    print(table.to_string(index=False, float_format="%.4g"))


if __name__ == "__main__":
    main()
