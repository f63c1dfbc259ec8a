"""The figure of a sweep shows every codec where it was measured, and the floor of every encoder."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from benchmarks import codecs
from benchmarks.store import Rows
from neural.summary import summary

WEIGHTS = {"distortion_weight": 1.0, "classification_weight": 0.0, "perception_weight": 0.0}


def row(seed, D, C, encoder=None, critic=2.0, **weights):
    config = {"data": "mnist", "seed": seed, "dimension": 3, "levels": 3, **WEIGHTS, **weights}
    measured = {"target": {"D": D, "P": None, "C": C}, "floor": C - 0.1, "perception": {"critic": critic}}
    reused = None if encoder is None else {**config, **WEIGHTS, **encoder}
    return {"config": config, "encoder": reused, "measurement": measured, "seconds": 1.0}


@pytest.fixture
def rows():
    reading = {"classification_weight": 0.01}
    return [
        each
        for seed, more in ((0, 0.0), (1, 0.002))
        for each in (
            row(seed, 0.04 + more, 2.0),
            row(seed, 0.05 + more, 0.5, **reading),
            row(seed, 0.046 + more, 0.6, encoder=reading),
            row(seed, 0.047 + more, 2.1, critic=1.0, perception_weight=0.02),
        )
    ]


def points(ax):
    lines = [each.lines[0] for each in ax.containers if isinstance(each, ErrorbarContainer)]
    return sorted((float(line.get_xdata()[0]), round(float(line.get_ydata()[0]), 6)) for line in lines)


def test_every_codec_is_where_it_was_measured(rows):
    figure = codecs.draw(summary(rows))
    left, right = figure.axes
    assert points(left) == [(0.5, 0.051), (0.6, 0.047), (2.0, 0.041)]
    assert points(right) == [(1.0, 0.048), (2.0, 0.041)]
    floors = sorted(
        float(line.get_xdata()[0]) for line in left.lines if line.get_markersize() == 9 and len(line.get_xdata())
    )
    assert floors == pytest.approx([0.4, 0.5, 1.9])


def test_without_distances_there_is_no_panel_for_them(rows):
    for each in rows:
        each["measurement"]["perception"] = None
    assert len(codecs.draw(summary(rows)).axes) == 1


def test_standard_errors_are_over_seeds(rows):
    table = summary(rows)
    assert np.allclose(table["D_se"], 0.001)
    assert (table["seeds"] == 2).all()


def test_it_draws_a_file_or_says_how_to_make_one(rows, tmp_path: Path, capsys):
    path = tmp_path / "rows.jsonl"
    with pytest.raises(SystemExit, match="python -m neural sweep"):
        codecs.main([str(path)])
    for each in rows:
        Rows(path).append(each)
    codecs.main([str(path), "--out", str(tmp_path / "codecs.svg")])
    assert b"</svg>" in (tmp_path / "codecs.svg").read_bytes()
    assert "D_se" in capsys.readouterr().out
