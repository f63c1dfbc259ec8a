"""The command line and its problem files: what is asked is answered, what is wrong is named, nothing is run."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brackets import assert_equal
from problems import COIN

import rdcfunc as rdc
from rdcfunc import classifications, problem_file
from rdcfunc.__main__ import main
from rdcfunc.sections import ProblemFileError

COIN_TEXT = ["-s", "source.bernoulli=0.3", "-s", "distortion.kind='hamming'"]
SEEN = [*COIN_TEXT, "-s", "perception.kind='TotalVariation'"]
BASE = {"source": {"bernoulli": 0.3}, "distortion": {"kind": "hamming"}}


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    return code, *capsys.readouterr()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_example_asks_what_it_says(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    assert run(capsys, "example", "-o", str(path)) == (0, "", "")
    assert path.read_text() == run(capsys, "example")[1]
    code, out, _ = run(capsys, "rate", str(path))
    (row,) = rows(out)
    truth = rdc.rate(COIN, D=0.1, P=0.02)
    assert (code, float(row["lower"]), float(row["upper"])) == (0, truth.lower, truth.upper)
    *_, penalty = rows(run(capsys, "universal", str(path))[1])
    assert float(penalty["lower"]) == pytest.approx(0.0081, abs=1e-4)
    code, _, err = run(capsys, "example", "-o", str(path))
    assert code == 2
    assert "exists; choose another name" in err


@pytest.mark.parametrize("verb", ["distortion", "perception"])
def test_a_verb_leaves_out_the_level_that_it_minimises(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    code, out, _ = run(capsys, verb, *SEEN, "-R", "0.417674", "-D", "0.1", "-P", "0.02", "--format", "json")
    told = json.loads(out)
    assert (code, told["lower"]) == (0, pytest.approx({"distortion": 0.1, "perception": 0.02}[verb], abs=1e-4))


def test_a_trace_is_every_combination_and_can_be_loaded(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "trace", *SEEN, "-D", "0:0.2:3", "-P", "0,inf")
    assert [(row["P"], row["D"]) for row in rows(out)] == [
        (p, d) for p in ("0.0", "inf") for d in ("0.0", "0.1", "0.2")
    ]
    (tmp_path / "curve.json").write_text(
        run(capsys, "trace", *SEEN, "-D", "0:0.2:3", "-P", "0,inf", "--format", "json")[1]
    )
    curve = rdc.load(tmp_path / "curve.json")
    assert (code, curve.lower.shape) == (0, (2, 3))
    np.testing.assert_array_equal([float(row["lower"]) for row in rows(out)], curve.lower.ravel())
    assert run(capsys, "trace", *SEEN, "-D", "0.1", "-R", "0.43,0.45", "-m", "P")[1].count("CERTIFIED") == 2


def test_plot_writes_a_figure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "curve.svg"
    assert run(capsys, "plot", *SEEN, "-D", "0:0.3:4", "-P", "0,inf", "-o", str(out))[0] == 0
    assert "no P</text>" in out.read_text()
    code, _, err = run(capsys, "plot", *SEEN, "-D", "0:0.3:4", "-o", "curve.gif")
    assert (code, "must end in .pdf, .svg, .png" in err) == (2, True)


def test_a_curve_that_was_kept_is_drawn_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, curve, _ = run(capsys, "trace", *SEEN, "-D", "0:0.3:4", "-P", "0,inf", "--format", "json")
    _, solution, _ = run(capsys, "rate", *SEEN, "-D", "0.1", "--format", "json")
    saved, drawn, computed = (tmp_path / name for name in ("curve.json", "drawn.svg", "computed.svg"))
    saved.write_text(curve)
    assert run(capsys, "draw", str(saved), "-o", str(drawn)) == (0, "", "")
    run(capsys, "plot", *SEEN, "-D", "0:0.3:4", "-P", "0,inf", "-o", str(computed))
    lines = [re.findall(r'<path d="M[^"]*"', path.read_text()) for path in (drawn, computed)]
    assert len(lines[0]) > 2
    assert lines[0] == lines[1]
    monkeypatch.setattr("sys.stdin", io.StringIO(solution))
    code, _, err = run(capsys, "draw", "-", "-o", str(drawn))
    assert (code, "- holds a Solution; give what rdcfunc trace" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["rate"], 2, "give a problem file"),
        (["rate", "no-such-file.toml"], 2, "No such file"),
        (["rate", *COIN_TEXT, "-D", "x"], 2, "'x' is no number, list such as"),
        (["rate", *COIN_TEXT, "-D", "0.1,0.2"], 2, "D must be one number for rdcfunc rate; use rdcfunc trace"),
        (["rate", *COIN_TEXT, "-D", "-1"], 2, "D must be >= 0 (got -1.0)"),
        (["rate", *COIN_TEXT, "-P", "0.1"], 2, "pass perception=... to Problem"),
        (["distortion", *COIN_TEXT], 2, "needs a rate; give -R"),
        (["rate", "-s", "source.bernoulli=="], 2, "not TOML"),
        (["rate", "-s", "distortion.kind=hamming"], 2, "words need quotes"),
        (["trace", *SEEN, "-D", "0.1", "-P", "0.1", "-R", "0.2,0.4"], 2, "say by --minimise"),
        (["rate", "-s", "source.bernoulli=0.4", "-s", "distortion.kind='matrix'", "-s",
          "distortion.values=[[0.1, 1.0], [1.0, 0.2]]", "-D", "0.05"], 3, "the smallest feasible D is 0.14"),
        (["completion", "tcsh"], 2, "'tcsh' is not one of"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert "Traceback" not in err


def test_a_wide_bracket_is_told_by_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "rate", *SEEN, "-D", "0.1", "-P", "0.02", "--tol", "1e-17")
    assert (code, rows(out)[0]["status"]) == (4, "WIDE")
    assert "rdcfunc: " in err


def test_it_pipes() -> None:
    def rdcfunc(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "rdcfunc", *arguments], text=True, capture_output=True, **options)

    done = rdcfunc("rate", "-", "-D", "0.3", input=rdcfunc("example").stdout)
    assert (done.returncode, rows(done.stdout)[0]["quantity"]) == (0, "R")


def test_shells_complete(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "complete -o nosort" in run(capsys, "completion", "bash")[1]
    monkeypatch.setenv("_RDCFUNC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "rdcfunc tr")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().out == "plain,trace\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sauce": {}}, r"the problem file has no key sauce; the keys are source, distortion, perception"),
        ({"source": {}}, r"source is missing; give one of pmf, bernoulli"),
        ({"source": [0.5, 0.5]}, r"source must be a table of keys \(got \[0.5, 0.5\]\); write key = value below"),
        ({"source": {"bernoulli": "0.3"}}, r"source.bernoulli must be a probability \(got '0.3'\)"),
        ({"source": {"bernoulli": 0.3, "pmf": [1.0]}}, r"source.bernoulli has no meaning here"),
        ({"source": {"pmf": [0.5, 0.6]}}, r"source: pmf must sum to 1 along its last axis \(got a sum of 1.1\)"),
        ({"source": {"pmf": [[0.5], 0.5]}}, r"source.pmf must be the letters' probabilities"),
        ({"source": {"uniform": 2.5}}, r"source.uniform must be a whole number of letters \(got 2.5\)"),
        ({"distortion": {"kind": "__import__"}}, r"distortion.kind must be one of hamming.* \(got '__import__'\)"),
        ({"distortion": {"kind": "squared_error"}}, r"squared_error needs the letters' values; give points"),
        ({"distortion": {"kind": "hamming", "values": [[1]]}}, r"distortion.values has no meaning here"),
        ({"distortion": {"kind": "matrix", "values": [[0.0]]}}, r"the problem: .*for each of the 2 source letters"),
        ({"classification": {"kind": "ErrorRate", "labels": [0, 1]}}, r"classification.decision is missing"),
        ({"levels": {"d": 0.1}}, r"levels.d has no meaning here; the keys are D, P, C, R"),
        ({"levels": {"D": {"from": 0, "to": 1, "count": 1}}}, r"levels.D.count must be >= 2 \(got 1\)"),
        ({"targets": [{"D": "x"}]}, r"targets\[0\].D must be a level \(got 'x'\)"),
        ({"options": {"minimise": "Q"}}, r"options.minimise must be one of R, D, P, C \(got 'Q'\)"),
        ({"source": {"pmf": {"file": "pmf.csv"}}}, r"in a problem file that has a folder"),
    ],
)
def test_a_problem_file_names_the_key(change: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemFileError, match=message):
        problem_file.ask(BASE | change)


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/hostname", "link.csv", "away/secret.csv"])
def test_files_cannot_be_reached_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("0.5\n0.5\n")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "away").symlink_to(tmp_path)
    with pytest.raises(ProblemFileError, match=rf"source.pmf.file must lie in .*inside \(got '{name}'\)"):
        problem_file.ask(BASE | {"source": {"pmf": {"file": name}}}, folder)


def test_files_hold_numbers_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pmf.csv").write_text("0.7\n0.3\n")
    np.save(tmp_path / "costs.npy", [[0.0, 1.0], [1.0, 0.0]])
    (tmp_path / "labels.csv").write_text("0\n1\n")
    content = {
        "source": {"pmf": {"file": "pmf.csv"}},
        "distortion": {"kind": "matrix", "values": {"file": "costs.npy"}},
        "classification": {"kind": "ConditionalEntropy", "labels": {"file": "labels.csv"}, "tagged": True},
        "levels": {"D": {"from": 0.0, "to": 0.2, "count": 3}},
    }
    (tmp_path / "problem.json").write_text(json.dumps(content))
    question = problem_file.read(tmp_path / "problem.json")
    assert question.levels["D"].tolist() == [0.0, 0.1, 0.2]
    assert question.problem.classification.deterministic
    assert rdc.rate(question.problem, D=0.1).value == pytest.approx(rdc.rate(COIN, D=0.1).value, abs=1e-6)
    np.save(tmp_path / "object.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ProblemFileError, match=r"source.pmf.file cannot be read: .*allow_pickle=False"):
        problem_file.ask(content | {"source": {"pmf": {"file": "object.npy"}}}, tmp_path)


def test_points_of_the_source_serve_every_measure() -> None:
    points = [-1.0, 0.0, 1.5]
    content = {
        "source": {"pmf": [0.5, 0.3, 0.2], "points": points},
        "distortion": {"kind": "absolute_error"},
        "perception": {"kind": "Wasserstein", "power": 1},
    }
    asked = problem_file.ask(content).problem
    np.testing.assert_array_equal(asked.distortion.values, np.abs(np.subtract.outer(points, points)))
    np.testing.assert_array_equal(asked.perception.cost, asked.distortion.values)
    gaussian = problem_file.ask({"source": {"gaussian": 1.0}, "distortion": {"kind": "squared_error"}}).problem
    assert rdc.rate(gaussian, D=0.25).value == pytest.approx(1.0)


ON_A_LINE = """
source = {pmf = [0.2, 0.3, 0.5], points = [0.0, 1.0, 3.0]}
distortion.kind = "absolute_error"
"""


@pytest.mark.parametrize(
    ("more", "cost"),
    [
        ("perception.kind = 'Wasserstein'", [[0, 1, 9], [1, 0, 4], [9, 4, 0]]),
        ("perception = {kind = 'Wasserstein', power = 1}", [[0, 1, 3], [1, 0, 2], [3, 2, 0]]),
        ("perception = {kind = 'Wasserstein', cost = [[0, 1, 1], [1, 0, 1], [1, 1, 0]]}", 1 - np.eye(3)),
    ],
)
def test_a_transport_is_of_points_or_of_the_costs_given(tmp_path: Path, more: str, cost: object) -> None:
    (tmp_path / "problem.toml").write_text(ON_A_LINE + more)
    problem = problem_file.read(tmp_path / "problem.toml").problem
    np.testing.assert_array_equal(problem.perception.cost, cost)


def test_a_label_of_a_gaussian_is_told_by_weights_and_noise(tmp_path: Path) -> None:
    path = tmp_path / "problem.toml"
    label = "classification = {kind = 'ConditionalEntropy', weights = [1.0, 0.0], noise = 0.1}"
    path.write_text(f"source.gaussian = [[1.0, 0.0], [0.0, 2.0]]\ndistortion.kind = 'squared_error'\n{label}")
    label = classifications.ConditionalEntropy(classifications.LinearLabel([1.0, 0.0], 0.1))
    assert_equal(problem_file.read(path).problem.classification, label)


def test_a_power_that_is_no_distance_is_refused(tmp_path: Path) -> None:
    (tmp_path / "problem.toml").write_text(ON_A_LINE + "perception = {kind = 'Wasserstein', power = 3}")
    with pytest.raises(ProblemFileError, match=r"perception.power must be 1 or 2, .* \(got 3\)"):
        problem_file.read(tmp_path / "problem.toml")


def test_a_file_may_say_points_on_a_grid_and_tables_of_labels() -> None:
    """Of a grid no table is formed, so that it may have more points than one that must be; a class needs none."""
    steps = {"from": 0, "to": 1, "count": 20_000}
    grid = {"source": {"uniform": 20_000, "points": steps}, "distortion": {"kind": "squared_error"}}
    assert problem_file.ask(grid).problem.shape == (20_000, 20_000)
    with pytest.raises(ProblemFileError, match="distortion makes a table of"):
        problem_file.ask(grid | {"distortion": {"kind": "squared_error", "letters": steps}})
    said = {"kind": "CrossEntropy", "labels": [[0.9, 0.1], [0.2, 0.8]], "classifier": [[0.8, 0.2], [0.3, 0.7]]}
    made = problem_file.ask(BASE | {"classification": said}).problem.classification
    assert isinstance(made, classifications.CrossEntropy)
    np.testing.assert_array_equal(made.labels, said["labels"])
