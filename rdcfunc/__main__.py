"""The command line: ``rdcfunc`` or ``python -m rdcfunc``."""

from __future__ import annotations

import csv
import io
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from click.shell_completion import get_completion_class

import rdcfunc as rdc
from rdcfunc.files import write

if TYPE_CHECKING:
    from rdcfunc.problem_file import Question

#: What a command returns to the shell.
BAD_INPUT, INFEASIBLE, WIDE, INTERRUPTED = 2, 3, 4, 130
_CODES = "Exit codes: 0 certified, 2 bad input, 3 infeasible levels, 4 a bracket wider than tol."


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


@click.group(epilog=_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(rdc.__version__)
def cli() -> None:
    """Rate-distortion functions with perception and classification, each answer between certified bounds.

    Problems come from a small TOML or JSON file ("-" for standard input; rdcfunc example writes one), or from --set
    alone: rdcfunc rate -s source.bernoulli=0.3 -s distortion.kind='"hamming"' -D 0.1
    """


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


def _verb(name: str, goal: str, what: str) -> None:
    """Add the command of one verb."""

    def command(question: Question, form: str) -> None:
        levels = {}
        for level, value in question.levels.items():
            if level != goal and np.ndim(value):
                raise ValueError(f"{level} must be one number for rdcfunc {name}; use rdcfunc trace for several")
            if level != goal:
                levels[level] = float(value)
        if goal != "R" and "R" not in levels:
            raise ValueError(f"rdcfunc {name} needs a rate; give -R, or R in [levels]")
        solution = getattr(rdc, name)(question.problem, **levels, tol=question.tol)
        _print(solution, form, lambda: _table([_row(goal, solution)]))

    command.__name__ = name
    command.__doc__ = f"Compute {what}.\n\nThe level that is minimised, if it is given, is left out."
    cli.command()(asking(printing(command)))


for _name, _goal, _what in (
    ("rate", "R", "the least rate at levels D, P and C"),
    ("distortion", "D", "the least distortion at a rate R and levels P and C"),
    ("perception", "P", "the least perception level at a rate R and levels D and C"),
    ("classification", "C", "the least classification level at a rate R and levels D and P"),
):
    _verb(_name, _goal, _what)


_minimise = click.option("-m", "--minimise", type=click.Choice(list("RDPC")), help="What is minimised.")
_out = click.option("-o", "--out", required=True, type=click.Path(), help="A .pdf, .svg or .png to write.")
_surface = click.option("--surface", is_flag=True, help="Filled contours instead of one line a row.")
_sizes = click.Choice(["column", "page"])
_size = click.option("--size", type=_sizes, default="column", show_default=True, help="Width.")


@cli.command()
@asking
@printing
@_minimise
def trace(question: Question, form: str, minimise: str | None) -> None:
    """Compute a curve or a surface: every combination of the levels given, one row a point.

    A point that no channel meets has inf. A progress bar is on standard error if that is a terminal.
    """
    curve = _curve(question, minimise)
    _print(curve, form, curve.to_csv)


@cli.command()
@asking
@printing
def universal(question: Question, form: str) -> None:
    """Compute the least rate of one encoder for all [[targets]], and its penalty over the dearest of them."""
    penalty = rdc.rate_penalty(question.problem, question.targets, tol=question.tol)
    singles = [_row(f"R(target {k})", single) for k, single in enumerate(penalty.singles)]
    extra: dict[str, object] = {"quantity": "penalty", "lower": penalty.lower, "upper": penalty.upper}
    _print(penalty, form, lambda: _table([*singles, _row("R(all targets)", penalty.universal), extra]))


@cli.command()
@asking
@_minimise
@_out
@_surface
@_size
def plot(question: Question, minimise: str | None, **drawing: Any) -> None:
    """Compute and draw a curve, its bracket as a band, or a surface."""
    _draw(lambda: _curve(question, minimise), **drawing)


@cli.command()
@click.argument("file", type=click.Path(allow_dash=True))
@_out
@_surface
@_size
def draw(file: str, **drawing: Any) -> None:
    """Draw a curve that rdcfunc trace --format json printed; "-" for standard input."""
    from rdcfunc.storage import loads

    curve = loads(_text(file), file)
    if not isinstance(curve, rdc.Curve):
        raise ValueError(f"{file} holds a {type(curve).__name__}; give what rdcfunc trace --format json printed")
    _draw(lambda: curve, **drawing)


def _draw(made: Callable[[], rdc.Curve], out: str, surface: bool, size: str) -> None:
    """Draw a curve, which is computed once the name and the place of the figure are known to be good."""
    from rdcfunc import plotting
    from rdcfunc.files import check_folder

    if Path(out).suffix not in plotting.SUFFIXES:
        raise ValueError(f"--out must end in {', '.join(plotting.SUFFIXES)} (got {out})")
    try:
        check_folder(Path(out).parent, 1_000_000)
    except OSError as error:
        raise OSError(f"--out {out} cannot be written: {error}") from error
    curve = made()
    with plotting.style(size):
        ax = plotting.plot_surface(curve) if surface else plotting.plot_curve(curve)
        plotting.save(ax, out)


@cli.command()
@click.option("-o", "--out", type=click.Path(), help="A file to write; it must not exist.")
def example(out: str | None) -> None:
    """Write a commented problem file."""
    text = files("rdcfunc").joinpath("example.toml").read_text(encoding="utf-8")
    if out is None:
        click.echo(text, nl=False)
    elif Path(out).exists():
        raise ValueError(f"{out} exists; choose another name or remove it")
    else:
        write(out, lambda file: file.write(text.encode()))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands and options, for: eval "$(rdcfunc completion bash)"."""
    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(cli, {}, "rdcfunc", "_RDCFUNC_COMPLETE").source())


def _print(answer: rdc.Solution | rdc.Curve | rdc.Penalty, form: str, table: Callable[[], str]) -> None:
    if form == "json":
        from rdcfunc.storage import dumps

        click.echo(dumps(answer))
    else:
        click.echo(table(), nl=False)


def _read(file: str | None, settings: tuple[str, ...]) -> Question:
    """Return the question of a file with some keys set otherwise."""
    from rdcfunc.problem_file import ask, parse

    content: dict[str, Any] = {}
    folder = None
    if file is not None:
        text = _text(file)
        content = parse(text, file.endswith(".json") or (file == "-" and text.lstrip().startswith("{")))
        folder = None if file == "-" else Path(file).resolve().parent
    elif not settings:
        raise click.UsageError("give a problem file, - for standard input, or --set; rdcfunc example writes a file")
    for setting in settings:
        _merge(content, parse(setting))
    return ask(content, folder)


def _text(file: str) -> str:
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")


def _merge(content: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(content.get(key), dict):
            _merge(content[key], value)
        else:
            content[key] = value


def _curve(question: Question, minimise: str | None) -> rdc.Curve:
    """Return the curve over every combination of the levels: distortion, or else the rate, along the last axis."""
    goal = minimise or question.minimise
    levels = {name: np.asarray(question.levels[name]) for name in "CPRD" if name in question.levels and name != goal}
    rows = [name for name, value in levels.items() if value.ndim]
    axes = np.eye(len(rows), dtype=int)
    shapes = {name: np.where(axes[rows.index(name)], -1, 1) if name in rows else () for name in levels}
    given: dict[str, Any] = {name: value.reshape(shapes[name]) for name, value in levels.items()}
    return rdc.trace(question.problem, **given, minimise=goal, tol=question.tol, progress=sys.stderr.isatty())


def _row(quantity: str, solution: rdc.Solution) -> dict[str, object]:
    row: dict[str, object] = {"quantity": quantity}
    row |= {name: getattr(solution, name) for name in ("lower", "upper", "rate")}
    if isinstance(solution.achieved, rdc.Target):
        row |= {name: getattr(solution.achieved, name) for name in "DPC" if getattr(solution.achieved, name) < inf}
    return row | {"status": solution.status.name}


def _table(rows: list[dict[str, object]]) -> str:
    """Return rows as CSV, every digit kept."""
    text = io.StringIO()
    columns = ["quantity", "lower", "upper", "rate", "D", "P", "C", "status"]
    writer = csv.DictWriter(text, [c for c in columns if any(c in row for row in rows)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        code = _run(arguments)
    for warning in caught:
        click.echo(f"rdcfunc: {warning.message}", err=True)
    wide = any(issubclass(warning.category, rdc.WideBracketWarning) for warning in caught)
    return WIDE if wide and code == 0 else code


def _run(arguments: list[str] | None) -> int:
    try:
        return cli.main(arguments, prog_name="rdcfunc", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("rdcfunc: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except rdc.InfeasibleError as error:
        click.echo(f"rdcfunc: {error}", err=True)
        return INFEASIBLE
    except (ValueError, OSError, MemoryError) as error:
        click.echo(f"rdcfunc: {error}", err=True)
        return BAD_INPUT


if __name__ == "__main__":
    raise SystemExit(main())
