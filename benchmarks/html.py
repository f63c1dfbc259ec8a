"""The head and the look of a page: one self-contained HTML text."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rdcfunc: {{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
img { max-width: 100%; height: auto; }
figure { margin: 1rem 0; }
.scroll { overflow-x: auto; max-height: 40rem; }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th { vertical-align: bottom; }
td:first-child, th:first-child { text-align: left; }
caption { text-align: left; padding-bottom: .5rem; }
figcaption, .made { color: #555; font-size: .85rem; }
code { background: #f3f3f3; padding: .1rem .3rem; }
</style>
</head>
<body>
"""


def render(title: str, body: str, **values: Any) -> str:
    """Return a page with a title, and a body that is a template of some values, escaped where they are no markup."""
    return Environment(autoescape=True).from_string(f"{_PAGE}{body}</body>\n</html>\n").render(title=title, **values)
