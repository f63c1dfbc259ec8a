"""Every family of timed problems, at a small size: answers are judged by what their channels are worth."""

import math

import numpy as np
import pytest
from brackets import quietly

import rdcfunc as rdc
from benchmarks.speed import __main__ as command
from benchmarks.speed.cases import SIZES, Case
from benchmarks.speed.judge import judged
from benchmarks.speed.peers import Answer, Cones, Dit, Task


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
