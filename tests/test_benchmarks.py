"""The comparison: interruptions cost nothing finished, the bound is one, and the page shows what was measured."""

import csv
import pickle
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

import rdcfunc as rdc
from benchmarks import figures, networks, report, store, summary, surfaces, theory
from benchmarks.__main__ import main
from neural import Config, Dataset, load, train_end_to_end
from neural.data import Split

STUDY = networks.Study(Config(epochs=1, classifier_epochs=1), (0.0, 0.01), (0.0,), (0,))
CODECS = [(None, 0.0), (None, 0.01), (0.0, 0.0), (0.0, 0.01)]
MADE = store.provenance()
FILES = ("comparison.png", "comparison.svg", "comparison.csv", "comparison.html")


def small_bound() -> theory.Bound:
    test = load(STUDY.base).test
    means = np.stack([test.images[test.labels == label].numpy().mean(axis=0) for label in range(10)])
    C, D = np.array([0.4, 0.2, 0.1]), np.array([0.02, 0.03, 0.05])
    slope = np.array([0.0, 0.05, 0.15])
    return theory.Bound(STUDY.base.rate, C, D - 0.001, D + 0.001, slope, means.astype(np.float64), 596, 1.5)


def save_small_bound(config: Config, path: Path) -> None:
    small_bound().save(path)


def save_nothing(config: Config, path: Path) -> None:
    assert not path.exists()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> store.Rows:
    rows = store.Rows(tmp_path_factory.mktemp("measured") / "rows.jsonl")
    assert len(list(networks.measure(STUDY, rows))) == len(CODECS)
    return rows


class Pool:
    """Stand for the pool of workers, without the seconds that new interpreters take to import everything."""

    def __init__(self, *options: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return (function(given) for function, given in (pickle.loads(pickle.dumps((work, item))) for item in items))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    def quick(seeds: int, dimension: int, levels: int) -> networks.Study:
        base = replace(STUDY.base, dimension=dimension, levels=levels)
        return replace(STUDY, base=base, seeds=tuple(range(seeds)))

    monkeypatch.setattr(networks, "quick", quick)
    monkeypatch.setattr("benchmarks.compare.ProcessPoolExecutor", Pool)


def refuse(*args: object, **options: object) -> None:
    raise AssertionError("trained again")


def copy(rows: store.Rows, path: Path, count: int | None = None) -> store.Rows:
    path.write_text("".join(rows.path.read_text().splitlines(keepends=True)[:count]))
    return store.Rows(path)


def codecs(rows: list[dict[str, Any]]) -> list[tuple[float | None, float]]:
    return [(row["encoder_weight"], row["config"]["classification_weight"]) for row in rows]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path, error: type[BaseException]) -> None:
    def fill(file: Any) -> None:
        file.write(b"half")
        raise error

    path = tmp_path / "result"
    store.write(path, lambda file: file.write(b"old"))
    with pytest.raises(error):
        store.write(path, fill)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("result", b"old")]
    store.write(path, lambda file: file.write(b"new"))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("result", b"new")]


def test_rows_go_on_after_a_line_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text('{"seed": 0}\n{"seed": 1}\n{"se')
    rows = store.Rows(path)
    assert rows.rows == [{"seed": 0}, {"seed": 1}]
    rows.append({"seed": 2})
    assert store.Rows(path).rows == [{"seed": 0}, {"seed": 1}, {"seed": 2}]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_refuse_what_json_cannot_hold_and_forget_it(tmp_path: Path, value: float) -> None:
    rows = store.Rows(tmp_path / "rows")
    rows.append({"D": 0.1})
    with pytest.raises(ValueError, match="JSON"):
        rows.append({"D": value})
    assert store.Rows(rows.path).rows == rows.rows == [{"D": 0.1}]


def test_every_codec_of_the_plan_is_measured(measured: store.Rows) -> None:
    assert codecs(measured.rows) == CODECS
    assert [row["config"] for row in measured.rows] == [config.to_dict() for config, _ in STUDY.plan()]
    own, _, *reused = (row["measurement"] for row in measured.rows)
    for decoder in reused:  # rate and floor belong to the encoder
        assert (decoder["rate"], decoder["floor"]) == (own["rate"], own["floor"])
        assert decoder["target"] != own["target"]
    assert store.Rows(measured.path).rows == measured.rows


def test_what_is_measured_is_not_measured_again(
    measured: store.Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = copy(measured, tmp_path / "rows")
    for name in ("train_end_to_end", "train_universal", "evaluate"):
        monkeypatch.setattr(networks, name, refuse)
    assert len(list(networks.measure(STUDY, rows))) == len(CODECS)
    assert rows.path.read_text() == measured.path.read_text()
    monkeypatch.setattr(networks, "provenance", lambda: {**MADE, "commit": "another"})
    assert networks.of_study(STUDY, rows) == []
    with pytest.raises(AssertionError, match="trained again"):
        next(networks.measure(STUDY, rows))


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_resumed_study_ends_where_one_run_does(
    measured: store.Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    rows, trained = copy(measured, tmp_path / "rows", done), []
    monkeypatch.setattr(networks, "train_end_to_end", lambda c: trained.append(c) or train_end_to_end(c))
    list(networks.measure(STUDY, rows))
    weights = [config.classification_weight for config in trained]
    assert weights == ([0.01, 0.0] if done == 1 else [0.0])  # the reused encoder once, however many decoders it gets
    assert [row["measurement"] for row in rows.rows] == [row["measurement"] for row in measured.rows]


def test_the_table_is_mean_and_spread_over_seeds(measured: store.Rows) -> None:
    rng, rows = np.random.default_rng(0), []
    values = rng.random((3, len(CODECS), 2))
    for seed, row in ((s, r) for r in range(len(CODECS) - 1, -1, -1) for s in range(3)):
        known = measured.rows[row]
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


def test_the_theory_stands_beside_each_codec(measured: store.Rows) -> None:
    bound, frame = small_bound(), summary.table(measured.rows)
    rates = [(float(k), k + 0.5) for k in range(len(frame))]
    both = summary.beside(frame, bound, rates)
    pd.testing.assert_frame_equal(both[frame.columns.tolist()], frame)
    assert both["theory_D_lower"].tolist() == bound.lower_at(frame["C"].to_numpy()).tolist()
    assert both["theory_D_upper"].tolist() == [0.021] * len(frame)  # their C is right of every point
    np.testing.assert_allclose(both["D_over_theory"], frame["D"] / 0.021)
    assert list(zip(both["theory_R_lower"], both["theory_R_upper"], strict=True)) == rates
    assert [(t.D, t.C) for t in summary.targets(frame)] == list(zip(frame["D"], frame["C"], strict=True))


def test_a_bound_is_read_as_it_was_saved(tmp_path: Path) -> None:
    bound = small_bound()
    bound.save(tmp_path / "bound.npz")
    found = theory.read(tmp_path / "bound.npz")
    assert found.__dict__.keys() == bound.__dict__.keys()
    for name, value in bound.__dict__.items():
        assert type(getattr(found, name)) is type(value)
        np.testing.assert_array_equal(getattr(found, name), value)


def test_the_bound_holds_between_its_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve points of the plane in three classes and few letters, where an answer at any other C is cheap."""
    pixels, labels = np.random.default_rng(1).integers(0, 255, (12, 2)), np.arange(12) % 3
    points = Split(torch.tensor(pixels, dtype=torch.uint8), torch.tensor(labels), 255)
    monkeypatch.setattr(theory, "load", lambda config: Dataset(points, points, classes=3, shape=(1, 2)))
    monkeypatch.setattr(theory, "LEVELS", (np.inf, 0.3, 0.05))
    monkeypatch.setattr(theory, "_ROUNDS", 1)
    monkeypatch.setattr(theory, "_MOST_LETTERS", 8)
    config = Config(dimension=1, levels=4)
    bound = theory.bound(config, tol=5e-4)
    assert (bound.rate, bound.images, bound.letters.shape[1]) == (2.0, 12, 2)
    assert bound.C[0] > 0.5
    assert bound.C[1:].tolist() == [0.3, 0.05]
    assert (bound.lower_at(bound.C) >= bound.lower).all()
    assert (bound.upper_at(bound.C) <= bound.upper).all()
    assert bound.upper_at(np.array([0.04])) == np.inf
    grid = np.linspace(0.05, 1.6, 500)
    lower, upper = bound.lower_at(grid), bound.upper_at(grid)
    assert (lower <= upper).all()
    assert (np.diff(lower) <= 0).all()
    assert (np.diff(upper) <= 0).all()
    now = theory.problem(config, bound.letters)
    for C in (0.05, 0.15, 0.4, 1.5):
        fresh = rdc.distortion(now, 2.0, C=C, tol=1e-3)
        (low,), (high,) = bound.lower_at(np.array([C])), bound.upper_at(np.array([C]))
        assert low <= fresh.upper
        assert fresh.lower <= high
        assert high - low < 0.01
    # One bit cannot tell three classes: its levels begin where it can.
    scarce = theory.bound(Config(dimension=1, levels=2), tol=5e-3)
    assert scarce.C[1:] == pytest.approx(np.log2(3) - 1 + np.array([0.3, 0.05]))
    assert (scarce.lower <= scarce.upper).all()
    # The distortion is the mean squared error per pixel, and telling the classes costs some of it.
    free = rdc.distortion(now, 2.0, tol=1e-5)
    squares = ((points.images[:, None].double().numpy() - bound.letters) ** 2).mean(axis=2)
    reached = (free.channel * squares).sum() / 12
    assert bound.lower[0] - 1e-5 <= reached <= bound.upper[0] + 1e-5
    assert bound.lower[2] > bound.lower[1] > bound.upper[0]


def markers(figure: Figure) -> list[tuple[float, float, str, Any]]:
    """Return place, shape and edge of every codec that is drawn."""
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    drawn = [line for line in lines if line.get_marker() in ("o", *figures._MARKERS)]
    return [(*map(float, line.get_xydata()[0]), line.get_marker(), line.get_markeredgecolor()) for line in drawn]


def test_end_to_end_codecs_are_outlined_and_the_theory_is_a_band(measured: store.Rows) -> None:
    frame = summary.table(measured.rows)
    figure = figures.compare(frame, small_bound())
    places = list(zip(frame["C"], frame["D"], strict=True))
    shapes = [("o", "black")] * 2 + [("s", "none")] * 2
    assert markers(figure) == [(*place, *shape) for place, shape in zip(places, shapes, strict=True)]
    (band,) = (c for c in figure.axes[0].collections if isinstance(c, PolyCollection))
    C, D = band.get_paths()[0].vertices.T
    assert C.min() == pytest.approx(0.1)
    assert C.max() >= frame["C"].max()
    assert (D.min(), D.max()) == (pytest.approx(0.019), pytest.approx(0.051))
    bare = figures.compare(frame, None)
    assert markers(bare) == markers(figure)
    assert not [c for c in bare.axes[0].collections if isinstance(c, PolyCollection)]


def place_bound(out: Path) -> None:
    out.mkdir(parents=True)
    small_bound().save(out / f"theory-{MADE['commit']}.npz")


def table_of(out: Path) -> list[tuple[float | None, float]]:
    with open(out / "comparison.csv") as file:
        return [(float(r["encoder"]) if r["encoder"] else None, float(r["weight"])) for r in csv.DictReader(file)]


@pytest.mark.usefixtures("tiny")
def test_one_command_writes_figure_table_and_page(tmp_path: Path) -> None:
    out = tmp_path / "new" / "results"
    place_bound(out)
    assert main(["--out", str(out), "--seeds", "1"]) == 0
    assert sorted(p.name for p in out.iterdir()) == sorted(
        [*FILES, "measurements.jsonl", f"theory-{MADE['commit']}.npz"]
    )
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (out / "comparison.svg").read_text()
    assert table_of(out) == CODECS
    frame = pd.read_csv(out / "comparison.csv")
    assert (frame["theory_R_lower"] <= frame["theory_R_upper"]).all()
    assert (frame["theory_R_upper"] < frame["rate"]).all()
    page = (out / "comparison.html").read_text()
    assert not re.search("https?://|<script|<link", page)
    assert "data:image/png;base64,iVBORw0KGgo" in page
    assert "interrupted" not in page
    assert page.count("<tr>") == 1 + len(CODECS)
    for name, value in MADE.items():
        assert f"{name} <code>{value}</code>" in page


@pytest.mark.usefixtures("tiny")
def test_several_rates_have_a_folder_each_and_one_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    theory_by(monkeypatch, save_small_bound)
    command = ["--out", str(tmp_path), "--seeds", "1", "--rates", "4.755,2"]
    assert main(command) == 0
    for name, size in (("rate-4.755", (3, 3)), ("rate-2", (1, 4))):
        configs = [row["config"] for row in store.Rows(tmp_path / name / "measurements.jsonl").rows]
        assert {(config["dimension"], config["levels"]) for config in configs} == {size}
        assert table_of(tmp_path / name) == CODECS
        assert (tmp_path / name / "comparison.html").exists()
    drawn = (tmp_path / "rates.svg").read_bytes()
    assert drawn.count(b"bits</text>") + drawn.count(b" 2 bits") > 0
    monkeypatch.setattr(networks, "train_end_to_end", refuse)
    assert main(command) == 0
    with pytest.raises(SystemExit):
        main(["--rates", "4.755,5"])
    assert "must be different ones of 2, 3.17" in capsys.readouterr().err


def stop_at(count: int, work: Callable[..., Any]) -> Callable[..., Any]:
    calls: list[int] = []

    def stopped(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == count:
            raise KeyboardInterrupt
        return work(*args)

    return stopped


class Process:
    """Stand for the theory's process, without the seconds that a new interpreter takes to import everything."""

    exitcode, done = 0, ""

    def __init__(self, target: Callable[..., None], args: tuple[object, ...], daemon: bool) -> None:
        assert daemon
        self.work = pickle.dumps((target, args))  # as another interpreter would get it

    def start(self) -> None:
        target, args = pickle.loads(self.work)
        target(*args)

    def join(self) -> None:
        type(self).done += "joined "

    def terminate(self) -> None:
        type(self).done += "terminated "


def theory_by(patch: pytest.MonkeyPatch, save: Callable[[Config, Path], None], exitcode: int = 0) -> type[Process]:
    process = type("Process", (Process,), {"exitcode": exitcode})
    patch.setattr("benchmarks.compare.get_context", lambda method: SimpleNamespace(Process=process))
    patch.setattr(theory, "save_bound", save)
    return process


@pytest.mark.usefixtures("tiny")
def test_an_interrupted_command_shows_what_it_has_and_goes_on(
    measured: store.Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--out", str(tmp_path), "--seeds", "1"]
    with monkeypatch.context() as patch:
        process = theory_by(patch, save_nothing)
        patch.setattr(networks, "evaluate", stop_at(3, networks.evaluate))
        assert main(command) == 130
    assert process.done == "terminated "
    assert "interrupted" in capsys.readouterr().err
    assert codecs(store.Rows(tmp_path / "measurements.jsonl").rows) == CODECS[:2]
    assert table_of(tmp_path) == CODECS[:2]
    assert all((tmp_path / name).stat().st_size for name in FILES)
    page = (tmp_path / "comparison.html").read_text()
    assert "This run was interrupted" in page
    assert "The band is certified" not in page
    process = theory_by(monkeypatch, save_small_bound)
    assert main(command) == 0
    assert process.done.startswith("joined ")
    results = [row["measurement"] for row in store.Rows(tmp_path / "measurements.jsonl").rows]
    assert results == [row["measurement"] for row in measured.rows]
    assert table_of(tmp_path) == CODECS
    page = (tmp_path / "comparison.html").read_text()
    assert "interrupted" not in page
    assert "The band is certified" in page
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.usefixtures("tiny")
def test_networks_outlive_a_theory_that_fails(
    measured: store.Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(measured, tmp_path / "measurements.jsonl")
    theory_by(monkeypatch, save_nothing, exitcode=3)
    with pytest.raises(RuntimeError, match="exit code 3"):
        main(["--out", str(tmp_path), "--seeds", "1"])
    assert table_of(tmp_path) == CODECS
    assert "This run was interrupted" in (tmp_path / "comparison.html").read_text()


def test_a_folder_that_cannot_be_written_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(networks, "quick", refuse)
    (tmp_path / "file").write_text("kept")
    assert main(["--out", str(tmp_path / "file" / "results")]) == 2
    assert f"cannot write results to {tmp_path / 'file' / 'results'}" in capsys.readouterr().err
    assert main(["--out", str(tmp_path / "file")]) == 2
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("seeds", ["0", "-1", "1.5"])
def test_a_study_without_seeds_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seeds: str
) -> None:
    monkeypatch.setattr(networks, "quick", refuse)
    with pytest.raises(SystemExit) as refused:
        main(["--out", str(tmp_path / "new"), f"--seeds={seeds}"])
    assert refused.value.code == 2
    assert f"whole number >= 1 (got {seeds})" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


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


def test_commands_that_are_not_there_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compote"]) == 2
    assert "no command compote; the commands are compare, figures, report" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "theory against networks" in capsys.readouterr().out
