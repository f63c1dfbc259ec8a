"""Results are kept line by line: what is cut short is forgotten, what is there is kept."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import store
from rdcfunc import provenance


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


@pytest.mark.parametrize("error", [OSError("no git"), subprocess.CalledProcessError(128, "git")])
def test_outside_a_repository_the_commit_is_unknown(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*command: object, **options: object) -> None:
        raise error

    assert provenance._commit() != "unknown"
    monkeypatch.setattr(provenance.subprocess, "run", fail)
    assert provenance._commit() == "unknown"
