"""The command line: ``rdcfunc`` or ``python -m rdcfunc``."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from click.shell_completion import get_completion_class

import rdcfunc as rdc
from rdcfunc.files import keep
from rdcfunc.options import asking, printing, row, show, table, text_of

if TYPE_CHECKING:
    from rdcfunc.problem_file import Question

#: What a command returns to the shell.
BAD_INPUT, INFEASIBLE, WIDE, INTERRUPTED = 2, 3, 4, 130
_CODES = "Exit codes: 0 certified, 2 bad input, 3 infeasible levels, 4 a bracket wider than tol."


@click.group(epilog=_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(rdc.__version__)
def cli() -> None:
    """Rate-distortion functions with perception and classification, each answer between certified bounds.

    Problems come from a small TOML or JSON file ("-" for standard input; rdcfunc example writes one), or from --set
    alone: rdcfunc rate -s source.bernoulli=0.3 -s distortion.kind='"hamming"' -D 0.1
    """


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
        show(solution, form, lambda: table([row(goal, solution)]))

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
    show(curve, form, curve.to_csv)


@cli.command()
@asking
@printing
def universal(question: Question, form: str) -> None:
    """Compute the least rate of one encoder for all [[targets]], and its penalty over the dearest of them."""
    penalty = rdc.rate_penalty(question.problem, question.targets, tol=question.tol)
    singles = [row(f"R(target {k})", single) for k, single in enumerate(penalty.singles)]
    extra: dict[str, object] = {"quantity": "penalty", "lower": penalty.lower, "upper": penalty.upper}
    show(penalty, form, lambda: table([*singles, row("R(all targets)", penalty.universal), extra]))


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

    curve = loads(text_of(file), file)
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
        keep(text, out)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands and options, for: eval "$(rdcfunc completion bash)"."""
    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(cli, {}, "rdcfunc", "_RDCFUNC_COMPLETE").source())


def _curve(question: Question, minimise: str | None) -> rdc.Curve:
    """Return the curve over every combination of the levels: distortion, or else the rate, along the last axis."""
    goal = minimise or question.minimise
    problem = question.problem
    measures = {"R": True, "D": True, "P": problem.perception, "C": problem.classification}
    if goal is None and all(name in question.levels for name, measure in measures.items() if measure is not None):
        raise click.UsageError("a rate and all other levels are given; say by --minimise which of them to leave out")
    levels = {name: np.asarray(question.levels[name]) for name in "CPRD" if name in question.levels and name != goal}
    rows = [name for name, value in levels.items() if value.ndim]
    axes = np.eye(len(rows), dtype=int)
    shapes = {name: np.where(axes[rows.index(name)], -1, 1) if name in rows else () for name in levels}
    given: dict[str, Any] = {name: value.reshape(shapes[name]) for name, value in levels.items()}
    return rdc.trace(problem, **given, minimise=goal, tol=question.tol, progress=sys.stderr.isatty())


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
