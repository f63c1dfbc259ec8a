"""Figures: bounds as bands, lines labelled where they run; every function takes and returns axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rdcfunc.style import COLORS, SUFFIXES, axes, label_lines, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rdcfunc.curve import Curve
    from rdcfunc.fixed_encoder import Reuse
    from rdcfunc.problem import Target

__all__ = ["COLORS", "SUFFIXES", "label_lines", "plot_curve", "plot_reuse", "plot_surface", "save", "style"]

_NAMES = {"R": "rate $R$ (bits)", "D": "distortion $D$", "P": "perception $P$", "C": "classification $C$"}


def plot_curve(curve: Curve, ax: Axes | None = None, label: str | None = None, color: str | None = None) -> Axes:
    """Draw the band between lower and upper bound against the level that varies along the last axis.

    A grid with two axes gives one line for each of its rows, on which the row's level is written.

    Parameters
    ----------
    curve
        A curve with one or two axes.
    ax
        Axes to draw on; new ones if None.
    label
        Label of the line, for a curve with one axis; it is written where the line ends, and needs no legend.
    color
        One colour for all lines; None walks through the palette, from where the lines before have left it.

    Raises
    ------
    ValueError
        If the curve has more than two axes or no level varies along the last one.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2))
    >>> plot_curve(rdc.trace(problem, D=[0.0, 0.1, 0.2, 0.3])).get_xlabel()
    'distortion $D$'
    """
    if curve.value.ndim not in (1, 2):
        raise ValueError(
            f"a curve with one or two axes can be drawn (got {curve.value.ndim}); let one or two levels vary"
        )
    levels = {name: np.atleast_2d(getattr(curve, name)) for name in "DPCR" if name != curve.quantity}
    varying = [name for name, grid in levels.items() if not (grid == grid[:, :1]).all()]
    if not varying:
        raise ValueError("no level varies along the curve's last axis; there is nothing to draw against")
    across = varying[0]
    others = [
        n for n, grid in levels.items() if n != across and (grid == grid[:, :1]).all() and not (grid == grid[:1]).all()
    ]
    ax = axes(ax)
    drawn = len(ax.lines)
    lower, upper = np.atleast_2d(curve.lower), np.atleast_2d(curve.upper)
    for row in range(upper.shape[0]):
        x, low, high = levels[across][row], lower[row], upper[row]
        shown = np.isfinite(high)
        hue = color or COLORS[(drawn + row) % len(COLORS)]
        name = label if upper.shape[0] == 1 else ", ".join(_level(n, levels[n][row, 0]) for n in others)
        ax.fill_between(x[shown], low[shown], high[shown], color=hue, alpha=0.25, lw=0)
        ax.plot(x[shown], high[shown], color=hue, lw=1.4, label=name)
    ax.set_xlabel(_NAMES[across])
    ax.set_ylabel(_NAMES[curve.quantity])
    ax.margins(x=0.02)
    return label_lines(ax) if upper.shape[0] > 1 or label else ax


def _level(name: str, value: float) -> str:
    return f"{name} = {value:g}" if np.isfinite(value) else f"no {name}"


def plot_surface(curve: Curve, ax: Axes | None = None, levels: int = 10) -> Axes:
    """Draw a surface over two levels as filled contours, its lines labelled, infeasible points blank.

    Colours show the upper bound. Points whose bracket is wider than a tenth of the step between two contours are
    marked, so that what is not settled is seen.

    Parameters
    ----------
    curve
        A curve with two axes, one level along each.
    ax
        Axes to draw on; new ones if None.
    levels
        The number of contours, about.

    Raises
    ------
    ValueError
        If the curve has not two axes, or no level of its own varies along each.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, perceptions
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> ax = plot_surface(rdc.trace(problem, D=[[0.05, 0.1, 0.2]], P=[[0.0], [0.1]]))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('distortion $D$', 'perception $P$')
    """
    grids = {name: getattr(curve, name) for name in "DPCR" if name != curve.quantity}
    if curve.value.ndim != 2 or min(curve.value.shape) < 2:
        raise ValueError(f"a surface has two axes of at least two points (got shape {curve.value.shape})")
    across = [name for name, grid in grids.items() if (grid == grid[:1]).all() and not (grid == grid[:, :1]).all()]
    up = [name for name, grid in grids.items() if (grid == grid[:, :1]).all() and not (grid == grid[:1]).all()]
    if not across or not up:
        raise ValueError("a surface needs one level that varies along its columns alone and one along its rows alone")
    ax = axes(ax)
    from matplotlib.ticker import MaxNLocator

    x, y = grids[across[0]], grids[up[0]]
    upper = np.ma.masked_invalid(curve.upper)
    ticks = MaxNLocator(levels).tick_values(float(upper.min()), float(upper.max()))
    filled = ax.contourf(x, y, upper, ticks, cmap="viridis_r", alpha=0.85)
    lines = ax.contour(x, y, upper, ticks[1:-1], colors="black", linewidths=0.6)
    ax.clabel(lines, fontsize="x-small", fmt="%g")
    wide = np.isfinite(curve.upper)
    wide[wide] = curve.upper[wide] - curve.lower[wide] > 0.1 * (ticks[1] - ticks[0])
    if wide.any():
        ax.plot(x[wide], y[wide], ".", color="black", ms=2.5, label="wide bracket")
        ax.legend(loc="upper right")
    ax.figure.colorbar(filled, ax=ax, label=_NAMES[curve.quantity])
    ax.set_xlabel(_NAMES[across[0]])
    ax.set_ylabel(_NAMES[up[0]])
    return ax


def plot_reuse(reuse: Reuse, ax: Axes | None = None) -> Axes:
    """Draw the extra distortion of each encoder (row) at each target (column) as a heat map with its upper bounds.

    A pair that no decoder can serve is left blank.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, perceptions
    >>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    >>> theta = [rdc.Target(), rdc.Target(P=0.05), rdc.Target(P=0.0)]
    >>> plot_reuse(rdc.reuse_penalty(problem, theta, R=0.4)).get_xlabel()
    'serving'
    """
    K = len(reuse.targets)
    side = 2.2 + 0.75 * K
    ax = axes(ax, (side + 1.0, side))
    extra = np.where(np.isfinite(reuse.upper), reuse.upper, np.nan)
    top = max(float(np.nanmax(extra)), 1e-12)
    image = ax.imshow(extra, cmap="Blues", vmin=0.0, vmax=top)
    for k, other in np.ndindex(K, K):
        value = extra[k, other]
        text = "–" if np.isnan(value) else "0" if value < 5e-7 else f"{value:.2g}"
        dark = value > 0.6 * top
        ax.text(other, k, text, ha="center", va="center", color="white" if dark else "black", size="small")
    names = [_named(target) for target in reuse.targets]
    ax.set_xticks(range(K), names, rotation=35, ha="right")
    ax.set_yticks(range(K), names)
    ax.set_xlabel("serving")
    ax.set_ylabel("encoder made for")
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(image, ax=ax, label="extra distortion", shrink=0.85)
    return ax


def _named(target: Target) -> str:
    levels = [f"{name} = {getattr(target, name):g}" for name in "DPC" if np.isfinite(getattr(target, name))]
    return ", ".join(levels) or "no level"
