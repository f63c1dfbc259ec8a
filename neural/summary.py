"""The rows of a sweep as a table: means over seeds and their standard errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["summary"]

_WEIGHTS = ("distortion_weight", "classification_weight", "perception_weight")
_KEYS = ("data", "dimension", "levels", *(f"encoder_{name}" for name in _WEIGHTS), *_WEIGHTS)


def summary(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return mean and standard error over seeds of each codec of a sweep.

    Column ``X`` is a mean and ``X_se`` its standard error, NaN for one seed; columns ``encoder_...`` are the weights
    of a reused encoder, NaN end to end. Rates, C, floor and cross-entropies are in bits, D is per pixel, distances
    between laws are in the Euclidean norm of images.

    Examples
    --------
    >>> measurement = {"target": {"D": 0.05, "P": None, "C": 1.0}, "rate": 4.5, "perception": None}
    >>> row = {"config": {"seed": 0, "levels": 3}, "encoder": None, "measurement": measurement, "seconds": 1.0}
    >>> summary([row, {**row, "config": {"seed": 1, "levels": 3}}])[["levels", "seeds", "D", "D_se"]]
       levels  seeds     D  D_se
    0       3      2  0.05   0.0
    """
    flat = pd.DataFrame(_flat(row) for row in rows)
    if flat.empty:
        return flat
    keys = [name for name in _KEYS if name in flat]
    quantities = [name for name in flat.columns if name not in (*keys, "seed")]
    groups = flat.groupby(keys, dropna=False, sort=False)
    means, seeds = groups[quantities].mean(), groups["seed"].nunique().rename("seeds")
    errors = groups[quantities].sem().add_suffix("_se")
    return means.join(errors).join(seeds).reset_index()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is measured and what it was trained on as one level of names."""
    config, encoder, measured = row["config"], row["encoder"], row["measurement"]
    flat = {name: config.get(name) for name in ("data", "dimension", "levels", "seed") if name in config}
    for name in _WEIGHTS:
        if name in config:
            flat |= {name: config[name], f"encoder_{name}": np.nan if encoder is None else encoder[name]}
    numbers = {**measured, **(measured.get("perception") or {}), "seconds": row["seconds"]}
    flat |= {name: value for name, value in numbers.items() if isinstance(value, int | float)}
    return flat | {name: measured["target"][name] for name in "DC"}
