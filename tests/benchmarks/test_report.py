"""Figures drawn again, and one page of all that is kept."""

import re
import sys
from pathlib import Path

import pytest
from study import refuse

import rdcfunc as rdc
from benchmarks import report, store, surfaces
from benchmarks.__main__ import main


def test_a_figure_is_drawn_again_without_computing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["figures", "--out", str(tmp_path), "--only", "gaussian"]
    assert main(command) == 0
    made = {path.suffix for path in tmp_path.iterdir()}
    assert made == {".svg", ".png", ".json"}
    (tmp_path / "gaussian.svg").unlink()
    monkeypatch.setattr(rdc, "trace", refuse, raising=False)
    assert main(command) == 0
    assert b"no P</text>" in (tmp_path / "gaussian.svg").read_bytes()


def test_the_report_gathers_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(report, "KEPT", kept)
    rows = store.Rows(kept / "bounds.jsonl")
    rows.append(
        {
            "kind": "<D>",
            "lower": 0.125,
            "solver": "x" * 99,
            "seeds": [0, 1],
            "made": {"commit": "abc"},
            "test": {"mse": 0.25},
        }
    )
    (tmp_path / "out" / "figures").mkdir(parents=True)
    (tmp_path / "out" / "figures" / "one.svg").write_text("<svg/>")
    (tmp_path / "out" / "table.csv").write_text("a,b\n1,2\n")
    assert main(["report", "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    for part in ("&lt;D&gt;", "0.125", "test.mse", "made by abc", "table.csv", "data:image/svg+xml;base64,PHN2Zy8+"):
        assert part in page
    assert "xxx" not in page
    assert not re.search(r"(src|href)=.(?!data:)", page)


@pytest.mark.parametrize("there", [True, False])
def test_surfaces_are_turned_where_plotly_is_and_missed_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(report, "KEPT", tmp_path / "none")
    problem = rdc.Problem(rdc.sources.bernoulli(0.3), rdc.distortions.hamming(2), rdc.perceptions.TotalVariation())
    curve = rdc.trace(problem, D=[0.1, 0.2], P=[[0.0], [0.1]])
    curve.to_json(tmp_path / "rdp-abc.json")
    rdc.trace(problem, D=[0.1, 0.2]).to_json(tmp_path / "line-abc.json")
    (tmp_path / "other.json").write_text("{}")
    if not there:
        monkeypatch.setitem(sys.modules, "plotly", None)
    assert main(["report", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    assert (surfaces.MISSING in page) != there
    assert ("rdp-abc.json" in page) == there
    assert "line-abc" not in page
    assert not re.search("<script[^>]* src=|<link", page)
    if there:
        pages = surfaces.draw({"one": curve, "two": curve})
        assert len(pages[0].body) > 1_000_000 > len(pages[1].body)  # one library serves both
        assert "0.1\\u003cbr" in pages[1].body
        assert f"{curve.lower[0, 0]:.8g}" in pages[1].body
        assert pages[0].width == (curve.upper - curve.lower).max()
        assert '"showSendToCloud": false' in pages[1].body
