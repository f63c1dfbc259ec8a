"""What the commands share: the question that a user asks of each, and the rows or JSON that it prints."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

import rdcfunc as rdc

if TYPE_CHECKING:
    from rdcfunc.problem_file import Question


class Levels(click.ParamType[Any]):
    """``0.1``, a list ``0,0.1,inf`` or a range ``0:0.3:31`` of equal steps."""

    name = "levels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return one number or a row of numbers."""
        try:
            if ":" in value:
                low, high, count = value.split(":")
                return np.linspace(float(low), float(high), int(count))
            row = np.array([float(x) for x in value.split(",")])
        except ValueError:
            self.fail(f"{value!r} is no number, list such as 0,0.1,inf or range such as 0:0.3:31", param, ctx)
        return row if "," in value else row[0]


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a problem file, its settings and levels, and hand it the question."""

    def run(file: str | None, settings: tuple[str, ...], tol: float | None, **options: Any) -> None:
        levels = {name: value for name in "DPCR" if (value := options.pop(name.lower(), None)) is not None}
        question = _read(file, settings)
        levels = {**question.levels, **levels}
        command(replace(question, levels=levels, tol=question.tol if tol is None else tol), **options)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for name, what in (
        ("R", "Rate in bits."),
        ("C", "Classification level."),
        ("P", "Perception level."),
        ("D", "Distortion."),
    ):
        run = click.option(f"-{name}", name.lower(), type=Levels(), help=what)(run)
    run = click.option("--tol", type=float, help="The bracket asked for.")(run)
    run = click.option("-s", "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Set a key, in TOML.")(run)
    return click.argument("file", required=False, type=click.Path(allow_dash=True))(run)


def printing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the choice of what to print."""
    formats = click.Choice(["csv", "json"])
    return click.option("--format", "form", type=formats, default="csv", show_default=True, help="What to print.")(
        command
    )


def _read(file: str | None, settings: tuple[str, ...]) -> Question:
    """Return the question of a file with some keys set otherwise."""
    from rdcfunc.problem_file import ask, parse

    content: dict[str, Any] = {}
    folder = None
    if file is not None:
        text = text_of(file)
        content = parse(text, file.endswith(".json") or (file == "-" and text.lstrip().startswith("{")))
        folder = None if file == "-" else Path(file).resolve().parent
    elif not settings:
        raise click.UsageError("give a problem file, - for standard input, or --set; rdcfunc example writes a file")
    for setting in settings:
        try:
            _merge(content, parse(setting))
        except ValueError as error:
            words = "words need quotes that the shell leaves alone, as in \"distortion.kind='hamming'\""
            raise ValueError(f"--set {setting}: {str(error).partition(';')[0]}; {words}") from error
    return ask(content, folder)


def text_of(file: str) -> str:
    """Return what stands in a file, or comes from standard input."""
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")


def _merge(content: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(content.get(key), dict):
            _merge(content[key], value)
        else:
            content[key] = value


def show(answer: rdc.Solution | rdc.Curve | rdc.Penalty, form: str, table: Callable[[], str]) -> None:
    """Print an answer as JSON, or as its table."""
    if form == "json":
        from rdcfunc.storage import dumps

        click.echo(dumps(answer))
    else:
        click.echo(table(), nl=False)


def row(quantity: str, solution: rdc.Solution) -> dict[str, object]:
    """Return what a table says of a solution."""
    row: dict[str, object] = {"quantity": quantity}
    row |= {name: getattr(solution, name) for name in ("lower", "upper", "rate")}
    if isinstance(solution.achieved, rdc.Target):
        row |= {name: getattr(solution.achieved, name) for name in "DPC" if getattr(solution.achieved, name) < inf}
    return row | {"status": solution.status.name}


def table(rows: list[dict[str, object]]) -> str:
    """Return rows as CSV, every digit kept."""
    text = io.StringIO()
    columns = ["quantity", "lower", "upper", "rate", "D", "P", "C", "status"]
    writer = csv.DictWriter(text, [c for c in columns if any(c in row for row in rows)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
