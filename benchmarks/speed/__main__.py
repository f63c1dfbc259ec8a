"""The command line of the speed comparison."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from benchmarks import store
from benchmarks.speed.cases import SIZES, plan
from benchmarks.speed.dots import by_problem
from benchmarks.speed.figure import by_size
from benchmarks.speed.judge import Row
from benchmarks.speed.peers import PEERS
from benchmarks.speed.table import markdown, table
from benchmarks.speed.walk import entrants, walk

#: Repeats of short solves and seconds that a solve may take.
_DEFAULTS = {"quick": (3, 1.5), "usual": (5, 60.0), "full": (5, 600.0), "page": (3, 25.0)}


def main(arguments: list[str] | None = None) -> int:
    """Time rdcfunc and its peers on the same problems, and write a table and a figure of time against gap."""
    options = _parser().parse_args(arguments)
    repeats, limit = options.repeats or _DEFAULTS[options.effort][0], options.limit or _DEFAULTS[options.effort][1]
    try:
        store.check_folder(options.out)
        rows = store.Rows(options.out / "speed.jsonl")
    except OSError as error:
        print(f"cannot write results to {options.out}: {error}", file=sys.stderr)
        return 2
    missing = [peer.label for peer in PEERS if peer.missing()]
    peers = [peer for peer in PEERS if peer.label not in missing]
    cases = plan(options.effort, options.only)
    print(f"not installed: {'; '.join(missing) or 'none'}; a solve may take {limit:g} s; results go to {options.out}/")
    total = sum(1 + len(entrants(case, peers)) for case in cases)
    found: list[Row] = []
    asked = f"A solve may take {limit:g} s of wall-clock time and is repeated up to {repeats} times."
    try:
        with tqdm(total=total, desc="speed", unit="row") as bar:
            for row in walk(cases, peers, rows, repeats, limit):
                found.append(row)
                bar.set_postfix_str(f"{row['family']} n={row['n']} {row['peer']}", refresh=False)
                bar.update()
    except KeyboardInterrupt:
        print("\ninterrupted: what was finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    finally:
        if found:
            write(options.out, table(found), missing, asked)
    return 0


def write(out: Path, frame: pd.DataFrame, missing: Sequence[str], asked: str) -> None:
    """Write the table as CSV and Markdown, and the figure."""
    png = BytesIO()
    (by_size(frame) or by_problem(frame)).savefig(png, format="png", dpi=160)
    store.write(out / "speed.csv", lambda file: frame.to_csv(file, index=False))
    store.write(out / "speed.md", lambda file: file.write(markdown(frame, missing, asked).encode()))
    store.write(out / "speed.png", lambda file: file.write(png.getvalue()))
    print(f"wrote {out}/speed.csv, .md and .png")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number > 0 (got {text})")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number >= 1 (got {text})")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=main.__doc__)
    parser.set_defaults(effort="usual")
    efforts = parser.add_mutually_exclusive_group()
    helps = {
        "quick": "small problems, under two minutes",
        "full": "also sizes that only rdcfunc is asked for",
        "page": "the problems of docs/speed.md, a quarter of an hour",
    }
    for effort, text in helps.items():
        efforts.add_argument(f"--{effort}", dest="effort", action="store_const", const=effort, help=text)
    out = Path("results/speed")
    parser.add_argument("--out", type=Path, default=out, help=f"folder for the results (default: {out})")
    parser.add_argument("--only", nargs="+", choices=SIZES, default=[], metavar="FAMILY", help=", ".join(SIZES))
    spans = {k: ", ".join(f"{effort} {v[k]:g}" for effort, v in _DEFAULTS.items()) for k in (0, 1)}
    parser.add_argument("--repeats", type=_count, help=f"repetitions of short solves (default: {spans[0]})")
    parser.add_argument("--limit", type=_positive, help=f"seconds a solve may take (default: {spans[1]})")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
