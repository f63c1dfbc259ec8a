"""Reproductions with the samples' own law: an entropic coupling of the samples with themselves, or with their cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rdcfunc.information import Array
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.rows import Rows
from rdcfunc.solvers.particles_control import Control, landed

#: Hard sweeps that make cells, how hard they are, soft ones that fit their masses, and the last, in all coordinates.
_CELLS, _HARD, _FITS, _LAST = 8, 200.0, 50, 4


def mirrored(rows: Rows, coarse: Rows, control: Control, letters: Array, s: float) -> tuple[Cloud, int]:
    """Return the encoder whose letter has the law of the samples' cells: all samples themselves, if letters are many.

    With perfect perception the reproduction is a sample again, and the least rate at a distortion is that of the
    entropic coupling ``w ~ r_j e^{-s |x - y_j|²}`` whose letters have the masses of their cells.

    Parameters
    ----------
    rows, coarse
        The samples, in all coordinates and along some axes for most sweeps; they may be the same.
    letters
        Where cells start, shape (m, k), about the mean.
    s
        A price to start from.
    """
    if len(letters) >= rows.total:
        y, q, steps = rows.some(np.arange(rows.total)), rows.pmf, 0
    else:
        y, q, steps = _cells(rows, coarse, letters, s)
    q = np.maximum(q, 1e-300)
    cloud = Cloud(_along(coarse, y), np.log(q), np.zeros((len(y), 1)), s)
    cloud = _fitted(coarse, control, cloud, q, _FITS)
    if coarse is not rows:
        cloud = _fitted(rows, control, replace(cloud, letters=y), q, _LAST)
    found = landed(rows, control, cloud)
    return found.cloud, steps + _FITS + _LAST * (coarse is not rows) + found.passes


def _cells(rows: Rows, coarse: Rows, letters: Array, s: float) -> tuple[Array, Array, int]:
    """Return means and masses of the cells that hard sweeps make."""
    y, q = _along(coarse, letters), np.full(len(letters), 1.0 / len(letters))
    for _ in range(_CELLS):
        y, q = _hard(coarse, y, q, s)
    # All coordinates of the cells' means, by their samples.
    if coarse is not rows:
        y, q = _hard(rows, y @ np.asarray(coarse.axes).T, q, s)
    return y, q, _CELLS + (coarse is not rows)


def _hard(rows: Rows, y: Array, q: Array, s: float) -> tuple[Array, Array]:
    sums = rows.sweep(Cloud(y, np.log(q), np.zeros((len(y), 1)), _HARD * s))
    live = np.flatnonzero(sums.law > 1e-12)
    return sums.means[live], sums.law[live] / sums.law[live].sum()


def _fitted(rows: Rows, control: Control, cloud: Cloud, q: Array, fits: int) -> Cloud:
    """Return the cloud with weights for which letters have the law q, and the price that follows the level."""
    for _ in range(fits):
        sums = rows.sweep(cloud)
        log_r = cloud.log_r + np.log(q / np.maximum(sums.law, 1e-300))
        cloud = control.priced(replace(cloud, log_r=log_r), cloud, sums)
    return cloud


def _along(coarse: Rows, letters: Array) -> Array:
    return letters if coarse.axes is None else letters @ coarse.axes
