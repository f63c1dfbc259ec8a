"""The scripts that print how costs grow, at sizes that take no time: every row is there and every bracket is closed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from brackets import quietly

import rdcfunc as rdc
from benchmarks import band, costs, mnist, papers, passes, regions
from benchmarks.store import Rows
from rdcfunc.passes.cloud import Cloud


def table(text: str) -> list[list[str]]:
    """Return the cells of a Markdown table without its head."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_kind_of_answer_has_its_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tuple((name, grows, (4, 8, 12), build) for name, grows, _, build in costs.ROWS)
    monkeypatch.setattr(costs, "ROWS", small)
    monkeypatch.setattr(costs, "startup", lambda statement: 0.25)
    assert costs.main(["--seeds", "1"]) == 0
    told = capsys.readouterr().out
    assert "import: 0.25 CPU s" in told
    rows = table(told)
    assert [row[0] for row in rows[:-1]] == [name for name, *_ in costs.ROWS]
    assert all(float(time) > 0 for row in rows for time in row[3].split(","))
    assert np.isfinite([float(row[4]) for row in rows]).all()


def test_time_without_a_bracket_is_no_time() -> None:
    problem = rdc.Problem(rdc.sources.uniform(2), rdc.distortions.hamming(2))
    assert costs.seconds(lambda: rdc.rate(problem, D=0.1), 1e-6) > 0
    with (
        pytest.warns(rdc.WideBracketWarning),
        pytest.raises(RuntimeError, match=r"the bracket is 1 wide, more than 1e-06"),
    ):
        costs.seconds(lambda: rdc.certify(problem, np.eye(2), D=0.1), 1e-6)


def test_starting_takes_time() -> None:
    assert costs.startup("pass") > 0


def test_fixed_alphabets_are_closed_at_levels_that_a_channel_meets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(regions, "SIZES", ((2, 2), (3, 2)))
    regions.main(problems=2)
    rows = table(capsys.readouterr().out)
    assert [row[:3] for row in rows] == [["2", "2", "2"], ["3", "2", "3"]]
    assert [row[-1] for row in rows] == ["2 of 2"] * 2


def test_the_plain_pass_is_what_the_library_does(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    rows = passes.Rows(x, np.full(60, 1 / 60), None, 1)
    letters = rows.some(np.arange(5))
    sums = rows.sweep(Cloud(letters, np.full(5, -np.log(5)), np.zeros((5, 1)), 0.7))
    about = torch.from_numpy(x - x.mean(axis=0))
    law, means = passes.plain(about, torch.from_numpy(letters), torch.full((5,), 0.2, dtype=torch.float64), 0.7)
    np.testing.assert_allclose(law.numpy(), sums.law, rtol=1e-12)
    np.testing.assert_allclose(means.numpy(), sums.moments / sums.law[:, None], rtol=1e-10, atol=1e-12)
    assert passes.main(["--samples", "60", "--dimension", "3", "--letters", "4", "5", "--repeats", "1"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "60 x 4, k = 3",
        "60 x 5, k = 3",
    ]


def test_the_band_is_drawn_from_what_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert band.main(["--out", str(tmp_path / "new" / "bounds.svg")]) == 0
    assert (tmp_path / "new" / "bounds.svg").read_text().rstrip().endswith("</svg>")
    told = capsys.readouterr().out
    assert "words, entropy-coded" in told


def test_bounds_are_kept_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    given = mnist.Images(
        "made", *(rng.random((40, 2)) + labels[:, None] / 2 if k % 2 == 0 else labels for k in range(4))
    )
    monkeypatch.setattr(mnist, "_SMALL", {2.0: (8, (0.5,))})
    monkeypatch.setattr(mnist, "images", lambda small, folder: given)
    command = ["--small", "--out", str(tmp_path / "rows.jsonl")]
    assert mnist.main(command) == 0
    rows = Rows(tmp_path / "rows.jsonl").rows
    assert [row["kind"] for row in rows] == ["D", "DP", "DC", "words", "lower", "lower"]
    free, looks, classes, words, proved, _ = rows
    assert proved["lower"] <= free["D"] <= classes["D"] * (1 + 1e-3)
    assert free["D"] <= looks["D"]
    assert free["D"] <= words["D"]
    assert classes["C"] <= 0.5 + 1e-9
    assert all(row["rate"] <= 2 + 1e-9 for row in (free, looks, classes))
    before = (tmp_path / "rows.jsonl").read_bytes()
    assert mnist.main(command) == 0
    assert (tmp_path / "rows.jsonl").read_bytes() == before, "what is there is not computed again"
    monkeypatch.setattr(mnist, "images", lambda small, folder: mnist.Images("made", *[None] * 4))
    monkeypatch.setattr(mnist, "compute", interrupt)
    assert mnist.main(["--small", "--out", str(tmp_path / "other.jsonl")]) == 130
    (tmp_path / "file").write_text("")
    assert mnist.main(["--out", str(tmp_path / "file" / "rows.jsonl")]) == 2
    told = capsys.readouterr().err
    assert "interrupted: finished rows are kept" in told
    assert "cannot write rows" in told


def interrupt(*given: object) -> list[str]:
    raise KeyboardInterrupt


def test_the_embedded_digits_are_images() -> None:
    digits = mnist.images(small=True, folder="")
    assert (digits.name, digits.pixels) == ("digits", 64)
    assert len(digits.train) == len(digits.labels) > len(digits.test) == len(digits.test_labels) > 0
    assert 0 <= digits.train.min() < digits.train.max() == 1


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("perception_surface", "R"),
        ("classification_surface", "R"),
        ("classification_at_rates", "C"),
        ("perception_at_rates", "P"),
        ("counterexample", "R"),
        ("universal", "D"),
    ],
)
def test_each_figure_of_a_paper_shows_its_quantity(
    name: str, quantity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the ends of its grids, but for one that is drawn against its own grid."""
    trace = rdc.trace

    def ends(level: object) -> object:
        thin = isinstance(level, np.ndarray) and level.size > 2 and name != "universal"
        return np.take(level, [0, -1], int(np.argmax(level.shape))) if thin else level

    def coarse(problem: rdc.Problem, **given: object) -> rdc.Curve:
        return trace(problem, **{key: ends(value) for key, value in given.items()})

    monkeypatch.setattr(rdc, "trace", coarse)
    assert quietly(papers.main, ["--only", name, "--out", str(tmp_path)]) == 0
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    curves = [rdc.load(path) for path in tmp_path.glob("*.json")]
    assert {curve.quantity for curve in curves} == {quantity}
    if name == "counterexample":
        tagged, alone = sorted(curves, key=lambda curve: curve.upper.sum())
        assert (tagged.lower <= alone.upper).all()


def test_figures_that_are_interrupted_or_have_no_place_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(papers, "draw", interrupt)
    assert papers.main(["--out", str(tmp_path)]) == 130
    (tmp_path / "file").write_text("")
    assert papers.main(["--out", str(tmp_path / "file")]) == 2
    told = capsys.readouterr().err
    assert "what was finished is kept" in told
    assert "cannot write figures" in told
