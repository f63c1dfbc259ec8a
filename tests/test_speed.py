"""The speed comparison: gaps are recomputed whoever claims what, and what fails or is late shows as that."""

import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rdcfunc as rdc
from benchmarks import store
from benchmarks.speed import __main__ as command
from benchmarks.speed import run, walk
from benchmarks.speed.cases import SIZES, Case, plan
from benchmarks.speed.dots import by_problem
from benchmarks.speed.figure import by_size
from benchmarks.speed.peers import PEERS, Answer, Bisection, Cones, Constrained, Dit, Peer, Task
from benchmarks.speed.summary import summary
from benchmarks.speed.table import COLUMNS, markdown, table
from rdcfunc import distortions, sources

CASE = Case("rand", 4)


@dataclass(frozen=True)
class Bad(Peer):
    """A channel that ignores the source and prices that are wrong, with a proud note."""

    def __call__(self, task: Task) -> Answer:
        return Answer(np.full(task.d.shape, 1 / task.d.shape[1]), rdc.Prices(123.0), "optimal")


@dataclass(frozen=True)
class Failing(Peer):
    def __call__(self, task: Task) -> Answer:
        raise ArithmeticError("no luck\nwith details")


@dataclass(frozen=True)
class Dying(Peer):
    def __call__(self, task: Task) -> Answer:
        os.abort()


@dataclass(frozen=True)
class Slow(Peer):
    def __call__(self, task: Task) -> Answer:
        time.sleep(60)
        raise AssertionError


@dataclass(frozen=True)
class Hungry(Peer):
    """Fifty megabytes and a tenth of a second of work."""

    def __call__(self, task: Task) -> Answer:
        block = np.ones(50 * 2**17)
        stop = time.process_time() + 0.1
        while time.process_time() < stop:
            block += 1
        return Answer(np.eye(len(task.p)), rdc.Prices())


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> store.Rows:
    found = store.Rows(tmp_path_factory.mktemp("speed") / "speed.jsonl")
    list(walk.walk([CASE], [Cones("CLARABEL"), Bad("bad"), Failing("failing")], found, 2, 20))
    return found


def refuse(*args: object) -> None:
    raise AssertionError("measured again")


def test_gaps_are_those_of_the_answers(rows: store.Rows) -> None:
    ours, peer, bad, _ = rows.rows
    assert [row["peer"] for row in rows.rows] == ["rdcfunc", "cvxpy, CLARABEL", "bad", "failing"]
    for row in (ours, peer):
        assert row["status"] == "solved"
        assert 0 <= row["gap"] <= CASE.tol
    assert bad["status"] == "solved"
    assert bad["gap"] > 0.1
    assert 0 <= ours["own_gap"] <= CASE.tol
    assert bad["own_gap"] is None
    # All brackets are of one number.
    assert max(row["lower"] for row in (ours, peer, bad)) <= min(row["upper"] for row in (ours, peer, bad))


def test_a_failure_shows_its_first_line(rows: store.Rows) -> None:
    row = rows.rows[-1]
    assert (row["status"], row["note"], row["gap"], row["cpu"]) == ("failed", "ArithmeticError: no luck", None, [])
    died = run.measure(CASE, Dying("dying"), 1, 20)
    assert (died["status"], died["note"]) == ("failed", "the process ended with SIGABRT")


def test_the_limit_stops_a_peer() -> None:
    start = time.perf_counter()
    row = run.measure(CASE, Slow("slow"), 1, 0.2)
    assert time.perf_counter() - start < 10
    assert (row["status"], row["note"], row["cpu"]) == ("limit", "not done in 0.2 s", [])


def test_cpu_time_and_memory_are_those_of_the_solve() -> None:
    row = run.measure(CASE, Hungry("hungry"), 2, 20)
    assert len(row["cpu"]) == len(row["wall"]) == 2
    assert 0.09 < min(row["cpu"]) < 1
    assert 45 * 2**20 < row["memory"] < 150 * 2**20


def test_the_table_has_its_columns(rows: store.Rows) -> None:
    frame = table(rows.rows)
    assert tuple(frame.columns) == COLUMNS
    assert list(frame["reached"]) == [True, True, False, False]
    assert frame["cpu_over_ours"][0] == 1
    assert frame["cpu_over_ours"][1] == frame["cpu_min"][1] / frame["cpu_min"][0]
    # A time without its gap is no faster than another.
    assert frame["cpu_over_ours"][2:].isna().all()
    assert (frame["cpu_min"] <= frame["cpu"]).equals(frame["cpu"].notna())
    page = markdown(frame, ["cvxpy, MOSEK"], "Asked.")
    assert "Not installed:\ncvxpy, MOSEK." in page
    assert page.count("\n| ") == 2 + 1 + len(rows.rows)
    assert "failed: ArithmeticError: no luck" in page


def test_what_is_measured_is_not_measured_again(
    rows: store.Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = store.Rows(tmp_path / "rows")
    for row in rows.rows[:2]:
        half.append(row)
    peers = [Cones("CLARABEL"), Bad("bad")]
    done = iter(walk.walk([CASE], peers, half, 2, 20))
    with monkeypatch.context() as patch:
        patch.setattr(walk, "measure", refuse)
        assert [next(done), next(done)] == rows.rows[:2]
        with pytest.raises(AssertionError, match="measured again"):
            next(done)
        for change in ({"repeats": 3}, {"limit": 21.0}):
            with pytest.raises(AssertionError, match="measured again"):
                next(walk.walk([CASE], peers, half, **({"repeats": 2, "limit": 20} | change)))
        patch.setattr(walk, "made_by", lambda: {"commit": "another"})
        with pytest.raises(AssertionError, match="measured again"):
            next(walk.walk([CASE], peers, half, 2, 20))
    assert len(list(walk.walk([CASE], peers, half, 2, 20))) == 3
    assert len(store.Rows(half.path).rows) == 3


def test_hopeless_peers_are_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[tuple[str, int], dict[str, Any]] = {
        ("slow", 4): {"status": "limit", "gap": None},
        ("bad", 4): {"status": "solved", "gap": 0.3},
        ("dit (slope given)", 4): {"status": "solved", "gap": 1e-7},
    }
    tried: list[tuple[str, int, float]] = []

    def measure(case: Case, peer: Peer | None, *asked: object) -> dict[str, Any]:
        if peer is None:
            return {"status": "solved", "gap": 0.0, "slopes": [1.0] if case.n == 4 else [], "note": ""}
        tried.append((peer.label, case.n, case.tol))
        return {"note": "", **answers.get((peer.label, case.n), {"status": "solved", "gap": 0.3})}

    monkeypatch.setattr(walk, "measure", measure)
    cases = [replace(CASE, n=n, tol=tol) for n in (4, 8) for tol in (1e-6, 1e-9)]
    found = list(walk.walk(cases, [Slow("slow"), Bad("bad"), Dit("dit")], store.Rows(tmp_path / "rows"), 1, 1))
    assert tried == [
        ("slow", 4, 1e-6), ("bad", 4, 1e-6), ("dit (slope given)", 4, 1e-6), ("dit (slope given)", 4, 1e-9),
        ("bad", 8, 1e-6),
    ]  # fmt: skip
    skipped = {(row["peer"], row["n"], row["tol"]): row["note"] for row in found if row["status"] == "skipped"}
    assert skipped["slow", 8, 1e-6] == "not done at n = 4, 1e-06"
    assert skipped["bad", 4, 1e-9] == "1e-06 was not reached"
    assert skipped["dit (slope given)", 8, 1e-6] == "rdcfunc gave no slope"


def test_one_command_writes_table_and_figure_and_outlives_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def measure(case: Case, peer: Peer | None, *asked: object) -> dict[str, Any]:
        calls.append(peer)
        if len(calls) == 3:
            raise KeyboardInterrupt
        status = {"status": "limit", "gap": None} if isinstance(peer, Cones) else {"status": "solved", "gap": 1e-9}
        return {
            "cpu": [0.1, 0.2],
            "wall": [0.1, 0.2],
            "memory": 2**20,
            "lower": 0.0,
            "upper": 1.0,
            "note": "",
            **status,
        }

    monkeypatch.setattr(walk, "measure", measure)
    monkeypatch.setattr(command, "PEERS", (Cones("CLARABEL"), Cones("NOBODY"), Constrained("constrained")))
    words = ["--quick", "--only", "rand", "tv", "--out", str(tmp_path / "out")]
    assert command.main(words) == 130
    assert "interrupted" in capsys.readouterr().err
    assert command.main(words) == 0
    assert "cvxpy, NOBODY" in capsys.readouterr().out
    files = {path.name: path.stat().st_size for path in (tmp_path / "out").iterdir()}
    assert sorted(files) == ["speed.csv", "speed.jsonl", "speed.md", "speed.png"]
    assert files["speed.png"] > 20_000
    # Of the ten rows two were there, and the limit at one size spared the other sizes.
    assert len(store.Rows(tmp_path / "out" / "speed.jsonl").rows) == 10
    assert len(calls) == 9


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert command.main(["--out", str(tmp_path / "file")]) == 2
    assert "cannot write results" in capsys.readouterr().err


@pytest.mark.parametrize("peer", [Bisection("bisection"), Constrained("constrained"), Cones("CLARABEL")])
def test_peers_are_given_a_fair_chance(peer: Peer) -> None:
    for d in (distortions.hamming(5), distortions.squared_error([0.0, 1.0, 2.5, 4.0, 4.5])):
        problem = rdc.Problem(sources.Discrete([0.1, 0.2, 0.4, 0.2, 0.1]), d)
        channel, prices, _ = peer(Task(problem.source.pmf, d.values, 0.3, tol=1e-6))
        assert rdc.certify(problem, channel, prices, D=0.3).gap <= 1e-6


@pytest.mark.parametrize("family", ["tv", "kl", "w1", "w2"])
def test_cones_price_perception_in_the_units_of_the_library(family: str) -> None:
    case = Case(family, 6)
    problem, (target,) = case.problem(), case.targets()
    (task,) = case.tasks(problem, [0.0], math.inf)
    channel, prices, _ = Cones("CLARABEL")(task)
    assert rdc.certify(problem, channel, prices, D=target.D, P=target.P, tol=1e-5).gap <= 1e-5


def test_every_effort_has_every_family_and_every_peer_a_name() -> None:
    for effort in ("quick", "usual", "full"):
        assert {case.family for case in plan(effort)} == set(SIZES)
    assert len({peer.label for peer in PEERS}) == len(PEERS)
    alone = [case.n for case in plan("full", ["gauss"]) if case.alone and case.tol == 1e-6]
    assert alone == [50_000]
    assert {(case.family, case.n) for case in plan("page")} <= {(case.family, case.n) for case in plan("full")}
    assert walk.entrants(Case("tv", 1000), PEERS) == walk.entrants(Case("labels", 20), PEERS) == []
    assert Dit("dit") not in walk.entrants(Case("tv", 100), PEERS)


def test_the_summary_compares_with_the_fastest_that_is_as_accurate() -> None:
    asked = {"repeats": 2, "limit": 9.0}
    case = {"family": "rand", "n": 4, "tol": 1e-6, "points": 1, "asked": asked, "status": "solved", "note": ""}
    found = [
        {"peer": "rdcfunc", "cpu": [0.3, 0.1], "gap": 1e-5, "own_gap": 1e-7},
        {"peer": "coarse", "cpu": [0.01], "gap": 3e-4},
        {"peer": "slow", "cpu": [5.0], "gap": 1e-8},
        {"peer": "fine", "cpu": [2.0, 3.0], "gap": 1e-8},
        {"peer": "late", "status": "limit", "note": "not done in 9 s"},
        {"peer": "spared", "status": "skipped", "note": "not done at n = 3"},
    ]
    frame = table([case | row for row in found])
    _, (cells,) = summary(frame)
    late = "coarse: 3e-4 in 0.01 s; late: not done in 9 s; spared: not tried"
    assert cells == ["random, n = 4", "1e-6", "0.1", "1e-7 (own)", "fine, 2", "20", late]
    _, (alone,) = summary(frame[:1].assign(own_gap=1e-5, reached=False))
    assert alone[2:] == ["not reached", "", "not asked", "", ""]


def test_figures_show_every_solver_that_answered(rows: store.Rows) -> None:
    frame = table(rows.rows)
    assert by_size(frame) is None
    assert by_size(frame.assign(family="labels")) is None
    (ax,) = by_problem(frame).axes
    filled = [line.get_markerfacecolor() != "white" for line in ax.lines]
    assert filled == [True, True, False]
    two = table([*rows.rows, *({**row, "n": 8, "status": "limit"} for row in rows.rows)])
    figure = by_size(two)
    assert figure is not None
    assert [ax.get_title() for ax in figure.axes] == ["$R(D)$, random"]
    arrows = [line for line in by_problem(two).axes[0].lines if line.get_marker() == r"$\rightarrow$"]
    assert len(arrows) == len(rows.rows)


@pytest.mark.parametrize(("family", "n"), [("gauss", 50), ("rand", 50), ("tv", 20)])
def test_the_gap_of_a_channel_is_that_of_its_solution(family: str, n: int) -> None:
    row = run.measure(Case(family, n, 1e-9), None, 1, 20)
    assert row["note"] == ""
    assert row["gap"] == pytest.approx(row["own_gap"], rel=1, abs=5e-11)


def test_a_channel_too_large_to_form_leaves_its_own_bracket() -> None:
    row = run.measure(Case("gauss", 50_000, 1e-6), None, 1, 60)
    assert (row["status"], row["note"]) == ("solved", "own bracket: the channel is too large to form")
    assert row["gap"] == row["own_gap"] <= 1e-6
