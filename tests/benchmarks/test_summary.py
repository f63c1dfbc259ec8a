"""What is measured as a table and a figure: mean and spread over seeds, with the theory beside each codec."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from study import CODECS, measured, small_bound

from benchmarks import figures, summary


def test_the_table_is_mean_and_spread_over_seeds() -> None:
    rng, rows = np.random.default_rng(0), []
    values = rng.random((3, len(CODECS), 2))
    for seed, row in ((s, r) for r in range(len(CODECS) - 1, -1, -1) for s in range(3)):
        known = measured().rows[row]
        D, rate = values[seed, row]
        result = {**known["measurement"], "rate": rate, "target": {"D": D, "C": 2 * D, "P": None}}
        rows.append({**known, "config": {**known["config"], "seed": seed}, "measurement": result})
    frame = summary.table(rows)
    order = [(None if np.isnan(e) else e, w) for e, w in zip(frame["encoder"], frame["weight"], strict=True)]
    assert order == CODECS
    assert frame["seeds"].tolist() == [3] * len(CODECS)
    for name, samples in (("D", values[..., 0]), ("C", 2 * values[..., 0]), ("rate", values[..., 1])):
        np.testing.assert_allclose(frame[name], samples.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(frame[name + "_sd"], samples.std(axis=0, ddof=1), rtol=1e-12)
    alone = summary.table(rows[:1])
    assert alone["D_sd"].tolist() == [0.0]
    assert summary.table([]).empty


def test_the_theory_stands_beside_each_codec() -> None:
    bound, frame = small_bound(), summary.table(measured().rows)
    rates = [(float(k), k + 0.5) for k in range(len(frame))]
    both = summary.beside(frame, bound, rates)
    pd.testing.assert_frame_equal(both[frame.columns.tolist()], frame)
    assert both["theory_D_lower"].tolist() == bound.lower_at(frame["C"].to_numpy()).tolist()
    assert both["theory_D_upper"].tolist() == [0.021] * len(frame)  # their C is right of every point
    np.testing.assert_allclose(both["D_over_theory"], frame["D"] / 0.021)
    assert list(zip(both["theory_R_lower"], both["theory_R_upper"], strict=True)) == rates
    assert [(t.D, t.C) for t in summary.targets(frame)] == list(zip(frame["D"], frame["C"], strict=True))


def markers(figure: Figure) -> list[tuple[float, float, str, Any]]:
    """Return place, shape and edge of every codec that is drawn."""
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    drawn = [line for line in lines if line.get_marker() in ("o", *figures._MARKERS)]
    return [(*map(float, line.get_xydata()[0]), line.get_marker(), line.get_markeredgecolor()) for line in drawn]


def test_end_to_end_codecs_are_outlined_and_the_theory_is_a_band() -> None:
    frame = summary.table(measured().rows)
    figure = figures.compare(frame, small_bound())
    places = list(zip(frame["C"], frame["D"], strict=True))
    shapes = [("o", "black")] * 2 + [("s", "none")] * 2
    assert markers(figure) == [(*place, *shape) for place, shape in zip(places, shapes, strict=True)]
    (band,) = (c for c in figure.axes[0].collections if isinstance(c, PolyCollection))
    C, D = band.get_paths()[0].vertices.T
    assert C.min() == pytest.approx(0.1)
    assert C.max() >= frame["C"].max()
    assert (D.min(), D.max()) == (pytest.approx(0.019), pytest.approx(0.051))
    ends = "end-to-end codecs"
    reused = figures.compare(frame[frame["encoder"].notna()], small_bound())
    assert markers(reused) == markers(figure)[2:]
    assert ends in figure.axes[0].get_legend_handles_labels()[1]
    assert ends not in reused.axes[0].get_legend_handles_labels()[1]
    assert markers(figures.compare(frame[:0], small_bound())) == []
    bare = figures.compare(frame, None)
    assert markers(bare) == markers(figure)
    assert not [c for c in bare.axes[0].collections if isinstance(c, PolyCollection)]
