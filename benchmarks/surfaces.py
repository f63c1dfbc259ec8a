"""Surfaces of the rate that can be turned with the mouse, for the page of results; plotly draws them, where it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import rdcfunc as rdc

#: What the page says where surfaces were computed and cannot be drawn.
MISSING = "To turn the surfaces, install plotly, python -m pip install plotly, and make this page again."
_AXES = {"D": "distortion D", "P": "perception P", "C": "classification C"}


@dataclass(frozen=True)
class Surface:
    """A drawing as a piece of HTML, and its widest bracket in bits."""

    name: str
    body: str
    width: float


def available() -> bool:
    """Return whether surfaces can be drawn."""
    try:
        return find_spec("plotly") is not None
    except ValueError:  # the name is there and stands for nothing
        return False


def find(folder: Path) -> dict[str, rdc.Curve]:
    """Return the surfaces R(D, P) and R(D, C) that a folder and those below it hold, by file; of one name the last."""
    files = sorted(folder.rglob("*.json"), key=lambda path: os.stat(path).st_mtime_ns)
    found = {}
    for path in {(path.parent, path.stem.partition("-")[0]): path for path in files}.values():
        try:
            curve = rdc.load(path)
        except ValueError:  # a file of something else
            continue
        if isinstance(curve, rdc.Curve) and curve.quantity == "R" and len(varying(curve)) == curve.value.ndim == 2:
            found[str(path.relative_to(folder))] = curve
    return found


def varying(curve: rdc.Curve) -> list[str]:
    """Return the levels that vary over a curve and are finite."""
    grids = {name: getattr(curve, name) for name in _AXES}
    return [name for name, grid in grids.items() if np.isfinite(grid).all() and np.ptp(grid) > 0]


def draw(curves: dict[str, rdc.Curve]) -> list[Surface]:
    """Draw upper bounds, with both bounds where the mouse points; the first piece holds the library for all.

    A point that no channel meets is left open.
    """
    import plotly.graph_objects as go

    pieces: list[Surface] = []
    for name, curve in curves.items():
        first, second = varying(curve)
        x, y, shown = getattr(curve, first), getattr(curve, second), np.isfinite(curve.upper)
        text = [
            f"{first} = {a:.5g}<br>{second} = {b:.5g}<br>{low:.8g} ≤ R ≤ {high:.8g} bits"
            for a, b, low, high in zip(x.flat, y.flat, curve.lower.flat, curve.upper.flat, strict=True)
        ]
        surface = go.Surface(
            x=x,
            y=y,
            z=np.where(shown, curve.upper, np.nan),
            text=np.reshape(text, x.shape),
            hoverinfo="text",
            colorscale="Viridis",
            reversescale=True,
            colorbar={"title": {"text": "bits"}, "thickness": 12, "len": 0.6},
        )
        titles = {"xaxis_title": _AXES[first], "yaxis_title": _AXES[second], "zaxis_title": "rate R (bits)"}
        scene = titles | {"aspectmode": "cube", "camera": {"eye": dict.fromkeys("xy", 1.5) | {"z": 0.9}}}
        figure = go.Figure(surface, {"scene": scene, "margin": dict.fromkeys("lrtb", 0), "height": 520})
        body = figure.to_html(
            full_html=False,
            include_plotlyjs=not pieces,
            config={"responsive": True, "displaylogo": False, "showSendToCloud": False},
        )
        width = float((curve.upper[shown] - curve.lower[shown]).max(initial=0.0))
        pieces.append(Surface(name, body, width))
    return pieces
