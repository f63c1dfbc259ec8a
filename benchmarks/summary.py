"""Measurements over seeds, one row a codec, beside what the theory allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.theory import Bound
from rdcfunc import Target

#: Columns of a measurement that are averaged over seeds.
QUANTITIES = ("rate", "D", "C", "floor", "accuracy", "judge_accuracy", "judge_cross_entropy")


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return mean and standard deviation over seeds, one row for each encoder and weight.

    Column ``X`` is a mean, ``X_sd`` its standard deviation over seeds (zero for one seed); ``encoder`` is the weight
    of the encoder that is reused, NaN end to end. Rates, C and floor are in bits, D is per pixel.
    """
    flat = pd.DataFrame(
        {
            "encoder": np.nan if row["encoder_weight"] is None else row["encoder_weight"],
            "weight": row["config"]["classification_weight"],
            "seed": row["config"]["seed"],
            "seconds": row["seconds"],
            **{name: row["measurement"].get(name) for name in QUANTITIES if name not in "DC"},
            **{name: row["measurement"]["target"][name] for name in "DC"},
        }
        for row in rows
    )
    if flat.empty:
        return flat
    grouped = flat.groupby(["encoder", "weight"], dropna=False)
    means = grouped[[*QUANTITIES, "seconds"]].mean()
    spread = grouped[list(QUANTITIES)].std(ddof=1).fillna(0.0).add_suffix("_sd")
    seeds = grouped["seed"].nunique().rename("seeds")
    joined = means.join(spread).join(seeds).reset_index()
    return joined.sort_values(["encoder", "weight"], na_position="first", ignore_index=True)


def targets(frame: pd.DataFrame) -> list[Target]:
    """Return what each codec achieves, as the theory's targets."""
    return [Target(D=D, C=C) for D, C in zip(frame["D"], frame["C"], strict=True)]


def beside(frame: pd.DataFrame, bound: Bound, rates: list[tuple[float, float]]) -> pd.DataFrame:
    """Add the theory's least D at the nominal rate and the codec's C, and its least rate at the codec's D and C."""
    C = frame["C"].to_numpy()
    lower, upper = bound.lower_at(C), bound.upper_at(C)
    return frame.assign(
        theory_D_lower=lower,
        theory_D_upper=upper,
        D_over_theory=frame["D"].to_numpy() / upper,
        theory_R_lower=[low for low, _ in rates],
        theory_R_upper=[high for _, high in rates],
    )
