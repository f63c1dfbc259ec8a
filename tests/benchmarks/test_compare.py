"""The command that compares: what it writes, what it keeps when it is stopped, and what it refuses."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from study import (
    CODECS,
    FILES,
    MADE,
    STUDY,
    Pool,
    codecs,
    copy,
    measured,
    refuse,
    save_nothing,
    save_small_bound,
    small_bound,
    table_of,
    theory_by,
)

from benchmarks import networks, store
from benchmarks.__main__ import main


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    def quick(seeds: int, dimension: int, levels: int) -> networks.Study:
        base = replace(STUDY.base, dimension=dimension, levels=levels)
        return replace(STUDY, base=base, seeds=tuple(range(seeds)))

    monkeypatch.setattr(networks, "quick", quick)
    monkeypatch.setattr("benchmarks.compare.ProcessPoolExecutor", Pool)


def place_bound(out: Path) -> None:
    out.mkdir(parents=True)
    small_bound().save(out / f"theory-{MADE['commit']}.npz")


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


@pytest.mark.usefixtures("tiny")
def test_an_interrupted_command_shows_what_it_has_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
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
    assert results == [row["measurement"] for row in measured().rows]
    assert table_of(tmp_path) == CODECS
    page = (tmp_path / "comparison.html").read_text()
    assert "interrupted" not in page
    assert "The band is certified" in page
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.usefixtures("tiny")
def test_networks_outlive_a_theory_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(measured(), tmp_path / "measurements.jsonl")
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


def test_commands_that_are_not_there_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compote"]) == 2
    assert "no command compote; the commands are compare, figures, report" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "theory against networks" in capsys.readouterr().out
