"""Kills, full disks and damaged files cost no finished result, and what was lost is said."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import rdcfunc as rdc
from benchmarks import store
from rdcfunc import distortions, sources

ROOT = Path(__file__).parents[1]
#: A job of twelve rows that goes on where it was cut off, and kills itself after as many rows as it is told.
JOB = """
import os, signal, sys
from pathlib import Path
from benchmarks import store

rows, lives, where = store.Rows(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3]
whole = Path.replace

def replace(self, target):
    global lives
    lives -= 1
    if lives == 0 and where == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    whole(self, target)
    if lives == 0:
        os.kill(os.getpid(), signal.SIGKILL)

Path.replace = replace
for k in range(len(rows.rows), 12):
    rows.append({"seed": k, "D": k / 7})
"""


def job(path: Path, lives: int, where: str) -> int:
    command = [sys.executable, "-c", JOB, str(path), str(lives), where]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode


def test_a_job_killed_again_and_again_ends_with_the_same_file(tmp_path: Path) -> None:
    """Killed between the writing of a file and its renaming, and just after."""
    (tmp_path / "once").mkdir()
    assert job(tmp_path / "once" / "rows.jsonl", -1, "") == 0
    (tmp_path / "often").mkdir()
    for lives, where in ((3, "before"), (1, "before"), (5, "after")):
        assert job(tmp_path / "often" / "rows.jsonl", lives, where) == -signal.SIGKILL
    assert job(tmp_path / "often" / "rows.jsonl", -1, "") == 0
    once, often = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("once", "often"))
    assert once == often


@pytest.mark.parametrize(
    "damage",
    [b'{"seed": 1', b"\xff\xfe\x00", b"", b"12", b"null", b'["seed"]', b'{"seed": 1}{"seed": 2}', b"nan" * 1000],
)
def test_damaged_lines_are_set_aside_and_said_and_all_others_kept(
    tmp_path: Path, damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"seed": 0}\n' + damage + b'\n{"seed": 2}\n')
    rows = store.Rows(path)
    assert rows.rows == [{"seed": 0}, {"seed": 2}]
    assert path.read_text() == '{"seed": 0}\n{"seed": 2}\n'
    assert (tmp_path / "rows.jsonl.damaged").read_bytes() == damage + b"\n"
    assert "1 of 3 lines are cut short or damaged; they are kept in rows.jsonl.damaged" in capsys.readouterr().err
    assert store.Rows(path).rows == rows.rows
    assert capsys.readouterr().err == ""


def test_every_flipped_bit_of_a_row_is_seen_and_no_other_row_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that reads as another, or a checksum that no longer looks like one, is as damaged as half a line."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # a thousand of them take long
    whole, path = store.Rows(tmp_path / "whole.jsonl"), tmp_path / "rows.jsonl"
    for seed in (0, 1):
        whole.append({"seed": seed, "D": 0.1 * seed})
    content = whole.path.read_bytes()
    end = content.index(b"\n")
    for place in range(len(content)):
        for bit in range(8):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
            # The mark between two lines belongs to both.
            left = whole.rows[1:] if place < end else whole.rows[:1] if place > end else []
            damaged = path.read_bytes().splitlines() != content.splitlines()
            assert store.Rows(path).rows == (left if damaged else whole.rows), (place, bit)
            assert bool(capsys.readouterr().err) == damaged


class Store(RuleBasedStateMachine):
    """Add rows, stop anywhere, cut, flip and lose: whoever goes on from what is left ends with the same rows."""

    TOTAL = 6

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "rows.jsonl"
        self.rows = store.Rows(self.path)

    def teardown(self) -> None:
        """Whatever happened, the job that is started once more finds the rows of one that was left alone."""
        self.resume()
        for seed in sorted(set(range(self.TOTAL)) - {row["seed"] for row in self.rows.rows}):
            self.add(seed)
        done = store.Rows(self.path).rows
        assert sorted((row["seed"], row["D"]) for row in done) == [(seed, seed / 7) for seed in range(self.TOTAL)]
        self.folder.cleanup()

    @rule(seed=st.integers(0, TOTAL - 1))
    def add(self, seed: int) -> None:
        if seed not in {row["seed"] for row in self.rows.rows}:
            self.rows.append({"seed": seed, "D": seed / 7})

    @rule()
    def resume(self) -> None:
        self.rows = store.Rows(self.path)

    @rule()
    def stop_before_the_file_is_renamed(self) -> None:
        with patch("pathlib.Path.replace", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
            self.rows.append({"seed": -1, "D": 0.0})
        self.resume()

    @precondition(lambda self: self.path.exists())
    @rule(share=st.floats(0, 1))
    def cut(self, share: float) -> None:
        content = self.path.read_bytes()
        self.path.write_bytes(content[: int(share * len(content))])
        self.resume()

    @precondition(lambda self: self.path.exists() and self.path.stat().st_size)
    @rule(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def flip(self, share: float, bit: int) -> None:
        content = bytearray(self.path.read_bytes())
        content[int(share * len(content))] ^= 1 << bit
        self.path.write_bytes(content)
        self.resume()

    @precondition(lambda self: self.path.exists())
    @rule()
    def lose(self) -> None:
        self.path.unlink()
        self.resume()

    @invariant()
    def what_is_kept_is_what_was_made(self) -> None:
        assert all(row["D"] == row["seed"] / 7 for row in self.rows.rows)


TestStore = Store.TestCase
TestStore.settings = settings(max_examples=settings().max_examples, stateful_step_count=12)


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = store.Rows(tmp_path / "rows.jsonl")
    rows.append({"seed": 0})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        rows.append({"seed": 1})
    assert [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]
    assert store.Rows(rows.path).rows == rows.rows == [{"seed": 0}]


COIN = "source.pmf = [0.5, 0.5]\ndistortion.kind = 'hamming'\nlevels.D = [0.1, 0.2]"
#: Commands that work for long: their module, words before the place of the results, and after it.
LONG: dict[str, tuple[str, list[str], list[str]]] = {
    "compare": ("benchmarks.__main__", ["--out"], []),
    "speed": ("benchmarks.speed.__main__", ["--out"], []),
    "figures": ("benchmarks.papers", ["--out"], []),
    "mnist": ("benchmarks.mnist", ["--small", "--out"], ["rows.jsonl"]),
    "best": ("benchmarks.best", ["--out"], ["rows.jsonl"]),
    "sweep": ("neural.__main__", ["sweep", "quick", "--folder"], []),
    "train": ("neural.__main__", ["train", "--save"], ["run.pt"]),
    "plot": ("rdcfunc.__main__", ["plot", "--set", COIN, "--out"], ["curve.pdf"]),
}


@pytest.mark.parametrize("command", LONG)
def test_no_hour_of_work_is_begun_that_cannot_be_written(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the way, a file system that is read-only, and a disk that is full."""
    from importlib import import_module

    module, before, after = LONG[command]
    main = import_module(module).main

    def refusal(folder: str) -> str:
        place = Path(tmp_path, folder, *after)
        try:
            assert main([*before, str(place)]) == 2
        except SystemExit as end:
            return str(end)
        return capsys.readouterr().err

    def read_only(path: Path, content: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    (tmp_path / "file").write_text("in the way")
    assert "exists" in refusal("file")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", read_only)
        assert "Read-only file system" in refusal("locked")
    monkeypatch.setattr(shutil, "disk_usage", lambda out: type("Usage", (), {"free": 1000})())
    assert "MB are free there; free some, or choose another folder" in refusal("full")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["file"]


def test_a_worker_that_is_killed_is_said_and_the_next_pool_finds_the_same() -> None:
    problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2))
    levels = np.linspace(0.0, 0.3, 20)
    with ProcessPoolExecutor(1, get_context("forkserver")) as pool:
        pool.submit(os.kill, os.getpid(), 0).result()
        worker = next(iter(pool._processes))
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(BrokenProcessPool):
            rdc.trace(problem, D=levels, executor=pool)
    with ProcessPoolExecutor(1, get_context("forkserver")) as pool:
        found: Any = rdc.trace(problem, D=levels, executor=pool)
    alone = rdc.trace(problem, D=levels)
    np.testing.assert_array_equal(found.upper, alone.upper)
    np.testing.assert_array_equal(found.lower, alone.lower)


def test_a_checkpoint_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    """What torch loads with ``weights_only``, as everything here must, refuses objects that run code."""
    import torch

    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str, str]]:
            return (exec, (f"open({str(tmp_path / 'sprung')!r}, 'w').close()", ""))

    torch.save({"weights": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        torch.load(tmp_path / "trap.pt", weights_only=True)
    assert not (tmp_path / "sprung").exists()
    loads = [
        (path, line)
        for folder in ("rdcfunc", "neural", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if "torch.load(" in line or "pickle.load" in line or "allow_pickle=True" in line
    ]
    assert all("torch.load(" in line and "weights_only=True" in line for _, line in loads), loads


def test_a_bound_on_disk_holds_no_code(tmp_path: Path) -> None:
    from benchmarks import theory

    np.savez(tmp_path / "bound.npz", rate=np.array([Path("x")], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        theory.read(tmp_path / "bound.npz")
