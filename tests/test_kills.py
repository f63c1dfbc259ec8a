"""The commands of the benchmarks, killed outright, end with the files of a run that was left alone.

``python tests/test_kills.py COMMAND FOLDER LIVES`` runs one that kills itself when it has renamed so many files.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import study
from matplotlib.figure import Figure

from benchmarks import networks, store
from benchmarks.__main__ import main
from benchmarks.speed import __main__ as speeds
from benchmarks.speed import walk
from benchmarks.speed.cases import Case
from benchmarks.speed.peers import Constrained, Peer

ROOT = Path(__file__).parents[1]


def compare(out: Path, patch: pytest.MonkeyPatch) -> int:
    """Run the comparison with a few small networks, a curve that is there at once, and nothing in the figure."""
    patch.setattr(networks, "quick", lambda *asked: study.STUDY)
    patch.setattr("benchmarks.compare.ProcessPoolExecutor", study.Pool)
    patch.setattr("benchmarks.figures.compare", lambda *asked: Figure())
    study.theory_by(patch, study.save_small_bound)
    return main(["--out", str(out), "--seeds", "1"])


def speed(out: Path, patch: pytest.MonkeyPatch) -> int:
    """Run the comparison of speeds with times that depend on the case alone."""

    def measure(case: Case, peer: Peer | None, repeats: int, limit: float, slopes: Sequence[float] = ()) -> Any:
        times = [case.n * case.tol * (1 + 0.1 * k) for k in range(repeats)]
        found = {"status": "solved", "gap": case.tol / 3, "lower": 0.1, "upper": 0.1 + case.tol / 3, "note": ""}
        return {"cpu": times, "wall": times, "memory": 2**20 * case.n, **found}

    patch.setattr(walk, "measure", measure)
    patch.setattr(speeds, "by_size", lambda frame: Figure())
    patch.setattr(speeds, "PEERS", (Constrained("constrained"),))
    return speeds.main(["--quick", "--only", "rand", "--out", str(out)])


def report(out: Path, patch: pytest.MonkeyPatch) -> int:
    """Gather what is kept with the code."""
    return main(["report", "--out", str(out)])


COMMANDS: dict[str, Callable[[Path, pytest.MonkeyPatch], int]] = {"compare": compare, "speed": speed, "report": report}


def die(lives: int) -> None:
    """Be killed instead of renaming one more file."""
    rename, done = Path.replace, []

    def replace(self: Path, target: Path) -> None:
        done.append(target)
        if len(done) > lives:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(self, target)

    Path.replace = replace  # type: ignore[method-assign,assignment]


def contents(out: Path) -> dict[str, Any]:
    """Return what is in a folder, but for how long it took."""
    found: dict[str, Any] = {}
    for path in sorted(out.iterdir()):
        if path.suffix == ".jsonl":
            found[path.name] = [{k: v for k, v in row.items() if k != "seconds"} for row in store.Rows(path).rows]
        elif path.suffix == ".csv":
            found[path.name] = pd.read_csv(path).drop(columns="seconds", errors="ignore").to_csv()
        else:
            found[path.name] = path.read_bytes() if path.suffix in (".md", ".npz") else None
    return found


def killed(name: str, out: Path, lives: int) -> bool:
    """Return whether a command in a process of its own ends by its kill."""
    command = [sys.executable, str(Path(__file__)), name, str(out), str(lives)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize(("name", "lives"), [("compare", (3,)), ("speed", (3,))])
def test_a_command_that_is_killed_goes_on_to_the_same_files(
    name: str, lives: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the writing of a file and its renaming, which leaves a part of one behind."""
    whole, often = tmp_path / "whole", tmp_path / "often"
    kept = 0
    for count in lives:
        assert killed(name, often, count)
        assert list(often.glob("*.part"))
        (rows,) = often.glob("*.jsonl")
        assert len(store.Rows(rows).rows) > kept
        kept = len(store.Rows(rows).rows)
    assert COMMANDS[name](often, monkeypatch) == 0
    assert COMMANDS[name](whole, monkeypatch) == 0
    assert contents(often) == contents(whole)


def test_a_report_that_is_killed_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "report.html"
    page.write_text("before")
    assert killed("report", tmp_path, 0)
    assert page.read_text() == "before"
    assert report(tmp_path, monkeypatch) == 0
    interrupted = page.read_bytes()
    page.unlink()
    assert report(tmp_path, monkeypatch) == 0
    assert page.read_bytes() == interrupted != b"before"


if __name__ == "__main__":
    die(int(sys.argv[3]))
    COMMANDS[sys.argv[1]](Path(sys.argv[2]), pytest.MonkeyPatch())
