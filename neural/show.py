"""Reconstructions next to their originals, to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from .data import Dataset
from .run import Run
from .streams import Stream

__all__ = ["show"]


def show(runs: Sequence[Run], *, images: int = 12, seed: int = 0) -> Figure:
    """Draw held-out images and, in a row for each run, what comes out of them.

    Each column is an image, of the classes in turn; each has a dither of its own, the same for runs of one shape.

    Parameters
    ----------
    runs
        Codecs of one data set.
    images
        How many images.
    seed
        The seed of the dithers.

    Raises
    ------
    ValueError
        If there is no run, or runs of different data sets.

    Examples
    --------
    >>> from neural import Config, train_end_to_end
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> len(show([run], images=3).axes)
    6
    """
    if not runs or len({run.config.data for run in runs}) > 1:
        raise ValueError(f"runs must be of one data set (got {[run.config.data.value for run in runs]})")
    data = runs[0].data
    chosen = _of_every_class(data.test.labels, data.classes, images)
    originals, _ = data.test.batch(chosen)
    rows = [("original", originals)]
    for run in runs:
        noise = Stream.MEASURE.generator(seed, run.config.device)
        with torch.no_grad():
            rows.append((_name(run), run.codec(originals, run.codec.quantizer.dither(len(originals), noise))))
    figure = Figure(figsize=(1.6 + 0.6 * images, 0.62 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), images, squeeze=False)
    for line, (name, pictures) in zip(axes, rows, strict=True):
        line[0].text(-0.15, 0.5, name, transform=line[0].transAxes, ha="right", va="center", fontsize=7)
        for ax, picture in zip(line, pictures, strict=True):
            ax.imshow(_picture(picture, data), cmap="gray", vmin=0, vmax=1)
            ax.set_axis_off()
    return figure


def _of_every_class(labels: Tensor, classes: int, count: int) -> Tensor:
    """Return the places of `count` labels, the first of every class, then the second of every class, and so on."""
    members = [torch.nonzero(labels == label).flatten() for label in range(classes)]
    return torch.stack([members[k % classes][k // classes] for k in range(count)])


def _name(run: Run) -> str:
    weights = [f"{run.config.rate:.2f} bits"]
    for symbol, weight in (("c", run.config.classification_weight), ("p", run.config.perception_weight)):
        if weight:
            weights.append(rf"$\lambda_{symbol}$ = {weight:g}")
    if run.encoder is not None:
        encoder = run.encoder.weights
        weights.append(rf"encoder $\lambda_c$, $\lambda_p$ = {encoder.classification:g}, {encoder.perception:g}")
    return "\n".join(weights)


def _picture(pixels: Tensor, data: Dataset) -> NDArray[np.float32]:
    planes = pixels.view(data.channels, *data.shape).cpu().numpy()
    return planes.transpose(1, 2, 0) if data.channels > 1 else planes[0]
