"""Three meanings of classification on one pair of axes: ``python -m benchmarks.alphabets``.

X is a biased coin, its label S tells heads apart with probability 0.3, the distortion is Hamming's. The classifier may
be handed a tag, or see the letter alone, or be fixed in advance; each costs more rate than the one before.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import rdcfunc as rdc
from rdcfunc import classifications, distortions, sources
from rdcfunc.information import class_joint, conditional_entropy
from rdcfunc.plotting import COLORS

LABELS = np.array([[1.0, 0.0], [0.7, 0.3]])
#: The level of distortion, and the place between the ends of the curve where the fixed classifier is at its best.
DISTORTION, FITTED = 0.3, 0.6


def coin(measure: classifications.Classification) -> rdc.Problem:
    """Return the coin with this measure of classification."""
    return rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), classification=measure)


def curves(points: int = 25) -> dict[str, rdc.Curve]:
    """Trace ``R(D, C)`` from the least C to H(S) with tags, on the fixed alphabet, and for a fixed classifier."""
    tagged = classifications.ConditionalEntropy(LABELS, tagged=True)
    fixed = classifications.ConditionalEntropy(LABELS)
    p = coin(tagged).source.pmf
    least = tagged.least(p) / tagged.unit
    most = conditional_entropy(class_joint(p, np.ones((2, 1)), LABELS)) / tagged.unit
    grid = np.linspace(least, most, points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)  # wide brackets are drawn as they are
        middle = rdc.rate(coin(fixed), D=DISTORTION, C=least + FITTED * (most - least))
        joint = class_joint(p, middle.channel, LABELS)
        classifier = np.maximum(joint / joint.sum(axis=1, keepdims=True), 1e-9)
        judged = classifications.CrossEntropy(LABELS, classifier / classifier.sum(axis=1, keepdims=True))
        return {
            "tagged": rdc.trace(coin(tagged), D=DISTORTION, C=grid),
            "fixed": rdc.trace(coin(fixed), D=DISTORTION, C=grid),
            "judged": rdc.trace(coin(judged), D=DISTORTION, C=grid),
        }


def draw(found: dict[str, rdc.Curve]) -> Figure:
    """Draw the three curves, and below them what each costs beyond the tagged one, where bands are seen."""
    figure = Figure(figsize=(6.2, 5.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    names = {
        "judged": ("fixed classifier, $E[-\\log_2\\, c(S|\\hat{X})] \\leq C$", COLORS[1], (0, (5, 1.5))),
        "fixed": ("letter alone, $H(S|\\hat{X}) \\leq C$", COLORS[0], "-"),
        "tagged": ("letter and tag, $H(S|\\hat{X},T) \\leq C$", COLORS[2], (0, (1.5, 1))),
    }
    base = found["tagged"].upper
    for key, (name, color, style) in names.items():
        curve = found[key]
        shown = np.isfinite(curve.upper)
        C, lower, upper, zero = curve.C[shown], curve.lower[shown], curve.upper[shown], base[shown]
        top.plot(C, upper, color=color, ls=style, lw=1.7, label=name)
        bottom.plot(C, upper - zero, color=color, ls=style, lw=1.7)
        for ax, shift in ((top, 0.0), (bottom, zero)):
            ax.fill_between(C, lower - shift, upper - shift, color=color, alpha=0.25, lw=0)
    width = max(float((found["fixed"].upper - base).max()), 1e-3)
    bottom.set_ylim(-0.06 * width, 1.6 * width)
    top.set_ylim(bottom=0)
    top.fill_between([], [], [], color=COLORS[0], alpha=0.25, lw=0, label="certified band: the truth lies in it")
    for place, name in ((0, "$H(S|X)$"), (-1, "$H(S)$")):
        level = float(found["tagged"].C[place])
        for ax in (top, bottom):
            ax.axvline(level, color="0.8", lw=0.8, zorder=0)
        bottom.annotate(
            name,
            (level, 1.0),
            (4 if place == 0 else -4, -2),
            ha="left" if place == 0 else "right",
            va="top",
            color="0.35",
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
        )
    for ax in (top, bottom):
        ax.margins(x=0.015)
        ax.spines[["top", "right"]].set_visible(False)
    top.set_ylabel("rate $R$ (bits)")
    bottom.set_ylabel("excess over the tag (bits)")
    bottom.set_xlabel("classification level $C$ (bits)")
    top.set_title(f"$X$ ~ Bernoulli(0.3), $P(S=1|X) = (0, 0.3)$, Hamming distortion $D = {DISTORTION:g}$", fontsize=10)
    top.legend(frameon=False, loc="upper right", fontsize=9)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Trace the curves, write the figure and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alphabets", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the figure (default: results)")
    parser.add_argument("--points", type=int, default=25, help="points of each curve (default: 25)")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    figure = draw(curves(options.points))
    for suffix in ("png", "svg"):
        figure.savefig(options.out / f"alphabets.{suffix}", dpi=200)
    print(f"wrote {options.out / 'alphabets.png'} and .svg")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
