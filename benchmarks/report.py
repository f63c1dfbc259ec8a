"""One page of all that was made: ``python -m benchmarks report`` writes ``results/report.html``.

It reads what lies there and computes nothing: figures, surfaces to turn, tables, and rows of measurements kept as
JSON lines. It needs nothing from elsewhere; with surfaces it takes 5 MB, most of it the library that turns them.
"""

from __future__ import annotations

import argparse
import base64
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import store, surfaces
from benchmarks.html import render

#: Measurements that are kept with the code.
KEPT = Path(__file__).parent / "results"
#: Columns that a table of rows leaves to the files.
_LONG = 60

_BODY = """<h1>Results</h1>
<p>Bands and columns named lower and upper are certified bounds. Networks are measured: means over seeds, with their
spread. What is called searched is not certified.</p>
{% for figure in figures %}
<figure><img alt="{{ figure.name }}" src="data:{{ figure.kind }};base64,{{ figure.data }}">
<figcaption>{{ figure.name }}</figcaption></figure>
{% endfor %}
{% for surface in surfaces %}
<figure>{{ surface.body|safe }}
<figcaption>{{ surface.name }}: upper bounds; point at one for both bounds, which are never more than
{{ "%.2g"|format(surface.width) }} bits apart</figcaption></figure>
{% endfor %}
{% if missing %}<p>{{ missing }}</p>{% endif %}
{% for table in tables %}
<h2>{{ table.name }}</h2>
<div class="scroll">{{ table.body }}</div>
{% if table.made %}<p class="made">{{ table.made }}</p>{% endif %}
{% endfor %}
<p class="made">This page:
{% for name, value in made.items() %}{{ name }} {{ value }}{{ ", " if not loop.last }}{% endfor %}.</p>
"""


@dataclass(frozen=True)
class Figure:
    """A picture, as text of base 64."""

    name: str
    kind: str
    data: str


@dataclass(frozen=True)
class Table:
    """A table as HTML, and what it was made by."""

    name: str
    body: Any
    made: str


def figures(folder: Path) -> list[Figure]:
    """Return the pictures of a folder and of those below it; of one name, the SVG."""
    found = {path.with_suffix(""): path for kind in ("png", "svg") for path in sorted(folder.rglob(f"*.{kind}"))}
    kinds = {".png": "image/png", ".svg": "image/svg+xml"}
    return [
        Figure(str(path.relative_to(folder)), kinds[path.suffix], base64.b64encode(path.read_bytes()).decode())
        for path in found.values()
    ]


def tables(folder: Path) -> list[Table]:
    """Return the tables of a folder and of those below it: CSV files, and JSON lines with a row each."""
    from markupsafe import Markup

    found = []
    for path in sorted([*folder.rglob("*.csv"), *folder.rglob("*.jsonl")]):
        made = ""
        if path.suffix == ".csv":
            frame = pd.read_csv(path)
        else:
            rows = store.Rows(path).rows
            commits = {row["made"]["commit"] for row in rows if isinstance(row.get("made"), dict)}
            made = f"{len(rows)} rows, made by {', '.join(sorted(commits))}" if commits else f"{len(rows)} rows"
            frame = pd.json_normalize([{k: v for k, v in row.items() if k != "made"} for row in rows])
        short = [c for c in frame if frame[c].map(lambda x: len(str(x))).max() <= _LONG and frame[c].notna().any()]
        html = frame[short].to_html(index=False, border=0, na_rep="", float_format=lambda x: f"{x:.5g}")
        found.append(Table(str(path.relative_to(folder)), Markup(html), made))
    return found


def page(folders: list[Path]) -> str:
    """Return the page of what some folders hold, as one self-contained HTML text."""
    there = [folder for folder in folders if folder.is_dir()]
    curves = {name: curve for folder in there for name, curve in surfaces.find(folder).items()}
    drawn = surfaces.available()
    return render(
        "results",
        _BODY,
        figures=[figure for folder in there for figure in figures(folder)],
        surfaces=surfaces.draw(curves) if drawn else [],
        missing=surfaces.MISSING if curves and not drawn else "",
        tables=[table for folder in there for table in tables(folder)],
        made=store.provenance(),
    )


def main(arguments: list[str] | None = None) -> int:
    """Gather what was made into one page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder to read and write (%(default)s)")
    options = parser.parse_args(arguments)
    text = page([options.out, KEPT])
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        store.write(options.out / "report.html", lambda file: file.write(text.encode()))
    except OSError as error:
        print(f"cannot write to {options.out}: {error}", file=sys.stderr)
        return 2
    print(f"wrote {options.out}/report.html")
    return 0
