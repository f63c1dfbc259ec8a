"""Measured codecs as points beside the bounds: codecs of words, and networks, each the mean over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

#: Of an image of MNIST.
PIXELS = 784


@dataclass(frozen=True)
class Point:
    """A measured codec.

    Attributes
    ----------
    name
        Its weights.
    rate, D, C
        The most of its rate in bits, distortion per pixel, and ``H(S|Z)`` of its messages in bits.
    P
        The squared W1 per pixel that a critic found between images and reconstructions, which is at most their W2²;
        None if it was not measured.
    error
        The standard error of D over seeds.
    reused
        Whether the encoder was made for another decoder.
    weighs
        ``"C"`` or ``"P"`` for what it, or its encoder, was trained for beside the distortion, empty for nothing.
    encoder, dithered
        The distortion of the means of training images at the same message: without dither, and with it.
    """

    name: str
    rate: float
    D: float
    C: float
    P: float | None = None
    error: float = 0.0
    reused: bool = False
    weighs: str = ""
    encoder: float | None = None
    dithered: float | None = None


def words(rows: Iterable[dict[str, Any]]) -> list[Point]:
    """Return codecs of words, mean over seeds on test images, from the rows of ``benchmarks.best``.

    No law is further from the images' in W2² than D, and means of the images that are nearest are just as far.
    """
    frame = pd.DataFrame(
        {"weight": r["weight"], "rate": r["rate"], "D": r["test"]["mse"], "C": r["test"]["equivocation"]} for r in rows
    )
    if frame.empty:
        return []
    means = frame.groupby("weight").mean().reset_index()
    return [
        Point(f"27 words, $\\lambda_c$ = {w:g}", rate, D, C, P=None if w else D, weighs="C" if w else "")
        for w, rate, D, C in means[["weight", "rate", "D", "C"]].itertuples(index=False)
    ]


def coded(rows: Iterable[dict[str, Any]]) -> list[Point]:
    """Return codes of one word an image whose index is entropy-coded, on test images, from the rows of bounds."""
    return [
        Point(f"{r['letters']} words, entropy-coded", r["R"], r["test_D"], r["test_C"], P=r["test_D"])
        for r in rows
        if r["kind"] == "words"
    ]


def networks(rows: Sequence[dict[str, Any]]) -> list[Point]:
    """Return networks that weigh C or P, mean over seeds on test images, from the rows of a sweep of ``neural``."""
    from neural.summary import summary

    if not rows:
        return []
    points = []
    for row in summary(rows).fillna({"D_se": 0.0}).to_dict("records"):
        weights = {"C": ("classification_weight", "\\lambda_c"), "P": ("perception_weight", "\\lambda_p")}
        weighs = "".join(x for x, (name, _) in weights.items() if row[name] or row[f"encoder_{name}"] > 0)
        if len(weighs) == 2:
            continue
        column, symbol = weights[weighs or "C"]
        own, encoder = f"${symbol}$ = {row[column]:g}", row[f"encoder_{column}"]
        reused = not np.isnan(encoder)
        name = f"decoder {own} on the encoder of {encoder:g}" if reused else f"network end to end, {own}"
        critic = row.get("critic", np.nan)
        points.append(
            Point(
                name,
                row["nominal_rate"],
                row["D"],
                row["floor"],
                P=None if np.isnan(critic) else critic**2 / PIXELS,
                error=row["D_se"],
                reused=reused,
                weighs=weighs,
                encoder=row.get("undithered_distortion"),
                dithered=row.get("refitted_distortion"),
            )
        )
    return points
