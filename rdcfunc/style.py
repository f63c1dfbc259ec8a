"""The style of figures: sizes, colours, labels on lines, files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rdcfunc.files import write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Okabe and Ito's colours, told apart by colour-blind readers.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

#: Width and height in inches: on a screen, of a column and of a page of a journal.
SIZES = {"screen": (5.2, 3.6), "column": (3.5, 2.6), "page": (7.2, 4.2)}
_LABEL = "line label"
#: What figures are saved as.
SUFFIXES = (".pdf", ".svg", ".png")


@contextmanager
def style(size: str = "screen") -> Iterator[None]:
    """Draw what is made inside in the project's style, at the size of a screen, a journal's column or its page.

    Parameters
    ----------
    size
        ``"screen"``, ``"column"`` (8 pt letters, 3.5 inches wide) or ``"page"`` (7.2 inches).

    Raises
    ------
    ValueError
        If there is no such size.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> with style("column"):
    ...     figure = plt.figure()
    >>> float(figure.get_figwidth())
    3.5
    >>> plt.close(figure)
    """
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)} (got {size!r})")
    import matplotlib as mpl
    from cycler import cycler

    points = 10.0 if size == "screen" else 8.0
    rules: dict[Any, Any] = {
        "figure.figsize": SIZES[size],
        "figure.constrained_layout.use": True,
        "font.size": points,
        "axes.titlesize": points,
        "legend.fontsize": 0.9 * points,
        "axes.prop_cycle": cycler(color=COLORS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "lines.linewidth": 1.4,
        "legend.frameon": False,
    }
    with mpl.rc_context(rules):
        yield


def save(ax: Axes, path: str | os.PathLike[str]) -> None:
    """Write the figure of some axes as PDF, SVG or PNG, whole or not at all.

    Raises
    ------
    ValueError
        If the name ends in none of these.
    TypeError
        If it is not axes that are given.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, tempfile
    >>> with style("column"), tempfile.TemporaryDirectory() as folder:
    ...     ax = plt.subplots()[1]
    ...     save(ax, Path(folder) / "figure.pdf")
    >>> plt.close(ax.figure)
    """
    if not hasattr(ax, "get_figure"):
        raise TypeError(f"ax must be axes, such as what Curve.plot returns (got a {type(ax).__name__})")
    suffix = Path(path).suffix
    if suffix not in SUFFIXES:
        raise ValueError(f"a figure's name must end in {', '.join(SUFFIXES)} (got {os.fspath(path)})")
    import matplotlib as mpl

    drawn = BytesIO()
    figure = ax.get_figure(root=True)
    assert figure is not None
    # Letters stay letters in what journals take.
    with mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none"}):
        figure.savefig(drawn, format=suffix[1:], dpi=300)
    write(path, lambda file: file.write(drawn.getvalue()))


def axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """Return these axes, or new ones in the style that is on, or else in that of a screen."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    if tuple(plt.rcParams["figure.figsize"]) in SIZES.values():
        return plt.subplots(figsize=size)[1]
    with style():
        return plt.subplots(figsize=size)[1]


def label_lines(ax: Axes) -> Axes:
    """Write each line's label where it ends, spread so that none covers another; labels written before are moved.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = plt.subplots()[1]
    >>> _ = ax.plot([0, 1, 2], [0, 1, 2], label="up"), ax.plot([0, 1, 2], [0, 0, 0], label="flat")
    >>> [text.get_text() for text in label_lines(label_lines(ax)).texts]
    ['flat', 'up']
    """
    from matplotlib.text import Text
    from scipy.optimize import isotonic_regression

    for text in [text for text in ax.texts if text.get_gid() == _LABEL]:
        text.remove()
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # settles the layout, which heights depend on
    ends = []
    for line in ax.lines:
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        shown = np.isfinite(x) & np.isfinite(y)
        name = str(line.get_label())
        if name and not name.startswith("_") and shown.any():
            last = np.flatnonzero(shown)[x[shown].argmax()]
            height = ax.transAxes.inverted().transform(ax.transData.transform((x[last], y[last])))[1]
            ends.append((float(height), (x[last], y[last]), name, line.get_color()))
    ends.sort(key=itemgetter(0))
    texts = []
    for height, at, name, hue in ends:
        leader = {"arrowstyle": "-", "color": hue, "lw": 0.5, "shrinkB": 0.0}
        text = ax.annotate(name, at, (1.04, height), textcoords="axes fraction", arrowprops=leader)
        text.set(color=hue, size="small", va="center", gid=_LABEL)
        texts.append(text)
    step = max((1.1 * Text.get_window_extent(text).height for text in texts), default=0.0) / ax.bbox.height
    rungs = step * np.arange(len(ends))
    # The least squares that keep labels a step apart.
    heights = isotonic_regression([end[0] for end in ends] - rungs).x + rungs if ends else ()
    for height, text in zip(heights, texts, strict=True):
        text.set_position((1.04, height))
    return ax
