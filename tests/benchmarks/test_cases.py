"""Every family of timed problems, at a small size: answers are judged by what their channels are worth."""

import math
from pathlib import Path

import numpy as np
import pytest
from brackets import quietly

import rdcfunc as rdc
from benchmarks.speed import __main__ as command
from benchmarks.speed.cases import SIZES, Case
from benchmarks.speed.judge import judged
from benchmarks.speed.peers import Answer, Bisection, Cones, Constrained, Dit, Peer, Task


@pytest.mark.parametrize("family", SIZES)
def test_what_the_library_answers_is_judged_to_be_narrow(family: str) -> None:
    case = Case(family, 8, points=4 if family == "curve" else 1)
    problem = case.problem()
    answers = case.solve(problem)
    row = judged(case, problem, answers)
    assert row["status"] == "solved"
    assert row["note"] == ""
    assert 0 <= max(row["gap"], row["own_gap"]) <= case.tol
    assert row["upper"] >= min(answer.lower for answer in answers)
    assert row["lower"] <= max(answer.upper for answer in answers)
    # Prices are of levels that bind: there is a slope for each point, but for classes, which are not priced again.
    assert len(row["slopes"]) == (0 if family in ("tagged", "labels", "universal") else case.points)
    assert all(slope > 0 for slope in row["slopes"])


def test_a_proud_answer_is_judged_by_its_channel() -> None:
    case = Case("rand", 8)
    problem, n = case.problem(), 8
    silent = Answer(np.full((n, n), 1 / n), rdc.Prices(), "optimal")
    row = quietly(judged, case, problem, [silent])
    assert (row["status"], row["note"], row["own_gap"]) == ("solved", "optimal", None)
    assert row["gap"] > case.tol
    (ours,) = case.solve(problem)
    assert row["lower"] <= ours.upper
    assert row["upper"] >= ours.lower


@pytest.mark.parametrize("name", ["ECOS", "SCS"])
def test_every_conic_solver_is_asked_as_finely_as_it_can(name: str) -> None:
    peer = Cones(name)
    if peer.missing():
        pytest.skip(f"{name} is not installed")
    case = Case("gauss", 4)
    problem, (target,) = case.problem(), case.targets()
    channel, prices, _ = peer(Task(problem.source.pmf, problem.distortion.values, target.D, tol=1e-5, seconds=20))
    assert rdc.certify(problem, channel, prices, D=target.D, tol=1e-5).gap <= 1e-5


def test_a_slope_is_all_that_dit_needs() -> None:
    peer = Dit("dit")
    if peer.missing():
        pytest.skip("dit is not installed")
    case = Case("gauss", 3)
    problem = case.problem()
    (ours,) = case.solve(problem)
    (task,) = case.tasks(problem, [ours.prices.distortion], math.inf)
    channel, prices, _ = peer(task)
    reached = float(problem.source.pmf @ (channel * problem.distortion.values).sum(axis=1))
    assert rdc.certify(problem, channel, prices, D=reached, tol=1e-6).gap <= 1e-6


@pytest.mark.parametrize("words", [["--repeats", "0"], ["--repeats", "1.5"], ["--limit", "0"], ["--limit", "nan"]])
def test_no_repeats_and_no_time_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(words)
    assert f"(got {words[1]})" in capsys.readouterr().err


def test_an_interruption_before_the_first_row_leaves_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def walk(cases: object, peers: object, rows: object, repeats: int, limit: float) -> None:
        asked.append((repeats, limit))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "walk", walk)
    assert command.main(["--quick", "--repeats", "2", "--limit", "0.5", "--out", str(tmp_path)]) == 130
    assert asked == [(2, 0.5)]
    assert "interrupted" in capsys.readouterr().err
    assert not list(tmp_path.glob("speed.*"))


@pytest.mark.parametrize("peer", [Bisection("bisection"), Constrained("constrained")])
def test_sweeps_that_are_stopped_hand_over_a_channel(peer: Peer) -> None:
    case = Case("rand", 20)
    problem, (target,) = case.problem(), case.targets()
    p, d, gaps = problem.source.pmf, problem.distortion.values, []
    for seconds, note in ((0.0, "stopped by time"), (20.0, "")):
        answer = peer(Task(p, d, target.D, tol=1e-6, seconds=seconds))
        assert answer.note == note
        D = float(p @ (answer.channel * d).sum(axis=1))
        gaps.append(quietly(rdc.certify, problem, answer.channel, answer.prices, D=D).gap)
    assert gaps[1] <= 1e-6 < gaps[0]
