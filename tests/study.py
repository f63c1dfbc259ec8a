"""A study small enough for tests: two weights, an encoder reused, a bound that is there at once, no new processes."""

import csv
import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

from benchmarks import networks, store, theory
from neural import Config, load

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


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


@cache
def measured() -> store.Rows:
    """Return what the study measures, trained once, whoever asks."""
    rows = store.Rows(Path(_folder().name) / "rows.jsonl")
    assert len(list(networks.measure(STUDY, rows))) == len(CODECS)
    return rows


def refuse(*args: object, **options: object) -> None:
    raise AssertionError("trained again")


def copy(rows: store.Rows, path: Path, count: int | None = None) -> store.Rows:
    path.write_text("".join(rows.path.read_text().splitlines(keepends=True)[:count]))
    return store.Rows(path)


def codecs(rows: list[dict[str, Any]]) -> list[tuple[float | None, float]]:
    return [(row["encoder_weight"], row["config"]["classification_weight"]) for row in rows]


def table_of(out: Path) -> list[tuple[float | None, float]]:
    with open(out / "comparison.csv") as file:
        return [(float(r["encoder"]) if r["encoder"] else None, float(r["weight"])) for r in csv.DictReader(file)]


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
